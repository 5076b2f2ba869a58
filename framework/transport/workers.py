"""Where handlers run: one after another for one client, side by side for different ones."""

from __future__ import annotations

import collections
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, cast

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

    Args:
        max_threads: Jobs beyond that wait for a thread that ends its own.
    """

    def __init__(self, max_threads: int = 1000) -> None:
        self._max_threads = max_threads
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0
        self._idle = 0  # threads that wait for a job, or are about to
        self._waiting = 0  # jobs that no thread has taken

    def submit(self, job: Job) -> None:
        with self._lock:
            self._waiting += 1
            start = self._waiting > self._idle and self._count < self._max_threads
            if start:
                self._idle += 1
                self._count += 1
        if start:
            try:
                threading.Thread(target=self._work, name="framework-worker", daemon=True).start()
            except BaseException:  # the system has no more of them
                with self._lock:
                    self._waiting -= 1
                    self._idle -= 1
                    self._count -= 1
                raise
        self._jobs.put(job)

    def create_turn(self) -> Turn:
        """Return what lets others run during a long stretch of work: threads need no help."""
        return Turn(None)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                if self._retire():
                    return
                continue
            with self._lock:
                self._waiting -= 1
                self._idle -= 1
            run_guarded(job)
            del job
            with self._lock:
                self._idle += 1

    def _retire(self) -> bool:
        with self._lock:
            if self._waiting >= self._idle:  # somebody counts on this thread
                return False
            self._idle -= 1
            self._count -= 1
            return True


class GreenletPool:
    """Greenlets, which cost too little to be kept."""

    def __init__(self) -> None:
        import gevent

        self._spawn: Callable[..., Any] = gevent.spawn
        self._sleep = gevent.sleep

    def submit(self, job: Job) -> None:
        self._spawn(run_guarded, job)

    def create_turn(self) -> Turn:
        """Return what lets other greenlets run during a long stretch of work."""
        return Turn(self._sleep)


Pool = ThreadPool | GreenletPool


def run_guarded(job: Job) -> None:
    """Run *job*; whatever it raises is logged, since a SystemExit would end every greenlet of the process."""
    try:
        job()
    except BaseException:
        logger.exception("a job failed")


class Lane:
    """The jobs of one connection, run in the order in which they came, one at a time.

    Whoever reads from the connection may run a job itself, between `begin` and `end`, where none waits or runs; the others
    are run by the pool.

    Args:
        limit: Jobs that may wait.
        max_bytes: What the jobs that wait may hold; one job may be larger.
    """

    __slots__ = ("_bytes", "_limit", "_lock", "_max_bytes", "_on_room", "_pool", "_running", "jobs")

    def __init__(self, pool: Pool, limit: int, max_bytes: int, create_lock: Callable[[], Any] = threading.Lock) -> None:
        self._pool = pool
        self._limit = limit
        self._max_bytes = max_bytes
        self._lock = create_lock()
        self.jobs: collections.deque[tuple[Job, int]] | None = None  # made when something waits: most never do
        self._bytes = 0
        self._running = False
        self._on_room: tuple[Callable[[], object], ...] = ()

    def begin(self) -> bool:
        """Claim the turn for the calling thread, which calls `end`; False while something waits or runs."""
        with self._lock:
            if self._running:
                return False
            self._running = True
            return True

    def end(self) -> None:
        """Give the turn back; what came meanwhile is run by the pool."""
        with self._lock:
            self._running = bool(self.jobs)
            if not self._running:
                return
        self._start()

    def put(self, job: Job, *, size_bytes: int = 0) -> bool:
        """Run *job* after those before it, in the pool; False when more wait now than may."""
        with self._lock:
            if self.jobs is None:
                self.jobs = collections.deque()
            self.jobs.append((job, size_bytes))
            self._bytes += size_bytes
            start, self._running = not self._running, True
            has_room = self._has_room()
        if start:
            self._start()
        return has_room

    def when_room(self, callback: Callable[[], object]) -> None:
        """Call *callback* as soon as no more wait than may: now, or from the thread that sees to it."""
        with self._lock:
            if not self._has_room():
                self._on_room += (callback,)
                return
        callback()

    def wait_for_room(self, create_event: Callable[[], Any]) -> None:
        """Wait until no more wait than may; for a thread that has nothing else to do."""
        event = create_event()
        self.when_room(event.set)
        event.wait()

    def _has_room(self) -> bool:
        waiting = len(self.jobs) if self.jobs is not None else 0
        return waiting <= 1 or (waiting <= self._limit and self._bytes <= self._max_bytes)

    def _start(self) -> None:
        try:
            self._pool.submit(self._drain)
        except BaseException:
            with self._lock:
                self._running = False  # the next job tries again
            raise

    def _drain(self) -> None:
        turn = self._pool.create_turn()
        while True:
            with self._lock:
                if not self.jobs:
                    self.jobs, self._running = None, False
                    return
                job, size_bytes = self.jobs.popleft()
                self._bytes -= size_bytes
                callbacks: tuple[Callable[[], object], ...] = ()
                if self._on_room and self._has_room():
                    callbacks, self._on_room = self._on_room, ()
            for callback in callbacks:
                callback()
            run_guarded(job)
            del job
            turn.pause()


def find_raw_lock() -> Callable[[], Any]:
    """Return what makes the system's own locks, whatever gevent has patched.

    For stretches of code in which nothing waits: there gevent's own locks would only cost more.
    """
    find_original = getattr(sys.modules.get("gevent.monkey"), "get_original", None)
    return threading.Lock if find_original is None else cast(Any, find_original)("_thread", "allocate_lock")
