"""What a client sends is checked against the handler's types; what is wrong is said without repeating any of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    IPvAnyAddress,
    Json,
    RootModel,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from framework.errors import PayloadError
from framework.payloads import MAX_DETAILS, MAX_PROBLEMS, OWN_REASON, Parameter, Payload, UnusableType
from tests.effort import tries

T = TypeVar("T")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Message(BaseModel):
    room: str = Field(max_length=8)
    text: str


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Page(BaseModel, Generic[T]):
    items: list[T]


class Names(RootModel[list[str]]):
    pass


@dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict, total=False):
    limit: int


class Pair(NamedTuple):
    left: int
    right: str


class Upload(BaseModel):
    name: str
    content: bytes


def payload(*annotations: Any) -> Payload:
    names = ["first", "second", "third"]
    return Payload("send", [Parameter(*pair) for pair in zip(names, annotations, strict=False)])


def sent(*values: Any) -> str:
    return json.dumps(["send", *values])


def refusal(of: Payload, *values: Any) -> list[tuple[str, str]]:
    """The paths and messages with which *values*, sent as JSON, are refused; checked decoded as well."""
    with pytest.raises(PayloadError) as from_text:
        of.parse_json(sent(*values))
    with pytest.raises(PayloadError) as decoded:
        of.parse_values(values)
    details = from_text.value.details
    assert [item["path"] for item in details] == [item["path"] for item in decoded.value.details]
    return [(item["path"], item["message"]) for item in details]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 1, 1),
        (str, "a", "a"),
        (bool, True, True),
        (None, None, None),
        (float, 1, 1.0),
        (Any, {"a": [1]}, {"a": [1]}),
        (Message, {"room": "r", "text": "t"}, Message(room="r", text="t")),
        (Message | None, None, None),
        (int | str, "1", "1"),
        (Pet, {"kind": "dog", "tricks": ["sit"]}, Dog(kind="dog", tricks=["sit"])),
        (Tree, {"value": 1, "children": [{"value": 2}]}, Tree(value=1, children=[Tree(value=2)])),
        (Page[Message], {"items": [{"room": "r", "text": "t"}]}, Page[Message](items=[Message(room="r", text="t")])),
        (Names, ["a"], Names(["a"])),
        (Point, {"x": 1}, Point(1, 0)),
        (Options, {"limit": 1}, {"limit": 1}),
        (Pair, [1, "b"], Pair(1, "b")),
        (Colour, "red", Colour.RED),
        (Literal["a", 1], "a", "a"),
        (Annotated[int, Field(ge=1)], 1, 1),
        (datetime, "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (date, "2026-01-02", date(2026, 1, 2)),
        (Decimal, "1.50", Decimal("1.50")),
        (UUID, "00000000-0000-0000-0000-000000000001", UUID(int=1)),
        (set[int], [1, 1], {1}),
        (tuple[int, str], [1, "a"], (1, "a")),
        (dict[int, str], {"1": "a"}, {1: "a"}),
    ],
)
def test_what_pydantic_validates_is_taken_from_text_and_from_values(annotation: Any, value: Any, expected: Any) -> None:
    assert payload(annotation).parse_json(sent(value)) == (expected,)
    assert payload(annotation).parse_values([value]) == (expected,)


def test_bytes_come_as_they_are_wherever_they_stand() -> None:
    upload = {"name": "a", "content": b"\xff\x00"}
    assert payload(Upload).parse_values([upload]) == (Upload(name="a", content=b"\xff\x00"),)
    assert payload(Any, list[bytes]).parse_values([{"deep": [b"\xff"]}, [b"x"]]) == ({"deep": [b"\xff"]}, [b"x"])


def test_a_validation_alias_is_what_a_client_sends() -> None:
    class Order(BaseModel):
        number: int = Field(validation_alias="orderNumber", serialization_alias="no")

    assert payload(Order).parse_json(sent({"orderNumber": 1}))[0].number == 1
    assert refusal(payload(Order), {"number": 1}) == [("orderNumber", "Field required")]


def test_defaults_fill_what_is_left_out_and_null_is_a_value() -> None:
    page = Payload("send", [Parameter("text", str), Parameter("limit", int, 10), Parameter("after", int | None, None)])
    assert page.parse_json(sent("a")) == ("a", 10, None)
    assert page.parse_json(sent("a", 5)) == ("a", 5, None)
    assert page.parse_values(["a", 5, 1]) == ("a", 5, 1)
    assert refusal(page, "a", None) == [("limit", "Input should be a valid integer")]


def test_a_variadic_parameter_takes_the_rest() -> None:
    tags = Payload("send", [Parameter("room", str), Parameter("limit", int, 3), Parameter("tags", str, variadic=True)])
    assert tags.parse_json(sent("r")) == ("r", 3)
    assert tags.parse_json(sent("r", 1)) == ("r", 1)
    assert tags.parse_json(sent("r", 1, "a", "b")) == ("r", 1, "a", "b")
    assert refusal(tags, "r", 1, "a", 2) == [("tags.1", "Input should be a valid string")]


@pytest.mark.parametrize(
    ("annotations", "values", "expected"),
    [
        ((), (1,), ("", "Expected at most 0 arguments")),
        ((int,), (1, 2), ("", "Expected at most 1 argument")),
        ((int, str), (1,), ("second", "Field required")),
        ((int,), (), ("first", "Field required")),
        ((int,), ("x",), ("first", "Input should be a valid integer, unable to parse string as an integer")),
        ((Message,), ({"room": "r"},), ("text", "Field required")),
        ((int, Message), (1, {"room": "r"}), ("second.text", "Field required")),
        ((list[Message],), ([{"room": "r", "text": 1}],), ("0.text", "Input should be a valid string")),
        ((Message,), (1,), ("first", None)),
    ],
)
def test_an_error_names_the_parameter_the_field_and_the_position(
    annotations: tuple[Any, ...], values: tuple[Any, ...], expected: tuple[str, str | None]
) -> None:
    [(path, message)] = refusal(payload(*annotations), *values)
    assert path == expected[0]
    assert message == expected[1] or expected[1] is None


def test_the_message_is_the_first_detail_and_how_many_more() -> None:
    with pytest.raises(PayloadError) as caught:
        payload(Message).parse_json(sent({"room": "much too long"}))
    assert caught.value.code == "invalid_payload"
    assert caught.value.message == "Invalid payload: room: String should have at most 8 characters (and 1 more)."
    assert caught.value.details == [
        {"path": "room", "type": "string_too_long", "message": "String should have at most 8 characters"},
        {"path": "text", "type": "missing", "message": "Field required"},
    ]
    assert caught.value.__cause__ is not None


def test_only_the_first_details_are_told_and_none_of_too_many() -> None:
    assert len(refusal(payload(list[int]), ["x"] * (MAX_DETAILS + 5))) == MAX_DETAILS
    with pytest.raises(PayloadError, match=f"more than {MAX_PROBLEMS} problems") as caught:
        payload(list[int]).parse_json(sent(["x"] * (MAX_PROBLEMS + 1)))
    assert caught.value.details is None


# -- nothing of the input


def test_keys_that_the_client_chose_are_a_star() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    assert refusal(payload(dict[str, int]), {"secret": "x"})[0][0] == "*"
    assert refusal(payload(dict[str, list[int]]), {"secret": [1, "x"]})[0][0] == "*.1"
    assert refusal(payload(dict[int, int]), {"secret": 1})[0][0] == "*"
    assert refusal(payload(Strict), {"secret": 1}) == [("*", "Extra inputs are not permitted")]


def test_the_choices_of_a_union_are_no_part_of_the_path() -> None:
    class Found(BaseModel):
        pet: Pet
        size: int | list[int] | None

    assert {path for path, _ in refusal(payload(int | list[int]), "x")} == {"first"}
    [lives, *sizes] = refusal(payload(Found), {"pet": {"kind": "cat", "lives": "x"}, "size": ["x"]})
    assert lives[0] == "pet.lives"
    assert {path for path, _ in sizes} == {"size", "size.0"}


def test_the_tag_of_a_union_is_not_repeated() -> None:
    [(path, message)] = refusal(payload(Pet), {"kind": "hunter2"})
    assert (path, message) == ("first", "Input tag does not match any of the expected tags: 'cat', 'dog'")


def test_aliases_and_alias_paths_are_named_as_they_were_sent() -> None:
    class Deep(BaseModel):
        number: int = Field(validation_alias=AliasChoices("nr", AliasPath("deep", 0)))

    assert [path for path, _ in refusal(payload(Deep), {"nr": "x"})] == ["nr"]
    assert [path for path, _ in refusal(payload(Deep), {"deep": ["x"]})] == ["deep.0"]


def test_a_parser_does_not_repeat_what_it_has_read() -> None:
    cases: list[tuple[Any, Any, str]] = [
        (UUID, "hunter2", "Input should be a valid UUID"),
        (Json[int], '{"hunter2', "Invalid JSON"),
        (datetime, "hunter2", "Input should be a valid datetime or date"),
        (AwareDatetime, "2026-01-02T03:04:05", "Input should have timezone info"),
    ]
    for annotation, value, start in cases:
        [(path, message)] = refusal(payload(annotation), value)
        assert path == "first"
        assert message.startswith(start)
        assert "hunter2" not in message


def test_types_of_pydantic_that_quote_the_input_do_not() -> None:
    for annotation, value in [(ZoneInfo, "Secret/Zone"), (ByteSize, "12 secrets"), (IPvAnyAddress, "secret")]:
        assert all("ecret" not in message for _, message in refusal(payload(annotation), value))


def validated_by(check: Callable[[str], object]) -> Payload:
    class Checked(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def _check(cls, value: str) -> str:
            check(value)
            return value

    return payload(Checked)


def test_a_validators_own_words_reach_the_client() -> None:
    def fail(value: str) -> None:
        raise ValueError("must name a planet")

    for text in ("", "e", "Io", "Ceres"):
        assert refusal(validated_by(fail), {"text": text}) == [("text", "must name a planet")]


def test_a_validators_words_that_repeat_the_input_do_not() -> None:
    def quote(value: str) -> None:
        raise ValueError(f"{value.upper()} is no planet")

    def represent(value: str) -> None:
        raise ValueError(f"{value!r} is no planet")

    assert refusal(validated_by(quote), {"text": "hunter2"}) == [("text", OWN_REASON)]
    assert refusal(validated_by(int), {"text": "hunter2"}) == [("text", OWN_REASON)]
    assert refusal(validated_by(represent), {"text": "hunter\n2"}) == [("text", OWN_REASON)]


def test_an_assertion_says_nothing_because_its_text_may_be_written_by_a_tool() -> None:
    def claim(value: str) -> None:
        assert value == "earth", "must be earth"

    assert refusal(validated_by(claim), {"text": "mars"}) == [("text", OWN_REASON)]


def test_a_custom_error_passes_with_its_type_unless_it_repeats_the_input() -> None:
    def fail(value: str) -> None:
        raise PydanticCustomError("no_planet", "no planet, as {name} is", {"name": value if "2" in value else "Ceres"})

    with pytest.raises(PayloadError) as caught:
        validated_by(fail).parse_json(sent({"text": "pluto"}))
    assert caught.value.details == [{"path": "text", "type": "no_planet", "message": "no planet, as Ceres is"}]
    assert refusal(validated_by(fail), {"text": "hunter2"}) == [("text", OWN_REASON)]


def test_a_model_validator_that_quotes_a_field_is_masked() -> None:
    class Login(BaseModel):
        name: str
        password: str

        @model_validator(mode="after")
        def _check(self, info: ValidationInfo) -> Login:
            raise ValueError(f"{self.password} is too weak")

    assert refusal(payload(Login), {"name": "ada", "password": "hunter2"}) == [("first", OWN_REASON)]


SECRET = "s3cr3t"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.just(SECRET) | st.sampled_from("abx"), inner),
    max_leaves=12,
)
ANNOTATIONS = [
    int,
    Message,
    Pet,
    Tree,
    Page[Pet],
    Point,
    Options,
    Pair,
    Colour,
    UUID,
    datetime,
    Decimal,
    Json[Any],
    dict[str, Message],
    dict[UUID, int],
    list[int | Message | None],
    tuple[int, str] | bytes,
    ZoneInfo,
    ByteSize,
    IPvAnyAddress,
]


@settings(max_examples=tries(300))
@given(annotation=st.sampled_from(ANNOTATIONS), values=st.lists(json_values, max_size=3))
def test_whatever_is_sent_an_error_is_a_payload_error_without_it(annotation: Any, values: list[Any]) -> None:
    checked = payload(annotation)
    for parse in (lambda: checked.parse_json(sent(*values)), lambda: checked.parse_values(values)):
        error = refused_by(parse)
        assert error is None or SECRET not in json.dumps([error.message, error.details])


def refused_by(parse: Callable[[], object]) -> PayloadError | None:
    try:
        parse()
    except PayloadError as error:
        return error
    return None


# -- JSON that can't be passed on


class Reading(BaseModel):
    value: float


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


@pytest.mark.parametrize("annotation", [Reading, Any, dict, Loose, object, list[float] | dict[str, float]])
@pytest.mark.parametrize("number", ["1e999", "-1E+400", "1" + "0" * 400 + ".0", "9" * 250 + "e99"])
def test_a_number_out_of_range_is_refused_where_it_could_get_through(annotation: Any, number: str) -> None:
    with pytest.raises(PayloadError):
        payload(annotation).parse_json(f'["send",{{"value":{number}}}]')


@pytest.mark.parametrize("annotation", [Reading, Any, float])
@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_that_are_no_json_are_no_json(annotation: Any, word: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        payload(annotation).parse_json(f'["send",{{"value":{word}}}]')


def test_a_string_that_looks_like_such_a_number_is_a_string() -> None:
    text = "NaN 1e999 Infinity " + "9" * 300
    assert payload(Any).parse_json(sent(text)) == (text,)
    assert payload(Reading).parse_json(sent({"value": 1e-300}))[0].value == pytest.approx(1e-300)


def test_half_a_surrogate_pair_is_refused() -> None:
    for annotation in (str, Any):
        with pytest.raises(PayloadError, match="surrogate"):
            payload(annotation).parse_json('["send","\\ud800"]')


def test_an_integer_of_too_many_digits_is_refused() -> None:
    for annotation in (int, Any):
        with pytest.raises(PayloadError, match="out of range"):
            payload(annotation).parse_json(f'["send",{"9" * 4301}]')


def test_text_that_is_no_json_is_told_apart_from_json_that_does_not_fit() -> None:
    for text in ('["send",', '["send",1]x', "", '["send",}]'):
        with pytest.raises(json.JSONDecodeError):
            payload(int).parse_json(text)


@given(st.floats())
def test_no_number_that_is_not_finite_gets_into_a_model(number: float) -> None:
    text = json.dumps(["send", {"value": number}])
    if math.isfinite(number):
        assert payload(Reading).parse_json(text)[0].value == number
    else:
        with pytest.raises(json.JSONDecodeError):
            payload(Reading).parse_json(text)


@pytest.mark.parametrize("depth", [300, 5000])
def test_what_is_nested_too_deep_is_refused(depth: int) -> None:
    for annotation in (int, Any, Tree):
        with pytest.raises(PayloadError):
            payload(annotation).parse_json(f'["send",{"[" * depth}{"]" * depth}]')


# -- types that can't be


class Unusable:
    pass


def test_a_type_that_pydantic_does_not_know_is_named_with_its_parameter() -> None:
    with pytest.raises(UnusableType) as caught:
        payload(int, Unusable)
    assert caught.value.parameter.name == "second"
    assert caught.value.advice == ". Use a model, a dataclass or a TypedDict."


def test_a_constraint_that_can_not_work_is_named_with_its_parameter_and_reason() -> None:
    with pytest.raises(UnusableType) as caught:
        payload(int, Annotated[str, Field(pattern="(")])
    assert caught.value.parameter.name == "second"
    assert caught.value.advice == ": error: unclosed group."
    with pytest.raises(UnusableType, match="discriminated union"):
        payload(Annotated[int, Field(discriminator="kind")])


@pytest.mark.parametrize(
    "number", ["1e999", "1E999", "1e+999", "1E+0999", "9" * 400 + ".5", "9" * 4400, "-1e400", "NaN", "-Infinity"]
)
@pytest.mark.parametrize("around", ["", "x" * 300, "1e123 abe777 E"])
def test_a_number_out_of_range_is_found_in_any_text(number: str, around: str) -> None:
    class Reading(BaseModel):
        note: str
        value: float

    payload = Payload("read", [Parameter("reading", Reading)])
    for text in (
        f'["read",{{"note":"{around}","value":{number}}}]',
        f'["read",{{"value":{number},"note":"{around}"}}]',
    ):
        with pytest.raises((PayloadError, json.JSONDecodeError)):
            payload.parse_json(text)
    assert payload.parse_json(f'["read",{{"note":"{around} {number}","value":1e2}}]')[0].value == 100
