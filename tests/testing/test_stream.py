"""The test kit's stream: what a test can do with it, and what it tells a test that is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from flask import Flask

from framework import EventError, Namespace, SocketIO
from framework.testing import Client, ClientFactory, ClientStream
from framework.testing import client as client_module

closed: list[str] = []


class Exports(Namespace):
    def on_count(self, most: int, *, step: int = 1) -> Iterator[int]:
        try:
            yield from range(0, most, step)
        finally:
            closed.append("count")

    async def on_wait(self) -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async def on_broken(self) -> AsyncIterator[int]:
        yield 1
        raise KeyError("a bug")

    def on_at_once(self) -> int:
        return 7


@pytest.fixture
def app() -> Flask:
    closed.clear()
    app = Flask("stream")
    SocketIO(app, namespaces=[Exports])
    return app


@pytest.fixture
def client(framework_client: ClientFactory) -> Client:
    return framework_client(Exports)


def test_a_stream_is_an_iterator_that_holds_the_handler_back(client: Client) -> None:
    stream = client.stream(Exports.on_count, 100)
    assert isinstance(stream, ClientStream)
    assert isinstance(stream, Iterator)
    assert (stream.id, stream.event) == ("1", "count")
    assert closed == []
    assert list(stream) == list(range(100))
    assert list(stream) == []
    assert closed == ["count"]


def test_arguments_have_their_names(client: Client) -> None:
    with pytest.raises(EventError, match="Invalid payload"):
        client.stream(Exports.on_count, most="many")  # type: ignore[arg-type]
    assert list(client.stream(Exports.on_count, most=3)) == [0, 1, 2]


def test_at_the_end_of_a_with_block_the_rest_is_cancelled(client: Client) -> None:
    with client.stream(Exports.on_count, 100) as stream:
        assert next(stream) == 0
        assert closed == []
    assert closed == ["count"]
    assert list(stream) == []
    assert not stream.cancel()
    with client.stream(Exports.on_count, 1) as stream:
        client.disconnect()


def test_what_came_before_it_was_cancelled_can_still_be_taken(client: Client) -> None:
    stream = client.stream(Exports.on_count, 100)
    assert stream.cancel()
    assert list(stream) == list(range(16))


def test_a_bug_shows_its_cause(client: Client) -> None:
    stream = client.stream(Exports.on_broken)
    assert next(stream) == 1
    with pytest.raises(EventError, match="internal_error") as failed:
        next(stream)
    assert isinstance(failed.value.__cause__, KeyError)


def test_a_client_that_has_left_is_told_from_one_that_waits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "DEFAULT_TIMEOUT_S", 0.01)
    waiting = client.stream(Exports.on_wait)
    assert next(waiting) == 1
    with pytest.raises(TimeoutError, match=r"^no part of the stream 'wait' came in 0\.01 s$"):
        next(waiting)
    client.drop()
    with pytest.raises(EventError, match="no_end"):
        next(waiting)
    assert list(waiting) == []
    assert not waiting.cancel()


def test_a_stream_is_not_called_and_a_call_not_streamed(client: Client) -> None:
    with pytest.raises(TypeError, match=r"^Exports\.on_count streams: iterate over client\.stream\(\.\.\.\)\.$"):
        client.call(Exports.on_count, 1)
    with pytest.raises(TypeError, match=r"^'at_once' was answered at once, with 7; it is no stream$"):
        client.stream("at_once")


def test_parts_of_streams_that_the_test_did_not_open_are_events(client: Client) -> None:
    assert client.call("count", 1) == {"stream": "1"}
    assert client.received("count") == [{"stream": "1", "chunk": 0}, {"stream": "1", "end": True}]
    client.clear()
    client.emit(Exports.on_count, 100)
    stream = client.stream(Exports.on_count, 2)
    assert list(stream) == [0, 1]
    assert len(client.received("count")) == 16


def test_streams_leave_nothing_behind_in_the_application(client: Client) -> None:
    failures: Any = client._extension.dispatch.failures
    for stream in (client.stream(Exports.on_count, 3), client.stream(Exports.on_broken)):
        with pytest.raises((EventError, StopIteration)):
            while True:
                next(stream)
    with client.stream(Exports.on_count, 100):
        pass
    client.stream(Exports.on_count, 100)
    client.drop()
    assert failures._watchers == []
