"""sio-asyncapi on Flask-SocketIO: ``sio_asyncapi_peer.py PORT [gevent]``. It acks a model as a string of JSON."""

from __future__ import annotations

import logging
import sys
import time

if "gevent" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

from chat import Message, Posted, post
from flask import Flask
from sio_asyncapi import AsyncAPISocketIO

logging.getLogger("werkzeug").setLevel(logging.ERROR)
mode = "gevent" if "gevent" in sys.argv else "threading"
app = Flask(__name__)
app.config["SECRET_KEY"] = "benchmark"
socketio = AsyncAPISocketIO(app, async_mode=mode)


@socketio.on("message", namespace="/chat", request_model=Message, response_model=Posted)
def message(data):
    return post(data)


@socketio.on("untyped", namespace="/chat")
def untyped(data):
    return {"id": 1, "room": data["room"], "author": data["author"], "length": len(data["text"])}


@socketio.on("broadcast", namespace="/chat", request_model=Message, response_model=Posted)
def broadcast(data):
    posted = post(data)
    socketio.emit("posted", posted.model_dump(), namespace="/chat")
    return posted


@socketio.on("slow", namespace="/chat", request_model=Message, response_model=Posted)
def slow(data):
    time.sleep(0.02)
    return post(data)


if __name__ == "__main__":
    options = {"allow_unsafe_werkzeug": True} if mode == "threading" else {}
    socketio.run(app, port=int(sys.argv[1]), **options)
