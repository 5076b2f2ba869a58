"""The bounds on one connection, and the settings that change them."""

from __future__ import annotations

import dataclasses
import math

import pytest

from framework import ConfigurationError, Limits
from framework.limits import find_setting


def test_the_defaults_are_safe_and_frozen() -> None:
    limits = Limits()
    assert all(getattr(limits, field.name) > 0 for field in dataclasses.fields(limits))
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.max_nesting = 1  # type: ignore[misc]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Limits)])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_below_one_is_refused(field: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Limits\.{field} is {value}; it must be above 0\.$"):
        Limits(**{field: value})


def test_a_timeout_that_is_no_number_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^Limits\.connect_timeout_s is nan; it must be above 0\.$"):
        Limits(connect_timeout_s=math.nan)


def test_nesting_deeper_than_the_parser_goes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^Limits\.max_nesting is 201; pydantic's JSON parser stops at 200"):
        Limits(max_nesting=201)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Limits)])
def test_every_limit_is_a_setting_too(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"FRAMEWORK_{field.upper()}"
    assert getattr(Limits().override({key: 7}), field) == 7
    monkeypatch.setenv(key, "8")
    assert getattr(Limits().override({}), field) == 8
    assert getattr(Limits().override({key: "7"}), field) == 7


def test_without_settings_nothing_is_changed() -> None:
    limits = Limits(max_nesting=3)
    assert limits.override({"FRAMEWORK_MAX_NAMESPACES": None, "OTHER": 1}) is limits
    assert limits.override({"FRAMEWORK_MAX_NAMESPACES": 9}) == Limits(max_nesting=3, max_namespaces=9)


@pytest.mark.parametrize("value", ["many", "1.5", 1.5, [], True, "nan"], ids=repr)
def test_a_setting_that_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^FRAMEWORK_MAX_NESTING is .*; it must be a whole number above 0\.$"):
        Limits().override({"FRAMEWORK_MAX_NESTING": value})


@pytest.mark.parametrize("value", ["soon", "nan", "0", -1, False], ids=repr)
def test_a_timeout_setting_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^FRAMEWORK_CONNECT_TIMEOUT_S is .*; it must be a number above 0\.$"):
        Limits().override({"FRAMEWORK_CONNECT_TIMEOUT_S": value})


def test_a_timeout_may_be_a_fraction() -> None:
    assert Limits().override({"FRAMEWORK_CONNECT_TIMEOUT_S": "0.5"}).connect_timeout_s == 0.5


def test_a_setting_of_the_application_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_ASYNC_MODE", "gevent")
    assert find_setting({}, "ASYNC_MODE") == "gevent"
    assert find_setting({"FRAMEWORK_ASYNC_MODE": "threading"}, "ASYNC_MODE") == "threading"
    monkeypatch.delenv("FRAMEWORK_ASYNC_MODE")
    assert find_setting({}, "ASYNC_MODE") is None
