"""`framework.transport.workers`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from framework.transport.workers import Job, Lane, ThreadPool, Turn

WAIT_S = 10.0


def build_lane(pool: ThreadPool, *, limit: int = 1000, max_bytes: int = 1000) -> Lane:
    return Lane(pool, limit, max_bytes)


def finish(lane: Lane) -> None:
    """Return when everything before is done."""
    done = threading.Event()
    lane.put(done.set)
    assert done.wait(WAIT_S)


def test_jobs_of_one_lane_run_in_their_order() -> None:
    lane = build_lane(ThreadPool())
    ran: list[int] = []
    for number in range(500):
        lane.put(lambda number=number: ran.append(number))  # type: ignore[misc]
    finish(lane)
    assert ran == list(range(500))


def test_jobs_of_two_lanes_run_side_by_side() -> None:
    pool = ThreadPool()
    barrier = threading.Barrier(2)
    lanes = [build_lane(pool) for _ in range(2)]
    for lane in lanes:
        lane.put(lambda: barrier.wait(WAIT_S))
    for lane in lanes:
        finish(lane)
    assert not barrier.broken


def test_threads_are_used_again() -> None:
    pool = ThreadPool()
    seen: set[int] = set()
    for _ in range(50):
        lane = build_lane(pool)
        lane.put(lambda: seen.add(threading.get_ident()))
        finish(lane)
    assert len(seen) <= 3  # one that is about to be idle is not counted on yet


def exit_thread() -> None:
    sys.exit("a handler's mistake")


def fail() -> None:
    raise ValueError("a handler's mistake")


def cancel() -> None:
    raise BaseExceptionGroup("a handler's mistake", [KeyboardInterrupt()])


@pytest.mark.parametrize("job", [exit_thread, fail, cancel])
def test_job_that_fails_is_logged_and_the_next_one_runs(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    lane = build_lane(ThreadPool())
    lane.put(job)
    finish(lane)
    assert "a handler's mistake" in caplog.text


@pytest.mark.parametrize("job", [exit_thread, fail])
def test_job_that_fails_in_the_pool_ends_no_thread(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    pool = ThreadPool()
    done = threading.Event()
    pool.submit(job)
    pool.submit(done.set)
    assert done.wait(WAIT_S)


@pytest.mark.parametrize(("limit", "max_bytes"), [(1, 1000), (1000, 10)])
def test_full_lane_says_so_and_calls_back_as_soon_as_there_is_room(limit: int, max_bytes: int) -> None:
    lane = build_lane(ThreadPool(), limit=limit, max_bytes=max_bytes)
    gate, running, room = threading.Event(), threading.Event(), threading.Event()
    lane.put(lambda: (running.set(), gate.wait(WAIT_S)))
    assert running.wait(WAIT_S)
    assert lane.put(lambda: None, size_bytes=8)
    assert not lane.put(lambda: None, size_bytes=8)
    lane.when_room(room.set)
    assert not room.is_set()
    gate.set()
    assert room.wait(WAIT_S)
    finish(lane)


def test_who_waits_for_room_in_a_lane_goes_on_when_there_is_some() -> None:
    lane = build_lane(ThreadPool(), limit=1)
    gate, running, waited = threading.Event(), threading.Event(), threading.Event()
    lane.put(lambda: (running.set(), gate.wait(WAIT_S)))
    assert running.wait(WAIT_S)
    lane.put(lambda: None)
    lane.put(lambda: None)

    def wait() -> None:
        lane.wait_for_room(threading.Event)
        waited.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not waited.is_set()
    gate.set()
    assert waited.wait(WAIT_S)
    thread.join(WAIT_S)


def test_lane_with_room_calls_back_at_once() -> None:
    room = threading.Event()
    build_lane(ThreadPool()).when_room(room.set)
    assert room.is_set()


def test_turn_is_given_to_one_thread_at_a_time() -> None:
    lane = build_lane(ThreadPool())
    assert lane.begin()
    assert not lane.begin()
    lane.end()
    assert lane.begin()


def test_job_that_comes_while_somebody_has_the_turn_runs_after_it() -> None:
    lane = build_lane(ThreadPool())
    ran: list[str] = []
    done = threading.Event()
    assert lane.begin()
    lane.put(lambda: ran.append("put"))
    lane.put(done.set)
    ran.append("inline")
    lane.end()
    assert done.wait(WAIT_S)
    assert ran == ["inline", "put"]


def test_nobody_takes_the_turn_while_a_job_waits() -> None:
    lane = build_lane(ThreadPool())
    gate = threading.Event()
    lane.put(lambda: gate.wait(WAIT_S))
    assert not lane.begin()
    gate.set()
    finish(lane)


def test_pool_starts_no_more_threads_than_it_may_and_loses_no_job() -> None:
    pool = ThreadPool(max_threads=2)
    gate = threading.Event()
    seen: set[int] = set()
    done = [threading.Event() for _ in range(20)]
    for event in done:
        pool.submit(lambda event=event: (gate.wait(WAIT_S), seen.add(threading.get_ident()), event.set()))  # type: ignore[misc]
    gate.set()
    assert all(event.wait(WAIT_S) for event in done)
    assert len(seen) <= 2


def test_pool_that_was_full_starts_threads_for_jobs_beside_one_that_blocks() -> None:
    pool = ThreadPool(max_threads=3)
    first = [threading.Event() for _ in range(10)]
    for event in first:
        pool.submit(event.set)
    assert all(event.wait(WAIT_S) for event in first)
    gates = [threading.Event() for _ in range(2)]
    running = [threading.Event() for _ in range(2)]
    for gate, event in zip(gates, running, strict=True):
        pool.submit(lambda gate=gate, event=event: (event.set(), gate.wait(WAIT_S)))  # type: ignore[misc]
    assert all(event.wait(WAIT_S) for event in running)
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(WAIT_S)
    for gate in gates:
        gate.set()


def test_thread_that_can_not_start_is_told_and_the_next_job_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ThreadPool()
    ran = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse_to_start)
        with pytest.raises(RuntimeError, match="can't start"):
            pool.submit(lambda: None)
    pool.submit(ran.set)
    assert ran.wait(WAIT_S)


def refuse_to_start(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_job_that_is_larger_than_the_lane_is_taken_when_it_is_empty() -> None:
    lane = build_lane(ThreadPool(), max_bytes=10)
    done = threading.Event()
    lane.put(done.set, size_bytes=100)
    assert done.wait(WAIT_S)


def test_turn_gives_way_during_a_long_stretch_of_work() -> None:
    gave_way: list[float] = []
    turn = Turn(gave_way.append)
    turn.begin()
    while not gave_way:
        turn.pause()
    assert gave_way == [0]


def test_turn_counts_no_wait_as_work() -> None:
    gave_way: list[float] = []
    turn = Turn(gave_way.append)
    until = threading.Event()
    for _ in range(3):
        until.wait(0.01)  # longer than a turn
        turn.begin()
        turn.pause()
    assert gave_way == []


def test_turn_without_sleep_never_gives_way() -> None:
    turn = Turn(None)
    turn.begin()
    turn.pause()


@pytest.mark.parametrize("count", [200])
def test_end_of_idle_threads_loses_no_job(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr("framework.transport.workers.IDLE_S", 0.0001)
    pool = ThreadPool()
    events: list[threading.Event] = []
    submit: Callable[[Job], None] = pool.submit
    for _ in range(count):
        event = threading.Event()
        events.append(event)
        submit(event.set)
    assert all(event.wait(WAIT_S) for event in events)
