"""Where handlers run: one after another for one client, side by side for different ones."""

from __future__ import annotations

import collections
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

Job = Callable[[], object]
IDLE_S = 30.0


class ThreadPool:
    """Daemon threads that are used again: a new one starts only when none is idle, and ends after 30 s without work.

    There are never more than there are busy clients, since a `Mailbox` asks for one at a time.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)

    def submit(self, job: Job) -> None:
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._work, name="framework-worker", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                if self._idle.acquire(blocking=False):
                    return
                continue  # somebody counted on this thread a moment ago
            job()
            del job
            self._idle.release()


class GreenletPool:
    """Greenlets, which cost too little to be kept."""

    def __init__(self) -> None:
        import gevent

        self._spawn: Callable[..., Any] = gevent.spawn

    def submit(self, job: Job) -> None:
        self._spawn(job)


class Mailbox:
    """The jobs of one connection, run in the order in which they came.

    Args:
        submit: Runs a callable somewhere else, e.g. `ThreadPool.submit`.
        limit: Jobs that may wait; `put` waits for room beyond that.
        create_event: Makes an event of the server's async mode.
    """

    def __init__(self, submit: Callable[[Job], None], limit: int, create_event: Callable[[], Any]) -> None:
        self._submit = submit
        self._limit = limit
        self._create_event = create_event
        self._lock = threading.Lock()
        self._jobs: collections.deque[Job] = collections.deque()
        self._running = False
        self._room: Any = None

    def put(self, job: Job, *, wait: bool = True) -> None:
        """Run *job* after those before it; wait while the mailbox is full, unless told not to."""
        while True:
            with self._lock:
                if not wait or len(self._jobs) < self._limit:
                    self._jobs.append(job)
                    start, self._running = not self._running, True
                    break
                room = self._room = self._room or self._create_event()
            room.wait()
        if start:
            self._submit(self._drain)

    def _drain(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._running = False
                    return
                job = self._jobs.popleft()
                room, self._room = self._room, None
            if room is not None:
                room.set()
            try:
                job()
            except Exception:
                logger.exception("a job failed")
