"""Section 5 of the guide: broadcasts of a handler, of a view and of a background task."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(GUIDE / "section5_broadcasting.py") as live:
        yield live


def test_a_broadcast_reaches_every_client_and_its_sender(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    clients = [js.connect(server.url, transports=transports) for _ in range(3)]
    clients[0].emit("my event", {"data": "for all"})
    for client in clients:
        assert client.wait_for("my response") == [[{"data": "for all"}]]


def test_send_broadcasts_messages(server: LiveServer, js: JavaScript) -> None:
    ada, bob = js.connect(server.url), js.connect(server.url)
    ada.emit("message", "hello")
    assert ada.wait_for("message") == bob.wait_for("message") == [["hello"]]


@pytest.mark.parametrize(("path", "answer"), [("/some-function", "sent"), ("/in-background", "started")])
def test_a_broadcast_from_outside_an_event_reaches_every_client(
    server: LiveServer, js: JavaScript, path: str, answer: str
) -> None:
    ada, bob = js.connect(server.url), js.connect(server.url, transports=["polling"])
    assert server.get(path) == answer
    assert ada.wait_for("some event") == bob.wait_for("some event") == [[{"data": 42}]]
