"""Rates as people write them, and the settings that hold them."""

from __future__ import annotations

import contextlib
import re

import pytest
from flask import Flask
from framework_rate_limit import RateLimit
from framework_rate_limit.rates import parse_rates, render_rate
from hypothesis import given
from hypothesis import strategies as st

from framework import PluginError, SocketIO

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 2592000}

amounts = st.integers(1, 999_999_999)
multiples = st.none() | st.integers(1, 9999)
units = st.sampled_from([*SECONDS])
spellings = st.tuples(amounts, st.sampled_from(["/", " / ", " per "]), multiples, units, st.sampled_from(["", "s"]))


@given(st.lists(spellings, min_size=1, max_size=4), st.sampled_from([";", "; ", ",", " , "]))
def test_rates_in_every_spelling_mean_what_they_say(
    parts: list[tuple[int, str, int | None, str, str]], by: str
) -> None:
    text = by.join(f"{amount}{per}{many or ''} {unit}{plural}" for amount, per, many, unit, plural in parts)
    expected = {(amount, (many or 1) * SECONDS[unit]) for amount, _, many, unit, _ in parts}
    assert {(rate.amount, rate.get_expiry()) for rate in parse_rates(text)} == expected


@given(spellings)
def test_a_rate_that_is_shown_is_read_as_the_same(part: tuple[int, str, int | None, str, str]) -> None:
    amount, per, many, unit, plural = part
    (rate,) = parse_rates(f"{amount}{per}{many or ''}{unit}{plural}")
    assert parse_rates(render_rate(rate)) == (rate,)


@given(st.text())
def test_any_text_is_rates_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(rate.amount >= 1 and rate.get_expiry() >= 1 for rate in parse_rates(text))


@pytest.mark.parametrize(
    "text",
    [
        *("5", "5/", "5/fortnight", "-5/second", "1.5/second", "5per second", "5/second 6/minute"),
        *("5/second;", "5/second;:3/day", "\N{ARABIC-INDIC DIGIT FIVE}/second"),
        *("0/second", "9999999999/second", "5/0 seconds", "5/99999 days"),
    ],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit; one is e.g. 100/second or 5/10 minutes"):
        parse_rates(text)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_is_no_limit(text: str) -> None:
    assert parse_rates(text) == ()


def test_a_rate_that_is_there_twice_counts_once() -> None:
    assert len(parse_rates("5/second; 5 per second; 5/minute")) == 2


# -- settings


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        (
            "PER_USER",
            "5/second; 5/fortnight",
            "FRAMEWORK_RATE_LIMIT_PER_USER is '5/second; 5/fortnight' in app.config: '5/fortnight' is no limit; one is "
            "e.g. 100/second or 5/10 minutes, several are 100/second; 1000/minute",
        ),
        ("PER_EVENT", 5, "FRAMEWORK_RATE_LIMIT_PER_EVENT is 5 in app.config: it is a text; one is e.g. 100/second"),
        ("STRATEGY", "leaky", "STRATEGY is 'leaky' in app.config: Input should be 'fixed-window', 'moving-window' or"),
        ("ON_STORAGE_FAILURE", "cry", "ON_STORAGE_FAILURE is 'cry' in app.config: Input should be 'allow' or 'refuse'"),
        ("STORAGE_TIMEOUT_S", 0, "STORAGE_TIMEOUT_S is 0 in app.config: Input should be greater than 0"),
    ],
)
def test_a_bad_setting_is_named_with_what_it_should_be(setting: str, value: object, reason: str) -> None:
    app = Flask(__name__)
    app.config.update(TESTING=True, **{f"FRAMEWORK_RATE_LIMIT_{setting}": value})
    with pytest.raises(PluginError, match=re.escape(reason)):
        SocketIO(app, plugins=[RateLimit])


@pytest.mark.parametrize(
    "url",
    [
        *("sesame", "memory://sesame", "http://:sesame@h", "redis://:sesame@", "redis+unix://"),
        *("redis://h:sesame/0", "redis://h:99999999", "redis://h:0/1", "redis://h/sesame", "redis://[sesame"),
    ],
)
def test_a_bad_url_of_the_store_is_not_shown_since_a_password_may_be_in_it(url: str) -> None:
    app = Flask(__name__)
    app.config.update(TESTING=True, FRAMEWORK_RATE_LIMIT_STORAGE_URL=url)
    with pytest.raises(PluginError) as caught:
        SocketIO(app, plugins=[RateLimit])
    assert "FRAMEWORK_RATE_LIMIT_STORAGE_URL in app.config: it is memory:// or e.g. redis://localhost:6379/0" in str(
        caught.value
    )
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["redis://h", "rediss://u:p@h:6380/2", "redis://h/1?protocol=2", "redis+unix:///s.sock", "valkey://h"]
)
def test_a_redis_that_is_not_there_does_not_keep_the_application_from_starting(url: str) -> None:
    app = Flask(__name__)
    app.config.update(TESTING=True, FRAMEWORK_RATE_LIMIT_STORAGE_URL=url)
    assert SocketIO(app, plugins=[RateLimit]).plugins["rate_limit"].state == "loaded"


def test_an_option_in_the_url_that_redis_has_not_is_a_clear_error() -> None:
    app = Flask(__name__)
    app.config.update(TESTING=True, FRAMEWORK_RATE_LIMIT_STORAGE_URL="redis://:sesame@h/0?db=x")
    with pytest.raises(PluginError, match="the URL of the store of the rate limits can't be used") as caught:
        SocketIO(app, plugins=[RateLimit])
    assert "sesame" not in str(caught.value)


def test_redis_under_gevent_that_has_not_patched_is_refused_at_start() -> None:
    app = Flask(__name__)
    app.config.update(TESTING=True, FRAMEWORK_RATE_LIMIT_STORAGE_URL="redis://h")
    with pytest.raises(
        PluginError, match="which would stop all greenlets. Start with 'framework run --async-mode gevent'"
    ):
        SocketIO(app, plugins=[RateLimit], async_mode="gevent")


def test_an_unknown_setting_in_code_is_an_error_at_once() -> None:
    with pytest.raises(PluginError, match="no such setting. Did you mean 'per_user'"):
        RateLimit(per_users="5/second")
