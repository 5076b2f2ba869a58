"""Schemas and their values for tests: those that pydantic makes of random types, and random ones with what becomes of them."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import ipaddress
import uuid
from typing import Annotated, Any, Literal, NamedTuple

from hypothesis import assume
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, Json, TypeAdapter, create_model
from typing_extensions import TypedDict

from framework.contract.read import _Schemas

Models = dict[str, Any]


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Loose(TypedDict, total=False):
    a: int
    b: str


class Node(BaseModel):
    value: int
    next: Node | None


class Folder(BaseModel):
    name: str
    files: list[File] = Field(min_length=1)


class File(BaseModel):
    parent: Folder | None
    size: int = Field(ge=0)


class Left(BaseModel):
    kind: Literal["left"]
    inner: Left | Right | None = None


class Right(BaseModel):
    kind: Literal["right"]
    others: list[Annotated[Left | Right, Field(discriminator="kind")]]


def is_valid(value: Any, schema: Any, models: Models) -> bool:
    """What the package jsonschema says."""
    if not isinstance(schema, dict):
        return bool(schema)
    return bool(Draft202012Validator({**schema, "models": models}).is_valid(value))


# -- of types


_leaves = st.sampled_from(
    [
        int,
        str,
        float,
        bool,
        None,
        bytes,
        Any,
        Colour,
        Pair,
        Loose,
        Node,
        Folder,
        Left,
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        uuid.UUID,
        decimal.Decimal,
        ipaddress.IPv4Address,
        Json[list[int]],
        Literal["a", 1] | None,
        Annotated[Left | Right, Field(discriminator="kind")],
        Annotated[str, Field(pattern=r"^[a-z]{2,5}-\d+$")],
        Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$", min_length=20)],
        Annotated[int, Field(examples=["no number", 5])],
    ]
)


@st.composite
def _bounded(draw: st.DrawFn) -> Any:
    low = draw(st.integers(-1000, 1000))
    high = low + draw(st.integers(1, 50))
    kind = draw(st.sampled_from(["int", "float", "str"]))
    if kind == "str":
        return Annotated[str, Field(min_length=abs(low), max_length=abs(low) + high - low)]
    if kind == "float":
        return Annotated[float, Field(gt=low, lt=high)]
    return Annotated[int, Field(ge=low, le=high, multiple_of=draw(st.sampled_from([1, high - low])))]


def _nest(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda kind: list[kind]),
        st.tuples(inner, st.integers(0, 4)).map(lambda pair: Annotated[list[pair[0]], Field(min_length=pair[1])]),
        inner.map(lambda kind: dict[str, kind]),
        inner.map(lambda kind: dict[uuid.UUID, kind]),
        inner.map(lambda kind: kind | None if isinstance(kind, type) else Annotated[kind, "x"]),
        st.tuples(inner, inner).map(lambda pair: tuple[pair[0], pair[1]]),
        inner.map(lambda kind: tuple[kind, ...]),
        st.just(Annotated[set[int], Field(min_length=3)]),
        st.just(Annotated[set[Colour], Field(min_length=2)]),
        st.just(Annotated[frozenset[str], Field(min_length=4)]),
        _models(inner),
    )


@st.composite
def _models(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> Any:
    fields: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["a", "b_c", "from_", "größe", "x1"]), max_size=4, unique=True)):
        kind = draw(inner)
        fields[name] = draw(st.sampled_from([(kind, ...), (kind | None if isinstance(kind, type) else kind, None)]))
    forbids = draw(st.booleans())
    return create_model("Model", __config__={"extra": "forbid"} if forbids else None, **fields)


types = st.recursive(_leaves | _bounded(), _nest, max_leaves=6)


def read_schema(kind: Any, mode: Literal["validation", "serialization"]) -> tuple[Any, Models]:
    """The schema of a type, and the models that it refers to, as a contract has them."""
    schema = TypeAdapter(kind).json_schema(mode=mode, ref_template="#/models/{model}", schema_generator=_Schemas)
    return schema, schema.pop("$defs", {})


# -- random ones, and what becomes of them


_scalars = st.one_of(
    st.builds(
        lambda low, size: {"type": "integer", "minimum": low, "maximum": low + size},
        _small := st.integers(-3, 3),
        st.integers(0, 6),
    ),
    st.just({"type": "integer"}),
    st.just({"type": "number"}),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, _small),
    st.builds(lambda step: {"type": "integer", "multipleOf": step}, st.integers(1, 4)),
    st.builds(
        lambda low, size: {"type": "string", "minLength": low, "maxLength": low + size},
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    st.just({"type": "string"}),
    st.just({"type": "string", "pattern": "^a"}),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({}),
    st.builds(
        lambda values: {"enum": values},
        st.lists(st.sampled_from(["a", "b", 1, 2, None, True, 1.5]), min_size=1, max_size=4, unique_by=repr),
    ),
    st.builds(lambda value: {"const": value}, st.sampled_from(["a", 1, True])),
    st.just({"$ref": "#/models/Node"}),
    st.just({"$ref": "#/models/Leaf"}),
)
_names = st.sampled_from(["a", "b", "c"])


def _contain(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.builds(
        lambda fields, required, rest: {
            "type": "object",
            "properties": fields,
            "required": sorted(required & fields.keys()),
            **({} if rest is None else {"additionalProperties": rest}),
        },
        st.dictionaries(_names, inner, max_size=3),
        st.sets(_names),
        st.none() | st.just(False) | inner,
    )
    arrays = st.builds(
        lambda items, low, size, unique: {
            "type": "array",
            "items": items,
            "minItems": low,
            "maxItems": low + size,
            "uniqueItems": unique,
        },
        inner,
        st.integers(0, 2),
        st.integers(0, 3),
        st.booleans(),
    )
    tuples = st.builds(
        lambda first, rest: {"type": "array", "prefixItems": first, "items": rest, "minItems": len(first)},
        st.lists(inner, min_size=1, max_size=2),
        st.just(False) | inner,
    )
    unions = st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=3))
    return st.one_of(objects, arrays, tuples, unions, inner.map(lambda part: {"allOf": [part]}))


schemas = st.recursive(_scalars, _contain, max_leaves=5)


@st.composite
def mutants(draw: st.DrawFn, schema: Any) -> Any:
    """A schema with one thing or another changed."""
    made = copy.deepcopy(schema)
    for _ in range(draw(st.integers(0, 2))):
        made = draw(_mutate(made))
    return made


@st.composite
def _mutate(draw: st.DrawFn, schema: Any) -> Any:  # noqa: C901 - a table of what may happen
    if not isinstance(schema, dict) or draw(st.integers(0, 5)) == 0:
        return draw(_scalars)
    made = dict(schema)
    keys = sorted(made) + (["additional", "nullable"] if draw(st.booleans()) else [])
    key = draw(st.sampled_from(keys)) if keys else "nullable"
    if key == "additional" and made.get("type") == "object":
        made["additionalProperties"] = draw(st.sampled_from([False, True]) | _scalars)
    elif key == "nullable":
        return {"anyOf": [schema, draw(_scalars)]}
    elif key in ("minimum", "maximum", "exclusiveMinimum"):
        made[key] += draw(st.integers(-1, 1))
    elif key in ("minLength", "maxLength", "minItems", "maxItems"):
        made[key] = max(0, made[key] + draw(st.integers(-1, 1)))
    elif key == "multipleOf":
        made[key] = draw(st.integers(1, 6))
    elif key == "uniqueItems":
        made[key] = not made[key]
    elif key == "enum":
        made[key] = draw(st.lists(st.sampled_from(["a", "b", "c", 1, 2, None]), min_size=1, max_size=4, unique_by=repr))
    elif key == "required":
        made[key] = sorted(draw(st.sets(_names)) & made["properties"].keys())
    elif key == "properties":
        name = draw(_names)
        fields = dict(made[key])
        if name in fields and draw(st.booleans()):
            del fields[name]
            made["required"] = [other for other in made["required"] if other != name]
        else:
            fields[name] = draw(_mutate(fields[name])) if name in fields else draw(_scalars)
        made[key] = fields
    elif key in ("items", "additionalProperties"):
        made[key] = draw(_mutate(made[key]))
    elif key in ("anyOf", "prefixItems", "allOf"):
        parts = list(made[key])
        index = draw(st.integers(0, len(parts) - 1))
        if draw(st.booleans()) or len(parts) == 1:
            parts[index] = draw(_mutate(parts[index]))
        else:
            del parts[index]
        made[key] = parts
    return made


# -- values


@st.composite
def values(draw: st.DrawFn, schema: Any, models: Models, depth: int = 4) -> Any:
    """A value of *schema*, with no fields but those that it names."""
    value = draw(_draw(schema, models, depth))
    assume(is_valid(value, schema, models))
    return value


def _draw(schema: Any, models: Models, depth: int) -> st.SearchStrategy[Any]:
    if not isinstance(schema, dict) or depth < 0:
        return st.sampled_from([None, 0, "a", True])
    if "$ref" in schema:
        return _draw(models[schema["$ref"].removeprefix("#/models/")], models, depth - 1)
    for keyword in ("anyOf", "allOf"):
        if keyword in schema:
            return st.one_of([_draw(part, models, depth) for part in schema[keyword]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema.get("type")
    if kind == "object":
        return _draw_object(schema, models, depth)
    if kind == "array":
        return _draw_array(schema, models, depth)
    return {
        "integer": st.integers(-8, 12),
        "number": st.integers(-8, 12) | st.floats(-8, 12),
        "string": st.text("abc", max_size=6),
        "boolean": st.booleans(),
        "null": st.none(),
    }.get(str(kind), st.sampled_from([None, 0, 1.5, "a", "", True, [], {}]))


@st.composite
def _draw_object(draw: st.DrawFn, schema: Any, models: Models, depth: int) -> Any:
    made = {}
    for name, inner in schema.get("properties", {}).items():
        if name in schema.get("required", ()) or draw(st.booleans()):
            made[name] = draw(_draw(inner, models, depth - 1))
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict) and rest:  # {} is True, and nobody is taken to send what has no name there
        for name in draw(st.sets(st.sampled_from(["a", "b", "c", "d"]))):
            made.setdefault(name, draw(_draw(rest, models, depth - 1)))
    return made


@st.composite
def _draw_array(draw: st.DrawFn, schema: Any, models: Models, depth: int) -> Any:
    first = schema.get("prefixItems", [])
    rest = schema.get("items", True)
    low = schema.get("minItems", 0)
    high = max(low, min(schema.get("maxItems", low + 3), low + 3))
    count = draw(st.integers(low, high)) if rest is not False else len(first)
    parts = [*first, *([rest] * (count - len(first)))][:count]
    return [draw(_draw(part, models, depth - 1)) for part in parts]
