"""A server for the official client: run as a script, with the plugin's settings in the environment."""

from __future__ import annotations

import os

if os.environ["FRAMEWORK_ASYNC_MODE"] == "gevent":
    from gevent import monkey

    monkey.patch_all()

import logging
import threading

from flask import Flask
from flask_login import LoginManager, UserMixin, login_user  # type: ignore[import-untyped]
from framework_auth import Auth, Identity, current_identity, login_required, scopes

from framework import Depends, Namespace, SocketIO, guard


class User(UserMixin):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.id = name


@guard(login_required)
class Chat(Namespace):
    namespace = "/chat"

    def on_who(self, me: Identity = Depends(current_identity)) -> str:
        return me.id

    @guard(scopes("chat:write"))
    async def on_post(self, text: str, me: Identity = Depends(current_identity)) -> str:
        return f"{me.id}: {text}"

    def on_disconnect(self, reason: str, me: Identity = Depends(current_identity)) -> None:
        print(f"{me.id} left: {reason}.", flush=True)


app = Flask(__name__)
app.secret_key = "only for tests"
socketio = SocketIO(app, namespaces=[Chat], plugins=[Auth])
LoginManager(app).user_loader(User)


@app.get("/login/<name>")
def login(name: str) -> str:
    login_user(User(name))
    return "welcome"


@app.get("/revoke/<token_id>")
def revoke(token_id: str) -> str:
    socketio.plugin(Auth).revoke(token_id=token_id)
    return "revoked"


@app.get("/state")
def state() -> dict[str, object]:
    auth = socketio.plugin(Auth)
    return {"clients": len(auth._clients), "due": len(auth._clients._clock), "threads": threading.active_count()}


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    socketio.run(app, port=int(os.environ["PORT"]))
