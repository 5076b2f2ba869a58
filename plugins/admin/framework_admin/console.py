"""The namespace that the page connects to: what it shows, and what it may do."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any, cast

import flask

from framework import Event, EventError, Namespace, event, guard

from .access import Session
from .monitor import Tick, render_client
from .shapes import Batch, Client, Emit, Goodbye, Known, RoomChange, Search, Snapshot, Ticket, clip

if TYPE_CHECKING:
    from .plugin import Admin

_SESSION = "framework_admin.session:"


def keep_session(session: Session) -> None:
    """Keep who it is with the connection whose connect is being handled."""
    flask.request.environ[_SESSION + _here().namespace] = session


def find_session() -> Session | None:
    """Return who the client of the current event is, unless that is over."""
    here = _here()
    session: Session | None = flask.request.environ.get(_SESSION + here.namespace)
    return session if session is not None and here.admin.access.is_current(session) else None


def need_session() -> Session:
    """Return who the client of the current event is.

    Raises:
        EventError: That is over.
    """
    session = find_session()
    if session is None:
        raise EventError("unauthorized", "The session is over. Log in again.")
    return session


def find_session_of(socketio: Any, namespace: str, sid: str) -> Session | None:
    """Return what `keep_session` kept for a client."""
    environ = socketio.server.get_environ(sid, namespace=namespace) or {}
    session: Session | None = environ.get(_SESSION + namespace)
    return session


def _here() -> Any:
    """Return the namespace of the current event: the page's, or the official Admin UI's."""
    return flask.current_app.extensions["socketio"].namespaces[cast(Any, flask.request).namespace]


def may_act() -> bool:
    """Ask whether the client of the current event may do something to others.

    Raises:
        EventError: Its session is over, or the dashboard only shows.
    """
    need_session()
    if not _here().admin.may_act:
        raise EventError("forbidden", "The dashboard only shows. FRAMEWORK_ADMIN_ACTIONS=true allows to act.")
    return True


class Console(Namespace):
    """What the dashboard's page connects to."""

    in_contract = False

    batch = Event[Batch]("What changed since the one before.")

    def __init__(self, admin: Admin) -> None:
        super().__init__(admin.settings.namespace)
        self.admin = admin

    def on_connect(self, ticket: Ticket) -> None:
        """Let in who has a ticket."""
        session = self.admin.access.unseal("ticket", ticket.ticket)
        if session is None:
            raise EventError("unauthorized", "The ticket is no longer good. Get another one.")
        keep_session(session)

    def on_watch(self) -> Snapshot:
        """Return everything; batches go on from its number."""
        return self.admin.snapshot(need_session())

    def on_find(self, search: Search) -> list[Client]:
        """Return a few clients, listed or not."""
        need_session()
        return self.admin.monitor.find(search.words)

    @guard(may_act)
    def on_emit(self, command: Emit) -> int:
        """Send an event; acknowledged with how many clients it goes to."""
        return self.admin.actions.emit(command.namespace, command.event, command.args, command.to)

    @guard(may_act)
    def on_join(self, change: RoomChange) -> int:
        """Put a client in a room."""
        sid = self.admin.actions.find_one(change.namespace, change.sid)
        return self.admin.actions.join(change.namespace, change.room, [sid])

    @guard(may_act)
    def on_leave(self, change: RoomChange) -> int:
        """Take a client out of a room."""
        sid = self.admin.actions.find_one(change.namespace, change.sid)
        return self.admin.actions.leave(change.namespace, change.room, [sid])

    @guard(may_act)
    @event("disconnect client")
    def on_goodbye(self, goodbye: Goodbye) -> int:
        """Disconnect a client from its namespace."""
        sid = self.admin.actions.find_one(goodbye.namespace, goodbye.sid)
        return self.admin.actions.disconnect(goodbye.namespace, [sid])

    def show(self, tick: Tick, sids: list[str]) -> None:
        """Send what changed to the pages that are open."""
        self.batch.emit(tick.batch, to=sids)


def take_snapshot(admin: Admin, session: Session) -> Snapshot:
    """Return everything that the page shows, as of the last look."""
    monitor, recorder = admin.monitor, admin.monitor.recorder
    with monitor.held() as view:
        return Snapshot(
            number=view.number,
            at=time.time(),
            application=clip(admin.app.name),
            process=f"{socket.gethostname()} #{os.getpid()}",
            actions=admin.may_act,
            expires_at=session.expires_at,
            entries=recorder.recent(),
            clients=[render_client(info) for info in view.listed.values()],
            rooms=view.rooms,
            namespaces=view.namespaces,
            events=[_render_route(route) for route in admin.socketio.routes() if route.namespace not in monitor.hidden],
            counters=recorder.counters(),
            totals=monitor.totals(),
        )


def _render_route(route: Any) -> Known:
    return Known(
        namespace=route.namespace,
        direction=route.direction,
        event=route.event,
        arguments=route.arguments,
        ack=route.ack,
        description=route.description,
    )
