"""Two schemas: what is different, and which direction it breaks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.contract.constraints import Difference
from framework.contract.schema_diff import compare_schemas
from tests.effort import tries

from . import schemas

MODELS = {
    "Leaf": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "Node": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"$ref": "#/models/Node"}}},
        "required": ["a"],
    },
}
CHANGED = {
    **MODELS,
    "Node": {
        "type": "object",
        "properties": {
            "a": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "b": {"type": "array", "items": {"$ref": "#/models/Node"}},
        },
        "required": ["a"],
    },
}


@settings(max_examples=tries(200), deadline=None)
@given(schemas.schemas)
def test_a_schema_and_itself_have_no_difference(schema: Any) -> None:
    assert compare_schemas(schema, copy.deepcopy(schema), MODELS, copy.deepcopy(MODELS)) == []


@settings(max_examples=tries(200), deadline=None)
@given(schemas.schemas)
def test_a_schema_that_says_the_same_in_other_words_has_no_difference(schema: Any) -> None:
    wrapped = {"anyOf": [{"allOf": [schema], "title": "Wrapped", "description": "In words."}]}
    renamed = {f"New{name}": _rename(model) for name, model in MODELS.items()}
    assert compare_schemas(schema, _rename(wrapped), MODELS, renamed) == []


def _rename(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _rename(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_rename(value) for value in schema]
    return schema.replace("#/models/", "#/models/New") if isinstance(schema, str) else schema


@settings(max_examples=tries(300), deadline=None)
@given(schemas.schemas, st.booleans(), st.data())
def test_what_is_safe_going_in_takes_every_old_value(old: Any, other_models: bool, data: st.DataObject) -> None:
    new = data.draw(schemas.mutants(old))
    models = CHANGED if other_models else MODELS
    found = compare_schemas(old, new, MODELS, models)
    if all(difference.coming_in == "safe" for difference in found):
        value = data.draw(schemas.values(old, MODELS))
        assert schemas.is_valid(value, new, models), found


@settings(max_examples=tries(300), deadline=None)
@given(schemas.schemas, st.booleans(), st.data())
def test_what_is_safe_coming_out_gives_nothing_new(old: Any, other_models: bool, data: st.DataObject) -> None:
    new = data.draw(schemas.mutants(old))
    models = CHANGED if other_models else MODELS
    found = compare_schemas(old, new, MODELS, models)
    if all(difference.going_out == "safe" for difference in found):
        value = data.draw(schemas.values(new, models))
        assert schemas.is_valid(value, old, MODELS), found


def obj(required: str = "", extra: Any = None, **fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": required.split()}
    return schema if extra is None else {**schema, "additionalProperties": extra}


INT, TEXT, NULL, NUMBER = {"type": "integer"}, {"type": "string"}, {"type": "null"}, {"type": "number"}
CAT, DOG = obj("kind", kind={"const": "cat"}, lives=INT), obj("kind", kind={"const": "dog"}, good=INT)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # types
        (INT, TEXT, "type_changed breaking breaking"),
        (INT, NUMBER, "type_widened safe breaking"),
        (NUMBER, INT, "type_narrowed breaking safe"),
        ({}, INT, "type_narrowed breaking safe"),
        (INT, {}, "type_widened safe breaking"),
        (TEXT, {"type": "string", "format": "binary"}, "type_changed breaking breaking"),
        (TEXT, {"anyOf": [TEXT, NULL]}, "null_added safe breaking"),
        ({"type": ["string", "null"]}, TEXT, "null_removed breaking safe"),
        ({"anyOf": [INT, TEXT]}, {"anyOf": [TEXT, INT]}, ""),
        ({"anyOf": [INT, TEXT]}, {"anyOf": [NUMBER, TEXT]}, "type_widened safe breaking"),
        ({"anyOf": [INT, TEXT, NULL]}, {"anyOf": [NUMBER, TEXT]}, "null_removed breaking safe; type_added safe breaking"),
        ({"anyOf": [INT, NUMBER]}, NUMBER, ""),
        (TEXT, {"anyOf": [TEXT, {"enum": ["a"]}]}, ""),
        # values
        ({"enum": ["a", "b"]}, {"enum": ["a", "c"]}, "value_added safe breaking; value_removed breaking safe"),
        ({"enum": ["a"]}, TEXT, "values_opened safe breaking"),
        (TEXT, {"enum": ["a"]}, "values_closed breaking safe"),
        ({"const": "a"}, {"enum": ["a"]}, ""),
        ({"enum": ["a", 1]}, {"enum": ["a"]}, "value_removed breaking safe"),
        ({"enum": [1]}, {"enum": [True]}, "type_changed breaking breaking"),
        # numbers
        (INT, {"type": "integer", "maximum": 5}, "maximum_tightened breaking safe"),
        ({"type": "integer", "maximum": 5}, {"type": "integer", "maximum": 6}, "maximum_loosened safe risky"),
        ({"type": "number", "minimum": 0}, {"type": "number", "exclusiveMinimum": 0}, "minimum_tightened breaking safe"),
        ({"type": "number", "exclusiveMaximum": 0}, {"type": "number", "maximum": 0}, "maximum_loosened safe risky"),
        ({"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 4}, "multiple_changed breaking safe"),
        ({"type": "integer", "multipleOf": 4}, {"type": "integer", "multipleOf": 2}, "multiple_changed safe risky"),
        ({"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 2}, "multiple_changed breaking risky"),
        # texts
        (TEXT, {"type": "string", "maxLength": 5}, "maximum_tightened breaking safe"),
        ({"type": "string", "minLength": 5}, TEXT, "minimum_loosened safe risky"),
        (TEXT, {"type": "string", "pattern": "a"}, "pattern_added breaking safe"),
        ({"type": "string", "pattern": "a"}, TEXT, "pattern_removed safe risky"),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}, "pattern_changed risky risky"),
        (TEXT, {"type": "string", "format": "date"}, "format_changed breaking safe"),
        ({"type": "string", "format": "date"}, TEXT, "format_changed safe breaking"),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "uuid"}, "format_changed breaking breaking"),
        ({"type": "string", "format": "uuid4"}, {"type": "string", "format": "uuid"}, "format_changed safe breaking"),
        # objects
        (obj("a", a=INT), obj("a b", a=INT, b=INT), ".b field_added breaking safe"),
        (obj("a", a=INT), obj("a", a=INT, b=INT), ".b field_added safe safe"),
        (obj(extra=False), obj(extra=False, b=INT), ".b field_added safe risky"),
        (obj("a", a=INT), obj(), ".a field_removed risky breaking"),
        (obj(a=INT), obj(), ".a field_removed risky risky"),
        (obj(a=INT, extra=False), obj(extra=False), ".a field_removed breaking risky"),
        (obj(a=INT), obj("a", a=INT), ".a field_required breaking safe"),
        (obj("a", a=INT), obj(a=INT), ".a field_optional safe breaking"),
        (obj(a=INT), obj(a=INT, extra=False), ".* others_narrowed risky safe"),
        (obj(a=INT, extra=False), obj(a=INT), ".* others_widened safe safe"),
        (obj(extra=INT), obj(extra=TEXT), ".* type_changed breaking breaking"),
        (obj(extra=INT), obj(extra=False), ".* others_narrowed breaking safe"),
        (obj(extra=INT), obj(), ".* others_widened safe breaking"),
        (obj(a={**INT, "default": 1}), obj(a={**INT, "default": 2}), ".a default_changed risky safe"),
        (obj(), {**obj(), "minProperties": 1}, "minimum_tightened breaking safe"),
        (obj(), {**obj(), "patternProperties": {"^a": INT}}, ".* names_changed risky risky"),
        (obj(extra=INT), {**obj(extra=INT), "propertyNames": {"format": "uuid"}}, ".* names_changed breaking safe"),
        (obj(a=obj(b=INT)), obj(a=obj(b=TEXT)), ".a.b type_changed breaking breaking"),
        # lists
        ({"type": "array", "items": INT}, {"type": "array", "items": TEXT}, "[] type_changed breaking breaking"),
        ({"type": "array", "items": INT}, {"type": "array", "items": INT, "maxItems": 2}, "maximum_tightened breaking safe"),
        ({"type": "array"}, {"type": "array", "uniqueItems": True}, "items_unique risky safe"),
        ({"type": "array", "uniqueItems": True}, {"type": "array"}, "items_repeated safe risky"),
        (
            {"type": "array", "prefixItems": [INT, TEXT], "minItems": 2, "maxItems": 2},
            {"type": "array", "prefixItems": [INT, INT], "minItems": 2, "maxItems": 2},
            "[1] type_changed breaking breaking",
        ),
        (
            {"type": "array", "prefixItems": [INT], "minItems": 1, "maxItems": 1},
            {"type": "array", "prefixItems": [INT, INT], "minItems": 2, "maxItems": 2},
            "maximum_loosened safe risky; minimum_tightened breaking safe",
        ),
        # unions of objects
        ({"oneOf": [CAT, DOG]}, {"oneOf": [DOG, CAT]}, ""),
        ({"oneOf": [CAT]}, {"oneOf": [CAT, DOG]}, "type_added safe breaking"),
        ({"oneOf": [CAT, DOG]}, {"oneOf": [DOG]}, "type_removed breaking safe"),
        (
            {"oneOf": [CAT, DOG]},
            {"oneOf": [obj("kind", kind={"const": "cat"}, lives=TEXT), DOG]},
            ".lives type_changed breaking breaking",
        ),
        # what can't be judged
        ({"type": "array", "contains": INT}, {"type": "array", "contains": TEXT}, "constraint_changed risky risky"),
        ({"not": INT}, {"not": TEXT}, "constraint_changed risky risky"),
        ({"not": INT}, TEXT, "constraint_changed risky risky"),
        ({"allOf": [INT, {"minimum": 1}]}, {"allOf": [INT, {"minimum": 2}]}, "constraint_changed risky risky"),
        # words only
        ({**INT, "title": "A", "description": "a", "x-mine": 1}, {**INT, "title": "B", "examples": [1]}, ""),
    ],
)  # fmt: skip
def test_a_difference_breaks_the_direction_that_it_should(old: Any, new: Any, expected: str) -> None:
    found = compare_schemas(old, new, {}, {})
    assert sorted(map(_write, found)) == sorted(filter(None, expected.split("; ")))
    assert all(difference.message.endswith(".") for difference in found)


def _write(found: Difference) -> str:
    return f"{found.path} {found.what} {found.coming_in} {found.going_out}".strip()


def test_a_difference_deep_in_a_model_that_holds_itself_is_told_once() -> None:
    ref = {"$ref": "#/models/Node"}
    found = compare_schemas({"type": "array", "items": ref}, {"type": "array", "items": ref}, MODELS, CHANGED)
    assert list(map(_write, found)) == ["[].a null_added safe breaking"]


def test_a_renamed_model_is_no_difference() -> None:
    new = {
        "Other": {
            **MODELS["Node"],
            "properties": {"a": TEXT, "b": {"type": "array", "items": {"$ref": "#/models/Other"}}},
        }
    }
    assert compare_schemas({"$ref": "#/models/Node"}, {"$ref": "#/models/Other"}, MODELS, new) == []


def test_a_change_in_one_member_of_a_union_names_it() -> None:
    old = {"Cat": CAT, "Dog": DOG}
    new = {"Cat": CAT, "Dog": obj("kind", kind={"const": "dog"}, good=TEXT)}
    union = {"oneOf": [{"$ref": "#/models/Cat"}, {"$ref": "#/models/Dog"}]}
    assert list(map(_write, compare_schemas(union, union, old, new))) == ["<Dog>.good type_changed breaking breaking"]


def test_a_reference_to_nowhere_is_nothing_that_fits() -> None:
    assert list(map(_write, compare_schemas(INT, {"$ref": "#/models/Nowhere"}, {}, {}))) == [
        "type_removed breaking safe"
    ]


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ({"anyOf": [{"$ref": "#/models/Node"}], "minProperties": 1}, ["minimum_tightened breaking safe"]),
        ({"$ref": "#/models/Node", "minProperties": 1}, ["minimum_tightened breaking safe"]),
        ({"allOf": [{"$ref": "#/models/Node"}], "description": "Words."}, []),
        ({"anyOf": [{"$ref": "#/models/Node"}], "type": "object"}, []),
        ({"anyOf": [True], "type": "object"}, None),
        ({"$ref": "#/models/Node", "type": "string"}, ["constraint_changed risky risky"]),
        ({"anyOf": [{"$ref": "#/models/Node"}], "required": ["b"]}, ["constraint_changed risky risky"]),
    ],
)
def test_what_stands_beside_a_reference_or_a_union_counts(beside: Any, expected: list[str] | None) -> None:
    found = list(map(_write, compare_schemas({"$ref": "#/models/Node"}, beside, MODELS, MODELS)))
    assert found == expected if expected is not None else found


def test_a_model_that_is_nothing_but_itself_is_risky_where_it_changes() -> None:
    loop = {"A": {"anyOf": [{"$ref": "#/models/A"}, {"type": "null"}]}}
    other = {"A": {"anyOf": [{"$ref": "#/models/A"}, {"type": "string"}]}}
    ref = {"$ref": "#/models/A"}
    assert compare_schemas(ref, ref, loop, loop) == []
    assert compare_schemas(ref, ref, loop, other)


def test_several_types_are_compared_each_with_what_counts_for_it() -> None:
    old = {"type": ["string", "array", "null"], "maxLength": 5}
    new = {"type": ["string", "array", "null"], "maxLength": 5, "minItems": 1}
    assert list(map(_write, compare_schemas(old, new, {}, {}))) == ["minimum_tightened breaking safe"]


def test_a_value_of_a_number_that_becomes_a_list_of_values_is_looked_at() -> None:
    found = compare_schemas({"enum": [1, 2]}, {"type": "number", "maximum": 1}, {}, {})
    assert sorted(map(_write, found)) == [
        "type_widened safe breaking",
        "value_removed breaking safe",
        "values_opened safe breaking",
    ]
