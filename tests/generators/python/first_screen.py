"""The chat of the first screen, whose client is ``chat_client.py``."""

from __future__ import annotations

import itertools

from flask import Flask
from pydantic import BaseModel, Field

from framework import Event, Namespace, SocketIO

ids = itertools.count(1)


class Message(BaseModel):
    room: str = Field(max_length=64)
    text: str = Field(max_length=2000)


class Posted(BaseModel):
    id: int
    room: str
    text: str


class Chat(Namespace):
    """Rooms where people talk."""

    namespace = "/chat"

    posted = Event[Posted]("A message was posted to a room you are in.")

    def on_join(self, room: str) -> int:
        """Enter a room; acknowledged with how many are in it."""
        self.join(room)
        return self.room_size(room)

    def on_post(self, message: Message) -> Posted:
        posted = Posted(id=next(ids), **message.model_dump())
        self.posted.emit(posted, to=message.room)
        return posted


def create_app() -> Flask:
    app = Flask("chat")
    SocketIO(app, namespaces=[Chat])
    return app
