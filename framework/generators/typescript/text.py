"""Texts of TypeScript: literals, property keys and comments that no content can break out of."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

WIDTH = 120
# Control characters, those that turn the direction of text, and halves of pairs: unseen, or no text at all.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def quote(text: str) -> str:
    """Return *text* as a string literal."""
    return "".join(_escape(char) for char in json.dumps(text, ensure_ascii=False))


def write_value(value: Any) -> str:
    """Return a value of JSON as an expression."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{write_key(str(key), literal=True)}: {write_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return json.dumps(value)


def write_key(name: str, *, literal: bool = False) -> str:
    """Return the key of a property: as it is where it is an identifier, else quoted.

    Args:
        literal: It is for an object that is made, where ``__proto__`` would set what it inherits.
    """
    if literal and name == "__proto__":
        return '["__proto__"]'
    return name if is_identifier(name) else quote(name)


def is_identifier(name: str) -> bool:
    """Say whether *name* can stand where TypeScript takes any word, such as after a dot."""
    return name.replace("$", "_").isidentifier()


def write_comment(lines: Iterable[str], indent: str = "") -> Iterator[str]:
    """Yield the lines of a JSDoc comment; none where there is nothing to say."""
    clean = [_clean(line) for line in lines]
    while clean and not clean[-1]:
        clean.pop()
    if not clean:
        return
    if len(clean) == 1 and len(indent) + len(clean[0]) + 7 <= WIDTH:
        yield f"{indent}/** {clean[0]} */"
        return
    yield f"{indent}/**"
    for line in clean:
        yield f"{indent} * {line}".rstrip()
    yield f"{indent} */"


def write_line_comment(text: str) -> str:
    """Return a comment of one line."""
    return "// " + _clean(" ".join(text.split()))


def split_lines(text: str) -> list[str]:
    """Return the lines of a docstring, without empty ones around it; long ones are wrapped.

    None of them begins a tag of JSDoc or a directive of the compiler.
    """
    lines: list[str] = []
    for line in text.expandtabs(4).strip().splitlines():
        wrapped = textwrap.wrap(line, WIDTH - 10, break_long_words=False, break_on_hyphens=False)
        lines += wrapped if len(line) > WIDTH - 10 else [line]
    return [re.sub(r"^(\s*)@", r"\1\\@", line) for line in lines]


def _clean(line: str) -> str:
    """Return *line* without what would end the comment."""
    return "".join(_escape(char) for char in line.rstrip().replace("*/", "*\\/"))


def _escape(char: str) -> str:
    if char != "\t" and unicodedata.category(char) in _UNSEEN:
        return f"\\u{{{ord(char):x}}}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
    return char
