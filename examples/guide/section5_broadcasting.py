"""Broadcasting: reach every client of a namespace, from a handler and from anywhere else.

In a handler ``broadcast=True`` sends to all clients of the namespace, the sender included, and no
callback is called for it. ``socketio.emit`` and ``socketio.send`` need no client to answer to: they
broadcast by themselves, so a view or a background task can use them.
"""

from typing import Any

from flask import Flask

from framework import SocketIO, emit, send

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for this example"
socketio = SocketIO(app)


@socketio.on("message")
def handle_message(message: str) -> None:
    send(message, broadcast=True)


@socketio.on("my event")
def handle_my_custom_event(data: Any) -> None:
    emit("my response", data, broadcast=True)


def some_function() -> None:
    socketio.emit("some event", {"data": 42})


@app.route("/some-function")
def call_some_function() -> str:
    some_function()
    return "sent"


@app.route("/in-background")
def call_some_function_in_background() -> str:
    socketio.start_background_task(some_function)
    return "started"
