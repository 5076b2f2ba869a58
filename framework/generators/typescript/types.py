"""What a JSON Schema says, as a small tree that TypeScript's types, zod and valibot are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from ...contract import Schema
from ...contract.model import REF_PREFIX

Scalar = str | int | float | bool | None
_CONSTRAINTS = (
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
)


@dataclass(frozen=True)
class Anything:
    """No more is known."""


@dataclass(frozen=True)
class Nothing:
    """No value fits."""


@dataclass(frozen=True)
class Plain:
    """A text, a number, a boolean, null or bytes, within limits."""

    kind: Literal["string", "number", "integer", "boolean", "null", "bytes"]
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Literals:
    """One of some values."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Ref:
    """A model; a tag that it leaves open may be fixed."""

    name: str
    tag: tuple[str, tuple[Scalar, ...]] | None = None


@dataclass(frozen=True)
class Array:
    """Any number of one type."""

    item: Type
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tuple:
    """Some types in their order; those from *needed* on may be left out, and any number of *rest* may follow."""

    items: tuple[Type, ...]
    needed: int
    rest: Type | None = None


@dataclass(frozen=True)
class Field:
    """One property of an object."""

    name: str
    type: Type
    required: bool
    schema: Schema


@dataclass(frozen=True)
class Record:
    """Any keys, or some; None where no key is known."""

    value: Type
    key: Type | None = None


@dataclass(frozen=True)
class Object:
    """Known properties; *rest* is what any others are: None where nothing is said, `Nothing` where there are none."""

    fields: tuple[Field, ...]
    rest: Type | None = None


@dataclass(frozen=True)
class Choice:
    """Any of some types."""

    members: tuple[Type, ...]


@dataclass(frozen=True)
class Every:
    """All of some types at once."""

    members: tuple[Type, ...]


Type = Union[Anything, Nothing, Plain, Literals, Ref, Array, Tuple, Record, Object, Choice, Every]  # noqa: UP007 - the names come later

_PLAIN: dict[str, Literal["string", "number", "integer", "boolean", "null"]] = {
    "string": "string",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "null": "null",
}


class TypeReader:
    """Reads the schemas of one contract.

    Args:
        models: What they refer to.
    """

    def __init__(self, models: Mapping[str, Schema]) -> None:
        self._models = models

    def read(self, schema: Any) -> Type:
        """Return what *schema* says; anything where it says what none of the types here can."""
        if schema is False:
            return Nothing()
        if not isinstance(schema, dict):
            return Anything()
        if str(schema.get("$ref", "")).startswith(REF_PREFIX):
            return Ref(schema["$ref"][len(REF_PREFIX) :])
        if "const" in schema or "enum" in schema:
            return _read_literals(schema["enum"] if "enum" in schema else [schema["const"]])
        for keyword in ("oneOf", "anyOf"):
            if keyword in schema:
                return self._read_choice(schema[keyword], schema.get("discriminator"))
        if "allOf" in schema:
            members = tuple(self.read(inner) for inner in schema["allOf"])
            return members[0] if len(members) == 1 else Every(members)
        return self._read_typed(schema)

    def resolve(self, found: Type) -> Type:
        """Return what a reference refers to."""
        while isinstance(found, Ref):
            found = self.read(self._models.get(found.name, {}))
        return found

    def _read_choice(self, members: list[Any], discriminator: Any) -> Type:
        tags = _read_tags(discriminator)
        found: list[Type] = []
        for inner in members:
            member = self.read(inner)
            if isinstance(member, Ref) and member.name in tags and self._leaves_open(member.name, tags[""][0]):
                member = Ref(member.name, (str(tags[""][0]), tags[member.name]))
            if member not in found:
                found.append(member)
        if not found:
            return Nothing()
        return found[0] if len(found) == 1 else Choice(tuple(found))

    def _leaves_open(self, model: str, tag: Any) -> bool:
        return tag not in self._models.get(model, {}).get("required", ())

    def _read_typed(self, schema: Schema) -> Type:
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._read_choice([{**schema, "type": one} for one in kind], None)
        if kind == "array" or (kind is None and ("prefixItems" in schema or "items" in schema)):
            return self._read_array(schema)
        if kind == "object" or (kind is None and "properties" in schema):
            return self._read_object(schema)
        if kind == "string" and schema.get("format") == "binary":
            return Plain("bytes")
        if kind in _PLAIN:
            return Plain(_PLAIN[kind], read_limits(schema))
        return Anything()

    def _read_array(self, schema: Schema) -> Type:
        if "prefixItems" not in schema:
            return Array(self.read(schema.get("items", True)), read_limits(schema))
        items = tuple(self.read(inner) for inner in schema["prefixItems"])
        needed = min(int(schema.get("minItems", 0)), len(items))
        rest: Type | None = self.read(schema.get("items", True))
        if isinstance(rest, Nothing) or schema.get("maxItems", len(items) + 1) <= len(items):
            rest = None
        return Tuple(items, needed, rest)

    def _read_object(self, schema: Schema) -> Type:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        others = schema.get("additionalProperties")
        if not properties:
            return self._read_record(schema, others)
        fields = tuple(Field(name, self.read(inner), name in required, inner) for name, inner in properties.items())
        return Object(fields, None if others is None else self.read(others))

    def _read_record(self, schema: Schema, others: Any) -> Type:
        if others is False:
            patterns = [self.read(inner) for inner in schema.get("patternProperties", {}).values()]
            if not patterns:
                return Object((), Nothing())
            return Record(patterns[0] if len(patterns) == 1 else Choice(tuple(patterns)))
        patterns = [self.read(inner) for inner in schema.get("patternProperties", {}).values()]
        if patterns and others is None:
            return Record(patterns[0] if len(patterns) == 1 else Choice(tuple(patterns)))
        key = self.read(schema["propertyNames"]) if "propertyNames" in schema else None
        return Record(Anything() if others is None or patterns else self.read(others), self._read_key(key))

    def _read_key(self, key: Type | None) -> Type | None:
        """Return *key* where it is one of some texts."""
        known = self.resolve(key) if key is not None else None
        if isinstance(known, Literals) and all(isinstance(value, str) for value in known.values):
            return key
        return None


def read_limits(schema: Schema) -> dict[str, Any]:
    """Return the constraints that are simple, in one order."""
    return {name: schema[name] for name in _CONSTRAINTS if name in schema}


def _read_literals(values: list[Any]) -> Type:
    if not values:
        return Nothing()
    scalars = tuple(value for value in values if isinstance(value, Scalar))
    return Literals(scalars) if len(scalars) == len(values) else Anything()


def _read_tags(discriminator: Any) -> dict[str, tuple[Scalar, ...]]:
    """Return the tags of each model; the key that no model has is the property that they are in."""
    if not isinstance(discriminator, dict):
        return {}
    found: dict[str, tuple[Scalar, ...]] = {"": (discriminator["propertyName"],)}
    for tag, target in discriminator.get("mapping", {}).items():
        name = str(target)[len(REF_PREFIX) :]
        found[name] = (*found.get(name, ()), tag)
    return found
