"""The first screen: ``examples/chat.py`` tested in-process, and served to the JavaScript client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from flask import Flask

from examples import chat
from examples.chat import Chat, Message
from framework import EventError
from framework.testing import ClientFactory
from tests.live import ROOT, LiveServer, child_environment
from tests.node_client import JavaScript

pytestmark = pytest.mark.seed


@pytest.fixture
def app() -> Flask:
    return chat.app


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer("examples/chat") as live:
        yield live


def test_post(framework_client: ClientFactory) -> None:
    ada, bob = framework_client(Chat), framework_client(Chat)
    bob.call(Chat.on_join, "lobby")
    posted = ada.call(Chat.on_post, Message(room="lobby", text="hi"))
    assert bob.received(Chat.posted) == [posted]


def test_a_message_that_is_too_long_is_refused_with_its_path(framework_client: ClientFactory) -> None:
    ada = framework_client(Chat)
    with pytest.raises(EventError) as refused:
        ada.call(Chat.on_post, Message.model_construct(room="lobby", text="x" * 2001))
    assert refused.value.code == "invalid_payload"
    assert [detail["path"] for detail in refused.value.details] == ["text"]


def test_joining_is_acked_with_how_many_are_in_the_room(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    room = f"joined by {transports[0]}"
    ada, bob = (js.connect(server.url, "/chat", transports=transports) for _ in range(2))
    assert ada.call("join", room) == [1]
    assert bob.call("join", room) == [2]


def test_a_post_is_acked_and_heard_in_its_room_only(server: LiveServer, js: JavaScript, transports: list[str]) -> None:
    ada, bob, eve = (js.connect(server.url, "/chat", transports=transports) for _ in range(3))
    bob.call("join", "lobby")
    eve.call("join", "elsewhere")
    [posted] = ada.call("post", {"room": "lobby", "text": "hi"})
    assert posted == {"id": posted["id"], "room": "lobby", "text": "hi"}
    assert bob.wait_for("posted") == [[posted]]
    eve.call("join", "elsewhere")
    assert eve.received() == []


def test_a_payload_of_the_wrong_type_is_answered_with_where_and_why(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url, "/chat")
    [answer] = ada.call("post", {"room": "lobby"})
    assert answer["error"]["code"] == "invalid_payload"
    assert answer["error"]["event"] == "post"
    assert [(detail["path"], detail["type"]) for detail in answer["error"]["details"]] == [("text", "missing")]
    assert ada.call("join", "after an error") == [1]


def test_an_error_without_an_ack_comes_as_one_error_event(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url, "/chat")
    ada.emit("pots", {"room": "lobby", "text": "hi"})
    [[answer]] = ada.wait_for("error")
    assert answer["error"]["code"] == "unknown_event"
    assert "post" in answer["error"]["message"]


def test_routes_lists_what_the_chat_handles_and_sends() -> None:
    command = [
        sys.executable,
        "-c",
        "from framework.cli import main; main()",
        "--app",
        "examples/chat",
        "routes",
    ]
    done = subprocess.run(
        [*command, "--json"], cwd=ROOT, env=child_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    listed = {(route["namespace"], route["event"]) for route in json.loads(done.stdout)}
    assert {("/chat", "join"), ("/chat", "post"), ("/chat", "posted")} <= listed
