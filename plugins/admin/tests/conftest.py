"""An application in the test's own process, with the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from framework_admin import Admin

from framework import Event, EventError, Namespace, SocketIO
from framework.testing import Client

PASSWORD = "correct horse"


class Chat(Namespace):
    """Rooms where people talk."""

    namespace = "/chat"

    said = Event[str]("Somebody said something.")

    def on_connect(self, auth: str | None = None) -> None:
        if auth == "no":
            raise EventError("closed", "Closed.")

    def on_enter(self, room: str) -> None:
        self.join(room)

    def on_say(self, text: str) -> int:
        self.said.broadcast(text)
        return len(text)

    def on_break(self) -> None:
        raise ValueError("a secret")


Build = Callable[..., Flask]
Watch = Callable[..., Client]


@pytest.fixture
def build() -> Build:
    """Make an application: ``build(Admin(), debug=True, ADMIN_PASSWORD="...")``."""

    def make(
        admin: Admin | type[Admin] = Admin, *, debug: bool = True, secret: str = "for tests", **settings: Any
    ) -> Flask:
        app = Flask("shop")
        app.debug = debug
        app.secret_key = secret
        app.config["FRAMEWORK_STRICT_PLUGINS"] = True
        app.config.update({"FRAMEWORK_ADMIN_INTERVAL_S": 60})  # a test says when to look
        app.config.update({f"FRAMEWORK_{name}": value for name, value in settings.items()})
        SocketIO(app, namespaces=[Chat], plugins=[admin])
        return app

    return make


@pytest.fixture
def watch() -> Any:
    """Open the dashboard: ``console = watch(app)``."""
    opened: list[Client] = []

    def open_console(app: Flask, password: str | None = None) -> Client:
        browser = app.test_client()
        if password is not None:
            assert browser.post("/admin/login", data={"password": password}).status_code == 303
        console = Client(app, "/_admin", auth=browser.post("/admin/ticket").json)
        opened.append(console)
        return console

    yield open_console
    for console in opened:
        console.drop()


def admin_of(app: Flask) -> Admin:
    """Return the plugin of *app*."""
    socketio: SocketIO = app.extensions["socketio"]
    return socketio.plugin(Admin)
