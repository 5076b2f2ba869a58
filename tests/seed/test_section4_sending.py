"""Section 4 of the guide: ``send`` and ``emit``, other namespaces, several arguments, callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed

EXAMPLE = GUIDE / "section4_sending.py"


@pytest.fixture(scope="module")
def server(example: Path) -> Iterator[LiveServer]:
    with LiveServer(example) as live:
        yield live


def test_send_answers_the_sender_with_a_message(server: LiveServer, js: JavaScript, transports: list[str]) -> None:
    ada = js.connect(server.url, transports=transports)
    bob = js.connect(server.url, transports=transports)
    ada.emit("message", "hello")
    assert ada.wait_for("message") == [["hello"]]
    bob.emit("message", "bob's own")
    assert bob.wait_for("message") == [["bob's own"]]


def test_send_with_json_answers_with_the_json_event(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url)
    ada.emit("json", {"a": [1, {"b": None}]})
    assert ada.wait_for("json") == [[{"a": [1, {"b": None}]}]]
    assert ada.received("message") == []


@pytest.mark.parametrize("value", ["text", 7, [1, 2], {"a": {"b": 1}}, b"\x00\x01\xff", {"file": b"abc"}])
def test_emit_answers_with_a_named_event_of_the_same_value(
    server: LiveServer, js: JavaScript, transports: list[str], value: object
) -> None:
    ada = js.connect(server.url, transports=transports)
    ada.emit("my event", value)
    assert ada.wait_for("my response") == [[value]]


def test_the_callback_of_an_emit_runs_with_what_the_client_acknowledges(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    ada = js.connect(server.url, transports=transports)
    ada.answer("my response", "thanks", transports[0])
    ada.emit("my event", {"data": 1})
    server.wait_for_log(f"message was received! ('thanks', '{transports[0]}')")


def test_the_callback_of_an_emit_runs_without_arguments_too(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url)
    ada.answer("my response")
    ada.emit("my event", {"data": 1})
    server.wait_for_log("message was received! ()")


def test_send_with_a_namespace_reaches_the_same_client_there(server: LiveServer, js: JavaScript) -> None:
    relay = js.connect(server.url, "/relay")
    chat = js.connect(server.url, "/chat", beside=relay)
    relay.emit("message", "over there")
    assert chat.wait_for("message") == [["over there"]]
    assert relay.received() == []


def test_a_tuple_is_emitted_as_several_arguments(server: LiveServer, js: JavaScript) -> None:
    relay = js.connect(server.url, "/relay")
    chat = js.connect(server.url, "/chat", beside=relay)
    relay.emit("my event", {"data": 1})
    assert chat.wait_for("my response") == [["foo", "bar", {"data": 1}]]


@pytest.mark.parametrize("joined", [True, False])
def test_sending_to_another_namespace_reaches_no_other_client_of_it(
    server: LiveServer, js: JavaScript, joined: bool
) -> None:
    relay = js.connect(server.url, "/relay")
    if joined:
        js.connect(server.url, "/chat", beside=relay)
    stranger_relay = js.connect(server.url, "/relay")
    stranger = js.connect(server.url, "/chat", beside=stranger_relay)
    relay.call("message", "not for strangers")
    stranger_relay.emit("message", "for the stranger")
    assert stranger.wait_for("message") == [["for the stranger"]]
