"""How much one client may ask of the server: the limits, their safe defaults and the settings that change them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from .errors import ConfigurationError

SETTING_PREFIX = "FRAMEWORK_"


@dataclass(frozen=True)
class Limits:
    """Bounds on one connection; what goes beyond them is refused or closed, other clients are not affected.

    Each is also a setting, ``FRAMEWORK_`` and its name in capitals, in ``app.config`` or the environment (for instance
    ``FRAMEWORK_MAX_NESTING``). The size of a message is Engine.IO's own option ``max_http_buffer_size``
    (1_000_000 bytes): a larger one is refused before it is read whole.

    Args:
        max_attachments: Binary attachments of one event.
        max_attachment_bytes: All attachments of one event together.
        max_nesting: Lists and objects inside each other in one event. pydantic's JSON parser stops at 200.
        max_namespaces: Namespaces that one connection may join.
        max_queued_events: Events of one client that wait for their turn; reading from it pauses beyond that.
        max_queued_bytes: Bytes of the events that wait for their turn; reading pauses beyond that.
        max_send_queue_bytes: Bytes that wait to be sent to one client; beyond that it is disconnected.
        max_threads: Threads that handlers may occupy at the same time, in threading mode; beyond that they wait.
        max_streams: Streams that one client of a namespace may have at the same time.
        stream_window: Chunks of one stream that the client has not acknowledged yet; one at a time while half of
            *max_send_queue_bytes* waits.
        connect_timeout_s: Seconds in which a new connection has to join a namespace, and in which a WebSocket
            upgrade has to be completed. 45 is Node's ``connectTimeout``.
    """

    max_attachments: int = 64
    max_attachment_bytes: int = 10_000_000
    max_nesting: int = 64
    max_namespaces: int = 32
    max_queued_events: int = 1000
    max_queued_bytes: int = 16_000_000
    max_send_queue_bytes: int = 16_000_000
    max_threads: int = 1000
    max_streams: int = 16
    stream_window: int = 16
    connect_timeout_s: float = 45.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:  # not even NaN
                raise ConfigurationError(f"Limits.{field.name} is {getattr(self, field.name)!r}; it must be above 0.")
        if self.max_nesting > 200:
            raise ConfigurationError(
                f"Limits.max_nesting is {self.max_nesting}; pydantic's JSON parser stops at 200 (pydantic-core)."
            )

    def override(self, settings: Mapping[str, Any]) -> Limits:
        """Return these limits with what *settings* (e.g. ``app.config``) and the environment say otherwise.

        Raises:
            ConfigurationError: A setting is no number, or not above 0.
        """
        found = {field.name: find_setting(settings, field.name.upper()) for field in fields(self)}
        changes = {
            name: _read_number(name, value, type(getattr(self, name)))
            for name, value in found.items()
            if value is not None
        }
        return replace(self, **changes) if changes else self


def find_setting(settings: Mapping[str, Any], name: str) -> Any:
    """Return ``FRAMEWORK_<name>`` from *settings*, else from the environment, else None."""
    key = SETTING_PREFIX + name
    value = settings.get(key)
    return os.environ.get(key) if value is None else value


def _read_number(name: str, value: Any, kind: type[int | float]) -> Any:
    try:
        number = kind(str(value))  # not int(1.5), and not int(True)
    except ValueError:
        number = 0
    if not number > 0:
        wanted = "a whole number" if kind is int else "a number"
        raise ConfigurationError(f"{SETTING_PREFIX}{name.upper()} is {value!r}; it must be {wanted} above 0.")
    return number
