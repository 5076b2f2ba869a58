"""What clients say of the trace they are in: headers of the handshake, and objects under the key ``$trace``.

Which formats are understood is OpenTelemetry's business (``OTEL_PROPAGATORS``): W3C ``traceparent``, ``tracestate`` and
``baggage`` by default. What is no trace is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

KEY = "$trace"


class _Headers(Getter[Mapping[str, Any]]):
    """Headers as WSGI has them."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(f"HTTP_{key.upper().replace('-', '_')}")
        return None if value is None else [value]

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return [key[5:].lower().replace("_", "-") for key in carrier if key.startswith("HTTP_")]


_HEADERS = _Headers()


def read_headers(environ: Mapping[str, Any]) -> Context:
    """Return the context in the headers of the request that opened the connection; an empty one where there is none."""
    return propagate.extract(environ, Context(), _HEADERS)


def read_texts(texts: Any) -> Context:
    """Return the context in an object like ``{"traceparent": "00-..."}``, or an empty one."""
    if not isinstance(texts, Mapping):
        return Context()
    return propagate.extract({key: value for key, value in texts.items() if isinstance(value, str)}, Context())


def take_last(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """Return an event's arguments without the last one, and what it says, where that is ``{"$trace": ...}``; else None."""
    last = args[-1] if args else None
    if isinstance(last, dict) and last.keys() == {KEY}:
        return args[:-1], last[KEY] or {}
    return args, None


def take_from_auth(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """Return the arguments of a connect without ``$trace``, and what that says or None; no ``auth`` where nothing is left."""
    auth = args[0] if args else None
    if not isinstance(auth, dict) or KEY not in auth:
        return args, None
    rest = {key: value for key, value in auth.items() if key != KEY}
    return (rest,) if rest else (), auth[KEY] or {}
