"""The host of gevent mode: the hub reads from every WebSocket, one greenlet runs the handlers.

When a handler waits, the hub gets control while that greenlet is not done: the next message is another greenlet's.
"""

from __future__ import annotations

import collections
import logging
from typing import Any

from .leading import Leader, advance, release
from .link import RECEIVE_BYTES, Link

logger = logging.getLogger(__name__)

_READ, _WRITE = 1, 2


class GreenletHost:
    """Serves the links of the hub in which it was made."""

    name = "gevent"

    def __init__(self) -> None:
        import gevent
        import gevent.monkey
        from greenlet import greenlet

        # gevent's own tells greenlets apart, not threads.
        self._get_thread: Any = gevent.monkey.get_original("_thread", "get_ident")
        self._spawn: Any = gevent.spawn
        self._create_greenlet: Any = greenlet
        self._hub: Any = gevent.get_hub()
        self._thread = self._get_thread()
        self._ready: collections.deque[Link] = collections.deque()
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._leader: Leader | None = None
        self._greenlet: Any = None
        self._is_running = False  # in the hub: it waits inside a handler
        self._is_due = False

    def adopt(self, link: Link) -> None:
        """Read from *link* from now on."""
        loop, number = self._hub.loop, link.connection.fileno()
        link.watchers = [loop.io(number, _READ), None]  # the second one when something waits to be written
        link.watchers[0].start(self._read, link)

    def want(self, link: Link) -> None:
        self._in_hub(self._want, link)

    def resume(self, link: Link) -> None:
        self._in_hub(self._resume, link)

    def give_way(self) -> None:
        """Nothing: a greenlet that waits gives way by itself."""

    def _in_hub(self, step: Any, link: Link) -> None:
        if self._get_thread() == self._thread:
            step(link)
        else:
            self._hub.loop.run_callback_threadsafe(step, link)

    def _want(self, link: Link) -> None:
        watchers = link.watchers
        if watchers is not None:
            if link.blocked and watchers[1] is None:
                watchers[1] = self._hub.loop.io(link.connection.fileno(), _WRITE)
            _switch(watchers[0], not link.paused, self._read, link)
            _switch(watchers[1], link.blocked, Link.flush, link)

    def _resume(self, link: Link) -> None:
        self._want(link)
        self._enqueue(link)

    # -- reading, in the hub

    def _read(self, link: Link) -> None:
        if link.backlog:  # of an earlier turn; it is in line
            return
        try:
            found = link.read(self._buffer)
        except Exception:
            logger.exception("a WebSocket failed")
            found = None
        if found is None:
            self._drop(link)
        elif found:
            self._enqueue(link)

    def _enqueue(self, link: Link) -> None:
        if link.backlog and not link.queued:
            link.queued = True
            self._ready.append(link)
            self._schedule()

    def _drop(self, link: Link) -> None:
        if link.watchers is not None:
            for watcher in filter(None, link.watchers):
                watcher.stop()
                watcher.close()
            link.watchers = None
            self._spawn(link.end)

    # -- leading

    def _schedule(self) -> None:
        if not self._is_due and not self._is_running:
            self._is_due = True
            self._hub.loop.run_callback(self._let_lead)

    def _let_lead(self) -> None:
        """Run the leader, in the hub, until it has nothing to do or waits inside a handler."""
        self._is_due = False
        if self._leader is None:
            self._leader = Leader()
            self._greenlet = self._create_greenlet(self._lead, self._hub)
        self._is_running = True
        self._greenlet.switch(self._leader)
        if self._is_running:
            self._replace(self._leader)

    def _replace(self, leader: Leader) -> None:
        """Have another greenlet lead: a handler of this one waits."""
        self._is_running = False
        self._leader = None
        if leader.depose():
            link = release(leader)
            if link is not None:
                link.queued = True
                self._ready.append(link)
        if self._ready:
            self._schedule()

    def _lead(self, leader: Leader) -> None:
        ready = self._ready
        while True:
            for _ in range(len(ready)):
                link = ready.popleft()
                link.queued = False
                if not link.paused and not self._hand_on(leader, link):
                    return
            if self._leader is not leader:  # it waited somewhere, and another one leads
                return
            self._is_running = False
            if ready:  # the others have their turn first
                self._schedule()
            self._hub.switch()

    def _hand_on(self, leader: Leader, link: Link) -> bool:
        try:
            if not advance(leader, link):
                return False
        except Exception:
            logger.exception("a WebSocket failed")
            if not leader.deposed:
                self._drop(link)
            return not leader.deposed
        if link.backlog and not link.paused:
            link.queued = True
            self._ready.append(link)
        return True


def _switch(watcher: Any, on: bool, callback: Any, link: Link) -> None:
    if watcher is not None and on != watcher.active:
        if on:
            watcher.start(callback, link)
        else:
            watcher.stop()
