"""The host of threading mode: one thread reads from every WebSocket of the process through epoll.

It runs quick handlers itself. A watcher looks every 5 ms, while there is something to look at, whether it is stuck in one,
and has another thread lead in its place.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from .leading import STUCK_S, Leader, advance, release
from .link import RECEIVE_BYTES, Link

logger = logging.getLogger(__name__)

REST_S = 0.05


class EpollHost:
    """Starts its threads with the first link and ends them with the last."""

    name = "epoll"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[int, Link] = {}
        self._ready: collections.deque[Link] = collections.deque()
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._poll: Any = None
        self._wake = -1
        self._leader: Leader | None = None
        self._watching = threading.Event()
        self._watcher: threading.Thread | None = None

    @staticmethod
    def is_available() -> bool:
        """Say whether the system has what it needs: Linux does."""
        return hasattr(select, "epoll") and hasattr(os, "eventfd")

    def adopt(self, link: Link) -> None:
        """Read from *link* from now on."""
        with self._lock:
            if self._poll is None:
                self._poll = select.epoll()
                self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
                self._poll.register(self._wake, select.EPOLLIN)
            number = link.connection.fileno()
            self._links[number] = link
            link.watchers = number
            self._poll.register(number, self._mask(link))
            if self._leader is None:
                self._start_leader()

    def want(self, link: Link) -> None:
        with self._lock:
            if self._links.get(link.watchers) is link:  # its number may be another's by now
                self._poll.modify(link.watchers, self._mask(link))

    def resume(self, link: Link) -> None:
        self.want(link)
        if link.backlog:
            self._ready.append(link)
            self._interrupt()

    def give_way(self) -> None:
        """Have another thread lead, if the calling one does: it is about to wait for what only a leader reads."""
        leader = self._leader
        if leader is not None and leader.thread == threading.get_ident():
            self._replace(leader)

    @staticmethod
    def _mask(link: Link) -> int:
        return (0 if link.paused else select.EPOLLIN) | (select.EPOLLOUT if link.blocked else 0)

    def _interrupt(self) -> None:
        with contextlib.suppress(OSError):
            os.eventfd_write(self._wake, 1)

    # -- leading

    def _start_leader(self) -> None:
        leader = self._leader = Leader(self._start_watching)
        threading.Thread(target=self._lead, args=(leader,), name="framework-leader", daemon=True).start()

    def _lead(self, leader: Leader) -> None:
        leader.thread = threading.get_ident()
        poll, links, ready = self._poll.poll, self._links, self._ready
        while True:
            for number, mask in poll(0 if ready else None):
                link = links.get(number)
                if link is None:
                    self._take_interrupt(number)
                elif not self._guard(self._serve, leader, link, mask):
                    return
            for _ in range(len(ready)):
                if not self._guard(self._hand_on, leader, ready.popleft()):
                    return
            if not links and self._retire(leader):
                return

    def _guard(self, step: Callable[..., bool], leader: Leader, link: Link, *about: int) -> bool:
        """Take a step; one link's trouble must not end the leader, who serves them all."""
        try:
            return step(leader, link, *about)
        except Exception:
            logger.exception("a WebSocket failed")
            if not leader.deposed:
                self._drop(link)
            return not leader.deposed

    def _serve(self, leader: Leader, link: Link, mask: int) -> bool:
        if mask & select.EPOLLOUT:
            link.flush()
            if mask == select.EPOLLOUT:
                return True
        if link.paused:
            if mask & (select.EPOLLHUP | select.EPOLLERR):
                self._drop(link)
            return True
        if link.backlog:  # of an earlier turn; it is in line
            return True
        found = link.read(self._buffer)
        if found is None:
            self._drop(link)
        elif found:
            return self._hand_on(leader, link)
        return True

    def _hand_on(self, leader: Leader, link: Link) -> bool:
        if link.paused:  # it comes back by `resume`
            return True
        if not advance(leader, link):
            return False
        if link.backlog and not link.paused:
            self._ready.append(link)
        return True

    def _drop(self, link: Link) -> None:
        with self._lock:
            if self._links.get(link.watchers) is link:
                del self._links[link.watchers]
                self._poll.unregister(link.watchers)
        link.end()

    def _take_interrupt(self, number: int) -> None:
        if number == self._wake:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(number)

    def _retire(self, leader: Leader) -> bool:
        """End when there is nothing left to read from; the next link starts again."""
        with self._lock:
            if self._links or self._leader is not leader:
                return self._leader is not leader
            self._leader = None
            self._poll.close()
            os.close(self._wake)
            self._poll, self._wake = None, -1
            self._watching.set()
            return True

    # -- watching

    def _start_watching(self) -> None:
        with self._lock:
            self._watching.set()
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="framework-watcher", daemon=True)
                self._watcher.start()

    def _watch(self) -> None:
        while True:
            self._watching.wait()
            leader = self._leader
            if leader is None:
                with self._lock:
                    if self._leader is None:
                        self._watcher = None
                        self._watching.clear()
                        return
                continue
            since_s = leader.since_s
            time.sleep(STUCK_S)
            if leader.since_s != since_s:
                continue
            if leader.running:
                self._replace(leader)
            elif time.monotonic() - since_s > REST_S:
                self._rest(leader)

    def _rest(self, leader: Leader) -> None:
        """Sleep until a handler begins, since none has run for a while."""
        self._watching.clear()
        leader.watched = False
        if leader.running or self._leader is not leader:  # it began meanwhile, and thought itself watched
            self._watching.set()

    def _replace(self, leader: Leader) -> None:
        """Have another thread lead while a handler of *leader* runs."""
        if not leader.depose():
            return
        if (link := release(leader)) is not None:
            self._ready.append(link)
        with self._lock:
            self._start_leader()
