"""What a handler that streams can rely on, and what its client gets: in one process, through everything but the network."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from typing import Any

import flask
import flask_login
import pytest
from flask import Flask, g, request, session
from pydantic import BaseModel, Field

from framework import Depends, EventError, Handling, Limits, Namespace, SocketIO, guard, signals, use
from framework.testing import Client, ClientFactory

seen: list[Any] = []
place: contextvars.ContextVar[int] = contextvars.ContextVar("place", default=0)
WAIT_S = 10.0


class Row(BaseModel):
    number: int = Field(serialization_alias="no")
    data: bytes = b""


class Finished:
    """Waits for streams to be over, with everything that was made for them undone."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._codes: list[str] = []

    def __call__(self, sender: Any, *, code: str, **about: Any) -> None:
        with self._arrived:
            self._codes.append(code)
            self._arrived.notify_all()

    def wait(self, count: int = 1) -> list[str]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self._codes) >= count, WAIT_S)
            return self._codes


def connection() -> Iterator[str]:
    seen.append("open")
    try:
        yield "connection"
    finally:
        seen.append("close")


async def async_connection() -> AsyncIterator[asyncio.AbstractEventLoop]:
    seen.append("async open")
    try:
        yield asyncio.get_running_loop()
    except ValueError:
        seen.append("async saw the error")
        raise
    finally:
        await asyncio.sleep(0)
        seen.append("async close")


async def number() -> int:
    await asyncio.sleep(0)
    return 7


def never() -> bool:
    return False


def doubled(handling: Handling, proceed: Callable[[], Any]) -> Any:
    return (2 * chunk for chunk in proceed())


def from_a_cache(handling: Handling, proceed: Callable[[], Any]) -> Any:
    return [1, 2, 3]


async def async_layer(handling: Handling, proceed: Callable[[], Any]) -> Any:
    chunks = await proceed()
    seen.append(type(chunks).__name__)
    return chunks


def forgetful(handling: Handling, proceed: Callable[[], Any]) -> None:
    proceed()


class Exports(Namespace):
    namespace = "/exports"

    def on_disconnect(self) -> None:
        seen.append("disconnect")

    def after_event(self, handling: Handling, error: Exception | None) -> None:
        seen.append(("after", handling.event, error))

    def on_rows(self, count: int) -> Iterator[Row]:
        try:
            for number in range(count):
                yield Row(number=number, data=bytes([number]))
        finally:
            seen.append("finally")

    async def on_async_rows(self, count: int) -> AsyncIterator[Row]:
        try:
            for number in range(count):
                await asyncio.sleep(0)
                yield Row(number=number)
        finally:
            await asyncio.sleep(0)
            seen.append("finally")

    def on_numbers(self):  # type: ignore[no-untyped-def]
        yield from iter(int, 1)

    def on_plain(self, *words: str) -> Iterator[str]:
        return iter(words)

    def on_wrong(self) -> Iterator[int]:
        yield 1
        yield "secret"  # type: ignore[misc]

    async def on_fails(self, how: str) -> AsyncIterator[int]:
        yield 1
        raise self._error(how)

    def on_fails_sync(self, how: str) -> Iterator[int]:
        yield 1
        raise self._error(how)

    def _error(self, how: str) -> Exception:
        if how == "event":
            return EventError("quota", "Enough.", {"left": 0}, retry_after=2)
        if how == "unwritable":
            return EventError("odd", "half a character: \ud800")
        return EventError("odd", "No JSON.", object()) if how == "odd" else ValueError("the password is hunter2")

    def on_fails_at_once(self) -> Iterator[int]:
        raise EventError("closed", "Not now.")

    @guard(never, code="forbidden", message="Not you.")
    def on_guarded(self) -> Iterator[int]:
        seen.append("must not run")
        yield 1

    @use(doubled)
    def on_doubled(self, count: int) -> Iterator[int]:
        yield from range(count)

    @use(async_layer)
    def on_layered(self, count: int) -> Iterator[int]:
        yield from range(count)

    @use(from_a_cache)
    def on_cached(self) -> Iterator[int]:
        seen.append("must not run")
        yield 0

    @use(forgetful)
    def on_forgotten(self) -> Iterator[int]:
        yield 0

    def on_depends(self, count: int, found: str = Depends(connection), seven: int = Depends(number)) -> Iterator[str]:
        for _ in range(count):
            seen.append("chunk")
            yield f"{found} {seven}"

    async def on_depends_async(
        self,
        fails: bool,
        loop: asyncio.AbstractEventLoop = Depends(async_connection),
        found: str = Depends(connection),
    ) -> AsyncIterator[bool]:
        yield loop is asyncio.get_running_loop()
        if fails:
            raise ValueError
        yield True

    def on_flask(self) -> Iterator[Any]:
        g.mark = 0
        while True:
            g.mark += 1
            place.set(place.get() + 1)
            session["mark"] = g.mark
            about: Any = request
            yield [g.mark, place.get(), about.sid, about.event["message"], flask.current_app.name, self.sid]

    async def on_flask_async(self) -> AsyncIterator[Any]:
        g.mark = 0
        while True:
            await asyncio.sleep(0)
            g.mark += 1
            place.set(place.get() + 1)
            yield [g.mark, place.get(), self.sid]

    def on_mark(self) -> int | None:
        return session.get("mark")

    def on_leaves(self) -> Iterator[int]:
        try:
            yield 1
            self.disconnect()
            yield 2
        finally:
            seen.append("finally")


@pytest.fixture(autouse=True)
def forget() -> None:
    seen.clear()


@pytest.fixture
def app() -> Flask:
    app = Flask("feeds")
    app.config["SECRET_KEY"] = "a key for tests only"
    SocketIO(app, namespaces=[Exports])

    @app.teardown_request
    def tear_down(error: BaseException | None) -> None:
        if getattr(request, "event", {}).get("message") not in ("connect", "disconnect", "mark", "cancel_stream"):
            seen.append(("teardown", error))

    return app


@pytest.fixture
def client(framework_client: ClientFactory) -> Client:
    return framework_client(Exports)


@pytest.fixture
def finished() -> Iterator[Finished]:
    receiver = Finished()
    with signals.stream_ended.connected_to(receiver):
        yield receiver


def is_empty(client: Client) -> bool:
    """Whether nothing is left of any stream of the application."""
    extension = client._extension
    waiting = sum(len(callbacks) - 1 for callbacks in extension.server.manager.callbacks.values())  # and the counter
    return not len(extension.dispatch.streams) and not waiting


# -- chunks


def test_chunks_come_in_order_and_in_their_type(client: Client) -> None:
    rows = list(client.stream(Exports.on_rows, 100))
    assert rows == [Row(number=number, data=bytes([number])) for number in range(100)]
    assert list(client.stream(Exports.on_async_rows, 100)) == [Row(number=number) for number in range(100)]
    assert is_empty(client)


def test_by_name_the_parts_are_as_on_the_wire(client: Client) -> None:
    client.emit("rows", 2)
    assert client.received("rows") == [
        {"stream": "1", "chunk": {"no": 0, "data": b"\x00"}},
        {"stream": "1", "chunk": {"no": 1, "data": b"\x01"}},
        {"stream": "1", "end": True},
    ]
    assert list(client.stream("rows", 1)) == [{"no": 0, "data": b"\x00"}]


def test_an_empty_stream_ends_at_once(client: Client) -> None:
    assert list(client.stream(Exports.on_rows, 0)) == []
    assert list(client.stream(Exports.on_plain)) == []
    assert list(client.stream(Exports.on_async_rows, 0)) == []


def test_a_plain_function_may_return_an_iterator(client: Client) -> None:
    assert list(client.stream(Exports.on_plain, "a", "b")) == ["a", "b"]


def test_an_endless_generator_is_pulled_as_far_as_the_client_takes_it(client: Client) -> None:
    with client.stream(Exports.on_numbers) as numbers:
        assert [next(numbers) for _ in range(1000)] == [0] * 1000
    assert is_empty(client)


def test_two_streams_of_one_event_run_side_by_side(client: Client) -> None:
    first, second = client.stream(Exports.on_rows, 40), client.stream(Exports.on_rows, 50)
    together = [*zip(first, second, strict=False)]
    assert [(one.number, other.number) for one, other in together] == [(number, number) for number in range(40)]
    assert [row.number for row in second] == list(range(40, 50))


def test_a_stream_that_waits_for_its_client_lets_the_client_s_events_through(client: Client) -> None:
    stalled = [client.stream(Exports.on_rows, 100) for _ in range(5)]
    assert client.call(Exports.on_mark) is None
    assert [len(list(stream)) for stream in stalled] == [100] * 5


def test_untyped_chunks_go_through_the_application_s_own_json() -> None:
    class Json:
        @staticmethod
        def dumps(value: Any, **options: Any) -> str:
            return json.dumps(value, default=str, **options)

        loads = staticmethod(json.loads)

    app = Flask("json")
    socketio = SocketIO(app, json=Json)

    @socketio.on("prices")
    def prices():  # type: ignore[no-untyped-def]
        yield Decimal("1.5")

    assert list(Client(app).stream("prices")) == ["1.5"]


# -- how it ends


def test_a_stream_can_be_cancelled_at_once_in_the_middle_and_not_after_its_end(
    client: Client, finished: Finished
) -> None:
    for handler in (Exports.on_rows, Exports.on_async_rows):
        stream = client.stream(handler, 100)
        assert stream.cancel()
        rest = list(stream)
        assert len(rest) <= 16
        stream = client.stream(handler, 100)
        next(stream)
        assert stream.cancel()
        list(stream)
        assert not stream.cancel()
        assert not client.call("cancel_stream", stream.id)
    assert finished.wait(4) == ["cancelled"] * 4
    assert is_empty(client)


def test_the_finally_of_a_cancelled_generator_has_run_when_the_end_comes(client: Client) -> None:
    for handler in (Exports.on_rows, Exports.on_async_rows):
        seen.clear()
        stream = client.stream(handler, 100)
        next(stream)
        stream.cancel()
        list(stream)
        assert seen.count("finally") == 1


def test_nobody_else_can_cancel_a_stream(client: Client, framework_client: ClientFactory) -> None:
    other = framework_client(Exports)
    stream = client.stream(Exports.on_rows, 100)
    assert not other.call("cancel_stream", stream.id)
    assert not other.call("cancel_stream", "no id")
    with pytest.raises(EventError, match="Invalid payload") as refusal:
        other.call("cancel_stream", {"stream": stream.id})
    assert refusal.value.code == "invalid_payload"
    assert len(list(stream)) == 100


@pytest.mark.parametrize("leave", ["disconnect", "drop", "kick"])
def test_a_client_that_leaves_ends_its_streams(client: Client, finished: Finished, leave: str) -> None:
    streams = [client.stream(Exports.on_rows, 100), client.stream(Exports.on_async_rows, 100)]
    for stream in streams:
        next(stream)
    if leave == "kick":
        client._extension.server.disconnect(client.sid, namespace="/exports")
    else:
        getattr(client, leave)()
    assert finished.wait(2) == ["left", "left"]
    assert seen.count("finally") == 2
    assert seen.count("disconnect") == 1
    assert is_empty(client)
    assert client._extension.dispatch.streams._clients == {}
    for stream in streams:
        with pytest.raises(EventError, match="came to no end: its client has left"):
            list(stream)


def test_a_generator_may_disconnect_its_client(client: Client, finished: Finished) -> None:
    stream = client.stream(Exports.on_leaves)
    assert next(stream) == 1
    assert finished.wait() == ["left"]
    assert seen.count("finally") == 1
    assert is_empty(client)
    with pytest.raises(EventError, match="no end"):
        next(stream)


def test_a_handler_that_disconnects_its_client_before_it_streams_leaves_nothing_behind(finished: Finished) -> None:
    class Leaving(Namespace):
        def on_export(self) -> Iterator[int]:
            self.disconnect()
            return iter([1])

    app = Flask("leaving")
    socketio = SocketIO(app, namespaces=[Leaving])
    client = Client(app, Leaving)
    client.emit(Leaving.on_export)
    assert finished.wait() == ["left"]
    assert socketio.dispatch is not None
    assert socketio.dispatch.streams._clients == {}


def test_a_client_that_is_gone_before_its_handler_runs_leaves_nothing_behind(finished: Finished) -> None:
    def kick(handling: Handling, proceed: Callable[[], Any]) -> Any:
        socketio.server.disconnect(handling.sid, namespace=handling.namespace)
        return proceed()

    class Leaving(Namespace):
        @use(kick)
        def on_export(self) -> Iterator[int]:
            yield 1

        @use(kick)
        async def on_async_export(self) -> AsyncIterator[int]:
            yield 1

    app = Flask("leaving")
    socketio = SocketIO(app, namespaces=[Leaving])
    for handler in (Leaving.on_export, Leaving.on_async_export):
        Client(app, Leaving).emit(handler)
    assert finished.wait(2) == ["left", "left"]
    assert socketio.dispatch is not None
    assert socketio.dispatch.streams._clients == {}


def test_an_end_that_can_t_be_written_is_logged_and_undone_all_the_same(
    client: Client, finished: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    client.emit("fails", "unwritable")
    assert finished.wait() == ["odd"]
    assert "the end of a stream could not be sent" in caplog.text
    assert is_empty(client)


def test_an_error_at_the_start_is_the_error_ack(client: Client) -> None:
    for call, code in (
        (lambda: client.stream(Exports.on_rows, "many"), "invalid_payload"),  # type: ignore[arg-type]
        (lambda: client.stream(Exports.on_guarded), "forbidden"),
        (lambda: client.stream(Exports.on_fails_at_once), "closed"),
        (lambda: client.stream(Exports.on_forgotten), "internal_error"),
    ):
        with pytest.raises(EventError) as refusal:
            call()
        assert refusal.value.code == code
    assert "must not run" not in seen
    assert is_empty(client)


@pytest.mark.parametrize("handler", [Exports.on_fails, Exports.on_fails_sync])
def test_an_event_error_ends_a_stream_in_the_handler_s_own_words(client: Client, handler: Any) -> None:
    stream = client.stream(handler, "event")
    assert next(stream) == 1
    with pytest.raises(EventError) as failure:
        next(stream)
    error = failure.value
    assert (error.code, error.message, error.details, error.retry_after) == ("quota", "Enough.", {"left": 0}, 2)
    assert list(stream) == []


@pytest.mark.parametrize("event", ["fails", "fails_sync"])
def test_another_exception_is_masked_under_an_id_that_is_in_the_log(
    client: Client, event: str, caplog: pytest.LogCaptureFixture, finished: Finished
) -> None:
    client.emit(event, "hard")
    finished.wait()
    error = client.received(event)[-1]["error"]
    assert client.received(event)[-1] == {"stream": "1", "error": error}
    assert (error["code"], error["message"], error["event"]) == ("internal_error", "Internal error.", event)
    assert f"Exports.on_{event} (" in caplog.text
    assert f"failed on {event} [{error['id']}]" in caplog.text
    assert "hunter2" in caplog.text


def test_details_that_are_no_json_are_left_out(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    stream = client.stream(Exports.on_fails, "odd")
    with pytest.raises(EventError, match="No JSON") as failure:
        list(stream)
    assert failure.value.details is None
    assert "the details of an EventError are no JSON" in caplog.text


def test_a_chunk_of_another_type_is_our_error(client: Client) -> None:
    stream = client.stream(Exports.on_wrong)
    assert next(stream) == 1
    with pytest.raises(EventError) as failure:
        next(stream)
    assert failure.value.code == "internal_error"
    assert "secret" not in failure.value.message
    assert "yielded a value of type str that can't be sent as declared" in str(failure.value.__cause__)
    assert is_empty(client)


def test_an_error_handler_sees_what_a_stream_raises_and_may_say_it_better() -> None:
    class Translating(Namespace):
        def on_error(self, error: Exception) -> None:
            if isinstance(error, KeyError):
                raise EventError("missing", "It is gone.")

        async def on_export(self, how: str) -> AsyncIterator[int]:
            yield 1
            raise KeyError if how == "key" else ValueError

    app = Flask("translating")
    SocketIO(app, namespaces=[Translating])
    client = Client(app, Translating)
    with pytest.raises(EventError, match="It is gone"):
        list(client.stream(Translating.on_export, "key"))
    with pytest.raises(EventError, match="The handler failed") as failure:
        list(client.stream(Translating.on_export, "value"))
    assert failure.value.code == "internal_error"


# -- bounds


def test_a_client_has_at_most_so_many_streams_at_the_same_time(app: Flask, framework_client: ClientFactory) -> None:
    app.extensions["socketio"].server.limits = Limits(max_streams=2)
    client, other = framework_client(Exports), framework_client(Exports)
    first, second = client.stream(Exports.on_rows, 100), client.stream(Exports.on_plain, *"a" * 17)
    with pytest.raises(EventError, match="At most 2 streams at the same time") as refusal:
        client.stream(Exports.on_fails_at_once)
    assert refusal.value.code == "too_many_streams"
    with pytest.raises(EventError, match="At most 2 streams"):
        client.stream(Exports.on_cached)
    assert len(list(other.stream(Exports.on_rows, 20))) == 20
    for _ in range(20):  # each ended before the next one is asked for
        list(first)
        first = client.stream(Exports.on_async_rows, 1)
    list(second)
    list(first)
    assert is_empty(client)


def test_a_call_that_fails_takes_no_place(app: Flask, framework_client: ClientFactory) -> None:
    app.extensions["socketio"].server.limits = Limits(max_streams=1)
    client = framework_client(Exports)
    for _ in range(3):
        with pytest.raises(EventError, match="Not now"):
            client.stream(Exports.on_fails_at_once)
        with pytest.raises(EventError, match="Internal error"):
            client.stream(Exports.on_forgotten)
    assert list(client.stream(Exports.on_plain, "a")) == ["a"]


def test_acks_that_never_come_are_not_waited_for_after_the_end(client: Client) -> None:
    for _ in range(100):
        client.emit(Exports.on_plain, *"abc")
    assert len(client.received("plain")) == 400
    assert is_empty(client)


# -- what is around


def test_middleware_sees_the_iterator_and_may_put_another_in_its_place(client: Client) -> None:
    assert list(client.stream(Exports.on_doubled, 20)) == list(range(0, 40, 2))
    assert list(client.stream(Exports.on_layered, 20)) == list(range(20))
    assert seen.count("generator") == 1
    assert list(client.stream(Exports.on_cached)) == [1, 2, 3]
    assert "must not run" not in seen


def test_middleware_that_forgets_to_return_the_iterator_is_told(client: Client) -> None:
    with pytest.raises(EventError) as failure:
        client.stream(Exports.on_forgotten)
    assert "a value of type NoneType came where an iterator is to be streamed" in str(failure.value.__cause__)


def test_after_event_is_called_when_the_stream_begins(client: Client) -> None:
    stream = client.stream(Exports.on_depends, 100)
    assert ("after", "depends", None) in seen
    stream.cancel()


def test_dependencies_live_until_the_end(client: Client, finished: Finished) -> None:
    stream = client.stream(Exports.on_depends, 20)
    assert list(stream) == ["connection 7"] * 20
    assert finished.wait() == ["ok"]
    assert seen == ["open", ("after", "depends", None), *["chunk"] * 20, "close", ("teardown", None)]
    seen.clear()
    stream = client.stream(Exports.on_depends, 100)
    client.drop()
    assert finished.wait(2) == ["ok", "left"]
    assert (seen.count("open"), seen.count("close"), seen.count(("teardown", None))) == (1, 1, 1)


def test_async_dependencies_share_the_loop_of_the_generator(client: Client, finished: Finished) -> None:
    assert list(client.stream(Exports.on_depends_async, False)) == [True, True]
    finished.wait()
    made = [entry for entry in seen if isinstance(entry, str)]
    assert made == ["async open", "open", "close", "async close"]


def test_a_dependency_sees_the_error_of_a_stream_and_teardown_functions_too(client: Client, finished: Finished) -> None:
    with pytest.raises(EventError):
        list(client.stream(Exports.on_depends_async, True))
    assert finished.wait() == ["internal_error"]
    assert seen.count("async saw the error") == 1
    (teardown,) = [entry for entry in seen if entry[0] == "teardown"]
    assert isinstance(teardown[1], ValueError)


def test_flask_s_contexts_are_the_same_for_every_chunk(client: Client, finished: Finished) -> None:
    with client.stream(Exports.on_flask) as chunks:
        for number in range(1, 50):
            assert next(chunks) == [number, number, client.sid, "flask", "feeds", client.sid]
        other = client.stream(Exports.on_flask)
        assert next(other)[:2] == [1, 1]
        assert ("teardown", None) not in seen
        other.cancel()
    with client.stream(Exports.on_flask_async) as chunks:
        for number in range(1, 50):
            assert next(chunks) == [number, number, client.sid]
    assert finished.wait(3) == ["cancelled"] * 3
    assert seen.count(("teardown", None)) == 3
    assert place.get() == 0
    assert client.call(Exports.on_mark) is not None
    assert not flask.has_app_context()


def test_current_user_is_there_in_later_chunks() -> None:
    class People(Namespace):
        def on_names(self) -> Iterator[str]:
            while True:
                yield flask_login.current_user.get_id()

        async def on_async_names(self) -> AsyncIterator[str]:
            while True:
                await asyncio.sleep(0)
                yield flask_login.current_user.get_id()

    class User(flask_login.UserMixin):  # type: ignore[misc]
        id = "ada"

    app = Flask("people")
    app.secret_key = "a key for tests only"
    manager = flask_login.LoginManager(app)
    manager.request_loader(lambda request: User())
    SocketIO(app, namespaces=[People])
    client = Client(app, People)
    for handler in (People.on_names, People.on_async_names):
        with client.stream(handler) as names:
            assert [next(names) for _ in range(40)] == ["ada"] * 40


def test_a_teardown_function_that_fails_is_logged(
    app: Flask, client: Client, finished: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        raise RuntimeError("broken teardown")

    assert list(client.stream(Exports.on_plain, "a")) == ["a"]
    finished.wait()
    assert "broken teardown" in caplog.text
    assert is_empty(client)


def test_the_end_of_a_stream_is_signalled(app: Flask, client: Client) -> None:
    ended: list[dict[str, Any]] = []

    def receive(sender: Any, **about: Any) -> None:
        assert sender is app
        ended.append(about)

    with signals.stream_ended.connected_to(receive):
        list(client.stream(Exports.on_plain, "a", "b"))
    (about,) = ended
    assert about.pop("duration_s") > 0
    assert about == {"namespace": "/exports", "event": "plain", "sid": client.sid, "code": "ok", "chunks": 2}


@pytest.mark.parametrize("async_handlers", [True, False])
def test_streams_run_beside_the_events_in_every_order(async_handlers: bool) -> None:
    app = Flask("order")
    SocketIO(app, namespaces=[Exports], async_handlers=async_handlers)
    client = Client(app, Exports)
    assert len(list(client.stream(Exports.on_rows, 50))) == 50
    assert len(list(client.stream(Exports.on_async_rows, 50))) == 50
    stream = client.stream(Exports.on_rows, 50)
    assert client.call("cancel_stream", stream.id)
    client.drop()


def test_a_function_streams_like_a_method() -> None:
    app = Flask("functions")
    socketio = SocketIO(app)

    @socketio.on("count")
    def count(most: int) -> Iterator[int]:
        yield from range(most)

    @socketio.on("tick", namespace="/other")
    async def tick() -> AsyncIterator[int]:
        while True:
            yield 1

    client, other = Client(app), Client(app, "/other")
    assert list(client.stream("count", 40)) == list(range(40))
    with other.stream("tick") as ticks:
        assert next(ticks) == 1
    stream = client.stream("count", 40)
    assert client.call("cancel_stream", stream.id)


def test_routes_show_what_an_event_streams_and_how_it_is_cancelled(app: Flask) -> None:
    routes = {route.event: route for route in app.extensions["socketio"].routes()}
    assert routes["rows"].ack == "stream of Row"
    assert routes["numbers"].ack == "stream"
    assert (routes["cancel_stream"].arguments, routes["cancel_stream"].ack) == ("stream: str", "bool")


def test_a_message_of_the_log_names_the_handler(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(EventError):
        list(client.stream(Exports.on_wrong))
    assert "Exports.on_wrong (" in caplog.text
