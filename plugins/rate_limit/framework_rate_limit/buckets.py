"""Buckets: what is counted under one key against one rate, and how long a full one has to be waited for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from limits import RateLimitItem
from limits.strategies import STRATEGIES

from framework import EventError

from .stores import Clock, MemoryStore, RedisStore

logger = logging.getLogger("framework.rate_limit")

Strategy = Literal["fixed-window", "moving-window", "sliding-window-counter"]
Store = MemoryStore | RedisStore

PAUSE_S = 1.0
"""How long a store that failed is not asked."""


class Buckets:
    """The buckets of one store, by one strategy."""

    def __init__(self, strategy: Strategy, store: Store) -> None:
        self.store = store
        self._hit = STRATEGIES[strategy](store).hit
        self._wait = _WAITS[strategy]

    def hit(self, rate: RateLimitItem, key: str) -> bool:
        """Count one, and say whether *rate* allows it."""
        return self._hit(rate, key)

    def wait_s(self, rate: RateLimitItem, key: str) -> float:
        """Return the seconds until *rate* allows one more; 0 where it does now."""
        return max(0.0, self._wait(self.store, rate.key_for(key), rate.amount, rate.get_expiry()))


def _wait_fixed(store: Store, key: str, amount: int, window_s: int) -> float:
    return store.get_expiry(key) - store.clock() if store.get(key) >= amount else 0.0


def _wait_moving(store: Store, key: str, amount: int, window_s: int) -> float:
    oldest, count = store.get_moving_window(key, amount, window_s)
    return oldest + window_s - store.clock() if count >= amount else 0.0


def _wait_sliding(store: Store, key: str, amount: int, window_s: int) -> float:
    """A hit in the window before weighs as much as is left of it; those in this one weigh 1 until it ends."""
    previous, previous_left_s, current, current_left_s = store.get_sliding_window(key, window_s)
    if current >= amount:
        return current_left_s - window_s * amount / current
    return previous_left_s - (amount - current) * window_s / previous if previous else 0.0


_WAITS: dict[Strategy, Callable[[Store, str, int, int], float]] = {
    "fixed-window": _wait_fixed,
    "moving-window": _wait_moving,
    "sliding-window-counter": _wait_sliding,
}


class FallibleBuckets(Buckets):
    """Buckets in a store that may be dead or hang: it is left alone for a while when it fails, and then asked by one.

    Args:
        on_failure: Whether to allow or to refuse what can't be counted.
        clock: Seconds.
    """

    def __init__(
        self,
        strategy: Strategy,
        store: RedisStore,
        on_failure: Literal["allow", "refuse"],
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(strategy, store)
        self._allows = on_failure == "allow"
        self._clock = clock
        self._failures = store.base_exceptions
        self._lock = threading.Lock()
        self._asked_again_at: float | None = None  # None while it answers

    def hit(self, rate: RateLimitItem, key: str) -> bool:
        """Count one, and say whether *rate* allows it.

        Raises:
            EventError: It can't be counted, and that is to be refused.
        """
        allowed = self._ask(super().hit, rate, key)
        if allowed is None and not self._allows:
            raise EventError("unavailable", "Try again later.", retry_after=PAUSE_S)
        return allowed is None or bool(allowed)

    def wait_s(self, rate: RateLimitItem, key: str) -> float:
        return self._ask(super().wait_s, rate, key) or 0.0

    def _ask(self, question: Callable[[RateLimitItem, str], Any], rate: RateLimitItem, key: str) -> Any:
        """Return the answer, or None where there is none."""
        if self._asked_again_at is not None and not self._take_turn():
            return None
        try:
            answer = question(rate, key)
        except self._failures as error:
            self._note_failure(error)
            return None
        if self._asked_again_at is not None:
            self._note_success()
        return answer

    def _take_turn(self) -> bool:
        """Say whether it is time to ask again; the others go on waiting meanwhile."""
        with self._lock:
            now = self._clock()
            if self._asked_again_at is not None and now < self._asked_again_at:
                return False
            self._asked_again_at = now + PAUSE_S
            return True

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            is_first, self._asked_again_at = self._asked_again_at is None, self._clock() + PAUSE_S
        if is_first:
            what = "allowed" if self._allows else "refused"
            logger.error(
                "the store of the rate limits does not answer (%s: %s); what counts there is %s until it does.",
                type(error).__name__,
                error,
                what,
            )

    def _note_success(self) -> None:
        with self._lock:
            is_back, self._asked_again_at = self._asked_again_at is not None, None
        if is_back:
            logger.warning("the store of the rate limits answers again.")
