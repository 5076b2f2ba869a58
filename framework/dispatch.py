"""The path of one event, from the packet to its one answer; connects and disconnects go beside it.

`Dispatch.event` reads in the order in which things happen: find the handler, read the payload, run it inside Flask's
context, answer. Whatever goes wrong on the way becomes the one error object. The transport calls in; nothing here knows
sockets.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import flask
from flask_socketio import SocketIOTestClient
from socketio.exceptions import ConnectionRefusedError as SocketIORefused

from .acks import ERROR_KEY, Ack, Encoded, encode_values, error_object
from .context import EventContext
from .coroutines import GeventLoop, run_coroutine
from .errors import CallTimeoutError, EventError, MalformedPacket, PayloadError
from .handlers import CONNECT, DISCONNECT, LIFE_CYCLE, Handler, HandlerTable
from .transport import packets
from .transport.packets import Header
from .wire import RefusedValue, load_json

logger = logging.getLogger("framework")
event_logger = logging.getLogger("framework.events")

ANY = "*"
_LONGEST_GUESS = 64
_PLAIN_ACK = Ack()


@dataclass(frozen=True, eq=False)
class Mounted:
    """A namespace instance with its handlers bound, ready to be called.

    Args:
        routes_itself: Its class overrides ``trigger_event``, Flask-SocketIO's seam, and gets every event there.
    """

    namespace: Any
    table: HandlerTable
    calls: dict[str, Target]
    routes_itself: bool

    @classmethod
    def mount(cls, namespace: Any, table: HandlerTable, routes_itself: bool) -> Mounted:
        calls = {name: Target(handler, handler.bind(namespace), namespace) for name, handler in table.events.items()}
        for handler in (table.connect, table.disconnect):
            if handler is not None:
                calls[handler.event] = Target(handler, handler.bind(namespace), namespace)
        return cls(namespace, table, calls, routes_itself)


@dataclass(frozen=True, eq=False)
class Target:
    """What one event runs.

    Args:
        handler: None for a namespace that routes its events itself.
        owner: The namespace instance, or None for a function.
        named: It serves any event and takes the name as its first argument.
    """

    handler: Handler | None
    call: Callable[..., Any]
    owner: Any = None
    named: bool = False


class Dispatch:
    """Hands what clients send to the handlers of one application, and their outcome back.

    Args:
        socketio: The application's ``SocketIO``; its registrations are read, its server answers.
        unknown_events: ``"error"`` answers an event that nobody serves, ``"ignore"`` stays silent as Flask-SocketIO
            does.
    """

    def __init__(self, socketio: Any, unknown_events: str) -> None:
        self._socketio = socketio
        self._answers_unknown = unknown_events == "error"
        self._functions: dict[str, dict[str, Target]] = {}
        self._classes: dict[str, Mounted] = {}
        self._watchers: list[list[Exception]] = []
        self._run_coroutine = GeventLoop().run if socketio.async_mode == "gevent" else run_coroutine

    # -- registrations

    def add_function(self, namespace: str, handler: Handler) -> None:
        """Serve one event with a function; a later one for the same event takes its place."""
        target = Target(handler, handler.function, named=handler.event == ANY)
        self._functions.setdefault(namespace, {})[handler.event] = target

    def add_class(self, path: str, mounted: Mounted) -> None:
        self._classes[path] = mounted

    def serves(self, namespace: str) -> bool:
        server = self._socketio.server
        return (
            namespace in self._classes
            or namespace in self._functions
            or server.namespaces == ANY
            or namespace in server.namespaces
        )

    def find(self, namespace: str, event: str) -> Target | None:
        """Return what serves *event*: function, catch-all function, any namespace's function, class, in this order."""
        for path in (namespace, ANY):
            functions = self._functions.get(path)
            if functions:
                found = functions.get(event)
                if found is None and event not in LIFE_CYCLE:
                    found = functions.get(ANY)
                if found is not None:
                    return found
        mounted = self._classes.get(namespace)
        if mounted is None:
            return None
        if mounted.routes_itself:
            return Target(None, mounted.namespace.trigger_event, mounted.namespace)
        return mounted.calls.get(event)

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
        target = self.find(header.namespace, name) if name not in LIFE_CYCLE else None
        if target is None:
            code = self._answer_unknown(sid, header, name)
        else:
            code = self._handle(target, sid, header, name, values)
        if event_logger.isEnabledFor(logging.INFO):
            known = name if target is not None else repr(name[:_LONGEST_GUESS])
            duration_ms = (time.perf_counter() - started_s) * 1000
            event_logger.info("%s %s %s %.1f ms sid=%s", header.namespace, known, code, duration_ms, sid[:6])

    def _handle(self, target: Target, sid: str, header: Header, name: str, values: list[Any] | None) -> str:
        try:
            args = self._parse(target, header, name, values)
        except PayloadError as error:
            return self._fail(sid, header, error_object(error, _known_name(target, name)))
        if target.handler is None:
            args = (name, sid, *args)
        with self._context(sid, header.namespace, name, args):
            try:
                result = self._run(target, args)
                encoded = None if header.id is None else self._ack_of(target).encode(result)
            except Exception as error:
                return self._recover(error, target, sid, header, name)
            if encoded is not None:
                self._send_ack(sid, header, encoded)
        return "ok"

    def _parse(self, target: Target, header: Header, name: str, values: list[Any] | None) -> tuple[Any, ...]:
        if packets.is_too_deep(header.body, self._socketio.server.limits.max_nesting):
            raise PayloadError("Invalid payload: nested too deep.")
        handler = target.handler
        try:
            if handler is None or target.named:
                values = load_json(header.body)[1:] if values is None else values
                return handler.payload.parse_values([name, *values]) if handler else tuple(values)
            return handler.payload.parse_json(header.body) if values is None else handler.payload.parse_values(values)
        except RefusedValue as error:
            raise PayloadError(f"Invalid payload: {error}.") from error
        except json.JSONDecodeError as error:
            raise MalformedPacket("the payload is no JSON") from error

    def _run(self, target: Target, args: tuple[Any, ...]) -> Any:
        if target.handler is not None and target.handler.is_async:
            app = flask.current_app._get_current_object()  # type: ignore[attr-defined]
            return self._run_coroutine(app, target.call, args)
        return target.call(*args)

    def _ack_of(self, target: Target) -> Ack:
        return target.handler.ack if target.handler is not None else _PLAIN_ACK

    # -- answers

    def _recover(self, error: Exception, target: Target, sid: str, header: Header, name: str) -> str:
        """Answer for a handler that raised: its own word, an error handler's, or a masked one."""
        if isinstance(error, EventError):
            return self._fail(sid, header, error_object(error, _known_name(target, name)))
        failure, answer = self._ask_error_handlers(error, header.namespace, target)
        if failure is None:
            if answer is not None and header.id is not None:
                self._send_ack(sid, header, _PLAIN_ACK.encode(answer))
                return "handled"
            masked = error_object(EventError("internal_error", "The handler failed."), _known_name(target, name))
            return self._fail(sid, header, masked, silent=header.id is None)
        if self._is_upstream_test(sid, header.namespace):
            raise failure
        return self._fail(sid, header, self._mask(failure, target, header.namespace, name))

    def _ask_error_handlers(
        self, error: Exception, namespace: str, target: Target | None
    ) -> tuple[Exception | None, Any]:
        """Give *error* to the application's handlers; return what is left of it, and what they answered."""
        hooks = [self._socketio.exception_handlers.get(namespace, self._socketio.default_exception_handler)]
        owner = target.owner if target is not None else None
        hooks.append(getattr(owner, "on_error", None) or getattr(owner, "error", None))
        for hook in hooks:
            if hook is not None:
                try:
                    return None, hook(error)
                except Exception as raised:
                    error = raised
        return error, None

    def _mask(self, error: Exception, target: Target | None, namespace: str, event: str) -> dict[str, Any]:
        """Return the error object for an exception that nobody expected, and log it under the same id."""
        known = _known_name(target, event)
        for failures in self._watchers:
            failures.append(error)
        if isinstance(error, CallTimeoutError):
            return error_object(EventError("timeout", "A client did not answer in time."), known)
        if isinstance(error, SocketIORefused | ConnectionRefusedError):
            return error_object(EventError("forbidden", "Refused."), known)
        error_id = secrets.token_hex(6)
        where = f"{target.handler.name} ({target.handler.location})" if target and target.handler else namespace
        logger.error("%s failed on %s [%s]", where, event if known else "an event", error_id, exc_info=error)
        debug = flask.has_app_context() and flask.current_app.debug
        message = f"{type(error).__name__}: {error}" if debug else "Internal error."
        return error_object(EventError("internal_error", message), known, error_id=error_id)

    @contextlib.contextmanager
    def watch_failures(self) -> Iterator[list[Exception]]:
        """Collect the exceptions that are masked meanwhile: a test shows what a client must not see."""
        failures: list[Exception] = []
        self._watchers.append(failures)
        try:
            yield failures
        finally:
            self._watchers.remove(failures)

    def _answer_unknown(self, sid: str, header: Header, name: str) -> str:
        if not self._answers_unknown:
            return "unknown_event"
        guess = self._guess(header.namespace, name)
        message = f"No such event. Did you mean {guess!r}?" if guess else "No such event."
        return self._fail(sid, header, error_object(EventError("unknown_event", message), None))

    def _guess(self, namespace: str, name: str) -> str | None:
        if len(name) > _LONGEST_GUESS:
            return None
        mounted = self._classes.get(namespace)
        known = {*self._functions.get(namespace, ()), *(mounted.table.events if mounted else ())} - {*LIFE_CYCLE, ANY}
        return next(iter(difflib.get_close_matches(name, sorted(known), 1)), None)

    def _fail(self, sid: str, header: Header, body: dict[str, Any], *, silent: bool = False) -> str:
        """Answer with an error object: as the ack, or as one ``error`` event when none was asked for."""
        try:
            encoded = encode_values([body] if header.id is not None else [ERROR_KEY, body])
        except (TypeError, ValueError):
            logger.exception("the details of an EventError are no JSON")
            body[ERROR_KEY].pop("details", None)
            encoded = encode_values([body] if header.id is not None else [ERROR_KEY, body])
        if header.id is not None:
            self._send_ack(sid, header, encoded)
        elif not silent:
            self._socketio.server.send_encoded(sid, packets.EVENT, header.namespace, None, encoded)
        return str(body[ERROR_KEY]["code"])

    def _send_ack(self, sid: str, header: Header, encoded: Encoded) -> None:
        self._socketio.server.send_encoded(sid, packets.ACK, header.namespace, header.id, encoded)

    # -- connect and disconnect

    def connect(self, sid: str, namespace: str, environ: dict[str, Any], auth: Any) -> dict[str, Any] | None:
        """Ask the connect handler; anything but its consent refuses the client.

        Returns:
            None to accept, else what ``connect_error`` carries: ``{"message", "data": {"code", ...}}``.
        """
        target = self.find(namespace, CONNECT)
        if target is None:
            return None
        with self._context(sid, namespace, CONNECT, () if auth is None else (auth,)):
            try:
                verdict = self._run(target, self._connect_args(target, sid, environ, auth))
            except Exception as error:
                return self._refuse(error, namespace, target, sid)
        return _refusal("forbidden", "Connection rejected by server") if verdict is False else None

    def _connect_args(self, target: Target, sid: str, environ: dict[str, Any], auth: Any) -> tuple[Any, ...]:
        if target.handler is None:
            return (CONNECT, sid, environ, auth)
        parameters = target.handler.payload.parameters
        if not parameters:
            return ()
        if auth is None and not parameters[0].required:
            return ()
        return target.handler.payload.parse_values([auth])

    def _refuse(self, error: Exception, namespace: str, target: Target, sid: str) -> dict[str, Any]:
        if isinstance(error, EventError):
            return self._sendable(_refusal(error.code, error.message, details=error.details))
        if isinstance(error, SocketIORefused):
            return self._sendable(_read_refused(error))
        if isinstance(error, ConnectionRefusedError):
            return _refusal("forbidden", "Connection refused by server")
        failure, _ = self._ask_error_handlers(error, namespace, target)  # they may look, not decide
        if failure is not None and self._is_upstream_test(sid, namespace):
            logger.debug("refusing a test client", exc_info=failure)
        body = self._mask(failure or error, target, namespace, CONNECT)[ERROR_KEY]
        return _refusal(body["code"], body["message"], id=body.get("id"))

    def _sendable(self, refusal: dict[str, Any]) -> dict[str, Any]:
        try:
            encode_values([refusal])
        except (TypeError, ValueError):
            logger.exception("the details of a refused connection are no JSON")
            return _refusal("forbidden", "Connection refused by server")
        return refusal

    def disconnect(self, sid: str, namespace: str, reason: str) -> None:
        """Run the disconnect handler once; what it raises is logged."""
        target = self.find(namespace, DISCONNECT)
        if target is None:
            return
        with self._context(sid, namespace, DISCONNECT, (reason,)):
            try:
                if target.handler is None:
                    args: tuple[Any, ...] = (DISCONNECT, sid, reason)
                else:
                    args = (reason,) if target.handler.payload.parameters else ()
                self._run(target, args)
            except Exception as error:
                failure, _ = self._ask_error_handlers(error, namespace, target)
                if failure is not None:
                    self._mask(failure, target, namespace, DISCONNECT)

    def run_method(self, namespace: Any, event: str, *args: Any) -> Any:
        """Run a class's handler for a ``trigger_event`` that was overridden and calls its base."""
        target = self._classes[namespace.namespace].calls.get(event)
        if target is None or target.handler is None:
            return None if event in LIFE_CYCLE else _raise_unknown()
        _, *values = args
        if event == CONNECT:
            environ, auth = values[0], values[1] if len(values) > 1 else None
            return self._run(target, self._connect_args(target, args[0], environ, auth))
        if event == DISCONNECT:
            return self._run(target, tuple(values[: len(target.handler.payload.parameters)]))
        return self._run(target, target.handler.payload.parse_values(values))

    # -- small things

    def _context(self, sid: str, namespace: str, event: str, args: tuple[Any, ...]) -> EventContext:
        environ = self._socketio.server.get_environ(sid, namespace=namespace)
        return EventContext(environ, self._socketio.manage_session, sid, namespace, event, args)

    def _is_upstream_test(self, sid: str, namespace: str) -> bool:
        """Flask-SocketIO's own test client raises into the test what a handler raised."""
        return self._socketio.server.manager.eio_sid_from_sid(sid, namespace) in SocketIOTestClient.clients


def _known_name(target: Target | None, event: str) -> str | None:
    """Return the event's name where it is the application's own, None where it is the client's."""
    return event if target is not None and target.handler is not None and not target.named else None


def _raise_unknown() -> Any:
    raise EventError("unknown_event", "No such event.")


def _refusal(code: str, message: str, **data: Any) -> dict[str, Any]:
    given = {key: value for key, value in data.items() if value is not None}
    return {"message": message, "data": {"code": code, **given}}


def _read_refused(error: Any) -> dict[str, Any]:
    """Read python-socketio's own exception: a message and any data, which gets a code where there is room for one."""
    message, *rest = error.args or ("Connection rejected by server",)
    if isinstance(message, dict) and not rest:
        message, rest = "Connection rejected by server", [message]
    data = rest[0] if len(rest) == 1 else rest or {}
    if isinstance(data, dict):
        data = {"code": "unauthorized", **data}
    return {"message": str(message), "data": data}
