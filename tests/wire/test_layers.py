"""Middleware, guards and dependencies in real servers, with the official JavaScript client."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScriptSocket
from tests.wire.conftest import ALL, KINDS, Clients

pytestmark = pytest.mark.wire

APP = Path(__file__).with_name("layers.py")


@pytest.fixture(scope="module", params=ALL)
def layers(request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    with LiveServer(APP, script=True, env=KINDS[request.param]) as server:
        yield server


@pytest.fixture
def join(js: Clients, layers: LiveServer) -> Any:
    """Connects a client by name."""

    def connect(name: str, transports: tuple[str, ...] = ("websocket",)) -> JavaScriptSocket:
        return js.connect(layers.url, transports=list(transports), query={"who": name})

    return connect


def steps(client: JavaScriptSocket, name: str) -> list[str]:
    """What the server noted for *name* since it was asked the last time, as another client sees it."""
    (found,) = client.call("steps", name)
    return list(found)


def code(answer: list[Any]) -> str:
    return str(answer[0]["error"]["code"])


def test_connect_passes_every_layer_and_disconnect_too(join: Any) -> None:
    ada, bob = join("ada"), join("bob")
    assert steps(bob, "ada") == ["outer connect", "inner connect", "connect"]
    ada.disconnect()
    found: list[str] = []
    while "disconnect" not in found:  # it is on its way
        found += steps(bob, "ada")
    assert found == ["outer disconnect client disconnect", "inner disconnect", "disconnect"]


def test_async_middleware_refuses_a_client(join: Any) -> None:
    assert join("banned").refused == {"message": "You are banned.", "data": {"code": "banned"}}


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_flask_and_context_variables_are_the_clients_own_in_every_layer(join: Any, transport: str) -> None:
    ada, bob = join("ada", (transport,)), join("bob", (transport,))
    for _ in range(20):
        for client, name in ((ada, "ada"), (bob, "bob")):
            assert client.call("context") == [[name, name, name, name, True, "around"]]


def test_clients_run_side_by_side_through_async_middleware(join: Any) -> None:
    clients = {name: join(name) for name in ("ada", "bob")}
    with ThreadPoolExecutor() as pool:
        jobs = {name: pool.submit(client.call, "meet") for name, client in clients.items()}
        assert {name: job.result() for name, job in jobs.items()} == {name: [[name, name]] for name in clients}


def test_event_that_nobody_serves_is_answered_by_middleware(join: Any) -> None:
    ada = join("ada")
    assert ada.call("answered", 1, b"\x00") == [[1, b"\x00"]]
    assert code(ada.call("answerd")) == "unknown_event"


def test_dependencies_are_made_once_and_undone_after_the_answer(join: Any) -> None:
    ada, bob = join("ada"), join("bob")
    steps(bob, "ada")
    assert ada.call("open", "hi") == [["hi", "connection of ada", True]]
    assert ada.call("bytes", b"\x00\xff") == [["connection of ada", b"\x00\xff"]]
    assert ada.call("steps", "ada") == [["open", "async open", "handler", "async close", "close", "open", "close"]], (
        "a client's next event waits until what the last one used is undone"
    )


def test_dependencies_are_undone_when_it_fails(join: Any) -> None:
    ada, guest = join("ada"), join("guest")
    steps(ada, "ada")
    steps(ada, "guest")
    assert code(ada.call("open", 5)) == "invalid_payload"
    assert code(ada.call("full")) == "room_full"
    assert code(guest.call("open", "hi")) == "forbidden"
    assert steps(ada, "ada") == ["open", "close", "async open", "async saw room_full", "async close"]
    assert guest.call("steps", "guest") == [["open", "close"]]


def test_nothing_that_is_raised_in_a_layer_ends_anything(join: Any) -> None:
    ada, bob = join("ada"), join("bob")
    for event in ("exit", "stop"):
        answer = ada.call(event)
        assert code(answer) == "internal_error"
        assert "sekret" not in str(answer)
    assert ada.call("retried", "again") == ["again"]
    assert bob.call("context")[0][0] == "bob"
    assert bob.call("steps", "retried") == [["again", "again"]]
