"""What the wire tests share: servers that live for the whole session, and clients in one Node process."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScript, JavaScriptSocket

# Who reads from WebSockets: one thread through epoll (under gunicorn, Werkzeug, uvicorn), gevent's hub (under its own server, under
# gunicorn), an asyncio loop (under uvicorn, as where there is no epoll), a thread for each.
KINDS = {
    "threading": {},
    "werkzeug": {"DEBUG": "1"},
    "gevent": {"FRAMEWORK_ASYNC_MODE": "gevent"},
    "gunicorn-gevent": {"FRAMEWORK_ASYNC_MODE": "gevent", "GUNICORN": "gevent"},
    "asyncio": {"FRAMEWORK_SERVER": "asyncio"},
    "asyncio-loop": {"FRAMEWORK_SERVER": "asyncio", "FRAMEWORK_DRIVER": "off"},
    "stock": {"FRAMEWORK_DRIVER": "off"},
    "stock-gevent": {"FRAMEWORK_ASYNC_MODE": "gevent", "FRAMEWORK_DRIVER": "off"},
}
# `make hosts` runs these tests with the others.
MOST = os.environ.get("WIRE_HOSTS", "threading,gevent").split(",")
ALL = os.environ.get("WIRE_HOSTS", "threading,gevent,werkzeug,asyncio,asyncio-loop,stock").split(",")
APP = Path(__file__).with_name("app.py")
DEADLINE_S = 15.0
MAX_LOG_CHARS = 1024

_STRICT_ENV = {
    "FRAMEWORK_CONNECT_TIMEOUT_S": "1",
    "FRAMEWORK_MAX_NAMESPACES": "3",
    "FRAMEWORK_MAX_SEND_QUEUE_BYTES": "3000000",
    "FRAMEWORK_MAX_QUEUED_EVENTS": "20",
    "PING_INTERVAL": "1",
    "PING_TIMEOUT": "2",
}


class Wire(LiveServer):
    """The application of these tests, and what can be asked about its inside."""

    def __init__(self, kind: str, *, strict: bool = False) -> None:
        env = {**(_STRICT_ENV if strict else {}), **KINDS[kind]}
        super().__init__(APP, script=True, env=env)
        self.kind = kind
        self._marks = itertools.count(1)

    def state(self) -> dict[str, Any]:
        """What the server holds at this moment."""
        state: dict[str, Any] = json.loads(self.get("/state"))
        return state

    def wait_until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the server's state as soon as it satisfies *condition*."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition(state := self.state()):
            assert time.monotonic() < deadline, f"{state}\n{self.logs[-3000:]}"
        return state

    def read_log(self) -> str:
        """Everything logged so far, complete up to this moment."""
        mark = f"mark-{next(self._marks)}-"
        self.post(f"/log/{mark}")
        return self.wait_for_log(mark)

    def post(self, path: str) -> None:
        from urllib.request import Request, urlopen

        with urlopen(Request(self.url + path, method="POST"), timeout=DEADLINE_S) as response:
            assert response.status == 200

    def memory(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.get("/memory"))
        return found


class Bystander:
    """A client that is connected all the while; what others do must not touch it."""

    def __init__(self, js: Clients, url: str) -> None:
        self._socket = js.connect(url)
        self._numbers = itertools.count(1)

    def check(self) -> None:
        number = next(self._numbers)
        assert self._socket.call("echo", number) == [number]
        assert self._socket.connected


class Watch:
    """Compares what the server holds before and after."""

    def __init__(self, server: Wire, bystander: Bystander) -> None:
        self.server = server
        self.bystander = bystander
        self.before = server.wait_until(lambda state: state["sockets"] == state["connections"])
        self._logged = len(server.read_log())

    def check(self, *, max_log_chars: int = MAX_LOG_CHARS) -> str:
        """Assert that nothing is left behind, little was logged, and the others are well; return what was logged."""
        keys = ("sockets", "connections", "environ", "clients", "pending", "leaving", "callbacks", "serving")
        after = self.server.wait_until(lambda state: all(state[key] <= self.before[key] for key in keys))
        assert after["pid"] == self.before["pid"]
        self.bystander.check()
        logged = self.server.read_log()[self._logged :]
        assert "Traceback" not in logged, logged
        assert self.server.kind == "werkzeug" or len(logged) < max_log_chars, logged
        return logged


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[..., Wire]]:
    """Starts each kind of server when a test first asks for it, and keeps it."""
    running: dict[tuple[str, bool], Wire] = {}
    with ExitStack() as stack:

        def start(kind: str, *, strict: bool = False) -> Wire:
            if (kind, strict) not in running:
                running[kind, strict] = stack.enter_context(Wire(kind, strict=strict))
            return running[kind, strict]

        yield start


@pytest.fixture(params=MOST)
def server(request: pytest.FixtureRequest, start_server: Callable[..., Wire]) -> Wire:
    """A server with the default limits: gunicorn's threads, or gevent's own server."""
    return start_server(request.param)


@pytest.fixture(params=MOST)
def strict_server(request: pytest.FixtureRequest, start_server: Callable[..., Wire]) -> Wire:
    """A server with limits and times that a test can reach."""
    return start_server(request.param, strict=True)


@pytest.fixture(params=ALL)
def any_server(request: pytest.FixtureRequest, start_server: Callable[..., Wire]) -> Wire:
    """As `server`, in every host."""
    return start_server(request.param)


@pytest.fixture(scope="session")
def node() -> Iterator[JavaScript]:
    """One Node process for all tests."""
    with JavaScript() as javascript:
        yield javascript


class Clients:
    """Connects clients of the official JavaScript library, and disconnects them after the test."""

    def __init__(self, node: JavaScript) -> None:
        self._node = node
        self._opened: list[JavaScriptSocket] = []

    def connect(self, *args: Any, **options: Any) -> JavaScriptSocket:
        socket = self._node.connect(*args, **options)
        self._opened.append(socket)
        return socket

    def close(self) -> None:
        for socket in self._opened:
            socket.disconnect()


@pytest.fixture
def js(node: JavaScript) -> Iterator[Clients]:
    """Clients of the official JavaScript library."""
    clients = Clients(node)
    yield clients
    clients.close()


@pytest.fixture(params=["websocket", "polling", "upgrade"])
def transports(request: pytest.FixtureRequest) -> list[str]:
    """The ``transports`` option of a client."""
    return ["polling", "websocket"] if request.param == "upgrade" else [request.param]


@pytest.fixture
def client(js: Clients, any_server: Wire, transports: list[str]) -> JavaScriptSocket:
    """A client of the main namespace, once per server and transport; upgraded where it can be."""
    return connect(js, any_server, transports)


def connect(js: Clients, server: Wire, transports: list[str], **options: Any) -> JavaScriptSocket:
    """Connect a client of the main namespace, and wait for its upgrade where it makes one."""
    socket = js.connect(server.url, transports=transports, **options)
    assert socket.refused is None
    if len(transports) > 1:
        assert socket.wait_upgraded() == "websocket"
    return socket


@pytest.fixture
def bystander(js: Clients, server: Wire) -> Bystander:
    return Bystander(js, server.url)


@pytest.fixture
def watch(server: Wire, bystander: Bystander) -> Watch:
    return Watch(server, bystander)


@pytest.fixture
def strict_watch(js: Clients, strict_server: Wire) -> Watch:
    return Watch(strict_server, Bystander(js, strict_server.url))
