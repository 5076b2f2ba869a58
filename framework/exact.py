"""Whether a value is made of exactly what its schema names, so that pydantic has nothing to object to; and where its floats are.

A model may have been changed since it was validated; ``warnings="error"`` finds that out, and costs more than writing a
small one. Where a look at the types of a few plain fields says the same, it is not asked. A number that is not finite is
found in the same way, where it can only be in a field of its own. Compiled once per handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from math import isfinite
from operator import attrgetter
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
    kinds: list[tuple[str, type]] = []
    checks: list[tuple[str, Check]] = []
    for name, field in read_fields(node["schema"]).items():
        inside = field["schema"]
        plain = None if "serialization" in inside else _PLAIN.get(inside["type"])
        if plain is not None and plain is not float:
            kinds.append((name, plain))
        elif (check := _compile(inside)) is not None:
            checks.append((name, check))
        else:
            return None
    if len(kinds) + len(checks) > _MAX_PARTS:
        return None
    return _build(node["cls"], tuple(kinds), tuple(checks))


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


def _build(cls: type, kinds: tuple[tuple[str, type], ...], checks: tuple[tuple[str, Check], ...]) -> Check:
    count = len(kinds) + len(checks)

    def check(value: Any) -> bool:
        if type(value) is not cls:
            return False
        about = value.__dict__
        if len(about) != count:
            return False
        for name, kind in kinds:
            if type(about.get(name, about)) is not kind:
                return False
        return all(inside(about.get(name, about)) for name, inside in checks) if checks else True

    return check


def compile_endless(schema: Any) -> Check | None:
    """Return what says of a tuple whether a float in it is not finite; None where one may be in any place."""
    if (items := _read_items(schema)) is None:
        return None
    try:
        places = tuple(place for index, item in enumerate(items) for place in _find_floats(index, (), item))
    except _AnywhereError:
        return None

    def is_endless(values: Any) -> bool:
        for index, read in places:
            value = read(values[index])
            if type(value) is float and not isfinite(value):
                return True
        return False

    return is_endless


class _AnywhereError(Exception):
    """Floats may be in any place."""


def _find_floats(
    index: int, names: tuple[str, ...], node: Mapping[str, Any]
) -> Iterator[tuple[int, Callable[[Any], Any]]]:
    """Yield the places of the floats in an item: its index, and what reads one."""
    if not may_hold_floats(node):
        return
    kind = node["type"]
    if kind == "default" or (kind == "nullable" and node["schema"]["type"] == "float"):
        yield from _find_floats(index, names, node["schema"])
    elif kind == "float":
        yield index, attrgetter(".".join(names)) if names else _itself
    elif kind == "model" and _is_closed(node) and not (node.get("post_init") or node.get("custom_init")):
        for name, field in read_fields(node["schema"]).items():
            yield from _find_floats(index, (*names, name), field["schema"])
    else:
        raise _AnywhereError


def _itself(value: Any) -> Any:
    return value
