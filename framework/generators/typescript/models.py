"""Models as TypeScript declares them: interfaces, types, and constants for enumerations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from ...contract import Schema
from ...contract.model import ENUM_NAMES
from ...errors import ContractError
from .names import Named
from .text import quote, split_lines, write_comment, write_key, write_value
from .types import (
    Anything,
    Array,
    Choice,
    Every,
    Field,
    Literals,
    Nothing,
    Object,
    Plain,
    Record,
    Ref,
    Tuple,
    Type,
    TypeReader,
    read_limits,
)

_PLAIN = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
    "bytes": "Bytes",
}


class TypeWriter:
    """Writes types as TypeScript.

    Args:
        names: What the models are called.
    """

    def __init__(self, models: Mapping[str, Schema], names: Mapping[str, Named]) -> None:
        self.reader = TypeReader(models)
        self._models = models
        self._names = names

    def name(self, model: str) -> str:
        """Return what a model is called.

        Raises:
            ContractError: The contract has no such model.
        """
        if model not in self._names:
            raise ContractError(f"the contract refers to the model {model!r}, which is not among its models.")
        return self._names[model].name

    def write_schema(self, schema: Schema) -> str:
        """Return the type of what *schema* describes."""
        return self.write(self.reader.read(schema))

    def write(self, found: Type) -> str:  # noqa: C901 - one case for each
        """Return one type, on one line."""
        match found:
            case Anything():
                return "unknown"
            case Nothing():
                return "never"
            case Plain(kind):
                return _PLAIN[kind]
            case Literals(values):
                return " | ".join(map(write_value, values))
            case Ref():
                return self._write_ref(found)
            case Array(item):
                return f"{self._bracket(item)}[]"
            case Tuple():
                return self._write_tuple(found)
            case Record():
                return self._write_record(found)
            case Object():
                return self._write_object(found)
            case Choice(members):
                return " | ".join(dict.fromkeys(map(self.write, members)))
            case Every(members):
                return " & ".join(map(self._bracket, members))

    def write_union(self, *types: str) -> str:
        """Return the union of types that are written."""
        return "unknown" if "unknown" in types else " | ".join(dict.fromkeys(types))

    def write_fields(self, found: Object, indent: str) -> Iterator[str]:
        """Yield the properties of an object, one after another."""
        for field in found.fields:
            yield from write_comment(_describe_field(field), indent)
            yield f"{indent}{write_key(field.name)}{'' if field.required else '?'}: {self.write(field.type)};"
        if found.rest is not None and not isinstance(found.rest, Nothing):
            yield f"{indent}[key: string]: {self._write_rest(found)};"

    def declare(self, model: str) -> Iterator[str]:
        """Yield the declaration of a model."""
        schema = self._models[model]
        found = self.reader.read(schema)
        name = self.name(model)
        yield from write_comment(self._describe(model, schema))
        match found:
            case Object(fields) if fields:
                yield f"export interface {name} {{"
                yield from self.write_fields(found, "  ")
                yield "}"
            case Literals(values) if ENUM_NAMES in schema:
                yield from _declare_constants(name, dict(zip(schema[ENUM_NAMES], values, strict=False)))
            case _:
                yield f"export type {name} = {self.write(found)};"

    def _describe(self, model: str, schema: Schema) -> list[str]:
        lines = split_lines(str(schema.get("description", "")))
        if self._names[model].differs:
            lines += [*([""] if lines else []), f"`{model}` in the contract."]
        if schema.get("deprecated"):
            lines.append("@deprecated")
        return lines

    def _write_ref(self, found: Ref) -> str:
        name = self.name(found.name)
        if found.tag is None:
            return name
        key, values = found.tag
        return f"({name} & {{ {write_key(key)}: {self.write(Literals(values))} }})"

    def _write_record(self, found: Record) -> str:
        key = "[key: string]" if found.key is None else f"[KeyIn in {self.write(found.key)}]?"
        return f"{{ {key}: {self.write(found.value)} }}"

    def _write_tuple(self, found: Tuple) -> str:
        items = [self.write(item) for item in found.items[: found.needed]]
        items += [f"{self._bracket(item)}?" for item in found.items[found.needed :]]
        if found.rest is not None:
            items.append(f"...{self._bracket(found.rest)}[]")
        return f"[{', '.join(items)}]"

    def _write_object(self, found: Object) -> str:
        if not found.fields:
            return "{ [key: string]: never }"
        inner = " ".join(line.strip() for line in self._fields_on_one_line(found))
        return f"{{ {inner} }}"

    def _fields_on_one_line(self, found: Object) -> Iterator[str]:
        for field in found.fields:
            yield f"{write_key(field.name)}{'' if field.required else '?'}: {self.write(field.type)};"
        if found.rest is not None and not isinstance(found.rest, Nothing):
            yield f"[key: string]: {self._write_rest(found)};"

    def _write_rest(self, found: Object) -> str:
        """Return the type of further properties, which TypeScript wants to hold for the known ones, too."""
        types = [self.write(found.rest), *(self.write(field.type) for field in found.fields)] if found.rest else []
        if not all(field.required for field in found.fields):
            types.append("undefined")
        return self.write_union(*types)

    def _bracket(self, found: Type) -> str:
        text = self.write(found)
        several = isinstance(found, Choice | Every) or (isinstance(found, Literals) and len(found.values) > 1)
        return f"({text})" if several else text


def _declare_constants(name: str, members: Mapping[str, object]) -> Iterator[str]:
    yield f"export const {name} = {{"
    for member, value in members.items():
        yield f"  {write_key(member, literal=True)}: {write_value(value)},"
    yield "} as const;"
    yield f"export type {name} = (typeof {name})[keyof typeof {name}];"


def _describe_field(field: Field) -> list[str]:
    schema = field.schema
    lines = split_lines(str(schema.get("description", "")))
    rules = [_describe_limit(name, value) for name, value in _limits_beyond_the_type(schema)]
    if "format" in schema and schema["format"] != "binary":
        rules.insert(0, f"format {schema['format']}")
    if rules:
        text = ", ".join(rules)
        lines += split_lines(text[:1].upper() + text[1:] + ".")
    if not field.required and "default" in schema:
        lines.append(f"@default {_inline(schema['default'])}")
    if schema.get("deprecated"):
        lines.append("@deprecated")
    return lines


def _limits_beyond_the_type(schema: Schema) -> Iterator[tuple[str, object]]:
    """Yield the limits that the type does not say itself, as that of a tuple does."""
    for name, value in read_limits(schema).items():
        if not (name in ("minItems", "maxItems") and "prefixItems" in schema):
            yield name, value


def _describe_limit(name: str, value: object) -> str:
    """Return ``max length 64`` for ``maxLength``."""
    words = re.sub(r"[A-Z]", lambda found: f" {found[0].lower()}", name)
    return words if value is True else f"{words} {_inline(value)}"


def _inline(value: object) -> str:
    return quote(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
