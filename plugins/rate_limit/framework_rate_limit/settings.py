"""What operators can set, and the store that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from framework import ConfigurationError
from framework.limits import find_setting

from .buckets import Buckets, FallibleBuckets, Strategy
from .rates import RatesSetting, parse_rates
from .stores import MemoryStore, RedisStore

MEMORY = "memory://"
KEY_PREFIX = "framework_rate_limit"

_HOSTS = ("redis", "rediss", "valkey", "valkeys")
_SOCKETS = ("unix", "redis+unix", "valkey+unix")


def _check_url(url: str) -> str:
    """The value isn't in the message: there may be a password in it."""
    try:
        parts = urlsplit(url)
        port, database = parts.port, parts.path.strip("/")
    except ValueError:
        parts, port, database = urlsplit(""), None, ""
    is_socket = parts.scheme in _SOCKETS and bool(database)
    is_host = parts.scheme in _HOSTS and bool(parts.hostname) and (database.isdecimal() or not database)
    if url and url != MEMORY and not is_socket and not (is_host and port != 0):
        raise PydanticCustomError("store", "it is memory:// or e.g. redis://localhost:6379/0")
    return url


class Settings(BaseModel):
    """Each field is ``FRAMEWORK_RATE_LIMIT_<FIELD>`` in ``app.config`` or the environment.

    Rates are texts: ``100/second; 1000/minute``. An empty one is no limit.
    """

    model_config = ConfigDict(frozen=True)

    per_connection: RatesSetting = parse_rates("100/second")
    """All events of one connection together."""

    per_event: RatesSetting = ()
    """Each event of one connection by itself; all that nobody serves are one."""

    per_user: RatesSetting = ()
    """All events of one user, on any number of connections."""

    per_address: RatesSetting = ()
    """All events from one address, of any number of users."""

    connects_per_address: RatesSetting = parse_rates("50/second")
    """Connects from one address; each namespace that a client joins is one."""

    strategy: Strategy = "sliding-window-counter"
    """How a window is counted: ``fixed-window``, ``moving-window`` or ``sliding-window-counter``."""

    storage_url: Annotated[str, AfterValidator(_check_url)] = Field(default="", repr=False)
    """Where users and addresses are counted: ``memory://``, ``redis://...``; the broker if that is Redis, else memory."""

    storage_timeout_s: float = Field(default=0.25, gt=0, le=10, allow_inf_nan=False)
    """Seconds to wait for Redis."""

    on_storage_failure: Literal["allow", "refuse"] = "allow"
    """What becomes of events that can't be counted."""


def build_buckets(settings: Settings, config: Mapping[str, Any], queue: object, async_mode: str) -> Buckets:
    """Return the buckets of users and addresses.

    Args:
        config: ``app.config``.
        queue: What the code says is the broker, if anything.

    Raises:
        ConfigurationError: The package that Redis needs is not installed, gevent has not patched the sockets, or the URL
            can't be used.
    """
    url = settings.storage_url or _find_broker(config, queue) or MEMORY
    if url == MEMORY:
        return Buckets(settings.strategy, MemoryStore())
    if async_mode == "gevent" and not _is_patched():
        raise ConfigurationError(
            "rates are to be counted in Redis, which would stop all greenlets. Start with 'framework run --async-mode "
            "gevent', or call gevent.monkey.patch_all() before anything else is imported"
        )
    return FallibleBuckets(settings.strategy, _connect(url, settings.storage_timeout_s), settings.on_storage_failure)


def _find_broker(config: Mapping[str, Any], queue: object) -> str | None:
    found = queue or find_setting(config, "MESSAGE_QUEUE")
    return found if isinstance(found, str) and urlsplit(found).scheme in (*_HOSTS, *_SOCKETS) else None


def _is_patched() -> bool:
    return bool(import_module("gevent.monkey").is_module_patched("socket"))


def _connect(url: str, timeout_s: float) -> RedisStore:
    """Return the store at *url*, which is asked for the first time when there is something to count."""
    try:
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise ConfigurationError(
            "rates are to be counted in Redis, and the package redis is not installed: "
            "pip install 'framework-rate-limit[redis]'"
        ) from error
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        return RedisStore(url.replace("valkey", "redis", 1), key_prefix=KEY_PREFIX, **cast(Any, options))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"the URL of the store of the rate limits can't be used ({type(error).__name__})"
        ) from None
