"""One application, served by Flask-SocketIO and, its import changed, by the framework: clients see no difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import pytest

from tests.live import ROOT, LiveServer
from tests.node_client import JavaScript, JavaScriptSocket

pytestmark = pytest.mark.seed

APPLICATION = ROOT / "tests" / "seed" / "stock_application.py"
OLD, NEW = "from flask_socketio import", "from framework import"


class Pair:
    """The stock server and ours, and the same clients on both."""

    def __init__(self, servers: list[LiveServer], js: JavaScript, transports: list[str]) -> None:
        self.servers = servers
        self._js = js
        self._transports = transports

    def connect(self, server: LiveServer, namespace: str = "/", **options: Any) -> JavaScriptSocket:
        return self._js.connect(
            server.url + "?q=query", namespace, transports=self._transports, path="/live/", **options
        )

    def same(self, use: Callable[[LiveServer], Any]) -> Any:
        """What *use* sees of both servers, which must not differ."""
        stock, ours = (use(server) for server in self.servers)
        assert ours == stock
        return ours


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    source = APPLICATION.read_text()
    assert source.count(OLD) == 1
    changed = tmp_path_factory.mktemp("drop_in") / "application.py"
    changed.write_text(source.replace(OLD, NEW))
    with LiveServer(APPLICATION, script=True) as stock, LiveServer(changed, script=True) as ours:
        yield [stock, ours]


@pytest.fixture
def pair(servers: list[LiveServer], js: JavaScript, transports: list[str]) -> Pair:
    return Pair(servers, js, transports)


@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("decorated", [1]),
        ("decorated", [1, 5]),
        ("wrapped", [1]),
        ("wrapped", [1, 5]),
        ("first name", []),
        ("second name", [7]),
        ("named_by_function", []),
        ("named_by_function", [1, None, {"a": [b"x"]}]),
        ("method", [1]),
        ("instance", [1]),
        ("lambda", [1]),
        ("partial", [1]),
        ("server", []),
    ],
)
def test_a_handler_of_any_form_acks_as_before(pair: Pair, event: str, args: list[object]) -> None:
    ack = pair.same(lambda server: pair.connect(server).call(event, *args))
    assert not any(isinstance(value, dict) and "error" in value for value in ack)


@pytest.mark.parametrize(
    "name", ["none", "list", "dict", "one", "empty", "null", "bytes", "zero", "text", "false", "nested"]
)
def test_a_value_of_any_form_is_acked_as_before(pair: Pair, name: str) -> None:
    pair.same(lambda server: pair.connect(server).call("ack", name))


def test_request_session_and_g_are_what_they_were(pair: Pair) -> None:
    def use(server: LiveServer) -> list[Any]:
        with urlopen(server.url + "/login", timeout=10) as response:
            cookie = response.headers["Set-Cookie"].partition(";")[0]
        ada = pair.connect(server, extraHeaders={"Cookie": cookie, "X-Test": "header"})
        return [ada.call(event) for event in ("context", "context", "count", "count")]

    seen = pair.same(use)
    assert seen[0][0]["user"] == "ada"
    assert seen[-1] == [2]


@pytest.mark.parametrize("event", ["ask", "ask by socketio", "callback"])
def test_a_client_answers_the_server_as_before(pair: Pair, event: str) -> None:
    def use(server: LiveServer) -> list[Any]:
        ada = pair.connect(server)
        ada.answer("question", "yes", {"n": 1})
        ack = ada.call(event)
        return [ack, ada.wait_for("answered") if event == "callback" else ada.received()]

    pair.same(use)


@pytest.mark.parametrize("event", ["rooms", "several"])
def test_emits_reach_whom_they_reached_before_in_the_same_order(pair: Pair, event: str) -> None:
    def use(server: LiveServer) -> list[Any]:
        ada, bob = pair.connect(server), pair.connect(server)
        ack = ada.call(event)
        bob.call("count")
        return [ack, ada.received(), bob.received()]

    seen = pair.same(use)
    assert seen[1]


def test_views_and_threads_and_tasks_emit_as_before(pair: Pair) -> None:
    def use(server: LiveServer) -> list[Any]:
        ada, bob = pair.connect(server), pair.connect(server)
        answers = [server.get(path) for path in ("/emit", "/thread")]
        ada.call("background")
        ada.wait_for("worked")
        bob.call("count")
        return [answers, ada.received(), bob.received()]

    pair.same(use)


def test_class_namespaces_work_as_before(pair: Pair) -> None:
    def use(server: LiveServer) -> list[Any]:
        before = server.logs.count("left: talk client disconnect")
        ada = pair.connect(server, "/talk", auth={"token": 1})
        acks = [ada.call("say", {"d": 1}), ada.call("many", 1, "2", None), ada.call("static", 1), ada.call("class", 2)]
        seen = ada.received()
        ada.disconnect()
        server.wait_for_log("left: talk client disconnect", count=before + 1)
        return [acks, seen, pair.connect(server, "/router").call("any name", 1, 2)]

    pair.same(use)


@pytest.mark.parametrize(("namespace", "event"), [("/any", "what ever"), ("/errors", "fail"), ("/late", "late")])
def test_other_namespaces_answer_as_before(pair: Pair, namespace: str, event: str) -> None:
    pair.same(lambda server: pair.connect(server, namespace).call(event))


def test_auth_reaches_the_connect_handler_as_before(pair: Pair) -> None:
    assert pair.same(lambda server: pair.connect(server, "/auth", auth={"t": [1]}).wait_for("auth")) == [[{"t": [1]}]]


def test_clients_are_disconnected_as_before(pair: Pair) -> None:
    def use(server: LiveServer) -> list[Any]:
        before = server.logs.count("disconnected: server disconnect")
        ada, bob = pair.connect(server), pair.connect(server)
        ack = ada.call("kick", bob.sid)
        ada.emit("leave")
        reasons = [bob.wait_disconnected(), ada.wait_disconnected()]
        server.wait_for_log("disconnected: server disconnect", count=before + 2)
        return [ack, reasons]

    pair.same(use)
