"""Looks at the application a few times a second while somebody looks at the dashboard, and says what changed.

It knows who is looking, and hands each `Tick` to the namespaces, which put it in their own words.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flask

from framework import ClientInfo

from .access import Session
from .recorder import Recorder
from .shapes import Batch, Client, Room, Served, Totals, clip

logger = logging.getLogger("framework.admin")

MAX_FOUND = 50
MAX_ROOMS = 200
MAX_ROOMS_PER_CLIENT = 100
_WORK_SHARE = 0.05  # of one core, at most, goes into looking

Key = tuple[str, str]


@dataclass(frozen=True)
class Tick:
    """One look.

    Args:
        before: Listed clients at the look before.
        after: Listed clients now.
    """

    batch: Batch
    before: dict[Key, ClientInfo]
    after: dict[Key, ClientInfo]


@dataclass
class View:
    """What the last look saw."""

    number: int = 0
    listed: dict[Key, ClientInfo] = field(default_factory=dict)
    rooms: list[Room] = field(default_factory=list)
    namespaces: list[Served] = field(default_factory=list)
    connections: int = 0
    clients: int = 0
    all_rooms: int = 0


class Monitor:
    """Looks while there are watchers, in a background task that ends with the last of them.

    Args:
        hidden: Paths of the dashboard itself; their clients are not listed.
        interval_s: Seconds between two looks; longer where a look takes long.
        max_clients: Clients that are listed.
        clock: Unix seconds, for the end of sessions.
    """

    def __init__(
        self,
        socketio: Any,
        app: flask.Flask,
        hidden: Sequence[str],
        *,
        interval_s: float,
        max_clients: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.recorder = Recorder(app, hidden)
        self.hidden = frozenset(hidden)
        self._socketio = socketio
        self._interval_s = interval_s
        self._max_clients = max_clients
        self._clock = clock
        self._lock = threading.RLock()
        self._watchers: dict[Key, Session] = {}
        self._view = View()
        self._paths: frozenset[str] = frozenset()
        self._wake: Any = None
        self._outlets: dict[str, Callable[[Tick, list[str]], None]] = {}

    # -- who is looking

    def serve(self, namespace: str, outlet: Callable[[Tick, list[str]], None]) -> None:
        """Have *outlet* called with each tick and the sids of the watchers on *namespace*."""
        self._outlets[namespace] = outlet

    def add(self, namespace: str, sid: str, session: Session) -> None:
        """Note a watcher; the first one starts the looking."""
        with self._lock:
            self._watchers[namespace, sid] = session
            if self._wake is not None:
                return
            self._wake = self._socketio.server.eio.create_event()
            self._view = View()
            self._paths = frozenset()
            self.recorder.start()
            self._socketio.start_background_task(self._run, self._wake)
            self._look()

    def remove(self, namespace: str, sid: str) -> None:
        """Forget a watcher; the last one ends the looking."""
        with self._lock:
            self._watchers.pop((namespace, sid), None)
            if not self._watchers and self._wake is not None:
                self.recorder.stop()
                self._wake.set()
                self._wake = None

    def end(self, session: Session) -> None:
        """Disconnect the watchers of *session*."""
        with self._lock:
            leaving = [key for key, own in self._watchers.items() if own.id == session.id]
        self._dismiss(leaving)

    @property
    def is_running(self) -> bool:
        """Whether somebody is looking."""
        return self._wake is not None

    def find(self, words: str) -> list[Client]:
        """Return clients with *words* in their sid, a room, the address or the program; a few, listed or not."""
        clients = (info for info in self._socketio.clients() if info.namespace not in self.hidden)
        found = (info for info in clients if _has(info, words.lower()))
        return [render_client(info) for info in itertools.islice(found, MAX_FOUND)]

    # -- looking

    @contextmanager
    def held(self) -> Iterator[View]:
        """Have no look meanwhile, and what the last one saw."""
        with self._lock:
            yield self._view

    @property
    def view(self) -> View:
        """What the last look saw."""
        return self._view

    def namespaces(self) -> list[Served]:
        """Return the namespaces with their clients, of now."""
        return self._count_namespaces(info for info in self._socketio.clients() if info.namespace not in self.hidden)

    def _run(self, wake: Any) -> None:
        """Look until *wake* is set."""
        pause_s = self._interval_s
        while not wake.wait(timeout=pause_s):
            start = time.perf_counter()
            try:
                self.update()
            except Exception:
                logger.exception("the dashboard could not be updated")
            pause_s = max(self._interval_s, (time.perf_counter() - start) / _WORK_SHARE)

    def update(self) -> None:
        """Look now, tell who is looking, and disconnect those whose session is over."""
        with self._lock:
            now = self._clock()
            over = [key for key, session in self._watchers.items() if session.expires_at <= now]
            for namespace, sid in list(self._watchers):
                if not self._socketio.server.manager.is_connected(sid, namespace):
                    self.remove(namespace, sid)
            if self._wake is None:
                return
            tick = self._look()
            watching = {path: [sid for namespace, sid in self._watchers if namespace == path] for path in self._outlets}
        for path, sids in watching.items():
            if sids:
                self._outlets[path](tick, sids)
        self._dismiss(over)

    def _dismiss(self, watchers: Iterable[Key]) -> None:
        for namespace, sid in watchers:
            self._socketio.server.disconnect(sid, namespace=namespace)

    def _look(self) -> Tick:
        """Look once, with the lock held, and return what changed."""
        before = self._view
        clients = {
            (info.namespace, info.sid): info for info in self._socketio.clients() if info.namespace not in self.hidden
        }
        listed = self._choose(before.listed, clients)
        rooms, all_rooms = _count_rooms(clients.values())
        namespaces = self._count_namespaces(clients.values())
        connections = len({info.connection for info in clients.values()})
        view = View(before.number + 1, listed, rooms, namespaces, connections, len(clients), all_rooms)
        self._view = view
        entries, skipped, counters = self.recorder.take()
        batch = Batch(
            number=view.number,
            at=time.time(),
            entries=entries,
            skipped=skipped,
            changed=[render_client(info) for key, info in listed.items() if before.listed.get(key) != info],
            gone=[(namespace, sid) for namespace, sid in before.listed if (namespace, sid) not in listed],
            rooms=None if rooms == before.rooms else rooms,
            namespaces=None if namespaces == before.namespaces else namespaces,
            counters=counters,
            totals=self.totals(),
        )
        return Tick(batch, before.listed, listed)

    def _choose(self, before: dict[Key, ClientInfo], clients: dict[Key, ClientInfo]) -> dict[Key, ClientInfo]:
        """Return the clients to list: those that were, and others while there is room."""
        listed = {key: clients[key] for key in before if key in clients}
        others = (key for key in clients if key not in before)
        for key in itertools.islice(others, max(0, self._max_clients - len(listed))):
            listed[key] = clients[key]
        return listed

    def _count_namespaces(self, clients: Iterable[ClientInfo]) -> list[Served]:
        tally = Tally(info.namespace for info in clients)
        return [Served(path=clip(path), clients=tally[path]) for path in sorted({*tally, *self._served()})]

    def _served(self) -> frozenset[str]:
        if not self._paths:
            served = {*self._socketio.namespaces, *(route.namespace for route in self._socketio.routes())}
            self._paths = frozenset(served - self.hidden - {"*"})
        return self._paths

    def totals(self) -> Totals:
        """Return the numbers of now."""
        view, recorder = self._view, self.recorder
        return Totals(
            connections=view.connections,
            clients=view.clients,
            rooms=view.all_rooms,
            events=recorder.events,
            failed=recorder.failed,
            emits=recorder.emits,
            p95_ms=recorder.p95_ms(),
        )


def _count_rooms(clients: Iterable[ClientInfo]) -> tuple[list[Room], int]:
    """Return the largest rooms, and how many rooms there are."""
    tally = Tally((info.namespace, clip(room)) for info in clients for room in info.rooms)
    largest = sorted(tally.items(), key=lambda item: (-item[1], item[0]))[:MAX_ROOMS]
    rooms = [Room(namespace=namespace, name=name, clients=count) for (namespace, name), count in largest]
    return rooms, len(tally)


def _has(info: ClientInfo, words: str) -> bool:
    texts = (info.sid, info.namespace, info.address or "", info.user_agent or "", *map(str, info.rooms))
    return any(words in text.lower() for text in texts)


def render_client(info: ClientInfo) -> Client:
    """Return a client as the page gets it."""
    return Client(
        namespace=clip(info.namespace),
        sid=info.sid,
        rooms=[clip(room) for room in sorted(info.rooms, key=str)[:MAX_ROOMS_PER_CLIENT]],
        transport=info.transport,
        address=clip(info.address or ""),
        user_agent=clip(info.user_agent or "", 300),
        connected_at=info.connected_at,
        queued_bytes=info.queued_bytes,
    )
