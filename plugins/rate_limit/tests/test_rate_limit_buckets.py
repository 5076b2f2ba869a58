"""Stores and buckets: never more than a rate allows, the truth about the wait, and nothing kept for ever."""

from __future__ import annotations

import threading

import pytest
from framework_rate_limit.buckets import Buckets, Strategy
from framework_rate_limit.rates import parse_rates
from framework_rate_limit.stores import MemoryStore
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import tries

STRATEGIES: list[Strategy] = ["fixed-window", "moving-window", "sliding-window-counter"]
LATENESS_S = 0.001


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


pauses = st.lists(st.floats(0, 15, allow_nan=False) | st.just(0.0), min_size=1, max_size=60)


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(pauses=pauses, amount=st.integers(1, 7), window_s=st.integers(1, 10))
@settings(max_examples=tries(200), deadline=None)
def test_after_the_wait_the_next_one_passes(
    strategy: Strategy, pauses: list[float], amount: int, window_s: int
) -> None:
    clock = Clock()
    buckets = Buckets(strategy, MemoryStore(clock))
    (rate,) = parse_rates(f"{amount}/{window_s} seconds")
    for pause in pauses:
        clock.now += pause
        wait_s = buckets.wait_s(rate, "ada")
        assert 0 <= wait_s <= 2 * window_s
        assert buckets.hit(rate, "ada") == (wait_s == 0) or wait_s < LATENESS_S
        clock.now += buckets.wait_s(rate, "ada") + LATENESS_S
        assert buckets.wait_s(rate, "ada") == 0
        assert buckets.hit(rate, "ada")


@given(pauses=pauses, amount=st.integers(1, 7), window_s=st.integers(1, 10))
@settings(deadline=None)
def test_no_moving_window_ever_holds_more_than_its_rate(pauses: list[float], amount: int, window_s: int) -> None:
    clock = Clock()
    buckets = Buckets("moving-window", MemoryStore(clock))
    (rate,) = parse_rates(f"{amount}/{window_s} seconds")
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        for _ in range(3):
            if buckets.hit(rate, "ada"):
                passed.append(clock.now)
            assert len([at for at in passed if at >= clock.now - window_s]) <= amount


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_keys_are_counted_apart_and_forgotten_one_by_one(strategy: Strategy) -> None:
    buckets = Buckets(strategy, MemoryStore(Clock()))
    (rate,) = parse_rates("1/minute")
    assert [buckets.hit(rate, key) for key in ("ada", "ada", "ben")] == [True, False, True]
    buckets.store.clear(rate.key_for("ada"))
    assert [buckets.hit(rate, key) for key in ("ada", "ben")] == [True, False]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_over_is_forgotten_while_others_come(strategy: Strategy) -> None:
    clock = Clock()
    store = MemoryStore(clock)
    buckets = Buckets(strategy, store)
    (rate,) = parse_rates("5/second")
    for number in range(20_000):
        clock.now += 0.01
        buckets.hit(rate, f"address {number}")
    assert len(store) < 300
    assert len(store._ends) < 300


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_key_that_is_in_use_is_not_forgotten(strategy: Strategy) -> None:
    clock = Clock()
    buckets = Buckets(strategy, MemoryStore(clock))
    (rate,) = parse_rates("3/100 seconds")
    assert all(buckets.hit(rate, "ada") for _ in range(3))
    for number in range(90):
        clock.now += 0.5
        buckets.hit(rate, f"other {number}")
    assert buckets.wait_s(rate, "ada") > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_threads_that_hit_one_key_get_no_more_than_its_rate(strategy: Strategy) -> None:
    buckets = Buckets(strategy, MemoryStore())
    (rate,) = parse_rates("100/month")
    passed: list[bool] = []
    threads = [
        threading.Thread(target=lambda: passed.extend([buckets.hit(rate, "ada") for _ in range(50)])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed.count(True) == 100


def test_a_store_starts_no_thread() -> None:
    before = threading.active_count()
    buckets = Buckets("moving-window", MemoryStore())
    buckets.hit(parse_rates("5/second")[0], "ada")
    assert threading.active_count() == before


def test_a_store_can_be_emptied() -> None:
    store = MemoryStore(Clock())
    buckets = Buckets("fixed-window", store)
    (rate,) = parse_rates("1/minute")
    buckets.hit(rate, "ada")
    assert store.check()
    assert store.reset() == 1
    assert buckets.hit(rate, "ada")
