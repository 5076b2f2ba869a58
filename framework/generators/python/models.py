"""The models of a contract as pydantic classes, enumerations, named tuples and aliases.

A model that has two forms, ``-Input`` and ``-Output``, is one class where the forms differ only in which fields have to be
there: in Python a field with a default is always there.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from ...contract import Contract, Schema
from ...contract.model import ENUM_NAMES
from .names import assign_names, make_class_name, make_member_name, make_name
from .text import comment, docstring, quote, wrap_call, wrap_items
from .types import Types

INPUT, OUTPUT = "-Input", "-Output"
# What annotations use, and would find as a field or a method of the same class instead.
SHADOWING = {"bool", "bytes", "datetime", "decimal", "dict", "float", "int", "list", "set", "str", "tuple", "uuid"}
_FIELDS = {*dir(BaseModel), *SHADOWING}
_MEMBERS = {*dir(str), *dir(int), *dir(enum.Enum), "mro", "name", "value"}


class Models:
    """Knows and renders the models of one contract.

    Args:
        taken: Names that no class may have.
        patterns: Says which regular expressions the clients can check.
    """

    def __init__(self, contract: Contract, taken: Collection[str], patterns: Callable[[str], bool]) -> None:
        self._models = contract.models
        self._members = {name: _name_members(schema) for name, schema in self._models.items() if _is_enum(schema)}
        self._fields = {
            name: assign_names(schema["properties"], lambda wire: make_name(wire, "field"), _FIELDS)
            for name, schema in self._models.items()
            if _is_object(schema)
        }
        self._merged = self._find_merged()
        keys = {name: self._key(name, self._merged) for name in self._models}
        classes = assign_names(keys.values(), lambda key: make_class_name(key, "Model"), taken, "Model")
        self.names = {name: classes[keys[name]] for name in self._models}
        self.types = self._types(self.names, patterns)

    def render(self) -> str:
        """Return all classes, by their names in the contract, enumerations first: defaults use them."""
        shown = [name for name in sorted(self._models) if not self._is_merged_away(name)]
        first = [name for name in shown if name in self._members]
        return "\n\n".join(self._render(name) for name in first + [name for name in shown if name not in first])

    def _types(self, names: Mapping[str, str], patterns: Callable[[str], bool] = lambda pattern: True) -> Types:
        return Types(self._models, names, self._members, self._find_tag, patterns)

    def _find_tag(self, name: str, wire: str) -> str | None:
        if name not in self._fields or wire not in self._fields[name]:
            return None
        schema = self._models[name]["properties"][wire]
        return self._fields[name][wire] if isinstance(schema, dict) and {"const", "enum"} & {*schema} else None

    # -- which models are one class

    def _find_merged(self) -> set[str]:
        """Return those whose two forms are one class; they may refer to each other."""
        merged = {name[: -len(INPUT)] for name in self._models if name.endswith(INPUT)}
        merged = {base for base in merged if base + OUTPUT in self._models and base not in self._models}
        while True:
            types = self._types({name: self._key(name, merged) for name in self._models}).without_bounds()
            differing = {
                base for base in merged if self._shape(types, base + INPUT) != self._shape(types, base + OUTPUT)
            }
            if not differing:
                return merged
            merged -= differing

    def _shape(self, types: Types, name: str) -> object:
        schema = self._models[name]
        if _is_object(schema):
            fields = {wire: self._annotate_field(types, name, wire)[0] for wire in schema["properties"]}
            return fields, bool(schema.get("additionalProperties", False))
        return types.annotate(schema)

    @staticmethod
    def _key(name: str, merged: Collection[str]) -> str:
        base = name.removesuffix(INPUT).removesuffix(OUTPUT)
        return base if base in merged and base != name else name

    def _is_merged_away(self, name: str) -> bool:
        return name.endswith(OUTPUT) and name[: -len(OUTPUT)] in self._merged

    # -- what they look like

    def _render(self, name: str) -> str:
        schema = self._models[name]
        key = self._key(name, self._merged)
        about = "" if self.names[name] == key.replace("-", "") else comment(f"{quote(key)} in the contract")
        if name in self._members:
            return about + self._render_enum(name, schema)
        if _is_object(schema):
            return about + self._render_class(name, schema)
        if _is_named_tuple(schema):
            return about + self._render_named_tuple(name, schema)
        text = f"{self.names[name]} = TypeAliasType({quote(self.names[name])}, {quote(self.types.annotate(schema))})\n"
        return about + text + _describe(schema, "")

    def _render_enum(self, name: str, schema: Schema) -> str:
        values = schema["enum"]
        kinds = {type(value) for value in values}
        base = "enum.StrEnum" if kinds == {str} else "enum.IntEnum" if kinds == {int} else "enum.Enum"
        members = _list_members(schema)
        body = "".join(f"    {member} = {quote(value)}\n" for member, value in zip(members, values, strict=True))
        return _class(self.names[name], base, schema, body)

    def _render_named_tuple(self, name: str, schema: Schema) -> str:
        items = schema["prefixItems"]
        defaults = [self.types.express(item, item["default"]) if "default" in item else None for item in items]
        missing = [index for index, default in enumerate(defaults) if default is None or _uses_class(default)]
        first = missing[-1] + 1 if missing else 0  # behind a default there is none without
        body = ""
        for index, (field, item) in enumerate(zip(_name_items(schema), items, strict=True)):
            body += f"    {field}: {self.types.annotate(item)}{f' = {defaults[index]}' if index >= first else ''}\n"
            body += _describe(item, "    ")
        return _class(self.names[name], "NamedTuple", schema, body)

    def _render_class(self, name: str, schema: Schema) -> str:
        body = '    model_config = ConfigDict(extra="allow")\n\n' if schema.get("additionalProperties") else ""
        left_out = []
        for wire, inner in schema["properties"].items():
            annotation, default = self._annotate_field(self.types, name, wire)
            field = self._fields[name][wire]
            if default == _UNKNOWN:
                left_out.append((field, wire, self.types.allows_null(inner)))
            body += _field(field, annotation, wire, default) + _describe(inner, "    ")
        if left_out:
            rows = [f"({quote(field)}, {quote(wire)}, {nullable})" for field, wire, nullable in left_out]
            head = "_left_out: ClassVar[tuple[tuple[str, str, bool], ...]] = "
            body += "\n" + wrap_items(head, "", rows, "," if len(rows) == 1 else "", "    ")
        return _class(self.names[name], "_PartialModel" if left_out else "_Model", schema, body)

    def _annotate_field(self, types: Types, name: str, wire: str) -> tuple[str, str | None]:
        """Return the annotation of a field, and its default: none, an expression, or a secret of the server."""
        schema = self._models[name]
        inner = schema["properties"][wire]
        annotation = types.annotate(inner)
        if wire in schema.get("required", ()) and (name.endswith(OUTPUT) or "default" not in inner):
            return annotation, None
        default = types.express(inner, inner["default"]) if isinstance(inner, dict) and "default" in inner else None
        if default is not None:
            return annotation, default
        return (annotation if types.allows_null(inner) else f"{annotation} | None"), _UNKNOWN


_UNKNOWN = "unknown"  # as a default: the server has one


def _class(name: str, base: str, schema: Schema, body: str) -> str:
    text = str(schema.get("description", ""))
    doc = docstring(text, "    ") + ("\n" if body else "") if text.strip() else ""
    return f"class {name}({base}):\n{doc}{body or ('' if doc else '    pass' + chr(10))}"


def _field(field: str, annotation: str, wire: str, default: str | None) -> str:
    arguments = [] if field == wire else [f"validation_alias={quote(wire)}", f"serialization_alias={quote(wire)}"]
    value = "None" if default == _UNKNOWN else default
    if value is not None and _uses_class(value):
        arguments.insert(0, f"default_factory=lambda: {value}")
        return wrap_call(f"{field}: {annotation} = Field", arguments, "", "    ")
    if not arguments:
        return f"    {field}: {annotation}{f' = {value}' if value is not None else ''}\n"
    return wrap_call(
        f"{field}: {annotation} = Field", [*([f"default={value}"] if value is not None else []), *arguments], "", "    "
    )


def _uses_class(expression: str) -> bool:
    """Say whether *expression* needs a class that may be defined further down."""
    return re.search(r"(?<![.\w])[A-Z]\w*(?:\.model_validate)?\(", expression) is not None


def _describe(schema: Any, indent: str) -> str:
    text = str(schema.get("description", "")) if isinstance(schema, dict) else ""
    if isinstance(schema, dict) and schema.get("deprecated"):
        text = f"{text}\n\nDeprecated.".strip()
    return docstring(text, indent) if text.strip() else ""


def _is_enum(schema: Schema) -> bool:
    return "enum" in schema and not _is_object(schema)


def _is_object(schema: Schema) -> bool:
    return "properties" in schema


def _is_named_tuple(schema: Schema) -> bool:
    return bool(schema.get("prefixItems")) and all(
        isinstance(item, dict) and "title" in item for item in schema["prefixItems"]
    )


def _name_items(schema: Schema) -> list[str]:
    titles = [str(item["title"]) for item in schema["prefixItems"]]
    wires = [title if title not in titles[:index] else f"{title} {index}" for index, title in enumerate(titles)]
    names = assign_names(wires, lambda wire: make_name(wire, "item"), {*SHADOWING, "count", "index"})
    return [names[wire] for wire in wires]


def _list_members(schema: Schema) -> list[str]:
    values = schema["enum"]
    given = schema.get(ENUM_NAMES, [])
    wires = (
        [str(name) for name in given] if len(given) == len(values) else [make_member_name(value) for value in values]
    )
    wires = [wire if wire not in wires[:index] else f"{wire}_{index}" for index, wire in enumerate(wires)]
    names = assign_names(wires, _make_member, _MEMBERS)
    return [names[wire] for wire in wires]


def _make_member(wire: str) -> str:
    return wire if wire.isidentifier() and not wire.startswith("_") else make_class_name(wire, "VALUE")


def _name_members(schema: Schema) -> dict[Any, str]:
    pairs: Iterable[tuple[str, Any]] = zip(_list_members(schema), schema["enum"], strict=True)
    return {(type(value), value): member for member, value in pairs if _is_hashable(value)}


def _is_hashable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def list_patterns(contract: Contract) -> Iterator[str]:
    """Yield every regular expression in the contract."""

    def find(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if isinstance(schema.get("pattern"), str):
                yield schema["pattern"]
            yield from (str(pattern) for pattern in schema.get("patternProperties", ()))
            for inner in schema.values():
                yield from find(inner)
        elif isinstance(schema, list | tuple):
            for inner in schema:
                yield from find(inner)

    yield from find(contract.model_dump(by_alias=True))
