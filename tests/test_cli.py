"""The command ``framework``: as a user types it, and what it says when something is missing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .live import LiveServer, accepts_connections
from .node_client import JavaScript

APPLICATION = '''
from flask import Flask
from pydantic import BaseModel
from framework import Call, Event, Namespace, SocketIO, event

class Message(BaseModel):
    text: str

class Chat(Namespace):
    """Rooms where people talk."""

    namespace = "/chat"
    posted = Event[Message]("A message was posted.")
    sure = Call[bool, str]("Ask before something is deleted.")

    def on_connect(self, auth: dict[str, str] | None = None) -> None:
        """Let everybody in."""

    def on_post(self, message: Message, *rooms: str) -> Message | None:
        """Post a message."""
        return message

    @event("my event")
    def handle(self, limit: int = 50): ...

def create_app():
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=[Chat])

    @socketio.on("plain")
    def plain(data): ...

    @app.cli.command("hello")
    def hello():
        print("hello from the application")

    return app
'''

GUARDED = """
from flask import Flask
from framework import EventError, Namespace, SocketIO, guard, raises

def is_member():
    return True

def is_open():
    return True

class RoomFull(EventError):
    code = "room_full"

class Closed(EventError):
    code = "closed"

@guard(is_member)
class Rooms(Namespace):
    namespace = "/rooms"

    def on_connect(self): ...

    @guard(is_open)
    @raises(RoomFull, Closed)
    def on_join(self, room): ...

    def on_leave(self, room): ...

app = Flask(__name__)
SocketIO(app, namespaces=[Rooms])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chat.py").write_text(APPLICATION)
    (tmp_path / "plain.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    (tmp_path / "broken.py").write_text(
        "from framework import Namespace\nclass A(Namespace):\n    def on_x(self, **k): ...\n"
    )
    return tmp_path


def framework(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("FLASK_", "FRAMEWORK_"))}
    root = str(Path(__file__).parent.parent)
    return subprocess.run(
        [sys.executable, "-m", "framework", *args],
        cwd=folder,
        env={**clean, "PYTHONPATH": root, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_routes_prints_every_event_with_types_and_place(folder: Path) -> None:
    result = framework(folder, "--app", "chat", "routes")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["Namespace", "Event", "Arguments", "Ack", "Defined", "at"]
    text = result.stdout
    for expected in (
        "message: Message, *rooms: str",
        "Message | None",
        "my event",
        "limit: int = 50",
        "auth: dict[str, str] | None = None",
        "posted",
        "plain",
    ):
        assert expected in text
    assert text.count("chat.py:") == 6


def test_routes_shows_guards_and_declared_errors_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "guarded.py").write_text(GUARDED)
    result = framework(tmp_path, "--app", "guarded", "routes")
    assert result.returncode == 0, result.stderr
    titles, _, connect, join, leave = [line.split() for line in result.stdout.splitlines()]
    assert titles == ["Namespace", "Event", "Arguments", "Ack", "Guards", "Raises", "Defined", "at"]
    assert connect[1:6] == ["connect", "->", "-", "-", "is_member"]
    assert join[-5:] == ["is_member,", "is_open", "room_full,", "closed", "guarded.py:23"]
    assert leave[-3:] == ["is_member", "-", "guarded.py:27"]
    (route,) = [
        found
        for found in json.loads(framework(tmp_path, "--app", "guarded", "routes", "--json").stdout)
        if found["event"] == "join"
    ]
    assert (route["guards"], route["raises"]) == (["is_member", "is_open"], ["room_full", "closed"])


@pytest.mark.once
def test_routes_of_one_namespace_as_json(folder: Path) -> None:
    result = framework(folder, "routes", "--json", "--namespace", "/chat", FLASK_APP="chat:create_app")
    found = {route["event"]: route for route in json.loads(result.stdout)}
    assert sorted(found) == ["connect", "my event", "post", "posted", "sure"]
    assert found["sure"]["direction"] == "server to client"
    assert found["sure"]["ack"] == "bool"
    assert found["post"]["description"] == "Post a message."


@pytest.mark.once
def test_routes_of_a_namespace_that_is_not_there_says_so(folder: Path) -> None:
    assert "No events in /nowhere" in framework(folder, "--app", "chat", "routes", "-n", "/nowhere").stdout


@pytest.mark.once
@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["routes"], "no application. Name it with --app"),
        (["--app", "nowhere", "routes"], "Could not import 'nowhere'"),
        (["--app", "plain", "routes"], "no SocketIO in 'plain'"),
        (["--app", "broken", "routes"], "HandlerSignatureError: A.on_x (broken.py:3)"),
        (["--app", "plain", "run"], "no SocketIO in 'plain'"),
        (["new", "somewhere", "nonsense", "--no-input"], "'nonsense' is not KEY=VALUE"),
    ],
)
def test_command_that_can_not_work_ends_with_2_and_a_sentence(folder: Path, args: list[str], sentence: str) -> None:
    (folder / "empty").mkdir()
    result = framework(folder / "empty" if args == ["routes"] else folder, *args)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("mode", [["--no-debug"], ["--debug", "--no-reload"], ["--async-mode", "gevent"]])
def test_port_that_is_taken_is_named_in_every_mode(folder: Path, mode: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = framework(folder, "--app", "chat", "run", "--port", str(port), *mode)
    assert result.returncode == 2
    assert f"127.0.0.1:{port} can't be listened on: address already in use" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_needs_no_application(folder: Path) -> None:
    result = framework(folder, "--help")
    assert result.returncode == 0
    assert result.stderr == ""
    for command in ("new", "routes", "run"):
        assert command in result.stdout


def test_commands_of_the_application_are_there_too(folder: Path) -> None:
    assert framework(folder, "--app", "chat", "hello").stdout == "hello from the application\n"


def test_version_is_printed(folder: Path) -> None:
    assert framework(folder, "--version").stdout.startswith("framework 0.")


@pytest.mark.wire
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_run_says_its_address_and_stops_when_it_is_told(folder: Path, async_mode: str, debug: bool) -> None:
    with LiveServer(
        "chat", cwd=folder, async_mode=async_mode, debug=debug, env={"PYTHONPATH": str(Path.cwd())}
    ) as server:
        log = server.wait_for_log("framework is serving")
        assert f":{server.port}/" in log
        os.kill(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while accepts_connections(server.host, server.port):
            assert time.monotonic() < deadline, server.logs


@pytest.mark.wire
def test_debug_prints_a_line_per_event_with_its_outcome(folder: Path) -> None:
    with LiveServer("chat", cwd=folder, debug=True, args=["--no-reload"]) as server, JavaScript() as js:
        client = js.connect(server.url, "/chat")
        client.call("post", {"text": "secret words"})
        client.call("post", 5)
        server.wait_for_log("/chat post invalid_payload")
        for line in ("/chat connect ok", "/chat post ok"):
            assert line in server.logs
        assert "secret words" not in server.logs


@pytest.mark.wire
@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_debug_serves_the_changed_code_and_survives_a_mistake(folder: Path, async_mode: str) -> None:
    source = folder / "chat.py"
    greeting = APPLICATION.replace(
        "    return app\n", '    app.add_url_rule("/", view_func=lambda: "one")\n    return app\n'
    )
    source.write_text(greeting)
    with LiveServer("chat", cwd=folder, async_mode=async_mode, debug=True) as server:
        assert server.get("/") == "one"
        source.write_text(greeting.replace("class Chat", "clss Chat"))
        server.wait_for_log("SyntaxError", timeout_s=30)
        source.write_text(greeting.replace('"one"', '"two"'))
        server.wait_for_log("framework is serving", count=2, timeout_s=30)
        assert server.get("/") == "two"
