"""An application with everything that stands around a handler, sync and async; a script as ``app.py``."""

from __future__ import annotations

import os

if os.environ["FRAMEWORK_ASYNC_MODE"] == "gevent":
    from gevent import monkey

    monkey.patch_all()

import asyncio
import contextvars
import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import flask
from flask import Flask, request

from framework import Depends, EventError, Handling, Middleware, Namespace, Proceed, SocketIO, guard, raises, use

WAIT_S = 20.0
steps: dict[str, list[str]] = {}
name_of: contextvars.ContextVar[str] = contextvars.ContextVar("name_of", default="nobody")
barrier = threading.Barrier(2)


def step(what: str) -> None:
    steps.setdefault(who(), []).append(what)


def who() -> str:
    return request.args.get("who", "?")


class Outer(Middleware):
    """Sync, around everything; answers an event that nobody serves."""

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        step("outer connect")
        return proceed()

    def event(self, handling: Handling, proceed: Proceed) -> Any:
        flask.g.mark = [who()]
        name_of.set(who())
        if handling.event == "answered":
            assert not handling.known
            return list(handling.args)
        if handling.event == "retried":
            try:
                return proceed()
            except LookupError:
                return proceed()
        return proceed()

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        step(f"outer disconnect {handling.args[0]}")
        return proceed()


class Inner(Middleware):
    """Async; what it has before and after an await has to be the same client's."""

    async def connect(self, handling: Handling, proceed: Proceed) -> Any:
        await asyncio.sleep(0)
        step("inner connect")
        if who() == "banned":
            raise EventError("banned", "You are banned.")
        return await proceed()

    async def event(self, handling: Handling, proceed: Proceed) -> Any:
        before = (who(), name_of.get(), handling.sid)
        await asyncio.sleep(0)
        flask.g.mark.append(who())
        result = await proceed()
        await asyncio.sleep(0)
        assert before == (who(), name_of.get(), request.sid)  # type: ignore[attr-defined]
        return result

    async def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        await asyncio.sleep(0)
        step("inner disconnect")
        return await proceed()


async def around_handler(handling: Handling, proceed: Proceed) -> Any:
    await asyncio.sleep(0)
    return [*await proceed(), "around"]


async def exit_in_middleware(handling: Handling, proceed: Proceed) -> Any:
    sys.exit("sekret")


def connection() -> Iterator[str]:
    step("open")
    try:
        yield f"connection of {who()}"
    finally:
        step("close")


async def async_connection(handling: Handling) -> AsyncIterator[asyncio.AbstractEventLoop]:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0)
    step("async open")
    try:
        yield loop
    except EventError as error:
        step(f"async saw {error.code}")
        raise
    finally:
        await asyncio.sleep(0)
        step("async close" if asyncio.get_running_loop() is loop else "another loop")


async def is_allowed(connection: str = Depends(connection)) -> bool:
    await asyncio.sleep(0)
    return connection.endswith(who()) and who() != "guest"


class RoomFull(EventError):
    """No seat is left."""

    code = "room_full"


class Layers(Namespace):
    middleware = (Inner(),)

    def on_connect(self) -> None:
        step("connect")

    def on_disconnect(self) -> None:
        step("disconnect")

    def on_steps(self, name: str) -> list[str]:
        return steps.pop(name, [])

    @use(around_handler)
    async def on_context(self) -> list[Any]:
        await asyncio.sleep(0)
        return [*flask.g.mark, name_of.get(), who(), request.sid == self.sid]  # type: ignore[attr-defined]

    async def on_meet(self) -> list[str]:
        """Return when two clients are here at the same time."""
        arrived = asyncio.get_running_loop().run_in_executor(None, barrier.wait, WAIT_S)
        if os.environ["FRAMEWORK_ASYNC_MODE"] == "gevent":
            while not arrived.done():
                await asyncio.sleep(0)
        await arrived
        return [name_of.get(), who()]

    @guard(is_allowed)
    async def on_open(
        self,
        text: str,
        connection: str = Depends(connection),
        loop: asyncio.AbstractEventLoop = Depends(async_connection),
    ) -> list[Any]:
        await asyncio.sleep(0)
        step("handler")
        return [text, connection, loop is asyncio.get_running_loop()]

    @raises(RoomFull)
    def on_full(self, loop: Any = Depends(async_connection)) -> None:
        raise RoomFull

    def on_bytes(self, data: bytes, connection: str = Depends(connection)) -> list[Any]:
        return [connection, data]

    def on_retried(self, text: str) -> str:
        steps.setdefault("retried", []).append(text)
        if len(steps["retried"]) % 2:
            raise LookupError
        return text

    @use(exit_in_middleware)
    def on_exit(self) -> None: ...

    def on_stop(self) -> None:
        next(iter(()))


app = Flask("layers")
app.config["SECRET_KEY"] = "a key for tests only"
socketio = SocketIO(app, namespaces=[Layers], middleware=[Outer()])

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    socketio.run(app, port=int(os.environ["PORT"]), debug="DEBUG" in os.environ, use_reloader=False)
