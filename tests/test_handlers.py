"""Every form of handler, read once when its class is created; what can't work is refused with its place and a fix.

Annotations are strings here, and most classes are local: what a class sees where it is written is what counts.
"""

from __future__ import annotations

import abc
import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, NoReturn, TypeVar, no_type_check

import flask_socketio
import pytest
from pydantic import BaseModel, Field, RootModel
from typing_extensions import TypedDict

from framework import Namespace, event
from framework.errors import AckError, FrameworkError, HandlerSignatureError, PayloadError
from framework.handlers import Handler, read_function, read_handlers
from framework.streams import Started

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")
K = TypeVar("K")


class User(BaseModel):
    name: str


class Page(BaseModel, Generic[T]):
    items: list[T]


@dataclass
class Point:
    x: int


@dataclass
class Box(Generic[T]):
    inside: T


class Pair(NamedTuple):
    left: int
    right: str


class Colour(Enum):
    RED = "red"


class Names(RootModel[list[str]]):
    pass


class Tree(BaseModel):
    children: list[Tree] = []


def handler(cls: type[Namespace], name: str) -> Handler:
    return cls._handlers.events[name]


def parse(cls: type[Namespace], name: str, *values: Any) -> tuple[Any, ...]:
    return handler(cls, name).payload.parse_json(json.dumps([name, *values]))


def call(cls: type[Namespace], name: str, *values: Any) -> Any:
    """What the client gets for *values*, through the namespace's own method."""
    bound = handler(cls, name).bind(cls())
    return json.loads(handler(cls, name).ack.encode(bound(*parse(cls, name, *values))).text)


def refused(match: str) -> Any:
    return pytest.raises(HandlerSignatureError, match=match)


HERE = r"\(tests/test_handlers\.py:\d+\)"


# -- forms


class Forms(Namespace):
    def on_none(self) -> None:
        pass

    def on_one(self, name: str) -> str:
        return name

    def on_several(self, name: str, count: int) -> tuple[int, str]:
        return count, name

    def on_defaults(self, name: str, count: int = 2, user: User | None = None) -> list[Any]:
        return [name, count, user]

    def on_rest(self, first: int, *rest: str) -> list[str]:
        return [*rest] * first

    def on_all(self, *everything: Any) -> int:
        return len(everything)

    @no_type_check
    def on_untyped(self, first, second=1):
        return first, second

    @no_type_check
    def on_untyped_rest(self, *rest):
        return list(rest)

    def on_mixed(self, first, count: int = 1):  # type: ignore[no-untyped-def]
        return [first, count]

    def on_model(self, user: User) -> User:
        return user

    def on_page(self, page: Page[User]) -> Page[User]:
        return page

    def on_tree(self, tree: Tree) -> Tree:
        return tree

    def on_point(self, point: Point) -> Point:
        return point

    def on_pair(self, pair: Pair) -> Pair:
        return pair

    def on_box(self, box: Box[User]) -> Box[User]:
        return box

    def on_colour(self, colour: Colour) -> Colour:
        return colour

    def on_names(self, names: Names) -> Names:
        return names

    def on_choice(self, value: Literal["a", "b"] | int | None) -> Literal["a", "b"] | int | None:
        return value

    def on_bounded(self, count: Annotated[int, Field(ge=1, le=3)]) -> int:
        return count

    def on_optional(self, user: User | None) -> User | None:
        return user

    def on_keyword(self, name: str, *, loud: bool = False) -> str:
        return name.upper() if loud else name

    @staticmethod
    def on_static(name: str) -> str:
        return name

    @classmethod
    def on_class(cls, name: str) -> str:
        return f"{cls.__name__} {name}"

    def on_never(self) -> NoReturn:
        raise RuntimeError

    def on_noted(self, name: str) -> str:
        """Return the name.

        And no more.
        """
        return name

    not_callable = on_something = 5
    on_ = 1

    def helper(self, lock: Lock) -> Lock:
        return lock


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("none", [], []),
        ("one", ["a"], ["a"]),
        ("several", ["a", 1], [1, "a"]),
        ("defaults", ["a"], [["a", 2, None]]),
        ("defaults", ["a", 3], [["a", 3, None]]),
        ("defaults", ["a", 3, {"name": "b"}], [["a", 3, {"name": "b"}]]),
        ("rest", [2], [[]]),
        ("rest", [2, "a"], [["a", "a"]]),
        ("all", [], [0]),
        ("all", [1, "a", None], [3]),
        ("untyped", [{"a": 1}], [{"a": 1}, 1]),
        ("untyped_rest", [1, "a"], [[1, "a"]]),
        ("mixed", [[1]], [[[1], 1]]),
        ("model", [{"name": "a"}], [{"name": "a"}]),
        ("page", [{"items": [{"name": "a"}]}], [{"items": [{"name": "a"}]}]),
        ("tree", [{"children": [{}]}], [{"children": [{"children": []}]}]),
        ("point", [{"x": 1}], [{"x": 1}]),
        ("pair", [[1, "a"]], [[1, "a"]]),
        ("box", [{"inside": {"name": "a"}}], [{"inside": {"name": "a"}}]),
        ("colour", ["red"], ["red"]),
        ("names", [["a"]], [["a"]]),
        ("choice", ["b"], ["b"]),
        ("choice", [None], [None]),
        ("bounded", [3], [3]),
        ("optional", [None], [None]),
        ("keyword", ["a"], ["a"]),
        ("static", ["a"], ["a"]),
        ("class", ["a"], ["Forms a"]),
    ],
    ids=lambda value: json.dumps(value),
)
def test_a_form_takes_its_arguments_and_answers(name: str, values: list[Any], expected: list[Any]) -> None:
    assert call(Forms, name, *values) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("none", [1]),
        ("one", []),
        ("one", [1]),
        ("one", ["a", "b"]),
        ("rest", [1, 2]),
        ("untyped", []),
        ("untyped", [1, 2, 3]),
        ("mixed", [1, "x"]),
        ("bounded", [4]),
        ("choice", ["c"]),
        ("keyword", ["a", True]),
    ],
    ids=lambda value: json.dumps(value),
)
def test_a_form_refuses_what_does_not_fit(name: str, values: list[Any]) -> None:
    with pytest.raises(PayloadError, match=r"^invalid_payload: Invalid payload: "):
        parse(Forms, name, *values)


def test_only_methods_are_handlers() -> None:
    assert {"something", "", "helper", "callable"}.isdisjoint(Forms._handlers.events)


def test_a_handler_knows_its_name_place_and_documentation() -> None:
    found = handler(Forms, "noted")
    assert found.name == "Forms.on_noted"
    assert found.location.startswith("tests/test_handlers.py:")
    assert found.doc.startswith("Return the name.")
    assert found.typed
    assert not handler(Forms, "untyped").typed


def test_the_table_is_frozen() -> None:
    with pytest.raises(TypeError):
        Forms._handlers.events["mine"] = handler(Forms, "one")  # type: ignore[index]


def test_a_return_of_another_type_is_the_servers_error() -> None:
    class Wrong(Namespace):
        def on_count(self) -> int:
            return "many"  # type: ignore[return-value]

        def on_nothing(self) -> None:
            return 1  # type: ignore[return-value]

    for name in ("count", "nothing"):
        with pytest.raises(AckError):
            call(Wrong, name)


# -- names


def test_local_types_and_their_own_local_types_are_found() -> None:
    @dataclass
    class Inner:
        x: int

    class Options(TypedDict):
        inner: Inner

    class Outer(BaseModel):
        inner: Inner

    class Local(Namespace):
        def on_outer(self, outer: Outer, options: Options) -> list[Inner]:
            return [outer.inner, options["inner"]]

    assert call(Local, "outer", {"inner": {"x": 1}}, {"inner": {"x": 2}}) == [[{"x": 1}, {"x": 2}]]


def test_a_local_type_goes_before_one_of_the_module() -> None:
    class User(BaseModel):
        age: int

    class Local(Namespace):
        def on_user(self, user: User) -> int:
            return user.age

    assert call(Local, "user", {"age": 1}) == [1]


def test_a_type_that_is_an_attribute_of_the_class_is_found() -> None:
    class Nested(Namespace):
        class Message(BaseModel):
            text: str

        def on_post(self, message: Message) -> str:
            return message.text

        def list(self) -> None:
            """Named like a type that another annotation means."""

        def on_names(self, names: list[str]) -> list[str]:  # type: ignore[valid-type]
            return names

    assert call(Nested, "post", {"text": "a"}) == ["a"]


def test_local_types_are_found_whatever_creates_the_class() -> None:
    class Local(BaseModel):
        x: int

    class Base(Namespace, abc.ABC, Generic[T]):
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)

    class Served(Base[int]):
        def on_local(self, local: Local) -> int:
            return local.x

    assert call(Served, "local", {"x": 1}) == [1]


def make_base() -> type[Namespace]:
    class Hidden(BaseModel):
        x: int

    class Base(Namespace):
        def on_hidden(self, hidden: Hidden) -> int:
            return hidden.x

    return Base


def test_what_a_base_has_read_is_not_read_again_where_its_names_are_unknown() -> None:
    class Sub(make_base()):  # type: ignore[misc]
        pass

    assert call(Sub, "hidden", {"x": 1}) == [1]
    assert handler(Sub, "hidden").name == "Sub.on_hidden"


def test_a_name_that_is_not_known_is_named() -> None:
    with refused(
        rf"^Bad\.on_price {HERE}: the annotation name 'Decimal' is not known there\. "
        r"Import it at module level \(not under TYPE_CHECKING\), or define it before the class\.$"
    ):

        class Bad(Namespace):
            def on_price(self, price: Decimal) -> None: ...


def test_an_annotation_that_can_not_be_read_is_refused() -> None:
    with refused(rf"^Bad\.on_price {HERE}: an annotation can't be read: .*"):

        class Bad(Namespace):
            def on_price(self, price: int[str]) -> None: ...  # type: ignore[type-arg]


# -- inheritance and generics


class Greets:
    """A mixin that is no namespace."""

    def on_greet(self, user: User) -> str:
        return f"Hello {user.name}"


def test_handlers_are_inherited_mixed_in_and_overridden() -> None:
    class Base(Namespace):
        def on_first(self, value: int) -> int:
            return value

        def on_second(self, value: int) -> int:
            return value

        def on_third(self) -> None: ...

    class Sub(Greets, Base):
        def on_second(self, value: str) -> str:  # type: ignore[override]
            return value

        on_third = None  # type: ignore[assignment]

    assert call(Sub, "greet", {"name": "Ada"}) == ["Hello Ada"]
    assert call(Sub, "first", 1) == [1]
    assert call(Sub, "second", "a") == ["a"]
    assert "third" not in Sub._handlers.events
    assert call(Base, "second", 1) == [1]
    assert handler(Sub, "greet").name == "Sub.on_greet"
    assert handler(Sub, "first").payload is handler(Base, "first").payload


def test_the_life_cycle_is_kept_apart_from_events() -> None:
    class Life(Namespace):
        def on_connect(self, auth: User) -> None: ...

        def on_disconnect(self, reason: str) -> None: ...

        def on_error(self, error: Exception) -> None: ...

    assert not Life._handlers.events
    assert Life._handlers.connect is not None
    assert Life._handlers.find("disconnect") is Life._handlers.disconnect
    assert Life._handlers.find("connect") is Life._handlers.connect


class Crud(Namespace, Generic[T]):
    def on_create(self, item: T) -> T:
        return item

    def on_page(self, page: Page[T]) -> Page[T]:
        return page

    def on_box(self, box: Box[T], *rest: dict[str, T]) -> list[T]:
        return [box.inside, *(value for item in rest for value in item.values())]

    def on_maybe(self, item: Annotated[T | None, "note"] = None) -> T | None:
        return item


class Users(Crud[User]):
    pass


def test_a_generic_namespace_is_filled_in() -> None:
    assert call(Users, "create", {"name": "a"}) == [{"name": "a"}]
    assert parse(Users, "page", {"items": [{"name": "a"}]}) == (Page[User](items=[User(name="a")]),)
    assert parse(Users, "box", {"inside": {"name": "a"}}) == (Box(User(name="a")),)
    assert parse(Users, "box", {"inside": {"name": "a"}}, {"b": {"name": "b"}})[1] == {"b": User(name="b")}
    assert call(Users, "maybe") == [None]
    for name, value in [("create", 1), ("page", {"items": [1]}), ("box", {"inside": 1}), ("maybe", 1)]:
        with pytest.raises(PayloadError):
            parse(Users, name, value)


def test_a_generic_namespace_is_filled_in_step_by_step() -> None:
    class Keyed(Crud[dict[str, T]], Generic[T, K]):
        def on_find(self, key: K) -> T | None: ...

    class Counted(Keyed[User, int]):
        pass

    assert parse(Counted, "create", {"a": {"name": "b"}}) == ({"a": User(name="b")},)
    assert parse(Counted, "find", 1) == (1,)
    with pytest.raises(PayloadError):
        parse(Counted, "find", "x")
    with pytest.raises(PayloadError):
        parse(Counted, "create", {"name": "b"})


def test_a_generic_mixin_that_is_no_namespace_is_filled_in() -> None:
    class Finds(Generic[K]):
        def on_find(self, key: K) -> K:
            return key

    class Served(Finds[int], Namespace):
        pass

    assert call(Served, "find", 1) == [1]
    with pytest.raises(PayloadError):
        parse(Served, "find", "x")


# -- decorators


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def awaited(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def test_a_decorated_handler_has_the_signature_of_what_it_wraps() -> None:
    class Decorated(Namespace):
        @logged
        @logged
        def on_one(self, user: User) -> User:
            return user

        @event("odd name")
        @logged
        def outside(self, user: User) -> str:
            return user.name

        @logged
        @event("other name")
        def inside(self, user: User) -> str:
            return user.name

        def helper(self, first: User, second: User) -> list[User]:
            return [first, second]

        on_part = functools.partialmethod(helper, User(name="a"))

    assert call(Decorated, "one", {"name": "a"}) == [{"name": "a"}]
    assert call(Decorated, "odd name", {"name": "a"}) == ["a"]
    assert call(Decorated, "other name", {"name": "a"}) == ["a"]
    assert call(Decorated, "part", {"name": "b"}) == [[{"name": "a"}, {"name": "b"}]]
    assert handler(Decorated, "one").location.startswith("tests/test_handlers.py:")


def test_a_coroutine_is_read_as_its_function_is() -> None:
    class Later(Namespace):
        async def on_plain(self, x: int) -> int:
            return x

        @logged
        async def on_wrapped(self, x: int) -> int:
            return x

        @staticmethod
        async def on_static(x: int) -> int:
            return x

    assert [parse(Later, name, 1) for name in ("plain", "wrapped", "static")] == [(1,)] * 3


# -- @event


def test_an_event_may_have_any_name_and_several() -> None:
    class Odd(Namespace):
        @event("my event")
        @event("my-event")
        def answer(self, x: int) -> int:
            return x

        @event("renamed")
        def on_original(self) -> None: ...

        @event("static one")
        @staticmethod
        def first(x: int) -> int:
            return x

        @staticmethod
        @event("static two")
        def second(x: int) -> int:
            return x

    assert set(Odd._handlers.events) == {"my event", "my-event", "renamed", "static one", "static two"}
    assert call(Odd, "static one", 1) == call(Odd, "my-event", 1) == [1]


def test_an_override_serves_the_event_of_what_it_overrides() -> None:
    class Base(Namespace):
        @event("my event")
        def answer(self) -> int:
            return 1

        @event("other event")
        def other(self) -> int:
            return 1

    class Sub(Base):
        def answer(self) -> int:
            return 2

        @event("new name")
        def other(self) -> int:
            return 2

    assert call(Sub, "my event") == [2]
    assert call(Sub, "new name") == [2]
    assert "other event" not in Sub._handlers.events


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "newListener"])
def test_reserved_names_are_refused(name: str) -> None:
    with refused(rf"^@event\('{name}'\): Socket\.IO reserves this name\. Choose another\.$"):
        event(name)


@pytest.mark.parametrize("name", ["", None, 1], ids=repr)
def test_a_name_is_a_word(name: Any) -> None:
    with refused(r"^@event takes the event's name, e\.g\. @event\('my event'\), not "):
        event(name)


def test_the_bare_decorator_is_refused_with_its_place() -> None:
    with refused(rf"Bad\.answer {HERE}: @event takes the event's name, e\.g\. @event\('my event'\)\.$"):

        class Bad(Namespace):
            @event  # type: ignore[arg-type]
            def answer(self) -> None: ...


def test_where_a_handler_runs_can_be_said() -> None:
    class Jobs(Namespace):
        @event(run="inline")
        def on_look(self) -> int:
            return 1

        @event("look again", run="inline")
        @event("and again")
        def look(self) -> int:
            return 2

        @event(run="pool")
        def report(self) -> int:
            return 3

        @event("still", run="pool")
        @staticmethod
        def still() -> int:
            return 4

        def on_plain(self) -> int:
            return 5

    found = {name: handler.run for name, handler in Jobs._handlers.events.items()}
    assert found == {
        "look": "inline",
        "look again": "inline",
        "and again": "inline",
        "report": "pool",
        "still": "pool",
        "plain": None,
    }
    assert [*call(Jobs, "look"), *call(Jobs, "report"), *call(Jobs, "still")] == [1, 3, 4]


def test_where_a_handler_runs_is_inherited_with_it_and_not_by_what_overrides_it() -> None:
    class Base(Namespace):
        @event(run="pool")
        def on_same(self) -> None: ...

        @event(run="pool")
        def other(self) -> None: ...

    class Sub(Base):
        def other(self) -> None: ...

    assert {name: handler.run for name, handler in Sub._handlers.events.items()} == {"same": "pool", "other": None}


def test_a_function_says_where_it_runs() -> None:
    def report() -> None: ...

    assert read_function(report, "report", run="pool").run == "pool"
    assert read_function(report, "report").run is None
    with refused(rf"report {HERE}: run is 'thread'; it is 'inline' or 'pool'\.$"):
        read_function(report, "report", run="thread")  # type: ignore[arg-type]


def test_a_place_to_run_that_is_none_is_refused_with_its_place() -> None:
    with refused(rf"Bad\.on_report {HERE}: run is 'thread'; it is 'inline' or 'pool'\.$"):

        class Bad(Namespace):
            @event(run="thread")  # type: ignore[call-overload]
            def on_report(self) -> None: ...


@pytest.mark.parametrize("name", ["on_connect", "disconnect", "newListener"])
def test_where_the_life_cycle_runs_is_not_the_handlers_to_say(name: str) -> None:
    def method(self: Any) -> None: ...

    with refused(
        rf"^Bad\.{name} {HERE}: run='pool' is for events, and '{name.removeprefix('on_')}' is none\. Remove it\.$"
    ):
        type("Bad", (flask_socketio.Namespace,), {name: event(run="pool")(method)})
        read_handlers(type("Bad", (flask_socketio.Namespace,), {name: event(run="pool")(method)}))


def test_two_handlers_of_one_event_are_refused() -> None:
    with refused(
        rf"^Bad\.second {HERE}: event 'first' is already served by Bad\.on_first {HERE}\. "
        r"Give one of them another name with @event\('\.\.\.'\)\.$"
    ):

        class Bad(Namespace):
            def on_first(self) -> None: ...

            @event("first")
            def second(self) -> None: ...


# -- what can't work


def test_a_type_that_pydantic_does_not_know_is_refused() -> None:
    with refused(
        rf"^Bad\.on_post {HERE}: parameter 'lock' is annotated with .*lock.*, "
        r"which pydantic cannot validate\. Use a model, a dataclass or a TypedDict\.$"
    ):

        class Bad(Namespace):
            def on_post(self, lock: Lock) -> None: ...  # type: ignore[valid-type]


def test_a_type_that_can_not_be_built_is_refused_with_the_reason() -> None:
    with refused(rf"^Bad\.on_post {HERE}: parameter 'name' is annotated with .*: error: unclosed group\.$"):

        class Bad(Namespace):
            def on_post(self, name: Annotated[str, Field(pattern="(")]) -> None: ...


def test_a_return_type_that_is_no_json_is_refused() -> None:
    with refused(rf"^Bad\.on_post {HERE}: the return annotation .* can't be an ack: .*TypedDict\.$"):

        class Bad(Namespace):
            def on_post(self) -> Lock: ...  # type: ignore[valid-type]


def test_an_ack_with_a_field_error_is_refused() -> None:
    class Outcome(BaseModel):
        error: str

    with refused(
        rf"^Bad\.on_post {HERE}: the return annotation .*Outcome can't be an ack: it has a top-level field 'error'"
    ):

        class Bad(Namespace):
            def on_post(self) -> Outcome: ...


def test_keyword_arguments_are_refused() -> None:
    with refused(
        rf"^Bad\.on_post {HERE}: '\*\*options' can't be filled: an event's arguments have positions, not names\. "
        r"Take a TypedDict or a model\.$"
    ):

        class Bad(Namespace):
            def on_post(self, **options: int) -> None: ...


def test_a_wrapper_that_passes_everything_on_is_taken() -> None:
    class Passes(Namespace):
        def on_post(self, *args: Any, **kwargs: Any) -> int:
            return len(args) + len(kwargs)

    assert call(Passes, "post", 1, {"a": 2}) == [2]


def test_a_keyword_only_parameter_without_default_is_refused() -> None:
    with refused(
        rf"^Bad\.on_post {HERE}: parameter 'name' is keyword-only, but an event's arguments have positions\. "
        r"Move it before the '\*'\.$"
    ):

        class Bad(Namespace):
            def on_post(self, *, name: str) -> None: ...


def test_a_field_as_a_default_is_refused() -> None:
    with refused(rf"^Bad\.on_post {HERE}: the default of parameter 'count' is a Field\(\.\.\.\), .* Annotated"):

        class Bad(Namespace):
            def on_post(self, count: int = Field(default=1, ge=1)) -> None: ...


def test_a_method_without_self_is_refused() -> None:
    with refused(rf"^Bad\.on_post {HERE}: a method takes 'self' first\. Add it, or use @staticmethod\.$"):

        class Bad(Namespace):
            def on_post() -> None: ...  # type: ignore[misc]


def test_a_generator_streams_and_its_ack_is_the_stream_s_id() -> None:
    class Exports(Namespace):
        def on_export(self) -> Iterator[int]:
            yield 1

        def on_post(self) -> int:
            return 1

    assert handler(Exports, "export").chunks is not None
    assert handler(Exports, "export").ack.annotation is Started
    assert handler(Exports, "post").chunks is None
    assert handler(Exports, "cancel_stream").name == "Exports._cancel_stream"


@pytest.mark.parametrize(("name", "takes"), [("connect", "the client's auth"), ("disconnect", "the reason")])
def test_a_life_cycle_handler_takes_at_most_one_argument(name: str, takes: str) -> None:
    def on_life(self: Any, first: int, second: int) -> None: ...

    with refused(rf"^Bad\.on_{name} {HERE}: a {name} handler takes nothing, or {takes}; not 2 arguments\."):
        type("Bad", (Namespace,), {f"on_{name}": on_life})


def test_a_refusal_is_a_framework_error_and_a_type_error() -> None:
    assert issubclass(HandlerSignatureError, FrameworkError)
    assert issubclass(HandlerSignatureError, TypeError)


# -- functions and plain Flask-SocketIO


def test_a_function_is_read_like_a_method() -> None:
    class Local(BaseModel):
        x: int

    def post(local: Local, *rest: int) -> int:
        return local.x + sum(rest)

    found = read_function(post, "post", {"Local": Local})
    assert found.name.endswith("test_a_function_is_read_like_a_method.<locals>.post")
    assert found.bind(None) is post
    assert found.payload.parse_json('["post",{"x":1},2]') == (Local(x=1), 2)


def test_functions_of_every_kind_are_read() -> None:
    class Callable_:  # noqa: N801
        def __call__(self, x: int) -> int:
            return x

        def method(self, x: int) -> int:
            return x

    def two(y: str, x: int) -> int:
        return x

    for function in (Callable_(), Callable_().method, functools.partial(two, "a"), lambda x: x):
        found = read_function(function, "e")
        assert found.payload.parse_json('["e",1]') == (1,)
    for function in (Callable_(), Callable_().method, functools.partial(two, "a")):
        with pytest.raises(PayloadError):
            read_function(function, "e").payload.parse_json('["e","x"]')
    assert read_function(print, "e").location == "built in"
    assert read_function(max, "e").payload.parse_json('["e",1,2]') == (1, 2)


def test_a_function_that_can_not_be_a_handler_is_refused_with_its_place() -> None:
    def post(**options: int) -> None: ...

    with refused(rf"post {HERE}: '\*\*options' can't be filled"):
        read_function(post, "post")


def test_a_plain_namespace_is_read_too() -> None:
    class Plain(flask_socketio.Namespace):  # type: ignore[misc]
        def on_post(self, user: User) -> None: ...

    assert set(read_handlers(Plain).events) == {"post"}
