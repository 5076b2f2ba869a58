"""How types are shown to people."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, Optional, TypeVar, Union

import pytest
from pydantic import AfterValidator, BaseModel, Field

from framework import Call, Depends, Event, EventError, Namespace, guard, raises
from framework.handlers import read_function
from framework.routes import Route, read_routes, render_type

T = TypeVar("T")
Name = Annotated[str, Field(max_length=3), AfterValidator(str.strip)]


class Model(BaseModel):
    pass


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (Any, "Any"),
        (Model, "Model"),
        (datetime.datetime, "datetime"),
        (Name, "str"),
        (list[Name], "list[str]"),
        (dict[str, list[Model]], "dict[str, list[Model]]"),
        (Model | None, "Model | None"),
        (Optional[Name], "str | None"),  # noqa: UP045 - people write it
        (Union[int, str], "int | str"),  # noqa: UP007 - people write it
        (Literal["a", 1], "Literal['a', 1]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Callable[[int], str], "Callable[[int], str]"),
        (Iterator[Model], "Iterator[Model]"),
        (T, "T"),
    ],
)
def test_type_is_shown_as_it_is_written(annotation: Any, shown: str) -> None:
    assert render_type(annotation) == shown


class Chat(Namespace):
    """Rooms."""

    namespace = "/chat"

    posted = Event[Model, int]("A message was posted.\n\nTo all.")
    confirm = Call[bool, Model]()
    loose = Event(name="my event")

    def on_connect(self, auth: Model) -> None: ...

    def on_post(self, model: Model, limit: int = 50, *tags: str) -> Model:
        """Post it.

        To all.
        """
        return model

    def on_untyped(self, first, second=None): ...  # type: ignore[no-untyped-def]


def read(**wanted: str) -> Route:
    """The only route that has *wanted*."""
    [found] = [route for route in ROUTES if all(getattr(route, name) == value for name, value in wanted.items())]
    return found


def ping(text: str) -> str:
    return text


def pong(text: str) -> None: ...


ROUTES = read_routes([Chat(), Chat("/more")], [("/", read_function(ping, "ping")), ("/", read_function(pong, "ping"))])


def test_a_handler_is_a_route_with_its_signature() -> None:
    post = read(namespace="/chat", event="post")
    assert post.direction == "client to server"
    assert post.arguments == "model: Model, limit: int = 50, *tags: str"
    assert (post.ack, post.handler, post.description) == ("Model", "Chat.on_post", "Post it.")
    assert post.location.startswith("tests/test_routes.py:")
    assert read(namespace="/chat", event="untyped").arguments == "first, second = None"
    assert read(namespace="/chat", event="untyped").ack == ""
    assert read(namespace="/chat", event="connect").ack == "None"


def test_a_declared_event_is_a_route() -> None:
    posted = read(namespace="/chat", event="posted")
    assert posted.direction == "server to client"
    assert (posted.arguments, posted.ack, posted.handler) == ("Model, int", "", "Chat.posted")
    assert posted.description == "A message was posted."
    assert (read(namespace="/chat", event="confirm").arguments, read(namespace="/chat", event="confirm").ack) == (
        "Model",
        "bool",
    )
    assert read(namespace="/chat", event="my event").arguments == ""


def test_the_last_function_for_an_event_is_the_route() -> None:
    assert read(namespace="/", event="ping").handler.endswith("pong")


def test_routes_are_sorted_and_every_instance_has_its_own() -> None:
    assert sorted(ROUTES) == ROUTES
    assert read(namespace="/more", event="post").handler == "Chat.on_post"
    assert read(namespace="/more", event="post").as_dict()["event"] == "post"


def is_member() -> bool:
    return True


def is_admin() -> bool:
    return True


class RoomFull(EventError):
    code = "room_full"


class Closed(EventError):
    code = "closed"


@guard(is_member)
class Guarded(Namespace):
    namespace = "/guarded"

    said = Event[str]()

    def on_connect(self) -> None: ...

    def on_disconnect(self) -> None: ...

    @guard(is_admin)
    @raises(RoomFull)
    @raises(Closed)
    def on_join(self, room: str, user: Model = Depends(Model), limit: int = 5) -> None: ...


@guard(is_admin)
@raises(Closed)
def free() -> None: ...


def test_guards_and_declared_errors_are_listed_and_dependencies_are_no_arguments() -> None:
    found = {route.event: route for route in read_routes([Guarded()], [("/guarded", read_function(free, "free"))])}
    assert found["join"].arguments == "room: str, limit: int = 5"
    assert found["join"].guards == ("is_member", "is_admin")
    assert found["join"].raises == ("room_full", "closed")
    assert (found["connect"].guards, found["disconnect"].guards) == (("is_member",), ())
    assert (found["free"].guards, found["free"].raises) == (("is_member", "is_admin"), ("closed",))
    assert (found["said"].guards, found["said"].raises) == ((), ())
