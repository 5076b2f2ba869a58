"""An application for generated clients that are refused, wait, cancel, lose their connection and come back."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

from flask import Flask
from pydantic import BaseModel

from framework import Call, Event, EventError, Namespace, SocketIO, raises


class Ticket(BaseModel):
    token: str


class Banned(EventError):
    """You may not come in."""

    code = "banned"


class Full(EventError):
    """There is no room."""

    code = "full"


class Live(Namespace):
    """Where clients come and go."""

    namespace = "/live"

    stopped = Event[str]("A stream has ended: its name.")
    told = Event[str]("Somebody said something.")
    question = Call[str, str]("Ask a client.")

    _doors: dict[str, threading.Event] = {}  # noqa: RUF012 - the doors of this process
    _tokens: dict[str, str] = {}  # noqa: RUF012

    @raises(Banned)
    def on_connect(self, auth: Ticket) -> None:
        if auth.token == "banned":
            raise Banned(message="Not you.", details={"until": "tomorrow"}, retry_after=1.5)
        self._tokens[self.sid] = auth.token

    def on_token(self) -> str:
        return self._tokens[self.sid]

    def on_sid(self) -> str:
        return self.sid

    def on_wait(self, door: str) -> str:
        """Answers when the door is opened."""
        self._door(door).wait(30)
        return door

    def on_open(self, door: str) -> None:
        self._door(door).set()

    def on_drop(self, sid: str) -> None:
        self.disconnect(sid)

    def on_tell(self, text: str) -> None:
        self.told.broadcast(text)

    def on_ask(self, text: str, timeout_s: float = 5.0) -> str:
        return self.question.call(text, to=self.sid, timeout_s=timeout_s)

    def on_search(self, text: str, limit: int = 10, offset: int = 0, *tags: str) -> tuple[str, int, int, list[str]]:
        return text, limit, offset, list(tags)

    @raises(Full)
    def on_fill(self) -> int:
        raise Full(message="No seat.", details=[1], retry_after=2)

    def on_crash(self) -> int:
        raise RuntimeError("a bug")

    def on_tick(self, name: str) -> Iterator[int]:
        """Never ends by itself; tells everybody when it has ended."""
        try:
            yield from itertools.count()
        finally:
            self.stopped.broadcast(name)

    def on_guarded_tick(self, start: int) -> Iterator[int]:
        if start < 0:
            raise Full
        yield start

    def _door(self, name: str) -> threading.Event:
        return self._doors.setdefault(name, threading.Event())


def create_app() -> Flask:
    app = Flask("live")
    SocketIO(app, namespaces=[Live])
    return app
