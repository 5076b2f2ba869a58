"""A server with limits, for real clients; its settings are in the environment."""

from __future__ import annotations

import os

if os.environ["FRAMEWORK_ASYNC_MODE"] == "gevent":
    from gevent import monkey

    monkey.patch_all()

from types import SimpleNamespace

import flask
from flask import Flask
from framework_rate_limit import RateLimit, limit
from pydantic import BaseModel
from werkzeug.middleware.proxy_fix import ProxyFix

from framework import Namespace, SocketIO


class Login(BaseModel):
    user: str


class Chat(Namespace):
    namespace = "/chat"

    def on_connect(self, auth: Login | None = None) -> None:
        if auth is not None:
            flask.g.identity = SimpleNamespace(id=auth.user)

    def on_post(self, text: str) -> str:
        return text

    @limit("3/second")
    def on_marked(self, text: str) -> str:
        return text


app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
socketio = SocketIO(app, namespaces=[Chat], plugins=[RateLimit])
app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]

if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(os.environ["PORT"]))
