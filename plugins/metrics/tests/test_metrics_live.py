"""The plugin in real servers, with the official JavaScript client: one process, and gunicorn with several."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.live import ROOT, LiveServer, child_environment
from tests.node_client import JavaScript, JavaScriptSocket
from tests.polling_client import wait_until

CLIENTS = 8
CHAT = """
import os
from flask import Flask
from framework import Event, EventError, Namespace, SocketIO
from framework_metrics import Metrics

class Chat(Namespace):
    namespace = "/chat"
    said = Event[str]()

    def on_connect(self, auth: str | None = None) -> None:
        if auth == "no":
            raise EventError("closed", "Closed.")

    def on_say(self, text: str) -> int:
        self.said.reply(text)
        return os.getpid()

    def on_join(self, room: str) -> None:
        self.join(room)

    def on_fail(self) -> None:
        raise EventError("failed", "Failed.")

app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat], plugins=[Metrics(networks="127.0.0.1", refresh_s=0.05)])
"""
CONFIGURATION = """
from framework_metrics import child_exit

wsgi_app = "chat:app"
bind = f"127.0.0.1:{PORT}"
workers = 2
worker_class = "{WORKER}"
threads = 50
graceful_timeout = 1
control_socket_disable = True
"""
START = """
import os, sys
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", *sys.argv[1:]])
"""

pytestmark = pytest.mark.wire


@pytest.fixture
def js() -> Iterator[JavaScript]:
    with JavaScript() as javascript:
        yield javascript


def environment() -> dict[str, str]:
    paths = [str(ROOT / "plugins" / "metrics"), child_environment()["PYTHONPATH"]]
    return {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def samples(server: LiveServer, name: str) -> dict[tuple[str, ...], float]:
    """The values of one sample, by the values of its labels in the order of their names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(server.get("/metrics"))
        for sample in family.samples
        if sample.name == name
    }


def wait_for(server: LiveServer, name: str, expected: Mapping[Any, float]) -> None:
    """Return as soon as a sample is as expected: what is counted after an answer is counted a moment after it."""
    try:
        wait_until(lambda: samples(server, name) == expected)
    except AssertionError:
        assert samples(server, name) == expected


def refuse(js: JavaScript, server: LiveServer) -> None:
    refused = js.connect(server.url, "/chat", auth="no").refused
    assert refused is not None
    assert refused["data"]["code"] == "closed"


@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_traffic_of_the_official_client_is_counted(async_mode: str, tmp_path: Path, js: JavaScript) -> None:
    (tmp_path / "chat.py").write_text(CHAT)
    with LiveServer("chat", cwd=tmp_path, async_mode=async_mode, env=environment()) as server:
        ada, bob = js.connect(server.url, "/chat"), js.connect(server.url, "/chat", transports=["polling", "websocket"])
        refuse(js, server)
        for _ in range(3):
            ada.call("say", "hi")
        bob.call("join", "lobby")
        for name in ("fail", "made up", "made up too"):
            bob.call(name)
        wait_for(
            server,
            "framework_events_total",
            {
                ("ok", "say", "/chat"): 3,
                ("ok", "join", "/chat"): 1,
                ("failed", "fail", "/chat"): 1,
                ("unknown_event", "unknown", "/chat"): 2,
            },
        )
        wait_for(server, "framework_connects_total", {("/chat",): 2})
        assert samples(server, "framework_connects_refused_total") == {("closed", "/chat"): 1}
        assert samples(server, "framework_emits_total") == {("said", "/chat"): 3}
        assert samples(server, "framework_event_size_bytes_count")["say", "/chat"] == 3
        assert samples(server, "framework_connections") == {("/chat",): 2}
        assert samples(server, "framework_rooms") == {("/chat",): 1}
        assert samples(server, "framework_send_queue_bytes") == {(): 0}
        bob.disconnect()
        wait_for(server, "framework_disconnects_total", {("/chat", "client disconnect"): 1})
        wait_for(server, "framework_connections", {("/chat",): 1})


@pytest.fixture
def start_gunicorn(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Starts gunicorn with two workers that share a folder for their metrics."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    (tmp_path / "chat.py").write_text(CHAT)
    (tmp_path / "start.py").write_text(START)
    started: list[LiveServer] = []

    def start(worker: str, *args: str) -> LiveServer:
        env = {**environment(), "PROMETHEUS_MULTIPROC_DIR": str(folder)}
        mode = "gevent" if worker == "gevent" else "threading"
        server = LiveServer("start.py", script=True, cwd=tmp_path, env=env, args=args, async_mode=mode)
        configuration = CONFIGURATION.replace("{PORT}", str(server.port)).replace("{WORKER}", worker)
        (tmp_path / "gunicorn.conf.py").write_text(configuration)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


def connect_to_both(js: JavaScript, server: LiveServer) -> dict[int, list[JavaScriptSocket]]:
    """Connect clients until both workers have some; return them by the worker's process id."""
    found: dict[int, list[JavaScriptSocket]] = {}
    while len(found) < 2 or sum(map(len, found.values())) < CLIENTS:
        assert sum(map(len, found.values())) < 200, "one worker takes all clients"
        socket = js.connect(server.url, "/chat", transports=["websocket"], reconnection=False)
        (pid,) = socket.call("say", "hi")
        found.setdefault(pid, []).append(socket)
    return found


@pytest.mark.parametrize(("worker", "args"), [("gthread", ()), ("gthread", ("--preload",)), ("gevent", ())])
def test_any_worker_of_gunicorn_answers_for_all(
    worker: str, args: tuple[str, ...], start_gunicorn: Callable[..., LiveServer], js: JavaScript
) -> None:
    server = start_gunicorn(worker, *args)
    by_worker = connect_to_both(js, server)
    clients = [client for found in by_worker.values() for client in found]
    for client in clients:
        client.call("join", "lobby")
        client.call("made up")
    refuse(js, server)
    total = len(clients)
    events = {
        ("ok", "say", "/chat"): total,
        ("ok", "join", "/chat"): total,
        ("unknown_event", "unknown", "/chat"): total,
    }
    wait_for(server, "framework_events_total", events)
    wait_for(server, "framework_connects_total", {("/chat",): total})
    wait_for(server, "framework_connections", {("/chat",): total})
    wait_for(server, "framework_rooms", {("/chat",): 2})  # one in each process
    for _ in range(10):  # whichever worker it is that answers
        assert samples(server, "framework_events_total") == events
        assert samples(server, "framework_connects_refused_total") == {("closed", "/chat"): 1}
        assert samples(server, "framework_emits_total") == {("said", "/chat"): total}
        assert samples(server, "framework_connections") == {("/chat",): total}
    clients[0].disconnect()
    wait_for(server, "framework_connections", {("/chat",): total - 1})
    wait_for(server, "framework_disconnects_total", {("/chat", "client disconnect"): 1})


def test_clients_of_a_worker_that_was_killed_are_gone_and_what_it_counted_stays(
    start_gunicorn: Callable[..., LiveServer], js: JavaScript
) -> None:
    server = start_gunicorn("gthread")
    by_worker = connect_to_both(js, server)
    (killed, lost), (_, kept) = by_worker.items()
    total = len(lost) + len(kept)
    wait_for(server, "framework_connections", {("/chat",): total})
    wait_for(server, "framework_events_total", {("ok", "say", "/chat"): total})
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: is_gone(killed))
    wait_for(server, "framework_connections", {("/chat",): len(kept)})
    assert samples(server, "framework_events_total") == {("ok", "say", "/chat"): total}


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
