"""Middleware, guards, hooks and declared errors: in which order they are asked, and what they decide."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
from flask import Flask
from pydantic import BaseModel, Field

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
    raises,
    signals,
    use,
)
from framework.errors import HandlerExitError
from framework.testing import Client, ConnectRefused
from framework.testing.session import Received

pytestmark = pytest.mark.usefixtures("way")

log: list[Any] = []


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    log.clear()
    yield
    log.clear()


class Trace(Middleware):
    """Notes when it is entered and left, around everything."""

    def __init__(self, name: str) -> None:
        self.name = name

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        return self._around(proceed)

    def event(self, handling: Handling, proceed: Proceed) -> Any:
        return self._around(proceed)

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        return self._around(proceed)

    def _around(self, proceed: Proceed) -> Any:
        log.append(f"{self.name} in")
        try:
            return proceed()
        except Exception as error:
            log.append(f"{self.name} saw {type(error).__name__}")
            raise
        finally:
            log.append(f"{self.name} out")


class AsyncTrace(Trace):
    """The same with coroutines."""

    async def connect(self, handling: Handling, proceed: Proceed) -> Any:
        return await self._around_async(proceed)

    async def event(self, handling: Handling, proceed: Proceed) -> Any:
        return await self._around_async(proceed)

    async def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        return await self._around_async(proceed)

    async def _around_async(self, proceed: Proceed) -> Any:
        await asyncio.sleep(0)
        log.append(f"{self.name} in")
        try:
            return await proceed()
        except Exception as error:
            log.append(f"{self.name} saw {type(error).__name__}")
            raise
        finally:
            await asyncio.sleep(0)
            log.append(f"{self.name} out")


def note(name: str, *, verdict: Any = True) -> Callable[[], Any]:
    """A guard's function that notes that it was asked."""

    def check() -> Any:
        log.append(name)
        return verdict

    check.__name__ = name
    return check


class Message(BaseModel):
    text: str = Field(max_length=5)


def build(*namespaces: Any, functions: Callable[[SocketIO], None] | None = None, **options: Any) -> Flask:
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=namespaces, **options)
    if functions is not None:
        functions(socketio)
    return app


def connect(*namespaces: Any, functions: Callable[[SocketIO], None] | None = None, **options: Any) -> Client:
    auth = options.pop("auth", None)
    return Client(build(*namespaces, functions=functions, **options), namespaces[0] if namespaces else "/", auth=auth)


def failure(client: Client, *args: Any) -> EventError:
    with pytest.raises(EventError) as caught:
        client.call(*args)
    return caught.value


def refused(*namespaces: Any, **options: Any) -> ConnectRefused:
    with pytest.raises(ConnectRefused) as caught:
        connect(*namespaces, **options)
    return caught.value


# -- order


def layered(kind: type[Trace]) -> type[Namespace]:
    def noted(text: str) -> str:
        log.append("payload")
        return text

    from typing import Annotated

    from pydantic import AfterValidator

    @guard(note("class guard"))
    class Layered(Namespace):
        namespace = "/layered"
        middleware = (kind("namespace"),)

        @use(kind("handler"))
        @guard(note("connect guard"))
        def on_connect(self, auth: str | None = None) -> None:
            log.append("on_connect")

        @guard(note("first guard"))
        @use(kind("outer handler"), kind("inner handler"))
        @guard(note("second guard"))
        def on_post(self, text: Annotated[str, AfterValidator(noted)]) -> str:
            log.append("on_post")
            return text

        @use(kind("handler"))
        def on_disconnect(self, reason: str) -> None:
            log.append("on_disconnect")

        def before_event(self, handling: Handling) -> None:
            log.append("before_event")

        def after_event(self, handling: Handling, error: Exception | None) -> None:
            log.append("after_event")

    return Layered


@pytest.mark.parametrize("kind", [Trace, AsyncTrace])
def test_layers_are_passed_from_the_application_to_the_handler_and_back(kind: type[Trace]) -> None:
    cls = layered(kind)
    app = build(cls, middleware=[kind("application"), kind("second")])
    app.extensions["socketio"].use(kind("added"))
    client = Client(app, cls)
    around = ["application", "second", "added", "namespace"]
    entered, left = [f"{name} in" for name in around], [f"{name} out" for name in reversed(around)]
    assert log == [
        *entered,
        "class guard",
        "connect guard",
        "handler in",
        "on_connect",
        "handler out",
        *left,
    ]
    log.clear()
    assert client.call("post", "hi") == "hi"
    assert log == [
        *entered,
        "class guard",
        "first guard",
        "second guard",
        "payload",
        "outer handler in",
        "inner handler in",
        "before_event",
        "on_post",
        "after_event",
        "inner handler out",
        "outer handler out",
        *left,
    ]
    log.clear()
    client.disconnect()
    assert log == [*entered, "handler in", "on_disconnect", "handler out", *left]


def test_sync_and_async_layers_nest_in_any_order() -> None:
    class Mixed(Namespace):
        namespace = "/mixed"
        middleware = (AsyncTrace("b"), Trace("c"))

        @use(AsyncTrace("d"), Trace("e"), AsyncTrace("f"))
        async def on_post(self, text: str) -> str:
            await asyncio.sleep(0)
            return text

    client = connect(Mixed, middleware=[Trace("a")])
    assert client.call(Mixed.on_post, "hi") == "hi"
    assert log[-12:] == [f"{name} in" for name in "abcdef"] + [f"{name} out" for name in "fedcba"]


def test_middleware_of_a_namespace_is_not_asked_on_other_paths() -> None:
    class Inside(Namespace):
        namespace = "/inside"
        middleware = (Trace("inside"),)

    class Outside(Namespace):
        namespace = "/outside"

        def on_x(self) -> None: ...

    connect(Outside, Inside).call(Outside.on_x)
    assert log == []


def test_class_with_its_own_middleware_has_no_other() -> None:
    class Base(Namespace):
        namespace = "/base"
        middleware = (Trace("base"),)

        def on_x(self) -> None: ...

    class Replaced(Base):
        middleware = (Trace("own"),)

    class Added(Base):
        middleware = (*Base.middleware, Trace("own"))

    connect(Replaced).call("x")
    assert log == ["own in", "own out"] * 2
    log.clear()
    connect(Added).call("x")
    assert log == ["base in", "own in", "own out", "base out"] * 2


def test_functions_have_the_middleware_of_the_application_and_their_own() -> None:
    def functions(socketio: SocketIO) -> None:
        @socketio.on("post", namespace="/")
        @guard(note("guard"))
        @use(Trace("own"))
        def post(message: Message) -> str:
            return message.text

        @socketio.on("*")
        @use(Trace("any"))
        def catch(name: str, *values: int) -> Any:
            return [name, *values]

    client = connect(functions=functions, middleware=[Trace("application")])
    log.clear()
    assert client.call("post", {"text": "hi"}) == "hi"
    assert log == ["application in", "guard", "own in", "own out", "application out"]
    log.clear()
    assert client.call("whatever", 1, 2) == ["whatever", 1, 2]
    assert log == ["application in", "any in", "any out", "application out"]
    assert failure(client, "whatever", "x").code == "invalid_payload"


def test_what_overrides_only_one_kind_is_asked_for_that_kind_only() -> None:
    class OnlyConnect(Middleware):
        def connect(self, handling: Handling, proceed: Proceed) -> Any:
            log.append(handling.kind)
            return proceed()

    class Empty(Namespace):
        namespace = "/empty"

        def on_x(self) -> None: ...

    client = connect(Empty, middleware=[OnlyConnect(), Middleware()])
    client.call(Empty.on_x)
    client.disconnect()
    assert log == ["connect"]


# -- what it sees


class Chat(Namespace):
    namespace = "/chat"

    def on_connect(self, auth: dict[str, Any] | None = None) -> bool | None:
        log.append(("on_connect", auth))
        return False if auth == {"say": "no"} else None

    def on_post(self, message: Message) -> str:
        log.append(("on_post", message.text))
        return message.text

    def on_double(self, n: int) -> int:
        log.append("on_double")
        return 2 * n

    def on_loose(self, *values):  # type: ignore[no-untyped-def]
        return values

    def on_boom(self) -> None:
        raise KeyError("secret")

    def on_bytes(self, data: bytes, *more: bytes) -> bytes:
        return b"".join([data, *more])


def test_handling_says_what_is_handled_before_anybody_knows_whether_it_is_served() -> None:
    seen: list[Any] = []

    def look(handling: Handling, proceed: Proceed) -> Any:
        seen.append((handling.kind, handling.namespace, handling.event, handling.known, handling.handler))
        seen.append((handling.args, handling.wants_ack, handling.sid))
        return proceed()

    client = connect(Chat, middleware=[look])
    client.call("post", {"text": "hi"})
    client.emit("nothing like it", 1)
    for name in ("connect", "disconnect"):
        assert failure(client, name, "forged").code == "unknown_event"
    assert seen == [
        ("event", "/chat", "post", True, "Chat.on_post"),
        (({"text": "hi"},), True, client.sid),
        ("event", "/chat", "nothing like it", False, ""),
        ((1,), False, client.sid),
        ("event", "/chat", "connect", False, ""),
        (("forged",), True, client.sid),
        ("event", "/chat", "disconnect", False, ""),
        (("forged",), True, client.sid),
    ]


def test_a_catch_all_does_not_make_a_name_known() -> None:
    seen: list[Any] = []

    def look(handling: Handling, proceed: Proceed) -> Any:
        seen.append((handling.event, handling.known))
        return proceed()

    def functions(socketio: SocketIO) -> None:
        socketio.on_event("*", lambda name: name)

    assert connect(functions=functions, middleware=[look]).call("made up") == "made up"
    assert seen == [("made up", False)]


def test_repr_of_a_handling_is_short_whatever_the_client_calls_its_event() -> None:
    seen: list[str] = []

    def look(handling: Handling, proceed: Proceed) -> Any:
        seen.append(repr(handling))
        return proceed()

    client = connect(Chat, middleware=[look])
    failure(client, "x\n" * 5000)
    client.call("double", 1)
    assert len(seen[0]) < 300
    assert "\n" not in seen[0]
    assert seen[1] == f"<Handling event /chat 'double' sid={client.sid}>"


def test_flask_is_there_in_middleware_and_what_it_puts_into_g_is_the_handlers() -> None:
    number: contextvars.ContextVar[int] = contextvars.ContextVar("number", default=0)

    class Greeting(Namespace):
        namespace = "/greeting"

        def on_hello(self) -> list[Any]:
            return [flask.g.name, number.get(), flask.request.namespace]  # type: ignore[attr-defined]

    def sync(handling: Handling, proceed: Proceed) -> Any:
        flask.g.name = flask.request.args["name"]
        number.set(number.get() + 1)
        return proceed()

    async def asynchronous(handling: Handling, proceed: Proceed) -> Any:
        await asyncio.sleep(0)
        flask.g.name += f" of {flask.current_app.name}"
        number.set(number.get() + 10)
        return await proceed()

    app = build(Greeting, middleware=[sync, asynchronous, sync])
    client = Client(app, Greeting, query_string="name=ada")
    assert contextvars.copy_context().run(client.call, Greeting.on_hello) == ["ada", 12, "/greeting"]


def test_arguments_that_can_not_be_passed_on_are_answered_when_middleware_looks_at_them() -> None:
    def look(handling: Handling, proceed: Proceed) -> Any:
        log.append(handling.args)
        return proceed()

    client = connect(Chat, middleware=[look])
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    assert failure(client, "loose", deep).code == "invalid_payload"
    assert failure(client, "nothing like it", deep).code == "invalid_payload"
    assert log == [("on_connect", None)]


def test_bytes_pass_through_middleware() -> None:
    def append(handling: Handling, proceed: Proceed) -> Any:
        handling.args = (*handling.args, b"!")
        return proceed()

    assert connect(Chat).call("bytes", b"\x00", b"1") == b"\x001"
    assert connect(Chat, middleware=[append]).call("bytes", b"\x00", b"1") == b"\x001!"


# -- what it decides


@pytest.mark.parametrize("event", ["double", "nothing like it"])
def test_middleware_may_answer_in_the_handlers_place(event: str) -> None:
    client = connect(Chat, middleware=[lambda handling, proceed: 7])
    log.clear()
    assert client.call(event, "whatever") == 7
    client.emit(event)
    assert client.errors == []
    assert log == []


def test_answer_of_middleware_for_an_unknown_event_counts_where_those_are_ignored() -> None:
    def answer(handling: Handling, proceed: Proceed) -> Any:
        return "answered" if handling.event == "mine" else proceed()

    client = connect(Chat, middleware=[answer], unknown_events="ignore")
    assert client.call("mine") == "answered"
    assert failure(client, "other").code == "no_ack"
    assert client.errors == []


def test_what_middleware_answers_is_checked_against_the_type_of_the_ack(caplog: pytest.LogCaptureFixture) -> None:
    client = connect(Chat, middleware=[lambda handling, proceed: "no number"])
    assert failure(client, "double", 1).code == "internal_error"
    assert client.call("loose") == "no number"


def test_middleware_may_change_the_result() -> None:
    client = connect(Chat, middleware=[lambda handling, proceed: proceed() + 1])
    assert client.call("double", 4) == 9


def test_what_is_changed_before_the_payload_is_read_is_validated() -> None:
    def shout(handling: Handling, proceed: Proceed) -> Any:
        (message,) = handling.args
        handling.args = ({"text": message["text"] * 2},)
        return proceed()

    client = connect(Chat, middleware=[shout])
    assert client.call("post", {"text": "ab"}) == "abab"
    assert failure(client, "post", {"text": "abc"}).details[0]["path"] == "text"


def test_what_is_changed_after_it_was_read_goes_to_the_handler_as_it_is() -> None:
    def long(handling: Handling, proceed: Proceed) -> Any:
        (message,) = handling.args
        assert isinstance(message, Message)
        handling.args = (Message.model_construct(text=message.text * 9),)
        return proceed()

    class Posts(Namespace):
        namespace = "/posts"

        @use(long)
        def on_post(self, message: Message) -> str:
            return message.text

    assert connect(Posts).call("post", {"text": "ab"}) == "ab" * 9


def test_middleware_sees_the_arguments_as_they_came_before_and_after() -> None:
    def audit(handling: Handling, proceed: Proceed) -> Any:
        before = handling.args
        result = proceed()
        log.append((before, handling.args))
        return result

    def unread(handling: Handling, proceed: Proceed) -> Any:
        result = proceed()
        log.append(handling.args)
        return result

    for middleware in (audit, unread):
        connect(Chat, middleware=[middleware]).call("post", {"text": "hi"})
    came = ({"text": "hi"},)
    assert [found for found in log if found[0] not in ("on_connect", "on_post")] == [(came, came), came]


class Flaky(Namespace):
    """Fails every other time, whatever it is asked."""

    namespace = "/flaky"

    def on_post(self, message: Message) -> str:
        return flaky(message.text)

    def on_bytes(self, data: bytes, *more: bytes) -> bytes:
        return flaky(data)


def flaky(value: Any) -> Any:
    log.append(value)
    if len(log) % 2:
        raise LookupError("once")
    return value


def retry(handling: Handling, proceed: Proceed) -> Any:
    if handling.args == ("change it",):
        handling.args = ({"text": "other"},)
    try:
        return proceed()
    except LookupError:
        return proceed()


@pytest.mark.parametrize(
    ("event", "args", "value"),
    [
        ("post", [{"text": "hi"}], "hi"),
        ("post", ["change it"], "other"),
        ("bytes", [b"\x00", b"1"], b"\x00"),
        ("any name", [1], ("any name", 1)),
    ],
)
def test_proceeding_twice_runs_the_handler_twice_with_the_same_arguments(event: str, args: Any, value: Any) -> None:
    def functions(socketio: SocketIO) -> None:
        if event == "any name":
            socketio.on_event("*", catch, namespace="/flaky")

    def catch(name: str, n: int) -> Any:
        return flaky((name, n))

    assert connect(Flaky, middleware=[retry], functions=functions).call(event, *args) == value
    assert log == [value, value]


def test_async_middleware_may_proceed_twice() -> None:
    async def retry(handling: Handling, proceed: Proceed) -> Any:
        try:
            return await proceed()
        except KeyError:
            await asyncio.sleep(0)
            return await proceed()

    client = connect(Chat, middleware=[retry])
    assert failure(client, "boom").code == "internal_error"
    assert client.call("double", 2) == 4


@pytest.mark.parametrize("trace", [Trace, AsyncTrace])
def test_an_error_passes_every_layer_and_keeps_its_type(trace: type[Trace]) -> None:
    client = connect(Chat, middleware=[trace("outer"), trace("inner")])
    log.clear()
    error = failure(client, "boom")
    assert isinstance(error.__cause__, KeyError)
    assert log == ["outer in", "inner in", "inner saw KeyError", "inner out", "outer saw KeyError", "outer out"]
    log.clear()
    failure(client, "nothing like it")
    failure(client, "double", "x")
    assert [entry for entry in log if "inner saw" in entry] == ["inner saw UnknownEvent", "inner saw PayloadError"]


def test_middleware_may_make_up_for_a_failure_or_replace_it() -> None:
    def mend(handling: Handling, proceed: Proceed) -> Any:
        try:
            return proceed()
        except KeyError:
            return None
        except EventError as error:
            raise EventError("translated", error.code) from error

    client = connect(Chat, middleware=[mend])
    assert client.call("boom") is None
    assert failure(client, "nothing like it").message == "unknown_event"


class Fault:
    """Raises in one place of all that there are."""

    def __init__(self, place: str, kind: type[BaseException], is_async: bool) -> None:
        self._place = place
        self._kind = kind
        self._is_async = is_async

    def raise_at(self, here: str) -> bool:
        if here == self._place:
            raise EventError("busy", "Later.") if self._kind is EventError else self._kind("secret")
        return True

    async def raise_later(self, here: str) -> bool:
        await asyncio.sleep(0)
        return self.raise_at(here)

    def in_function(self, here: str) -> Any:
        return self.raise_later(here) if self._is_async else self.raise_at(here)

    def in_middleware(self, here: str) -> Any:
        async def asynchronous(handling: Handling, proceed: Proceed) -> Any:
            await self.raise_later(here)
            return await proceed()

        def sync(handling: Handling, proceed: Proceed) -> Any:
            self.raise_at(here)
            return proceed()

        return asynchronous if self._is_async else sync


@pytest.mark.parametrize("place", ["application", "namespace", "guard", "handler", "before_event", "after_event"])
@pytest.mark.parametrize("kind", [EventError, RuntimeError, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [False, True])
def test_whatever_is_raised_anywhere_is_one_error_answer_and_ends_nothing(
    place: str, kind: type[BaseException], is_async: bool
) -> None:
    fault = Fault(place, kind, is_async)

    class Failing(Namespace):
        namespace = "/failing"
        middleware = (fault.in_middleware("namespace"),)

        @use(fault.in_middleware("handler"))
        @guard(lambda: fault.in_function("guard"))
        def on_x(self) -> None: ...

        def before_event(self, handling: Handling) -> Any:
            return fault.in_function("before_event")

        def after_event(self, handling: Handling, error: Exception | None) -> Any:
            return fault.in_function("after_event")

    client = connect(Failing, middleware=[fault.in_middleware("application")])
    error = failure(client, "x")
    assert error.code == ("busy" if kind is EventError else "internal_error")
    assert "secret" not in error.message
    if kind in (SystemExit, asyncio.CancelledError):
        assert isinstance(error.__cause__, HandlerExitError)
    client.emit("x")
    assert [found.code for found in client.errors] == [error.code]
    assert client.connected


@pytest.mark.parametrize("is_async", [False, True])
def test_stop_iteration_of_a_handler_is_answered_through_any_middleware(is_async: bool) -> None:
    async def asynchronous(handling: Handling, proceed: Proceed) -> Any:
        return await proceed()

    class Stopping(Namespace):
        namespace = "/stopping"

        def on_x(self) -> None:
            next(iter(()))

    client = connect(Stopping, middleware=[asynchronous] if is_async else [])
    assert failure(client, "x").code == "internal_error"


def test_malformed_json_ends_the_connection_whatever_middleware_makes_of_it(caplog: pytest.LogCaptureFixture) -> None:
    def swallow(handling: Handling, proceed: Proceed) -> Any:
        try:
            return proceed()
        except Exception as error:
            log.append(type(error).__name__)
            if handling.event == "post":
                return "all is well"
            raise RuntimeError("other") from error

    for text in ('42/chat,1["post",{]', '42/chat,2["loose",{]', '42/chat,3["double",1', '42/chat,["double",'):
        client = connect(Chat, middleware=[swallow])
        log.clear()
        client._session.receive_frame(text)
        assert client._session.closed
        assert client._acks == {}
        assert log == ["MalformedPacket"]


def test_error_handlers_hear_of_what_middleware_raises() -> None:
    class Handled(Namespace):
        namespace = "/handled"
        middleware = (lambda handling, proceed: 1 / 0,)

        def on_x(self) -> None: ...

        def on_error(self, error: Exception) -> str:
            return type(error).__name__

    assert connect(Handled).call("x") == "ZeroDivisionError"


def test_signals_tell_how_it_ended_with_middleware_in_between() -> None:
    told: list[Any] = []

    def handled(sender: Any, **about: Any) -> None:
        told.append(("handled", about["event"]))

    def failed(sender: Any, **about: Any) -> None:
        told.append((about["code"], about["event"]))

    client = connect(Chat, middleware=[lambda handling, proceed: 1 if handling.event == "mine" else proceed()])
    with signals.event_handled.connected_to(handled), signals.event_failed.connected_to(failed):
        client.call("mine")
        client.call("double", 1)
        failure(client, "double")
        failure(client, "other")
    assert told == [("handled", None), ("handled", "double"), ("invalid_payload", "double"), ("unknown_event", None)]


# -- connect and disconnect


class Door(Middleware):
    """Does at each door what it is told."""

    def __init__(self, connect: Any = None, disconnect: Any = None) -> None:
        self._connect = connect
        self._disconnect = disconnect

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        log.append((handling.event, handling.args, handling.known))
        return self._connect(handling, proceed) if self._connect else proceed()

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        log.append((handling.event, handling.args, handling.known))
        return self._disconnect(handling, proceed) if self._disconnect else proceed()


def test_connect_middleware_sees_the_auth_and_the_disconnect_one_the_reason() -> None:
    client = connect(Chat, middleware=[Door()], auth={"a": 1})
    client.disconnect()
    assert log == [
        ("connect", ({"a": 1},), True),
        ("on_connect", {"a": 1}),
        ("disconnect", ("client disconnect",), True),
    ]


def test_connect_middleware_is_asked_where_nothing_handles_connects() -> None:
    class Plain(Namespace):
        namespace = "/plain"

    def no(handling: Handling, proceed: Proceed) -> Any:
        raise EventError("closed", "Closed.", {"until": 9}, retry_after=2)

    error = refused(Plain, middleware=[Door(no)])
    assert (error.code, error.message, error.details) == ("closed", "Closed.", {"until": 9})
    assert error.data["retry_after"] == 2  # type: ignore[index]
    assert connect("/joined", middleware=[Door()]).connected
    assert refused("/joined", middleware=[Door(no)]).code == "closed"


def test_connect_middleware_may_change_the_auth_which_is_validated_then() -> None:
    def change(handling: Handling, proceed: Proceed) -> Any:
        handling.args = ({"say": "no"},) if handling.args else (5,)
        return proceed()

    assert refused(Chat, middleware=[Door(change)], auth={}).code == "forbidden"
    assert refused(Chat, middleware=[Door(change)]).code == "invalid_payload"


def test_handlers_own_connect_middleware_sees_the_validated_auth() -> None:
    class Auth(BaseModel):
        token: str

    class Members(Namespace):
        namespace = "/members"

        @use(Door())
        def on_connect(self, auth: Auth) -> None: ...

    connect(Members, auth={"token": "t"})
    assert log == [("connect", (Auth(token="t"),), True)]


def test_false_of_middleware_refuses_and_so_does_false_of_a_handler_that_middleware_forgets() -> None:
    def forget(handling: Handling, proceed: Proceed) -> Any:
        proceed()

    assert refused(Chat, middleware=[Door(lambda handling, proceed: False)]).code == "forbidden"
    assert refused(Chat, middleware=[Door(forget)], auth={"say": "no"}).code == "forbidden"
    assert connect(Chat, middleware=[Door(forget)], auth={"say": "yes"}).connected


def test_zero_is_not_false() -> None:
    class Counting(Namespace):
        namespace = "/counting"

        def on_connect(self) -> int:
            return 0

    assert connect(Counting).connected


def test_connect_handler_may_be_asked_twice() -> None:
    def twice(handling: Handling, proceed: Proceed) -> Any:
        proceed()
        return proceed()

    connect(Chat, middleware=[Door(twice)], auth={"a": 1})
    assert log[1:] == [("on_connect", {"a": 1})] * 2


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
@pytest.mark.parametrize("place", ["application", "guard", "handler"])
def test_whatever_is_raised_on_the_way_refuses_the_client(place: str, error: type[BaseException]) -> None:
    def fail(*about: Any) -> Any:
        raise error("secret")

    def check() -> Any:
        return fail() if place == "guard" else True

    class Failing(Namespace):
        namespace = "/failing"

        @guard(check)
        @use(Door(fail if place == "handler" else None))
        def on_connect(self) -> None:
            log.append("handler")

    found = refused(Failing, middleware=[Door(fail if place == "application" else None)])
    assert found.code == "internal_error"
    assert "secret" not in str(found.data) + found.message
    assert "handler" not in log


def test_client_leaves_whatever_disconnect_middleware_does(caplog: pytest.LogCaptureFixture) -> None:
    def fail(handling: Handling, proceed: Proceed) -> Any:
        raise EventError("stay", "Please stay.")

    def bug(handling: Handling, proceed: Proceed) -> Any:
        proceed()
        raise RuntimeError("a bug of it")

    for middleware in (fail, bug):
        app = build(Chat, middleware=[Door(disconnect=middleware)])
        client = Client(app, Chat)
        client.disconnect()
        assert app.extensions["socketio"].server.manager.rooms.get("/chat", {}) == {}
    assert "Please stay." in caplog.text
    assert "a bug of it" in caplog.text


def test_answer_of_disconnect_middleware_goes_nowhere() -> None:
    client = connect(Chat, middleware=[Door(disconnect=lambda handling, proceed: False)])
    client.disconnect()
    assert not client.connected


# -- guards


@pytest.mark.parametrize("verdict", [False, None, 0, "", []])
def test_guard_that_says_nothing_true_refuses(verdict: Any) -> None:
    class Guarded(Namespace):
        namespace = "/guarded"

        @guard(lambda: verdict)
        def on_x(self) -> None:
            log.append("handler")

        @guard(lambda: verdict, code="unauthorized", message="Log in first.")
        def on_y(self) -> None:
            log.append("handler")

    client = connect(Guarded)
    error = failure(client, "x")
    assert (error.code, error.message) == ("forbidden", "Not allowed.")
    error = failure(client, "y")
    assert (error.code, error.message) == ("unauthorized", "Log in first.")
    client.emit("x")
    assert [found.code for found in client.errors] == ["forbidden"]
    assert log == []


def test_guard_is_asked_before_the_payload_is_read() -> None:
    class Guarded(Namespace):
        namespace = "/guarded"

        @guard(note("asked", verdict=False))
        def on_post(self, message: Message) -> None: ...

    assert failure(connect(Guarded), "post", "nonsense").code == "forbidden"
    assert log == ["asked"]


def test_guard_sees_the_handling_and_may_be_async() -> None:
    async def owns(handling: Handling) -> bool:
        await asyncio.sleep(0)
        log.append((handling.event, handling.args))
        return handling.args == ("mine",)

    class Files(Namespace):
        namespace = "/files"

        @guard(owns)
        def on_open(self, name: str) -> str:
            return name

    client = connect(Files)
    assert client.call("open", "mine") == "mine"
    assert failure(client, "open", "yours").code == "forbidden"
    assert log == [("open", ("mine",)), ("open", ("yours",))]


def test_guard_may_raise_its_own_error() -> None:
    def paid() -> bool:
        raise EventError("payment_required", "Pay first.", {"price": 3})

    class Shop(Namespace):
        namespace = "/shop"

        @guard(paid)
        def on_connect(self) -> None: ...

    error = refused(Shop)
    assert (error.code, error.details) == ("payment_required", {"price": 3})


def test_guard_may_depend_on_something() -> None:
    def role() -> str:
        return str(flask.request.args.get("role"))

    def is_admin(role: str = Depends(role)) -> bool:
        return role == "admin"

    @guard(is_admin)
    class Admin(Namespace):
        namespace = "/admin"

        def on_x(self) -> str:
            return "done"

    app = build(Admin)
    assert Client(app, Admin, query_string="role=admin").call(Admin.on_x) == "done"
    with pytest.raises(ConnectRefused):
        Client(app, Admin, query_string="role=guest")
    assert Client(app, Admin, overrides={is_admin: lambda: True}).call(Admin.on_x) == "done"
    assert Client(app, Admin, overrides={role: lambda: "admin"}).call(Admin.on_x) == "done"


def test_guards_of_bases_come_first_and_unknown_events_meet_them_too() -> None:
    @guard(note("mixin"))
    class Mixin: ...

    @guard(note("base"))
    class Base(Namespace):
        namespace = "/base"

        @guard(note("method"))
        def on_x(self) -> None: ...

        def on_y(self) -> None: ...

    @guard(note("outer"))
    @guard(note("inner"))
    class Derived(Mixin, Base):
        namespace = "/derived"

        def on_x(self) -> None: ...

    client = connect(Derived)
    every = ["base", "mixin", "outer", "inner"]
    assert log == every
    for event, code in [("x", ""), ("y", ""), ("nothing like it", "unknown_event")]:
        log.clear()
        if code:
            assert failure(client, event).code == code
        else:
            client.call(event)
        assert log == every, "a method that overrides another has its own guards"


def test_class_guard_hides_which_events_there_are() -> None:
    @guard(lambda handling=None: flask.request.args.get("who") == "ada" or flask.request.event["message"] == "connect")  # type: ignore[attr-defined]
    class Hidden(Namespace):
        namespace = "/hidden"

        def on_known(self) -> None: ...

    client = connect(Hidden)
    assert failure(client, "known").code == "forbidden"
    assert failure(client, "unknown").code == "forbidden"
    client.disconnect()  # nobody is asked
    assert not client.connected


def test_class_guard_holds_for_functions_on_its_path() -> None:
    @guard(lambda: flask.request.event["message"] == "connect")  # type: ignore[attr-defined]
    class Closed(Namespace):
        namespace = "/closed"

    def functions(socketio: SocketIO) -> None:
        socketio.on_event("x", lambda: "open", namespace="/closed")
        socketio.on_event("y", lambda: "open")

    app = build(Closed, functions=functions)
    assert failure(Client(app, Closed), "x").code == "forbidden"
    assert Client(app).call("y") == "open"


def test_guards_and_middleware_hold_where_a_class_routes_its_events_itself() -> None:
    @guard(note("class"))
    class Router(Namespace):
        namespace = "/router"
        middleware = (Trace("namespace"),)

        @guard(note("connect"))
        def on_connect(self, auth: str = "") -> None:
            log.append(("on_connect", auth))

        @guard(note("method"))
        @use(Trace("handler"))
        def on_double(self, n: int) -> int:
            return 2 * n

        @guard(lambda: False)
        def on_closed(self) -> None: ...

        def before_event(self, handling: Handling) -> None:
            log.append(("before", handling.args))

        def trigger_event(self, event: str, *args: Any) -> Any:
            log.append(("trigger", event))
            return super().trigger_event(event.removeprefix("v2:"), *args)

    def double(handling: Handling, proceed: Proceed) -> Any:
        result = proceed()
        log.append(("came", handling.args))
        return result

    client = connect(Router, middleware=[double], auth="a")
    assert log == ["namespace in", "class", ("trigger", "connect"), "connect", ("on_connect", "a"), "namespace out"]
    log.clear()
    assert client.call("v2:double", 4) == 8
    assert log == [
        "namespace in",
        "class",
        ("trigger", "v2:double"),
        "method",
        "handler in",
        ("before", (4,)),
        "handler out",
        "namespace out",
        ("came", (4,)),
    ]
    assert failure(client, "v2:closed").code == "forbidden"
    client.disconnect()
    assert ("trigger", "disconnect") in log


# -- before_event and after_event


class Hooked(Namespace):
    namespace = "/hooked"

    def on_connect(self) -> None: ...

    def on_disconnect(self) -> None: ...

    def on_double(self, n: int) -> int:
        return 2 * n

    def on_boom(self) -> None:
        raise KeyError("secret")

    async def before_event(self, handling: Handling) -> None:
        await asyncio.sleep(0)
        log.append(("before", handling.event, handling.args))
        if handling.args == (13,):
            raise EventError("unlucky")
        if handling.args == (5,):
            handling.args = (50,)

    def after_event(self, handling: Handling, error: Exception | None) -> None:
        log.append(("after", handling.event, error))


def test_hooks_are_called_around_the_handlers_of_events_only() -> None:
    client = connect(Hooked)
    client.call(Hooked.on_double, 2)
    failure(client, "nothing like it")
    failure(client, "double", "x")
    client.disconnect()
    assert log == [("before", "double", (2,)), ("after", "double", None)]


def test_before_event_may_refuse_and_may_change_what_the_handler_takes() -> None:
    client = connect(Hooked)
    assert failure(client, "double", 13).code == "unlucky"
    assert [entry[0] for entry in log] == ["before"]
    assert client.call("double", 5) == 100


def test_after_event_hears_of_what_the_handler_raised() -> None:
    failure(connect(Hooked), "boom")
    (name, event, error) = log[-1]
    assert (name, event) == ("after", "boom")
    assert isinstance(error, KeyError)


def test_hooks_see_the_exit_of_a_handler_as_an_exception() -> None:
    class Exiting(Hooked):
        namespace = "/exiting"

        def on_exit(self) -> None:
            raise SystemExit

    failure(connect(Exiting), "exit")
    assert isinstance(log[-1][2], HandlerExitError)


# -- declared errors


class RoomFull(EventError):
    """No seat is left.

    For the clients of later versions.
    """

    code = "room_full"


def test_declared_error_is_answered_with_its_code_and_the_first_line_of_its_docstring() -> None:
    class Rooms(Namespace):
        namespace = "/rooms"

        @raises(RoomFull)
        def on_join(self, room: str) -> None:
            raise RoomFull(details={"room": room})

    error = failure(connect(Rooms), "join", "lobby")
    assert (error.code, error.message, error.details) == ("room_full", "No seat is left.", {"room": "lobby"})
    assert Rooms._handlers.events["join"].raises == (RoomFull,)


@pytest.mark.parametrize("wrong", [EventError, KeyError, "room_full", RoomFull()])
def test_raises_takes_classes_with_a_code(wrong: Any) -> None:
    with pytest.raises(HandlerSignatureError, match=r"^@raises takes classes of EventError that have a code"):
        raises(wrong)


# -- what is refused when it is written


def generator(handling: Handling, proceed: Proceed) -> Any:
    yield proceed()


def one(handling: Handling) -> Any: ...


@pytest.mark.parametrize(
    ("middleware", "sentence"),
    [
        ([5], r"^SocketIO\(middleware=\.\.\.\): 5 is no middleware\. Pass a Middleware or a function\.$"),
        ([Trace], r"Pass an instance: Trace\(\)\.$"),
        ([generator], r"generator \(tests/test_middleware\.py:\d+\) is a generator\. Middleware returns proceed\(\)"),
        ([one], r"one \(tests/test_middleware\.py:\d+\) is called with \(handling, proceed\), and can't be\."),
        ([Trace.event], r"Trace\.event \(tests/test_middleware\.py:\d+\) is called with \(handling, proceed\)"),
    ],
)
def test_what_is_no_middleware_is_refused_at_the_start(middleware: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        build(middleware=middleware)
    with pytest.raises(ConfigurationError):
        build().extensions["socketio"].use(*middleware)
    with pytest.raises(ConfigurationError):
        use(*middleware)


def test_middleware_that_is_no_list_is_refused() -> None:
    class Alone(Namespace):
        namespace = "/alone"
        middleware = Trace("alone")  # type: ignore[assignment]

    with pytest.raises(ConfigurationError, match=r"^Alone\.middleware: .* is one middleware, not a list of them"):
        build(Alone)


def test_decorator_without_its_parentheses_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^@use: .*on_post \(.*\) is called with \(handling, proceed\)"):

        class Bare(Namespace):
            @use  # type: ignore[arg-type]  # pyright: ignore
            def on_post(self, text: str) -> None: ...

    with pytest.raises(HandlerSignatureError, match=r"nothing fills parameter 'self'"):

        class Unasked(Namespace):
            @guard
            def on_post(self, text: str) -> None: ...


@pytest.mark.parametrize(
    ("decorator", "event", "sentence"),
    [
        (use(lambda handling, proceed: proceed()), "connect", "goes around no connect. Use a Middleware with"),
        (use(lambda handling, proceed: proceed()), "disconnect", "goes around no disconnect"),
        (use(Middleware()), "post", "goes around no event"),
        (guard(lambda: True), "disconnect", "a disconnect can't be refused. Remove @guard."),
    ],
)
def test_what_would_never_be_asked_is_refused(decorator: Any, event: str, sentence: str) -> None:
    with pytest.raises(HandlerSignatureError, match=sentence):
        type("Deaf", (Namespace,), {f"on_{event}": decorator(lambda self: None)})


def test_decorator_above_the_one_that_serves_is_refused_since_it_would_not_be_seen() -> None:
    socketio = SocketIO(Flask(__name__))
    with pytest.raises(HandlerSignatureError, match="is served already, so this decorator would not be seen"):

        @guard(lambda: False)
        @socketio.on("restart")
        def restart() -> None: ...


def test_decorators_are_for_handlers_and_only_guards_for_classes() -> None:
    with pytest.raises(HandlerSignatureError, match="goes into its attribute 'middleware'"):
        use(Trace("x"))(type("Chat", (Namespace,), {}))
    with pytest.raises(HandlerSignatureError, match="which is no function or class"):
        guard(lambda: True)(5)  # type: ignore[type-var]
    with pytest.raises(HandlerSignatureError, match=r"^@guard takes a function that says who may.*, not True\.$"):
        guard(True)  # type: ignore[arg-type]


def test_decorators_survive_static_methods_wrappers_and_partials() -> None:
    def logged(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    class Odd(Namespace):
        namespace = "/odd"

        @guard(note("static"))
        @staticmethod
        def on_static() -> str:
            return "static"

        @guard(note("above"))
        @logged
        @guard(note("below"))
        def on_wrapped(self) -> str:
            return "wrapped"

        @classmethod
        @guard(note("class"))
        def on_class(cls) -> str:
            return cls.namespace

    client = connect(Odd)
    assert [client.call("static"), client.call("wrapped"), client.call("class")] == ["static", "wrapped", "/odd"]
    assert log == ["static", "above", "below", "class"]


def test_async_middleware_is_seen_through_wrappers() -> None:
    def bare(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    @bare
    async def inner(handling: Handling, proceed: Proceed) -> Any:
        return await proceed()

    def plain(handling: Handling, proceed: Proceed) -> Any: ...

    @functools.wraps(plain)
    async def outer(handling: Handling, proceed: Proceed) -> Any:
        return await proceed()

    class Instance:
        async def __call__(self, handling: Handling, proceed: Proceed) -> Any:
            return await proceed()

    client = connect(Chat, middleware=[inner, outer, Instance(), functools.partial(inner)])
    assert client.call("double", 2) == 4


def test_namespace_itself_lets_clients_join_as_flask_socketios_does() -> None:
    app = Flask(__name__)
    SocketIO(app, namespaces=[Namespace("/x")])
    client = Client(app, "/x")
    with pytest.raises(EventError) as raised:
        client.call("anything")
    assert raised.value.code == "unknown_event"


# -- beside it


def test_answer_leaves_before_what_middleware_does_is_undone_by_flask() -> None:
    order: list[str] = []

    class Watching(Client):
        def _take(self, received: Received) -> None:
            order.append("ack" if received.kind == 3 else "other")
            super()._take(received)

    app = build(Chat, middleware=[lambda handling, proceed: proceed()])

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        order.append("teardown")

    client = Watching(app, Chat)
    order.clear()
    client.call("double", 1)
    assert order == ["ack", "teardown"]


def test_teardown_function_that_fails_after_the_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = build(Chat)
    client = Client(app, Chat)

    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        raise RuntimeError("the teardown's own")

    with caplog.at_level(logging.ERROR):
        assert client.call("double", 1) == 2
    assert "the teardown's own" in caplog.text


def test_answer_that_can_not_be_sent_is_no_failure_of_the_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_session() -> Iterator[str]:
        yield "open"
        log.append("session closed")

    class Shop(Namespace):
        def on_buy(self, session: str = Depends(open_session)) -> str:
            return session

        def on_error(self, error: Exception) -> None:
            log.append(error)

    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=[Shop])
    app.teardown_appcontext(lambda error: log.append("torn down"))
    server: Any = socketio.server

    def fail(*about: Any) -> None:
        monkeypatch.undo()  # once: the next answer is sent
        raise RuntimeError("can't start new thread")

    client = Client(app, Shop)
    assert client.call("buy") == "open"  # the first of a connection is special
    log.clear()
    monkeypatch.setattr(server, "_deliver", fail)
    with pytest.raises(EventError) as raised:
        client.call("buy")
    assert raised.value.code == "internal_error"
    assert log == ["session closed", "torn down"]
