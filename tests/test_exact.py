"""`framework.exact`, against what pydantic says itself."""

from __future__ import annotations

import json
import math
import warnings
from datetime import datetime
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    TypeAdapter,
    computed_field,
)

from framework.acks import Ack
from framework.errors import AckError, PayloadError
from framework.exact import compile_checks, compile_endless
from framework.payloads import Parameter, Payload


class Author(BaseModel):
    name: str = Field(max_length=10)
    age: int | None = None


class Posted(BaseModel):
    id: int
    text: str = Field(alias="body")
    at: datetime | None = None
    author: Author = Author(name="ada")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: int


class Sum(BaseModel):
    id: int

    @computed_field
    def twice(self) -> int:
        return self.id * 2


class Ids(RootModel[list[int]]):
    pass


class Longer(Posted):
    more: int = 1


def check_of(*types: Any) -> Any:
    checks = compile_checks(TypeAdapter(tuple[types]).core_schema)  # type: ignore[valid-type]
    return checks and (lambda values: all(check(value) for check, value in zip(checks, values, strict=True)))


@pytest.mark.parametrize(
    ("types", "values"),
    [
        ((int,), (1,)),
        ((int, str), (1, "a")),
        ((int | None,), (None,)),
        ((Posted,), (Posted(id=1, body="a"),)),
        ((Author, int), (Author(name="ada", age=3), 1)),
    ],
)
def test_value_of_plain_types_is_exactly_as_declared(types: tuple[Any, ...], values: tuple[Any, ...]) -> None:
    assert check_of(*types)(values) is True


@pytest.mark.parametrize(
    "value",
    [
        Posted.model_construct(id="1", text="a", at=None, author=Author(name="ada")),
        Posted.model_construct(id=True, text="a", at=None, author=Author(name="ada")),
        Posted.model_construct(id=1, text="a", at=None, author=Author.model_construct(name=1, age=None)),
        Posted.model_construct(text="a", at=None, author=Author(name="ada")),
        Longer(id=1, body="a"),
        Author(name="ada"),
        {"id": 1, "body": "a"},
        None,
    ],
)
def test_value_that_is_not_exactly_as_declared_is_left_to_pydantic(value: Any) -> None:
    assert check_of(Posted)((value,)) is False


@pytest.mark.parametrize(
    "declared",
    [list[int], dict[str, int], Open, Sum, Ids, Any, bytes, Annotated[int, PlainSerializer(str)], int | str],
)
def test_type_whose_values_only_pydantic_can_judge_has_no_check(declared: Any) -> None:
    assert check_of(declared) is None
    assert check_of(int, declared) is None


def test_model_with_many_fields_has_no_check() -> None:
    many: Any = type("Many", (BaseModel,), {"__annotations__": dict.fromkeys((f"n{i}" for i in range(17)), int)})
    assert check_of(many) is None


PARTS = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.datetimes()


@given(id=PARTS, text=PARTS, at=PARTS, name=PARTS, age=PARTS)
def test_answer_is_what_it_is_where_pydantic_is_always_asked(**parts: Any) -> None:
    author = Author.model_construct(name=parts.pop("name"), age=parts.pop("age"))
    posted = Posted.model_construct(**parts, author=author)
    asked = TypeAdapter(tuple[Posted]).serializer
    try:
        expected = asked.to_json((posted,), by_alias=True, warnings="error").decode()
    except Exception:
        with pytest.raises(AckError):
            Ack(Posted).encode(posted)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Ack(Posted).encode(posted).text == expected


# -- numbers that are not finite


class Point(BaseModel):
    x: float
    y: float | None = None


class Line(BaseModel):
    name: str
    start: Point
    width: float = 1.0


class Watched(BaseModel):
    x: float

    def model_post_init(self, context: Any) -> None:
        pass


def endless(*types: Any) -> Any:
    return compile_endless(TypeAdapter(tuple[types]).core_schema)  # type: ignore[valid-type]


INFINITE = float("inf")


@pytest.mark.parametrize(
    ("types", "finite", "infinite"),
    [
        ((float,), (1.0,), (INFINITE,)),
        ((int, float | None), (1, None), (1, float("nan"))),
        ((Point,), (Point(x=1),), (Point(x=INFINITE),)),
        ((Point,), (Point(x=1, y=2),), (Point(x=1, y=-INFINITE),)),
        ((str, Line), ("a", Line(name="a", start=Point(x=1))), ("a", Line(name="a", start=Point(x=INFINITE)))),
        ((Line,), (Line(name="a", start=Point(x=1)),), (Line(name="a", start=Point(x=1), width=INFINITE),)),
    ],
)
def test_number_that_is_not_finite_is_found_in_its_place(types: Any, finite: Any, infinite: Any) -> None:
    assert endless(*types)(finite) is False
    assert endless(*types)(infinite) is True


@pytest.mark.parametrize(
    "declared",
    [
        Any,
        list[float],
        dict[str, float],
        Open,
        Watched,
        Point | None,
        Point | int,
        Annotated[float, AfterValidator(abs)],
    ],
)
def test_number_that_may_be_in_any_place_or_be_seen_before_has_no_check(declared: Any) -> None:
    assert endless(declared) is None
    assert endless(float, declared) is None


@given(st.text(max_size=5), st.floats(), st.none() | st.floats(), st.floats())
def test_payload_is_taken_exactly_when_its_numbers_are_finite(
    name: str, x: float, y: float | None, width: float
) -> None:
    text = json.dumps(["draw", {"name": name, "start": {"x": x, "y": y}, "width": width}]).replace(
        "-Infinity", "-1e999"
    )
    payload = Payload("draw", [Parameter("line", Line)])
    if all(math.isfinite(number) for number in (x, y or 0.0, width)):
        assert payload.parse_json(text) == (Line(name=name, start=Point(x=x, y=y), width=width),)
    else:
        with pytest.raises((PayloadError, json.JSONDecodeError)):  # `Infinity` is no JSON, 1e999 is
            payload.parse_json(text)
