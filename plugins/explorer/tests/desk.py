"""An application with the explorer, for the tests that need a real server: the corpus, and some more."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

from flask import Flask
from framework_explorer import Explorer
from pydantic import BaseModel, Field

from framework import Event, EventError, Namespace, SocketIO, event
from tests.contract.corpus import Empty, Nasty

MARKUP = "<img src=x onerror=alert(1)>"


class Message(BaseModel):
    """What is said."""

    room: str = Field(min_length=1, max_length=20, description="Where it is said.")
    text: str = Field(max_length=40)
    tags: list[str] = Field(default=[], max_length=3)


class Badge(BaseModel):
    name: str = Field(min_length=2)


class Desk(Namespace):
    """People talk. <img src=x onerror=alert(1)>"""

    namespace = "/desk/talk"

    said = Event[Message]("Somebody said something.")

    def on_connect(self, badge: Badge) -> None:
        if badge.name == "mallory":
            raise EventError("forbidden", "Not you.")

    def on_say(self, message: Message) -> int:
        """Say something to everybody."""
        self.said.broadcast(message)
        return len(message.text)

    def on_tick(self) -> Iterator[int]:
        """Counts for ever."""
        yield from itertools.count()

    @event(MARKUP)
    def on_markup(self, value: str = MARKUP) -> str:
        """An event whose name looks like markup: <b>bold</b>."""
        return value


def create_app() -> Flask:
    app = Flask("desk")
    app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
    app.config["FRAMEWORK_CONTRACT_TITLE"] = "Desk & co."
    socketio = SocketIO(app, namespaces=[Nasty, Empty, Desk], plugins=[Explorer])

    @socketio.on("hello")
    def hello(name: str, times: int = 1) -> list[str]:
        """Greets."""
        return [f"Hello {name}"] * times

    return app
