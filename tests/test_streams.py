"""What a handler declares to stream, and how its chunks are written."""

from __future__ import annotations

import collections.abc
import functools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from decimal import Decimal
from typing import Any, Generic, TypeVar

import pytest
from pydantic import BaseModel, Field

from framework import Event, HandlerSignatureError, Namespace, SocketIO, event
from framework.errors import AckError, ConfigurationError
from framework.handlers import CANCEL_STREAM
from framework.streams import Chunks

HERE = r"\(\S*test_streams\.py:\d+\)"
T = TypeVar("T")


class Row(BaseModel):
    number: int = Field(serialization_alias="no")
    data: bytes = b""


def chunks_of(cls: type[Namespace], name: str) -> Chunks:
    chunks = cls._handlers.events[name].chunks
    assert chunks is not None
    return chunks


def refused(sentence: str) -> Any:
    return pytest.raises(HandlerSignatureError, match=sentence)


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


# -- what a handler declares


def test_every_way_to_annotate_a_generator_gives_the_type_of_a_chunk() -> None:
    class Ways(Namespace):
        def on_iterator(self) -> Iterator[Row]:
            yield Row(number=1)

        def on_iterable(self) -> Iterable[Row]:
            yield Row(number=1)

        def on_generator(self) -> Generator[Row, None, str]:
            yield Row(number=1)
            return "which nobody gets"

        async def on_async_iterator(self) -> AsyncIterator[Row]:
            yield Row(number=1)

        async def on_async_generator(self) -> AsyncGenerator[Row, None]:
            yield Row(number=1)

        def on_plain(self) -> Iterator[Row]:
            return iter([Row(number=1)])

        def on_plain_async(self) -> AsyncIterator[Row]:
            return self.on_async_iterator()

        @logged
        def on_wrapped(self) -> Iterator[Row]:
            yield Row(number=1)

        @staticmethod
        def on_static() -> Iterator[Row]:
            yield Row(number=1)

    names = set(Ways._handlers.events) - {CANCEL_STREAM}
    assert {chunks_of(Ways, name).annotation for name in names} == {Row}
    assert {name for name in names if chunks_of(Ways, name).is_async} == {
        "async_iterator",
        "async_generator",
        "plain_async",
    }


def test_a_generator_without_the_type_of_a_chunk_is_untyped() -> None:
    class Untyped(Namespace):
        def on_nothing(self):  # type: ignore[no-untyped-def]
            yield 1

        def on_any(self) -> Any:
            yield 1

        def on_bare(self) -> collections.abc.Iterator:  # type: ignore[type-arg]
            yield 1

        async def on_async(self):  # type: ignore[no-untyped-def]
            yield 1

    assert not any(chunks_of(Untyped, name).typed for name in ("nothing", "any", "bare", "async"))
    assert chunks_of(Untyped, "async").is_async


def test_a_plain_function_that_returns_a_collection_streams_nothing() -> None:
    class Plain(Namespace):
        def on_list(self) -> list[int]:
            return [1]

        def on_iterable(self) -> Iterable[int]:
            return [1]

    assert all(handler.chunks is None for handler in Plain._handlers.events.values())
    assert CANCEL_STREAM not in Plain._handlers.events


def test_the_type_of_a_chunk_is_a_generic_base_s_argument() -> None:
    class Exports(Namespace, Generic[T]):
        def on_export(self) -> Iterator[T]:
            raise NotImplementedError

    class Rows(Exports[Row]):
        namespace = "/rows"

    assert chunks_of(Rows, "export").annotation is Row


def test_a_subclass_may_stream_what_its_base_answers_at_once() -> None:
    class Base(Namespace):
        def on_export(self) -> Any:
            return [1]

    class Streaming(Base):
        def on_export(self) -> Iterator[int]:
            yield 1

    class Further(Streaming):
        pass

    assert Base._handlers.events["export"].chunks is None
    assert chunks_of(Further, "export").annotation is int
    assert set(Further._handlers.events) == {"export", CANCEL_STREAM}


def test_a_generator_that_says_it_returns_something_else_is_refused() -> None:
    with refused(rf"^Bad\.on_export {HERE}: the return annotation int can't be an ack: it yields, so write Iterator\["):

        class Bad(Namespace):
            def on_export(self) -> int:  # type: ignore[misc]
                yield 1

    with refused("it yields, so write Iterator"):

        class Worse(Namespace):
            @logged
            async def on_export(self) -> Row:  # type: ignore[misc]
                yield Row(number=1)


def test_sync_and_async_can_t_be_mixed_up() -> None:
    with refused(r"an async generator is an AsyncIterator\[\.\.\.\], any other an Iterator\[\.\.\.\]"):

        class Bad(Namespace):
            async def on_export(self) -> Iterator[int]:  # type: ignore[misc]
                yield 1

    with refused("an async generator is an AsyncIterator"):

        class Worse(Namespace):
            def on_export(self) -> AsyncIterator[int]:  # type: ignore[misc]
                yield 1

    with refused("a stream is made by a generator, or by a plain function that returns one"):

        class Worst(Namespace):
            async def on_export(self) -> Iterator[int]:
                return iter([1])


def test_a_chunk_that_pydantic_can_t_write_is_refused() -> None:
    class Lock: ...

    with refused(rf"^Bad\.on_export {HERE}: the return annotation .*Lock.* can't be an ack: .*use a model"):

        class Bad(Namespace):
            def on_export(self) -> Iterator[Lock]:
                yield Lock()


def test_connect_and_disconnect_stream_nothing() -> None:
    for name in ("connect", "disconnect"):

        def on_life(self: Any) -> Any:
            yield 1

        with refused(rf"^Bad\.on_{name} {HERE}: a {name} handler has nobody to stream to\. Remove its 'yield'\."):
            type("Bad", (Namespace,), {f"on_{name}": on_life})


def test_a_declared_event_of_the_name_of_a_stream_is_refused() -> None:
    with refused(
        rf"^Bad\.progress {HERE}: Bad\.on_export {HERE} streams, and the parts of its stream are events of the name "
        r"'export', too\. Give one of them another name\."
    ):

        class Bad(Namespace):
            progress = Event[int](name="export")

            def on_export(self) -> Iterator[int]:
                yield 1

    class Base(Namespace):
        export = Event[int]()

    with refused(rf"^Worse\.export {HERE}: Worse\.serve {HERE} streams"):

        class Worse(Base):
            @event("export")
            def serve(self) -> Iterator[int]:
                yield 1

    class Fine(Base):
        def on_export(self) -> int:
            return 1


def test_cancel_stream_is_taken_where_there_are_streams() -> None:
    with refused(rf"^Bad\.on_cancel_stream {HERE}: with Bad streaming, the event 'cancel_stream' ends a stream\."):

        class Bad(Namespace):
            def on_cancel_stream(self) -> None: ...

            def on_export(self) -> Iterator[int]:
                yield 1

    class Fine(Namespace):
        def on_cancel_stream(self) -> None: ...

    socketio = SocketIO()

    @socketio.on("export")
    def export() -> Iterator[int]:
        yield 1

    with refused(
        r"test_streams\.\S+cancel \(\S+\): with a function on '/' streaming, the event 'cancel_stream' ends a"
    ):

        @socketio.on("cancel_stream")
        def cancel() -> None: ...


def test_a_class_that_routes_its_events_itself_can_t_stream(app_of: Any) -> None:
    class Router(Namespace):
        def on_export(self) -> Iterator[int]:
            yield 1

        def trigger_event(self, event: str, *args: Any) -> Any:
            return super().trigger_event(event, *args)

    with pytest.raises(ConfigurationError, match=rf"^Router\.on_export {HERE} streams, and Router routes its events"):
        app_of(Router)


@pytest.fixture
def app_of() -> Any:
    from flask import Flask

    return lambda namespace: SocketIO(Flask("streams"), namespaces=[namespace])


# -- chunks


def test_a_chunk_is_written_in_its_output_schema_with_its_bytes_apart() -> None:
    text, attachments = Chunks(Row, is_async=False).encode("export", "7", Row(number=1, data=b"x"))
    assert json.loads(text) == [
        "export",
        {"stream": "7", "chunk": {"no": 1, "data": {"_placeholder": True, "num": 0}}},
    ]
    assert attachments == [b"x"]


@pytest.mark.parametrize("chunk", [None, [], {}, {"error": {"code": "not one"}}, 'a "quoted" ü', 1.5, [[1], {"a": []}]])
def test_an_untyped_chunk_is_written_as_it_is(chunk: Any) -> None:
    encoded = Chunks(Any, is_async=False).encode('odd "name" ü', "7", chunk)
    assert json.loads(encoded.text) == ['odd "name" ü', {"stream": "7", "chunk": chunk}]


def test_the_application_s_own_json_writes_untyped_chunks() -> None:
    encoded = Chunks(Any, is_async=False).encode(
        "export", "7", Decimal(1), lambda value: json.dumps(value, default=str)
    )
    assert json.loads(encoded.text) == ["export", {"stream": "7", "chunk": "1"}]


@pytest.mark.parametrize("chunk", ["text", None, object(), float("nan")])
def test_a_chunk_of_another_type_is_the_handler_s_mistake(chunk: Any) -> None:
    with pytest.raises(AckError, match=rf"^yielded a value of type {type(chunk).__name__} that can't be sent"):
        Chunks(int, is_async=False).encode("export", "7", chunk)


def test_an_untyped_chunk_that_is_no_json_is_the_handler_s_mistake() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for chunk in (object(), float("inf"), deep):
        with pytest.raises(AckError, match="that can't be sent"):
            Chunks(Any, is_async=False).encode("export", "7", chunk)


@pytest.mark.parametrize("source", [None, 1, "text", b"bytes", {"a": 1}])
def test_what_is_no_stream_is_not_streamed(source: Any) -> None:
    kind = type(source).__name__
    with pytest.raises(AckError, match=f"^a value of type {kind} came where an iterator is to be streamed"):
        Chunks(Any, is_async=False).iterate(source)
    with pytest.raises(AckError, match=f"^a value of type {kind} came where an async iterator is to be streamed"):
        Chunks(Any, is_async=True).iterate(source)


def test_middleware_may_give_a_list_in_the_place_of_a_generator() -> None:
    assert list(Chunks(int, is_async=False).iterate([1, 2])) == [1, 2]
