"""What one event costs inside a process, from its parsed header to its encoded answer: CPU time, without any socket.

    python benchmarks/path.py [name ...]

Each row is the best of many short rounds, in microseconds per event. `pydantic alone` is validating, the handler and the
serialising, which is the same for everybody; `bare` is an event with nothing around it.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import flask
from pydantic import TypeAdapter
from servers.chat import Message, Posted, post

from framework import Depends, Namespace, SocketIO, guard, signals
from framework.testing import Client
from framework.transport.packets import EVENT, Header

EVENTS = 200
ROUNDS = 200
BODY = (
    '["message",{"room":"lobby","text":"the quick brown fox jumps over the lazy dog, once more",'
    '"tags":["a","b"],"ts":1700000000.25,"author":"ada"}]'
)


class Chat(Namespace):
    namespace = "/chat"

    def on_message(self, message: Message) -> Posted:
        return post(message)


class Guarded(Namespace):
    namespace = "/chat"

    @guard(lambda: True)
    def on_message(self, message: Message) -> Posted:
        return post(message)


class Dependent(Namespace):
    namespace = "/chat"

    def on_message(self, message: Message, number: int = Depends(lambda: 1)) -> Posted:
        return post(message)


class Contextual(Namespace):
    namespace = "/chat"

    def on_message(self, message: Message) -> Posted:
        flask.g.sid = flask.request.sid  # type: ignore[attr-defined]
        flask.session.get("user")
        return post(message)


class Named(Namespace):
    namespace = "/chat"

    def on_message(self, message: Message) -> Posted:
        str(self.sid)
        return post(message)


class Untyped(Namespace):
    namespace = "/chat"

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


def measure(app: flask.Flask) -> float:
    """Return the CPU time of one event, in microseconds."""
    client = Client(app, Chat.namespace)
    extension = app.extensions["socketio"]
    event, server = extension.dispatch.event, extension.server
    eio_sid = server.manager.eio_sid_from_sid(client.sid, Chat.namespace)
    answered: deque[Any] = deque(maxlen=1)
    server.send_encoded = lambda *about: answered.append(about[4])
    server.send_ack = lambda header, encoded: answered.append(encoded)
    headers = [Header(EVENT, 0, Chat.namespace, number, BODY, len(BODY), eio_sid) for number in range(EVENTS)]
    find = getattr(extension.dispatch, "find", None)
    route = (find(Chat.namespace, "message"),) if find else ()
    event(client.sid, headers[0], "message", None, *route)
    if answered[0].text != '[{"id":1,"room":"lobby","author":"ada","length":54}]':
        raise SystemExit(f"answered with {answered[0].text}")
    return time_each(lambda header: event(client.sid, header, "message", None, *route), headers)


def measure_pydantic() -> float:
    """Return the CPU time of what can't be left out."""
    payload, ack = TypeAdapter(tuple[Literal["message"], Message]), TypeAdapter(tuple[Posted])
    parse, write = payload.validator.validate_json, ack.serializer.to_json
    return time_each(lambda body: write((post(parse(body)[1]),), by_alias=True), [BODY] * EVENTS)


def time_each(handle: Callable[[Any], object], items: list[Any]) -> float:
    def round_s() -> float:
        started_s = time.thread_time()
        for item in items:
            handle(item)
        return time.thread_time() - started_s

    return min(round_s() for _ in range(ROUNDS)) / len(items) * 1e6


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
