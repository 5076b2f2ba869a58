"""What a namespace offers its handlers, in the order of a connection's life."""

from __future__ import annotations

import inspect
from typing import Any

import flask
import pytest
from flask import Flask

from framework import EventError, Namespace, NotBoundError, SocketIO
from framework.testing import Client


class Chat(Namespace):
    """Rooms where people talk."""

    namespace = "/chat"

    def on_sid(self) -> str:
        return self.sid

    def on_join(self, room: str, sid: str | None = None) -> int:
        self.join(room, sid)
        return self.room_size(room)

    def on_leave(self, room: str) -> list[str]:
        self.leave(room)
        return self.rooms()

    def on_rooms(self, sid: str | None = None) -> list[str]:
        return sorted(self.rooms(sid))

    def on_close(self, room: str) -> None:
        self.close_room(room)

    def on_kick(self, sid: str | None = None) -> None:
        self.disconnect(sid)


@pytest.fixture
def app() -> flask.Flask:
    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Chat])
    return app


def test_the_sid_is_the_clients_and_a_room_of_its_own(app: flask.Flask) -> None:
    ada = Client(app, Chat)
    assert ada.call(Chat.on_sid) == ada.sid
    assert ada.call(Chat.on_rooms) == [ada.sid]


def test_rooms_are_joined_counted_left_and_closed(app: flask.Flask) -> None:
    ada, bob = Client(app, Chat), Client(app, Chat)
    assert ada.call(Chat.on_join, "lobby") == 1
    assert ada.call(Chat.on_join, "lobby", bob.sid) == 2
    assert ada.call(Chat.on_rooms, bob.sid) == sorted(["lobby", bob.sid])
    assert bob.call(Chat.on_leave, "lobby") == [bob.sid]
    assert bob.call(Chat.on_leave, "lobby") == [bob.sid]
    ada.call(Chat.on_close, "lobby")
    assert ada.call(Chat.on_rooms) == [ada.sid]


def test_a_client_is_disconnected_by_itself_or_by_another(app: flask.Flask) -> None:
    ada, bob = Client(app, Chat), Client(app, Chat)
    ada.call(Chat.on_kick, bob.sid)
    assert not bob.connected
    ada.emit(Chat.on_kick)
    assert not ada.connected


def test_outside_of_an_event_there_is_no_sid(app: flask.Flask) -> None:
    chat = next(home for home in Chat._homes if home.socketio is app.extensions["socketio"])
    for use in (lambda: chat.sid, lambda: chat.join("lobby"), lambda: chat.rooms()):
        with pytest.raises(RuntimeError, match=r"^Chat\.sid: no client's event is being handled here"):
            use()
    with app.test_request_context("/"), pytest.raises(RuntimeError, match=r"^Chat\.sid"):
        chat.join("lobby")


def test_a_path_may_be_given_to_an_instance() -> None:
    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Chat("/red"), Chat("/blue")])
    red, blue = Client(app, "/red"), Client(app, "/blue")
    assert red.call("join", "lobby") == 1
    assert blue.call("join", "lobby") == 1


def test_a_base_reached_from_an_overridden_trigger_event_serves() -> None:
    class Counting(Chat):
        namespace = "/counting"
        seen: list[str] = []  # noqa: RUF012

        def trigger_event(self, event: str, *args: Any) -> Any:
            self.seen.append(event)
            return super().trigger_event(event, *args)

    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Counting])
    ada = Client(app, "/counting")
    assert ada.call("join", "lobby") == 1
    with pytest.raises(EventError) as caught:
        ada.call("join", 1)
    assert caught.value.code == "invalid_payload"
    assert Counting.seen == ["connect", "join", "join"]


def test_a_class_does_not_change_its_base() -> None:
    class Loud(Chat):
        def on_shout(self) -> None: ...

    assert "shout" not in Chat._handlers.events
    assert {*Chat._handlers.events, "shout"} == set(Loud._handlers.events)
    assert not Namespace._handlers.events


def test_a_namespace_that_is_not_registered_says_so() -> None:
    alone = Chat("/elsewhere")
    for use in (lambda: alone.join("lobby", "sid"), lambda: alone.room_size("lobby")):
        with pytest.raises(NotBoundError, match=r"^Chat is not registered\. Pass it to SocketIO\(\.\.\., namespaces="):
            use()


def test_call_by_name_waits_for_60_seconds_at_most() -> None:
    timeout = inspect.signature(Namespace.call).parameters["timeout"]
    assert timeout.default == 60


def test_attributes_of_a_user_may_have_any_name_that_is_not_a_method_here() -> None:
    class Mine(Namespace):
        namespace = "/mine"
        handlers = declared = ("my own",)

        def on_read(self) -> tuple[str, ...]:
            return self.handlers + self.declared

    app = Flask(__name__)
    SocketIO(app, namespaces=[Mine])
    assert Client(app, Mine).call(Mine.on_read) == ("my own", "my own")
