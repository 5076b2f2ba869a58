"""A client in the test's own process: Engine.IO over polling, through the application's WSGI interface.

Nothing between the request and the handlers is replaced; only the network is missing. Every wait has a deadline.
"""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import flask
from werkzeug.test import EnvironBuilder

DEADLINE_S = 10.0
_PATH = "/socket.io/?EIO=4&transport=polling"


class PollingClient:
    """One Engine.IO session; `join` makes it a client of a namespace."""

    def __init__(self, app: flask.Flask, **headers: str) -> None:
        self._http = app.test_client()
        self._headers = headers
        self.sid = ""
        self._waiting: list[str | bytes] = []
        opened, *_ = self._poll()  # a session that ended meanwhile says so in the same answer
        self.handshake: dict[str, Any] = json.loads(str(opened)[1:])
        self.sid = self.handshake["sid"]

    def post(self, *frames: str | bytes) -> int:
        """Send Engine.IO frames in one request; return its status."""
        body = "\x1e".join(f"b{base64.b64encode(f).decode()}" if isinstance(f, bytes) else f for f in frames)
        response = self._http.post(f"{_PATH}&sid={self.sid}", data=body.encode(), headers=self._headers)
        return response.status_code

    def get(self) -> int:
        """Poll once; return the status."""
        return self._http.get(f"{_PATH}&sid={self.sid}", headers=self._headers).status_code

    def receive(self) -> str | bytes:
        """Return the next message: text without Engine.IO's type, or bytes."""
        while not self._waiting:
            for frame in self._poll():
                if isinstance(frame, bytes):
                    self._waiting.append(frame)
                elif frame.startswith("4"):
                    self._waiting.append(frame[1:])
                elif frame == "2":
                    self.post("3")
        return self._waiting.pop(0)

    def join(self, namespace: str = "/", auth: Any = None) -> str:
        """Ask to join *namespace*; return the server's answer."""
        self.post(f"40{prefix(namespace)}{'' if auth is None else json.dumps(auth)}")
        return str(self.receive())

    def close(self) -> None:
        self.post("1")

    def _poll(self) -> list[str | bytes]:
        query = f"&sid={self.sid}" if self.sid else ""
        response = self._http.get(_PATH + query, headers=self._headers)
        assert response.status_code == 200, response.text
        return [base64.b64decode(f[1:]) if f.startswith("b") else f for f in response.text.split("\x1e")]


def serve_websocket(app: flask.Flask, sock: socket.socket, raised: list[BaseException]) -> None:
    """Serve one WebSocket as Werkzeug's server does, in this thread."""
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    builder = EnvironBuilder("/socket.io/", query_string="EIO=4&transport=websocket", headers=headers)
    environ = {**builder.get_environ(), "werkzeug.socket": sock}
    builder.close()
    try:
        app(environ, lambda *_: lambda _: None)
    except ConnectionError:
        pass  # how Werkzeug's server is told that the socket is not its own any more
    except BaseException as error:
        raised.append(error)


def prefix(namespace: str) -> str:
    """What stands in a packet for *namespace*."""
    return "" if namespace == "/" else f"{namespace},"


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as *condition* holds; fail when it does not come to hold."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.001)
