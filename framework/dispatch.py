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
from typing import Any, NamedTuple, cast

import flask
from blinker import NamedSignal
from flask_socketio import SocketIOTestClient

from . import signals
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


class Outcome(NamedTuple):
    """How an event ended.

    Args:
        code: ``ok``, ``handled`` (by an error handler of the application), or the error's code.
        error: What the handler raised, or what was wrong with the event; None where it succeeded.
    """

    code: str
    error: Exception | None


_OK = Outcome("ok", None)


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
        known = target.known_name(name) if target is not None else None
        self._notify(signals.event_received, namespace=header.namespace, event=known, sid=sid)
        if target is None:
            outcome = self._answer_unknown(sid, header, name)
        else:
            outcome = self._handle(target, sid, header, name, values)
        duration_s = time.perf_counter() - started_s
        about = {"namespace": header.namespace, "event": known, "sid": sid, "duration_s": duration_s}
        if outcome.error is None:
            self._notify(signals.event_handled, **about)
        else:
            self._notify(signals.event_failed, code=outcome.code, error=outcome.error, **about)
        if event_logger.isEnabledFor(logging.INFO):
            shown = known or repr(name[:LONGEST_GUESS])
            event_logger.info(
                "%s %s %s %.1f ms sid=%s", header.namespace, shown, outcome.code, duration_s * 1000, sid[:6]
            )

    def _notify(self, signal: NamedSignal, **about: Any) -> None:
        if signal.receivers:
            signals.notify(signal, self._extension.sender, **about)

    def _handle(self, target: Target, sid: str, header: Header, name: str, values: list[Any] | None) -> Outcome:
        outcome: Outcome | None = None
        try:
            args = self._parse(target, header, name, values)
            with self._context(sid, header.namespace, name, args):
                outcome = self._run_and_answer(target, sid, header, name, args)
        except PayloadError as error:
            return self._fail(sid, header, error_object(error, target.known_name(name)), error)
        except MalformedPacket:
            raise
        except Exception as error:  # Flask could not open its context, or a teardown function failed
            if self._is_upstream_test(sid, header.namespace):
                raise
            body = self.failures.mask(error, target.place, target.known_name(name))
            outcome = outcome or self._fail(sid, header, body, error)
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

    def _run_and_answer(self, target: Target, sid: str, header: Header, name: str, args: tuple[Any, ...]) -> Outcome:
        try:
            result = self._run(target, args if target.handler is not None else (name, sid, *args))
            encoded = (
                None if header.id is None else self._encode(target.handler.ack if target.handler else None, result)
            )
        except Exception as error:
            return self._recover(error, target, sid, header, name)
        if encoded is not None:
            self._send_ack(sid, header, encoded)
        return _OK

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

    def _recover(self, error: Exception, target: Target, sid: str, header: Header, name: str) -> Outcome:
        """Answer for a handler that raised: its own word, an error handler's, or a masked one."""
        known = target.known_name(name)
        if isinstance(error, EventError):
            return self._fail(sid, header, error_object(error, known), error)
        left, answer = self.failures.ask_error_handlers(error, header.namespace, target)
        if left is not None:
            if self._is_upstream_test(sid, header.namespace):
                raise left
            return self._fail(sid, header, self.failures.mask(left, target.place, known), left)
        if header.id is None:
            return Outcome("handled", error)
        if answer is not None:
            self._send_ack(sid, header, self._encode(None, answer))
            return Outcome("handled", error)
        # An error handler that says nothing has not made a success of it; what happened is its business to log.
        body = error_object(EventError("internal_error", "The handler failed."), known)
        return self._fail(sid, header, body, error)

    def _answer_unknown(self, sid: str, header: Header, name: str) -> Outcome:
        if not self._answers_unknown:
            return Outcome("unknown_event", EventError("unknown_event", "No such event."))
        guess = self._registry.guess(header.namespace, name)
        message = f"No such event. Did you mean {guess!r}?" if guess else "No such event."
        error = EventError("unknown_event", message)
        return self._fail(sid, header, error_object(error, None), error)

    def _fail(self, sid: str, header: Header, body: dict[str, Any], error: Exception) -> Outcome:
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
        return Outcome(str(body[ERROR_KEY]["code"]), error)

    def _send_ack(self, sid: str, header: Header, encoded: Encoded) -> None:
        self._extension.server.send_encoded(sid, packets.ACK, header.namespace, header.id, encoded, header.eio_sid)

    # -- connect and disconnect

    def connect(self, sid: str, namespace: str, environ: dict[str, Any], auth: Any) -> dict[str, Any] | None:
        """Ask the connect handler; anything but its consent refuses the client.

        Returns:
            None to accept, else what ``connect_error`` carries: ``{"message", "data": {"code", ...}}``.
        """
        self._notify(signals.client_connecting, namespace=namespace, sid=sid)
        target = self._registry.find(namespace, CONNECT)
        refused = None if target is None else self._decide(target, namespace, sid, environ, auth)
        if refused is not None:
            event_logger.info("%s connect refused: %s sid=%s", namespace, refused["message"], sid[:6])
            code = refused["data"].get("code") if isinstance(refused["data"], dict) else None
            self._notify(signals.client_refused, namespace=namespace, sid=sid, code=code, message=refused["message"])
        return refused

    def connected(self, sid: str, namespace: str) -> None:
        """Take note that a client was accepted and told so."""
        event_logger.info("%s connect ok sid=%s", namespace, sid[:6])
        self._notify(signals.client_connected, namespace=namespace, sid=sid)

    def _decide(
        self, target: Target, namespace: str, sid: str, environ: dict[str, Any], auth: Any
    ) -> dict[str, Any] | None:
        try:
            with self._context(sid, namespace, CONNECT, () if auth is None else (auth,)):
                return self._ask(target, namespace, sid, environ, auth)
        except Exception as error:  # Flask could not open its context, or a teardown function failed
            return self.failures.mask_refusal(error, target.place)

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
        if target is not None:
            try:
                with self._context(sid, namespace, DISCONNECT, (reason,)):
                    self._say_goodbye(target, sid, namespace, reason)
            except Exception as error:
                self.failures.mask(error, target.place, DISCONNECT)
        self._notify(signals.client_disconnected, namespace=namespace, sid=sid, reason=reason)

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
