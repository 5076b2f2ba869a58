"""An application with the dashboard, for the tests that need a real server."""

from __future__ import annotations

import os

from flask import Flask
from framework_admin import Admin

from framework import Event, EventError, Namespace, SocketIO, event


class Shop(Namespace):
    """People look at things together."""

    namespace = "/shop"

    seen = Event[str]("Somebody looked at a thing.")

    def on_enter(self, room: str) -> None:
        """Go into a room."""
        self.join(room)

    def on_look(self, thing: str) -> int:
        """Look at a thing; the others are told."""
        self.seen.broadcast(thing)
        return len(thing)

    def on_buy(self, thing: str) -> None:
        """Buy it, if there is any left."""
        raise EventError("sold_out", f"There is no {thing} left.")

    def on_break(self) -> None:
        """Drop it."""
        raise ValueError("the vase")

    @event("<img src=x onerror=alert(1)>")
    def on_markup(self) -> None:
        """An event whose name looks like markup: <b>bold</b>."""


class Desk(Namespace):
    """The people who work there."""

    namespace = "/desk"

    def on_ring(self) -> str:
        """Ring the bell."""
        return "coming"


app = Flask("shop")
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
app.config.from_prefixed_env("SHOP")
socketio = SocketIO(app, namespaces=[Shop, Desk], plugins=[Admin])
