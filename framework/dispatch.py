"""The path of one event, from the packet to its one answer; connects and disconnects go beside it.

`Dispatch.event` reads in the order in which things happen: find the handler, read the payload, run it inside Flask's
context, answer. Whatever goes wrong on the way becomes the one error object. The transport calls in; nothing here knows
sockets.
"""

from __future__ import annotations

import functools
import json
import logging
import time
from types import CoroutineType
from typing import Any, cast

import flask
from flask_socketio import SocketIOTestClient

from .acks import ERROR_KEY, Ack, Encoded, encode_values, error_object
from .context import EventContext
from .coroutines import run_beside_greenlets, run_coroutine
from .errors import EventError, MalformedPacket, PayloadError
from .failures import Failures, refusal, run_guarded
from .handlers import CONNECT, DISCONNECT, LIFE_CYCLE
from .registry import LONGEST_GUESS, Registry, Target
from .transport import packets
from .transport.packets import Header
from .wire import RefusedValue, load_json

logger = logging.getLogger("framework")
event_logger = logging.getLogger("framework.events")

_PLAIN_ACK = Ack()


class Dispatch:
    """Hands what clients send to the handlers of one application, and their outcome back.

    Args:
        extension: The application's ``SocketIO``; its server answers.
        registry: Who serves what.
        unknown_events: ``"error"`` answers an event that nobody serves, ``"ignore"`` stays silent as Flask-SocketIO
            does.
        json_module: The application's own, which untyped values go through; None for ours.
    """

    def __init__(self, extension: Any, registry: Registry, unknown_events: str, json_module: Any = None) -> None:
        self._extension = extension
        self._registry = registry
        self._answers_unknown = unknown_events == "error"
        self._json = json_module
        self.failures = Failures(extension)
        self._run_coroutine = run_beside_greenlets if extension.async_mode == "gevent" else run_coroutine

    def serves(self, namespace: str) -> bool:
        """Say whether clients may connect to *namespace*."""
        return self._registry.serves(namespace, self._extension.server.namespaces)

    # -- the path of one event

    def event(self, sid: str, header: Header, name: str, values: list[Any] | None) -> None:
        """Handle one event and answer it.

        Args:
            header: Its packet; the JSON in it is still text.
            values: Its decoded arguments when it came with attachments, else None.

        Raises:
            MalformedPacket: Its JSON is none; the connection is to be closed.
        """
        started_s = time.perf_counter()
        target = self._registry.find(header.namespace, name) if name not in LIFE_CYCLE else None
        if target is None:
            outcome = self._answer_unknown(sid, header, name)
        else:
            outcome = self._handle(target, sid, header, name, values)
        if event_logger.isEnabledFor(logging.INFO):
            known = name if target is not None else repr(name[:LONGEST_GUESS])
            duration_ms = (time.perf_counter() - started_s) * 1000
            event_logger.info("%s %s %s %.1f ms sid=%s", header.namespace, known, outcome, duration_ms, sid[:6])

    def _handle(self, target: Target, sid: str, header: Header, name: str, values: list[Any] | None) -> str:
        outcome = ""
        try:
            args = self._parse(target, header, name, values)
            with self._context(sid, header.namespace, name, args):
                outcome = self._run_and_answer(target, sid, header, name, args)
        except PayloadError as error:
            return self._fail(sid, header, error_object(error, target.known_name(name)))
        except MalformedPacket:
            raise
        except Exception as error:  # Flask could not open its context, or a teardown function failed
            if self._is_upstream_test(sid, header.namespace):
                raise
            body = self.failures.mask(error, target.place, target.known_name(name))
            outcome = outcome or self._fail(sid, header, body)
        return outcome

    def _parse(self, target: Target, header: Header, name: str, values: list[Any] | None) -> tuple[Any, ...]:
        if packets.is_too_deep(header.body, self._extension.server.limits.max_nesting):
            raise PayloadError("Invalid payload: nested too deep.")
        handler = target.handler
        try:
            one_pass = handler is not None and not target.named and (handler.typed or self._json is None)
            if handler is not None and one_pass and values is None:
                return handler.payload.parse_json(header.body)
            decoded = self._load(header.body) if values is None else values
            if handler is None:
                return tuple(decoded)
            return handler.payload.parse_values([name, *decoded] if target.named else decoded)
        except RefusedValue as error:
            raise PayloadError(f"Invalid payload: {error}.") from error
        except json.JSONDecodeError as error:
            raise MalformedPacket("the payload is no JSON") from error

    def _load(self, body: str) -> list[Any]:
        values: list[Any] = load_json(body) if self._json is None else self._json.loads(body)
        return values[1:]

    def _run_and_answer(self, target: Target, sid: str, header: Header, name: str, args: tuple[Any, ...]) -> str:
        try:
            result = self._run(target, args if target.handler is not None else (name, sid, *args))
            encoded = (
                None if header.id is None else self._encode(target.handler.ack if target.handler else None, result)
            )
        except Exception as error:
            return self._recover(error, target, sid, header, name)
        if encoded is not None:
            self._send_ack(sid, header, encoded)
        return "ok"

    def _run(self, target: Target, args: tuple[Any, ...]) -> Any:
        result = run_guarded(target.call, *args)
        if type(result) is CoroutineType:
            return run_guarded(self._run_coroutine, cast(Any, flask.current_app)._get_current_object(), result)
        return result

    # -- answers

    def _encode(self, ack: Ack | None, result: Any) -> Encoded:
        ack = ack or _PLAIN_ACK
        if ack.typed or self._json is None:
            return ack.encode(result)
        return ack.encode(result, functools.partial(self._json.dumps, separators=(",", ":")))

    def _recover(self, error: Exception, target: Target, sid: str, header: Header, name: str) -> str:
        """Answer for a handler that raised: its own word, an error handler's, or a masked one."""
        known = target.known_name(name)
        if isinstance(error, EventError):
            return self._fail(sid, header, error_object(error, known))
        left, answer = self.failures.ask_error_handlers(error, header.namespace, target)
        if left is not None:
            if self._is_upstream_test(sid, header.namespace):
                raise left
            return self._fail(sid, header, self.failures.mask(left, target.place, known))
        if header.id is None:
            return "handled"
        if answer is not None:
            self._send_ack(sid, header, self._encode(None, answer))
            return "handled"
        # An error handler that says nothing has not made a success of it.
        return self._fail(sid, header, error_object(EventError("internal_error", "The handler failed."), known))

    def _answer_unknown(self, sid: str, header: Header, name: str) -> str:
        if not self._answers_unknown:
            return "unknown_event"
        guess = self._registry.guess(header.namespace, name)
        message = f"No such event. Did you mean {guess!r}?" if guess else "No such event."
        return self._fail(sid, header, error_object(EventError("unknown_event", message), None))

    def _fail(self, sid: str, header: Header, body: dict[str, Any]) -> str:
        """Answer with an error object: as the ack, or as one ``error`` event when none was asked for."""
        name = [] if header.id is not None else [ERROR_KEY]
        try:
            encoded = encode_values([*name, body])
        except (TypeError, ValueError):
            logger.exception("the details of an EventError are no JSON")
            body[ERROR_KEY].pop("details", None)
            encoded = encode_values([*name, body])
        if header.id is not None:
            self._send_ack(sid, header, encoded)
        else:
            self._extension.server.send_encoded(sid, packets.EVENT, header.namespace, None, encoded)
        return str(body[ERROR_KEY]["code"])

    def _send_ack(self, sid: str, header: Header, encoded: Encoded) -> None:
        self._extension.server.send_encoded(sid, packets.ACK, header.namespace, header.id, encoded)

    # -- connect and disconnect

    def connect(self, sid: str, namespace: str, environ: dict[str, Any], auth: Any) -> dict[str, Any] | None:
        """Ask the connect handler; anything but its consent refuses the client.

        Returns:
            None to accept, else what ``connect_error`` carries: ``{"message", "data": {"code", ...}}``.
        """
        target = self._registry.find(namespace, CONNECT)
        if target is None:
            event_logger.info("%s connect ok sid=%s", namespace, sid[:6])
            return None
        try:
            with self._context(sid, namespace, CONNECT, () if auth is None else (auth,)):
                refused = self._ask(target, namespace, sid, environ, auth)
        except Exception as error:  # Flask could not open its context, or a teardown function failed
            refused = self.failures.mask_refusal(error, target.place)
        outcome = "ok" if refused is None else f"refused: {refused['message']}"
        event_logger.info("%s connect %s sid=%s", namespace, outcome, sid[:6])
        return refused

    def _ask(
        self, target: Target, namespace: str, sid: str, environ: dict[str, Any], auth: Any
    ) -> dict[str, Any] | None:
        try:
            verdict = self._run(target, _connect_args(target, sid, environ, auth))
        except Exception as error:
            return self.failures.refuse(error, namespace, target)
        return refusal("forbidden", "Connection rejected by server") if verdict is False else None

    def disconnect(self, sid: str, namespace: str, reason: str) -> None:
        """Run the disconnect handler once; what it raises is logged."""
        event_logger.info("%s disconnect (%s) sid=%s", namespace, reason, sid[:6])
        target = self._registry.find(namespace, DISCONNECT)
        if target is None:
            return
        try:
            with self._context(sid, namespace, DISCONNECT, (reason,)):
                self._say_goodbye(target, sid, namespace, reason)
        except Exception as error:
            self.failures.mask(error, target.place, DISCONNECT)

    def _say_goodbye(self, target: Target, sid: str, namespace: str, reason: str) -> None:
        try:
            if target.handler is None:
                self._run(target, (DISCONNECT, sid, reason))
            else:
                self._run(target, (reason,) if target.handler.payload.parameters else ())
        except Exception as error:
            left, _ = self.failures.ask_error_handlers(error, namespace, target)
            if left is not None:
                self.failures.mask(left, target.place, DISCONNECT)

    def run_method(self, namespace: Any, event: str, *args: Any) -> Any:
        """Run a class's handler for a ``trigger_event`` that was overridden and calls its base.

        Args:
            args: The sid, then for ``connect`` the environ and the client's auth, for ``disconnect`` the reason, else
                the event's arguments as they came.

        Raises:
            EventError: The class serves no such event.
        """
        target = self._registry.find_method(namespace.namespace, event)
        if target is None or target.handler is None:
            if event in LIFE_CYCLE:
                return None
            raise EventError("unknown_event", "No such event.")
        sid, *values = args
        if event == CONNECT:
            environ, auth = (*values, None)[:2]
            return self._run(target, _connect_args(target, sid, environ, auth))
        if event == DISCONNECT:
            return self._run(target, tuple(values[: len(target.handler.payload.parameters)]))
        return self._run(target, target.handler.payload.parse_values(values))

    # -- small things

    def _context(self, sid: str, namespace: str, event: str, args: tuple[Any, ...]) -> EventContext:
        environ = self._extension.server.get_environ(sid, namespace=namespace)
        return EventContext(environ, self._extension.manage_session, sid, namespace, event, args)

    def _is_upstream_test(self, sid: str, namespace: str) -> bool:
        """Flask-SocketIO's own test client raises into the test what a handler raised."""
        clients = cast(Any, SocketIOTestClient).clients
        return bool(clients) and self._extension.server.manager.eio_sid_from_sid(sid, namespace) in clients


def _connect_args(target: Target, sid: str, environ: Any, auth: Any) -> tuple[Any, ...]:
    """Return what a connect handler is called with: the client's auth, where it takes it."""
    if target.handler is None:
        return (CONNECT, sid, environ, auth)
    parameters = target.handler.payload.parameters
    if not parameters or (auth is None and not parameters[0].required):
        return ()
    return target.handler.payload.parse_values([auth])
