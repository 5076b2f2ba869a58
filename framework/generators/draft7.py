"""From JSON Schema 2020-12 to draft 7, as far as they say the same in other words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..contract import Schema
from ..contract.walk import map_refs, map_schemas


def to_draft7(schema: Any, point: Callable[[str], str]) -> Any:
    """Return *schema* in draft 7, its references to models made by *point*."""
    return map_schemas(map_refs(schema, point), _change)


def _change(schema: Schema) -> Schema:
    if "prefixItems" in schema:
        rest = schema.pop("items", True)
        schema["items"] = schema.pop("prefixItems")
        if rest is not True:
            schema["additionalItems"] = rest
    elif schema.get("items") is False:
        del schema["items"]
        schema["maxItems"] = 0
    if isinstance(schema.get("discriminator"), dict):
        schema["x-discriminator"] = schema.pop("discriminator")
    needed = {**schema.pop("dependentRequired", {}), **schema.pop("dependentSchemas", {})}
    if needed:
        schema["dependencies"] = needed
    if "$ref" in schema and len(schema) > 1:  # draft 7 looks at nothing beside a reference
        schema["allOf"] = [{"$ref": schema.pop("$ref")}, *schema.get("allOf", ())]
    return schema
