"""Examples: valid for whatever pydantic makes, and always the same."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import re
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import UUID1, UUID3, UUID4, UUID5, UUID7, AnyUrl, Base64Bytes, Field, SecretStr, TypeAdapter

from framework.contract import Contract
from framework.contract.examples import Examples, example_for
from framework.contract.patterns import propose_texts
from framework.contract.validity import is_valid as is_valid_here
from framework.errors import ContractError
from tests.effort import tries

from . import schemas
from .corpus import create_app


@pytest.fixture(scope="module")
def corpus() -> Contract:
    contract: Contract = create_app().extensions["socketio"].contract()
    return contract


@settings(max_examples=tries(300), deadline=None)
@given(schemas.types, st.sampled_from(["validation", "serialization"]))
def test_an_example_of_any_type_is_valid(kind: Any, mode: Literal["validation", "serialization"]) -> None:
    schema, models = schemas.read_schema(kind, mode)
    example = example_for(schema, models)
    assert schemas.is_valid(example, schema, models)
    assert json.loads(json.dumps(example)) == example
    assert example_for(schema, models) == example


@settings(max_examples=tries(300), deadline=None)
@given(schemas.types)
def test_the_type_itself_takes_its_example(kind: Any) -> None:
    adapter = TypeAdapter(kind)
    adapter.validate_json(json.dumps(example_for(*schemas.read_schema(kind, "validation"))))


@settings(max_examples=tries(200), deadline=None)
@given(schemas.schemas, st.data())
def test_validity_is_what_a_validator_of_json_schema_says(schema: Any, data: st.DataObject) -> None:
    value = data.draw(schemas._draw(data.draw(schemas.mutants(schema)), MODELS, 3))
    assert is_valid_here(value, schema, MODELS) == schemas.is_valid(value, schema, MODELS)


MODELS = {
    "Leaf": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "Node": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"$ref": "#/models/Node"}}},
        "required": ["a"],
    },
}


def test_every_schema_of_the_corpus_has_an_example(corpus: Contract) -> None:
    examples = Examples(corpus.models)
    for name in corpus.models:
        schema = {"$ref": f"#/models/{name}"}
        assert schemas.is_valid(examples.find(schema), schema, corpus.models), name


def test_what_the_schema_says_itself_comes_first() -> None:
    said = {"type": "integer", "examples": [7], "example": 8, "default": 9}
    assert example_for(said, {}) == 7
    assert example_for({"type": "integer", "example": 8, "default": 9}, {}) == 8
    assert example_for({"type": "integer", "default": 9}, {}) == 9
    assert example_for({"enum": ["red", "green"]}, {}) == "red"
    assert example_for({"const": {"a": 1}}, {}) == {"a": 1}


def test_an_example_that_does_not_fit_its_schema_is_passed_over() -> None:
    assert example_for({"type": "integer", "examples": ["seven"], "default": None}, {}) == 1
    assert example_for({"type": "integer", "enum": [1, 20], "minimum": 5}, {}) == 20


def test_fields_that_may_be_left_out_are_in_it() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}, "required": ["a"]}
    assert example_for(schema, {}) == {"a": "text", "b": True}


def test_a_model_that_holds_itself_ends() -> None:
    models = {
        "Node": {
            "type": "object",
            "required": ["left", "right"],
            "properties": {
                "left": {"anyOf": [{"$ref": "#/models/Node"}, {"type": "null"}]},
                "right": {"anyOf": [{"$ref": "#/models/Node"}, {"type": "null"}]},
            },
        }
    }
    leaf = {"left": None, "right": None}
    assert example_for({"$ref": "#/models/Node"}, models) == {"left": leaf, "right": leaf}


def test_thirty_models_that_all_hold_each_other_are_no_trouble() -> None:
    names = [f"M{number}" for number in range(30)]
    either = {"anyOf": [*({"$ref": f"#/models/{name}"} for name in names), {"type": "integer"}]}
    fields = {"a": either, "b": either, "c": {"type": "array", "items": either}}
    models = {name: {"type": "object", "properties": fields, "required": ["a", "b", "c"]} for name in names}
    example = example_for({"$ref": "#/models/M0"}, models)
    assert is_valid_here(example, {"$ref": "#/models/M0"}, models)
    assert len(json.dumps(example)) < 1000


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "string", "pattern": "["},
        {"$ref": "#/models/Nowhere"},
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True},
    ],
    ids=json.dumps,
)
def test_where_nothing_fits_there_is_an_error(schema: Any) -> None:
    with pytest.raises(ContractError, match="no example found"):
        example_for(schema, {})


def test_a_model_that_can_only_hold_itself_without_end_has_no_example() -> None:
    endless = {"type": "object", "properties": {"a": {"$ref": "#/models/A"}}, "required": ["a"]}
    for model in (endless, {"$ref": "#/models/A"}, {"anyOf": [{"$ref": "#/models/A"}]}):
        with pytest.raises(ContractError):
            example_for({"$ref": "#/models/A"}, {"A": model})


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[^@]+@[^@]+$",
        r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",
        r"^[A-Z]{3}-\d{4,}$",
        r"^(a|b)+(?:x|y)?\1$",
        r"\w+\s\S",
        r"^((a+)+b){2,}$",
        r"^[^\W\d]\D$",
        "^(?P<x>äöü)(?>z)$",
        "^.{3}$",
    ],
)
def test_a_pattern_has_a_text_that_matches(pattern: str) -> None:
    assert any(re.search(pattern, text) for text in propose_texts(pattern))
    assert re.search(pattern, example_for({"type": "string", "pattern": pattern}, {}))


def test_a_pattern_for_a_very_long_text_costs_no_more_than_a_long_one() -> None:
    assert max(map(len, propose_texts("(((a+)+)+)+"))) <= 10_000
    assert list(propose_texts("((a{1000}){1000}){1000}")) == []


def test_a_schema_with_several_types_and_combinations_has_an_example() -> None:
    either = {"type": ["null", "object"], "not": {"type": "null"}}
    assert example_for(either, {}) == {}
    merged = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 5, "maximum": 9}, "b": {"type": "null"}}, "required": ["b"]},
        ]
    }
    assert example_for(merged, {}) == {"a": 7, "b": None}
    assert example_for({"anyOf": [{"minLength": 6}, {"maxLength": 0}], "type": "string"}, {}) == "texttext"[:6]
    assert example_for({"type": "array", "contains": {"const": 3}, "minContains": 2}, {}) == [3, 3]
    assert example_for({"type": "object", "minProperties": 2, "maxProperties": 2}, {}) == {"1": "text", "2": "text"}
    assert example_for({"type": "object", "patternProperties": {"^x": {"type": "integer"}}}, {}) == {"x": 1}
    assert (
        example_for({"type": "string", "contentMediaType": "application/json", "contentSchema": {"const": {}}}, {})
        == "{}"
    )


@pytest.mark.parametrize(
    "kind",
    [
        AnyUrl,
        Base64Bytes,
        Path,
        SecretStr,
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        ipaddress.IPv4Address,
        ipaddress.IPv4Interface,
        ipaddress.IPv4Network,
        ipaddress.IPv6Address,
        ipaddress.IPv6Interface,
        ipaddress.IPv6Network,
        uuid.UUID,
        UUID1,
        UUID3,
        UUID4,
        UUID5,
        UUID7,
    ],
    ids=lambda kind: kind.__name__ if isinstance(kind, type) else str(kind),
)
def test_texts_of_a_format_are_of_that_format_and_different(kind: Any) -> None:
    several = Annotated[list[kind], Field(min_length=5, json_schema_extra={"uniqueItems": True})]
    example = example_for(*schemas.read_schema(several, "validation"))
    assert len(set(example)) == len(TypeAdapter(several).validate_python(example)) == 5


def test_encoded_texts_are_encoded() -> None:
    assert base64.b64decode(example_for({"type": "string", "contentEncoding": "base64"}, {}))
    assert json.loads(example_for({"type": "string", "contentMediaType": "application/json"}, {})) == 0


def test_a_text_is_as_long_as_it_has_to_be() -> None:
    assert example_for({"type": "string", "minLength": 10}, {}) == "texttextte"
    assert example_for({"type": "string", "maxLength": 2}, {}) == "te"
    assert example_for({"type": "string", "maxLength": 0}, {}) == ""
    short = {"type": "array", "items": {"type": "string", "maxLength": 1}, "minItems": 4, "uniqueItems": True}
    assert len(set(example_for(short, {}))) == 4


def test_what_is_beside_a_reference_counts() -> None:
    models = {"Name": {"type": "string", "minLength": 2}, "Alias": {"$ref": "#/models/Name"}}
    assert example_for({"allOf": [{"$ref": "#/models/Alias"}], "maxLength": 3}, models) == "tex"
    assert example_for({"type": "object", "propertyNames": {"$ref": "#/models/Name"}, "minProperties": 1}, models)


def test_conditions_are_looked_at() -> None:
    schema = {"enum": ["a", 1, 2], "if": {"type": "string"}, "then": False, "else": {"minimum": 2}}
    assert example_for(schema, {}) == 2
    needs = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "dependentRequired": {"a": ["c"]},
    }
    assert "a" not in example_for(needs, {})
