"""Flask-SocketIO as it comes, on the channel that the traced processes use."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading", message_queue=os.environ["FRAMEWORK_MESSAGE_QUEUE"])


@socketio.on("connect", namespace="/chat")
def connect(auth: Any = None) -> None:
    pass


@socketio.on("post", namespace="/chat")
def post(text: str) -> str:
    socketio.emit("posted", text, namespace="/chat")
    return "ok"


socketio.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
