"""What a client is told when something goes wrong: the application's own word, or a masked one with an id.

The id is in the log beside what really happened. In debug the message is shown to the client, too.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import flask
from socketio.exceptions import ConnectionRefusedError as SocketIORefused

from .acks import ERROR_KEY, encode_values, error_object
from .errors import CallTimeoutError, EventError
from .registry import Target
from .running import Runner

logger = logging.getLogger("framework")


class Failures:
    """Turns exceptions into what clients may know.

    Args:
        extension: The application's ``SocketIO``, for its error handlers.
        runner: Calls them.
    """

    def __init__(self, extension: Any, runner: Runner) -> None:
        self._extension = extension
        self._runner = runner
        self._watchers: list[list[Exception]] = []

    @contextlib.contextmanager
    def watch(self) -> Iterator[list[Exception]]:
        """Collect the exceptions that are masked meanwhile: a test shows what a client must not see."""
        failures: list[Exception] = []
        self._watchers.append(failures)
        try:
            yield failures
        finally:
            self._watchers = [watcher for watcher in self._watchers if watcher is not failures]  # equal ones are others

    def ask_error_handlers(
        self, error: Exception, namespace: str, target: Target | None
    ) -> tuple[Exception | None, Any]:
        """Give *error* to the application's error handlers.

        Returns:
            What is left of it (None when one of them dealt with it), and what that one answered.
        """
        owner = target.owner if target is not None else None
        hooks = (
            self._extension.exception_handlers.get(namespace, self._extension.default_exception_handler),
            getattr(owner, "on_error", None) or getattr(owner, "error", None),
        )
        for hook in hooks:
            if hook is not None:
                try:
                    return None, self._runner.call(hook, error)
                except Exception as raised:
                    error = raised
        return error, None

    def mask(self, error: Exception, place: str, event: str | None) -> dict[str, Any]:
        """Return the error object for an exception that nobody expected, and log it under the same id.

        Args:
            place: Where it happened, for the log.
            event: Its name, or None where the name is the client's.
        """
        for failures in self._watchers:
            failures.append(error)
        if isinstance(error, EventError):
            return error_object(error, event)
        if isinstance(error, CallTimeoutError):
            return error_object(EventError("timeout", "A client did not answer in time."), event)
        if isinstance(error, SocketIORefused | ConnectionRefusedError):
            return error_object(EventError("forbidden", "Refused."), event)
        error_id = secrets.token_hex(6)
        logger.error("%s failed on %s [%s]", place, event or "an event", error_id, exc_info=error)
        debug = flask.has_app_context() and flask.current_app.debug
        message = f"{type(error).__name__}: {error}" if debug else "Internal error."
        return error_object(EventError("internal_error", message), event, error_id=error_id)

    def refuse(self, error: Exception, namespace: str, target: Target | None) -> dict[str, Any]:
        """Return what ``connect_error`` carries for an exception of a connect handler."""
        if isinstance(error, EventError):
            return _sendable(refusal(error.code, error.message, details=error.details, retry_after=error.retry_after))
        if isinstance(error, SocketIORefused):
            return _sendable(_read_refused(error))
        if isinstance(error, ConnectionRefusedError):
            return refusal("forbidden", "Connection refused by server")
        left, _ = self.ask_error_handlers(error, namespace, target)  # they may look, not decide
        return self.mask_refusal(left or error, target.place if target is not None else namespace)

    def mask_refusal(self, error: Exception, place: str) -> dict[str, Any]:
        """Return what ``connect_error`` carries for an exception that nobody expected."""
        body = self.mask(error, place, "connect")[ERROR_KEY]
        return refusal(body["code"], body["message"], id=body.get("id"))


def refusal(code: str, message: str, **data: Any) -> dict[str, Any]:
    """Return the payload of a ``connect_error``: ``{"message", "data": {"code", ...}}``."""
    given = {key: value for key, value in data.items() if value is not None}
    return {"message": message, "data": {"code": code, **given}}


def _sendable(payload: dict[str, Any]) -> dict[str, Any]:
    try:
        encode_values([payload])
    except (TypeError, ValueError):
        logger.exception("the details of a refused connection are no JSON")
        return refusal("forbidden", "Connection refused by server")
    return payload


def _read_refused(error: Any) -> dict[str, Any]:
    """Read python-socketio's own exception: a message and any data, which gets a code where there is room for one."""
    message, *rest = error.args or ("Connection rejected by server",)
    if isinstance(message, dict) and not rest:
        message, rest = "Connection rejected by server", [message]
    data = rest[0] if len(rest) == 1 else rest or {}
    if isinstance(data, dict):
        data = {"code": "unauthorized", **data}
    return {"message": str(message), "data": data}
