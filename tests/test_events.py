"""Declared events and calls: their types, their names, and the way to the application that sends them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from threading import Lock
from typing import Any, Generic, TypeVar

import flask
import pytest
from pydantic import BaseModel, Field, computed_field

from framework import (
    AnswerError,
    Call,
    CallTimeoutError,
    Event,
    EventError,
    HandlerSignatureError,
    Namespace,
    NotBoundError,
    SocketIO,
)
from framework.testing import Client

T = TypeVar("T")

HERE = r"\(tests/test_events\.py:\d+\)"


class Posted(BaseModel):
    id: int
    text: str = Field(default="", serialization_alias="body", validation_alias="source")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def length(self) -> int:
        return len(self.text)


class Upload(BaseModel):
    name: str
    content: bytes


class Page(BaseModel, Generic[T]):
    items: list[T]


@dataclass
class Point:
    x: int


class Chat(Namespace):
    namespace = "/chat"

    posted = Event[Posted]("A message was posted.")
    typing = Event[str, bool]()
    opened = Event[()]()
    odd = Event[int](name="my event")
    uploaded = Event[Upload]()
    loose = Event("Anything.")
    quoted = Event["Posted"]()
    confirm = Call[bool, Posted]("Are you sure?")
    ask = Call("Anything.")

    def on_post(self, text: str) -> None:
        self.posted.reply(Posted(id=1, source=text))

    def on_join(self, room: str) -> None:
        self.join(room)

    def on_ask(self) -> bool:
        return self.confirm.call(Posted(id=1), to=self.sid, timeout_s=1.0)

    def on_ask_anything(self) -> Any:
        return self.ask.call(1, "a", to=self.sid, timeout_s=1.0)


class Other(Namespace):
    namespace = "/other"

    noted = Event[str]()

    def on_reply_elsewhere(self, text: str) -> None:
        Chat.typing.reply(text, True)


@pytest.fixture
def app() -> Iterator[flask.Flask]:
    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Chat, Other])
    with app.app_context():
        yield app


@pytest.fixture
def client(app: flask.Flask) -> Client:
    return Client(app, Chat)


# -- sending


def test_what_is_sent_is_in_the_output_schema(client: Client) -> None:
    Chat.posted.broadcast(Posted(id=1, source="abc"))
    assert client.received("posted") == [{"id": 1, "body": "abc", "length": 3}]


def test_several_values_none_and_bytes_are_sent(client: Client) -> None:
    Chat.typing.broadcast("ada", True)
    Chat.opened.broadcast()
    Chat.odd.broadcast(1)
    Chat.uploaded.broadcast(Upload(name="a", content=b"\xff"))
    assert client.received(Chat.typing) == [("ada", True)]
    assert len(client.received(Chat.opened)) == 1
    assert client.received("my event") == [1]
    assert client.received(Chat.uploaded) == [Upload(name="a", content=b"\xff")]


def test_without_types_anything_that_is_json_is_sent(client: Client) -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    Chat.loose.broadcast({"when": when, "price": Decimal("1.5"), "point": Point(1), 1: {b"a"}})
    Chat.loose.broadcast()
    [sent, _] = client.received("loose")
    assert sent == {"when": "2026-01-02T00:00:00Z", "price": "1.5", "point": {"x": 1}, "1": [b"a"]}


def test_a_target_is_a_room_a_sid_or_several(app: flask.Flask) -> None:
    ada, bob = Client(app, Chat), Client(app, Chat)
    ada.call(Chat.on_join, "lobby")
    Chat.odd.emit(1, to="lobby")
    Chat.odd.emit(2, to=bob.sid)
    Chat.odd.emit(3, to=[ada.sid, bob.sid])
    Chat.odd.emit(4, to={ada.sid, bob.sid}, skip=(bob.sid,))
    Chat.odd.emit(5, to=[])
    Chat.odd.broadcast(6, skip=ada.sid)
    assert ada.received(Chat.odd) == [1, 3, 4]
    assert bob.received(Chat.odd) == [2, 3, 6]


def test_a_reply_reaches_the_client_whose_event_is_handled_and_no_other(app: flask.Flask) -> None:
    ada, bob = Client(app, Chat), Client(app, Chat)
    ada.emit(Chat.on_post, "a")
    assert [posted["body"] for posted in ada.received("posted")] == ["a"]
    assert bob.received("posted") == []


def test_a_reply_on_another_namespace_reaches_the_same_client_there(app: flask.Flask) -> None:
    ada = Client(app, Other)
    with pytest.raises(EventError) as caught:
        ada.call(Other.on_reply_elsewhere, "a")
    assert "has not joined '/chat'" in str(caught.value.__cause__)
    ada_in_chat = Client(app, Chat, via=ada)
    ada.call(Other.on_reply_elsewhere, "b")
    assert ada_in_chat.received(Chat.typing) == [("b", True)]


@pytest.mark.usefixtures("app")
def test_a_reply_outside_of_an_event_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"^Chat\.odd: no client's event is being handled here\. Say the target"):
        Chat.odd.reply(1)


# -- values that are wrong


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("send", "reason"),
    [
        (lambda: Chat.odd.broadcast("x"), r"Chat\.odd: Input should be a valid integer"),
        (lambda: Chat.posted.broadcast({"id": "x"}), r"Chat\.posted: id: Input should be a valid integer"),
        (lambda: Chat.typing.broadcast("a", "x"), r"Chat\.typing: 1: Input should be a valid boolean"),
        (lambda: Chat.typing.broadcast("a"), r"Chat\.typing: takes str, bool; 1 value given$"),
        (lambda: Chat.opened.broadcast(1), r"Chat\.opened: takes nothing; 1 value given$"),
        (lambda: Chat.odd.broadcast(1, 2), r"Chat\.odd: takes int; 2 values given$"),
        (lambda: Chat.loose.broadcast(object()), r"Chat\.loose: a value can't be sent: "),
        (lambda: Chat.loose.broadcast({"a": float("nan")}), r"Chat\.loose: a value can't be sent: .*finite"),
        (lambda: Chat.confirm.call("x", to="sid"), r"Chat\.confirm: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_value_is_a_type_error_that_names_the_event(send: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=f"^{reason}"):
        send()


@pytest.mark.usefixtures("app")
def test_a_model_that_was_changed_into_something_else_is_not_sent() -> None:
    posted = Posted(id=1)
    posted.id = "x"  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"^Chat\.posted: a value can't be sent"):
        Chat.posted.broadcast(posted)


# -- calls


def test_an_answer_is_validated(client: Client) -> None:
    client.answer(Chat.confirm, lambda posted: posted.id == 1)
    assert client.call(Chat.on_ask) is True
    client.answer(Chat.confirm, lambda posted: "perhaps")  # type: ignore[arg-type, return-value]
    with pytest.raises(EventError) as caught:
        client.call(Chat.on_ask)
    cause = caught.value.__cause__
    assert isinstance(cause, AnswerError)
    assert str(cause).startswith("Chat.confirm was answered with something else: Input should be a valid boolean")


def test_an_answer_without_type_passes_as_it_came(client: Client) -> None:
    client.answer(Chat.ask, lambda number, text: {"number": number, "text": text})
    assert client.call(Chat.on_ask_anything) == {"number": 1, "text": "a"}


def test_an_answer_that_does_not_come_is_a_timeout(client: Client) -> None:
    client.ignore(Chat.confirm)
    with pytest.raises(EventError) as caught:
        client.call(Chat.on_ask)
    assert isinstance(caught.value.__cause__, CallTimeoutError)


# -- declarations


def test_a_declaration_knows_its_types_name_place_and_documentation() -> None:
    assert Chat.posted.types == (Posted,)
    assert Chat.typing.types == (str, bool)
    assert Chat.opened.types == ()
    assert Chat.loose.types == ()
    assert Chat.quoted.types == (Posted,)
    assert Chat.confirm.types == (Posted,)
    assert Chat.confirm.answer_type is bool
    assert Chat.ask.answer_type is Any
    assert (Chat.odd.attribute, Chat.odd.name) == ("odd", "my event")
    assert Chat.posted.doc == "A message was posted."
    assert Chat.posted.location.startswith("tests/test_events.py:")
    assert set(Chat._declared) >= {"posted", "my event", "confirm"}


def test_types_in_quotes_may_be_local() -> None:
    class Local(BaseModel):
        x: int

    class Desk(Namespace):
        opened = Event["Local"]()
        pages = Event["Page[Local]"]()
        ask = Call["Local", "list[Local]"]()

    assert Desk.opened.types == (Local,)
    assert Desk.pages.types == (Page[Local],)
    assert Desk.ask.types == (list[Local],)
    assert Desk.ask.answer_type is Local


class Crud(Namespace, Generic[T]):
    created = Event[T]("One more.")
    listed = Event[Page[T], int]()
    choose = Call[T, list[T]]()


class Posts(Crud[Posted]):
    namespace = "/posts"


def test_a_generic_namespaces_events_are_filled_in() -> None:
    assert Posts.created.types == (Posted,)
    assert Posts.listed.types == (Page[Posted], int)
    assert Posts.choose.answer_type is Posted
    assert Posts.choose.types == (list[Posted],)
    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Posts])
    with app.app_context(), pytest.raises(TypeError, match=r"^Posts\.created: id: "):
        Posts.created.broadcast({"id": "x"})  # type: ignore[arg-type]


class Announces:
    """A mixin that is no namespace."""

    announced = Event[str]("For all.")


def test_an_inherited_event_is_sent_on_the_path_of_the_class_that_it_is_named_by() -> None:
    class Base(Announces, Namespace):
        namespace = "/base"

    class Sub(Base):
        namespace = "/sub"

    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Base, Sub])
    base, sub = Client(app, Base), Client(app, Sub)
    with app.app_context():
        Base.announced.broadcast("base")
        Sub.announced.broadcast("sub")
    assert base.received(Base.announced) == ["base"]
    assert sub.received(Sub.announced) == ["sub"]


def test_an_event_is_overridden_as_any_attribute() -> None:
    class Base(Namespace):
        changed = Event[int]()
        removed = Event[int]()

    class Left(Base):
        pass

    class Right(Base):
        changed = Event[str]()  # type: ignore[assignment]
        removed = None  # type: ignore[assignment]

    class Both(Left, Right):  # type: ignore[misc]
        pass

    assert Both.changed.types == (str,)
    assert Left.changed.types == (int,)
    assert set(Both._declared) == {"changed"}


def test_two_instances_on_two_paths_send_on_their_own() -> None:
    class Room(Namespace):
        opened = Event[str]()

        def on_open(self) -> None:
            self.opened.broadcast(self.namespace)

    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Room("/red"), Room("/blue")])
    red, blue = Client(app, "/red"), Client(app, "/blue")
    red.emit("open")
    assert red.received("opened") == ["/red"]
    assert blue.received("opened") == []
    with (
        app.app_context(),
        pytest.raises(
            NotBoundError,
            match=r"^Room\.opened is served more than once \(/blue, /red\)\. Send through the instance you mean\.$",
        ),
    ):
        Room.opened.broadcast("x")


def test_a_namespace_that_nobody_serves_sends_nothing() -> None:
    class Alone(Namespace):
        opened = Event[str]()

    unserved = r"^Alone\.opened: no application here serves Alone\. Pass SocketIO\(app, namespaces=\[Alone\]\)"
    with pytest.raises(NotBoundError, match=unserved):
        Alone.opened.broadcast("x")
    with pytest.raises(NotBoundError, match=r"^Alone\.opened: its namespace is not registered yet\."):
        Alone("/alone").opened.broadcast("x")


def test_among_several_applications_the_context_decides() -> None:
    class Shared(Namespace):
        namespace = "/shared"
        opened = Event[str]()

    apps = [flask.Flask(name) for name in ("first", "second", "third")]
    extensions = [SocketIO(app, namespaces=[Shared]) for app in apps[:2]]
    SocketIO(apps[2])
    clients = [Client(app, Shared) for app in apps[:2]]
    with pytest.raises(
        NotBoundError, match=r"^Shared\.opened: 2 applications here serve Shared\. .* app\.app_context\(\)\.$"
    ):
        Shared.opened.broadcast("x")
    with apps[1].app_context():
        Shared.opened.broadcast("x")
    with apps[2].app_context(), pytest.raises(NotBoundError, match="no application here serves"):
        Shared.opened.broadcast("x")
    assert [client.received(Shared.opened) for client in clients] == [[], ["x"]]
    assert len(extensions) == 2


def test_a_task_of_an_application_sends_through_it() -> None:
    class Shared(Namespace):
        namespace = "/tasks"
        opened = Event[str]()

    apps = [flask.Flask(name) for name in ("first", "second")]
    extensions = [SocketIO(app, namespaces=[Shared]) for app in apps]
    clients = [Client(app, Shared) for app in apps]
    extensions[1].start_background_task(Shared.opened.broadcast, "x").join()
    assert [client.received(Shared.opened) for client in clients] == [[], ["x"]]


def test_an_application_that_is_gone_is_forgotten() -> None:
    class Short(Namespace):
        opened = Event[str]()

    app: flask.Flask | None = flask.Flask(__name__)
    SocketIO(app, namespaces=[Short])
    del app
    gc.collect()
    with pytest.raises(NotBoundError, match="no application here serves"):
        Short.opened.broadcast("x")


# -- what can't work


def test_a_type_that_can_not_be_read_is_refused() -> None:
    with pytest.raises(HandlerSignatureError, match=rf"^Bad\.opened {HERE}: a type can't be read: "):

        class Bad(Namespace):
            opened = Event["int[str]"]()  # type: ignore[type-arg]


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error"])
def test_a_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(
        HandlerSignatureError,
        match=rf"^Bad\.opened {HERE}: Socket\.IO reserves the event name '{name}'\. Choose another\.$",
    ):
        type("Bad", (Namespace,), {"opened": Event[str](name=name)})


def test_two_declarations_of_one_name_are_refused() -> None:
    with pytest.raises(
        HandlerSignatureError,
        match=rf"^Bad\.second {HERE}: event 'first' is already declared as Bad\.first\. Give one of them another name=\.$",
    ):

        class Bad(Namespace):
            first = Event[str]()
            second = Event[str](name="first")


def test_a_type_that_can_not_be_sent_is_refused() -> None:
    with pytest.raises(HandlerSignatureError, match=rf"^Bad\.opened {HERE}: .* can't be sent: .*TypedDict\.$"):

        class Bad(Namespace):
            opened = Event[Lock]()  # type: ignore[valid-type]


def test_a_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(
        HandlerSignatureError,
        match=rf"^Bad\.opened {HERE}: the type 'Missing' is not known there\. Define it before the class, or write it",
    ):

        class Bad(Namespace):
            opened = Event["Missing"]()  # type: ignore[name-defined]
