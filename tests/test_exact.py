"""`framework.exact`, against what pydantic says itself."""

from __future__ import annotations

import warnings
from datetime import datetime
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, RootModel, TypeAdapter, computed_field

from framework.acks import Ack
from framework.errors import AckError
from framework.exact import compile_check


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
    return compile_check(TypeAdapter(tuple[types]).core_schema)  # type: ignore[valid-type]


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
