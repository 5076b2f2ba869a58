"""`SocketIO.clients`: who is connected to this process, in-process and over a real connection."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest

from framework import ClientInfo, Event, Limits, Namespace, SocketIO, signals
from framework.testing import Client
from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.polling_client import PollingClient, wait_until

APPLICATION = """
from dataclasses import asdict
from flask import Flask
from framework import Namespace, SocketIO

class Chat(Namespace):
    namespace = "/chat"

    def on_join(self, room: str) -> None:
        self.join(room)

class Other(Namespace):
    namespace = "/other"

app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat, Other])

@app.get("/clients")
def clients():
    return [asdict(client) for client in socketio.clients()]
"""


class Chat(Namespace):
    namespace = "/chat"

    flood = Event[str]()

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[ClientInfo]] = []
        self.reasons: list[str] = []
        self.list_clients: Callable[[], list[ClientInfo]] = list

    def on_connect(self, auth: str | None = None) -> None:
        self.seen.append(self.list_clients())
        if auth == "flood":
            self.flood.reply("x" * 2000)

    def on_disconnect(self, reason: str) -> None:
        self.reasons.append(reason)
        self.seen.append(self.list_clients())

    def on_join(self, room: str) -> None:
        self.join(room)

    def on_flood(self) -> None:
        for _ in range(20):
            self.flood.reply("x" * 100)


class Other(Namespace):
    namespace = "/other"


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def app(chat: Chat) -> flask.Flask:
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "a key for tests only"
    limits = Limits(max_send_queue_bytes=1000)
    socketio = SocketIO(app, namespaces=[chat, Other], async_mode="threading", limits=limits)
    chat.list_clients = socketio.clients
    return app


def extension(app: flask.Flask) -> SocketIO:
    found: SocketIO = app.extensions["socketio"]
    return found


def test_nobody_is_listed_where_nobody_is(app: flask.Flask) -> None:
    assert extension(app).clients() == []
    assert extension(app).clients("/nowhere") == []


def test_nobody_is_listed_before_there_is_an_application() -> None:
    assert SocketIO().clients() == []


def test_client_is_listed_with_its_rooms_and_where_it_came_from(app: flask.Flask) -> None:
    before = time.time()
    ada = Client(app, Chat, headers={"User-Agent": "a test"})
    ada.call(Chat.on_join, "lobby")
    ada.call(Chat.on_join, "attic")
    (found,) = extension(app).clients()
    assert (found.namespace, found.sid) == ("/chat", ada.sid)
    assert sorted(found.rooms) == ["attic", "lobby"]
    assert (found.address, found.user_agent) == ("127.0.0.1", "a test")
    assert before <= found.connected_at <= time.time()


def test_namespace_may_be_named(app: flask.Flask) -> None:
    ada, bob = Client(app, Chat), Client(app, Other)
    assert [client.sid for client in extension(app).clients("/chat")] == [ada.sid]
    assert [client.sid for client in extension(app).clients("/other")] == [bob.sid]
    assert {client.sid for client in extension(app).clients()} == {ada.sid, bob.sid}


def test_namespaces_of_one_connection_are_known_as_such_without_its_secret_id(app: flask.Flask) -> None:
    ada = Client(app, Chat)
    Client(app, Other, via=ada)
    Client(app, Other)
    first, *rest = (client.connection for client in extension(app).clients())
    assert [other == first for other in rest] == [True, False]
    assert not {first, *rest} & set(extension(app).server.eio.sockets)


def test_client_that_is_being_accepted_or_leaves_is_not_listed(app: flask.Flask, chat: Chat) -> None:
    Client(app, Chat).disconnect()
    assert chat.seen == [[], []]
    assert extension(app).clients() == []


def test_what_waits_to_be_sent_is_told(app: flask.Flask) -> None:
    client = PollingClient(app)
    client.join("/chat")
    (found,) = extension(app).clients()
    assert (found.transport, found.address, found.queued_bytes) == ("polling", "127.0.0.1", 0)
    extension(app).emit("text", "x" * 100, namespace="/chat")
    (found,) = extension(app).clients()
    assert found.queued_bytes == len('2/chat,["text","' + "x" * 100 + '"]')
    client.receive()
    assert extension(app).clients()[0].queued_bytes == 0


def test_clients_may_be_listed_while_others_come_and_go(app: flask.Flask) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                for client in extension(app).clients():
                    assert set(client.rooms) <= {"lobby"}
        except BaseException as error:
            failures.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(200):
        client = Client(app, Chat)
        client.call(Chat.on_join, "lobby")
        client.drop()
    done.set()
    looking.join()
    assert failures == []


def test_client_that_reads_too_slowly_leaves_for_a_reason_of_its_own(app: flask.Flask, chat: Chat) -> None:
    told: list[str] = []

    def note(sender: Any, *, reason: str, **extra: Any) -> None:
        told.append(reason)

    with signals.client_disconnected.connected_to(note, sender=app):
        client = PollingClient(app)
        client.join("/chat")
        client.post('42/chat,["flood"]')
        wait_until(lambda: told)
    assert (told, chat.reasons) == (["slow client"], ["slow client"])


def test_client_for_which_too_much_waits_at_connect_leaves_for_the_same_reason(app: flask.Flask, chat: Chat) -> None:
    client = Client(app, Chat, auth="flood")
    assert not client.connected
    assert chat.reasons == ["slow client"]


def test_client_disconnected_in_its_connect_handler_is_told_the_usual_reason(app: flask.Flask, chat: Chat) -> None:
    def leave(sender: Any, *, sid: str, **extra: Any) -> None:
        extension(app).server.disconnect(sid, "/chat")

    with signals.client_connecting.connected_to(leave, sender=app):
        assert not Client(app, Chat).connected
    assert chat.reasons == ["server disconnect"]


@pytest.mark.wire
@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_clients_of_a_real_server_are_listed_while_they_are_there(async_mode: str, tmp_path: Path) -> None:
    (tmp_path / "chat.py").write_text(APPLICATION)
    with LiveServer("chat", cwd=tmp_path, async_mode=async_mode) as server, JavaScript() as js:
        ada = js.connect(server.url, "/chat")
        ada.call("join", "lobby")
        both = js.connect(server.url, "/other", beside=ada)
        bob = js.connect(server.url, "/chat", transports=["polling"], upgrade=False)
        found = {client["sid"]: client for client in json.loads(server.get("/clients"))}
        assert {sid: client["transport"] for sid, client in found.items()} == {
            ada.sid: "websocket",
            both.sid: "websocket",
            bob.sid: "polling",
        }
        assert {client["address"] for client in found.values()} == {"127.0.0.1"}
        assert (found[ada.sid]["rooms"], found[bob.sid]["rooms"]) == (["lobby"], [])
        assert found[ada.sid]["connection"] == found[both.sid]["connection"] != found[bob.sid]["connection"]
        assert found[bob.sid]["user_agent"] == "node-XMLHttpRequest"
        bob.disconnect()
        wait_until(lambda: bob.sid not in server.get("/clients"))
