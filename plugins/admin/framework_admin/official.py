"""The namespace that the official Socket.IO Admin UI connects to, in its protocol (0.5).

What it is not told: arguments of events, headers but the user agent, what connections sent as ``auth``. It announces
what works: ``ALL_EVENTS``, and the actions where they are allowed.
"""

from __future__ import annotations

import hmac
import os
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import flask
from pydantic import BaseModel, Field

from framework import ClientInfo, Event, EventError, Namespace, event, guard

from .access import TooManyTries
from .console import keep_session, may_act
from .monitor import Tick
from .shapes import Entry, clip

if TYPE_CHECKING:
    from .plugin import Admin

STATS_EVERY_S = 2.0
_ACTIONS = ("EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT")
# The Admin UI asks for the password anew when it reads exactly these words.
_REFUSED = "invalid credentials"


class Credentials(BaseModel):
    """What the Admin UI connects with: a user and a password, or a session from before."""

    username: str | None = Field(default=None, max_length=200)
    password: str | None = Field(default=None, max_length=1000)
    session_id: str | None = Field(default=None, validation_alias="sessionId", max_length=2000)


class Official(Namespace):
    """What the official Admin UI connects to."""

    in_contract = False

    new_session = Event[str]("What to connect with next time.", name="session")
    config = Event[dict[str, Any]]("What works.")
    server_stats = Event[dict[str, Any]]("Numbers of this process, every two seconds.")
    all_sockets = Event[list[dict[str, Any]]]("Every client that is listed.")
    socket_connected = Event[dict[str, Any], str]("A client came.")
    socket_updated = Event[dict[str, Any]]("A client has another transport.")
    socket_disconnected = Event[str, str, str, str]("A client left: namespace, sid, reason, time.")
    room_joined = Event[str, str, str, str]("Namespace, room, sid, time.")
    room_left = Event[str, str, str, str]("Namespace, room, sid, time.")
    event_received = Event[str, str, list[Any], str]("Namespace, sid, the event's name in a list, time.")
    event_sent = Event[str, str, list[Any], str]("Namespace, whom to, the event's name in a list, time.")

    def __init__(self, admin: Admin) -> None:
        super().__init__(admin.settings.official_namespace)
        self.admin = admin
        self._started_s = time.monotonic()
        self._stats_at = 0.0

    # -- connecting

    def on_connect(self, credentials: Credentials | None = None) -> None:
        """Let in who knows the password, and tell what works."""
        self._log_in(credentials or Credentials())
        actions = _ACTIONS if self.admin.may_act else ()
        self.config.reply({"supportedFeatures": [*actions, "ALL_EVENTS"]})
        self.server_stats.reply(self._stats())

    def _log_in(self, given: Credentials) -> None:
        access = self.admin.access
        session = access.unseal("official", given.session_id) if given.session_id else None
        if session is None and given.password is not None and self._is_user(given.username):
            try:
                session = access.log_in(given.password, flask.request.remote_addr or "")
            except TooManyTries as error:
                raise EventError(
                    "rate_limited", "Too many wrong passwords.", retry_after=round(error.retry_after_s, 1)
                ) from None
            if session is not None:
                self.new_session.reply(access.seal("official", session))
        if session is None:
            raise EventError("unauthorized", _REFUSED)
        keep_session(session)

    def _is_user(self, username: str | None) -> bool:
        expected = self.admin.settings.username.encode()
        return hmac.compare_digest(expected, (username or "").encode("utf-8", "replace"))

    # -- what it asks for

    @guard(may_act)
    def on_emit(self, namespace: str, target: str | None, event: str, *args: Any) -> None:
        """Send an event to a room, to a client, or to everybody."""
        self.admin.actions.emit(namespace, event, args, target or None)

    @guard(may_act)
    def on_join(self, namespace: str, room: str, target: str | None = None) -> None:
        """Put the clients of a room, one client, or everybody in a room."""
        actions = self.admin.actions
        actions.join(namespace, room, actions.find(namespace, target or None))

    @guard(may_act)
    def on_leave(self, namespace: str, room: str, target: str | None = None) -> None:
        """Take the clients of a room, one client, or everybody out of a room."""
        actions = self.admin.actions
        actions.leave(namespace, room, actions.find(namespace, target or None))

    @guard(may_act)
    @event("_disconnect")
    def on_goodbye(self, namespace: str, close: bool = False, target: str | None = None) -> None:
        """Disconnect the clients of a room, one client, or everybody; from the namespace, or altogether."""
        actions = self.admin.actions
        actions.disconnect(namespace, actions.find(namespace, target or None), close=close)

    # -- what it is told

    def greet(self, sid: str) -> None:
        """Send the clients that are there to a new watcher, before anything that changes later."""
        with self.admin.monitor.held() as view:
            self.all_sockets.emit([self._render(info) for info in view.listed.values()], to=sid)

    def show(self, tick: Tick, sids: list[str]) -> None:
        """Send what changed to the Admin UIs that are open."""
        now = render_time(tick.batch.at)
        reasons = {(one.namespace, one.sid): one.detail for one in tick.batch.entries if one.kind == "disconnect"}
        for key, info in tick.after.items():
            known = tick.before.get(key)
            if known is None:
                self.socket_connected.emit(self._render(info), render_time(info.connected_at), to=sids)
            elif known != info:
                self._show_changes(known, info, now, sids)
        for namespace, sid in tick.before.keys() - tick.after.keys():
            self.socket_disconnected.emit(namespace, sid, reasons.get((namespace, sid), ""), now, to=sids)
        for entry in tick.batch.entries:
            self._show_entry(entry, sids)
        if time.monotonic() - self._stats_at >= STATS_EVERY_S:
            self._stats_at = time.monotonic()
            self.server_stats.emit(self._stats(), to=sids)

    def _show_changes(self, known: ClientInfo, info: ClientInfo, now: str, sids: list[str]) -> None:
        before, after = set(known.rooms), set(info.rooms)
        for room in sorted(map(clip, after - before)):
            self.room_joined.emit(info.namespace, room, info.sid, now, to=sids)
        for room in sorted(map(clip, before - after)):
            self.room_left.emit(info.namespace, room, info.sid, now, to=sids)
        if known.transport != info.transport:
            changed = {"id": info.sid, "nsp": info.namespace, "transport": info.transport}
            self.socket_updated.emit(changed, to=sids)

    def _show_entry(self, entry: Entry, sids: list[str]) -> None:
        at = render_time(entry.at)
        if entry.kind == "event":
            self.event_received.emit(entry.namespace, entry.sid, [entry.event or "(unknown)"], at, to=sids)
        elif entry.kind == "emit":
            self.event_sent.emit(entry.namespace, entry.to, [entry.event], at, to=sids)

    def _stats(self) -> dict[str, Any]:
        sessions = list(self.admin.socketio.server.eio.sockets.values())
        host, pid = socket.gethostname(), os.getpid()
        return {
            "serverId": f"{host}#{pid}",
            "hostname": host,
            "pid": pid,
            "uptime": round(time.monotonic() - self._started_s, 3),
            "clientsCount": len(sessions),
            "pollingClientsCount": sum(1 for session in sessions if not session.upgraded),
            "namespaces": [
                {"name": served.path, "socketsCount": served.clients} for served in self.admin.monitor.namespaces()
            ],
        }

    def _render(self, info: ClientInfo) -> dict[str, Any]:
        issued = datetime.fromtimestamp(info.connected_at, UTC)
        return {
            "id": info.sid,
            "clientId": info.connection[:12],
            "transport": info.transport,
            "nsp": info.namespace,
            "data": {},
            "handshake": {
                "address": clip(info.address or ""),
                "headers": {"user-agent": clip(info.user_agent or "", 300)},
                "query": {},
                "issued": int(info.connected_at * 1000),
                "secure": self._is_secure(info),
                "time": issued.strftime("%a %b %d %Y %H:%M:%S GMT+0000"),
                "url": "",
                "xdomain": False,
            },
            "rooms": [info.sid, *sorted(map(clip, info.rooms))],
        }

    def _is_secure(self, info: ClientInfo) -> bool:
        environ = self.admin.socketio.server.get_environ(info.sid, namespace=info.namespace) or {}
        return bool(environ.get("wsgi.url_scheme") == "https")


def render_time(at: float) -> str:
    """Return Unix seconds as JavaScript writes a date in JSON."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
