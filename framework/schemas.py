"""What a pydantic core schema says about a type: whether bytes or endless numbers may be in it, what its fields are called.

Built and asked once per handler, when its class is created; nothing here runs per event. The schema is the public
``TypeAdapter.core_schema``: nested dictionaries, each with a ``type``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError

# What pydantic raises for a type that it can't use.
UNUSABLE = (PydanticUserError, SchemaError, TypeError, NameError)
# What these hold is known only when there is a value, so bytes may be among it.
_OPEN_TYPES = frozenset({"any", "function-plain", "generator", "is-instance", "custom"})
_WITH_KEYS = frozenset({"dict", "enum", "json"})
_NOT_SERIALISABLE = frozenset({"callable", "is-instance", "is-subclass"})
# Keys of a schema whose values are data, not schemas.
_DATA_KEYS = frozenset({"metadata", "default", "expected", "cls", "config", "ref"})
# The part of a container that says what is in it; without that part, anything is.
_ITEMS = {
    "list": "items_schema",
    "set": "items_schema",
    "frozenset": "items_schema",
    "deque": "items_schema",
    "dict": "values_schema",
    "json": "schema",
}


def build_adapter(annotation: Any, names: Mapping[str, Any] | None = None) -> TypeAdapter[Any]:
    """Return pydantic's adapter for *annotation*, which refuses numbers that are not finite.

    Args:
        annotation: Anything but a model, a dataclass or a TypedDict itself: those have a configuration of their own.
        names: What string annotations inside it may refer to, beside their own modules.

    Raises:
        UNUSABLE: pydantic can't build it.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False, defer_build=True))
    adapter.rebuild(_types_namespace=dict(names or {}))
    return adapter


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
    return any(node["type"] == "bytes" or _is_open(node) for node in walk(schema))


def may_hold_floats(schema: Any) -> bool:
    """Say whether a value of *schema* may hold a float, which may be no finite number.

    The configuration that refuses those reaches no further than to the next model, which has its own.
    """
    return any(node["type"] == "float" or _is_open(node) for node in walk(schema))


def may_hold_keys(schema: Any) -> bool:
    """Say whether a value of *schema* may hold a mapping whose keys are not those of declared fields."""
    return any(
        node["type"] in _WITH_KEYS or "serialization" in node or "computed_fields" in node or _is_open(node)
        for node in walk(schema)
    )


def _is_open(node: Mapping[str, Any]) -> bool:
    """Say whether *node* takes or gives values that it does not describe."""
    kind = node["type"]
    if kind in _OPEN_TYPES or (kind in _ITEMS and _ITEMS[kind] not in node):
        return True
    if str(node.get("serialization", {}).get("type", "")).startswith("function"):
        return True
    config = node.get("config") or {}
    return "allow" in (node.get("extra_behavior"), config.get("extra_fields_behavior"))


def find_unserialisable(schema: Any) -> str | None:
    """Return the kind of the first part of *schema* that may be nothing that JSON can hold, or None.

    Some of these parts only check what another part serialises (``Path``, ``Sequence``); the JSON schema tells.
    """
    return next((str(node["type"]) for node in walk(schema) if node["type"] in _NOT_SERIALISABLE), None)


def read_definitions(schema: Any) -> dict[str, Mapping[str, Any]]:
    """Return the parts of *schema* that others refer to, such as recursive models, by reference."""
    return {str(node["ref"]): node for node in walk(schema) if "ref" in node}


def first_item_fields(schema: Any) -> frozenset[str]:
    """Return the names of the fields that the first item of *schema*, a tuple's, has on the wire: its output aliases."""
    definitions = read_definitions(schema)
    while schema["type"] != "tuple":
        schema = schema["schema"]
    items = schema["items_schema"]
    return frozenset(_fields(items[0], definitions, frozenset())) if items else frozenset()


def _fields(node: Any, definitions: Mapping[str, Any], seen: frozenset[str]) -> Iterator[str]:
    kind = node["type"]
    if kind == "definition-ref":
        reference = node["schema_ref"]
        if reference not in seen:
            yield from _fields(definitions[reference], definitions, seen | {reference})
    elif kind in ("union", "tagged-union"):
        for choice in read_choices(node).values():
            yield from _fields(choice, definitions, seen)
    elif kind in ("model-fields", "typed-dict", "dataclass-args"):
        for name, field in read_fields(node).items():
            if not field.get("serialization_exclude"):
                yield field.get("serialization_alias", name)
        for computed in node.get("computed_fields", ()):
            yield computed.get("alias", computed["property_name"])
    elif "schema" in node:
        yield from _fields(node["schema"], definitions, seen)


def read_fields(node: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the fields of a model, a dataclass or a TypedDict by their names in Python."""
    fields = node["fields"]
    return dict(fields) if isinstance(fields, Mapping) else {field["name"]: field for field in fields}


def read_choices(node: Mapping[str, Any]) -> dict[Any, Mapping[str, Any]]:
    """Return the choices of a union: by tag where it has tags, else by position."""
    choices = node["choices"]
    if isinstance(choices, Mapping):
        return dict(choices)
    return {index: item[0] if isinstance(item, tuple) else item for index, item in enumerate(choices)}
