"""Section 9 of the guide: a page in a browser that shows what an HTTP request pushes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript, run_node
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed


@pytest.fixture(scope="module")
def server(js: JavaScript) -> Iterator[LiveServer]:
    script = GUIDE / "section9_page" / "page.py"
    with LiveServer(script, script=True, env={"SOCKET_IO_CLIENT": js.client_file("socket.io.min.js")}) as live:
        yield live


@pytest.mark.browser
def test_the_page_shows_what_a_request_to_push_sends(server: LiveServer) -> None:
    page = run_node("guide_page.cjs", server.url)
    assert page["heading"] == "Demo of SocketIO"
    assert page["pushed"] == ["done!", "done!"]
    assert page["text"] == "test message!\ntest message!"
    assert page["problems"] == []


@pytest.mark.browser
def test_the_page_needs_no_other_host(server: LiveServer) -> None:
    page = run_node("guide_page.cjs", server.url)
    assert page["hosts"] == [f"{server.host}:{server.port}"]


def test_push_reaches_clients_of_every_transport(server: LiveServer, js: JavaScript, transports: list[str]) -> None:
    ada = js.connect(server.url, "/dcenter", transports=transports)
    assert server.get("/push") == "done!"
    assert ada.wait_for("dcenter") == [[{"data": "test message!"}]]


def test_my_event_is_answered_with_its_data_and_a_count(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url, "/dcenter")
    ada.emit("my_event", {"data": "hello"})
    assert ada.wait_for("my_response") == [[{"data": "hello", "count": 1}]]
    server.wait_for_log("message: {'data': 'hello'}")


def test_connecting_and_leaving_is_noticed(server: LiveServer, js: JavaScript) -> None:
    before = server.logs
    js.connect(server.url, "/dcenter").disconnect()
    server.wait_for_log("client disconnected.", count=before.count("client disconnected.") + 1)
    assert server.logs.count("client connected.") > before.count("client connected.")


def test_a_missing_client_file_is_a_404_that_names_the_fix() -> None:
    script = GUIDE / "section9_page" / "page.py"
    with LiveServer(script, script=True, env={"SOCKET_IO_CLIENT": "missing.js"}) as server:
        status, text = server.get_status("/socket.io.min.js")
    assert status == 404
    assert "npm ci" in text
