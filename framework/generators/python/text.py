"""Pieces of Python: strings, docstrings, calls."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable

WIDTH = 120


def quote(value: object) -> str:
    """Return *value*, made of JSON values and bytes, as an expression."""
    if isinstance(value, str):
        return "".join(_escape(letter) for letter in json.dumps(value, ensure_ascii=False))
    if isinstance(value, list):
        return f"[{', '.join(quote(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quote(key)}: {quote(item)}' for key, item in value.items())}}}"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def docstring(text: str, indent: str) -> str:
    """Return a docstring that says *text*, whatever is in it, and ends with a newline."""
    lines = [_escape_line(line.rstrip()) for line in re.split(r"\r\n|\r|\n", text.strip())]
    body = "\n".join(f"{indent}{line}" if line and number else line for number, line in enumerate(lines))
    if body.endswith('"'):
        body = f'{body[:-1]}\\"'
    return f'{indent}"""{body}{chr(10) + indent if len(lines) > 1 else ""}"""\n'


def comment(text: str, indent: str = "") -> str:
    """Return *text*, which is one line, as a comment."""
    return f"{indent}# {_escape_line(' '.join(text.split()))}\n"


def sentence(text: str) -> str:
    """Return the first paragraph of *text* on one line."""
    return " ".join(re.split(r"\n\s*\n", text.strip())[0].split())


def wrap_call(head: str, arguments: Iterable[str], tail: str, indent: str) -> str:
    """Return ``head(arguments)tail``, on several lines where it is too long for one."""
    found = list(arguments)
    line = f"{indent}{head}({', '.join(found)}){tail}"
    if len(line) <= WIDTH or not found:
        return f"{line}\n"
    inner = f"{indent}    {', '.join(found)}\n"
    if len(inner) > WIDTH:
        comma = "" if found[-1].startswith("**") else ","
        inner = "".join(f"{indent}    {argument}{',' if argument is not found[-1] else comma}\n" for argument in found)
    return f"{indent}{head}(\n{inner}{indent}){tail}\n"


def wrap_items(head: str, opening: str, items: Iterable[str], closing: str, indent: str) -> str:
    """Return ``head(`` *opening* items *closing* ``)``, with a line for each of the items where it is too long for one."""
    found = list(items)
    line = f"{indent}{head}({opening}{', '.join(found)}{closing})"
    if len(line) <= WIDTH:
        return f"{line}\n"
    if not opening:
        rows = "".join(f"{indent}    {item},\n" for item in found)
        return f"{indent}{head}(\n{rows}{indent})\n"
    rows = "".join(f"{indent}        {item},\n" for item in found)
    return f"{indent}{head}(\n{indent}    {opening}\n{rows}{indent}    {closing}\n{indent})\n"


def _escape_line(line: str) -> str:
    return "".join(_escape(letter) for letter in line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"'))


def _escape(letter: str) -> str:
    """Return *letter*, or its number where it can't be seen or turns the text around."""
    if letter != "\t" and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        number = ord(letter)
        return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    return letter
