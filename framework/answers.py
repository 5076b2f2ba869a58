"""What goes back to who sent an event: its ack, the one error object, the parts of a stream."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from .acks import ERROR_KEY, Encoded, encode_values
from .arrivals import EventArrival
from .wire import dump_json

logger = logging.getLogger("framework")


class Outcome(NamedTuple):
    """How an event ended.

    Args:
        code: ``ok``, ``handled`` (by an error handler of the application), or the error's code.
        error: What the handler raised, or what was wrong with the event; None where it succeeded.
    """

    code: str
    error: Exception | None


OK = Outcome("ok", None)


class Answers:
    """Writes answers and sends them.

    Args:
        extension: The application's ``SocketIO``; its server sends.
        json_module: The application's own, which untyped values go through; None for ours.
    """

    def __init__(self, extension: Any, json_module: Any = None) -> None:
        self._extension = extension
        self.dumps: Callable[[Any], str] = dump_json
        if json_module is not None:
            self.dumps = functools.partial(json_module.dumps, separators=(",", ":"))

    def send(self, event: EventArrival, encoded: Encoded) -> None:
        """Send the ack of *event*, which asked for one."""
        self._extension.server.send_ack(event.connection, event.namespace, cast(str, event.ack_id), encoded)

    def fail(self, event: EventArrival, body: dict[str, Any], error: Exception) -> Outcome:
        """Answer with an error object: as the ack, or as one ``error`` event when none was asked for."""
        asked = event.ack_id is not None
        encoded = encode_error(body, [] if asked else [ERROR_KEY])
        if asked:
            self.send(event, encoded)
        else:
            self.send_part(event, encoded)
        return Outcome(str(body[ERROR_KEY]["code"]), error)

    def send_part(
        self, event: EventArrival, encoded: Encoded, acknowledge: Callable[..., object] | None = None
    ) -> None:
        """Send an event to who sent this one; *acknowledge* is called when it is acknowledged."""
        self._extension.server.send_part(event.sid, event.namespace, encoded, acknowledge)


def encode_error(body: dict[str, Any], before: list[Any]) -> Encoded:
    """Write *before* and the error object *body*, without its details when they are no JSON."""
    try:
        return encode_values([*before, body])
    except (TypeError, ValueError):
        logger.exception("the details of an EventError are no JSON")
        body[ERROR_KEY].pop("details", None)
        return encode_values([*before, body])
