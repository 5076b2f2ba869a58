"""What one event costs inside a process, from the bytes of its frame to those of its answer: CPU time, without the system's.

    python benchmarks/path.py [name ...]

Each row is the best of many short rounds, in microseconds per event, of which four come with each read; all rows are measured in
turns, since a machine is not as fast at one moment as at the next. `pydantic alone` is validating, the handler and the
serialising, which is the same for everybody; `bare` is an event with nothing around it, and the last column what is added to that.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
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


WATCHED = "signals with a receiver"
CASES: dict[str, Callable[[], flask.Flask]] = {
    "bare": build,
    "one middleware": lambda: build(Chat, passes),
    "one guard": lambda: build(Guarded),
    "one dependency": lambda: build(Dependent),
    WATCHED: build,
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


def prepare(app: flask.Flask) -> Callable[[], None]:
    """Return what takes the events of one read through *app*."""
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
    return read


def mask(frame: bytes) -> bytes:
    """Return a frame of `client_frame`, whose mask is zero, with one that is work."""
    payload = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(frame[8:]))
    return frame[:4] + MASK + payload


def prepare_pydantic() -> Callable[[], None]:
    """Return what can't be left out, as often as `prepare`'s has it."""
    payload, ack = TypeAdapter(tuple[Literal["message"], Message]), TypeAdapter(tuple[Posted])
    parse, write = payload.validator.validate_json, ack.serializer.to_json

    def read() -> None:
        for _ in range(WINDOW):
            write((post(parse(BODY)[1]),), by_alias=True)

    return read


def time_s(work: Callable[[], None]) -> float:
    """Return the CPU time of many runs of *work*."""
    started_s = time.thread_time()
    for _ in range(READS):
        work()
    return time.thread_time() - started_s


def rounds(works: Mapping[str, Callable[[], None]]) -> Iterator[list[float]]:
    """Time each of *works* once per round; signals have their receiver for as long as theirs takes."""
    for _ in range(ROUNDS):
        times = []
        for name, work in works.items():
            with contextlib.ExitStack() as watched:
                if name == WATCHED:
                    for signal in (signals.event_received, signals.event_handled):
                        watched.enter_context(signal.connected_to(takes))
                times.append(time_s(work))
        yield times


def main(names: list[str]) -> None:
    works = {"pydantic alone": prepare_pydantic()}
    works |= {name: prepare(make()) for name, make in CASES.items() if name in ("bare", *(names or CASES))}
    best_s = dict(zip(works, map(min, zip(*rounds(works), strict=True)), strict=True))
    for name, took_s in best_s.items():
        us, added_us = (1e6 * found_s / READS / WINDOW for found_s in (took_s, took_s - best_s["bare"]))
        print(f"{name:28}{us:8.1f}{added_us:+8.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
