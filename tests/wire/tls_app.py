"""An application whose server ends TLS itself; SERVER says which one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flask import Flask

from framework import Namespace, SocketIO

PEM = str(Path(__file__).with_name("localhost.pem"))  # a key and its certificate, for tests
OPTIONS: dict[str, dict[str, Any]] = {
    "asyncio": {"ssl_certfile": PEM, "ssl_keyfile": PEM},
    "gevent": {"certfile": PEM, "keyfile": PEM},
    "gunicorn": {"certfile": PEM, "keyfile": PEM},
    "werkzeug": {"ssl_context": (PEM, PEM)},
}


class Numbers(Namespace):
    def on_echo(self, number: int) -> int:
        return number


if __name__ == "__main__":
    server = os.environ["SERVER"]
    if server == "gevent":
        from gevent.monkey import patch_all

        patch_all()
    app = Flask(__name__)
    socketio = SocketIO(app, async_mode="gevent" if server == "gevent" else "threading", namespaces=[Numbers])
    socketio.run(app, port=int(os.environ["PORT"]), server=server, **OPTIONS[server])
