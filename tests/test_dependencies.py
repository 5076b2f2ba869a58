"""Dependencies: what fills them, once per event, and that they are undone whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Any

import flask
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from framework import (
    ConfigurationError,
    Depends,
    EventError,
    HandlerSignatureError,
    Handling,
    Middleware,
    Namespace,
    Proceed,
    SocketIO,
    guard,
    use,
)
from framework.dependencies import compile_overrides
from framework.testing import Client, ConnectRefused
from framework.testing.session import Received
from tests.effort import tries

pytestmark = pytest.mark.usefixtures("way")

log: list[Any] = []


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    log.clear()
    yield
    log.clear()


class Db:
    """Counts itself."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.number = type(self).made


def db() -> Iterator[Db]:
    log.append("db open")
    try:
        yield Db()
    except BaseException as error:
        log.append(f"db saw {type(error).__name__}")
        raise
    finally:
        log.append("db close")


async def async_db() -> AsyncIterator[Db]:
    loop = asyncio.get_running_loop()
    log.append("async db open")
    try:
        yield Db()
    except BaseException as error:
        log.append(f"async db saw {type(error).__name__}")
        raise
    finally:
        await asyncio.sleep(0)
        log.append("async db close" if asyncio.get_running_loop() is loop else "another loop")


def user_name() -> str:
    return flask.request.args.get("name", "nobody")


@dataclass
class User:
    name: str
    db: Db


def current_user(name: str = Depends(user_name), db: Db = Depends(db)) -> User:
    log.append("user")
    return User(name, db)


async def slow_user(user: User = Depends(current_user)) -> str:
    await asyncio.sleep(0)
    return user.name.upper()


def build(*namespaces: Any, functions: Callable[[SocketIO], None] | None = None, **options: Any) -> Flask:
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=namespaces, **options)
    if functions is not None:
        functions(socketio)
    return app


def connect(namespace: Any, **options: Any) -> Client:
    return Client(build(namespace), namespace, **options)


def failure(client: Client, *args: Any) -> EventError:
    with pytest.raises(EventError) as caught:
        client.call(*args)
    return caught.value


# -- what fills a parameter


class Desk(Namespace):
    namespace = "/desk"

    def on_plain(self, text: str, name: str = Depends(user_name)) -> list[str]:
        return [text, name]

    def on_annotated(self, name: Annotated[str, Depends(user_name)], text: str, n: int = 5) -> list[Any]:
        return [name, text, n]

    def on_rest(self, first: int, name: str = Depends(user_name), *rest: int) -> list[Any]:
        return [first, name, *rest]

    def on_keyword(self, text: str = "default", *, name: str = Depends(user_name), quiet: bool = True) -> list[Any]:
        return [text, name, quiet]

    def on_positional(self, name: Annotated[str, Depends(user_name)], /, text: str) -> list[str]:
        return [name, text]

    def on_only(self, name: str = Depends(user_name)) -> str:
        return name

    def on_untyped(self, a, name=Depends(user_name), b=2):  # type: ignore[no-untyped-def]
        return [a, name, b]

    async def on_async(self, text: str, name: str = Depends(slow_user)) -> list[str]:
        return [text, name]

    def on_lock(self, lock: Lock = Depends(Lock)) -> str:
        return type(lock).__name__


@pytest.mark.parametrize(
    ("event", "args", "ack"),
    [
        ("plain", ["hi"], ["hi", "ada"]),
        ("annotated", ["hi"], ["ada", "hi", 5]),
        ("annotated", ["hi", 6], ["ada", "hi", 6]),
        ("rest", [1], [1, "ada"]),
        ("rest", [1, 2, 3], [1, "ada", 2, 3]),
        ("keyword", [], ["default", "ada", True]),
        ("keyword", ["hi"], ["hi", "ada", True]),
        ("positional", ["hi"], ["ada", "hi"]),
        ("only", [], "ada"),
        ("untyped", [1], [1, "ada", 2]),
        ("untyped", [1, 3], [1, "ada", 3]),
        ("async", ["hi"], ["hi", "ADA"]),
        ("lock", [], "lock"),
    ],
)
def test_dependency_stands_anywhere_and_is_no_argument_of_the_event(event: str, args: list[Any], ack: Any) -> None:
    assert connect(Desk, query_string="name=ada").call(event, *args) == ack


def test_bytes_and_dependencies_go_together() -> None:
    class Files(Namespace):
        namespace = "/files"

        def on_put(self, data: bytes, name: str = Depends(user_name), *more: bytes) -> list[Any]:
            return [name, data, *more]

    assert connect(Files).call("put", b"1", b"2") == ["nobody", b"1", b"2"]


@pytest.mark.parametrize("event", ["plain", "annotated", "keyword", "positional", "async"])
def test_what_a_client_sends_beyond_the_arguments_is_refused(event: str) -> None:
    client = connect(Desk)
    assert failure(client, event, "hi", 6, "eve").code == "invalid_payload"
    assert failure(client, "only", "eve").code == "invalid_payload"


ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SECRET = "only the server knows"


class Vault(Namespace):
    namespace = "/vault"

    def on_typed(self, text: str = "", secret: str = Depends(lambda: SECRET), n: int = 1) -> str:
        return secret

    def on_rest(self, secret: Annotated[Any, Depends(lambda: SECRET)], *values: Any) -> str:
        return str(secret)

    def on_untyped(self, a=None, secret=Depends(lambda: SECRET), *rest):  # type: ignore[no-untyped-def]
        return secret

    def on_keyword(self, *values: Any, secret: str = Depends(lambda: SECRET)) -> str:
        return secret


vault = connect(Vault)


def vault_answer(event: str, *args: Any) -> Any:
    try:
        return vault.call(event, *args)
    except EventError as error:
        return error.code


@settings(deadline=None, max_examples=tries(300))
@given(event=st.sampled_from(["typed", "rest", "untyped", "keyword"]), args=st.lists(ANYTHING, max_size=5))
def test_whatever_a_client_sends_a_dependency_never_comes_from_it(event: str, args: list[Any]) -> None:
    answer = vault_answer(event, *args)
    assert answer in (SECRET, "invalid_payload")


def test_typed_arguments_beside_a_dependency_are_validated() -> None:
    class Post(BaseModel):
        text: str

    class Posts(Namespace):
        namespace = "/posts"

        def on_post(self, post: Post, name: str = Depends(user_name)) -> str:
            return f"{name}: {post.text}"

    client = connect(Posts)
    assert client.call("post", {"text": "hi"}) == "nobody: hi"
    error = failure(client, "post", {"text": 5})
    assert error.details[0]["path"] == "text"
    assert failure(client, "post").code == "invalid_payload"


def test_handling_is_there_for_who_asks() -> None:
    def about(handling: Handling, limit: int = 3, *rest: int, **more: int) -> list[Any]:
        return [handling.kind, handling.event, handling.wants_ack, limit]

    class Asking(Namespace):
        namespace = "/asking"

        def on_connect(self, about: list[Any] = Depends(about)) -> None:
            log.append(about)

        def on_x(self, about: list[Any] = Depends(about)) -> list[Any]:
            return about

        def on_disconnect(self, reason: str, about: list[Any] = Depends(about)) -> None:
            log.append([reason, *about])

    client = connect(Asking)
    assert client.call("x") == ["event", "x", True, 3]
    client.disconnect()
    assert log == [["connect", "connect", False, 3], ["client disconnect", "disconnect", "disconnect", False, 3]]


class Adder:
    def __init__(self, value: int) -> None:
        self._value = value

    def __call__(self, name: str = Depends(user_name)) -> str:
        return f"{name} {self._value}"

    def method(self) -> str:
        return "method"

    def generate(self) -> Iterator[str]:
        yield "generated"
        log.append("closed")


class GeneratingCallable:
    def __call__(self) -> Iterator[str]:
        yield "called"
        log.append("closed")


def later(value: str) -> Iterator[str]:
    yield value
    log.append("closed")


def passed_on(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **keywords: Any) -> Any:
        return function(*args, **keywords)

    return wrapper


class Settings:
    def __init__(self, name: str = Depends(user_name)) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"settings of {self.name}"


@dataclass
class Page:
    handling: Handling
    size: int = 10

    def __str__(self) -> str:
        return f"{self.handling.event} {self.size}"


@pytest.mark.parametrize(
    ("function", "value", "is_generator"),
    [
        (Adder(7), "nobody 7", False),
        (Adder(7).method, "method", False),
        (Adder(7).generate, "generated", True),
        (GeneratingCallable(), "called", True),
        (functools.partial(later, "partial"), "partial", True),
        (passed_on(db), "", True),
        (functools.partial(str, 5), "5", False),
        (Settings, "settings of nobody", False),
        (Page, "x 10", False),
        (dict, "{}", False),
        (lambda: "lambda", "lambda", False),
    ],
)
def test_anything_that_can_be_called_is_a_dependency(function: Any, value: str, is_generator: bool) -> None:
    class Asking(Namespace):
        namespace = "/asking"

        def on_x(self, found: Any = Depends(function)) -> str:
            return str(found)

    answer = connect(Asking).call("x")
    assert answer == value if value else "Db" in answer
    assert bool(log) is is_generator


def test_a_context_manager_is_passed_as_it_is() -> None:
    @contextlib.contextmanager
    def opened() -> Iterator[str]:
        log.append("open")
        yield "file"
        log.append("close")

    class Asking(Namespace):
        namespace = "/asking"

        def on_x(self, opened: Any = Depends(opened)) -> str:
            with opened as file:
                log.append("used")
                return str(file)

    assert connect(Asking).call("x") == "file"
    assert log == ["open", "used", "close"]


def test_functions_have_dependencies_too() -> None:
    def functions(socketio: SocketIO) -> None:
        @socketio.on("connect")
        def connected(name: str = Depends(user_name)) -> None:
            log.append(name)

        @socketio.on("*")
        def catch(event: str, name: Annotated[str, Depends(user_name)], *values: int) -> list[Any]:
            return [event, name, *values]

    client = Client(build(functions=functions), query_string="name=ada")
    assert log == ["ada"]
    assert client.call("whatever", 1) == ["whatever", "ada", 1]


def test_inherited_handlers_have_their_dependencies() -> None:
    class Derived(Desk):
        namespace = "/derived"

    assert connect(Derived, query_string="name=ada").call("plain", "hi") == ["hi", "ada"]


def test_connect_handler_has_dependencies_beside_the_auth_or_without_it() -> None:
    class Members(Namespace):
        namespace = "/members"

        def on_connect(self, auth: dict[str, str] | None = None, user: User = Depends(current_user)) -> None:
            log.append((auth, user.name))
            if auth == {"say": "no"}:
                raise EventError("closed")

    app = build(Members)
    Client(app, Members, query_string="name=ada")
    assert log == ["db open", "user", (None, "ada"), "db close"]
    log.clear()
    with pytest.raises(ConnectRefused):
        Client(app, Members, auth={"say": "no"})
    assert log == ["db open", "user", ({"say": "no"}, "nobody"), "db saw EventError", "db close"]


def test_dependency_that_raises_refuses_the_client() -> None:
    def nobody() -> str:
        raise EventError("unauthorized", "Log in first.")

    class Members(Namespace):
        namespace = "/members"

        def on_connect(self, user: str = Depends(nobody)) -> None:
            log.append("handler")

    with pytest.raises(ConnectRefused) as caught:
        connect(Members)
    assert caught.value.code == "unauthorized"
    assert log == []


# -- once per event


def test_what_several_ask_for_is_made_once_per_event() -> None:
    def check(first: Db = Depends(db)) -> bool:
        log.append(first.number)
        return True

    def other(first: Db = Depends(db)) -> Db:
        return first

    class Sharing(Namespace):
        namespace = "/sharing"

        @guard(check)
        @guard(check)
        def on_x(self, one: Db = Depends(db), two: Db = Depends(other), user: User = Depends(current_user)) -> bool:
            return one is two is user.db

    client = connect(Sharing)
    assert client.call("x") is True
    assert log.count("db open") == log.count("db close") == 1
    assert client.call("x") is True
    numbers = [entry for entry in log if isinstance(entry, int)]
    assert len(numbers) == len(set(numbers)) == 2


def test_what_is_made_is_the_same_when_middleware_proceeds_again() -> None:
    def again(handling: Handling, proceed: Proceed) -> Any:
        return [proceed(), proceed()]

    class Sharing(Namespace):
        namespace = "/sharing"

        @use(again)
        def on_x(self, one: Db = Depends(db)):  # type: ignore[no-untyped-def]
            return one.number

    first, second = connect(Sharing).call("x")
    assert first == second
    assert log == ["db open", "db close"]


def test_dependency_of_one_event_is_not_anothers() -> None:
    class Sharing(Namespace):
        namespace = "/sharing"

        def on_connect(self, one: Db = Depends(db)) -> None:
            log.append(one.number)

        def on_x(self, one: Db = Depends(db)) -> int:
            return one.number

    client = connect(Sharing)
    assert len({log[1], client.call("x"), client.call("x")}) == 3


# -- teardown


class Watching(Client):
    def _take(self, received: Received) -> None:
        if received.kind in (2, 3) and log:
            log.append("answer")
        super()._take(received)


class Careful(Namespace):
    namespace = "/careful"

    def on_good(self, one: Db = Depends(db), two: Db = Depends(async_db)) -> str:
        log.append("handler")
        return "ok"

    async def on_async(self, two: Db = Depends(async_db), one: Db = Depends(db)) -> str:
        log.append("handler")
        return "ok"

    def on_bad(self, one: Db = Depends(db), two: Db = Depends(async_db)) -> None:
        raise KeyError("secret")

    def on_exit(self, one: Db = Depends(db)) -> None:
        raise SystemExit

    def on_wrong(self, one: Db = Depends(db)) -> int:
        return "no number"  # type: ignore[return-value]

    @guard(lambda db=Depends(db): db is not None)
    def on_post(self, n: int, one: Db = Depends(db)) -> int:
        return n

    @guard(lambda db=Depends(db): False)
    def on_forbidden(self) -> None: ...


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("good", ["db open", "async db open", "handler", "answer", "async db close", "db close"]),
        ("async", ["async db open", "db open", "handler", "answer", "db close", "async db close"]),
        (
            "bad",
            [
                "db open",
                "async db open",
                "answer",
                "async db saw KeyError",
                "async db close",
                "db saw KeyError",
                "db close",
            ],
        ),
        ("exit", ["db open", "answer", "db saw HandlerExitError", "db close"]),
        ("wrong", ["db open", "answer", "db saw AckError", "db close"]),
        ("post", ["db open", "answer", "db saw PayloadError", "db close"]),
        ("forbidden", ["db open", "answer", "db saw EventError", "db close"]),
    ],
)
def test_generators_are_resumed_after_the_answer_the_last_one_first(event: str, expected: list[str]) -> None:
    client = Watching(build(Careful), Careful)
    with contextlib.suppress(EventError):
        client.call(event)
    assert log == expected
    if event == "wrong":
        return  # without an ack nobody looks at what it returns
    log.clear()
    client.emit(event)
    assert [entry for entry in log if entry != "answer"] == [entry for entry in expected if entry != "answer"]


def test_generators_are_resumed_while_flask_is_there_and_before_its_teardown_functions() -> None:
    def connection() -> Iterator[str]:
        yield "connection"
        log.append(flask.request.namespace)  # type: ignore[attr-defined]

    class Asking(Namespace):
        namespace = "/asking"

        def on_x(self, found: str = Depends(connection)) -> None: ...

    app = build(Asking)
    client = Client(app, Asking)
    app.teardown_request(lambda error: log.append("teardown"))
    client.call("x")
    assert log == ["/asking", "teardown"]


def test_generator_that_swallows_the_error_changes_nothing_for_the_client() -> None:
    def swallow() -> Iterator[int]:
        with contextlib.suppress(Exception):
            yield 1
        log.append("swallowed")

    class Asking(Namespace):
        namespace = "/asking"

        def on_x(self, first: Db = Depends(db), found: int = Depends(swallow)) -> None:
            raise EventError("mine")

    assert failure(connect(Asking), "x").code == "mine"
    assert log == ["db open", "swallowed", "db close"]


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [False, True])
def test_what_fails_after_the_answer_is_logged_and_the_rest_is_undone(
    kind: type[BaseException], is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise kind("the dependency's own")

    async def fail_async() -> AsyncIterator[int]:
        yield 1
        raise kind("the dependency's own")

    class Asking(Namespace):
        namespace = "/asking"

        def on_x(self, first: Db = Depends(db), found: int = Depends(fail_async if is_async else fail)) -> int:
            return found

    client = connect(Asking)
    with caplog.at_level(logging.ERROR):
        assert client.call("x") == 1
    assert log[-1] == "db close"
    assert "the dependency's own" in caplog.text
    assert "<Handling event /asking 'x'" in caplog.text
    assert client.errors == []
    assert client.call("x") == 1


def test_error_of_the_handler_is_not_logged_as_the_dependencys(caplog: pytest.LogCaptureFixture) -> None:
    failure(connect(Careful), "post")
    assert caplog.text == ""


def test_generator_that_yields_nothing_or_twice_is_our_error(caplog: pytest.LogCaptureFixture) -> None:
    def nothing() -> Iterator[int]:
        yield from ()

    def twice() -> Iterator[int]:
        yield 1
        yield 2

    class Odd(Namespace):
        namespace = "/odd"

        def on_nothing(self, found: int = Depends(nothing)) -> int:
            return found

        def on_twice(self, found: int = Depends(twice)) -> int:
            return found

    client = connect(Odd)
    assert failure(client, "nothing").code == "internal_error"
    assert client.call("twice") == 1
    assert "generator didn't stop" in caplog.text


@pytest.mark.parametrize("place", ["first", "second"])
def test_dependency_that_fails_is_the_answer_and_those_before_it_are_undone(place: str) -> None:
    def fail() -> Iterator[int]:
        raise EventError("no_luck")
        yield 1

    class Asking(Namespace):
        namespace = "/asking"

        def on_first(self, found: int = Depends(fail), first: Db = Depends(db)) -> None: ...

        def on_second(self, first: Db = Depends(db), found: int = Depends(fail)) -> None: ...

    assert failure(connect(Asking), place).code == "no_luck"
    assert log == (["db open", "db saw EventError", "db close"] if place == "second" else [])


def test_dependencies_of_a_disconnect_are_undone(caplog: pytest.LogCaptureFixture) -> None:
    class Leaving(Namespace):
        namespace = "/leaving"

        def on_disconnect(self, one: Db = Depends(db)) -> None:
            raise RuntimeError("at the end")

    connect(Leaving).disconnect()
    assert log == ["db open", "db saw RuntimeError", "db close"]
    assert "at the end" in caplog.text


def test_malformed_json_undoes_what_a_guard_asked_for() -> None:
    class Asking(Namespace):
        namespace = "/asking"

        @guard(lambda db=Depends(db): True)
        def on_post(self, n: int) -> None: ...

    client = connect(Asking)
    client._session.receive_frame('42/asking,["post",}')
    assert client._session.closed
    assert log == ["db open", "db saw MalformedPacket", "db close"]


# -- coroutines


def test_everything_async_of_one_event_runs_on_one_loop() -> None:
    async def loop_id() -> int:
        return id(asyncio.get_running_loop())

    async def task() -> AsyncIterator[asyncio.Task[int]]:
        started = asyncio.create_task(loop_id())
        yield started
        log.append(started.done())

    async def check() -> bool:
        log.append(id(asyncio.get_running_loop()))
        return True

    class Loops(Namespace):
        namespace = "/loops"

        @guard(check)
        async def on_x(self, first: int = Depends(loop_id), task: asyncio.Task[int] = Depends(task)) -> bool:
            return await task == first == log[0] == id(asyncio.get_running_loop())

        async def before_event(self, handling: Handling) -> None:
            log.append(id(asyncio.get_running_loop()) == log[0])

    assert connect(Loops).call("x") is True
    assert log[1:] == [True, True]


def test_coroutine_of_a_dependency_sees_flask_and_hands_on_by_g() -> None:
    async def user() -> str:
        await asyncio.sleep(0)
        flask.g.seen = True
        return str(flask.request.args["name"])

    class Asking(Namespace):
        namespace = "/asking"

        def on_x(self, name: str = Depends(user)) -> list[Any]:
            return [name, flask.g.seen]

    assert connect(Asking, query_string="name=ada").call("x") == ["ada", True]


def test_async_dependencies_work_below_async_middleware() -> None:
    class Around(Middleware):
        async def event(self, handling: Handling, proceed: Proceed) -> Any:
            return await proceed()

    app = build(Careful, middleware=[Around(), Around()])
    assert Client(app, Careful).call("async") == "ok"
    assert log == ["async db open", "db open", "handler", "db close", "async db close"]


# -- in tests


def test_test_puts_something_in_the_place_of_a_dependency_for_one_client() -> None:
    app = build(Desk, Careful)
    ada = Client(app, Desk, overrides={user_name: lambda: "ada"})
    bob = Client(app, Desk)
    assert ada.call(Desk.on_plain, "hi") == ["hi", "ada"]
    assert bob.call(Desk.on_plain, "hi") == ["hi", "nobody"]
    assert ada.call(Desk.on_async, text="hi") == ["hi", "ADA"], "those that depend on it see it, too"


def test_override_may_be_a_generator_have_needs_and_stand_for_several() -> None:
    def fake(handling: Handling) -> Iterator[Any]:
        log.append(f"fake open for {handling.event}")
        yield Db()
        log.append("fake close")

    client = Client(build(Careful), Careful, overrides={db: fake, async_db: fake})
    assert client.call(Careful.on_good) == "ok"
    assert log == ["fake open for good", "handler", "fake close"]


def test_override_that_can_not_work_is_refused() -> None:
    app = build(Desk)
    with pytest.raises(HandlerSignatureError, match="nothing fills parameter 'x'"):
        Client(app, Desk, overrides={user_name: lambda x: x})
    ada = Client(app, Desk)
    with pytest.raises(ConfigurationError, match="overrides are the connection's: give them to the client"):
        Client(app, "/", via=ada, overrides={user_name: lambda: "x"})
    assert compile_overrides({}) == {}


def test_a_call_leaves_dependencies_out_by_position_and_by_name() -> None:
    client = connect(Desk)
    assert client.call(Desk.on_plain, text="hi") == ["hi", "nobody"]
    assert client.call(Desk.on_keyword, text="hi") == ["hi", "nobody", True]
    assert client.call(Desk.on_only) == "nobody"


# -- what is refused when it is written


def needs(value: int) -> int:
    return value


def positional(handling: Handling, /) -> None: ...


def circle_a(b: Any = Depends(lambda: None)) -> None: ...


def circle_b(a: Any = Depends(circle_a)) -> None: ...


circle_a.__defaults__ = (Depends(circle_b),)


@dataclass
class Unhashable:
    value: list[int]

    def __call__(self) -> int:
        return 1


HERE = r"\(tests/test_dependencies\.py:\d+\)"


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (
            needs,
            rf"^dependency needs {HERE}: nothing fills parameter 'value'\. Give it Depends\(\.\.\.\), a default, or",
        ),
        (positional, rf"^dependency positional {HERE}: parameter 'handling' is filled by name\. Remove the '/'\.$"),
        (circle_a, rf"^dependency circle_a {HERE}: it depends on itself: circle_a -> circle_b -> circle_a\.$"),
        (Unhashable([1]), rf"^dependency Unhashable {HERE}: it has no hash, .* Pass a function\.$"),
    ],
)
def test_dependency_that_can_not_work_is_refused_when_the_class_is_created(function: Any, sentence: str) -> None:
    with pytest.raises(HandlerSignatureError, match=sentence):

        class Broken(Namespace):
            def on_x(self, value: Any = Depends(function)) -> None: ...

    with pytest.raises(HandlerSignatureError, match=sentence):
        guard(function)


def test_rest_of_the_arguments_can_not_be_a_dependency() -> None:
    with pytest.raises(HandlerSignatureError, match=rf"^Broken\.on_x {HERE}: '\*names' takes the rest, and can't be"):

        class Broken(Namespace):
            def on_x(self, *names: Annotated[str, Depends(user_name)]) -> None: ...


@pytest.mark.parametrize("wrong", [None, 5, "current_user", Depends(user_name)])
def test_depends_takes_what_can_be_called(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^Depends takes a function, e\.g\. Depends\(current_user\), not "):
        Depends(wrong)


def test_names_of_the_place_where_it_is_written_are_known_in_a_dependency() -> None:
    class Local: ...

    def made(thing: Annotated[Local, Depends(Local)]) -> str:
        return type(thing).__name__

    class Asking(Namespace):
        namespace = "/asking"

        def on_x(self, name: str = Depends(made)) -> str:
            return name

    assert connect(Asking).call("x") == "Local"
    assert Client(build(Desk), Desk, overrides={user_name: made}).call("only") == "Local"


# -- what is left of an event


kept: weakref.WeakSet[Db] = weakref.WeakSet()


def make() -> Db:
    found = Db()
    kept.add(found)
    return found


class Left(Namespace):
    namespace = "/left"

    def on_connect(self, db: Db = Depends(make)) -> None: ...

    def on_ask(self, db: Db = Depends(make)) -> int:
        return db.number

    @guard(make)
    def on_guarded(self) -> None: ...


def test_what_was_made_for_an_event_goes_with_it_and_waits_for_no_garbage_collection() -> None:
    Db.made = 0
    gc.disable()
    try:
        client = connect(Left)
        client.call("ask")
        client.call("guarded")
        assert Db.made > 2
        assert not kept
    finally:
        gc.enable()
