"""Connecting: greet a client, refuse a client, and notice when one leaves.

Each namespace has a connection of its own, so ``connect`` and ``disconnect`` happen once in every
namespace that a client joins. A ``connect`` handler is the place to check who is there: returning
``False`` refuses the client, and so does ``ConnectionRefusedError``, which also says why.
"""

from typing import Any

from flask import Flask

from framework import ConnectionRefusedError, SocketIO, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for this example"
socketio = SocketIO(app)


@socketio.on("connect", namespace="/test")
def test_connect() -> None:
    emit("my response", {"data": "Connected"})


@socketio.on("disconnect", namespace="/test")
def test_disconnect() -> None:
    print("Client disconnected")


@socketio.on("connect", namespace="/members")
def members_connect(auth: Any = None) -> bool:
    return bool(auth == {"token": "swordfish"})


@socketio.on("connect", namespace="/closed")
def closed_connect() -> None:
    raise ConnectionRefusedError("closed for today")
