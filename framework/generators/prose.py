"""Words for a page of Markdown: text that stays text, code that stays code, and types as a person says them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ..contract import Schema
from ..contract.walk import read_ref
from .names import make_key

WIDTH = 100
_ESCAPED = re.compile(r"([\\`*_{}\[\]()#!])")
# What not every Markdown can escape, it reads as an entity.
_ENTITIES = {ord(char): f"&#{ord(char)};" for char in "<>&|~$"}
_LINE_START = re.compile(r"^(?=[-+])|^(\d+)(?=[.)](?:\s|$))")
_FORMATS = {
    "binary": "bytes",
    "date": "date",
    "date-time": "date and time",
    "decimal": "decimal number, as a text",
    "duration": "duration, as ISO 8601 has it",
    "email": "e-mail address",
    "ipv4": "IPv4 address",
    "ipv6": "IPv6 address",
    "password": "secret text",
    "path": "path of a file",
    "time": "time of day",
    "uri": "URL",
    "uuid": "UUID",
}
_KINDS = {
    "array": "list",
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "null": "`null`",
    "number": "number",
    "object": "object",
    "string": "text",
}
_SEVERAL = {
    "date": "dates",
    "number": "numbers",
    "object": "objects",
    "text": "texts",
    "UUID": "UUIDs",
    "whole number": "whole numbers",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
}


def escape(text: str) -> str:
    """Return *text* for one line of Markdown, without any meaning to it; newlines become spaces."""
    line = _ESCAPED.sub(r"\\\1", " ".join(text.split()).translate(_ENTITIES).replace("&#", "\0")).replace("\0", "&#")
    if line.startswith("="):
        line = f"&#61;{line[1:]}"
    return _LINE_START.sub(lambda found: f"{found[1] or ''}\\", line)


def paragraphs(text: str) -> str:
    """Return *text* as Markdown without any meaning to it, but for its paragraphs."""
    blocks = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join("\n".join(escape(line) for line in block.splitlines()) for block in blocks)


def code(text: str) -> str:
    """Return a span of code."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{space}{' '.join(text.splitlines())}{space}{fence}"


def block(value: Any) -> str:
    """Return a block of JSON, on one line if it is short."""
    text = _json(value)
    if len(text) > WIDTH:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence}json\n{text}\n{fence}"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [titles, ["---"] * len(titles), *rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in cells)


def describe_type(schema: Any) -> str:
    """Return what *schema* allows in words, with links to the models' headings."""
    if not isinstance(schema, dict):
        return "nothing" if schema is False else "anything"
    if (name := read_ref(schema)) is not None:
        return f"[{escape(name)}](#model-{make_key(name)})"
    if "const" in schema:
        return code(_json(schema["const"]))
    if "enum" in schema:
        return _join([code(_json(value)) for value in schema["enum"]])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return _join([describe_type(inner) for inner in schema[keyword]])
    if "allOf" in schema:
        return " and ".join(describe_type(inner) for inner in schema["allOf"])
    kinds = schema.get("type", "object" if "properties" in schema else "")
    if isinstance(kinds, list):
        return _join([describe_type({**schema, "type": kind}) for kind in kinds])
    return _describe_kind(kinds, schema)


def _describe_kind(kind: str, schema: Schema) -> str:
    if kind == "array":
        return _describe_array(schema)
    if kind == "object":
        return _describe_object(schema)
    words = _KINDS.get(kind, "anything")
    if kind == "string" and "format" in schema:
        words = _FORMATS.get(schema["format"], f"text of the format {code(schema['format'])}")
    return ", ".join([words, *_describe_bounds(kind, schema)])


def _describe_bounds(kind: str, schema: Schema) -> list[str]:
    found = []
    if kind in ("integer", "number", ""):
        found += [words.format(code(_json(schema[key]))) for key, words in _BOUNDS.items() if key in schema]
    if kind in ("string", ""):
        found += _describe_size(schema.get("minLength"), schema.get("maxLength"), "character")
        if "pattern" in schema and schema.get("format") != "decimal":  # which its name says already
            found.append(f"matches {code(schema['pattern'])}")
    return found


def _describe_size(least: int | None, most: int | None, what: str) -> list[str]:
    if least is not None and least == most:
        return [f"exactly {_count(least, what)}"]
    found = [f"at least {_count(least, what)}"] if least else []
    return found + ([f"at most {_count(most, what)}"] if most is not None else [])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _describe_array(schema: Schema) -> str:
    first = [describe_type(inner) for inner in schema.get("prefixItems", ())]
    rest = schema.get("items", not first)
    if first:
        more = "" if rest is False or schema.get("maxItems") == len(first) else f", then any of: {describe_type(rest)}"
        return f"list of: {'; '.join(first)}{more}"
    words = f"list of {'different ' if schema.get('uniqueItems') else ''}{_nest(rest)}"
    return ", ".join([words, *_describe_size(schema.get("minItems"), schema.get("maxItems"), "item")])


def _describe_object(schema: Schema) -> str:
    fields = [f"{code(name)}: {describe_type(inner)}" for name, inner in schema.get("properties", {}).items()]
    if fields:
        return f"object with {'; '.join(fields)}"
    patterns = schema.get("patternProperties", {})
    by = next((f"names that match {code(pattern)}" for pattern in patterns), "name")
    inner = next(iter(patterns.values()), schema.get("additionalProperties", True))
    if "propertyNames" in schema:
        by = f"name, which is {describe_type({'type': 'string', **schema['propertyNames']})}"
    size = _describe_size(schema.get("minProperties"), schema.get("maxProperties"), "field")
    return ", ".join([f"object of {_nest(inner)} by {by}", *size])


def _nest(schema: Any) -> str:
    words = describe_type(schema)
    return f"({words})" if " or " in words or ", " in words else _SEVERAL.get(words, words)


def _join(words: Sequence[str]) -> str:
    return " or ".join(dict.fromkeys(words)) or "nothing"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
