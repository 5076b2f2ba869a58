"""A server for what the corpus does not show: auth by namespace, streams that are watched, order, waiting, defaults."""

from __future__ import annotations

import datetime
import decimal
import enum
import threading
from collections.abc import Iterator
from typing import NotRequired

from flask import Flask
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from framework import Call, Event, EventError, Namespace, SocketIO, raises


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Size(BaseModel):
    width: int = 1


class Secrets(TypedDict):
    name: str
    nick: NotRequired[str | None]


class Defaults(BaseModel):
    """Defaults of every kind."""

    tags: list[str] = Field(default_factory=lambda: ["made", "here"])
    maybe: list[int] | None = Field(default_factory=lambda: [1])
    size: Size = Size(width=7)
    mood: Mood = Mood.BAD
    day: datetime.date = datetime.date(2020, 2, 29)
    lasts: datetime.timedelta = datetime.timedelta(hours=1)
    price: decimal.Decimal = decimal.Decimal("1.50")
    wrong: int = None  # type: ignore[assignment]
    datetime_: str = Field("shadows a module", alias="datetime")
    copy_: str = Field("shadows a method", alias="copy")


class Token(BaseModel):
    token: str


class LoginRequired(EventError):
    """Log in first."""

    code = "login_required"


class Talk(Namespace):
    """Everything that takes time."""

    namespace = "/talk"

    number = Event[int]("One of many.")
    ask = Call[bytes, bytes]("Answer with what is asked, and more.")

    pulled = 0
    closed = 0

    @raises(LoginRequired)
    def on_connect(self, auth: Token) -> None:
        if auth.token != "talk":
            raise LoginRequired(details={"token": auth.token}, retry_after=1.5)

    def on_defaults(self, value: Defaults, size: Size = Size(width=9), tags: list[str] = ["here"]) -> Defaults:  # noqa: B006, B008
        value.size.width += size.width
        value.tags += tags
        return value

    def on_secrets(self, value: Secrets) -> list[str]:
        """Tell which fields have come."""
        return sorted(value)

    def on_ticks(self) -> Iterator[int]:
        try:
            while True:
                Talk.pulled += 1
                yield Talk.pulled
        finally:
            Talk.closed += 1

    def on_counts(self) -> tuple[int, int]:
        """How many ticks were made, and how many streams of them have ended."""
        return Talk.pulled, Talk.closed

    def on_nothing_for(self, seconds: float) -> str:
        threading.Event().wait(seconds)
        return "now"

    def on_flood(self, count: int) -> None:
        for number in range(count):
            self.number.reply(number)

    def on_shout(self, number: int) -> None:
        self.number.broadcast(number)

    def on_echo(self, value: bytes, number: int) -> tuple[bytes, int]:
        return value, number

    def on_ask_me(self, value: bytes) -> bytes:
        return self.ask.call(value, to=self.sid, timeout_s=20)


class Listen(Namespace):
    namespace = "/listen"

    def on_connect(self, auth: Token) -> None:
        if auth.token != "listen":
            raise EventError("forbidden", "Not with this token.")

    def on_hello(self) -> str:
        return "hello"


def create_app() -> Flask:
    app = Flask("talk")
    SocketIO(app, namespaces=[Talk, Listen])
    return app
