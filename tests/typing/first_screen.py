# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What mypy and pyright know about the first screen's chat. Checked, never run.

A wrong line carries an ignore for each checker; a checker that finds it right reports the ignore.
"""

from __future__ import annotations

import itertools
from typing import assert_type

from flask import Flask
from pydantic import BaseModel, Field

from framework import Event, Namespace, SocketIO
from framework.testing import ClientFactory

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


app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat])


def test_post(framework_client: ClientFactory) -> None:
    ada, bob = framework_client(Chat), framework_client(Chat)
    bob.call(Chat.on_join, "lobby")
    posted = ada.call(Chat.on_post, Message(room="lobby", text="hi"))
    assert bob.received(Chat.posted) == [posted]


def what_a_call_returns_is_what_its_handler_returns(framework_client: ClientFactory) -> None:
    ada = framework_client(Chat)
    assert_type(ada.call(Chat.on_join, "lobby"), int)
    assert_type(ada.call(Chat.on_post, Message(room="lobby", text="hi")), Posted)
    assert_type(ada.received(Chat.posted), list[Posted])


def a_call_takes_what_its_handler_takes(framework_client: ClientFactory) -> None:
    ada = framework_client(Chat)
    ada.call(Chat.on_join, 7)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ada.call(Chat.on_join)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    ada.call(Chat.on_join, "a", "b")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    ada.call(Chat.on_post, {"room": "lobby"})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ada.call("join", "lobby", 1)
    ada.emit(Chat.on_join, 7)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


def a_declared_event_takes_its_own_type(message: Message, posted: Posted) -> None:
    Chat.posted.broadcast(posted)
    Chat.posted.emit(posted, to="lobby")
    Chat.posted.emit(posted, to=["lobby", "hall"], skip={"a", "b"})
    Chat.posted.broadcast(message)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Chat.posted.broadcast()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Chat.posted.emit(message, to="lobby")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Chat.posted.emit(posted)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Chat.postd.broadcast(posted)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
