"""The server of the wire tests: a namespace for everything a client can ask, and its inside as JSON.

Run as a script. ``FRAMEWORK_ASYNC_MODE`` chooses the mode, ``DEBUG`` the development server; limits and Engine.IO's
times come from the environment too.
"""

from __future__ import annotations

import os

if os.environ["FRAMEWORK_ASYNC_MODE"] == "gevent":
    from gevent import monkey

    monkey.patch_all()

import asyncio
import contextlib
import gc
import logging
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import flask
from flask import Flask, request
from pydantic import BaseModel, ConfigDict, Field, computed_field

from framework import Call, ConnectionRefusedError, Depends, Event, EventError, Namespace, SocketIO, event
from framework.transport.aio import Wire
from framework.transport.link import Link

WAIT_S = 30.0
SECRET = "sekret-of-the-server"


class Message(BaseModel):
    room: str = Field(max_length=64)
    text: str = Field(max_length=2000)


class Posted(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True)

    id: int = Field(serialization_alias="postId")
    text: str

    @computed_field
    def length(self) -> int:
        return len(self.text)


class Picture(BaseModel):
    name: str
    data: bytes
    thumbnails: list[bytes] = []


class Auth(BaseModel):
    token: str


produced: list[int] = []
closed: list[int] = []
lent_out: list[int] = []


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Count the generators that were closed."""
    try:
        yield
    finally:
        closed.append(1)


def lent() -> Iterator[str]:
    lent_out.append(1)
    yield "lent"
    lent_out.pop()


def drop_transport(namespace: Namespace) -> None:
    """Lose the transport, as a network does."""
    server = socketio.server
    eio_sid = server.manager.eio_sid_from_sid(namespace.sid, namespace.namespace)
    server.eio.sockets[eio_sid].close(abort=True)


class Main(Namespace):
    """What most tests talk to."""

    told = Event[str, int]("Two arguments.")
    shown = Event[Picture]("Bytes inside a model.")
    said = Event[str]("Something was said in a room.")
    blob = Event[bytes]("Bytes of any size.")
    text = Event[str]("Text of any size.")
    number = Event[int]("One of many.")
    ask = Call[int, str]("A question with a number for an answer.")

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[str, threading.Event] = {}
        self.entered: dict[str, threading.Event] = {}
        self.barrier = threading.Barrier(2)

    # -- acks and errors

    def on_echo(self, *values):  # type: ignore[no-untyped-def]
        return values

    def on_nothing(self) -> None: ...

    def on_null(self) -> tuple[None]:
        return (None,)

    def on_post(self, message: Message) -> Posted:
        return Posted(id=7, text=message.text)

    def on_pair(self, number: int, text: str = "default") -> tuple[int, str]:
        return number, text

    def on_sum(self, *numbers: int) -> int:
        return sum(numbers)

    def on_broken(self) -> None:
        raise RuntimeError(f"{SECRET} in {__file__}")

    def on_full(self) -> None:
        raise EventError("room_full", "The room is full.", {"max": 2})

    def on_exit(self) -> None:
        sys.exit(SECRET)

    def on_wrong(self) -> int:
        return SECRET  # type: ignore[return-value]

    def on_infinite(self) -> Any:
        return float("inf")

    def on_unserialisable(self) -> Any:
        return object()

    @event("odd name: ü")
    def serve_an_odd_name(self, value: int) -> int:
        return value

    # -- binary

    def on_reverse(self, data: bytes) -> bytes:
        return data[::-1]

    def on_picture(self, picture: Picture) -> Picture:
        self.shown.reply(picture)
        return Picture(name=picture.name.upper(), data=picture.data, thumbnails=[picture.data, b""])

    def on_big(self, data):  # type: ignore[no-untyped-def]
        (self.blob if isinstance(data, bytes) else self.text).reply(data)  # type: ignore[attr-defined]
        return data

    # -- to clients

    def on_tell(self, text: str, number: int) -> None:
        self.told.reply(text, number)

    def on_question(self, question: str) -> int:
        return self.ask.call(question, to=self.sid, timeout_s=WAIT_S) + 1

    def on_impatient(self, question: str) -> int:
        return self.ask.call(question, to=self.sid, timeout_s=0.2)

    def on_enter(self, room: str) -> int:
        self.join(room)
        return self.room_size(room)

    def on_exit_room(self, room: str) -> list[str]:
        self.leave(room)
        return self.rooms()

    def on_say(self, rooms: list[str], text: str, skip: list[str]) -> None:
        self.said.emit(text, to=set(rooms), skip=tuple(skip))

    def on_say_to_all(self, text: str) -> None:
        self.said.broadcast(text)

    def on_flood(self, messages: int, size_bytes: int) -> None:
        blob = b"x" * size_bytes
        for _ in range(messages):
            self.blob.reply(blob)

    def on_drop(self) -> None:
        drop_transport(self)

    def on_kick(self) -> None:
        self.disconnect()

    # -- order and parallelism

    def on_count(self, number: int) -> int:
        self.number.reply(number)
        return number

    def on_block(self, name: str) -> str:
        """Wait until another client says `on_unblock`."""
        self._event(self.entered, name).set()
        assert self._event(self.gates, name).wait(WAIT_S)
        return name

    def on_blocked(self, name: str) -> bool:
        return self._event(self.entered, name).wait(WAIT_S)

    def on_unblock(self, name: str) -> None:
        self._event(self.gates, name).set()

    def on_meet(self) -> None:
        """Return when two clients are here at the same time."""
        self.barrier.wait(WAIT_S)

    async def on_meet_async(self) -> str:
        arrived = asyncio.get_running_loop().run_in_executor(None, self.barrier.wait, WAIT_S)
        if os.environ["FRAMEWORK_ASYNC_MODE"] == "gevent":
            while not arrived.done():
                await asyncio.sleep(0)
        await arrived
        return request.sid  # type: ignore[attr-defined, no-any-return]

    def _event(self, events: dict[str, threading.Event], name: str) -> threading.Event:
        return events.setdefault(name, threading.Event())

    # -- Flask

    def on_remember(self, key: str, value: str) -> None:
        flask.session[key] = value

    def on_recall(self, key: str) -> str | None:
        return flask.session.get(key)

    def on_request(self) -> dict[str, Any]:
        return {
            "sid": request.sid,  # type: ignore[attr-defined]
            "namespace": request.namespace,  # type: ignore[attr-defined]
            "event": request.event["message"],  # type: ignore[attr-defined]
            "agent": request.headers.get("X-Agent"),
            "query": request.args.get("who"),
            "app": flask.current_app.name,
        }

    def on_mark_g(self) -> bool:
        found = hasattr(flask.g, "mark")
        flask.g.mark = True
        return found

    def on_teardowns(self) -> int:
        return len(torn_down)

    def on_no_delay(self) -> bool:
        return bool(find_socket(self.sid).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


class Strict(Namespace):
    """Asks who connects."""

    namespace = "/strict"

    welcome = Event[str]("Sent while connecting.")

    def on_connect(self, auth: Auth) -> bool | None:
        if auth.token == "false":
            return False
        if auth.token == "raise":
            raise RuntimeError(SECRET)
        if auth.token == "exit":
            sys.exit(SECRET)
        if auth.token == "error":
            raise EventError("banned", "You are banned.", {"until": "never"})
        if auth.token == "refused":
            raise ConnectionRefusedError("not today")
        self.join("accepted")
        self.welcome.reply(auth.token)
        if auth.token == "bye":
            self.disconnect()
        return None

    def on_disconnect(self, reason: str) -> None:
        disconnects.append(reason)

    def on_hello(self) -> list[str]:
        return self.rooms()


class Streams(Namespace):
    """Handlers that stream."""

    namespace = "/streams"

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.entered = threading.Event()

    def on_echo(self, value: int) -> int:
        return value

    def on_count(self, most: int) -> Iterator[int]:
        with noted():
            for number in range(most):
                produced.append(number)
                yield number

    async def on_tick(self, most: int) -> AsyncIterator[int]:
        with noted():
            try:
                for number in range(most):
                    await asyncio.sleep(0)
                    produced.append(number)
                    yield number
            finally:
                await asyncio.sleep(0.001)

    async def on_wait(self) -> AsyncIterator[int]:
        with noted():
            yield 1
            await asyncio.Event().wait()

    def on_block(self) -> Iterator[int]:
        """Block in the middle until `on_unblock`."""
        with noted():
            yield 1
            self.entered.set()
            assert self.gate.wait(WAIT_S)
            yield 2

    def on_blocked(self) -> bool:
        return self.entered.wait(WAIT_S)

    def on_unblock(self) -> None:
        self.gate.set()

    def on_blobs(self, count: int, size_bytes: int) -> Iterator[Picture]:
        with noted():
            for number in range(count):
                produced.append(number)
                yield Picture(name=str(number), data=b"x" * size_bytes)

    def on_fails(self, code: str) -> Iterator[int]:
        with noted():
            yield 1
            if code:
                raise EventError(code, "It went wrong.", {"after": 1})
            raise RuntimeError(f"{SECRET} in {__file__}")

    def on_kick(self) -> None:
        self.disconnect()

    def on_drop(self) -> None:
        drop_transport(self)

    def on_dependent(self, found: str = Depends(lent)) -> Iterator[str]:
        while True:
            yield found


class Untyped(Namespace):
    """Handlers as old applications have them."""

    namespace = "/untyped"

    def on_connect(self, auth: Any = None) -> None:
        connects.append(auth)
        if auth is not None:
            auth["token"]

    def on_disconnect(self, reason: Any) -> None:
        disconnects.append(reason)

    def on_echo(self, *values):  # type: ignore[no-untyped-def]
        return values


class Room(Namespace):
    def on_where(self) -> str:
        return self.namespace


connects: list[Any] = []
disconnects: list[str] = []
torn_down: list[int] = []


class Hosts(Namespace):
    """What handlers do to the thread that runs them."""

    namespace = "/hosts"
    ask = Call[int, int]("Asked while an event is handled.")
    position = Event[bytes]("Where somebody is at the moment.", volatile=True)
    chunk = Event[bytes]("Worth waiting for.")

    def on_wait(self) -> bool:
        return released.wait(WAIT_S)

    def on_release(self) -> None:
        released.set()

    def on_ask(self, number: int) -> int:
        return self.ask.call(number, to=self.sid, timeout_s=WAIT_S)

    def on_note(self, who: str) -> str:
        notes.append(who)
        return who

    def on_notes(self) -> list[str]:
        found = list(notes)
        notes.clear()
        return found

    @event(run="inline")
    def on_inline(self) -> int:
        return threading.get_ident()

    @event(run="pool")
    def on_pool(self) -> int:
        return threading.get_ident()

    def on_flood(self, count: int, size: int) -> None:
        """Send more than a client takes that does not read: what is worth waiting for, and what is not."""
        for _ in range(count):
            self.chunk.reply(bytes(size))
        for _ in range(1000):
            self.position.reply(bytes(size))
        notes.append("flooded")


released = threading.Event()
notes: list[str] = []

app = Flask("wire")
app.config["SECRET_KEY"] = "a key for tests only"
main = Main()
socketio = SocketIO(
    app,
    namespaces=[main, Strict, Untyped, Streams, Hosts, *(Room(f"/room{number}") for number in range(8))],
    ping_interval=float(os.environ.get("PING_INTERVAL", "25")),
    ping_timeout=float(os.environ.get("PING_TIMEOUT", "20")),
)


@socketio.on("function", namespace="/functions")
def serve_function(number: int) -> int:
    return number + 1


@app.teardown_request
def count_teardown(error: BaseException | None) -> None:
    if flask.request.path.startswith("/socket.io"):
        torn_down.append(1)


@app.get("/state")
def state() -> dict[str, Any]:
    """What the server holds."""
    server = socketio.server
    manager = server.manager
    return {
        "pid": os.getpid(),
        "threads": threading.active_count(),
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "sockets": len(server.eio.sockets),
        "connections": len(server.connections),
        "environ": len(server.environ),
        "clients": sum(len(rooms.get(None, ())) for rooms in manager.rooms.values()),
        "pending": sum(map(len, manager.pending_connect.values())),
        "leaving": sum(map(len, manager.pending_disconnect.values())),
        "callbacks": sum(map(len, manager.callbacks.values())),
        "serving": sum(1 for _ in find_transport_stacks()),
        "alarms": sum(alarm.action is not None for _, _, alarm in server.eio.timer._due),
        "due": len(server.eio.timer._due),
        "connects": len(connects),
        "disconnects": disconnects,
        "streams": 0 if socketio.dispatch is None else len(socketio.dispatch.streams),
        "streaming": sum(1 for _ in find_stacks("framework/streaming.py")),
        "produced": len(produced),
        "closed": len(closed),
        "lent": len(lent_out),
        "torn_down": len(torn_down),
        "queued": max((found.queued_bytes for found in list(server.eio.sockets.values())), default=0),
    }


@app.post("/clear")
def clear() -> str:
    connects.clear()
    disconnects.clear()
    return ""


@app.post("/log/<text>")
def log(text: str) -> str:
    logging.getLogger("wire").warning("%s", text)
    return ""


@app.post("/peak")
def reset_peak() -> str:
    """Forget the highest memory use so far."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return ""


@app.get("/memory")
def memory() -> dict[str, int]:
    """Bytes in use, now and at most."""
    status = Path("/proc/self/status").read_text()
    return {name: int(found) * 1024 for name, found in re.findall(r"^Vm(RSS|HWM):\s+(\d+)", status, re.MULTILINE)}


def find_transport_stacks() -> Iterator[Any]:
    """Yield each WebSocket that is open, and the frame of each thread or greenlet that serves one."""
    yield from (found for found in gc.get_objects() if isinstance(found, Link) and not found.closed)
    for frame in [*sys._current_frames().values(), *find_greenlet_frames()]:
        inside = frame
        while inside is not None:
            code = inside.f_code
            if code.co_filename.endswith("transport/engine.py") and code.co_name in ("_upgrade_websocket", "_write"):
                yield frame
                break
            inside = inside.f_back


def find_socket(sid: str) -> Any:
    """Return what a client's WebSocket is served through."""
    server = socketio.server
    connection = server.eio.sockets[server.manager.eio_sid_from_sid(sid, "/")].link.connection
    if isinstance(connection, Wire):
        return connection.get_extra_info("socket")
    return getattr(connection, "connection", connection)


def find_stacks(path: str) -> Iterator[Any]:
    """Yield the frame of each thread or greenlet that is inside a file."""
    for frame in [*sys._current_frames().values(), *find_greenlet_frames()]:
        inside = frame
        while inside is not None and not inside.f_code.co_filename.endswith(path):
            inside = inside.f_back
        if inside is not None:
            yield frame


def find_greenlet_frames() -> Iterator[Any]:
    if "greenlet" in sys.modules:
        greenlet = sys.modules["greenlet"].greenlet
        for found in gc.get_objects():
            if isinstance(found, greenlet) and not found.dead and found.gr_frame is not None:
                yield found.gr_frame


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    if worker := os.environ.get("GUNICORN"):
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--no-control-socket",
            "-k",
            worker,
            "-b",
            f"127.0.0.1:{os.environ['PORT']}",
        ]
        os.chdir(Path(__file__).parent)
        os.execv(sys.executable, [*command, "app:app"])
    socketio.run(app, port=int(os.environ["PORT"]), debug="DEBUG" in os.environ, use_reloader=False)
