"""Where is counted: in this process, or in Redis. Both are storages of the library limits, for all of its strategies.

They are ours because the library's own memory storage starts a thread to walk through all keys and keeps those of a moving
window for ever, and its Redis storage knows the end of a window only to the second.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from limits.storage import MovingWindowSupport, RedisStorage, SlidingWindowCounterSupport, Storage

COLLECTED_AT_ONCE = 16

Clock = Callable[[], float]

_WALL_S = time.time() - time.monotonic()


def wall_clock() -> float:
    """Return the time in unix seconds, as it was at the start of the process and goes on since, whoever sets the clock."""
    return _WALL_S + time.monotonic()


class _Counter:
    """Hits in the window that ends at `ends`."""

    __slots__ = ("count", "ends")

    def __init__(self, ends: float) -> None:
        self.count = 0
        self.ends = ends


class _Log:
    """The times of the last hits, the oldest first."""

    __slots__ = ("ends", "times")

    def __init__(self, ends: float) -> None:
        self.times: deque[float] = deque()
        self.ends = ends

    def forget(self, before: float) -> None:
        while self.times and self.times[0] < before:
            self.times.popleft()


class _Pair:
    """Hits in the window with number `index`, and in the one before."""

    __slots__ = ("current", "ends", "index", "previous")

    def __init__(self, ends: float) -> None:
        self.index = 0
        self.current = self.previous = 0
        self.ends = ends

    def turn(self, now: float, expiry: float) -> None:
        index = int(now / expiry)
        if index != self.index:
            self.previous = self.current if index == self.index + 1 else 0
            self.current, self.index = 0, index
            self.ends = (index + 2) * expiry


class MemoryStore(Storage, MovingWindowSupport, SlidingWindowCounterSupport):
    """Counts in this process; forgets what is over, a little with each new key, without a thread.

    Args:
        clock: Unix seconds that never go back.
    """

    def __init__(self, clock: Clock = wall_clock) -> None:
        super().__init__()
        self.clock = clock
        self._lock = threading.Lock()
        self._counters: dict[str, _Counter] = {}
        self._logs: dict[str, _Log] = {}
        self._pairs: dict[str, _Pair] = {}
        self._ends: list[tuple[float, str]] = []

    def __len__(self) -> int:
        """Return how many keys are held."""
        return len(self._counters) + len(self._logs) + len(self._pairs)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    # -- fixed windows

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._lock:
            now = self.clock()
            found = self._counters.get(key)
            if found is None:
                found = self._counters[key] = _Counter(now + expiry)
                self._expect(found.ends, key, now)
            elif found.ends <= now:
                found.count, found.ends = 0, now + expiry
            found.count += amount
            return found.count

    def get(self, key: str) -> int:
        found = self._counters.get(key)
        return found.count if found is not None and found.ends > self.clock() else 0

    def get_expiry(self, key: str) -> float:
        found = self._counters.get(key)
        return found.ends if found is not None else self.clock()

    # -- moving windows

    def acquire_entry(self, key: str, limit: int, expiry: float, amount: int = 1) -> bool:
        with self._lock:
            now = self.clock()
            found = self._logs.get(key)
            if found is None:
                found = self._logs[key] = _Log(now + expiry)
                self._expect(found.ends, key, now)
            found.forget(now - expiry)
            if len(found.times) + amount > limit:
                return False
            found.times.extend([now] * amount)
            found.ends = now + expiry
            return True

    def get_moving_window(self, key: str, limit: int, expiry: float) -> tuple[float, int]:
        with self._lock:
            now = self.clock()
            found = self._logs.get(key)
            if found is not None:
                found.forget(now - expiry)
            return (found.times[0], len(found.times)) if found is not None and found.times else (now, 0)

    # -- sliding windows

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: float, amount: int = 1) -> bool:
        with self._lock:
            now = self.clock()
            found = self._pairs.get(key)
            if found is None:
                found = self._pairs[key] = _Pair(now + 2 * expiry)
                self._expect(found.ends, key, now)
            found.turn(now, expiry)
            left_s = (found.index + 1) * expiry - now
            if int(found.previous * left_s / expiry + found.current) + amount > limit:
                return False
            found.current += amount
            return True

    def get_sliding_window(self, key: str, expiry: float) -> tuple[int, float, int, float]:
        with self._lock:
            now = self.clock()
            found = self._pairs.get(key)
            if found is None:
                return 0, 0.0, 0, 0.0
            found.turn(now, expiry)
            left_s = (found.index + 1) * expiry - now
            return found.previous, left_s, found.current, left_s + expiry

    def clear_sliding_window(self, key: str, expiry: float) -> None:
        self.clear(key)

    # -- all of them

    def clear(self, key: str) -> None:
        with self._lock:
            self._forget(key)

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            held = len(self)
            for kind in (self._counters, self._logs, self._pairs, self._ends):
                kind.clear()
            return held

    def _forget(self, key: str) -> None:
        self._counters.pop(key, None)
        self._logs.pop(key, None)
        self._pairs.pop(key, None)

    def _expect(self, ends: float, key: str, now: float) -> None:
        """Note that *key* is new, and forget a few that are over."""
        heapq.heappush(self._ends, (ends, key))
        for _ in range(COLLECTED_AT_ONCE):
            if self._ends[0][0] > now:
                return
            _, old = self._ends[0]
            last = max((held.ends for held in self._find(old)), default=now)
            if last > now:
                heapq.heapreplace(self._ends, (last, old))
            else:
                heapq.heappop(self._ends)
                self._forget(old)

    def _find(self, key: str) -> list[_Counter | _Log | _Pair]:
        found = (self._counters.get(key), self._logs.get(key), self._pairs.get(key))
        return [one for one in found if one is not None]


class RedisStore(RedisStorage):
    """Counts in Redis, for all processes that ask the same one."""

    clock = staticmethod(time.time)

    def get_expiry(self, key: str) -> float:
        connection: Any = self.get_connection(True)
        left_ms: int = connection.pttl(self.prefixed_key(key))
        return self.clock() + max(left_ms, 0) / 1000
