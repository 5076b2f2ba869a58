"""JSON as it travels: strict on the way in, finite on the way out, bytes beside it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, computed_field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from framework.wire import (
    RefusedValue,
    check_finite,
    dump_json,
    holds_bytes,
    load_json,
    put_bytes,
    refuse_endless,
    take_bytes,
    to_plain,
)


class Colour(Enum):
    RED = "red"


class Upload(BaseModel):
    name: str = Field(serialization_alias="title")
    content: bytes = b""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.content)


@dataclass
class Point:
    x: int
    uploads: list[Upload] = field(default_factory=list)


@pydantic_dataclass
class Named:
    name: str = Field(serialization_alias="title")


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
with_bytes = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=4),
    max_leaves=15,
)


@given(plain_json)
def test_what_is_dumped_is_loaded(value: Any) -> None:
    assert load_json(dump_json(value)) == value
    assert load_json(json.dumps(value)) == value


@given(with_bytes)
def test_bytes_come_back_to_their_places(value: Any) -> None:
    attachments: list[bytes] = []
    replaced = take_bytes(value, attachments)
    assert not holds_bytes(replaced)
    assert holds_bytes(value) == bool(attachments)
    assert put_bytes(load_json(dump_json(replaced)), attachments) == value


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "", "{", "[1,]", "'a'", '{"a":1}x'])
def test_what_is_no_json_is_not_loaded(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        load_json(text)


@pytest.mark.parametrize(
    "text", ["1e999", "[-1e400]", "9" * 4301, '"\\ud800"', '{"\\udc00":1}', "[" * 100_000], ids=lambda text: text[:8]
)
def test_what_can_not_be_passed_on_is_refused(text: str) -> None:
    with pytest.raises(RefusedValue):
        load_json(text)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert load_json('"\\ud83d\\ude00"') == "\U0001f600"


def test_whatever_pydantic_knows_is_dumped() -> None:
    value = {
        "when": datetime(2026, 1, 2, tzinfo=UTC),
        "price": Decimal("1.5"),
        "colour": Colour.RED,
        "set": {1},
        1: None,
    }
    assert json.loads(dump_json(value)) == {
        "when": "2026-01-02T00:00:00Z",
        "price": "1.5",
        "colour": "red",
        "set": [1],
        "1": None,
    }


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_not_dumped(number: float) -> None:
    for value in (number, [number], {"a": {"b": number}}, (1, number), {number}):
        with pytest.raises(ValueError, match="finite"):
            dump_json(value)
        with pytest.raises(ValueError, match="finite"):
            refuse_endless(value)
    refuse_endless([1.5, {"a": (None, "NaN")}])
    assert check_finite(b'["NaN"]') == b'["NaN"]'


def test_what_is_no_json_is_not_dumped() -> None:
    with pytest.raises(TypeError):
        dump_json(object())
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises((TypeError, ValueError)):
        dump_json(endless)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises((TypeError, ValueError)):
        dump_json(deep)


def test_objects_become_plain_and_keep_their_bytes() -> None:
    upload = Upload(name="a", content=b"\xff")
    plain = {"title": "a", "content": b"\xff", "size": 1}
    assert to_plain(upload) == plain
    assert to_plain(Point(1, [upload])) == {"x": 1, "uploads": [plain]}
    assert to_plain({Colour.RED: [Named("a"), {b"x"}, bytearray(b"y")]}) == {"red": [{"title": "a"}, [b"x"], b"y"]}
    assert take_bytes({1, "a"}, []) == {1, "a"}
    assert take_bytes({b"a"}, []) == [{"_placeholder": True, "num": 0}]
    assert to_plain(SecretStr("a")) == "**********"
    attachments: list[bytes] = []
    assert take_bytes([Point(1, [upload]), memoryview(b"z")], attachments) == [
        {"x": 1, "uploads": [{"title": "a", "content": {"_placeholder": True, "num": 0}, "size": 1}]},
        {"_placeholder": True, "num": 1},
    ]
    assert attachments == [b"\xff", b"z"]


@pytest.mark.parametrize("number", [1, -1, "0", None, 0.0, True], ids=repr)
def test_a_placeholder_that_names_no_attachment_is_refused(number: Any) -> None:
    with pytest.raises(ValueError, match="names no attachment"):
        put_bytes([{"_placeholder": True, "num": number}], [b"a"])


def test_an_object_that_only_looks_like_a_placeholder_stays() -> None:
    assert put_bytes({"_placeholder": 1, "num": 0}, [b"a"]) == {"_placeholder": 1, "num": 0}
