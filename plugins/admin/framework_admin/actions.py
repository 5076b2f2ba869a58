"""What an operator may do to clients: emit, join, leave, disconnect. Whether they may is asked before."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import flask

from framework import EventError

from .monitor import Monitor
from .shapes import clip

logger = logging.getLogger("framework.admin")

# Names that Socket.IO's clients take for their own.
_RESERVED = ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")


class Actions:
    """The four actions; each is in the server's log, and in the dashboard's.

    Args:
        socketio: The application's ``SocketIO``.
    """

    def __init__(self, socketio: Any, monitor: Monitor) -> None:
        self._socketio = socketio
        self._monitor = monitor

    def emit(self, namespace: str, event: str, args: Sequence[Any], to: str | None = None) -> int:
        """Send an event; return how many clients of this process it goes to. Through a broker it goes to all.

        Raises:
            EventError: There is no such namespace, or the name is Socket.IO's own.
        """
        self._check_namespace(namespace)
        if event in _RESERVED:
            raise EventError("reserved_name", f"{event!r} is Socket.IO's own name for something. Send another event.")
        reached = len(self.find(namespace, to))
        self._socketio.emit(event, tuple(args), namespace=namespace, to=to)
        self._note(namespace, f"emitted to {reached}", event=clip(event), to=clip(to or ""))
        return reached

    def join(self, namespace: str, room: str, sids: Iterable[str]) -> int:
        """Put clients in a room; return how many.

        Raises:
            EventError: There is no such namespace, or *room* is a client's own.
        """
        self._check_namespace(namespace)
        if self._socketio.server.manager.is_connected(room, namespace):
            raise EventError(
                "reserved_name", "This is the sid of a client, and a room for it alone. Name another room."
            )
        found = list(sids)
        for sid in found:
            self._socketio.server.enter_room(sid, room, namespace=namespace)
        self._note(namespace, f"put {len(found)} in room {clip(room)}", sid=found[0] if len(found) == 1 else "")
        return len(found)

    def leave(self, namespace: str, room: str, sids: Iterable[str]) -> int:
        """Take clients out of a room; return how many.

        Raises:
            EventError: There is no such namespace, or *room* is a client's own.
        """
        self._check_namespace(namespace)
        found = list(sids)
        if room in found:
            raise EventError("reserved_name", "A client can't leave the room of its own sid. Disconnect it.")
        for sid in found:
            self._socketio.server.leave_room(sid, room, namespace=namespace)
        self._note(namespace, f"took {len(found)} out of room {clip(room)}", sid=found[0] if len(found) == 1 else "")
        return len(found)

    def disconnect(self, namespace: str, sids: Iterable[str], *, close: bool = False) -> int:
        """Disconnect clients from a namespace; return how many.

        Args:
            close: End their connections, with all their namespaces.

        Raises:
            EventError: There is no such namespace.
        """
        self._check_namespace(namespace)
        found = list(sids)
        server = self._socketio.server
        for sid in found:
            connection = server.manager.eio_sid_from_sid(sid, namespace) if close else None
            server.disconnect(sid, namespace=namespace)
            if connection is not None:
                server.eio.disconnect(str(connection))
        self._note(namespace, f"disconnected {len(found)}", sid=found[0] if len(found) == 1 else "")
        return len(found)

    def find(self, namespace: str, target: str | None) -> list[str]:
        """Return the sids of the clients of this process in a room, of one client, or (None) of the namespace."""
        return [sid for sid, _ in self._socketio.server.manager.get_participants(namespace, target)]

    def find_one(self, namespace: str, sid: str) -> str:
        """Return *sid*.

        Raises:
            EventError: No such client is connected to this process.
        """
        if not self._socketio.server.manager.is_connected(sid, namespace):
            raise EventError("unknown_client", "No such client is connected here. It may have left.")
        return sid

    def _check_namespace(self, namespace: str) -> None:
        known = any(served.path == namespace for served in self._monitor.view.namespaces)
        if namespace in self._monitor.hidden or not known:
            raise EventError("unknown_namespace", "No such namespace is served here.")

    def _note(self, namespace: str, done: str, **about: str) -> None:
        logger.warning("%s did on %s: %r %r", flask.request.remote_addr, namespace, done, about)
        self._monitor.recorder.note("action", namespace, detail=done, **about)
