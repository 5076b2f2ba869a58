"""Whoever reads from the WebSockets: a handler that waits stops nobody else, and one client does not keep the others waiting."""

from __future__ import annotations

import collections
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer, child_environment
from tests.node_client import JavaScript
from tests.wire.conftest import Wire
from tests.wire.raw import TEXT, RawWebSocket, build_frame, join

pytestmark = pytest.mark.wire

DRIVEN = ("threading", "werkzeug", "gevent", "gunicorn-gevent", "asyncio", "asyncio-loop")


def join_hosts(server: Wire) -> RawWebSocket:
    client = RawWebSocket(server.port)
    client.open()
    assert str(client.join("/hosts")).startswith('40/hosts,{"sid"')
    return client


@pytest.fixture
def client(any_server: Wire) -> Iterator[RawWebSocket]:
    with join_hosts(any_server) as client:
        yield client


@pytest.fixture
def other(any_server: Wire) -> Iterator[RawWebSocket]:
    with join_hosts(any_server) as client:
        yield client


def test_handlers_that_wait_for_long_stall_their_own_clients_only(any_server: Wire, client: RawWebSocket) -> None:
    with join_hosts(any_server) as first, join_hosts(any_server) as second:
        for waiting in (first, second):
            waiting.send('42/hosts,1["wait"]')
        for number in range(20):
            client.send(f'42/hosts,{number}["note","quick"]')
            assert client.receive() == f'43/hosts,{number}["quick"]'
        client.send('42/hosts,["release"]')
        assert first.receive() == second.receive() == "43/hosts,1[true]"
    any_server.wait_until(lambda state: state["streaming"] == 0)


def test_server_may_ask_the_client_whose_event_it_handles(client: RawWebSocket) -> None:
    for number in range(5):
        client.send(f'42/hosts,7["ask",{number}]')
        question = str(client.receive())
        head, _, body = question.partition("[")
        assert (head[:9], body) == ("42/hosts,", f'"ask",{number}]')
        client.send(f"43{head[2:]}[{number * 2}]")
        assert client.receive() == f"43/hosts,7[{number * 2}]"


def test_events_that_come_while_a_handler_asks_are_handled_after_it(client: RawWebSocket) -> None:
    client.send('42/hosts,1["ask",1]', '42/hosts,2["note","after"]')
    question = str(client.receive())
    client.send(f"43{question.partition('[')[0][2:]}[5]")
    assert [client.receive() for _ in range(2)] == ["43/hosts,1[5]", '43/hosts,2["after"]']


def test_client_that_sends_without_pause_does_not_keep_others_waiting(
    client: RawWebSocket, other: RawWebSocket
) -> None:
    other.send('42/hosts,1["notes"]')
    other.receive()
    frame = build_frame(TEXT, b'42/hosts,["note","greedy"]')
    client.send_bytes(frame * 20_000)
    other.send('42/hosts,2["note","patient"]')
    assert other.receive() == '43/hosts,2["patient"]'
    client.send('42/hosts,3["note","last"]')
    assert client.receive() == '43/hosts,3["last"]'
    other.send('42/hosts,4["notes"]')
    noted = str(other.receive())
    assert noted.index("patient") < noted.index("last")
    assert noted.count("greedy") == 20_000


def test_websocket_that_opens_is_no_bad_request_in_the_log(any_server: Wire) -> None:
    before = len(any_server.read_log())
    with join(any_server.port) as client:
        client.call("echo", 1)
    logged = any_server.read_log()[before:]
    assert '" 400 ' not in logged
    assert "0m 400" not in logged


def test_handler_runs_where_it_asks_to_be_run(any_server: Wire, client: RawWebSocket, other: RawWebSocket) -> None:
    def find_thread(caller: RawWebSocket, name: str) -> str:
        caller.send(f'42/hosts,1["{name}"]')
        return str(caller.receive())

    inline = collections.Counter(find_thread(other, "inline") for _ in range(20))
    pooled = {find_thread(client, "pool") for _ in range(20)}
    if any_server.kind in DRIVEN:  # without a leader both are the pool's, and may be one thread
        leader, count = inline.most_common(1)[0]
        assert count > 10  # not all: a leader that the system stops for 5 ms is replaced
        assert leader not in pooled


def test_websockets_that_are_open_cost_no_thread(any_server: Wire) -> None:
    with join(any_server.port) as first:
        first.call("echo")
        before = any_server.state()["threads"]
        clients = [join(any_server.port) for _ in range(100)]
        after = any_server.state()["threads"]
        for client in clients:
            client.drop()
    per_client = 0 if any_server.kind in DRIVEN else 2
    assert after < before + 50 + per_client * 100  # some requests may be about to end
    any_server.wait_until(lambda state: state["clients"] == 0)


@pytest.mark.parametrize("stage", ["connected", "probing", "mid-frame", "open", "event"])
def test_client_that_is_killed_at_any_stage_leaves_no_descriptor(any_server: Wire, stage: str) -> None:
    before = any_server.wait_until(lambda state: state["sockets"] == state["clients"] == 0)
    for _ in range(20):
        kill(any_server, stage)
    keys = ("sockets", "connections", "environ", "clients", "pending", "callbacks", "serving")
    any_server.wait_until(lambda state: all(state[key] <= before[key] for key in keys))
    any_server.wait_until(lambda state: state["descriptors"] <= before["descriptors"] + 2)


def kill(server: Wire, stage: str) -> None:
    """Open a connection as far as *stage*, and reset it."""
    if stage == "connected":
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            reset(connection)
        return
    client = RawWebSocket(server.port)
    if stage == "open":
        client.open()
    elif stage != "probing":
        client.open()
        client.join()
    if stage == "mid-frame":
        client.send_bytes(build_frame(TEXT, b'42["echo"]')[:5])
    elif stage == "event":
        client.send('421["echo",1]', '422["echo",2]')
    reset(client._socket)
    client.drop()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_client_that_does_not_read_misses_what_is_volatile_and_nothing_else(
    client: RawWebSocket, other: RawWebSocket
) -> None:
    count, size = 60, 200_000  # more than the system's own buffers hold, and less than may wait
    client.send(f'42/hosts,1["flood",{count},{size}]')
    noted = ""
    while "flooded" not in noted:
        other.send('42/hosts,1["notes"]')
        noted = str(other.receive())
    received: list[str] = []
    while not received or not received[-1].startswith("43/hosts,1"):
        found = client.receive()
        if isinstance(found, str):
            received.append(found)
    assert sum('"chunk"' in text for text in received) == count
    assert not any('"position"' in text for text in received)


APP = """
from flask import Flask
from framework import Namespace, SocketIO

class Chat(Namespace):
    namespace = "/chat"
    def on_post(self, text: str) -> int:
        return len(text)

app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat])
"""


@pytest.mark.parametrize(
    ("server", "announced"), [("auto", "uvicorn"), ("asyncio", "uvicorn"), ("gunicorn", "gunicorn")]
)
def test_command_serves_with_what_it_is_told(server: str, announced: str, tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(APP)
    with LiveServer("small", cwd=tmp_path, args=["--server", server]) as live:
        live.wait_for_log(f"serving with {announced}")
        with RawWebSocket(live.port) as client:
            client.open()
            assert str(client.join("/chat")).startswith("40/chat,")
            client.send('42/chat,1["post","four"]')
            assert client.receive() == "43/chat,1[4]"


@pytest.mark.parametrize(
    ("server", "who"), [("gunicorn", "served by a thread each"), ("asyncio", "read by uvicorn's loop")]
)
def test_driver_that_is_switched_off_is_told_of_once(server: str, who: str, tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(APP)
    with LiveServer("small", cwd=tmp_path, args=["--server", server], env={"FRAMEWORK_DRIVER": "off"}) as live:
        for _ in range(3):
            with RawWebSocket(live.port) as client:
                client.open()
        live.wait_for_log(f"WebSockets are {who}: FRAMEWORK_DRIVER is 'off'.")
        live.stop()
        assert live.logs.count(who) == 1


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({}, "read by one thread, through epoll"),
        ({"FRAMEWORK_DRIVER": "off"}, "read by uvicorn's loop: FRAMEWORK_DRIVER is 'off'"),
        ({"FRAMEWORK_DRIVER": "off", "FLASK_DEBUG": "1"}, "a thread for each: FRAMEWORK_DRIVER is 'off'"),
        ({"FRAMEWORK_ASYNC_MODE": "gevent"}, "read by gevent's hub"),
    ],
)
def test_routes_says_who_reads_from_websockets(env: dict[str, str], told: str, tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(APP)
    command = [sys.executable, "-m", "framework", "--app", "small", "routes", "--server"]
    environment = {**child_environment(), **env}
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert told in found.stdout


@pytest.mark.parametrize("server", ["asyncio", "gevent", "gunicorn", "werkzeug"])
def test_server_that_ends_tls_serves_every_transport_and_says_who_reads(server: str) -> None:
    app = Path(__file__).with_name("tls_app.py")
    with LiveServer(app, script=True, env={"SERVER": server}) as live, JavaScript() as js:
        url = live.url.replace("http:", "https:")
        for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
            client = js.connect(url, transports=transports, rejectUnauthorized=False)
            if len(transports) > 1:
                assert client.wait_upgraded() == "websocket"
            assert client.call("echo", 7) == [7]
        who = "read by uvicorn's loop" if server == "asyncio" else "served by a thread each"
        assert live.logs.count(f"WebSockets are {who}: TLS ends in this process") == 1
