"""``framework call | emit | listen``: a real server, real connections, and what a shell sees of them."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.errors import AnswerError, CallTimeoutError, ContractError, EventError, TalkError
from framework.talking import Conversation, find_contract, read_argument, render_value

from .live import LiveServer, child_environment, free_port

pytestmark = pytest.mark.wire

APPLICATION = """
import time
from collections.abc import Iterator

from flask import Flask
from pydantic import BaseModel, Field

from framework import Event, EventError, Namespace, SocketIO

closed = []


class Message(BaseModel):
    text: str = Field(max_length=10)
    room: str = "lobby"


class Auth(BaseModel):
    token: str


class Chat(Namespace):
    namespace = "/chat"
    posted = Event[str]("Posted.")

    def on_post(self, message: Message) -> Message:
        self.posted.broadcast(message.text)
        return message

    def on_add(self, a: int, b: int) -> tuple[int, str]:
        return a + b, "sum"

    def on_echo(self, value): return value

    def on_size(self, content: bytes) -> bytes:
        return content[::-1]

    def on_fail(self, code: str) -> None:
        raise EventError(code, "As you wish.", {"why": 1}, retry_after=2)

    def on_crash(self) -> None:
        raise RuntimeError("secret")

    def on_count(self, to: int) -> Iterator[int]:
        try:
            yield from range(to)
            if to == 3:
                raise EventError("enough", "Three is enough.")
        finally:
            closed.append(to)

    def on_wait(self) -> Iterator[int]:
        yield 1
        time.sleep(60)

    def on_closed(self) -> list[int]:
        return closed

    def on_slow(self) -> None:
        time.sleep(60)

    def on_leave(self) -> None:
        self.disconnect()


class Locked(Namespace):
    namespace = "/locked"

    def on_connect(self, auth: Auth) -> None:
        if auth.token != "right":
            raise EventError("unauthorized", "Wrong token.", {"hint": "ask Ada"})

    def on_hello(self) -> str:
        return "hello"


class Open(Namespace):
    namespace = "/open"

    def on_connect(self, auth: Auth | None = None) -> None:
        self.who = auth

    def on_who(self) -> Auth | None:
        return self.who


def create_app(published=True):
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=[Chat, Locked, Open])

    @app.get("/explorer/contract.json")
    def contract():
        return (socketio.contract().to_json(), {"Content-Type": "application/json"}) if published else "<html>"

    return app
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talking")
    (folder / "chat.py").write_text(APPLICATION)
    (folder / "photo.bin").write_bytes(b"\x00\xff\x01")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LiveServer]:
    with LiveServer("chat:create_app", cwd=folder) as server:
        yield server


@pytest.fixture(scope="module")
def quiet_server(folder: Path) -> Iterator[LiveServer]:
    """One that publishes no contract; a page stands where it would be."""
    with LiveServer("chat:create_app(False)", cwd=folder) as server:
        yield server


def start(folder: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "framework", *args],
        cwd=folder,
        env={**child_environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def framework(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    process = start(folder, *args)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(args, process.returncode, out, err)


def chat(server: LiveServer, **options: Any) -> Conversation:
    return Conversation(server.url, options.pop("namespace", "/chat"), **options)


# -- the conversation


def test_call_returns_the_arguments_of_the_ack(server: LiveServer) -> None:
    with chat(server) as talk:
        assert talk.call("add", [1, 2]) == [3, "sum"]
        assert talk.call("echo", [None]) == []
        assert talk.call("echo", [{"a": [b"\x00"]}]) == [{"a": [b"\x00"]}]


def test_call_raises_what_the_server_answers(server: LiveServer) -> None:
    with chat(server) as talk:
        with pytest.raises(EventError) as failed:
            talk.call("fail", ["room_full"])
        error = failed.value
        assert (error.code, error.message, error.details, error.retry_after) == (
            "room_full",
            "As you wish.",
            {"why": 1},
            2,
        )
        with pytest.raises(EventError, match="internal_error: Internal error.* \\(id .+\\)"):
            talk.call("crash", [])


def test_call_that_is_not_answered_ends_in_time(server: LiveServer) -> None:
    with chat(server, timeout_s=0.5) as talk, pytest.raises(CallTimeoutError, match=r"no answer to 'slow' in 0.5 s"):
        talk.call("slow", [])


def test_call_ends_when_the_server_ends_the_connection(server: LiveServer) -> None:
    with chat(server, timeout_s=60) as talk, pytest.raises(TalkError, match="the server ended the connection to /chat"):
        talk.call("leave", [])
        talk.call("echo", [1])


def test_stream_yields_its_chunks(server: LiveServer) -> None:
    with chat(server) as talk:
        assert list(talk.stream("count", [40])) == list(range(40))


def test_stream_raises_what_it_ends_with(server: LiveServer) -> None:
    with chat(server) as talk:
        chunks = talk.stream("count", [3])
        assert [next(chunks) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(EventError, match="enough: Three is enough."):
            next(chunks)


def test_stream_that_is_left_is_cancelled(server: LiveServer) -> None:
    with chat(server) as talk:
        chunks = talk.stream("count", [1_000_000])
        assert next(chunks) == 0
        chunks.close()  # type: ignore[attr-defined]
        found: list[Any] = []
        while 1_000_000 not in found:
            found = talk.call("closed", [])[0]


def test_stream_that_falls_silent_ends_in_time(server: LiveServer) -> None:
    with chat(server, timeout_s=1) as talk:
        chunks = talk.stream("wait", [])
        assert next(chunks) == 1
        with pytest.raises(CallTimeoutError, match="the stream of 'wait' sent nothing for 1 s"):
            next(chunks)


def test_event_that_is_answered_at_once_is_no_stream(server: LiveServer) -> None:
    with chat(server) as talk, pytest.raises(AnswerError, match="'add' was answered at once; it is no stream"):
        next(talk.stream("add", [1, 2]))


def test_emit_raises_an_error_that_comes_back(server: LiveServer) -> None:
    with chat(server) as talk:
        talk.emit("post", [{"text": "hi"}], wait_s=0.05)
        with pytest.raises(EventError, match="room_full"):
            talk.emit("fail", ["room_full"], wait_s=30)


def test_listen_yields_events_until_the_server_ends_the_connection(server: LiveServer) -> None:
    with chat(server) as talk:
        events = talk.listen()
        talk.emit("post", [{"text": "hi"}], wait_s=0)
        assert next(events) == ("posted", ("hi",))
        talk.emit("leave", [], wait_s=0)
        with pytest.raises(TalkError, match="the server ended the connection to /chat"):
            next(events)


def test_listen_ends_in_time(server: LiveServer) -> None:
    with chat(server) as talk:
        assert list(talk.listen(timeout_s=0.05)) == []


def test_refused_connect_says_why(server: LiveServer) -> None:
    with pytest.raises(EventError) as refused:
        chat(server, namespace="/locked", auth={"token": "wrong"})
    assert (refused.value.code, refused.value.message, refused.value.details) == (
        "unauthorized",
        "Wrong token.",
        {"hint": "ask Ada"},
    )


def test_unknown_namespace_is_refused_with_its_code(server: LiveServer) -> None:
    with pytest.raises(EventError) as refused:
        chat(server, namespace="/nowhere")
    assert refused.value.code == "unknown_namespace"


def test_auth_is_sent(server: LiveServer) -> None:
    with chat(server, namespace="/locked", auth={"token": "right"}) as talk:
        assert talk.call("hello", []) == ["hello"]


def test_client_that_can_not_send_nothing_may_send_an_empty_auth_where_it_is_optional(server: LiveServer) -> None:
    """python-socketio's client sends {} when it is given none."""
    with chat(server, namespace="/open") as talk:
        assert talk.call("who", []) == [None]
    with chat(server, namespace="/open", auth={"token": "x"}) as talk:
        assert talk.call("who", []) == [{"token": "x"}]
    with pytest.raises(EventError, match="invalid_payload"):
        chat(server, namespace="/open", auth={"token": 5})
    with pytest.raises(EventError, match="invalid_payload"):
        chat(server, namespace="/locked")


@pytest.mark.parametrize("url", ["", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:0", "http://[::1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(TalkError, match="is no URL of a server"):
        Conversation(url, "/")


def test_server_that_is_not_there_is_named() -> None:
    port = free_port()
    with pytest.raises(TalkError, match=rf"no Socket.IO server answers at http://127.0.0.1:{port} with the path /rt/"):
        Conversation(f"127.0.0.1:{port}/rt", "/")


def test_server_of_another_kind_is_no_socketio_server(server: LiveServer) -> None:
    with pytest.raises(TalkError, match=r"no Socket.IO server answers at .* with the path /explorer/"):
        Conversation(f"{server.url}/explorer", "/")


def test_server_that_says_nothing_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(TalkError, match="no Socket.IO server answers"):
            Conversation(f"http://127.0.0.1:{silent.getsockname()[1]}", "/", timeout_s=1)


def test_no_thread_is_left_when_a_connection_fails_or_is_closed(server: LiveServer) -> None:
    before = set(threading.enumerate())
    with chat(server):
        pass
    with pytest.raises(EventError):
        chat(server, namespace="/nowhere")
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive(), thread


# -- the contract


def test_published_contract_is_found(server: LiveServer, quiet_server: LiveServer) -> None:
    found = find_contract(server.url, None, 5)
    assert found is not None
    assert [namespace.path for namespace in found.namespaces] == ["/chat", "/locked", "/open"]
    assert find_contract(f"{server.url}/a/path", None, 5) == found
    assert find_contract(server.url.replace("http://", "ws://"), None, 5) == found
    assert find_contract(server.url.removeprefix("http://"), None, 5) == found
    assert find_contract(quiet_server.url, None, 5) is None
    assert find_contract(f"http://127.0.0.1:{free_port()}", None, 5) is None
    assert find_contract("http://127.0.0.1:none", None, 5) is None


def test_contract_is_read_from_a_file_or_a_url(server: LiveServer, tmp_path: Path) -> None:
    found = find_contract(server.url, f"{server.url}/explorer/contract.json", 5)
    assert found is not None
    (tmp_path / "contract.json").write_text(found.to_json())
    assert find_contract("http://127.0.0.1:1", str(tmp_path / "contract.json"), 5) == found


def test_contract_that_is_named_has_to_be_there(server: LiveServer, quiet_server: LiveServer, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"nowhere.json can't be read: No such file"):
        find_contract(server.url, str(tmp_path / "nowhere.json"), 5)
    with pytest.raises(ContractError, match=r"/nothing can't be read: 404 (NOT FOUND|Not Found)"):
        find_contract(server.url, f"{server.url}/nothing", 5)
    with pytest.raises(ContractError, match=r"contract.json is no contract"):
        find_contract(server.url, f"{quiet_server.url}/explorer/contract.json", 5)
    with pytest.raises(ContractError, match=r"can't be read: .*refused"):
        find_contract(server.url, f"http://127.0.0.1:{free_port()}/contract.json", 5)


# -- arguments and values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2.5", -2.5),
        ("true", True),
        ("null", None),
        ('{"a": [1]}', {"a": [1]}),
        ('"5"', "5"),
        ("hello", "hello"),
        ("hello there", "hello there"),
        ("", ""),
        ("-x", "-x"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ('"@me"', "@me"),
        ('"--x"', "--x"),
        ("größe", "größe"),
    ],
)
def test_argument_is_json_or_a_text(text: str, value: Any) -> None:
    read = read_argument(text)
    assert read == value
    assert type(read) is type(value)


def test_argument_with_an_at_is_the_bytes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x00")
    assert read_argument(f"@{tmp_path / 'x'}") == b"\x00"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{a: 1}", "starts like JSON and is none: Expecting property name"),
        ("[1,", "starts like JSON and is none"),
        ('"open', "starts like JSON and is none"),
        ("1e999", "can't be sent: a number is out of range"),
        ("@nowhere.bin", "nowhere.bin can't be read: No such file or directory"),
        ("--no-chekc", "there is no option --no-chekc"),
    ],
)
def test_argument_that_can_not_be_meant_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TalkError) as refused:
        read_argument(text)
    assert reason in str(refused.value)


def test_value_is_one_line_of_json() -> None:
    assert render_value({"a": "größe\n", "b": [b"\x00"]}) == '{"a": "größe\\n", "b": [{"base64": "AA=="}]}'
    with pytest.raises(TypeError, match="object is no JSON"):
        render_value(object())


# -- the commands


def test_call_prints_a_line_for_each_value(server: LiveServer, folder: Path) -> None:
    done = framework(folder, "call", "add", "1", "-2", "--url", server.url, "-n", "/chat")
    assert (done.returncode, done.stdout, done.stderr) == (0, '-1\n"sum"\n', "")


def test_call_takes_json_texts_and_files(server: LiveServer, folder: Path) -> None:
    posted = framework(folder, "call", "post", '{"text": "hi"}', "-u", server.url, "-n", "/chat")
    assert json.loads(posted.stdout) == {"text": "hi", "room": "lobby"}
    turned = framework(folder, "call", "size", "@photo.bin", "-u", server.url, "-n", "/chat")
    assert json.loads(turned.stdout) == {"base64": base64.b64encode(b"\x01\xff\x00").decode()}


def test_call_that_does_not_fit_the_published_contract_is_not_sent(server: LiveServer, folder: Path) -> None:
    done = framework(folder, "call", "post", '{"text": "much too long a text"}', "-u", server.url, "-n", "/chat")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: /chat post was not sent, it does not fit the contract:\n  text: It breaks maxLength: 10.\n"
    )


def test_call_that_is_not_checked_is_refused_by_the_server(server: LiveServer, folder: Path) -> None:
    done = framework(folder, "call", "post", '{"text": 5}', "-u", server.url, "-n", "/chat", "--no-check")
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first == "Error: invalid_payload: Invalid payload: text: Input should be a valid string."
    assert json.loads(second)[0]["path"] == "text"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["call", "pst", "-n", "/chat"], "/chat has no event 'pst'. Did you mean 'post'?"),
        (["emit", "pst", "-n", "/chat"], "/chat has no event 'pst'. Did you mean 'post'?"),
        (["call", "post", "-n", "/chta"], "there is no namespace '/chta'. Did you mean '/chat'?"),
        (["call", "add", "1", "-n", "/chat"], "b: It is required."),
        (["call", "post", "{text: 1}", "-n", "/chat"], "starts like JSON and is none"),
        (["call", "size", "@nowhere", "-n", "/chat"], "nowhere can't be read"),
        (["call", "hello", "-n", "/locked", "-a", "{"], "starts like JSON and is none"),
        (["call", "add", "1", "2", "-n", "/chat", "--contract", "nowhere.json"], "nowhere.json can't be read"),
        (
            ["call", "add", "1", "2", "-n", "/chat", "--stream", "--no-check"],
            "'add' was answered at once; it is no stream",
        ),
        (["call", "slow", "-n", "/chat", "-t", "0.5"], "no answer to 'slow' in 0.5 s"),
        (["call", "leave", "-n", "/chat"], "the server ended the connection to /chat"),
    ],
)
def test_what_can_not_be_asked_ends_with_2_and_a_sentence(
    server: LiveServer, folder: Path, args: list[str], sentence: str
) -> None:
    done = framework(folder, *args, "-u", server.url)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["call", "fail", "room_full", "-n", "/chat"], 'Error: room_full: As you wish.\n{"why": 1}\n'),
        (["emit", "fail", "room_full", "-n", "/chat", "--wait", "30"], 'Error: room_full: As you wish.\n{"why": 1}\n'),
        (
            ["call", "hello", "-n", "/locked", "-a", '{"token": "wrong"}'],
            'Error: unauthorized: Wrong token.\n{"hint": "ask Ada"}\n',
        ),
        (
            ["listen", "-n", "/locked", "-a", '{"token": "no"}'],
            'Error: unauthorized: Wrong token.\n{"hint": "ask Ada"}\n',
        ),
        (["listen", "-n", "/nowhere"], "Error: unknown_namespace: "),
        (["call", "count", "3", "-n", "/chat"], "Error: enough: Three is enough.\n"),
    ],
)
def test_what_the_server_refuses_ends_with_1_and_its_word(
    server: LiveServer, folder: Path, args: list[str], sentence: str
) -> None:
    done = framework(folder, *args, "-u", server.url)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)


def test_call_of_an_event_that_streams_prints_its_chunks(
    server: LiveServer, quiet_server: LiveServer, folder: Path
) -> None:
    known = framework(folder, "call", "count", "4", "-u", server.url, "-n", "/chat")
    assert (known.returncode, known.stdout) == (0, "0\n1\n2\n3\n")
    told = framework(folder, "call", "count", "4", "-u", quiet_server.url, "-n", "/chat", "--stream")
    assert (told.returncode, told.stdout) == (0, "0\n1\n2\n3\n")


def test_server_without_contract_is_sent_anything(quiet_server: LiveServer, folder: Path) -> None:
    done = framework(folder, "call", "pst", "-u", quiet_server.url, "-n", "/chat")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: unknown_event: No such event. Did you mean 'post'?\n",
    )


def test_contract_of_a_file_is_checked_where_none_is_published(
    server: LiveServer, quiet_server: LiveServer, folder: Path
) -> None:
    (folder / "contract.json").write_text(server.get("/explorer/contract.json"))
    args = ["-u", quiet_server.url, "-n", "/chat", "--contract", "contract.json"]
    assert framework(folder, "call", "pst", *args).returncode == 2
    assert framework(folder, "call", "add", "1", "2", *args).stdout == '3\n"sum"\n'


def test_emit_prints_nothing(server: LiveServer, folder: Path) -> None:
    done = framework(folder, "emit", "post", '{"text": "hi"}', "-u", server.url, "-n", "/chat", "--wait", "0.1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("command", [["call", "x"], ["emit", "x"], ["listen"]])
def test_server_that_is_not_there_ends_with_2(folder: Path, command: list[str]) -> None:
    done = framework(folder, *command, "-u", f"127.0.0.1:{free_port()}")
    assert done.returncode == 2
    assert "no Socket.IO server answers at http://127.0.0.1" in done.stderr


class Listener:
    """``framework listen``, running."""

    def __init__(self, folder: Path, server: LiveServer, *args: str) -> None:
        self._connects = server.logs.count("/chat connect ok")
        self._server = server
        self.process = start(folder, "listen", "-u", server.url, "-n", "/chat", *args)

    def wait_connected(self, post: Conversation) -> str:
        """Post until it hears it, and return the line."""
        lines: list[str] = []
        assert self.process.stdout is not None
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()))  # type: ignore[union-attr]
        reader.start()
        while reader.is_alive():
            post.emit("post", [{"text": "hi"}], wait_s=0.1)
        return lines[0]

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def test_listen_prints_events_until_it_is_interrupted(server: LiveServer, folder: Path) -> None:
    listener = Listener(folder, server)
    with chat(server) as talk:
        assert listener.wait_connected(talk) == '{"event": "posted", "args": ["hi"]}\n'
    os.kill(listener.process.pid, signal.SIGINT)
    code, _, err = listener.end()
    assert (code, err) == (0, "")


def test_listen_ends_after_a_number_of_events(server: LiveServer, folder: Path) -> None:
    listener = Listener(folder, server, "posted", "--count", "2")
    with chat(server) as talk:
        listener.wait_connected(talk)
        while listener.process.poll() is None:
            talk.emit("post", [{"text": "hi"}], wait_s=0.1)
    assert listener.end() == (0, '{"event": "posted", "args": ["hi"]}\n', "")


def test_listen_leaves_out_other_events_and_ends_after_a_time(server: LiveServer, folder: Path) -> None:
    listener = Listener(folder, server, "another", "--for", "2")
    with chat(server) as talk:
        while listener.process.poll() is None:
            talk.emit("post", [{"text": "hi"}], wait_s=0.1)
    assert listener.end() == (0, "", "")


def test_listen_says_when_the_server_has_gone(folder: Path) -> None:
    with LiveServer("chat:create_app", cwd=folder) as server:
        listener = Listener(folder, server)
        with chat(server) as talk:
            listener.wait_connected(talk)
        server.stop()
        code, _, err = listener.end()
    assert (code, err) == (2, "Error: the server ended the connection to /chat.\n")
