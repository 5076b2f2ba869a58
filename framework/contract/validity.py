"""Whether a value fits a schema: the vocabulary of JSON Schema that a contract has, asked for examples and defaults.

Formats are not looked at, as the draft has it; bytes stand for themselves. Values that clients send are checked by the
handlers' own types, never by this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from .model import Schema
from .walk import read_ref

Models = Mapping[str, Schema]


def is_valid(value: Any, schema: Any, models: Models) -> bool:
    """Say whether *value*, of JSON and bytes, fits *schema*.

    Args:
        models: What references in it lead to; a reference to none of them fits nothing.
    """
    if not isinstance(schema, dict):
        return schema is not False
    if (name := read_ref(schema)) is not None and not is_valid(value, models.get(name, False), models):
        return False
    if "type" in schema and not _has_type(value, schema["type"]):
        return False
    if "const" in schema and identity(value) != identity(schema["const"]):
        return False
    if "enum" in schema and identity(value) not in map(identity, schema["enum"]):
        return False
    return _fits_its_kind(value, schema, models) and _fits_combinations(value, schema, models)


def identity(value: Any) -> Any:
    """Return what two values that are one in JSON have in common: ``1`` and ``1.0``, but not ``True``."""
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, list | tuple):
        return ("list", *map(identity, value))
    if isinstance(value, dict):
        return ("dict", frozenset((key, identity(item)) for key, item in value.items()))
    return value


def is_multiple(value: float, of: float) -> bool:
    """Say whether *value* is a multiple in decimals and in floats: a validator may reckon in either."""
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    return Decimal(str(value)) % Decimal(str(of)) == 0 and (value / of).is_integer()


def _has_type(value: Any, kinds: Any) -> bool:
    return any(_TYPES[kind](value) for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind in _TYPES)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list | tuple),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value == value // 1,
    "null": lambda value: value is None,
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str | bytes),
}


def _fits_its_kind(value: Any, schema: Schema, models: Models) -> bool:
    if isinstance(value, dict):
        return _fits_object(value, schema, models)
    if isinstance(value, list | tuple):
        return _fits_array(value, schema, models)
    if isinstance(value, str | bytes):
        return _fits_text(value, schema)
    return not _is_number(value) or _fits_number(value, schema)


def _fits_text(value: str | bytes, schema: Schema) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return False
    return "pattern" not in schema or isinstance(value, bytes) or matches(schema["pattern"], value)


def matches(pattern: str, text: str) -> bool:
    """Say whether *pattern* is found in *text*; what Python can't compile matches nothing."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _fits_number(value: float, schema: Schema) -> bool:
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and ("multipleOf" not in schema or is_multiple(value, schema["multipleOf"]))
    )


def _fits_array(value: Any, schema: Schema, models: Models) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return False
    if schema.get("uniqueItems") and len(set(map(identity, value))) < len(value):
        return False
    first = schema.get("prefixItems", [])
    rest = schema.get("items", True)
    schemas = [*first, *(rest for _ in value[len(first) :])]
    if not all(is_valid(item, inner, models) for item, inner in zip(value, schemas, strict=False)):
        return False
    if "contains" not in schema:
        return True
    found = sum(is_valid(item, schema["contains"], models) for item in value)
    return bool(schema.get("minContains", 1) <= found <= schema.get("maxContains", found))


def _fits_object(value: dict[str, Any], schema: Schema, models: Models) -> bool:
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        return False
    if any(name not in value for name in schema.get("required", ())):
        return False
    for name, needed in schema.get("dependentRequired", {}).items():
        if name in value and any(other not in value for other in needed):
            return False
    names = schema.get("propertyNames", True)
    return all(
        is_valid(name, names, models) and all(is_valid(item, inner, models) for inner in _of_field(name, schema))
        for name, item in value.items()
    )


def _of_field(name: str, schema: Schema) -> list[Any]:
    """Return every schema that the field *name* has to fit."""
    found = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    found += [inner for pattern, inner in schema.get("patternProperties", {}).items() if matches(pattern, name)]
    return found or [schema.get("additionalProperties", True)]


def _fits_combinations(value: Any, schema: Schema, models: Models) -> bool:
    def count(keyword: str) -> int:
        return sum(is_valid(value, inner, models) for inner in schema[keyword])

    if "allOf" in schema and count("allOf") < len(schema["allOf"]):
        return False
    if "anyOf" in schema and not count("anyOf"):
        return False
    if "oneOf" in schema and count("oneOf") != 1:
        return False
    if "not" in schema and is_valid(value, schema["not"], models):
        return False
    if "if" not in schema:
        return True
    return is_valid(value, schema.get("then" if is_valid(value, schema["if"], models) else "else", True), models)
