"""Section 8 of the guide: a class whose methods are the handlers of one namespace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed

EXAMPLE = GUIDE / "section8_class_namespaces.py"


@pytest.fixture(scope="module")
def server(example: Path) -> Iterator[LiveServer]:
    with LiveServer(example) as live:
        yield live


def test_an_event_is_handled_by_the_method_of_its_name(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    ada = js.connect(server.url, "/test", transports=transports)
    ada.emit("my_event", {"data": "hello"})
    assert ada.wait_for("my_response") == [[{"data": "hello"}]]


def test_the_life_cycle_methods_run_once_per_client(server: LiveServer, js: JavaScript) -> None:
    before = server.logs
    js.connect(server.url, "/test").disconnect()
    after = server.wait_for_log("disconnected from /test", count=before.count("disconnected from /test") + 1)
    assert after.count("connected to /test") == before.count("connected to /test") + 1


def test_an_event_without_a_method_is_answered_and_runs_nothing(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url, "/test")
    [answer] = ada.call("my_evnt", {"data": "hello"})
    assert answer["error"]["code"] == "unknown_event"
    assert "my_event" in answer["error"]["message"]
    assert ada.received("my_response") == []
    assert ada.call("my_event", {"data": "still here"}) == []
