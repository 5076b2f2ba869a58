"""What a pydantic core schema says about a type: which names it knows, whether bytes may be in it.

Asked once per handler, when its class is created; nothing here runs per event. The schema is the public
``TypeAdapter.core_schema``: nested dictionaries, each with a ``type``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# What these hold is known only when there is a value, so bytes may be among it.
_OPEN_TYPES = frozenset({"any", "function-plain", "generator"})
_NOT_SERIALISABLE = frozenset({"callable", "is-instance", "is-subclass"})
# Keys of a schema whose values are data, not schemas.
_DATA_KEYS = frozenset({"metadata", "default", "expected", "cls", "config", "ref", "extras_keys_schema_ref"})


def walk(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every schema inside *schema*, itself first."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("type"), str):
            yield schema
        for key, value in schema.items():
            if key not in _DATA_KEYS:
                yield from walk(value)
    elif isinstance(schema, list | tuple):
        for item in schema:
            yield from walk(item)


def may_hold_bytes(schema: Any) -> bool:
    """Say whether a value of *schema* may hold bytes, which travel as attachments beside the JSON text."""
    return any(node["type"] == "bytes" or node["type"] in _OPEN_TYPES for node in walk(schema))


def is_open(schema: Any) -> bool:
    """Say whether some part of *schema* takes any JSON value as it comes."""
    return any(node["type"] in _OPEN_TYPES for node in walk(schema))


def find_unserialisable(schema: Any) -> str | None:
    """Return the kind of the first part of *schema* that JSON can't hold, or None."""
    for node in walk(schema):
        if node["type"] in _NOT_SERIALISABLE and "serialization" not in node:
            return str(node["type"])
    return None


def read_names(schema: Any) -> frozenset[str]:
    """Return every field name, alias and union tag that *schema* declares.

    A path in an error is made of these and of positions; anything else in it came from the client.
    """
    return frozenset(name for node in walk(schema) for name in _names_of(node))


def _names_of(node: Mapping[str, Any]) -> Iterator[str]:
    fields = node.get("fields")
    if isinstance(fields, Mapping):
        yield from fields
    elif isinstance(fields, list):
        yield from (field["name"] for field in fields if isinstance(field, Mapping) and "name" in field)
    alias = node.get("validation_alias")
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, list):
        yield from (part for part in _flatten(alias) if isinstance(part, str))
    if node["type"] == "tagged-union":
        yield from (str(tag) for tag in node["choices"])


def _flatten(value: list[Any]) -> Iterator[Any]:
    for item in value:
        if isinstance(item, list):
            yield from _flatten(item)
        else:
            yield item


def top_level_fields(schema: Any) -> frozenset[str]:
    """Return the names under which a value of *schema* has fields on the wire (its output aliases)."""
    definitions = {node["ref"]: node for node in walk(schema) if "ref" in node}
    return frozenset(_top_level(schema, definitions, set()))


def _top_level(node: Any, definitions: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    kind = node["type"]
    if kind == "definition-ref":
        if node["schema_ref"] not in seen:
            seen.add(node["schema_ref"])
            yield from _top_level(definitions[node["schema_ref"]], definitions, seen)
    elif kind in ("union", "tagged-union"):
        choices = node["choices"].values() if kind == "tagged-union" else node["choices"]
        for choice in choices:
            yield from _top_level(choice[0] if isinstance(choice, tuple) else choice, definitions, seen)
    elif kind in ("model-fields", "typed-dict"):
        yield from (field.get("serialization_alias", name) for name, field in node["fields"].items())
        yield from _computed(node)
    elif kind == "dataclass-args":
        yield from (field.get("serialization_alias", field["name"]) for field in node["fields"])
        yield from _computed(node)
    elif "schema" in node:
        yield from _top_level(node["schema"], definitions, seen)


def _computed(node: Mapping[str, Any]) -> Iterator[str]:
    for field in node.get("computed_fields", ()):
        yield field.get("alias", field["property_name"])
