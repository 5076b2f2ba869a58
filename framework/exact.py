"""Whether a value is made of exactly what its schema names, so that pydantic has nothing to object to when it writes it.

A model may have been changed since it was validated; ``warnings="error"`` finds that out, and costs more than writing a
small one. Where a look at the types of a few plain fields says the same, it is not asked. Compiled once per handler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from types import NoneType
from typing import Any
from uuid import UUID

from .schemas import read_fields

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


def compile_check(schema: Any) -> Check | None:
    """Return what says of a tuple that it is exactly as *schema* has it; None where only pydantic can tell.

    It knows models of plain values, also inside each other, and lists nothing else: their length is not bounded.
    """
    while schema["type"] != "tuple" and "schema" in schema and "serialization" not in schema:
        schema = schema["schema"]
    if schema["type"] != "tuple" or "variadic_item_index" in schema or "serialization" in schema:
        return None
    checks = [_compile(item) for item in schema["items_schema"]]
    known = [check for check in checks if check is not None]
    if len(known) != len(checks) or not 0 < len(known) <= _MAX_PARTS:
        return None
    if len(known) == 1:
        only = known[0]
        return lambda values: only(values[0])
    return lambda values: all(check(value) for check, value in zip(known, values, strict=True))


def _compile(node: Mapping[str, Any]) -> Check | None:
    if "serialization" in node:
        return None
    kind = node["type"]
    if (plain := _PLAIN.get(kind)) is not None:
        return lambda value: type(value) is plain
    if kind == "default":
        return _compile(node["schema"])
    if kind == "nullable" and (inside := _compile(node["schema"])) is not None:
        return lambda value: value is None or inside(value)
    return _compile_model(node) if kind == "model" else None


def _compile_model(node: Mapping[str, Any]) -> Check | None:
    fields = node["schema"]
    config = node.get("config") or {}
    extra = (fields.get("extra_behavior"), config.get("extra_fields_behavior"))
    if fields["type"] != "model-fields" or node.get("root_model") or fields.get("computed_fields") or "allow" in extra:
        return None
    kinds: list[tuple[str, type]] = []
    checks: list[tuple[str, Check]] = []
    for name, field in read_fields(fields).items():
        inside = field["schema"]
        plain = None if "serialization" in inside else _PLAIN.get(inside["type"])
        if plain is not None:
            kinds.append((name, plain))
        elif (check := _compile(inside)) is not None:
            checks.append((name, check))
        else:
            return None
    if len(kinds) + len(checks) > _MAX_PARTS:
        return None
    return _build(node["cls"], tuple(kinds), tuple(checks))


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
