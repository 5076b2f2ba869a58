"""What is no longer valid, though it says so: a table in every process, and Redis between them.

An event is checked against the table only. `RedisChannel` fills it: with everything that is known, whenever it has
subscribed, then with each revocation as it is made.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from framework import EventError, FrameworkError

from .tokens import Proof

logger = logging.getLogger("framework.auth")

REDIS_TIMEOUT_S = 2.0
POLL_S = 1.0
PING_EVERY_S = 3.0
MAX_PAUSE_S = 8.0
_PRUNE_EVERY_S = 60.0


class RevocationError(FrameworkError, RuntimeError):
    """A revocation is known in this process only, since Redis could not be told; ``__cause__`` is why."""


class Revocation(BaseModel):
    """One token, or all of an identity that was issued before a moment.

    Args:
        before: Seconds since 1970; means nothing for a token.
        until: When it can be forgotten, in seconds since 1970.
    """

    model_config = ConfigDict(frozen=True)

    token_id: str | None = None
    identity_id: str | None = None
    before: float
    until: float


class RevocationTable:
    """What is revoked, as this process knows it; read without a lock, for every event."""

    def __init__(self) -> None:
        self._tokens: dict[str, float] = {}
        self._identities: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()
        self._pruned_at = 0.0

    def __len__(self) -> int:
        return len(self._tokens) + len(self._identities)

    def add(self, revocation: Revocation) -> None:
        with self._lock:
            self._prune(time.time())
            if revocation.token_id is not None:
                self._tokens[revocation.token_id] = max(revocation.until, self._tokens.get(revocation.token_id, 0.0))
            if (account := revocation.identity_id) is not None:
                before, until = self._identities.get(account, (0.0, 0.0))
                self._identities[account] = (max(before, revocation.before), max(until, revocation.until))

    def has(self, proof: Proof) -> bool:
        """Say whether *proof* is revoked."""
        if proof.token_id is not None and proof.token_id in self._tokens:
            return True
        found = self._identities.get(proof.identity.id)
        return found is not None and proof.since < found[0]

    def _prune(self, now: float) -> None:
        if now - self._pruned_at > _PRUNE_EVERY_S:
            self._pruned_at = now
            self._tokens = {key: until for key, until in self._tokens.items() if until > now}
            self._identities = {key: found for key, found in self._identities.items() if found[1] > now}


class RedisChannel:
    """Tells the other processes, and hears of them.

    What is revoked is kept in a sorted set, by the time when it can be forgotten, and published on a channel.

    Args:
        url: Of Redis.
        prefix: Begins the names of the set and the channel.
        take: Called with each revocation, known or new.
    """

    def __init__(self, url: str, prefix: str, take: Callable[[list[Revocation]], None]) -> None:
        redis = importlib.import_module("redis")
        retry = importlib.import_module("redis.retry").Retry(importlib.import_module("redis.backoff").NoBackoff(), 0)
        self._error: type[Exception] = redis.RedisError
        self._late: type[Exception] = redis.TimeoutError
        self._client: Any = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=retry,  # a subscription that is renewed in silence has missed something
        )
        self._key, self._channel = f"{prefix}:revocations", f"{prefix}:revoked"
        self._take = take
        self._lock = threading.Lock()
        self._stopped: Any = None
        self._is_loaded = False
        self._is_failing = False

    def tell(self, revocation: Revocation) -> None:
        """Keep *revocation* and publish it.

        Raises:
            RevocationError: Redis could not be told.
        """
        text = revocation.model_dump_json()
        try:
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.zadd(self._key, {text: revocation.until})
                pipeline.zremrangebyscore(self._key, "-inf", time.time())
                pipeline.publish(self._channel, text)
                pipeline.execute()
        except (self._error, OSError) as error:
            raise RevocationError(
                f"it is revoked in this process only: Redis could not be told ({error}). Call revoke again."
            ) from error

    def require(self) -> None:
        """Make sure that what was revoked before this process started is known.

        Raises:
            EventError: Redis can't be asked (``unavailable``).
        """
        if not self._is_loaded:
            try:
                self._load()
            except (self._error, OSError) as error:
                self._report(error)
                raise EventError("unavailable", "Try again later.", retry_after=REDIS_TIMEOUT_S) from error

    def start(self, start_task: Callable[..., Any], create_event: Callable[[], Any]) -> None:
        """Listen in a background task, if none does."""
        with self._lock:
            is_new = self._stopped is None
            if is_new:
                self._stopped = create_event()
            stopped = self._stopped
        if is_new:
            start_task(self._listen, stopped)

    def stop(self) -> None:
        """Stop listening; the task ends within a second."""
        with self._lock:
            stopped, self._stopped = self._stopped, None
        if stopped is not None:
            stopped.set()

    def _listen(self, stopped: Any) -> None:
        pause_s = 0.0
        while not stopped.wait(timeout=pause_s):
            pause_s = min(MAX_PAUSE_S, 2 * pause_s or 0.5)
            try:
                for message in self._follow(stopped):
                    pause_s = 0.0
                    self._hear(message)
            except (self._error, OSError) as error:
                self._report(error)
            except Exception:
                logger.exception("listening for revocations failed")
        self._client.connection_pool.disconnect(inuse_connections=False)

    def _follow(self, stopped: Any) -> Iterator[dict[str, Any]]:
        """Yield what comes on the channel, the answers to pings included; raise where those stay away."""
        with self._client.pubsub() as pubsub:
            pubsub.subscribe(self._channel)
            asked_s = heard_s = time.monotonic()
            while not stopped.is_set():
                message, now_s = pubsub.get_message(timeout=POLL_S), time.monotonic()
                if message is not None:
                    heard_s = now_s
                    yield message
                elif now_s - heard_s > PING_EVERY_S + REDIS_TIMEOUT_S:
                    raise self._late("it does not answer")
                if now_s - asked_s > PING_EVERY_S:
                    asked_s = now_s
                    pubsub.ping()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._load()
            if self._is_failing:
                self._is_failing = False
                logger.warning("Redis is back; what was revoked meanwhile is known")
        elif message["type"] == "message":
            self._take(_parse([message["data"]]))

    def _load(self) -> None:
        self._take(_parse(self._client.zrangebyscore(self._key, time.time(), "+inf")))
        self._is_loaded = True

    def _report(self, error: Exception) -> None:
        if not self._is_failing:  # once for one outage
            self._is_failing = True
            logger.error("revocations of other processes are not heard: Redis fails with %s", error)


def _parse(texts: list[str]) -> list[Revocation]:
    """Return what can be understood; anybody may write to a channel."""
    found = []
    for text in texts:
        try:
            found.append(Revocation.model_validate_json(text))
        except ValidationError:
            logger.warning("what came as a revocation is none")
    return found
