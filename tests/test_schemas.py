"""What a core schema says about a type before there is a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, RootModel, TypeAdapter, field_serializer
from typing_extensions import TypedDict

from framework.schemas import (
    build_adapter,
    find_unserialisable,
    first_item_fields,
    may_hold_bytes,
    may_hold_floats,
    read_definitions,
)


class Text(BaseModel):
    text: str
    when: datetime | None = None


class Upload(BaseModel):
    inner: list[Upload] = []
    content: bytes = b""


class Reading(BaseModel):
    value: float


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


class Written(BaseModel):
    text: str

    @field_serializer("text")
    def _write(self, value: str) -> Any:
        return value.encode()


class Options(TypedDict):
    data: dict[str, bytes]


def schema(annotation: Any) -> Any:
    return TypeAdapter(annotation).core_schema


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, False),
        (Text, False),
        (list[Text | int], False),
        (bytes, True),
        (Upload, True),
        (Options, True),
        (Any, True),
        (object, True),
        (dict, True),
        (list, True),
        (dict[str, Any], True),
        (Loose, True),
        (Written, True),
        (Annotated[int, PlainSerializer(str)], True),
    ],
    ids=repr,
)
def test_bytes_may_be_where_they_are_declared_and_where_nothing_is(annotation: Any, expected: bool) -> None:
    assert may_hold_bytes(schema(annotation)) is expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, False),
        (Text, False),
        (float, True),
        (Reading, True),
        (dict[str, Reading], True),
        (Any, True),
        (Loose, True),
    ],
    ids=repr,
)
def test_floats_may_be_where_they_are_declared_and_where_nothing_is(annotation: Any, expected: bool) -> None:
    assert may_hold_floats(schema(annotation)) is expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [(Text, None), (list[Upload], None), (Callable[[], int], "callable"), (type[int], "is-subclass")],
    ids=repr,
)
def test_a_part_that_may_be_no_json_is_found(annotation: Any, expected: str | None) -> None:
    assert find_unserialisable(schema(annotation)) == expected


def test_a_part_that_only_checks_is_found_too_and_asks_for_a_closer_look() -> None:
    for annotation in (Path, Sequence[int]):
        assert find_unserialisable(schema(annotation)) == "is-instance"


def test_the_first_items_fields_are_named_as_on_the_wire() -> None:
    class Root(RootModel[Text]):
        pass

    @dataclass
    class Point:
        x: Annotated[int, Field(serialization_alias="ex")]

    class Kind(BaseModel):
        kind: Literal["kind"]

    for annotation, expected in [
        (tuple[Text, Upload], {"text", "when"}),
        (tuple[Root], {"text", "when"}),
        (tuple[Upload], {"inner", "content"}),
        (tuple[Point | Kind | None], {"ex", "kind"}),
        (tuple[Options], {"data"}),
        (tuple[int], set()),
        (tuple[list[Text]], set()),
        (tuple[()], set()),
    ]:
        assert first_item_fields(schema(annotation)) == expected


def test_recursive_types_are_read_to_their_end() -> None:
    assert len(read_definitions(schema(list[Upload]))) == 1


def test_an_adapter_refuses_numbers_that_are_not_finite_and_knows_local_names() -> None:
    class Local(BaseModel):
        x: int

    adapter = build_adapter(tuple[float, list["Local"]], {"Local": Local})  # type: ignore[valid-type]
    assert adapter.validate_python((1.5, [{"x": 1}])) == (1.5, [Local(x=1)])
    with pytest.raises(ValueError, match="finite"):
        adapter.validate_python((float("nan"), []))
