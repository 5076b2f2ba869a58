"""Flask-SocketIO's functions for handlers: ``emit``, ``send``, ``call``, ``join_room`` ... with the same arguments.

They act on the client whose event is being handled, unless told otherwise. Where Flask-SocketIO takes an empty ``to`` for
no ``to``, these send to nobody.
"""

from __future__ import annotations

from typing import Any, cast

import flask
import flask_socketio
from socketio.exceptions import ConnectionRefusedError

from .events import Target

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
    request = cast(Any, flask.request)
    options.setdefault("namespace", request.namespace)
    if options.get("to") is None and options.get("room") is None:
        options["to"] = request.sid
    return _extension().call(event, *args, **options)


def _targeted(options: dict[str, Any]) -> dict[str, Any]:
    request = cast(Any, flask.request)
    options.setdefault("namespace", request.namespace)
    room = options.pop("room", None)
    to: Target | None = options.pop("to", None)
    to = room if to is None else to
    if to is None and not options.pop("broadcast", False):
        to = request.sid
    options.pop("broadcast", None)
    return {**options, "to": to}


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
