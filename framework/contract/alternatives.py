"""A schema as the list of what it allows: unions, nullable types and enums taken apart, references followed.

Annotations are left out, so that two schemas that say the same look the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .model import Schema
from .validity import Models
from .walk import read_ref

ANNOTATIONS = frozenset(
    {
        "$comment",
        "default",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
KEYWORDS: Mapping[str, frozenset[str]] = {
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset(
        {
            "additionalProperties",
            "maxProperties",
            "minProperties",
            "patternProperties",
            "properties",
            "propertyNames",
            "required",
        }
    ),
    "string": frozenset({"format", "maxLength", "minLength", "pattern"}),
    "number": frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"}),
}
ANY = "anything"
BYTES = "bytes"
UNCLEAR = "unclear"
_KINDS: dict[type, str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}


@dataclass(frozen=True)
class Alternative:
    """One of the things that a schema allows.

    Args:
        kind: A type of JSON, ``bytes``, ``anything``, or ``unclear`` for what can only be compared as it is written.
        schema: Without annotations, references and unions at the top.
        name: The model that it came from, or empty.
    """

    kind: str
    schema: Schema
    name: str = ""

    @property
    def tag(self) -> frozenset[tuple[str, str]]:
        """The fields with one fixed value each, which tell the members of a union apart."""
        fields = self.schema.get("properties", {})
        fixed = {name: field["const"] for name, field in fields.items() if isinstance(field, dict) and "const" in field}
        return frozenset((name, repr(value)) for name, value in fixed.items())


def read_alternatives(schema: Any, models: Models) -> list[Alternative]:
    """Return what *schema* allows; nothing for ``false``."""
    return list(_read(schema, models, "", frozenset()))


def _read(schema: Any, models: Models, name: str, seen: frozenset[str]) -> Iterator[Alternative]:
    if not isinstance(schema, dict):
        if schema is not False:
            yield Alternative(ANY, {})
        return
    bare = {key: value for key, value in schema.items() if key not in ANNOTATIONS and not key.startswith("x-")}
    if (target := read_ref(bare)) is not None:
        del bare["$ref"]
        merged = _combine(models.get(target, False), bare)
        if merged is None or target in seen:
            yield Alternative(UNCLEAR, {**bare, "$ref": target}, target)
        else:
            yield from _read(merged, models, target, seen | {target})
        return
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in bare:
            yield from _read_combined(bare, keyword, models, name, seen)
            return
    yield from _read_kinds(bare, name)


def _read_combined(
    schema: Schema, keyword: str, models: Models, name: str, seen: frozenset[str]
) -> Iterator[Alternative]:
    beside = {key: value for key, value in schema.items() if key != keyword}
    inner = schema[keyword]
    if keyword == "allOf" and len(inner) > 1:
        yield Alternative(UNCLEAR, schema, name)
        return
    for part in inner:
        if isinstance(part, dict) and "$ref" in part and beside:
            target = read_ref(part)
            part = {**_strip(models.get(target or "", {})), **{k: v for k, v in part.items() if k != "$ref"}}
        merged = _combine(part, beside)
        if merged is None:
            yield Alternative(UNCLEAR, schema, name)
            return
        yield from _read(merged, models, name if keyword == "allOf" else "", seen)


def _combine(schema: Any, beside: Schema) -> Any:
    """Return *schema* with what stands beside it; None where both speak of the same thing."""
    if not beside:
        return schema
    if schema is True:
        return beside
    if not isinstance(schema, dict):
        return schema
    bare = _strip(schema)
    if any(key in bare and bare[key] != value for key, value in beside.items()):
        return None
    return {**bare, **beside}


def _strip(schema: Any) -> Schema:
    return {key: value for key, value in schema.items() if key not in ANNOTATIONS} if isinstance(schema, dict) else {}


def _read_kinds(schema: Schema, name: str) -> Iterator[Alternative]:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    rest = {key: value for key, value in schema.items() if key not in ("const", "enum", "type")}
    if values is not None:
        kinds: dict[str, list[Any]] = {}
        for value in values:
            kinds.setdefault(_KINDS.get(type(value), UNCLEAR), []).append(value)
        for kind, found in kinds.items():
            yield Alternative(kind, {**rest, "enum": found}, name)
        return
    declared = schema.get("type")
    if declared is None:
        yield Alternative(UNCLEAR if rest else ANY, rest, name)
        return
    for kind in [declared] if isinstance(declared, str) else declared:
        if kind == "string" and rest.get("format") == "binary":
            yield Alternative(BYTES, {key: value for key, value in rest.items() if key != "format"}, name)
        else:
            yield Alternative(kind, _of_kind(rest, kind) if not isinstance(declared, str) else rest, name)


def _of_kind(schema: Schema, kind: str) -> Schema:
    """Leave out the keywords that say nothing about values of *kind*."""
    kept = KEYWORDS["number"] if kind == "integer" else KEYWORDS.get(kind, frozenset())
    known = frozenset().union(*KEYWORDS.values())
    return {key: value for key, value in schema.items() if key in kept or key not in known}
