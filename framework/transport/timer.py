"""One background task that waits for every connection's pings and timeouts, where Engine.IO starts one per ping."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

_MANY = 64


class Alarm:
    """A call that is due at a moment; cancelling drops what it holds at once."""

    __slots__ = ("_timer", "action")

    def __init__(self, action: Callable[[], object], timer: Timer) -> None:
        self.action: Callable[[], object] | None = action
        self._timer = timer

    def cancel(self) -> None:
        if self.action is not None:
            self.action = None
            self._timer.note_cancelled()


class Timer:
    """Runs short actions at their time, in one task that starts with the first of them.

    Args:
        start_task: Starts a background task of the server's async mode.
        create_event: Makes an event of the server's async mode.
    """

    def __init__(self, start_task: Callable[..., Any], create_event: Callable[[], Any]) -> None:
        self._start_task = start_task
        self._create_event = create_event
        self._lock = threading.Lock()
        self._due: list[tuple[float, int, Alarm]] = []
        self._order = itertools.count()
        self._wake: Any = None
        self._cancelled = 0  # of those that are due

    def call_later(self, delay_s: float, action: Callable[[], object]) -> Alarm:
        """Run *action* in *delay_s* seconds; it must not block."""
        alarm = Alarm(action, self)
        when = time.monotonic() + delay_s
        with self._lock:
            heapq.heappush(self._due, (when, next(self._order), alarm))
            first = self._due[0][2] is alarm
            if started := self._wake is None:
                self._wake = self._create_event()
        if started:
            self._start_task(self._run)
        elif first:
            self._wake.set()
        return alarm

    def note_cancelled(self) -> None:
        """Drop cancelled alarms as soon as they are more than half of all: many connections end before their time is up."""
        with self._lock:
            self._cancelled += 1
            if self._cancelled > _MANY and self._cancelled * 2 > len(self._due):
                self._due = [entry for entry in self._due if entry[2].action is not None]
                heapq.heapify(self._due)
                self._cancelled = 0

    def _run(self) -> None:
        while True:
            self._wake.wait(timeout=self._run_due())
            self._wake.clear()

    def _run_due(self) -> float | None:
        """Run what is due; return the seconds until the next, or None when nothing is left."""
        while True:
            with self._lock:
                if not self._due:
                    return None
                wait_s = self._due[0][0] - time.monotonic()
                if wait_s > 0:
                    return wait_s
                alarm = heapq.heappop(self._due)[2]
                action, alarm.action = alarm.action, None
                if action is None:
                    self._cancelled = max(self._cancelled - 1, 0)
            if action is not None:
                try:
                    action()
                except Exception:
                    logger.exception("a timed action failed")
