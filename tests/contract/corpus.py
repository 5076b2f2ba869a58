"""An application with every type and every name that a generator may stumble over.

Each handler answers with what it was sent, or with something that a client can check, so that generated clients can be
used against it.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar

from flask import Flask
from pydantic import BaseModel, ConfigDict, Field, RootModel, computed_field
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict, deprecated

from framework import Call, Event, EventError, Namespace, SocketIO, event, guard, raises

from . import corpus_twin

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"
    class_ = "class"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


class Inner(BaseModel):
    """Ends a comment: */ and "quotes" and \\ backslashes and `ticks` and ${dollars}."""

    x: int = Field(3, ge=0, description="Not below 0. */")
    label: str | None = None


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int = 0


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    good: bool = True


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Keywords(BaseModel):
    """Field names that are reserved words somewhere."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    class_: int = Field(alias="class")
    await_: bool = Field(True, alias="await")
    constructor: str = "c"
    with_dash: str = Field("d", alias="with-dash")
    self_: str = Field("s", alias="self")
    umlaut: str = Field("ü", alias="größe")


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    first_name: str
    date_of_birth: datetime.date | None = None


class Both(BaseModel):
    """Another name on the way in than on the way out."""

    value: int = Field(validation_alias="valueIn", serialization_alias="valueOut")

    @computed_field(description="Twice the value.")  # type: ignore[prop-decorator]
    @property
    def doubled(self) -> int:
        return self.value * 2


class Point(NamedTuple):
    x: float
    y: float = 0.0


@dataclasses.dataclass
class Box:
    width: int
    height: int = 1


class Options(TypedDict):
    verbose: bool
    limit: NotRequired[int]


class Tags(RootModel[list[str]]):
    pass


class Everything(BaseModel):
    when: datetime.datetime
    day: datetime.date
    at: datetime.time
    lasts: datetime.timedelta
    id: uuid.UUID
    price: decimal.Decimal
    colour: Colour
    level: Level
    pair: tuple[int, str]
    triple: tuple[int, ...]
    pet: Pet
    tree: Tree
    page: Page[Inner]
    pages: Page[Page[Inner]]
    lookup: dict[str, Inner]
    by_number: dict[int, str]
    numbers: set[int]
    anything: Any
    nothing: None
    union: int | str | None
    email_like: Annotated[str, Field(pattern=r"^[^@]+@[^@]+$", max_length=100)]
    some: Annotated[list[int], Field(min_length=1, max_length=25)]
    literal: Literal["a", 1, True, None]  # noqa: PYI061 - None inside is the case
    box: Box
    options: Options
    tags: Tags
    point: Point


class WithBytes(BaseModel):
    name: str
    content: bytes
    parts: list[bytes] = []


class RoomFull(EventError):
    """No seat is left. */"""

    code = "room_full"


class Auth(BaseModel):
    token: str
    locale: str = "en"


def is_anybody() -> bool:
    return True


class Nasty(Namespace):
    """Everything at once. */ `x` ${y}"""

    namespace = "/nasty"

    posted = Event[Inner]("Something was posted. */")
    moved = Event[int, str]("Two values.")
    got_bytes = Event[WithBytes]("With an attachment.")
    dashed = Event[str]("A name that is no identifier.", name="my-event")
    spaced = Event[str]("Another.", name="my event")
    old = Event[str]("Do not use.", deprecated="Use posted.")
    raw = Event("Untyped.")
    nothing = Event[()]("Without arguments.")  # type: ignore[type-arg]
    confirm = Call[bool, Inner]("Ask the client.")
    pick = Call[Colour]("Ask without arguments.")

    def on_connect(self, auth: Auth | None = None) -> None:
        if auth is not None and auth.token == "bad":
            raise EventError("unauthorized", "The token is bad.")

    def on_everything(self, value: Everything) -> Everything:
        """Answers with what it got."""
        return value

    def on_none(self) -> None:
        """Takes nothing, answers nothing."""

    def on_many(self, first: int, second: str = "x", *rest: float) -> tuple[int, str, list[float]]:
        """Defaults and the rest.

        Several lines, with a
            code block, and a star-slash: */
        """
        return first, second, list(rest)

    def on_page(self, page: Page[Inner]) -> Page[Tree]:
        return Page[Tree](items=[Tree(name=str(inner.x)) for inner in page.items], total=page.total)

    def on_pets(self, pets: list[Pet]) -> dict[str, Pet]:
        return {str(index): pet for index, pet in enumerate(pets)}

    def on_keywords(self, value: Keywords) -> Keywords:
        return value

    def on_camel(self, value: Camel) -> Camel:
        return value

    def on_both(self, value: Both) -> Both:
        return value

    def on_bytes(self, value: WithBytes, more: bytes = b"") -> WithBytes:
        return WithBytes(name=value.name, content=value.content + more, parts=[*value.parts, more])

    def on_numbers(self, *numbers: int) -> tuple[int, ...]:
        return numbers

    def on_untyped(self, value):  # type: ignore[no-untyped-def]
        return value

    def on_twins(self, ours: Inner, theirs: corpus_twin.Inner) -> corpus_twin.Inner:
        """Two models of one name, from two modules."""
        return theirs

    def on_optional(self, value: int | None = None) -> int | None:
        return value

    @raises(RoomFull)
    @guard(is_anybody)
    def on_fail(self, code: str) -> int:
        """Fails as it is told."""
        if code == "room_full":
            raise RoomFull(details={"room": 1}, retry_after=2.5)
        raise EventError(code, "As you wish.")

    @deprecated("Use none.")
    def on_old(self) -> int:
        return 1

    def on_count(self, to: int) -> Iterator[Inner]:
        """Streams."""
        for x in range(to):
            yield Inner(x=x)

    async def on_count_slowly(self, to: int) -> AsyncIterator[int]:
        for x in range(to):
            yield x

    def on_break(self, after: int) -> Iterator[bytes]:
        """Streams, then fails."""
        for _ in range(after):
            yield b"x"
        raise RoomFull

    def on_make(self, what: str) -> Any:
        """Makes the server send every event, and call the client."""
        if what == "events":
            self.posted.reply(Inner(x=1))
            self.moved.reply(2, "two")
            self.got_bytes.reply(WithBytes(name="b", content=b"\x00\xff"))
            self.dashed.reply("dashed")
            self.spaced.reply("spaced")
            self.old.reply("old")
            self.raw.reply({"any": "thing"})
            self.nothing.reply()
            return None
        if what == "confirm":
            return self.confirm.call(Inner(x=5), to=self.sid, timeout_s=5)
        return self.pick.call(to=self.sid, timeout_s=5).value

    # Names side by side that one identifier would swallow.
    @event("my event")
    def on_my_event_1(self) -> Literal["my event"]:
        return "my event"

    @event("my-event")
    def on_my_event_2(self) -> Literal["my-event"]:
        return "my-event"

    @event("My Event")
    def on_my_event_3(self) -> Literal["My Event"]:
        return "My Event"

    @event("größe")
    def on_size(self) -> Literal["größe"]:
        return "größe"

    @event("日本語")
    def on_japanese(self, größe: int = 1) -> Literal["日本語"]:
        return "日本語"

    @event("1st")
    def on_first(self) -> int:
        return 1

    @event("class")
    def on_keyword(self, class_: int, await_: int = 0) -> int:
        return class_ + await_

    @event("constructor")
    def on_constructor(self) -> int:
        return 1

    @event("then")
    def on_then(self) -> int:
        return 1

    @event("emit")
    def on_emit(self) -> int:
        return 1

    @event("close")
    def on_close(self) -> int:
        return 1

    @event("__proto__")
    def on_proto(self) -> int:
        return 1


class Empty(Namespace):
    """Nothing but a connection."""

    namespace = "/empty"


def create_app() -> Flask:
    """Make the application, with its clients' own functions on ``/``."""
    app = Flask("corpus")
    app.config.update(FRAMEWORK_CONTRACT_TITLE="Corpus */", FRAMEWORK_CONTRACT_VERSION="1.2.3")
    socketio = SocketIO(app, namespaces=[Nasty, Empty])

    @socketio.on("hello")
    def hello(name: str, times: int = 1) -> list[str]:
        """Greets."""
        return [f"Hello {name}"] * times

    return app
