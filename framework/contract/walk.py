"""How JSON Schemas are nested: which keywords hold schemas, and which hold data that only looks like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .model import REF_PREFIX, Schema

ONE = (
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED = ("$defs", "dependentSchemas", "patternProperties", "properties")


def map_schemas(schema: Any, change: Callable[[Schema], Any]) -> Any:
    """Return *schema* with *change* applied to each schema in it, the inner ones first; ``true`` and ``false`` stay."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for keyword in ONE:
        if keyword in made:
            made[keyword] = map_schemas(made[keyword], change)
    for keyword in SEVERAL:
        if isinstance(made.get(keyword), list):
            made[keyword] = [map_schemas(inner, change) for inner in made[keyword]]
    for keyword in NAMED:
        if isinstance(made.get(keyword), dict):
            made[keyword] = {name: map_schemas(inner, change) for name, inner in made[keyword].items()}
    return change(made)


def map_refs(schema: Any, rename: Callable[[str], str]) -> Any:
    """Return *schema* with each reference to a model replaced by what *rename* makes of the model's name."""

    def point(inner: Schema) -> Schema:
        if (name := read_ref(inner)) is not None:
            inner["$ref"] = rename(name)
        discriminator = inner.get("discriminator")
        if isinstance(discriminator, dict) and "mapping" in discriminator:
            tags = {
                tag: rename(target[len(REF_PREFIX) :]) if _is_ref(target) else target
                for tag, target in discriminator["mapping"].items()
            }
            inner["discriminator"] = {**discriminator, "mapping": tags}
        return inner

    return map_schemas(schema, point)


def find_refs(schema: Any) -> Iterator[str]:
    """Yield the name of each model that *schema* refers to, itself, in the order of its text."""
    found: list[str] = []

    def note(inner: Schema) -> Schema:
        if (name := read_ref(inner)) is not None:
            found.append(name)
        return inner

    map_schemas(schema, note)
    return iter(dict.fromkeys(found))


def read_ref(schema: Any) -> str | None:
    """Return the name of the model that *schema* itself refers to, or None."""
    target = schema.get("$ref") if isinstance(schema, dict) else None
    return str(target)[len(REF_PREFIX) :] if _is_ref(target) else None


def _is_ref(target: Any) -> bool:
    return isinstance(target, str) and target.startswith(REF_PREFIX)
