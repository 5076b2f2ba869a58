"""Set up: bind a ``SocketIO`` to a Flask application, and serve both with one call.

``init_app`` takes the same options as the constructor, so an application factory can create the
``SocketIO`` first and configure it later. By default only pages of the same origin may connect;
``cors_allowed_origins="*"`` opens the server to the pages of every other site.

Run it with ``python examples/guide/section1_setup.py``: in debug mode the server reloads when a
file changes. ``HOST`` and ``PORT`` in the environment change where it listens.
"""

import os

from flask import Flask

from framework import SocketIO, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "only for this example")
socketio = SocketIO()
socketio.init_app(app, cors_allowed_origins="*")


@app.route("/")
def index() -> str:
    return "Socket.IO is served next to this page."


@socketio.on("connect")
def greet() -> None:
    emit("my response", {"data": "Connected"})


if __name__ == "__main__":
    socketio.run(
        app,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "5000")),
        debug=True,
    )
