"""`framework.transport.leading`: who runs a handler, and who takes over when it blocks."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pytest

from framework.transport.leading import MAX_MESSAGES, SLOW_S, STUCK_S, Leader, Pace, advance, release
from framework.transport.workers import Lane, ThreadPool

SLOW = 2 * SLOW_S


class Hands:
    """A link as far as a leader needs it, that gives its messages to a function."""

    def __init__(self, *messages: str, to: Any = None) -> None:
        self.backlog: Any = deque(messages)
        self.leader: Leader | None = None
        self.paused = False
        self.corks: list[bool] = []
        self.got: list[str] = []
        self.user = self
        self._to = to

    def take(self, link: Any, message: str) -> None:
        self.got.append(message)
        if self._to is not None:
            self._to(message)

    def cork(self) -> None:
        self.corks.append(True)

    def uncork(self) -> None:
        self.corks.append(False)


def test_handler_is_run_by_the_leader_until_it_is_slow_more_than_once() -> None:
    pace = Pace()
    pace.note(SLOW)
    for _ in range(3):
        pace.note(0.0)
    assert pace.inline
    for _ in range(3):
        pace.note(SLOW)
    assert not pace.inline


def test_one_slow_run_among_many_quick_ones_changes_nothing() -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(SLOW)
        for _ in range(20):
            pace.note(0.0)
    assert pace.inline


def test_handler_that_went_to_the_pool_comes_back_for_a_trial_later_each_time_it_fails() -> None:
    pace = Pace()
    waited = []
    for _ in range(3):
        while pace.inline:
            pace.note(SLOW)
        count = 0
        while not pace.inline:
            pace.pool(SLOW)
            count += 1
        waited.append(count)
    assert waited == [64, 128, 256]


def test_handler_that_would_stop_all_clients_has_no_trial_while_it_does() -> None:
    pace = Pace()
    while pace.inline:
        pace.block()
    for number in range(10_000):
        pace.pool(2 * STUCK_S if number % 50 == 0 else 0.0)
    assert not pace.inline
    for _ in range(128):
        pace.pool(0.0)
    assert pace.inline


def test_handler_whose_trial_went_well_stays() -> None:
    pace = Pace()
    while pace.inline:
        pace.block()
    while not pace.inline:
        pace.pool(0.0)
    for _ in range(50):
        pace.note(0.0)
    pace.note(SLOW)
    assert pace.inline


@pytest.mark.parametrize(("run", "inline"), [("inline", True), ("pool", False)])
def test_handler_that_says_where_it_runs_is_not_moved(run: Any, inline: bool) -> None:
    pace = Pace(run)
    for _ in range(100):
        pace.note(SLOW)
        pace.block()
        pace.pool(0.0)
    assert pace.inline is inline


def lane() -> Lane:
    return Lane(ThreadPool(1), 10, 1000)


def add(ran: list[object], item: object) -> None:
    ran.append(item)


def test_leader_that_can_not_be_replaced_runs_only_what_is_declared_for_it() -> None:
    ran: list[object] = []
    leader = Leader(can_be_replaced=False)
    assert leader.run(Pace("inline"), lane(), add, ran, "declared")
    assert not leader.run(Pace(), lane(), add, ran, "measured")
    assert Leader().run(Pace(), lane(), add, ran, "of another leader")
    assert ran == ["declared", "of another leader"]


def test_leader_runs_nothing_of_a_client_for_which_something_runs_or_waits() -> None:
    ran: list[object] = []
    leader, busy, queued = Leader(), lane(), lane()
    assert busy.begin()
    assert not leader.run(Pace(), busy, add, ran, 1)
    assert leader.run(Pace(), queued, add, ran, 2)
    assert leader.lane is queued  # until it is done with the client
    queued.put(lambda: ran.append(3))
    assert not leader.run(Pace(), queued, add, ran, 4)
    assert ran == [2]


def test_handler_that_raises_ends_neither_the_leader_nor_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    def fail(whose: object, about: object) -> None:
        raise SystemExit

    leader = Leader()
    assert leader.run(Pace(), lane(), fail, None, None)
    assert "a job failed" in caplog.text
    assert not leader.deposed
    assert not leader.running


def test_leader_is_replaced_inside_a_handler_and_nowhere_else() -> None:
    leader = Leader()
    assert not leader.depose()
    leader.begin()
    assert leader.depose()
    assert not leader.depose()
    leader.end()
    assert leader.deposed
    quick = Leader()
    quick.begin()
    quick.end()
    assert not quick.depose()
    assert not quick.deposed


def test_messages_are_handed_on_in_their_order_and_answered_in_one_piece() -> None:
    link: Any = Hands("a", "b", "c")
    assert advance(Leader(), link)
    assert link.got == ["a", "b", "c"]
    assert link.corks == [True, False]
    assert link.leader is None


def test_client_with_many_messages_leaves_room_for_the_others() -> None:
    link: Any = Hands(*map(str, range(MAX_MESSAGES + 5)))
    assert advance(Leader(), link)
    assert len(link.backlog) == 5


def test_client_that_is_paused_keeps_the_rest() -> None:
    link: Any = Hands("a", "b")
    link._to = lambda message: setattr(link, "paused", True)
    assert advance(Leader(), link)
    assert list(link.backlog) == ["b"]


def test_what_a_replaced_leader_had_read_is_left_to_the_next_one() -> None:
    leader, next_leader = Leader(), Leader()
    link: Any = Hands("blocks", "later")

    def block(message: str) -> None:
        if message == "blocks":
            leader.begin()
            assert leader.depose()
            assert release(leader) is link
            assert link.corks[-1] is False  # what was answered before is not held back
            leader.end()

    link._to = block
    assert not advance(leader, link)
    assert list(link.backlog) == ["later"]
    assert advance(next_leader, link)
    assert link.got == ["blocks", "later"]


def test_turn_of_a_client_ends_with_its_leaders_work_even_when_that_fails() -> None:
    lane = Lane(ThreadPool(), 10, 1000)
    leader = Leader()

    def fail(message: str) -> None:
        assert lane.begin()
        leader.lane = lane
        raise ValueError("ours")

    link: Any = Hands("a", to=fail)
    with pytest.raises(ValueError, match="ours"):
        advance(leader, link)
    assert lane.begin()


def test_leader_asks_to_be_watched_once_until_its_watcher_rests() -> None:
    asked: list[int] = []
    leader = Leader(lambda: asked.append(threading.get_ident()))
    for _ in range(3):
        leader.begin()
        leader.end()
    assert len(asked) == 1
    leader.watched = False
    leader.begin()
    assert len(asked) == 2
