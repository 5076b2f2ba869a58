"""One background task that waits for the end of every client's time.

It runs while there is something to wait for, and goes by the wall clock, as tokens do.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("framework.auth")

LONGEST_WAIT_S = 30.0  # a machine that slept, or whose clock was set, is noticed by then
RETRY_S = 5.0
_MIN_HEAP = 64


class Clock:
    """Calls *ring* for a key when its time has come.

    Args:
        ring: Takes the key and the time, and returns when to call it again, or None; called again after 5 s where it
            raises. It must not block.
        start_task: Starts a background task of the server's async mode.
        create_event: Makes an event of the server's async mode.
        now: The time in seconds since 1970.
    """

    def __init__(
        self,
        ring: Callable[[str, float], float | None],
        start_task: Callable[..., Any],
        create_event: Callable[[], Any],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._ring = ring
        self._start_task = start_task
        self._create_event = create_event
        self._now = now
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._wake: Any = None

    def set(self, key: str, when: float) -> None:
        """Call for *key* at *when*, in place of the time that was set before."""
        with self._lock:
            self._due[key] = when
            self._push(when, key)
            is_first = self._heap[0] == (when, key)
            if is_new := self._wake is None:
                self._wake = self._create_event()
            wake = self._wake
        if is_new:
            self._start_task(self._run, wake)
        elif is_first:
            wake.set()

    def forget(self, key: str) -> None:
        """Don't call for *key*."""
        with self._lock:
            self._due.pop(key, None)

    def stop(self) -> None:
        """Forget everything; the task ends."""
        with self._lock:
            self._due.clear()
            if self._wake is not None:
                self._wake.set()

    def __len__(self) -> int:
        return len(self._due)

    def _push(self, when: float, key: str) -> None:
        heapq.heappush(self._heap, (when, key))
        if len(self._heap) > max(_MIN_HEAP, 2 * len(self._due)):  # most of it is of clients that have left
            self._heap = [(when, key) for key, when in self._due.items()]
            heapq.heapify(self._heap)

    def _run(self, wake: Any) -> None:
        while (wait_s := self._ring_due()) is not None:
            wake.wait(timeout=min(wait_s, LONGEST_WAIT_S))
            wake.clear()

    def _ring_due(self) -> float | None:
        """Call for all whose time has come; return the seconds until the next, or None when the task is to end."""
        while True:
            now = self._now()
            with self._lock:
                if not self._due:
                    self._heap.clear()
                    self._wake = None
                    return None
                when, key = self._heap[0]
                is_stale = self._due.get(key) != when
                if not is_stale and when > now:
                    return when - now
                heapq.heappop(self._heap)
                if is_stale:
                    continue
                del self._due[key]
            self._call(key, now)

    def _call(self, key: str, now: float) -> None:
        try:
            again = self._ring(key, now)
        except Exception:
            logger.exception("the end of a client's time could not be handled")
            again = now + RETRY_S
        if again is not None:
            with self._lock:
                if key not in self._due:  # nobody has set another meanwhile
                    self._due[key] = again
                    self._push(again, key)
