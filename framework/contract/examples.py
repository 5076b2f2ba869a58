"""An example for every schema: what the schema says itself, else the first of the proposals that fits.

The same contract gives the same examples. Proposals are made by kind (`texts` has those for formats), checked by `validity`,
and taken in their order, so that whatever is returned is valid.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import ContractError
from .model import Schema
from .texts import propose
from .validity import Models, identity, is_valid
from .walk import find_refs, read_ref

DEPTH = 4
PROPOSALS = 100
_SAID = ("const", "enum")
_COMBINED = ("allOf", "anyOf", "oneOf")
_ABOUT = frozenset({"default", "deprecated", "description", "discriminator", "example", "examples", "title"})
_KIND_OF = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "patternProperties": "object",
    "propertyNames": "object",
    "minProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "pattern": "string",
    "format": "string",
    "minLength": "string",
    "maxLength": "string",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
}
_FEW: Mapping[str, Sequence[Any]] = {"boolean": [True, False], "null": [None]}
_ANYTHING = ("string", "null", "integer", "boolean", "array", "object")


def example_for(schema: Any, models: Models) -> Any:
    """Return a value that is valid for *schema*: always the same one.

    What the schema has as ``examples``, ``example``, ``default``, ``const`` or ``enum`` comes first, as far as it is valid.
    Bytes are a text.

    Args:
        models: What references in it lead to.

    Raises:
        ContractError: None was found: nothing fits, or a pattern is beyond this module.
    """
    return Examples(models).find(schema)


class Examples:
    """Finds examples for many schemas of one contract, each model's once.

    Args:
        models: What references in the schemas lead to.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._reached: dict[str, frozenset[str]] = {}
        self._small: dict[str, Any] | None = None
        self._found: dict[tuple[str, int], Any] = {}

    def find(self, schema: Any) -> Any:
        """Return an example for *schema*, as `example_for` does.

        Raises:
            ContractError: None was found.
        """
        try:
            for value in self._propose_valid(schema, DEPTH, None):
                return value
        except RecursionError:
            pass
        raise ContractError(f"no example found for the schema {json.dumps(schema, default=repr)[:200]}")

    # -- models: in full as long as it is not too deep, and does not come back

    def _fill_small(self) -> dict[str, Any]:
        """Find the smallest example of each model from those of the others, until there are no more to find."""
        if self._small is not None:
            return self._small
        self._small = {}
        waiting = sorted(self._models)
        while waiting:
            for name in waiting:
                for value in self._propose_valid(self._models[name], 0, name):
                    self._small[name] = value
                    break
            left = [name for name in waiting if name not in self._small]
            if left == waiting:
                break
            waiting = left
        return self._small

    def _propose_model(self, name: str, depth: int, owner: str | None) -> Iterator[Any]:
        reached = self._find_reached(name)
        if reached and (depth == 0 or owner in reached):
            small = self._fill_small()
            if name in small:
                yield small[name]
            return
        inner = max(depth - 1, 0)
        key = (name, inner)
        if key in self._found:
            yield self._found[key]
        for value in self._propose_valid(self._models.get(name, False), inner, name):
            self._found.setdefault(key, value)
            yield value

    def _find_reached(self, name: str) -> frozenset[str]:
        """Return the models that *name* refers to, by way of others too."""
        if name not in self._reached:
            found: set[str] = set()
            waiting = [name]
            while waiting:
                for other in find_refs(self._models.get(waiting.pop(), {})):
                    if other not in found:
                        found.add(other)
                        waiting.append(other)
            self._reached[name] = frozenset(found)
        return self._reached[name]

    # -- any schema

    def _propose_valid(self, schema: Any, depth: int, owner: str | None) -> Iterator[Any]:
        """Yield examples for *schema*, the best first.

        Args:
            depth: How many models deep all fields and items are there; 0 for what there must be.
            owner: The model that the schema is a part of.
        """
        for value in itertools.islice(self._propose(schema, depth, owner), PROPOSALS):
            if is_valid(value, schema, self._models):
                yield value

    def _propose(self, schema: Any, depth: int, owner: str | None) -> Iterator[Any]:
        if not isinstance(schema, dict):
            schema = {} if schema is True else {"enum": []}
        yield from _read_said(schema)
        if any(keyword in schema for keyword in _SAID):
            return
        if (name := read_ref(schema)) is not None:
            yield from self._propose_model(name, depth, owner)
        combined = [keyword for keyword in _COMBINED if keyword in schema]
        for keyword in combined:
            yield from self._propose_combined(schema, keyword, depth, owner)
        if name is None and not combined:
            for kind in _read_kinds(schema):
                yield from self._propose_kind(kind, schema, depth, owner)

    def _propose_combined(self, schema: Schema, keyword: str, depth: int, owner: str | None) -> Iterator[Any]:
        beside = {key: value for key, value in schema.items() if key != keyword and key not in _ABOUT}
        if keyword != "allOf":
            for inner in schema[keyword]:
                yield from itertools.islice(self._propose_valid(inner, depth, owner), 10)
        for inner in [schema[keyword]] if keyword == "allOf" else [[inner] for inner in schema[keyword] if beside]:
            merged: Any = beside
            for part in inner:
                merged = _merge(merged, self._follow(part))
            yield from self._propose(merged, depth, owner)

    def _follow(self, schema: Any) -> Schema:
        seen: set[str] = set()
        while (name := read_ref(schema)) is not None and name not in seen:
            seen.add(name)
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = _merge(self._models.get(name, {}), beside)
        return schema if isinstance(schema, dict) else {}

    # -- by kind

    def _propose_kind(self, kind: str, schema: Schema, depth: int, owner: str | None) -> Iterator[Any]:
        if kind == "object":
            yield from self._propose_objects(schema, depth, owner)
        elif kind == "array":
            yield from self._propose_arrays(schema, depth, owner)
        elif kind in ("integer", "number"):
            yield from _propose_numbers(schema, whole=kind == "integer")
        elif kind == "string":
            if "contentSchema" in schema:
                for value in self._propose_valid(schema["contentSchema"], depth, owner):
                    yield json.dumps(value)
            yield from propose(schema)
        else:
            yield from _FEW.get(kind, ())

    def _propose_arrays(self, schema: Schema, depth: int, owner: str | None) -> Iterator[Any]:
        least = schema.get("minItems", 0)
        wanted = max(least, len(schema.get("prefixItems", ())), 1) if depth else least
        first = self._fill_array(schema, least, min(wanted, schema.get("maxItems", wanted)), depth, owner)
        if first is None:
            return
        yield first
        for index in range(len(first)):
            for other in itertools.islice(self._propose_valid(_of_item(index, schema), depth, owner), 1, 10):
                yield [*first[:index], other, *first[index + 1 :]]
        if "contains" in schema:
            for item in itertools.islice(self._propose_valid(schema["contains"], depth, owner), 5):
                yield [item] * max(1, least, schema.get("minContains", 1))
        yield []

    def _fill_array(self, schema: Schema, least: int, wanted: int, depth: int, owner: str | None) -> list[Any] | None:
        made: list[Any] = []
        seen: set[Any] = set()
        for index in range(wanted):
            for value in self._propose_valid(_of_item(index, schema), depth, owner):
                if not schema.get("uniqueItems") or identity(value) not in seen:
                    made.append(value)
                    seen.add(identity(value))
                    break
            else:
                return made if index >= least else None
        return made

    def _propose_objects(self, schema: Schema, depth: int, owner: str | None) -> Iterator[Any]:
        made: dict[str, Any] = {}
        required = list(schema.get("required", ()))
        declared = [name for name in schema.get("properties", {}) if depth or name in required]
        for name in dict.fromkeys([*declared, *required]):
            for value in self._propose_valid(_of_name(name, schema), depth, owner):
                made[name] = value
                break
            else:
                if name in required:
                    return
        for name in self._propose_names(schema, depth, owner):
            if len(made) >= max(schema.get("minProperties", 0), 1 if depth and not made and _is_open(schema) else 0):
                break
            for value in self._propose_valid(_of_name(name, schema), depth, owner):
                made.setdefault(name, value)
                break
        yield made
        yield {name: value for name, value in made.items() if name in required}
        for name in made:
            for value in itertools.islice(self._propose_valid(_of_name(name, schema), depth, owner), 1, 5):
                yield {**made, name: value}

    def _propose_names(self, schema: Schema, depth: int, owner: str | None) -> Iterator[str]:
        """Yield names for what is not declared; digits, because the keys of a dict may be numbers."""
        if "propertyNames" in schema:
            names = _merge({"type": "string"}, self._follow(schema["propertyNames"]))
            yield from (name for name in self._propose_valid(names, depth, owner) if isinstance(name, str))
        for pattern in schema.get("patternProperties", {}):
            yield from propose({"pattern": pattern})
        yield from map(str, range(1, PROPOSALS))


def _read_said(schema: Schema) -> Iterator[Any]:
    examples = schema.get("examples", ())
    yield from examples.values() if isinstance(examples, Mapping) else examples
    for keyword in ("example", "default", "const"):
        if keyword in schema:
            yield schema[keyword]
    yield from schema.get("enum", ())


def _read_kinds(schema: Schema) -> list[str]:
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return [kinds]
    if kinds is not None:
        return list(kinds)
    meant = [kind for keyword, kind in _KIND_OF.items() if keyword in schema]
    return list(dict.fromkeys([*meant, *_ANYTHING]))


def _of_item(index: int, schema: Schema) -> Any:
    first = schema.get("prefixItems", ())
    return first[index] if index < len(first) else schema.get("items", True)


def _of_name(name: str, schema: Schema) -> Any:
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    named = next(iter(schema.get("patternProperties", {}).values()), None)
    return named if named is not None else schema.get("additionalProperties", True)


def _is_open(schema: Schema) -> bool:
    """Say whether it is a dictionary of something that is known."""
    return isinstance(schema.get("additionalProperties"), dict) or bool(schema.get("patternProperties"))


def _merge(first: Schema, second: Any) -> Schema:
    """Return a schema that asks for what both ask for, as far as one schema can."""
    merged = dict(first)
    for key, value in second.items() if isinstance(second, dict) else ():
        if key == "properties" and key in merged:
            both = {name: _merge(merged[key][name], value[name]) for name in value if name in merged[key]}
            merged[key] = {**merged[key], **value, **both}
        elif key == "required" and key in merged:
            merged[key] = [*merged[key], *(name for name in value if name not in merged[key])]
        elif key in merged and key.lower().startswith(("min", "exclusivemin")):
            merged[key] = max(merged[key], value)
        elif key in merged and key.lower().startswith(("max", "exclusivemax")):
            merged[key] = min(merged[key], value)
        else:
            merged[key] = value
    return merged


def _propose_numbers(schema: Schema, *, whole: bool) -> Iterator[Any]:
    low = max((schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema), default=None)
    high = min((schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema), default=None)
    for value in _list_numbers(low, high, schema.get("multipleOf", 1)):
        yield math.floor(value) if whole else value
    if not whole:
        yield from (0.5, 1.5, 2.5)


def _list_numbers(low: Any, high: Any, step: Any) -> Iterator[Any]:
    yield from (1, 0)
    start = low if low is not None else high if high is not None else 0
    if low is not None and high is not None and low <= high:
        yield (low + high) // 2
        yield low + (high - low) / 2 if isinstance(low, float) or isinstance(high, float) or high - low < 2 else low
    yield from (value for value in (low, high) if value is not None)
    first = -(-start // step)
    for count in range(30):
        yield (first + count) * step
        yield (first - count) * step
