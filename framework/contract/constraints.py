"""What is different between the constraints of texts, numbers and sizes, and what that means in each direction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .changes import Severity
from .model import Schema
from .validity import identity, is_multiple


@dataclass(frozen=True)
class Difference:
    """One difference between two schemas.

    Args:
        what: A stable word.
        path: Where in a value: ``.text``, ``[]`` for any item, ``[0]`` for the first, ``.*`` for any other field.
        message: One sentence.
        coming_in: How bad it is where the value is sent by clients.
        going_out: Where it is sent to them.
    """

    what: str
    path: str
    message: str
    coming_in: Severity
    going_out: Severity


def compare_defaults(old: Any, new: Any, path: str) -> Iterator[Difference]:
    """Yield what is different for who leaves it out."""
    if not isinstance(old, dict) or not isinstance(new, dict) or ("default" not in old and "default" not in new):
        return
    if identity(old.get("default", ...)) != identity(new.get("default", ...)):
        before, after = (write_value(schema["default"]) if "default" in schema else "nothing" for schema in (old, new))
        message = f"Left out, it stands for {after}, and did for {before}."
        yield Difference("default_changed", path, message, "risky", "safe")


def compare_texts(old: Schema, new: Schema, path: str) -> Iterator[Difference]:
    """Yield what is different between schemas of texts: length, pattern, format."""
    yield from compare_sizes(old, new, path)
    before, after = old.get("pattern"), new.get("pattern")
    if before != after:
        if before is None:
            yield Difference("pattern_added", path, f"It has to match {after} now.", "breaking", "safe")
        elif after is None:
            yield Difference("pattern_removed", path, "It has no pattern any more.", "safe", "risky")
        else:
            yield Difference("pattern_changed", path, f"It has to match {after} now, not {before}.", "risky", "risky")
    yield from _compare_formats(old.get("format"), new.get("format"), path)


def _compare_formats(old: str | None, new: str | None, path: str) -> Iterator[Difference]:
    if old == new:
        return
    message = f"Its format is {new or 'free'}, and was {old or 'free'}."
    if new is None or (new == "uuid" and str(old).startswith("uuid")):
        yield Difference("format_changed", path, message, "safe", "breaking")
    elif old is None or (old == "uuid" and new.startswith("uuid")):
        yield Difference("format_changed", path, message, "breaking", "safe")
    else:
        yield Difference("format_changed", path, message, "breaking", "breaking")


def compare_sizes(old: Schema, new: Schema, path: str) -> Iterator[Difference]:
    """Yield what is different in length."""
    yield from compare_bound(old.get("minLength", 0), new.get("minLength", 0), "length", path, lower=True)
    yield from compare_bound(old.get("maxLength"), new.get("maxLength"), "length", path, lower=False)


def compare_numbers(old: Schema, new: Schema, path: str) -> Iterator[Difference]:
    """Yield what is different between schemas of numbers: bounds, and what they are multiples of."""
    yield from compare_bound(_low(old), _low(new), "value", path, lower=True)
    yield from compare_bound(_high(old), _high(new), "value", path, lower=False)
    before, after = old.get("multipleOf"), new.get("multipleOf")
    if before == after:
        return
    message = (
        f"It is a multiple of {write_value(after)} now."
        if after is not None
        else "It is no longer a multiple of a number."
    )
    if after is None or (before is not None and is_multiple(before, after)):
        yield Difference("multiple_changed", path, message, "safe", "risky")
    elif before is None or is_multiple(after, before):
        yield Difference("multiple_changed", path, message, "breaking", "safe")
    else:
        yield Difference("multiple_changed", path, message, "breaking", "risky")


def compare_bound(old: Any, new: Any, what: str, path: str, *, lower: bool) -> Iterator[Difference]:
    """Compare bounds: a number, None for none, or for numbers a pair with whether the bound itself is out."""
    if old == new:
        return
    side, way = ("minimum", 1) if lower else ("maximum", -1)
    before, after = _height(old, way), _height(new, way)
    shown = "none" if after is None else write_value(new[0]) if isinstance(new, tuple) else write_value(new)
    shown += " (itself out)" if isinstance(new, tuple) and new[1] else ""
    message = f"The {side} of its {what} is {shown} now."
    if after is not None and (before is None or after > before):
        yield Difference(f"{side}_tightened", path, message, "breaking", "safe")
    else:
        yield Difference(f"{side}_loosened", path, message, "safe", "risky")


def _height(bound: Any, way: int) -> Any:
    """Return what is larger for the tighter one of two bounds."""
    if bound is None:
        return None
    value, is_out = bound if isinstance(bound, tuple) else (bound, False)
    return (value * way, is_out)


def _low(schema: Schema) -> tuple[float, bool] | None:
    found = [(schema[key], key == "exclusiveMinimum") for key in ("minimum", "exclusiveMinimum") if key in schema]
    return max(found, default=None)


def _high(schema: Schema) -> tuple[float, bool] | None:
    found = [(schema[key], key == "exclusiveMaximum") for key in ("maximum", "exclusiveMaximum") if key in schema]
    return min(found, key=lambda bound: (bound[0], not bound[1]), default=None)


def write_value(value: Any) -> str:
    """Return *value* as it stands in a message."""
    return json.dumps(value, ensure_ascii=False, default=repr)
