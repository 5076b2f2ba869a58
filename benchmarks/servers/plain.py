"""Plain Flask-SocketIO with pydantic written by hand: ``plain.py PORT [gevent]``, or ``plain:app`` for gunicorn."""

from __future__ import annotations

import logging
import sys
import time

if "gevent" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

from chat import Message, burn, post
from flask import Flask
from flask_socketio import SocketIO, emit

logging.getLogger("werkzeug").setLevel(logging.ERROR)
mode = "gevent" if "gevent" in sys.argv else "threading"
app = Flask(__name__)
app.config["SECRET_KEY"] = "benchmark"
socketio = SocketIO(app, async_mode=mode)


@socketio.on("connect", namespace="/chat")
def connect():
    pass


@socketio.on("message", namespace="/chat")
def message(data):
    return post(Message.model_validate(data)).model_dump()


@socketio.on("untyped", namespace="/chat")
def untyped(data):
    return {"id": 1, "room": data["room"], "author": data["author"], "length": len(data["text"])}


@socketio.on("broadcast", namespace="/chat")
def broadcast(data):
    posted = post(Message.model_validate(data)).model_dump()
    emit("posted", posted, broadcast=True)
    return posted


@socketio.on("slow", namespace="/chat")
def slow(data):
    time.sleep(0.02)
    return post(Message.model_validate(data)).model_dump()


@socketio.on("burn", namespace="/chat")
def start_burning(data):
    burn()
    return post(Message.model_validate(data)).model_dump()


if __name__ == "__main__":
    print("imported", flush=True)
    options = {"allow_unsafe_werkzeug": True} if mode == "threading" else {}
    socketio.run(app, port=int(sys.argv[1]), **options)
