"""Section 7 of the guide: error handlers of one namespace and of all others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed

EXAMPLE = GUIDE / "section7_errors.py"


@pytest.fixture(scope="module")
def server(example: Path) -> Iterator[LiveServer]:
    with LiveServer(example) as live:
        yield live


def test_on_error_handles_the_exceptions_of_the_default_namespace(server: LiveServer, js: JavaScript) -> None:
    js.connect(server.url).emit("my error event", 1)
    server.wait_for_log("error in the default namespace: RuntimeError('something is wrong')")


def test_on_error_with_a_path_handles_the_exceptions_of_that_namespace(server: LiveServer, js: JavaScript) -> None:
    js.connect(server.url, "/chat").emit("my error event", 1)
    server.wait_for_log("error in /chat: RuntimeError('something is wrong')")


def test_on_error_default_handles_the_rest_and_knows_the_event(server: LiveServer, js: JavaScript) -> None:
    js.connect(server.url, "/elsewhere").emit("my error event", {"n": 1})
    server.wait_for_log("error elsewhere: RuntimeError('something is wrong') in 'my error event' with ({'n': 1},)")


@pytest.mark.parametrize("path", ["/", "/chat", "/elsewhere"])
def test_an_error_handler_runs_once_and_the_call_is_answered(
    server: LiveServer, js: JavaScript, transports: list[str], path: str
) -> None:
    ada = js.connect(server.url, path, transports=transports)
    before = server.logs.count("something is wrong")
    ada.call("my error event", "one")
    ada.call("my error event", "two")
    server.wait_for_log("something is wrong", count=before + 2)
    assert server.logs.count("something is wrong") == before + 2
    assert ada.connected
