"""The protocol of the official Socket.IO Admin UI, spoken by the official JavaScript client.

The shapes are those of ``@socket.io/admin-ui`` 0.5.1: of its ``instrument()``, and of what its pages read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from framework_admin.access import TRIES_PER_ADDRESS

from framework import EventError
from framework.testing import Client, ConnectRefused
from tests.live import ROOT, LiveServer
from tests.node_client import JavaScript, JavaScriptSocket

from .conftest import Chat, admin_of

PASSWORD = "correct horse"
LOGIN = {"username": "admin", "password": PASSWORD}
ACTIONS = {"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"}


@pytest.fixture
def app(build: Any) -> Any:
    return build(ADMIN_OFFICIAL=True, ADMIN_PASSWORD=PASSWORD)


# -- credentials


@pytest.mark.parametrize(
    "auth",
    [
        None,
        {},
        {"username": "admin", "password": "a guess"},
        {"username": "root", "password": PASSWORD},
        {"password": PASSWORD},
        {"sessionId": "forged"},
        {"sessionId": None},
    ],
)
def test_wrong_credentials_are_refused_in_the_words_that_the_ui_knows(app: Any, auth: Any) -> None:
    with pytest.raises(ConnectRefused, match="invalid credentials"):
        Client(app, "/admin", auth=auth)


def test_too_many_wrong_passwords_are_refused(app: Any) -> None:
    for _ in range(TRIES_PER_ADDRESS):
        with pytest.raises(ConnectRefused, match="invalid credentials"):
            Client(app, "/admin", auth={**LOGIN, "password": "a guess"})

    with pytest.raises(ConnectRefused) as refused:
        Client(app, "/admin", auth=LOGIN)

    assert refused.value.code == "rate_limited"


def test_session_lets_in_the_next_time_and_only_there(app: Any) -> None:
    (session,) = Client(app, "/admin", auth=LOGIN).received("session")

    again = Client(app, "/admin", auth={"sessionId": session})

    assert again.received("session") == []
    with pytest.raises(ConnectRefused):
        Client(app, "/_admin", auth={"ticket": session})


# -- what it is told


def test_features_are_announced_that_exist(app: Any, build: Any) -> None:
    (config,) = Client(app, "/admin", auth=LOGIN).received("config")
    reading = build(debug=False, ADMIN_ENABLED=True, ADMIN_OFFICIAL=True, ADMIN_PASSWORD=PASSWORD)
    (config_of_readers,) = Client(reading, "/admin", auth=LOGIN).received("config")

    assert set(config["supportedFeatures"]) == {*ACTIONS, "ALL_EVENTS"}
    assert config_of_readers == {"supportedFeatures": ["ALL_EVENTS"]}


@pytest.mark.parametrize(
    ("event", "args"),
    [("emit", ["/chat", None, "x"]), ("join", ["/chat", "r"]), ("leave", ["/chat", "r"]), ("_disconnect", ["/chat"])],
)
def test_reader_may_not_act(build: Any, event: str, args: list[Any]) -> None:
    app = build(debug=False, ADMIN_ENABLED=True, ADMIN_OFFICIAL=True, ADMIN_PASSWORD=PASSWORD)
    ada = Client(app, Chat)
    ui = Client(app, "/admin", auth=LOGIN)

    with pytest.raises(EventError, match="forbidden"):
        ui.call(event, *args)

    assert ada.connected


def test_all_sockets_go_to_who_came_and_hold_those_that_were_there(app: Any) -> None:
    first = Client(app, "/admin", auth=LOGIN)
    first.clear()
    ada = Client(app, Chat, headers={"User-Agent": "Firefox", "Cookie": "a=secret"})
    ada.call(Chat.on_enter, "lobby")
    admin_of(app).monitor.update()

    (sockets,) = Client(app, "/admin", auth=LOGIN).received("all_sockets")

    (socket,) = sockets
    assert first.received("all_sockets") == []
    assert set(socket) == {"id", "clientId", "transport", "nsp", "data", "handshake", "rooms"}
    assert (socket["id"], socket["nsp"], socket["rooms"]) == (ada.sid, "/chat", [ada.sid, "lobby"])
    assert len(socket["clientId"]) == 12
    assert set(socket["handshake"]) == {"address", "headers", "query", "issued", "secure", "time", "url", "xdomain"}
    assert socket["handshake"]["headers"] == {"user-agent": "Firefox"}
    assert "secret" not in str(socket)


def test_statistics_have_the_namespaces_of_classes(app: Any) -> None:
    Client(app, Chat)

    (stats,) = Client(app, "/admin", auth=LOGIN).received("server_stats")

    assert set(stats) == {
        "serverId",
        "hostname",
        "pid",
        "uptime",
        "clientsCount",
        "pollingClientsCount",
        "namespaces",
    }
    assert stats["namespaces"] == [{"name": "/chat", "socketsCount": 1}]
    assert (stats["pid"], stats["clientsCount"]) == (os.getpid(), 2)


def test_what_happens_is_told_without_arguments(app: Any) -> None:
    ui = Client(app, "/admin", auth=LOGIN)
    monitor = admin_of(app).monitor
    ada = Client(app, Chat)
    sid = ada.sid
    monitor.update()
    ada.call(Chat.on_enter, "lobby")
    ada.call(Chat.on_say, "a secret")
    monitor.update()
    app.extensions["socketio"].server.leave_room(sid, "lobby", namespace="/chat")
    monitor.update()
    ada.disconnect()
    monitor.update()

    def told(event: str) -> list[Any]:
        """The arguments without the time, which comes last."""
        return [args[:-1] for args in ui.received(event)]

    assert [socket["id"] for (socket,) in told("socket_connected")] == [sid]
    assert told("room_joined") == told("room_left") == [("/chat", "lobby", sid)]
    assert told("event_received") == [("/chat", sid, ["enter"]), ("/chat", sid, ["say"])]
    assert told("event_sent") == [("/chat", "", ["said"])]
    assert told("socket_disconnected") == [("/chat", sid, "client disconnect")]
    assert all(args[-1].endswith("Z") for args in ui.received("event_received"))


def test_client_event_named_disconnect_disturbs_nothing(app: Any) -> None:
    ui = Client(app, "/admin", auth=LOGIN)
    ada = Client(app, Chat)
    ada.emit("disconnect", "x")
    ada.disconnect()

    admin_of(app).monitor.update()

    assert [args[2] for args in ui.received("event_received")] == [["(unknown)"]]


# -- a real server, and the official client


@pytest.fixture(scope="module", params=["threading", "gevent"])
def server(request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    environment = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins" / "admin")]),
        "FRAMEWORK_ADMIN_ENABLED": "true",
        "FRAMEWORK_ADMIN_PASSWORD": PASSWORD,
        "FRAMEWORK_ADMIN_ACTIONS": "true",
        "FRAMEWORK_ADMIN_OFFICIAL": "true",
        "FRAMEWORK_ADMIN_INTERVAL_S": "0.1",
    }
    with LiveServer("plugins/admin/tests/shop.py", async_mode=request.param, env=environment) as live:
        yield live


@pytest.fixture
def js() -> Iterator[JavaScript]:
    with JavaScript() as found:
        yield found


def log_in(js: JavaScript, server: LiveServer) -> JavaScriptSocket:
    return js.connect(server.url, "/admin", auth=LOGIN, transports=["polling", "websocket"])


@pytest.mark.wire
def test_operator_joins_leaves_emits_and_disconnects(server: LiveServer, js: JavaScript) -> None:
    ada, bob = js.connect(server.url, "/shop"), js.connect(server.url, "/shop")
    ui = log_in(js, server)
    assert {socket["id"] for socket in ui.wait_for("all_sockets")[0][0]} >= {ada.sid, bob.sid}

    ui.emit("join", "/shop", "vip", ada.sid)
    assert ui.wait_for("room_joined")[0][:3] == ["/shop", "vip", ada.sid]
    ui.emit("emit", "/shop", "vip", "notice", "hello", {"n": 1})
    assert ada.wait_for("notice") == [["hello", {"n": 1}]]
    ui.emit("leave", "/shop", "vip")
    assert ui.wait_for("room_left")[0][:3] == ["/shop", "vip", ada.sid]
    ui.emit("_disconnect", "/shop", False, ada.sid)
    assert ada.wait_disconnected() == "io server disconnect"
    assert ui.wait_for("socket_disconnected")[0][:3] == ["/shop", ada.sid, "server disconnect"]
    ui.emit("_disconnect", "/shop", True, bob.sid)
    bob.wait_disconnected()
    assert bob.received("notice") == []


@pytest.mark.wire
def test_official_client_sees_events_as_they_come(server: LiveServer, js: JavaScript) -> None:
    ui = log_in(js, server)
    ada = js.connect(server.url, "/shop", transports=["polling"])
    assert ui.wait_for("socket_connected")[0][0]["transport"] == "polling"

    ada.call("look", "lamp")

    received = ui.wait_for("event_received")
    assert ["/shop", ada.sid, ["look"]] in [args[:3] for args in received]
    assert ui.wait_for("event_sent")[0][:3] == ["/shop", "", ["seen"]]
    assert len(ui.wait_for("server_stats", 2)) >= 2
    ada.disconnect()
