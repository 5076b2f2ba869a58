"""`framework.transport.workers`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from framework.transport.workers import Job, Mailbox, ThreadPool, Turn

WAIT_S = 10.0


def build_mailbox(pool: ThreadPool, *, limit: int = 1000, max_bytes: int = 1000) -> Mailbox:
    return Mailbox(pool.submit, limit, max_bytes, threading.Event, Turn(None))


def finish(mailbox: Mailbox) -> None:
    """Return when everything before is done."""
    done = threading.Event()
    mailbox.put(done.set, wait=False)
    assert done.wait(WAIT_S)


def test_jobs_of_one_mailbox_run_in_their_order() -> None:
    mailbox = build_mailbox(ThreadPool())
    ran: list[int] = []
    for number in range(500):
        mailbox.put(lambda number=number: ran.append(number))  # type: ignore[misc]
    finish(mailbox)
    assert ran == list(range(500))


def test_jobs_of_two_mailboxes_run_side_by_side() -> None:
    pool = ThreadPool()
    barrier = threading.Barrier(2)
    mailboxes = [build_mailbox(pool) for _ in range(2)]
    for mailbox in mailboxes:
        mailbox.put(lambda: barrier.wait(WAIT_S))
    for mailbox in mailboxes:
        finish(mailbox)
    assert not barrier.broken


def test_threads_are_used_again() -> None:
    pool = ThreadPool()
    seen: set[int] = set()
    for _ in range(50):
        mailbox = build_mailbox(pool)
        mailbox.put(lambda: seen.add(threading.get_ident()))
        finish(mailbox)
    assert len(seen) <= 3  # one that is about to be idle is not counted on yet


def exit_thread() -> None:
    sys.exit("a handler's mistake")


def fail() -> None:
    raise ValueError("a handler's mistake")


def cancel() -> None:
    raise BaseExceptionGroup("a handler's mistake", [KeyboardInterrupt()])


@pytest.mark.parametrize("job", [exit_thread, fail, cancel])
def test_job_that_fails_is_logged_and_the_next_one_runs(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    mailbox = build_mailbox(ThreadPool())
    mailbox.put(job)
    finish(mailbox)
    assert "a handler's mistake" in caplog.text


@pytest.mark.parametrize("job", [exit_thread, fail])
def test_job_that_fails_in_the_pool_ends_no_thread(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    pool = ThreadPool()
    done = threading.Event()
    pool.submit(job)
    pool.submit(done.set)
    assert done.wait(WAIT_S)


@pytest.mark.parametrize(("limit", "max_bytes"), [(1, 1000), (1000, 10)])
def test_full_mailbox_makes_who_puts_wait_until_there_is_room(limit: int, max_bytes: int) -> None:
    mailbox = build_mailbox(ThreadPool(), limit=limit, max_bytes=max_bytes)
    gate, running, put = threading.Event(), threading.Event(), threading.Event()
    mailbox.put(lambda: (running.set(), gate.wait(WAIT_S)))
    assert running.wait(WAIT_S)
    mailbox.put(lambda: None, size_bytes=8)

    def put_another() -> None:
        mailbox.put(lambda: None, size_bytes=8)
        put.set()

    thread = threading.Thread(target=put_another)
    thread.start()
    mailbox.put(lambda: None, size_bytes=8, wait=False)  # an end of a connection never waits
    assert not put.is_set()
    gate.set()
    assert put.wait(WAIT_S)
    thread.join(WAIT_S)
    finish(mailbox)


def test_job_that_is_larger_than_the_mailbox_is_taken_when_it_is_empty() -> None:
    mailbox = build_mailbox(ThreadPool(), max_bytes=10)
    done = threading.Event()
    mailbox.put(done.set, size_bytes=100)
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
