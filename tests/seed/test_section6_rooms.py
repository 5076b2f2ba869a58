"""Section 6 of the guide: entering and leaving rooms, and every client's own room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed

EXAMPLE = GUIDE / "section6_rooms.py"


@pytest.fixture(scope="module")
def server(example: Path) -> Iterator[LiveServer]:
    with LiveServer(example) as live:
        yield live


def test_entering_a_room_is_announced_to_those_in_it(server: LiveServer, js: JavaScript, transports: list[str]) -> None:
    room = f"entered by {transports[0]}"
    ada, bob = (js.connect(server.url, transports=transports) for _ in range(2))
    ada.emit("join", {"username": "ada", "room": room})
    ada.wait_for("message")
    bob.emit("join", {"username": "bob", "room": room})
    assert ada.wait_for("message", 2) == [["ada has entered the room."], ["bob has entered the room."]]
    assert bob.wait_for("message") == [["bob has entered the room."]]


def test_leaving_a_room_is_announced_to_those_who_stay(server: LiveServer, js: JavaScript) -> None:
    ada, bob = js.connect(server.url), js.connect(server.url)
    for client, name in ((ada, "ada"), (bob, "bob")):
        client.emit("join", {"username": name, "room": "left"})
        client.wait_for("message")
    ada.wait_for("message", 2)
    bob.call("leave", {"username": "bob", "room": "left"})
    assert ada.wait_for("message", 3)[-1] == ["bob has left the room."]
    assert bob.received("message") == [["bob has entered the room."]]


def test_what_is_sent_to_a_room_stays_in_it(server: LiveServer, js: JavaScript) -> None:
    ada, bob = js.connect(server.url), js.connect(server.url)
    bob.call("join", {"username": "bob", "room": "blue"})
    ada.call("join", {"username": "ada", "room": "red"})
    bob.emit("whisper", {"to": bob.sid, "text": "the last word"})
    bob.wait_for("whisper")
    assert bob.received("message") == [["bob has entered the room."]]


def test_every_client_is_in_a_room_named_by_its_own_id(server: LiveServer, js: JavaScript) -> None:
    ada, bob, eve = (js.connect(server.url) for _ in range(3))
    ada.emit("whisper", {"to": bob.sid, "text": "psst"})
    assert bob.wait_for("whisper") == [[{"from": ada.sid, "text": "psst"}]]
    for other in (ada, eve):
        other.emit("whisper", {"to": other.sid, "text": "to myself"})
        assert other.wait_for("whisper") == [[{"from": other.sid, "text": "to myself"}]]
