"""Section 2 of the guide: connect and disconnect handlers, per namespace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(GUIDE / "section2_connecting.py") as live:
        yield live


def test_an_emit_in_the_connect_handler_greets_the_new_client(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    ada = js.connect(server.url, "/test", transports=transports)
    assert ada.transport == transports[0]
    assert ada.wait_for("my response") == [[{"data": "Connected"}]]


def test_the_greeting_goes_to_the_new_client_alone(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url, "/test")
    ada.wait_for("my response")
    bob = js.connect(server.url, "/test")
    bob.wait_for("my response")
    assert len(ada.received("my response")) == 1


def test_the_disconnect_handler_runs_when_a_client_leaves(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    before = server.logs.count("Client disconnected")
    ada = js.connect(server.url, "/test", transports=transports)
    ada.disconnect()
    server.wait_for_log("Client disconnected", count=before + 1)


def test_namespaces_on_one_connection_are_left_one_by_one(server: LiveServer, js: JavaScript) -> None:
    before = server.logs.count("Client disconnected")
    member = js.connect(server.url, "/members", auth={"token": "swordfish"})
    tester = js.connect(server.url, "/test", beside=member)
    assert tester.sid != member.sid
    tester.disconnect()
    server.wait_for_log("Client disconnected", count=before + 1)
    assert member.connected


@pytest.mark.parametrize("auth", [None, {}, {"token": "sardine"}])
def test_a_connect_handler_that_returns_false_refuses_the_client(
    server: LiveServer, js: JavaScript, transports: list[str], auth: object
) -> None:
    eve = js.connect(server.url, "/members", auth=auth, transports=transports)
    assert eve.refused is not None
    assert eve.refused["message"]
    assert not eve.connected


def test_connection_refused_error_tells_the_client_why(server: LiveServer, js: JavaScript) -> None:
    eve = js.connect(server.url, "/closed")
    assert eve.refused is not None
    assert eve.refused["message"] == "closed for today"
