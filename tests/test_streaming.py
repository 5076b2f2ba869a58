"""The two kinds of stream by themselves: what is pulled when, and that each comes to exactly one end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import EventError
from framework.errors import HandlerExitError
from framework.streaming import AsyncStream, Stream, Streams, SyncStream

ENDLESS = 10**9


class Desk:
    """Where a stream goes in these tests, and what has come."""

    def __init__(self) -> None:
        self.chunks: list[Any] = []
        self.acks: deque[Callable[..., object]] = deque()
        self.ends: list[tuple[type[Exception] | None, bool, bool]] = []
        self.error: Exception | None = None
        self.room = True
        self.on_send: Callable[[], object] = lambda: None

    def send(self, chunk: Any, acknowledge: Callable[..., object]) -> None:
        self.chunks.append(chunk)
        self.acks.append(acknowledge)
        self.on_send()

    def has_room(self) -> bool:
        return self.room

    def finish(self, error: Exception | None, *, cancelled: bool, left: bool) -> None:
        self.error = error
        self.ends.append((type(error) if error else None, cancelled, left))


class Jobs(deque[Callable[[], object]]):
    """What was to run somewhere else, run when the test says so."""

    def run(self) -> None:
        while self:
            self.popleft()()


class Source:
    """Counts how often its generators are closed."""

    def __init__(self, count: int = ENDLESS) -> None:
        self.count = count
        self.pulled = 0
        self.closed = 0

    def sync(self) -> Iterator[int]:
        try:
            for number in range(self.count):
                self.pulled += 1
                yield number
        finally:
            self.closed += 1

    async def beside(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                self.pulled += 1
                yield number
        finally:
            await asyncio.sleep(0)
            self.closed += 1


def open_sync(source: Iterator[Any], desk: Desk, jobs: Jobs, window: int = 3) -> SyncStream:
    return SyncStream(source, desk, window, contextvars.copy_context(), jobs.append)


def open_async(source: AsyncIterator[Any], desk: Desk, loop: asyncio.AbstractEventLoop, window: int = 3) -> AsyncStream:
    return AsyncStream(source, loop, desk, window, contextvars.copy_context(), lambda job: job())


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def settle(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until nothing is left to do at once."""

    async def rest() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    loop.run_until_complete(rest())


# -- credit


def test_exactly_the_window_is_pulled_without_acks_and_one_for_each_ack() -> None:
    desk, jobs, source = Desk(), Jobs(), Source()
    stream = open_sync(source.sync(), desk, jobs)
    jobs.run()
    assert source.pulled == 0
    stream.start()
    jobs.run()
    assert desk.chunks == [0, 1, 2]
    desk.acks.popleft()()
    jobs.run()
    assert desk.chunks == [0, 1, 2, 3]
    desk.acks.popleft()("whatever", "comes with it")
    desk.acks.popleft()({"error": {"code": "odd"}})
    jobs.run()
    assert desk.chunks == [0, 1, 2, 3, 4, 5]
    assert source.pulled == 6
    assert not jobs


def test_exactly_the_window_is_pulled_of_an_async_stream(loop: asyncio.AbstractEventLoop) -> None:
    desk, source = Desk(), Source()
    stream = open_async(source.beside(), desk, loop)
    stream.start()
    settle(loop)
    assert desk.chunks == [0, 1, 2]
    desk.acks.popleft()()
    settle(loop)
    assert desk.chunks == [0, 1, 2, 3]
    assert source.pulled == 4
    stream.cancel()
    settle(loop)
    assert desk.ends == [(None, True, False)]


def test_one_chunk_at_a_time_goes_out_while_too_much_waits_to_be_sent(loop: asyncio.AbstractEventLoop) -> None:
    desk, jobs = Desk(), Jobs()
    desk.room = False
    open_sync(Source().sync(), desk, jobs).start()
    jobs.run()
    assert desk.chunks == [0]
    desk.acks.popleft()()
    jobs.run()
    assert desk.chunks == [0, 1]

    desk.chunks.clear()
    stream = open_async(Source().beside(), desk, loop)
    stream.start()
    settle(loop)
    assert desk.chunks == [0]
    desk.room = True
    desk.acks.pop()()
    settle(loop)
    assert desk.chunks == [0, 1, 2, 3]
    stream.cancel()
    settle(loop)


def test_an_ack_that_comes_while_the_chunk_is_sent_is_not_lost() -> None:
    desk, jobs, source = Desk(), Jobs(), Source(10)
    desk.on_send = lambda: desk.acks.popleft()()
    open_sync(source.sync(), desk, jobs, window=1).start()
    jobs.run()
    assert desk.chunks == list(range(10))
    assert desk.ends == [(None, False, False)]


# -- the end


def test_a_stream_that_is_cancelled_before_it_starts_runs_nothing(loop: asyncio.AbstractEventLoop) -> None:
    desk, jobs, source = Desk(), Jobs(), Source()
    stream: Stream = open_sync(source.sync(), desk, jobs)
    stream.cancel(left=True)
    stream.start()
    jobs.run()
    stream = open_async(source.beside(), desk, loop)
    stream.cancel(left=True)
    stream.start()
    settle(loop)
    assert (desk.chunks, source.pulled, desk.ends) == ([], 0, [(None, True, True)] * 2)


def test_an_iterator_that_was_begun_already_is_closed_when_it_is_cancelled_before_it_starts(
    loop: asyncio.AbstractEventLoop,
) -> None:
    source, async_source, desk, jobs = Source(), Source(), Desk(), Jobs()
    begun = source.sync()
    next(begun)
    stream: Stream = open_sync(begun, desk, jobs)
    stream.cancel()
    stream.start()
    jobs.run()
    begun_async = async_source.beside()
    loop.run_until_complete(anext(begun_async))  # type: ignore[arg-type]
    stream = open_async(begun_async, desk, loop)
    stream.start()
    stream.cancel()
    settle(loop)
    assert (source.closed, async_source.closed) == (1, 1)
    assert len(desk.ends) == 2


def test_a_chunk_that_was_made_while_the_client_cancelled_is_not_sent() -> None:
    desk, jobs = Desk(), Jobs()

    def chunks() -> Iterator[int]:
        yield 1
        stream.cancel()
        yield 2

    stream = open_sync(chunks(), desk, jobs)
    stream.start()
    jobs.run()
    assert desk.chunks == [1]
    assert desk.ends == [(None, True, False)]


def test_an_async_generator_that_waits_is_cancelled_at_once_and_may_await_in_its_finally(
    loop: asyncio.AbstractEventLoop,
) -> None:
    seen: list[str] = []

    async def chunks() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("cleaned up")

    desk = Desk()
    stream = open_async(chunks(), desk, loop)
    stream.start()
    settle(loop)
    stream.cancel()
    stream.cancel(left=True)  # again, in the middle of its cleaning up
    settle(loop)
    assert seen == ["cleaned up"]
    assert desk.ends == [(None, True, True)]


def test_an_async_generator_that_swallows_its_cancellation_is_ended_all_the_same(
    loop: asyncio.AbstractEventLoop,
) -> None:
    async def chunks() -> AsyncIterator[int]:
        while True:
            try:
                yield 1
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass

    desk = Desk()
    stream = open_async(chunks(), desk, loop)
    stream.start()
    settle(loop)
    stream.cancel()
    settle(loop)
    assert desk.chunks == [1]
    assert desk.ends == [(None, True, False)]


def test_a_generator_that_goes_on_when_it_is_closed_is_logged(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    def chunks() -> Iterator[int]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    async def async_chunks() -> AsyncIterator[int]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    desk, jobs = Desk(), Jobs()
    streams: list[Stream] = [open_sync(chunks(), desk, jobs, 1), open_async(async_chunks(), desk, loop, 1)]
    for stream in streams:
        stream.start()
        jobs.run()
        settle(loop)
        stream.cancel()
        jobs.run()
        settle(loop)
    assert desk.chunks == [1, 1]
    assert desk.ends == [(None, True, False)] * 2
    assert caplog.text.count("a stream failed while it was closed") == 2
    assert "ignored GeneratorExit" in caplog.text


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ValueError("no"), ValueError),
        (EventError("full"), EventError),
        (SystemExit(), HandlerExitError),
        (asyncio.CancelledError(), HandlerExitError),
        (GeneratorExit(), HandlerExitError),
    ],
)
def test_whatever_a_generator_raises_is_its_one_end(
    loop: asyncio.AbstractEventLoop, raised: BaseException, told: type[Exception]
) -> None:
    def chunks() -> Iterator[int]:
        yield 1
        raise raised

    async def async_chunks() -> AsyncIterator[int]:
        yield 1
        raise raised

    desk, jobs = Desk(), Jobs()
    open_sync(chunks(), desk, jobs).start()
    with contextlib.suppress(GeneratorExit):  # it is for whoever runs jobs
        jobs.run()
    assert desk.ends == [(told, False, False)]
    open_async(async_chunks(), desk, loop).start()
    settle(loop)
    assert desk.ends == [(told, False, False)] * 2
    assert desk.chunks == [1, 1]
    assert desk.error is raised or (desk.error is not None and desk.error.__cause__ is raised)


def test_what_a_generator_raises_while_it_is_closed_is_logged(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    def chunks() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise SystemExit

    async def async_chunks() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise SystemExit

    desk, jobs = Desk(), Jobs()
    streams: list[Stream] = [open_sync(chunks(), desk, jobs, 1), open_async(async_chunks(), desk, loop, 1)]
    for stream in streams:
        stream.start()
        jobs.run()
        settle(loop)
        stream.cancel()
        jobs.run()
        settle(loop)
    assert desk.ends == [(None, True, False)] * 2
    assert caplog.text.count("a stream failed while it was closed") == 2


def test_an_error_on_the_way_to_the_client_ends_the_stream_and_closes_the_generator(
    loop: asyncio.AbstractEventLoop,
) -> None:
    def refuse() -> None:
        raise TypeError("of another type")

    desk, jobs, source = Desk(), Jobs(), Source()
    desk.on_send = refuse
    open_sync(source.sync(), desk, jobs).start()
    jobs.run()
    open_async(source.beside(), desk, loop).start()
    settle(loop)
    assert desk.ends == [(TypeError, False, False)] * 2
    assert source.closed == 2


def test_an_iterator_that_can_t_be_closed_is_left_alone(loop: asyncio.AbstractEventLoop) -> None:
    class Numbers:
        def __aiter__(self) -> Numbers:
            return self

        async def __anext__(self) -> int:
            return 1

    desk, jobs = Desk(), Jobs()
    open_sync(iter([1, 2]), desk, jobs).start()
    jobs.run()
    stream = open_async(Numbers(), desk, loop, 2)
    stream.start()
    settle(loop)
    stream.cancel()
    settle(loop)
    assert desk.chunks == [1, 2, 1, 1]
    assert desk.ends == [(None, False, False), (None, True, False)]


def test_a_stream_for_which_no_thread_could_be_started_is_tried_again_by_the_next_ack() -> None:
    desk, jobs = Desk(), Jobs()
    full = True

    def spawn(job: Callable[[], object]) -> None:
        if full:
            raise RuntimeError("can't start new thread")
        jobs.append(job)

    stream = SyncStream(Source(1).sync(), desk, 3, contextvars.copy_context(), spawn)
    with pytest.raises(RuntimeError):
        stream.start()
    full = False
    stream.cancel()
    jobs.run()
    assert desk.ends == [(None, True, False)]


def test_all_of_a_stream_runs_in_one_context(loop: asyncio.AbstractEventLoop) -> None:
    place: contextvars.ContextVar[int] = contextvars.ContextVar("place", default=0)

    def count() -> int:
        place.set(place.get() + 1)
        return place.get()

    def chunks() -> Iterator[int]:
        while True:
            yield count()

    async def async_chunks() -> AsyncIterator[int]:
        while True:
            yield count()

    desk, jobs = Desk(), Jobs()
    open_sync(chunks(), desk, jobs, 1).start()
    jobs.run()
    thread = threading.Thread(target=lambda: (desk.acks.popleft()(), jobs.run()))
    thread.start()
    thread.join()
    stream = open_async(async_chunks(), desk, loop, 2)
    stream.start()
    settle(loop)
    assert desk.chunks == [1, 2, 1, 2]
    assert place.get() == 0
    stream.cancel()
    settle(loop)


# -- in any order

OPERATIONS = st.lists(st.sampled_from(["ack", "ack", "ack", "run", "run", "cancel", "leave"]), max_size=40)


def check(desk: Desk, source: Source, count: int, window: int, acked: int, stopped: bool) -> None:
    """What holds of a stream at each moment."""
    assert desk.chunks == list(range(len(desk.chunks)))
    assert len(desk.chunks) <= min(count, acked + window)
    assert len(desk.ends) <= 1
    assert source.closed <= 1
    if desk.ends and not stopped:
        assert len(desk.chunks) == count


@given(OPERATIONS, st.integers(0, 8), st.integers(1, 4))
def test_a_sync_stream_comes_in_order_and_to_one_end_whatever_happens(
    operations: list[str], count: int, window: int
) -> None:
    desk, jobs, source = Desk(), Jobs(), Source(count)
    stream = open_sync(source.sync(), desk, jobs, window)
    stream.start()
    acked, stopped = 0, False
    for operation in operations:
        if operation == "ack" and desk.acks:
            desk.acks.popleft()()
            acked += 1
        elif operation == "run" and jobs:
            jobs.popleft()()
        elif operation in ("cancel", "leave"):
            stream.cancel(left=operation == "leave")
            stopped = True
        check(desk, source, count, window, acked, stopped)
    stream.cancel()
    jobs.run()
    assert len(desk.ends) == 1
    assert source.closed == bool(source.pulled or desk.ends == [(None, False, False)])


@given(OPERATIONS, st.integers(0, 8), st.integers(1, 4))
def test_an_async_stream_comes_in_order_and_to_one_end_whatever_happens(
    operations: list[str], count: int, window: int
) -> None:
    loop = asyncio.new_event_loop()
    desk, source = Desk(), Source(count)
    stream = open_async(source.beside(), desk, loop, window)
    stream.start()
    acked, stopped = 0, False
    for operation in operations:
        if operation == "ack" and desk.acks:
            desk.acks.popleft()()
            acked += 1
        elif operation == "run":
            loop.run_until_complete(asyncio.sleep(0))
        elif operation in ("cancel", "leave"):
            stream.cancel(left=operation == "leave")
            stopped = True
        check(desk, source, count, window, acked, stopped)
    stream.cancel()
    settle(loop)
    assert len(desk.ends) == 1
    if source.pulled:
        assert source.closed == 1
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


# -- who has which


def test_ids_count_a_client_s_own_streams_and_come_never_again() -> None:
    streams = Streams()
    assert [streams.reserve("ada", 9) for _ in range(3)] == ["1", "2", "3"]
    assert streams.reserve("bob", 9) == "1"
    for stream_id in ("1", "2", "3"):
        streams.forget("ada", stream_id)
    assert streams.reserve("ada", 9) == "4"
    assert len(streams) == 2


def test_a_client_has_at_most_so_many_streams() -> None:
    streams = Streams()
    streams.reserve("ada", 2)
    streams.reserve("ada", 2)
    with pytest.raises(EventError, match="At most 2 streams at the same time") as refusal:
        streams.reserve("ada", 2)
    assert refusal.value.code == "too_many_streams"
    streams.reserve("bob", 2)
    streams.forget("ada", "1")
    assert streams.reserve("ada", 2) == "3"


def test_a_stream_is_cancelled_by_its_own_client_and_once() -> None:
    desk, jobs, streams = Desk(), Jobs(), Streams()
    stream = open_sync(Source().sync(), desk, jobs)
    stream_id = streams.reserve("ada", 9)
    assert not streams.cancel("ada", stream_id)  # nobody knows its id yet
    assert streams.add("ada", stream_id, stream)
    stream.start()
    assert not streams.cancel("bob", stream_id)
    assert not streams.cancel("ada", "2")
    assert streams.cancel("ada", stream_id)
    jobs.run()
    assert desk.ends == [(None, True, False)]
    streams.forget("ada", stream_id)
    assert not streams.cancel("ada", stream_id)


def test_a_client_that_leaves_ends_its_streams_and_those_that_come_late_have_no_place() -> None:
    desk, jobs, streams = Desk(), Jobs(), Streams()
    stream = open_sync(Source().sync(), desk, jobs)
    streams.add("ada", streams.reserve("ada", 9), stream)
    stream.start()
    late = streams.reserve("ada", 9)
    streams.drop("ada")
    streams.drop("ada")
    jobs.run()
    assert desk.ends == [(None, True, True)]
    assert not streams.add("ada", late, stream)
    streams.forget("ada", late)
    assert len(streams) == 0


def test_a_client_that_leaves_when_the_loop_is_closed_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    streams = Streams()
    streams.add("ada", streams.reserve("ada", 9), open_async(Source().beside(), Desk(), loop))
    loop.close()
    with caplog.at_level(logging.WARNING):
        streams.drop("ada")
    assert not caplog.records
