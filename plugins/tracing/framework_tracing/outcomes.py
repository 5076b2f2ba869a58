"""How what a client asked for ended, as its span tells it."""

from __future__ import annotations

from opentelemetry.trace import Span, Status, StatusCode
from socketio.exceptions import ConnectionRefusedError as SocketIORefused

from framework import CallTimeoutError, EventError

ERROR_CODE = "framework.error.code"
INTERNAL = "internal_error"
FORBIDDEN = "forbidden"
HANDLED = "handled"

FAULTS = frozenset({INTERNAL, "timeout", "unavailable"})
"""Codes that mean that the server failed; with all others it did what it should."""


def read_code(error: BaseException) -> str:
    """Return the code that a client is told for *error*."""
    if isinstance(error, EventError):
        return error.code
    if isinstance(error, SocketIORefused | ConnectionRefusedError):
        return FORBIDDEN
    return "timeout" if isinstance(error, CallTimeoutError) else INTERNAL


def tell(span: Span, code: str, error: BaseException | None = None) -> None:
    """Note on *span* that it ended with *code*; a fault of the server makes it an error, with what was raised."""
    if not span.is_recording():
        return
    span.set_attribute(ERROR_CODE, code)
    if error is not None and (code in FAULTS or code == HANDLED):
        span.record_exception(error)
    if code in FAULTS:
        kind = type(error).__qualname__ if error is not None else code
        span.set_attribute("error.type", kind)
        span.set_status(Status(StatusCode.ERROR, f"{kind}: {error}" if error is not None else code))
