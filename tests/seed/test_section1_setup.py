"""Section 1 of the guide: ``init_app`` with open CORS, and ``socketio.run`` in debug mode."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript
from tests.seed.conftest import GUIDE

pytestmark = pytest.mark.seed


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(GUIDE / "section1_setup.py", script=True) as live:
        yield live


def test_running_the_script_serves_pages_and_sockets_on_one_port(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url)
    assert ada.wait_for("my response") == [[{"data": "Connected"}]]
    assert "Socket.IO" in server.get("/")


def test_a_client_that_starts_with_polling_is_upgraded_to_websocket(server: LiveServer, js: JavaScript) -> None:
    ada = js.connect(server.url, transports=["polling", "websocket"])
    assert ada.wait_upgraded() == "websocket"
    assert ada.wait_for("my response") == [[{"data": "Connected"}]]


def test_a_page_of_another_site_may_connect_when_every_origin_is_allowed(server: LiveServer) -> None:
    request = Request(
        server.url + "/socket.io/?EIO=4&transport=polling", headers={"Origin": "http://elsewhere.example"}
    )
    with urlopen(request, timeout=10) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "http://elsewhere.example"
        assert response.read().startswith(b"0{")
