"""From JSON Schemas to annotations and to expressions for defaults."""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...contract import Schema
from ...contract.read import WHOLE_NUMBER
from ...contract.walk import read_ref
from .text import quote

_FORMATS = {
    "binary": "bytes",
    "date": "datetime.date",
    "date-time": "datetime.datetime",
    "decimal": "decimal.Decimal",
    "duration": "datetime.timedelta",
    "time": "datetime.time",
    "uuid": "uuid.UUID",
}
_KINDS = {"boolean": "bool", "integer": "int", "null": "None", "number": "float", "string": "str"}
_NUMBERS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
_TEXTS = {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"}
_LISTS = {"minItems": "min_length", "maxItems": "max_length"}
_OBJECTS = {"minProperties": "min_length", "maxProperties": "max_length"}
_PARSERS: dict[str, TypeAdapter[Any]] = {
    "datetime.date": TypeAdapter(datetime.date),
    "datetime.datetime": TypeAdapter(datetime.datetime),
    "datetime.time": TypeAdapter(datetime.time),
    "datetime.timedelta": TypeAdapter(datetime.timedelta),
    "decimal.Decimal": TypeAdapter(decimal.Decimal),
    "uuid.UUID": TypeAdapter(uuid.UUID),
}
_PLAIN: dict[str, Callable[[Any], bool]] = {
    "None": lambda value: value is None,
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
}


class Types:
    """Writes types.

    Args:
        models: Of the contract.
        names: What they are called in Python.
        members: The names of the members of those that are enumerations, by value.
        tags: The name in Python that a field of a model has, by the model and its name on the wire.
        patterns: Those that Python's clients can check.
    """

    def __init__(
        self,
        models: Mapping[str, Schema],
        names: Mapping[str, str],
        members: Mapping[str, Mapping[Any, str]],
        tags: Callable[[str, str], str | None],
        patterns: Callable[[str], bool] = lambda pattern: True,
        *,
        bounds: bool = True,
    ) -> None:
        self._models = models
        self._names = names
        self._members = members
        self._tags = tags
        self._patterns = patterns
        self._bounds = bounds

    def without_bounds(self) -> Types:
        """Return one that writes types for type checkers alone: without what pydantic checks besides."""
        return Types(self._models, self._names, self._members, self._tags, bounds=False)

    def annotate(self, schema: Any) -> str:
        """Return the annotation for *schema*."""
        if not isinstance(schema, dict):
            return "Any"
        if (name := read_ref(schema)) is not None:
            return self._names.get(name, "Any")
        if "const" in schema or "enum" in schema:
            return self._annotate_values(schema)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._annotate_choices(schema[keyword], schema.get("discriminator"))
        if len(schema.get("allOf", ())) == 1:
            return self.annotate(schema["allOf"][0])
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._join([self.annotate({**schema, "type": one}) for one in kind])
        return self._annotate_kind(kind, schema)

    def allows_null(self, schema: Any) -> bool:
        """Say whether null is a value of *schema*."""
        return re.search(r"\b(?:None|Any)\b", self.annotate(schema)) is not None

    def _annotate_values(self, schema: Schema) -> str:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        if not all(value is None or isinstance(value, str | int) for value in values):
            return self._annotate_kind(schema.get("type"), {**schema, "enum": ()})
        texts = [quote(value) for value in values if value is not None]
        literal = [f"Literal[{', '.join(texts)}]"] if texts else []
        return self._join([*literal, *(["None"] if None in values else [])])

    def _annotate_choices(self, choices: Iterable[Any], discriminator: Any) -> str:
        found = list(choices)
        written = [self.annotate(choice) for choice in found]
        if "decimal.Decimal" in written:  # what is sent may be a number, too
            written = [text for text in written if not re.search(r"\bfloat\b", text)]
        union = self._join(written)
        tag = self._find_tag(found, discriminator)
        return f'Annotated[{union}, Field(discriminator="{tag}")]' if tag and self._bounds and " | " in union else union

    def _find_tag(self, choices: list[Any], discriminator: Any) -> str | None:
        """Return the field that tells the models apart; None where pydantic can't use it."""
        if not isinstance(discriminator, Mapping):
            return None
        wire = str(discriminator.get("propertyName"))
        tags = {self._tags(name, wire) if (name := read_ref(choice)) is not None else None for choice in choices}
        return tags.pop() if len(tags) == 1 else None

    def _annotate_kind(self, kind: Any, schema: Schema) -> str:
        if kind == "array":
            return self._annotate_array(schema)
        if kind == "object":
            return self._annotate_object(schema)
        if kind == "string":
            return self._annotate_string(schema)
        if kind in ("integer", "number"):
            return self._bound(_KINDS[kind], schema, _NUMBERS)
        return _KINDS.get(str(kind), "Any")

    def _annotate_string(self, schema: Schema) -> str:
        form = str(schema.get("format"))
        found = _FORMATS.get("uuid" if re.fullmatch(r"uuid\d", form) else form, "str")
        if found not in ("str", "bytes"):
            return found
        if found == "bytes" or not self._patterns(str(schema.get("pattern", ""))):
            schema = {key: value for key, value in schema.items() if key != "pattern"}
        return self._bound(found, schema, _TEXTS)

    def _annotate_array(self, schema: Schema) -> str:
        first = [self.annotate(item) for item in schema.get("prefixItems", ())]
        rest = schema.get("items", not first)
        if first:
            more = rest is not False and schema.get("maxItems") != len(first)
            return f"tuple[{', '.join(first)}{f', *tuple[{self.annotate(rest)}, ...]' if more else ''}]"
        if schema.get("maxItems") == 0:
            return "tuple[()]"
        item = self.annotate(rest)
        kind = "set" if schema.get("uniqueItems") and self._is_hashable(rest) else "list"
        return self._bound(f"{kind}[{item}]", schema, _LISTS)

    def _annotate_object(self, schema: Schema) -> str:
        keys, values = _read_object(schema)
        key = "int" if keys.get("pattern") == WHOLE_NUMBER else self.annotate(keys)
        return self._bound(f"dict[{key}, {self.annotate(values)}]", schema, _OBJECTS)

    def _is_hashable(self, schema: Any) -> bool:
        if (name := read_ref(schema)) is not None:
            return name in self._members
        return re.search(r"\b(?:list|dict|set|Any|[A-Z]\w*)\b", _strip(self.annotate(schema))) is None

    def _bound(self, text: str, schema: Schema, known: Mapping[str, str]) -> str:
        if not self._bounds:
            return text
        bounds = [f"{known[key]}={quote(schema[key])}" for key in known if key in schema]
        return f"Annotated[{text}, Field({', '.join(bounds)})]" if bounds else text

    def _join(self, written: Iterable[str]) -> str:
        found = list(dict.fromkeys(written))
        if "Any" in found or not found:
            return "Any"
        return " | ".join([text for text in found if text != "None"] + (["None"] if "None" in found else []))

    # -- defaults

    def express(self, schema: Any, value: Any) -> str | None:
        """Return an expression for *value*, which is JSON, in the type of *schema*; None where it does not fit."""
        if not isinstance(schema, dict):
            return quote(value)
        if (name := read_ref(schema)) is not None:
            return self._express_model(name, value)
        if "const" in schema or "enum" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            return quote(value) if any(value == one and type(value) is type(one) for one in values) else None
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                found = (self.express(choice, value) for choice in reversed(schema[keyword]))
                return next((text for text in found if text is not None), None)
        if isinstance(schema.get("type"), list):
            found = (self.express({**schema, "type": one}, value) for one in schema["type"])
            return next((text for text in found if text is not None), None)
        return self._express_kind(schema, value)

    def _express_kind(self, schema: Schema, value: Any) -> str | None:
        if schema.get("type") == "array":
            return self._express_array(schema, value)
        text = self.without_bounds().annotate(schema)
        if text == "Any":
            return quote(value)
        if text in _PLAIN:
            return quote(value) if _PLAIN[text](value) else None
        if text == "bytes":
            return f"b{quote(value)}" if isinstance(value, str) and value.isascii() else None
        if text in _PARSERS:
            return _express_parsed(text, value)
        return self._express_object(schema, value) if isinstance(value, Mapping) else None

    def _express_array(self, schema: Schema, value: Any) -> str | None:
        if not isinstance(value, list):
            return None
        first = schema.get("prefixItems", [])
        schemas = [*first, *[schema.get("items", True)] * (len(value) - len(first))]
        if len(value) < len(first):
            return None
        items = [self.express(inner, item) for inner, item in zip(schemas, value, strict=False)]
        if any(item is None for item in items):
            return None
        inside = ", ".join(str(item) for item in items)
        text = self.without_bounds().annotate(schema)
        if text.startswith("tuple"):
            return f"({inside},)" if len(items) == 1 else f"({inside})"
        if text.startswith("set"):
            return f"{{{inside}}}" if items else "set()"
        return f"[{inside}]"

    def _express_object(self, schema: Schema, value: Mapping[str, Any]) -> str | None:
        keys, values = _read_object(schema)
        items = []
        for key, item in value.items():
            name = key if keys.get("pattern") == WHOLE_NUMBER else self.express(keys, key)
            inner = self.express(values, item)
            if name is None or inner is None:
                return None
            items.append(f"{name}: {inner}")
        return f"{{{', '.join(items)}}}"

    def _express_model(self, name: str, value: Any) -> str | None:
        schema = self._models.get(name, {})
        if name in self._members:
            member = self._members[name].get((type(value), value))
            return None if member is None else f"{self._names[name]}.{member}"
        if "properties" in schema:
            return f"{self._names[name]}.model_validate({quote(value)})" if isinstance(value, Mapping) else None
        if schema.get("prefixItems"):
            made = self._express_array(schema, value)
            return None if made is None else f"{self._names[name]}{made}".replace(",)", ")")
        return None if read_ref(schema) == name else self.express(schema, value)


def _read_object(schema: Schema) -> tuple[Schema, Any]:
    """Return the schemas of the keys and of the values."""
    patterns = schema.get("patternProperties", {})
    if schema.get("properties") or len(patterns) > 1:  # a model that has no name
        return {"type": "string"}, True
    for pattern, values in patterns.items():
        return {"type": "string", "pattern": pattern}, values
    keys = schema.get("propertyNames", {})
    return (keys if "$ref" in keys else {"type": "string", **keys}), schema.get("additionalProperties", True)


def _strip(annotation: str) -> str:
    """Return *annotation* without the words that don't matter for whether it is hashable."""
    return re.sub(r"\b(?:datetime|decimal|uuid)\.\w+|\b(?:Annotated|Field|Literal|None)\b|\"[^\"]*\"", "", annotation)


def _express_parsed(text: str, value: Any) -> str | None:
    try:
        found = _PARSERS[text].validate_python(value)
    except ValidationError:
        return None
    if text == "decimal.Decimal":
        return f'decimal.Decimal("{found}")'
    if text == "uuid.UUID":
        return f'uuid.UUID("{found}")'
    if text == "datetime.timedelta":
        return f"datetime.timedelta(days={found.days}, seconds={found.seconds}, microseconds={found.microseconds})"
    return f'{text}.fromisoformat("{found.isoformat()}")'
