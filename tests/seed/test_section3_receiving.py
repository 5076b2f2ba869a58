"""Section 3 of the guide: handlers for text, JSON, several arguments, namespaces and acks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed

EXAMPLE = GUIDE / "section3_receiving.py"


@pytest.fixture(scope="module")
def server(example: Path) -> Iterator[LiveServer]:
    with LiveServer(example) as live:
        yield live


def test_text_arrives_at_the_message_handler(server: LiveServer, js: JavaScript, transports: list[str]) -> None:
    text = f"hello by {transports[0]}, grüße, 你好"
    js.connect(server.url, transports=transports).emit("message", text)
    server.wait_for_log(f"received message: {text}")


def test_json_arrives_at_the_json_handler(server: LiveServer, js: JavaScript) -> None:
    js.connect(server.url).emit("json", {"answer": [42, None, True]})
    server.wait_for_log("received json: {'answer': [42, None, True]}")


@pytest.mark.parametrize("argument", ["text", 7, 1.5, None, ["a", "b"], {"nested": {"deep": [1]}}, b"\x00\xff"])
def test_an_event_carries_text_bytes_numbers_and_json(server: LiveServer, js: JavaScript, argument: object) -> None:
    js.connect(server.url).emit("my event", argument)
    server.wait_for_log(f"received json: {argument}")


def test_a_tuple_returned_by_a_handler_is_an_ack_of_several_values(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    ada = js.connect(server.url, transports=transports)
    assert ada.call("my event", {"data": 1}) == ["one", 2]


def test_an_event_has_as_many_arguments_as_its_handler(server: LiveServer, js: JavaScript) -> None:
    js.connect(server.url, "/several").emit("my event", "a", "b", "c")
    server.wait_for_log("received args: abc")


def test_a_handler_without_a_value_acks_without_a_value(server: LiveServer, js: JavaScript) -> None:
    assert js.connect(server.url, "/several").call("my event", "d", "e", "f") == []


def test_an_event_is_handled_in_the_namespace_it_was_sent_to(server: LiveServer, js: JavaScript) -> None:
    root = js.connect(server.url)
    other = js.connect(server.url, "/test", beside=root)
    other.call("my event", "for the other")
    logs = server.wait_for_log("received json in /test: for the other")
    assert "received json: for the other" not in logs


def test_on_event_registers_a_function_without_a_decorator(server: LiveServer, js: JavaScript) -> None:
    js.connect(server.url, "/function").emit("my event", {"x": 1})
    server.wait_for_log("received data in /function: {'x': 1}")
