"""From JSON Schema 2020-12 to draft 7: what fitted still fits, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from framework.generators.draft7 import to_draft7
from framework.generators.names import make_key
from tests.contract import schemas
from tests.effort import tries

MODELS = {"Leaf": {"type": "integer"}, "Node": {"type": "array", "items": {"$ref": "#/models/Node"}}}


def point(name: str) -> str:
    return f"#/definitions/{name}"


@settings(max_examples=tries(150), deadline=None)
@given(schemas.schemas, st.data())
def test_both_drafts_have_the_same_values(schema: Any, data: st.DataObject) -> None:
    value = data.draw(schemas._draw(data.draw(schemas.mutants(schema)), MODELS, 3))
    made = to_draft7(schema, point)
    Draft7Validator.check_schema(made)
    models = {name: to_draft7(model, point) for name, model in MODELS.items()}
    assert Draft7Validator({**made, "definitions": models}).is_valid(value) == schemas.is_valid(value, schema, MODELS)


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"$ref": "#/models/A", "default": 1}, {"allOf": [{"$ref": "#/definitions/A"}], "default": 1}),
        ({"$ref": "#/models/A"}, {"$ref": "#/definitions/A"}),
        ({"prefixItems": [{}], "items": False}, {"items": [{}], "additionalItems": False}),
        ({"prefixItems": [{}]}, {"items": [{}]}),
        ({"type": "array", "items": False}, {"type": "array", "maxItems": 0}),
        ({"dependentRequired": {"a": ["b"]}}, {"dependencies": {"a": ["b"]}}),
        ({"properties": {"$ref": {"type": "null"}}}, {"properties": {"$ref": {"type": "null"}}}),
        ({"const": {"$ref": "#/models/A"}}, {"const": {"$ref": "#/models/A"}}),
        (True, True),
    ],
)
def test_a_word_of_the_new_draft_is_said_in_the_old_one(schema: Any, made: Any) -> None:
    assert to_draft7(schema, point) == made


def test_a_key_is_the_name_where_it_can_be_and_has_a_hash_where_not() -> None:
    assert make_key("my-event.v2_x") == "my-event.v2_x"
    assert make_key("my event") != make_key("my_event") == "my_event"
    assert len({make_key(name) for name in ("my event", "my/event", "my_event", "größe", "gr__e", "", "-")}) == 7
