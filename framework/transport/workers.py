"""Where handlers run: one after another for one client, side by side for different ones."""

from __future__ import annotations

import collections
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

Job = Callable[[], object]
IDLE_S = 30.0
TURN_S = 0.005


class Turn:
    """Lets the others run in a mode where only who waits gives way: after 5 ms of work, now and then.

    Args:
        sleep: Lets them run; None in a mode with threads, which need no help.
    """

    __slots__ = ("_busy_s", "_since_s", "_sleep")

    def __init__(self, sleep: Callable[[float], object] | None) -> None:
        self._sleep = sleep
        self._busy_s = 0.0
        self._since_s = time.monotonic()

    def begin(self) -> None:
        """Work goes on after a wait."""
        if self._sleep is not None:
            self._since_s = time.monotonic()

    def pause(self) -> None:
        """Called before a wait, and often in a long stretch of work."""
        if self._sleep is None:
            return
        now = time.monotonic()
        self._busy_s += now - self._since_s
        self._since_s = now
        if self._busy_s > TURN_S:
            self._busy_s = 0.0
            self._sleep(0)
            self._since_s = time.monotonic()


class ThreadPool:
    """Daemon threads that are used again: a new one starts only when none is idle, and ends after 30 s without work.

    There are never more than there are busy clients, since a `Mailbox` asks for one at a time; with
    ``async_handlers=True`` it asks for one per event.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)

    def submit(self, job: Job) -> None:
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._work, name="framework-worker", daemon=True).start()
        self._jobs.put(job)  # after the thread, which may not start

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                if self._idle.acquire(blocking=False):
                    return
                continue  # somebody counted on this thread a moment ago
            _run_guarded(job)
            del job
            self._idle.release()


class GreenletPool:
    """Greenlets, which cost too little to be kept."""

    def __init__(self) -> None:
        import gevent

        self._spawn: Callable[..., Any] = gevent.spawn

    def submit(self, job: Job) -> None:
        self._spawn(_run_guarded, job)


def _run_guarded(job: Job) -> None:
    """Run *job*; whatever it raises is logged, since a SystemExit would end every greenlet of the process."""
    try:
        job()
    except BaseException:
        logger.exception("a job failed")


class Mailbox:
    """The jobs of one connection, run in the order in which they came.

    Args:
        submit: Runs a callable somewhere else, e.g. `ThreadPool.submit`.
        limit: Jobs that may wait; `put` waits for room beyond that.
        max_bytes: What the jobs that wait may hold; one job may be larger.
        create_event: Makes an event of the server's async mode.
        turn: Used between jobs.
    """

    def __init__(
        self,
        submit: Callable[[Job], None],
        limit: int,
        max_bytes: int,
        create_event: Callable[[], Any],
        turn: Turn,
    ) -> None:
        self._submit = submit
        self._limit = limit
        self._max_bytes = max_bytes
        self._create_event = create_event
        self._turn = turn
        self._lock = threading.Lock()
        self._jobs: collections.deque[tuple[Job, int]] = collections.deque()
        self._bytes = 0
        self._running = False
        self._room: Any = None

    def put(self, job: Job, *, size_bytes: int = 0, wait: bool = True) -> None:
        """Run *job* after those before it; wait while the mailbox is full, unless told not to."""
        while True:
            with self._lock:
                if not wait or self._has_room(size_bytes):
                    self._jobs.append((job, size_bytes))
                    self._bytes += size_bytes
                    start, self._running = not self._running, True
                    break
                room = self._room = self._room or self._create_event()
            room.wait()
        if start:
            try:
                self._submit(self._drain)
            except BaseException:
                with self._lock:
                    self._running = False  # the next job tries again
                raise

    def _has_room(self, size_bytes: int) -> bool:
        return not self._jobs or (len(self._jobs) < self._limit and self._bytes + size_bytes <= self._max_bytes)

    def _drain(self) -> None:
        self._turn.begin()
        while True:
            with self._lock:
                if not self._jobs:
                    self._running = False
                    return
                job, size_bytes = self._jobs.popleft()
                self._bytes -= size_bytes
                room, self._room = self._room, None
            if room is not None:
                room.set()
            _run_guarded(job)
            del job
            self._turn.pause()
