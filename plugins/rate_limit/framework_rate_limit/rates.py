"""Rates as people write them, ``100/second; 1000/minute``, read into those of the library limits."""

from __future__ import annotations

import re
from typing import Annotated

from limits import RateLimitItem, parse
from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

Rates = tuple[RateLimitItem, ...]

EXAMPLE = "one is e.g. 100/second or 5/10 minutes, several are 100/second; 1000/minute"

_RATE = re.compile(
    r"0*[1-9][0-9]{0,8} *(?:/| per ) *(?:0*[1-9][0-9]{0,3} *)?(?:second|minute|hour|day|month)s?", re.IGNORECASE
)


def parse_rates(text: str) -> Rates:
    """Read rates, divided by ``;`` or a comma; a text without any is no rate at all.

    Args:
        text: Each is a number from 1 to 999_999_999, ``/`` or ``per``, and a time: second, minute, hour, day or month (30
            days), or up to 9999 of them.

    Raises:
        ValueError: One of them is something else.
    """
    if not text.strip():
        return ()
    return tuple(dict.fromkeys(_parse_rate(part.strip()) for part in re.split("[;,]", text)))


def _parse_rate(text: str) -> RateLimitItem:
    if not _RATE.fullmatch(text):
        raise ValueError(f"{text!r} is no limit; {EXAMPLE}")
    return parse(text)


def render_rate(rate: RateLimitItem) -> str:
    """Return *rate* as `parse_rates` reads it: ``5/10 minutes``."""
    name = rate.GRANULARITY.name
    return f"{rate.amount}/{name}" if rate.multiples == 1 else f"{rate.amount}/{rate.multiples} {name}s"


def _validate(value: object) -> Rates:
    if not isinstance(value, str):
        raise PydanticCustomError("rates", "it is a text; " + EXAMPLE)
    try:
        return parse_rates(value)
    except ValueError as error:
        raise PydanticCustomError("rates", "{reason}", {"reason": str(error)}) from error


RatesSetting = Annotated[Rates, PlainValidator(_validate)]
"""The type of a setting that is a text of rates."""
