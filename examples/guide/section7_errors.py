"""Errors: one function that hears of the exceptions of a namespace, and one for all the others.

An error handler is called with the exception. In it ``request.event`` still holds the event that
failed: its name as ``message`` and what the client sent as ``args``.
"""

from typing import Any, cast

from flask import Flask, request

from framework import SocketIO

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for this example"
socketio = SocketIO(app)


@socketio.on_error()
def error_handler(e: BaseException) -> None:
    print(f"error in the default namespace: {e!r}")


@socketio.on_error("/chat")
def error_handler_chat(e: BaseException) -> None:
    print(f"error in /chat: {e!r}")


@socketio.on_error_default
def default_error_handler(e: BaseException) -> None:
    event = cast(Any, request).event  # Flask's own types do not know it
    print(f"error elsewhere: {e!r} in {event['message']!r} with {event['args']}")


def on_my_event(data: Any) -> None:
    raise RuntimeError("something is wrong")


for path in ("/", "/chat", "/elsewhere"):
    socketio.on_event("my error event", on_my_event, namespace=path)
