"""The error contract for any event and any arguments, and for any frames at all."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from framework import Depends, Event, EventError, Handling, Namespace, SocketIO, guard, use
from tests.effort import tries
from tests.polling_client import PollingClient, serve_websocket, wait_until
from tests.strategies import (
    MARK,
    RESERVED,
    any_frame,
    any_json,
    any_text,
    any_value,
    holds_placeholder,
    odd_json,
    read_ack,
    write_packet,
)
from tests.wire.raw import BINARY, TEXT, build_frame

SECRET = "sekret-of-the-handler"
HERE = Path(__file__).name


class Message(BaseModel):
    room: str = Field(max_length=8)
    text: str


class Cat(BaseModel):
    kind: Literal["cat"]
    value: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Picky(BaseModel):
    text: str
    number: int = 0

    @field_validator("text")
    @classmethod
    def repeat_the_input(cls, text: str) -> str:
        raise ValueError(f"{text} is not nice, {text!r} neither")

    @field_validator("number")
    @classmethod
    def say_nothing_of_the_input(cls, number: int) -> int:
        if number > 5:
            raise ValueError("at most 5")
        return number


def open_resource() -> Iterator[str]:
    yield "ok"


def fail() -> None:
    raise LookupError(SECRET)


def is_not_one(handling: Handling) -> bool:
    return handling.args != (1,)


def pass_on(handling: Handling, proceed: Callable[[], Any]) -> Any:
    return proceed()


class Zoo(Namespace):
    """Handlers of every kind; none of the typed ones returns what it got."""

    heard = Event[float]()

    def on_model(self, message: Message) -> str:
        return "ok"

    def on_union(self, value: int | str | Cat) -> str:
        return "ok"

    def on_animal(self, animal: Annotated[Cat | Dog, Field(discriminator="kind")]) -> str:
        return "ok"

    def on_tree(self, tree: Tree) -> str:
        return "ok"

    def on_scores(self, scores: dict[str, int]) -> str:
        return "ok"

    def on_picky(self, picky: Picky) -> str:
        return "ok"

    def on_bytes(self, data: bytes) -> str:
        return "ok"

    def on_floats(self, *numbers: float) -> str:
        return "ok"

    def on_several(self, number: int, text: str = "", *rest: bool) -> tuple[str, int]:
        return "ok", 1

    def on_anything(self, value: Any) -> str:
        return "ok"

    def on_echo(self, *values):  # type: ignore[no-untyped-def]
        return values

    def on_raise(self, *values):  # type: ignore[no-untyped-def]
        raise RuntimeError(SECRET, values)

    def on_raise_key_error(self, *values):  # type: ignore[no-untyped-def]
        return {}[repr(values)]

    def on_refuse(self, *values):  # type: ignore[no-untyped-def]
        raise EventError("refused", "No.", {"limit": 1})

    def on_refuse_badly(self, *values):  # type: ignore[no-untyped-def]
        raise EventError("refused", "No.", {"bad": object()})

    def on_unserialisable(self, *values):  # type: ignore[no-untyped-def]
        return object(), SECRET

    def on_not_a_number(self, *values):  # type: ignore[no-untyped-def]
        return [math.nan, {"deep": -math.inf}], values

    def on_typed_not_a_number(self, *values: Any) -> float:
        return math.nan

    def on_emit_not_a_number(self, *values: Any) -> None:
        self.heard.reply(math.inf)

    def on_wrong(self, *values: Any) -> int:
        return SECRET  # type: ignore[return-value]

    def on_exit(self, *values: Any) -> None:
        raise SystemExit(SECRET)

    async def on_later(self, value: int) -> int:
        raise LookupError(SECRET)

    @guard(lambda: True)
    def on_guarded(self, message: Message) -> str:
        return "ok"

    @guard(is_not_one, code="one", message="It is one.")
    def on_guarded_by_what_came(self, value: Any) -> str:
        return "ok"

    def on_dependent(self, message: Message, resource: str = Depends(open_resource)) -> str:
        return resource

    def on_dependent_on_failure(self, number: int, failure: None = Depends(fail)) -> str:
        return "ok"

    @use(pass_on)
    def on_surrounded(self, number: int, text: str = "") -> tuple[str, int]:
        return "ok", 1

    @use(pass_on)
    @guard(lambda: True)
    def on_surrounded_failure(self, number: int, resource: str = Depends(open_resource)) -> str:
        raise RuntimeError(SECRET)


class Other(Namespace):
    namespace = "/other"


EVENTS = sorted(Zoo._handlers.events)
RETURNS_ITS_INPUT = {"echo"}


def build() -> flask.Flask:
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "a key for tests only"
    SocketIO(app, namespaces=[Zoo, Other], async_mode="threading")
    return app


@pytest.fixture(scope="module")
def app() -> flask.Flask:
    return build()


class Caller:
    """Asks one connection, again and again, what the contract says about its answers."""

    def __init__(self, app: flask.Flask) -> None:
        self._client = PollingClient(app)
        assert self._client.join().startswith("0{")
        self._last_id = 0

    def ask(self, frames: list[str | bytes], ack_id: int) -> str:
        """Send an event, then one that is known to be answered; return the one ack of the first."""
        self._last_id = ack_id + 1
        assert self._client.post(*frames, f'42{ack_id + 1}["model",{{"room":"a","text":"b"}}]') == 200
        body = self._read(ack_id)
        assert self._read(ack_id + 1) == '["ok"]'
        return body

    def next_id(self) -> int:
        return self._last_id + 1

    def _read(self, ack_id: int) -> str:
        found, attachments, body = read_ack(str(self._client.receive()))
        assert found == ack_id
        for _ in range(attachments):
            assert isinstance(self._client.receive(), bytes)
        return body


@pytest.fixture(scope="module")
def caller(app: flask.Flask) -> Caller:
    return Caller(app)


@pytest.fixture(scope="module")
def long_way() -> Caller:
    """One whose events all go the way of those that somebody watches."""
    app = build()
    app.extensions["socketio"].server.incoming.compile = lambda route: None
    return Caller(app)


def check(name: str, body: str) -> None:
    """Assert what the contract says of an ack."""
    answer = json.loads(body, parse_constant=refuse)
    if name in RETURNS_ITS_INPUT and not is_error(answer):
        return
    for secret in (MARK, SECRET, "Traceback", HERE, "site-packages", "framework/"):
        assert secret not in body, f"{secret!r} is in {body}"
    if name not in EVENTS:
        assert answer[0]["error"]["code"] == "unknown_event"
    assert answer in (["ok"], ["ok", 1], []) or is_error(answer), body


def is_error(answer: Any) -> bool:
    if len(answer) != 1 or not isinstance(answer[0], dict) or set(answer[0]) != {"error"}:
        return False
    error = answer[0]["error"]
    return isinstance(error, dict) and {"code", "message", "event"} <= set(error)


def refuse(name: str) -> Any:
    raise AssertionError(f"{name} has left the server")


any_name = st.sampled_from(EVENTS) | st.sampled_from(RESERVED) | any_text


@settings(deadline=None, max_examples=tries(400))
@given(name=any_name, values=st.lists(any_json, max_size=4).filter(lambda values: not holds_placeholder(values)))
def test_any_event_with_any_json_is_answered_once_and_tells_nothing(
    caller: Caller, name: str, values: list[Any]
) -> None:
    ack_id = caller.next_id()
    check(name, caller.ask(write_packet(name, values, ack_id), ack_id))


@settings(deadline=None, max_examples=tries(300))
@given(name=any_name, values=st.lists(any_value, max_size=3).filter(lambda values: not holds_placeholder(values)))
def test_any_event_with_any_bytes_is_answered_once_and_tells_nothing(
    caller: Caller, name: str, values: list[Any]
) -> None:
    ack_id = caller.next_id()
    check(name, caller.ask(write_packet(name, values, ack_id), ack_id))


@settings(deadline=None, max_examples=tries(200))
@given(name=any_name, odd=odd_json, value=any_json.filter(lambda value: not holds_placeholder(value)))
def test_json_that_can_not_be_passed_on_is_answered_once(caller: Caller, name: str, odd: str, value: Any) -> None:
    ack_id = caller.next_id()
    body = caller.ask([f"42{ack_id}[{json.dumps(name)},{json.dumps(value)},{odd}]"], ack_id)
    check(name, body)
    if name == "echo":
        assert "invalid_payload" in body


@settings(deadline=None, max_examples=tries(200))
@given(value=any_value.filter(lambda value: not holds_placeholder(value)))
def test_what_is_echoed_is_what_came(caller: Caller, value: Any) -> None:
    ack_id = caller.next_id()
    frames = write_packet("echo", [value], ack_id)
    answer = json.loads(caller.ask(frames, ack_id))
    if not is_error(answer):
        sent = json.loads(str(frames[0])[str(frames[0]).index("[") :])
        assert answer == sent[1:]


def comparable(body: str) -> Any:
    """Return an answer without what is made up for each."""
    answer = json.loads(body)
    if is_error(answer):
        answer[0]["error"].pop("id", None)
    return answer


@settings(deadline=None, max_examples=tries(300))
@given(
    name=any_name,
    values=st.lists(any_json, max_size=4).filter(lambda values: not holds_placeholder(values)),
    odd=st.none() | odd_json,
)
def test_event_is_answered_the_same_on_the_straight_way_and_on_the_long_one(
    caller: Caller, long_way: Caller, name: str, values: list[Any], odd: str | None
) -> None:
    body = json.dumps([name, *values])
    body = body if odd is None else f"{body[:-1]},{odd}]"
    answers = []
    for asked in (caller, long_way):
        ack_id = asked.next_id()
        answers.append(comparable(asked.ask([f"42{ack_id}{body}"], ack_id)))
    assert answers[0] == answers[1]


# -- any frames


@contextlib.contextmanager
def failures() -> Iterator[list[logging.LogRecord]]:
    """Collect what is logged with a traceback."""
    records: list[logging.LogRecord] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                records.append(record)

    handler = Collector()
    logging.getLogger().addHandler(handler)
    try:
        yield records
    finally:
        logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def frame_app() -> flask.Flask:
    class Main(Namespace):
        def on_echo(self, *values):  # type: ignore[no-untyped-def]
            return values

    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "a key for tests only"
    SocketIO(app, namespaces=[Main, type("Other", (Namespace,), {"namespace": "/other"})], async_mode="threading")
    return app


def assert_empty(app: flask.Flask) -> None:
    server = app.extensions["socketio"].server
    manager = server.manager
    held = lambda: (server.connections, server.environ, server.eio.sockets, manager.rooms, manager.callbacks)  # noqa: E731
    wait_until(lambda: not any(held()))
    assert not manager.pending_connect
    assert not manager.pending_disconnect


@settings(deadline=None, max_examples=tries(250), suppress_health_check=[HealthCheck.too_slow])
@given(frames=st.lists(any_frame, max_size=12), joined=st.booleans())
def test_any_frames_over_websocket_raise_nothing_and_leave_nothing(
    frame_app: flask.Flask, frames: list[str | bytes], joined: bool
) -> None:
    ours, theirs = socket.socketpair()
    raised: list[BaseException] = []
    with ours, theirs, failures() as logged:
        thread = threading.Thread(target=serve_websocket, args=(frame_app, theirs, raised))
        thread.start()
        sent = [build_frame(BINARY, f) if isinstance(f, bytes) else build_frame(TEXT, f.encode()) for f in frames]
        with contextlib.suppress(OSError):
            ours.sendall(b"".join([build_frame(TEXT, b"40")] * joined + sent))
            ours.shutdown(socket.SHUT_WR)
        ours.settimeout(10)
        with contextlib.suppress(OSError):
            while ours.recv(65536):
                pass
        thread.join(10)
        assert not thread.is_alive()
        assert_empty(frame_app)
    assert raised == []
    assert logged == []


@settings(deadline=None, max_examples=tries(200))
@given(frames=st.lists(any_frame, max_size=12), joined=st.booleans())
def test_any_frames_over_polling_raise_nothing_and_leave_nothing(
    frame_app: flask.Flask, frames: list[str | bytes], joined: bool
) -> None:
    with failures() as logged:
        client = PollingClient(frame_app)
        assert client.post(*["40"] * joined, *frames) in (200, 400)
        client.close()
        assert_empty(frame_app)
    assert logged == []


@settings(deadline=None, max_examples=tries(200))
@given(data=st.binary(max_size=200))
def test_any_bytes_behind_the_handshake_raise_nothing_and_leave_nothing(frame_app: flask.Flask, data: bytes) -> None:
    ours, theirs = socket.socketpair()
    raised: list[BaseException] = []
    with ours, theirs, failures() as logged:
        thread = threading.Thread(target=serve_websocket, args=(frame_app, theirs, raised))
        thread.start()
        with contextlib.suppress(OSError):
            ours.sendall(data)
            ours.shutdown(socket.SHUT_WR)
        thread.join(10)
        assert not thread.is_alive()
        assert_empty(frame_app)
    assert raised == []
    assert logged == []
