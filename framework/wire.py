"""JSON as it travels: strict on the way in, finite on the way out, bytes beside it as attachments.

It knows values, not packets; ``transport`` puts what it returns into packets.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

PLACEHOLDER = "_placeholder"
_SCALARS = frozenset({str, int, float, bool, type(None)})


class RefusedValue(ValueError):  # noqa: N818 - it names the value
    """JSON that is well formed, but holds what can't be passed on: a number out of range, half a surrogate pair."""


def load_json(text: str) -> Any:
    """Decode *text*, refusing what could not be sent to another client again.

    Raises:
        json.JSONDecodeError: *text* is no JSON (``NaN`` and ``Infinity`` are none either).
        RefusedValue: It is, with a number out of range (``1e999``, 4,301 digits) or half a surrogate pair.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        raise
    except UnicodeEncodeError as error:
        raise RefusedValue("a string holds half a surrogate pair") from error
    except (ValueError, RecursionError) as error:
        raise RefusedValue("a number is out of range") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError("not a JSON value", name, 0)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("out of range")
    return number


def dump_json(value: Any) -> str:
    """Encode *value* (JSON values, models, dataclasses, dates ... whatever pydantic knows) as compact JSON.

    Raises:
        TypeError: Something in it is no JSON.
        ValueError: A number in it is not finite. It never leaves: a JavaScript client that got ``NaN`` would drop
            its connection, and a broadcast would empty a room.
    """
    try:
        encoded = to_json(value, inf_nan_mode="constants")
    except PydanticSerializationError as error:
        raise TypeError(str(error)) from None
    return check_finite(encoded).decode()


def check_finite(encoded: bytes) -> bytes:
    """Return *encoded*, or raise ValueError when ``NaN`` or ``Infinity`` stands in it as a number."""
    if b"NaN" in encoded or b"Infinity" in encoded:
        try:
            json.loads(encoded, parse_constant=_refuse_constant)
        except json.JSONDecodeError:
            raise ValueError("a number in it is not finite, and JSON has no such number") from None
    return encoded


def refuse_endless(value: Any) -> None:
    """Raise ValueError when a number in *value*, made of plain containers, is not finite."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number in it is not finite, and JSON has no such number")
    elif isinstance(value, dict):
        for item in value.values():
            refuse_endless(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            refuse_endless(item)


def holds_bytes(value: Any) -> bool:
    """Say whether there are bytes in *value*, made of plain containers."""
    if isinstance(value, dict):
        return any(holds_bytes(item) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(holds_bytes(item) for item in value)
    return isinstance(value, bytes | bytearray | memoryview)


def take_bytes(value: Any, attachments: list[bytes]) -> Any:
    """Return *value* with its bytes replaced by Socket.IO's placeholders; the bytes are added to *attachments*."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        attachments.append(bytes(value))
        return {PLACEHOLDER: True, "num": len(attachments) - 1}
    if isinstance(value, dict):
        return {key: take_bytes(item, attachments) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [take_bytes(item, attachments) for item in value]
    if isinstance(value, set | frozenset) and any(isinstance(item, bytes) for item in value):
        return [take_bytes(item, attachments) for item in value]
    if _is_object(value):
        return take_bytes(to_plain(value), attachments)
    return value


def put_bytes(value: Any, attachments: list[bytes]) -> Any:
    """Return *value* with the placeholders of Socket.IO replaced by *attachments*.

    Raises:
        ValueError: A placeholder names an attachment that is not there.
    """
    if isinstance(value, list):
        return [put_bytes(item, attachments) for item in value]
    if isinstance(value, dict):
        if value.get(PLACEHOLDER) is True:
            number = value.get("num")
            if type(number) is not int or not 0 <= number < len(attachments):
                raise ValueError("a placeholder names no attachment")
            return attachments[number]
        return {key: put_bytes(item, attachments) for key, item in value.items()}
    return value


def to_plain(value: Any) -> Any:
    """Return *value* as JSON values with its bytes kept: what a broker can carry and a packet can hold.

    Raises:
        PydanticSerializationError: Something in it is no JSON.
    """
    if type(value) in _SCALARS:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _plain_key(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if _is_object(value):
        serializer = getattr(type(value), "__pydantic_serializer__", None)
        if serializer is not None:
            return to_plain(serializer.to_python(value, by_alias=True))
        return {name: to_plain(getattr(value, name)) for name in type(value).__dataclass_fields__}
    return to_jsonable_python(value, inf_nan_mode="constants")


def _plain_key(key: Any) -> Any:
    return next(iter(to_jsonable_python({key: None})))


def _is_object(value: Any) -> bool:
    return hasattr(type(value), "model_dump") or hasattr(type(value), "__dataclass_fields__")
