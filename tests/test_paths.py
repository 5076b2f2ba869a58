"""A location of pydantic's becomes field names and positions; what the client named is a star."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from framework.paths import PathReader

T = TypeVar("T")


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int


class Other(BaseModel):
    kind: Literal["other"]
    leaves: dict[str, Leaf] = {}


class Branch(BaseModel):
    kind: Literal["branch"]
    branches: list[Branch] = []
    leaf: Leaf | None = None


class Pair(NamedTuple):
    left: int
    right: Leaf


class Box(BaseModel, Generic[T]):
    inside: T


def paths(annotation: Any, value: Any) -> list[str]:
    adapter = TypeAdapter(annotation)
    reader = PathReader(adapter.core_schema)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return [".".join(reader.read(item["loc"])) for item in caught.value.errors()]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, "x", [""]),
        (Leaf, {}, ["number"]),
        (Leaf, {"number": 1, "mine": 2}, ["*"]),
        (list[Leaf], [{"number": 1}, {}], ["1.number"]),
        (set[int], ["x"], ["0"]),
        (tuple[int, Leaf], (1, {}), ["1.number"]),
        (tuple[Leaf, ...], ({"number": 1}, {}), ["1.number"]),
        (Sequence[Leaf], [{"number": 1}, {}], ["1.number"]),
        (deque[Leaf], [{}], ["0.number"]),
        (Mapping[str, Leaf], {"mine": {}}, ["*.number"]),
        (dict[str, Leaf], {"number": {}}, ["*.number"]),
        (dict[int, int], {"mine": "x"}, ["*", "*"]),
        (Pair, (1, {}), ["right.number"]),
        (Pair, {"left": 1, "right": {}}, ["right.number"]),
        (Box[Leaf], {"inside": {}}, ["inside.number"]),
        (Branch, {"kind": "branch", "branches": [{"kind": "branch", "leaf": {}}]}, ["branches.0.leaf.number"]),
        (
            Annotated[Branch | Other, Field(discriminator="kind")],
            {"kind": "other", "leaves": {"mine": {}}},
            ["leaves.*.number"],
        ),
    ],
)
def test_a_location_is_read_along_the_type(annotation: Any, value: Any, expected: list[str]) -> None:
    assert paths(annotation, value) == expected


def test_the_choice_of_a_union_that_fits_is_followed() -> None:
    found = paths(Other | list[Leaf], {"kind": "other", "leaves": {"mine": {}}})
    assert "leaves.*.number" in found


parts = st.lists(
    st.integers(min_value=0, max_value=9) | st.sampled_from(["kind", "leaf", "number", "mine"]), max_size=6
)


def test_a_place_that_the_type_does_not_have_is_anonymous() -> None:
    adapter = TypeAdapter(dict[str, int] | list[int] | tuple[int, str])
    for location in (("choice", "mine", 1), ("choice", 1, "mine"), ("choice", 0, 0, 0)):
        assert "mine" not in PathReader(adapter.core_schema).read(location)
    assert PathReader(TypeAdapter(int).core_schema).read(("mine", 1)) == ["*", "1"]
    for annotation in (list[int], tuple[int], Pair):
        assert PathReader(TypeAdapter(annotation).core_schema).read(("mine", 1)) == ["*", "1"]


@given(parts)
def test_nothing_but_declared_names_and_positions_comes_out(location: list[int | str]) -> None:
    for annotation in (Branch, dict[str, Branch], Branch | Other | list[Leaf], Pair, Box[Any]):
        read = PathReader(TypeAdapter(annotation).core_schema).read(location)
        assert "mine" not in read
        assert all(isinstance(step, str) for step in read)
