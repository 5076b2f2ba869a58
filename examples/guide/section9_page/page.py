"""A whole application: a page that shows what the server pushes, and a route that pushes.

Run it with ``python examples/guide/section9_page/page.py``, open ``http://127.0.0.1:5000/``, then
request ``/push`` in another tab: the text appears on the page. Nothing is loaded from other
hosts. The client's script is the official one from ``node_modules``, where ``npm ci`` in the root
of the repository puts it; ``SOCKET_IO_CLIENT`` in the environment names another copy.
"""

import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, render_template, send_file

from framework import SocketIO, emit

CLIENT = Path(
    os.environ.get("SOCKET_IO_CLIENT")
    or Path(__file__).resolve().parents[3] / "node_modules/socket.io-client/dist/socket.io.min.js"
)

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "only for this example")

socketio = SocketIO()
socketio.init_app(app, cors_allowed_origins="*")

name_space = "/dcenter"


@app.route("/")
def index() -> str:
    return render_template("index.html")


@app.route("/socket.io.min.js")
def client() -> Response:
    if not CLIENT.is_file():
        abort(404, f"There is no {CLIENT.name}. Run 'npm ci', or name a copy in SOCKET_IO_CLIENT.")
    return send_file(CLIENT, mimetype="text/javascript")


@app.route("/push")
def push_once() -> str:
    event_name = "dcenter"
    broadcasted_data = {"data": "test message!"}
    socketio.emit(event_name, broadcasted_data, broadcast=False, namespace=name_space)
    return "done!"


@socketio.on("connect", namespace=name_space)
def connected_msg() -> None:
    print("client connected.")


@socketio.on("disconnect", namespace=name_space)
def disconnect_msg() -> None:
    print("client disconnected.")


@socketio.on("my_event", namespace=name_space)
def mtest_message(message: dict[str, Any]) -> None:
    print(f"message: {message}")
    emit("my_response", {"data": message["data"], "count": 1})


if __name__ == "__main__":
    socketio.run(
        app,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "5000")),
        debug=True,
    )
