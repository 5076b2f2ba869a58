"""`framework.transport.timer`."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from framework.transport.timer import Timer

WAIT_S = 10.0


def start_thread(target: Any) -> None:
    threading.Thread(target=target, daemon=True).start()


@pytest.fixture
def timer() -> Timer:
    return Timer(start_thread, threading.Event)


def test_actions_run_in_the_order_in_which_they_are_due(timer: Timer) -> None:
    ran: list[str] = []
    done = threading.Event()
    timer.call_later(0.06, done.set)
    timer.call_later(0.04, lambda: ran.append("late"))
    timer.call_later(0.02, lambda: ran.append("early"))
    assert done.wait(WAIT_S)
    assert ran == ["early", "late"]


def test_action_that_is_due_before_those_that_wait_wakes_the_timer(timer: Timer) -> None:
    done = threading.Event()
    timer.call_later(3600, lambda: None)
    timer.call_later(0, done.set)
    assert done.wait(WAIT_S)


def test_cancelled_alarm_does_not_run_and_holds_nothing(timer: Timer) -> None:
    ran: list[str] = []
    done = threading.Event()
    alarm = timer.call_later(0.01, lambda: ran.append("cancelled"))
    timer.call_later(0.02, done.set)
    alarm.cancel()
    assert alarm.action is None
    assert done.wait(WAIT_S)
    assert ran == []


def test_action_that_fails_is_logged_and_the_others_run(timer: Timer, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    with caplog.at_level(logging.ERROR):
        timer.call_later(0, lambda: 1 / 0)
        timer.call_later(0.01, done.set)
        assert done.wait(WAIT_S)
    assert "a timed action failed" in caplog.text


def test_one_task_serves_all_alarms() -> None:
    started: list[Any] = []

    def start(target: Any) -> None:
        started.append(target)
        start_thread(target)

    timer = Timer(start, threading.Event)
    done = [threading.Event() for _ in range(20)]
    for event in done:
        timer.call_later(0, event.set)
    assert all(event.wait(WAIT_S) for event in done)
    assert len(started) == 1


def test_alarms_that_are_cancelled_do_not_pile_up(timer: Timer) -> None:
    kept = timer.call_later(60, lambda: None)
    for _ in range(10_000):
        timer.call_later(60, lambda: None).cancel()
    assert len(timer._due) < 200
    assert any(alarm is kept for _, _, alarm in timer._due)


def test_alarm_that_is_cancelled_twice_counts_once(timer: Timer) -> None:
    alarm = timer.call_later(60, lambda: None)
    for _ in range(1000):
        alarm.cancel()
    timer.call_later(60, lambda: None)
    assert len(timer._due) == 2
