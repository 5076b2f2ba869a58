# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What mypy and pyright know about a plain Flask-SocketIO application. Checked, never run."""

from __future__ import annotations

from typing import assert_type

import flask_socketio
from flask import Flask

from framework import (
    ConnectionRefusedError,
    Namespace,
    SocketIO,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
    send,
)

app = Flask(__name__)
socketio = SocketIO()
socketio.init_app(app, cors_allowed_origins="*", async_mode="threading")

stock: flask_socketio.SocketIO = socketio
stock_namespace: type[flask_socketio.Namespace] = Namespace


@socketio.on("connect")
def refuse(auth: object) -> None:
    raise ConnectionRefusedError("closed")


@socketio.on("my event", namespace="/test")
def handle(text: str, count: int) -> tuple[str, int]:
    send({"text": text}, json=True)
    send(text, to="room", namespace="/other")
    emit("my response", (text, count), broadcast=True, include_self=False)
    emit("my response", text, room="room", skip_sid=["a", "b"])
    emit("my response", text, callback=print)
    join_room("room")
    leave_room("room")
    close_room("room")
    disconnect()
    assert_type(rooms(), list[str])
    return text, count


@socketio.event
def my_event(text: str) -> str:
    return text


@socketio.event(namespace="/test")
def other_event(text: str) -> str:
    return text


@socketio.on_error()
def on_error(error: BaseException) -> None:
    print(error)


@socketio.on_error_default
def on_other_error(error: BaseException) -> None:
    print(error)


def a_registered_function_keeps_its_type() -> None:
    assert_type(handle("a", 1), tuple[str, int])
    assert_type(my_event("a"), str)
    assert_type(other_event("a"), str)
    handle("a", "b")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def an_application_emits_from_anywhere() -> None:
    socketio.emit("event", {"data": 42}, namespace="/test", to="room")
    socketio.emit("event", {"data": 42}, namespace="/test", broadcast=False)
    socketio.send("text")
    socketio.on_event("my event", handle, namespace="/test")
    socketio.on_namespace(Namespace("/plain"))
    socketio.test_client(app, namespace="/test")
    socketio.run(app, host="127.0.0.1", port=5000, debug=True)
