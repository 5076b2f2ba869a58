"""Whether a value is made of exactly what its schema names, so that pydantic has nothing to object to; and where its floats are.

A model may have been changed since it was validated; ``warnings="error"`` finds that out, and costs more than writing a
small one. Where a look at the types of a few plain fields says the same, it is not asked. A number that is not finite is
found in the same way, where it can only be in a field of its own. Compiled once per handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from math import isfinite
from types import NoneType
from typing import Any
from uuid import UUID

from .schemas import may_hold_floats, read_fields

Check = Callable[[Any], bool]

_PLAIN: dict[str, type] = {
    "bool": bool,
    "date": date,
    "datetime": datetime,
    "float": float,
    "int": int,
    "none": NoneType,
    "str": str,
    "time": time,
    "timedelta": timedelta,
    "uuid": UUID,
}
_MAX_PARTS = 16  # more take longer to look at than pydantic takes
_UNBOUNDED = frozenset({"type", "metadata", "ref"})  # what a schema holds that refuses nothing of its type


def compile_checks(schema: Any) -> tuple[Check, ...] | None:
    """Return what says of each item of a tuple that it is exactly as *schema* has it, and finite.

    None where only pydantic can tell. Such an item is one that neither validating nor serialising would change or refuse. Known are models of plain values, also
    inside each other, and nothing that lists others: its length is not bounded.
    """
    if (items := _read_items(schema)) is None:
        return None
    checks = [_compile(item) if _is_free(item) else None for item in items]
    known = tuple(check for check in checks if check is not None)
    return known if len(known) == len(checks) and 0 < len(known) <= _MAX_PARTS else None


def _read_items(schema: Any) -> list[Mapping[str, Any]] | None:
    """Return the schemas of a tuple's items; None where their number is not known, or it is written differently."""
    while schema["type"] != "tuple" and "schema" in schema and "serialization" not in schema:
        schema = schema["schema"]
    if schema["type"] != "tuple" or "variadic_item_index" in schema or "serialization" in schema:
        return None
    items: list[Mapping[str, Any]] = schema["items_schema"]
    return items


def _is_free(node: Mapping[str, Any]) -> bool:
    """Say whether a value of the right type can't be wrong; what is in a model has been validated with it."""
    if node["type"] == "nullable":
        return _is_free(node["schema"])
    return node["type"] == "model" or node.keys() <= _UNBOUNDED


def _compile(node: Mapping[str, Any]) -> Check | None:
    if "serialization" in node:
        return None
    kind = node["type"]
    if kind == "float":
        return lambda value: type(value) is float and isfinite(value)
    if (plain := _PLAIN.get(kind)) is not None:
        return lambda value: type(value) is plain
    if kind == "default":
        return _compile(node["schema"])
    if kind == "nullable" and (inside := _compile(node["schema"])) is not None:
        return lambda value: value is None or inside(value)
    return _compile_model(node) if kind == "model" else None


def _compile_model(node: Mapping[str, Any]) -> Check | None:
    if not _is_closed(node) or "revalidate_instances" in (node.get("config") or {}):
        return None
    names: dict[str, Any] = {"cls": node["cls"]}
    looks: list[str] = []
    for name, field in read_fields(node["schema"]).items():
        inside, value = field["schema"], f"about[{name!r}]"
        plain = None if "serialization" in inside else _PLAIN.get(inside["type"])
        part: Any = plain or _compile(inside)
        if part is None:
            return None
        key = f"part{len(looks)}"
        names[key] = part
        finite = f" and isfinite({value})" if plain is float else ""
        looks.append(f"{key}({value})" if plain is None else f"type({value}) is {key}{finite}")
    if len(looks) > _MAX_PARTS:
        return None
    looks.sort(key=lambda look: look.startswith("part"))  # what calls something comes last
    return _define(
        f"""def check(value):
            if type(value) is not cls:
                return False
            about = value.__dict__
            try:
                return {" and ".join((f"len(about) == {len(looks)}", *looks))}
            except KeyError:
                return False
        """,
        names,
    )


def _define(source: str, names: Mapping[str, Any]) -> Check:
    """Return the function that *source* defines: written out field by field, as dataclasses do, it takes a third of the time.

    A field's name comes into it as the literal of a string, whatever it is.
    """
    known: dict[str, Any] = {**names, "isfinite": isfinite}
    exec(source, known)  # noqa: S102 - made of our own text and of literals
    check: Check = known["check"]
    return check


def _is_closed(node: Mapping[str, Any]) -> bool:
    """Say whether a model holds its fields and nothing else."""
    fields = node["schema"]
    config = node.get("config") or {}
    extra = (fields.get("extra_behavior"), config.get("extra_fields_behavior"))
    return bool(
        fields["type"] == "model-fields"
        and not node.get("root_model")
        and not fields.get("computed_fields")
        and "allow" not in extra
    )


def compile_endless(schema: Any) -> Check | None:
    """Return what says of a tuple whether a float in it is not finite; None where one may be in any place."""
    if (items := _read_items(schema)) is None:
        return None
    try:
        places = [place for index, item in enumerate(items) for place in _find_floats(f"values[{index}]", item)]
    except _AnywhereError:
        return None
    looks = (f"(type(value := {place}) is float and not isfinite(value))" for place in places)
    return _define(f"def check(values): return {' or '.join(looks) or False}", {})


class _AnywhereError(Exception):
    """Floats may be in any place."""


def _find_floats(place: str, node: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the floats are in what is at *place*, as expressions."""
    if not may_hold_floats(node):
        return
    kind = node["type"]
    if kind == "default" or (kind == "nullable" and node["schema"]["type"] == "float"):
        yield from _find_floats(place, node["schema"])
    elif kind == "float":
        yield place
    elif kind == "model" and _is_closed(node) and not (node.get("post_init") or node.get("custom_init")):
        for name, field in read_fields(node["schema"]).items():
            yield from _find_floats(f"{place}.__dict__[{name!r}]", field["schema"])
    else:
        raise _AnywhereError
