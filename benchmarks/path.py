"""What one event costs inside a process, from the bytes of its frame to those of its answer: CPU time, without the system's.

    python benchmarks/path.py [name ...]

Each row is the best of many short rounds, in microseconds per event, of which four come with each read. `pydantic alone` is
validating, the handler and the serialising, which is the same for everybody; `bare` is an event with nothing around it.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import flask
from load import client_frame
from pydantic import TypeAdapter
from servers.chat import Message, Posted, post
from werkzeug.test import EnvironBuilder

from framework import Depends, Namespace, SocketIO, event, guard, signals
from framework.transport.leading import Leader, advance
from framework.transport.link import RECEIVE_BYTES, Link

READS, WINDOW = 50, 4
ROUNDS = 200
MASK = b"\1\2\3\4"
BODY = (
    '["message",{"room":"lobby","text":"the quick brown fox jumps over the lazy dog, once more",'
    '"tags":["a","b"],"ts":1700000000.25,"author":"ada"}]'
)


class Chat(Namespace):
    namespace = "/chat"

    @event(run="inline")
    def on_message(self, message: Message) -> Posted:
        return post(message)


class Guarded(Namespace):
    namespace = "/chat"

    @event(run="inline")
    @guard(lambda: True)
    def on_message(self, message: Message) -> Posted:
        return post(message)


class Dependent(Namespace):
    namespace = "/chat"

    @event(run="inline")
    def on_message(self, message: Message, number: int = Depends(lambda: 1)) -> Posted:
        return post(message)


class Contextual(Namespace):
    namespace = "/chat"

    @event(run="inline")
    def on_message(self, message: Message) -> Posted:
        flask.g.sid = flask.request.sid  # type: ignore[attr-defined]
        flask.session.get("user")
        return post(message)


class Named(Namespace):
    namespace = "/chat"

    @event(run="inline")
    def on_message(self, message: Message) -> Posted:
        str(self.sid)
        return post(message)


class Untyped(Namespace):
    namespace = "/chat"

    @event(run="inline")
    def on_message(self, message):  # type: ignore[no-untyped-def]
        return {"id": 1, "room": message["room"], "author": message["author"], "length": len(message["text"])}


def passes(handling: Any, proceed: Callable[[], Any]) -> Any:
    return proceed()


def takes(sender: Any, **about: Any) -> None:
    pass


def build(chat: type[Namespace] = Chat, *middleware: Any) -> flask.Flask:
    app = flask.Flask("path")
    app.secret_key = "x"
    SocketIO(app, namespaces=[chat], middleware=middleware)
    return app


def torn_down() -> flask.Flask:
    app = build()
    app.teardown_appcontext(lambda error: None)
    app.teardown_request(lambda error: None)
    return app


CASES: dict[str, Callable[[], flask.Flask]] = {
    "bare": build,
    "one middleware": lambda: build(Chat, passes),
    "one guard": lambda: build(Guarded),
    "one dependency": lambda: build(Dependent),
    "signals with a receiver": build,
    "teardown functions": torn_down,
    "request, session and g": lambda: build(Contextual),
    "self.sid": lambda: build(Named),
    "untyped": lambda: build(Untyped),
}


class Wire:
    """In place of a socket: it brings the same bytes with each read, and keeps what is written last."""

    def __init__(self) -> None:
        self.incoming = b""
        self.written: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.last = b""

    def recv_into(self, buffer: memoryview) -> int:
        buffer[: len(self.incoming)] = self.incoming
        return len(self.incoming)

    def send(self, data: bytes) -> int:
        self.last = data
        if not self.incoming:
            self.written.put(data)
        return len(data)

    def fileno(self) -> int:
        return -1


class Host:
    """In place of what waits for sockets: nothing does."""

    name = "none"

    def want(self, link: Link) -> None:
        pass

    resume = want


def measure(app: flask.Flask) -> float:
    """Return the CPU time of one event, in microseconds."""
    server = app.extensions["socketio"].server
    environ = {**EnvironBuilder("/socket.io/?EIO=4&transport=websocket").get_environ(), "flask.app": app}
    wire, buffer, leader = Wire(), memoryview(bytearray(RECEIVE_BYTES)), Leader()
    link = Link(wire, Host(), 1_000_000, 16_000_000, threading.Lock())
    session = server.eio.create_session(environ)
    server.eio.handlers["connect"](session.sid, environ)
    session.attach(link)
    link.user = session
    link.receive(client_frame(f"40{Chat.namespace},"))
    advance(leader, link)
    while b"sid" not in wire.written.get(timeout=5):
        pass
    wire.incoming = b"".join(
        mask(client_frame(f"42{Chat.namespace},{1000 + number}{BODY}")) for number in range(WINDOW)
    )

    def read() -> None:
        link.read(buffer)
        advance(leader, link)

    read()  # the first has Flask make its context in full
    read()
    if wire.last.count(b'[{"id":1,"room":"lobby","author":"ada","length":54}]') != WINDOW:
        raise SystemExit(f"answered with {wire.last!r}")
    return time_each(read, READS) / WINDOW


def mask(frame: bytes) -> bytes:
    """Return a frame of `client_frame`, whose mask is zero, with one that is work."""
    payload = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(frame[8:]))
    return frame[:4] + MASK + payload


def measure_pydantic() -> float:
    """Return the CPU time of what can't be left out."""
    payload, ack = TypeAdapter(tuple[Literal["message"], Message]), TypeAdapter(tuple[Posted])
    parse, write = payload.validator.validate_json, ack.serializer.to_json
    return time_each(lambda: write((post(parse(BODY)[1]),), by_alias=True), READS * WINDOW)


def time_each(work: Callable[[], object], count: int) -> float:
    def round_s() -> float:
        started_s = time.thread_time()
        for _ in range(count):
            work()
        return time.thread_time() - started_s

    return min(round_s() for _ in range(ROUNDS)) / count * 1e6


def main(names: list[str]) -> None:
    print(f"{'pydantic alone':28}{measure_pydantic():8.1f}", flush=True)
    for name, make in CASES.items():
        if names and name not in names:
            continue
        with contextlib.ExitStack() as watched:
            if name.startswith("signals"):
                for signal in (signals.event_received, signals.event_handled):
                    watched.enter_context(signal.connected_to(takes))
            print(f"{name:28}{measure(make()):8.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
