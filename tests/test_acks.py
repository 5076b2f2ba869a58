"""What a handler returns goes out in its output schema, or is the server's own error."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, Never, NoReturn, TypeVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SecretStr,
    ValidationError,
    computed_field,
    field_serializer,
)
from typing_extensions import TypedDict

from framework.acks import NOTHING, Ack, Encoded, Output, UnusableAck, encode_values, error_object
from framework.errors import AckError, EventError

T = TypeVar("T")


class Colour(Enum):
    RED = "red"


class Posted(BaseModel):
    id: int
    text: str = Field(default="", serialization_alias="body", validation_alias="source")

    @computed_field(alias="textLength")  # type: ignore[prop-decorator]
    @property
    def length(self) -> int:
        return len(self.text)


class Page(BaseModel, Generic[T]):
    items: list[T]


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Names(RootModel[list[str]]):
    pass


class Upload(BaseModel):
    name: str
    content: bytes = b""


class Reading(BaseModel):
    value: float | None


@dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict):
    limit: int


class Pair(NamedTuple):
    left: int
    right: str


def text(annotation: Any, value: Any) -> Any:
    encoded = Ack(annotation).encode(value)
    assert encoded.attachments == []
    return json.loads(encoded.text)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 1, [1]),
        (str, "ä\u2028", ["ä\u2028"]),
        (list[int], [1], [[1]]),
        (Posted, Posted(id=1, source="abc"), [{"id": 1, "body": "abc", "textLength": 3}]),
        (Annotated[Posted, Field(description="x")], Posted(id=1), [{"id": 1, "body": "", "textLength": 0}]),
        (Page[Tree], Page[Tree](items=[Tree(value=1)]), [{"items": [{"value": 1, "children": []}]}]),
        (Tree, Tree(value=1, children=[Tree(value=2)]), [{"value": 1, "children": [{"value": 2, "children": []}]}]),
        (Names, Names(["a"]), [["a"]]),
        (Point, Point(1), [{"x": 1, "y": 0}]),
        (Options, {"limit": 1}, [{"limit": 1}]),
        (Pair, Pair(1, "b"), [[1, "b"]]),
        (Colour, Colour.RED, ["red"]),
        (Literal["a", "b"], "a", ["a"]),
        (Decimal, Decimal("1.50"), ["1.50"]),
        (datetime, datetime(2026, 1, 2, tzinfo=UTC), ["2026-01-02T00:00:00Z"]),
        (timedelta, timedelta(days=1), ["P1D"]),
        (UUID, UUID(int=1), ["00000000-0000-0000-0000-000000000001"]),
        (Path, Path("a"), ["a"]),
        (IPv4Address, IPv4Address("127.0.0.1"), ["127.0.0.1"]),
        (SecretStr, SecretStr("a"), ["**********"]),
        (Sequence[int], (1, 2), [[1, 2]]),
        (Mapping[str, Posted], {"a": Posted(id=1)}, [{"a": {"id": 1, "body": "", "textLength": 0}}]),
        (set[int], {1}, [[1]]),
        (Any, {"a": [Posted(id=1)]}, [{"a": [{"id": 1, "body": "", "textLength": 0}]}]),
        (int | str, "a", ["a"]),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (tuple[int, ...], (1, 2), [1, 2]),
        (tuple[()], (), []),
        (tuple, (1, "a"), [1, "a"]),
        (Annotated[tuple[int, str], "note"], (1, "a"), [1, "a"]),
        (tuple[int, str] | None, (1, "a"), [[1, "a"]]),
    ],
    ids=repr,
)
def test_a_value_goes_out_in_the_output_schema_of_its_annotation(annotation: Any, value: Any, expected: Any) -> None:
    assert text(annotation, value) == expected


def test_none_is_no_argument_where_nothing_is_promised_and_null_where_something_is() -> None:
    assert Ack(None).encode(None) == NOTHING
    assert Ack(type(None)).encode(None) == NOTHING
    assert Ack().encode(None) == NOTHING
    assert text(int | None, None) == [None]
    assert text(tuple[int | None], (None,)) == [None]


@pytest.mark.parametrize("annotation", [None, NoReturn, Never])
def test_a_value_where_none_is_promised_is_the_servers_error(annotation: Any) -> None:
    with pytest.raises(AckError, match=r"returned int where .* is annotated"):
        Ack(annotation).encode(1)


def test_without_annotation_a_tuple_is_several_and_anything_else_one() -> None:
    for value, expected in [
        ((1, "a"), [1, "a"]),
        ([1], [[1]]),
        (Posted(id=1), None),
        ({1: Decimal("1.5")}, [{"1": "1.5"}]),
    ]:
        encoded = json.loads(Ack().encode(value).text)
        assert encoded == expected or expected is None
    assert Ack().encode(Pair(1, "b")).text == '[1,"b"]'


def test_bytes_travel_beside_the_text_from_models_too() -> None:
    placeholder = {"_placeholder": True, "num": 0}
    for annotation, value, expected in [
        (bytes, b"\xff", [placeholder]),
        (Upload, Upload(name="a", content=b"\xff"), [{"name": "a", "content": placeholder}]),
        (dict[str, Any], {"a": [b"\xff"]}, [{"a": [placeholder]}]),
        (tuple[int, bytes], (1, b"\xff"), [1, placeholder]),
        (dict[str, Upload], {"a": Upload(name="a", content=b"\xff")}, [{"a": {"name": "a", "content": placeholder}}]),
    ]:
        encoded = Ack(annotation).encode(value)
        assert json.loads(encoded.text) == expected
        assert encoded.attachments == [b"\xff"]
    assert Ack().encode([b"a", Upload(name="b", content=b"c")]).attachments == [b"a", b"c"]


def test_a_serializer_for_json_is_used_where_bytes_might_have_been() -> None:
    class Report(BaseModel):
        when: Annotated[datetime, PlainSerializer(lambda value: value.year, when_used="json")]
        content: bytes | None = None

        @field_serializer("when", when_used="json")
        def _year(self, value: datetime) -> int:
            return value.year

    assert text(Report, Report(when=datetime(2026, 1, 2, tzinfo=UTC))) == [{"when": 2026, "content": None}]


def test_the_fields_of_a_subclass_stay_here() -> None:
    class Private(Posted):
        password: str = "hunter2"

    assert "hunter2" not in Ack(Posted).encode(Private(id=1)).text


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (int, "x", "returned str where int is annotated: Input should be a valid integer"),
        (Posted, {"id": "x"}, "returned dict where .*Posted is annotated: id: Input should be"),
        (tuple[int, str], (1,), r"returned tuple where tuple\[int, str\] is annotated: 1: Field required"),
        (Posted, None, "returned NoneType where .*Posted is annotated"),
        (list[int], object(), "returned object where"),
    ],
)
def test_a_wrong_return_is_the_servers_error(annotation: Any, value: Any, reason: str) -> None:
    with pytest.raises(AckError, match=reason):
        Ack(annotation).encode(value)


def test_a_model_that_was_changed_into_something_else_is_the_servers_error() -> None:
    posted = Posted(id=1)
    posted.id = "x"  # type: ignore[assignment]
    with pytest.raises(AckError, match="can't be sent"):
        Ack(Posted).encode(posted)


@pytest.mark.parametrize("value", [object(), {"a": object()}, lambda: 1, {object(): 1}, type])
def test_what_is_no_json_is_the_servers_error(value: Any) -> None:
    for ack in (Ack(), Ack(Any)):
        with pytest.raises(AckError, match="can't be sent"):
            ack.encode(value)


def test_a_value_that_holds_itself_is_the_servers_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for ack in (Ack(), Ack(Any), Ack(list[Any])):
        with pytest.raises(AckError, match="can't be sent"):
            ack.encode(endless)


# -- numbers


@given(st.sampled_from([float("nan"), float("inf"), float("-inf")]))
def test_a_number_that_is_not_finite_is_refused_wherever_it_stands(number: float) -> None:
    cases: list[tuple[Any, Any]] = [
        (float, number),
        (list[float], [1.0, number]),
        (Reading, Reading(value=number)),
        (Page[Reading], Page[Reading](items=[Reading(value=number)])),
        (Any, {"a": [number]}),
        (dict[str, Any], {"a": Reading(value=number)}),
        (tuple[bytes, float], (b"", number)),
        (Point | float, number),
    ]
    for annotation, value in cases:
        with pytest.raises(AckError, match="finite"):
            Ack(annotation).encode(value)
    for value in (number, [number], {"a": number}, (1, number), Reading(value=number)):
        with pytest.raises(AckError, match=r"finite|can't be sent"):
            Ack().encode(value)


def test_the_words_nan_and_null_are_text_as_any_other() -> None:
    assert text(str, "NaN, Infinity, null") == ["NaN, Infinity, null"]
    assert text(Reading, Reading(value=None)) == [{"value": None}]
    assert Ack().encode({"NaN": "Infinity"}).text == '[{"NaN":"Infinity"}]'


# -- the shape of an error


class Plain(BaseModel):
    error: str


class Aliased(BaseModel):
    problem: str = Field(serialization_alias="error")


class Computed(BaseModel):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def error(self) -> str:
        return ""


class Rooted(RootModel[Plain]):
    pass


class Typed(TypedDict):
    error: str


@dataclass
class Data:
    error: str


class Kind(BaseModel):
    kind: Literal["kind"]
    error: str


class Other(BaseModel):
    kind: Literal["other"]


class Recursive(BaseModel):
    inner: Recursive | None = None
    error: str = ""


@pytest.mark.parametrize(
    "annotation",
    [
        Plain,
        Aliased,
        Computed,
        Rooted,
        Typed,
        Data,
        Recursive,
        Plain | None,
        int | Data,
        Annotated[Kind | Other, Field(discriminator="kind")],
        Annotated[Plain, "note"],
        tuple[Plain, int],
    ],
    ids=repr,
)
def test_an_ack_with_a_top_level_field_error_is_refused(annotation: Any) -> None:
    with pytest.raises(UnusableAck, match=r"top-level field 'error'.*rename the field or nest it"):
        Ack(annotation)


def test_a_field_error_that_is_no_top_level_field_of_the_first_argument_is_fine() -> None:
    class Excluded(BaseModel):
        error: str = Field(default="", exclude=True)

    class Renamed(BaseModel):
        error: str = Field(default="", serialization_alias="problem")

    for annotation in (list[Plain], Page[Plain], dict[str, Plain], tuple[int, Plain], Excluded, Renamed):
        Ack(annotation)


@pytest.mark.parametrize("annotation", [Any, dict[str, Any], dict], ids=repr)
def test_a_value_that_happens_to_look_like_the_error_object_is_the_servers_error(annotation: Any) -> None:
    looks_like_one = {"a": {}, "error": {"message": "", "code": ""}}
    for ack in (Ack(annotation), Ack()):
        with pytest.raises(AckError, match=r"raise framework\.EventError instead"):
            ack.encode(looks_like_one)
        ack.encode({"a": {"error": {"code": "x"}}})
        ack.encode({"error": {"reason": "x"}})
    Ack().encode((1, looks_like_one))
    Ack().encode({"error": "as applications of old have it"})


# -- types that can't be


class Unusable:
    pass


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (Unusable, "schema for <.*Unusable'>; use a model, a dataclass or a TypedDict$"),
        (Iterator[int], r"schema for .*Iterator\[int\]; use a model, a dataclass or a TypedDict$"),
        (Callable[[], int], "JSON has no value for a part of it"),
        (Hashable, "JSON has no value for a part of it"),
        (type[int], "JSON has no value for a part of it"),
        (list[Callable[[], int]], "JSON has no value for a part of it"),
    ],
    ids=repr,
)
def test_a_type_that_is_no_json_is_refused(annotation: Any, reason: str) -> None:
    with pytest.raises(UnusableAck, match=reason):
        Ack(annotation)


def test_a_type_that_says_how_it_is_written_is_taken() -> None:
    class Custom(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        thing: Annotated[Unusable, PlainSerializer(lambda value: "thing", return_type=str)]

    assert text(Custom, Custom(thing=Unusable())) == [{"thing": "thing"}]


def test_a_default_that_is_no_json_is_no_reason_to_refuse_a_type() -> None:
    class Configured(BaseModel):
        names: Sequence[str] = ()
        marker: Any = Field(default_factory=object, exclude=True)
        odd: Any = object()

    Ack(Configured)


def test_an_iterator_is_written_as_a_list() -> None:
    assert text(Iterable[int], iter([1, 2])) == [[1, 2]]


# -- the rest


def test_an_output_checks_and_keeps_bytes_for_a_packet() -> None:
    output = Output(tuple[Upload, float])
    upload = Upload(name="a", content=b"\xff")
    assert output.check((upload, 1)) == (upload, 1.0)
    assert output.plain((upload, 1)) == ({"name": "a", "content": b"\xff"}, 1.0)
    assert Output(tuple[datetime]).plain((datetime(2026, 1, 2, tzinfo=UTC),)) == ("2026-01-02T00:00:00Z",)
    with pytest.raises(ValidationError):
        output.plain((upload, "x"))
    with pytest.raises(ValueError, match="finite"):
        Output(tuple[Reading]).plain((Reading(value=float("nan")),))


def test_encode_values_takes_what_pydantic_knows() -> None:
    assert encode_values([1, Point(1), b"a"]) == Encoded('[1,{"x":1,"y":0},{"_placeholder":true,"num":0}]', [b"a"])


def test_the_error_object_has_what_there_is() -> None:
    assert error_object(EventError("full"), "join") == {"error": {"code": "full", "message": "full", "event": "join"}}
    complete = error_object(EventError("busy", "Wait.", [1], retry_after=1.5), None, error_id="x1")
    assert complete == {
        "error": {"code": "busy", "message": "Wait.", "event": None, "details": [1], "retry_after": 1.5, "id": "x1"}
    }


@dataclass
class WithFactory:
    tags: list[str] = field(default_factory=list)


@given(st.builds(Tree, value=st.integers(), children=st.lists(st.builds(Tree, value=st.integers()), max_size=3)))
def test_what_goes_out_comes_back(tree: Tree) -> None:
    assert [tree] == [Tree.model_validate(item) for item in text(Tree, tree)]
    assert text(WithFactory, WithFactory(["a"])) == [{"tags": ["a"]}]


def test_a_model_that_writes_nan_as_a_constant_is_refused_too() -> None:
    class Constant(BaseModel):
        model_config = ConfigDict(ser_json_inf_nan="constants")
        value: float

    class Word(BaseModel):
        model_config = ConfigDict(ser_json_inf_nan="strings")
        value: float

    with pytest.raises(AckError, match="finite"):
        Ack(Constant).encode(Constant(value=float("inf")))
    assert text(Word, Word(value=float("inf"))) == [{"value": "Infinity"}]


@pytest.mark.parametrize("action", ["ignore", "default", "error"])
def test_a_model_whose_contents_are_wrong_is_our_error_whatever_is_done_with_warnings(
    action: Literal["ignore", "default", "error"],
) -> None:
    class Numbered(BaseModel):
        number: int

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter(action)
        with pytest.raises(AckError, match="Expected `int`"):
            Ack(Numbered).encode(Numbered.model_construct(number="one"))
    assert told == []


@pytest.mark.parametrize(
    "annotation", [dict[str, Any], Mapping[str, dict[str, str]], Any, object, int | dict[str, Any]]
)
def test_what_may_look_like_an_error_is_looked_at(annotation: Any) -> None:
    with pytest.raises(AckError, match="object like the one that tells a failure"):
        Ack(tuple[annotation, int]).encode(({"error": {"code": "x"}}, 1))


def test_a_member_of_an_enumeration_that_looks_like_an_error_is_looked_at() -> None:
    class Odd(Enum):
        ONE = {"error": {"code": "x"}}  # noqa: RUF012

    with pytest.raises(AckError, match="object like the one that tells a failure"):
        Ack(Odd).encode(Odd.ONE)
