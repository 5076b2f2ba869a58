"""Flask-SocketIO's functions for handlers: ``emit``, ``send``, ``call``, ``join_room`` ... with the same arguments.

They act on the client whose event is being handled, unless told otherwise. Where Flask-SocketIO takes an empty ``to`` for
no ``to``, these send to nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import flask
import flask_socketio

from .callers import Caller, find_caller
from .errors import ClientGoneError
from .events import Target

if TYPE_CHECKING:

    class ConnectionRefusedError(Exception):  # noqa: A001 - its name is upstream's
        """Raised in a connect handler to refuse the client: a message, and data if there is any."""

        def __init__(self, *args: Any) -> None: ...
else:
    from socketio.exceptions import ConnectionRefusedError

NOBODY: tuple[str, ...] = ()

join_room = flask_socketio.join_room
leave_room = flask_socketio.leave_room
close_room = flask_socketio.close_room
rooms = flask_socketio.rooms
disconnect = flask_socketio.disconnect


def emit(event: str, *args: Any, **options: Any) -> None:
    """Send an event: to the client being handled, or where ``to`` or ``broadcast=True`` says.

    Args:
        event: Its name.
        args: Its arguments; a tuple is several.
        options: ``namespace``, ``to`` (or ``room``), ``broadcast``, ``include_self``, ``skip_sid``, ``callback``,
            ``ignore_queue``, as Flask-SocketIO has them.
    """
    _extension().emit(event, *args, **_targeted(options))


def send(message: Any, **options: Any) -> None:
    """Send the event ``message``, or ``json`` with ``json=True``; takes the options of `emit`."""
    name = "json" if options.pop("json", False) else "message"
    _extension().emit(name, message, **_targeted(options))


def call(event: str, *args: Any, **options: Any) -> Any:
    """Send an event to one client and return its ack: None, a value, or a tuple of several.

    Args:
        event: Its name.
        args: Its arguments; a tuple is several.
        options: ``namespace``, ``to``, ``timeout`` (60 s by default), ``ignore_queue``.

    Raises:
        CallTimeoutError: No ack in time.
        ClientGoneError: The client left meanwhile.
    """
    found = _targeted(options)
    if found["to"] == NOBODY:
        raise ClientGoneError(f"the client is not connected to {found['namespace']!r}")
    return _extension().call(event, *args, **found)


def _targeted(options: dict[str, Any]) -> dict[str, Any]:
    """Say the namespace and the target: without ``to`` and ``broadcast`` the client whose event is being handled."""
    if "namespace" not in options:
        options["namespace"] = _caller().namespace
    room = options.pop("room", None)
    to: Target | None = options.pop("to", None)
    to = room if to is None else to
    if not options.pop("broadcast", False) and to is None:
        to = _own_sid(options["namespace"] or "/")
    return {**options, "to": to}


def _own_sid(namespace: str) -> Target:
    """Return the sid that the client being handled has in *namespace*, which may be another than the event's."""
    sid, here = _caller()
    if here == namespace:
        return sid
    manager = _extension().server.manager
    eio_sid = manager.eio_sid_from_sid(sid, here)
    return manager.sid_from_eio_sid(eio_sid, namespace) or NOBODY


def _caller() -> Caller:
    request = cast(Any, flask.request)
    return find_caller() or Caller(request.sid, request.namespace)  # which raises what Flask raises


def _extension() -> Any:
    return flask.current_app.extensions["socketio"]


__all__ = [
    "ConnectionRefusedError",
    "call",
    "close_room",
    "disconnect",
    "emit",
    "join_room",
    "leave_room",
    "rooms",
    "send",
]
