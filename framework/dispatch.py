"""The path of one event, from the packet to its one answer.

`Dispatch.event` reads in the order in which things happen: find the handler; inside Flask's context pass the middleware of
the application and of the namespace, the guards, read the payload, pass the handler's own middleware, run it; answer, and
undo its dependencies. Without middleware and guards the payload is read first. Whatever goes wrong on the way becomes the
one error object. The transport calls in; nothing here knows sockets.
"""

from __future__ import annotations

import contextvars
import functools
import json
import logging
import time
from typing import Any, cast

import flask
from blinker import NamedSignal
from flask_socketio import SocketIOTestClient

from . import signals
from .acks import error_object
from .answers import OK, PLAIN_ACK, Answers, Outcome
from .arrivals import EventArrival
from .context import EventContext
from .errors import EventError, MalformedPacket, PayloadError
from .failures import Failures
from .feeds import Feeder
from .handlers import CONNECT, DISCONNECT, LIFE_CYCLE
from .handling import Handling
from .life_cycle import LifeCycle, open_context, read_connect_args, read_disconnect_args
from .registry import LONGEST_GUESS, Registry, Target
from .running import Runner
from .streaming import Streams
from .transport import packets
from .transport.packets import Header
from .wire import RefusedValue, load_json

event_logger = logging.getLogger("framework.events")


class UnknownEvent(EventError):  # noqa: N818 - it says what the event is
    """Nobody serves the event."""

    code = "unknown_event"


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
        self._runner = Runner(extension.async_mode)
        self._answers = Answers(extension, json_module)
        self.failures = Failures(extension, self._runner)
        self._feeder = Feeder(extension, self._runner, self._answers, self.failures)
        life_cycle = LifeCycle(extension, registry, self._runner, self.failures, self.streams)
        self.connect = life_cycle.connect
        self.connected = life_cycle.connected
        self.disconnect = life_cycle.disconnect

    @property
    def streams(self) -> Streams:
        """The streams that run."""
        return self._feeder.streams

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
        around = self._registry.around(header.namespace)
        event = EventArrival(sid, header, name, values, target, around, self._load_args)
        if signals.event_received.receivers:
            self._tell(signals.event_received, event, size_bytes=header.size_bytes)
        if event.chunks is not None:
            # Flask's contexts of a stream outlive the call that opened them, and are closed where they were opened.
            event.flow = contextvars.copy_context()
        outcome = self._handle(event) if event.flow is None else event.flow.run(self._handle, event)
        duration_s = time.perf_counter() - started_s
        if outcome.error is None:
            if signals.event_handled.receivers:
                self._tell(signals.event_handled, event, duration_s=duration_s)
        elif signals.event_failed.receivers:
            code, error = outcome
            self._tell(signals.event_failed, event, duration_s=duration_s, code=code, error=error)
        if event_logger.isEnabledFor(logging.INFO):
            shown = event.known_name or repr(name[:LONGEST_GUESS])
            event_logger.info(
                "%s %s %s %.1f ms sid=%s", header.namespace, shown, outcome.code, duration_s * 1000, sid[:6]
            )
        if event.stream is not None:
            event.stream.start()

    def _tell(self, signal: NamedSignal, event: EventArrival, **about: Any) -> None:
        sender = self._extension.sender
        signals.notify(signal, sender, namespace=event.namespace, event=event.known_name, sid=event.sid, **about)

    def _handle(self, event: EventArrival) -> Outcome:
        outcome: Outcome | None = None
        args: tuple[Any, ...] | None = None
        try:
            if not event.is_wrapped:
                args = self._read_args(event)  # what is wrong with it is said without opening Flask's context
            with open_context(self._extension, event, args or ()) as context:
                outcome = self._run_and_answer(event, args, context)
        except MalformedPacket:
            raise
        except Exception as error:  # it does not fit, Flask could not open its context, or a teardown function failed
            if outcome is None and isinstance(error, PayloadError | UnknownEvent):
                return self._refuse(event, error)
            if self._is_upstream_test(event):
                raise
            body = self.failures.mask(error, event.place, event.known_name)
            outcome = outcome or self._answers.fail(event, body, error)
        return outcome

    def _run_and_answer(self, event: EventArrival, args: tuple[Any, ...] | None, context: EventContext) -> Outcome:
        failure: Exception | None = None
        try:
            result = self._run(event, args)
            if event.malformed is not None:  # middleware took it for a failure to make up for
                raise event.malformed
            if event.chunks is not None:
                result = self._feeder.open(event, event.chunks, result, context)
            encoded = None if event.header.id is None else self._encode(event, result)
        except Exception as error:
            failure = error
            if event.malformed is not None:
                raise event.malformed from None
            return self._recover(event, error)
        else:
            if encoded is not None:
                self._answers.send(event, encoded)
            return OK
        finally:
            if event.stream is None:
                if event.stream_id:
                    self._feeder.release(event)
                if event.scope is not None:
                    event.close_scope(failure)

    def _encode(self, event: EventArrival, result: Any) -> Any:
        handler = event.target.handler if event.target is not None else None
        return self._answers.encode(handler.ack if handler is not None else PLAIN_ACK, result)

    def _run(self, event: EventArrival, args: tuple[Any, ...] | None) -> Any:
        if args is None:
            return self._runner.through(event.around.layers.event, event, self._enter)
        event.settle(self._place_args(event, args))
        return self._invoke(event)

    def _enter(self, event: EventArrival) -> Any:
        """Go on inside the middleware of the application and the namespace."""
        self._runner.admit(event.around.guards, event)
        if event.target is not None:
            self._runner.admit(event.target.guards, event)
        args = self._read_args(event)
        cast(Any, flask.request).event["args"] = args
        came = event.settle(self._place_args(event, args))
        try:
            return self._runner.through(cast(Target, event.target).layers.event, event, self._invoke)
        finally:
            event.restore(came)

    def _place_args(self, event: EventArrival, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what is called with *args*: the handler with them, a namespace that routes itself with more."""
        is_handler = cast(Target, event.target).handler is not None
        return args if is_handler else (event.event, event.sid, *args)

    def _invoke(self, event: EventArrival) -> Any:
        if event.chunks is not None and not event.stream_id:
            self._feeder.reserve(event)
        return self._runner.invoke(cast(Target, event.target), event)

    # -- what came

    def _read_args(self, event: EventArrival) -> tuple[Any, ...]:
        """Return the arguments as the handler takes them.

        Raises:
            PayloadError: They are not what it takes.
            EventError: There is no handler.
        """
        target, header = event.target, event.header
        if target is None:
            raise self._unknown(event)
        handler, changed = target.handler, event.changed_args
        if changed is None and packets.is_too_deep(header.body, self._extension.server.limits.max_nesting):
            raise PayloadError("Invalid payload: nested too deep.")
        one_pass = handler is not None and not target.named and (handler.typed or self._json is None)
        if handler is not None and one_pass and event.values is None and changed is None:
            try:
                return handler.payload.parse_json(header.body)
            except json.JSONDecodeError as error:
                raise _malformed(event) from error
        values = event.args
        if handler is None:
            return values
        return handler.payload.parse_values([event.event, *values] if target.named else values)

    def _load_args(self, event: EventArrival) -> tuple[Any, ...]:
        """Return the arguments as they came.

        Raises:
            PayloadError: They hold what can't be passed on.
            MalformedPacket: They are no JSON.
        """
        header = event.header
        if event.values is not None:
            return tuple(event.values)
        if packets.is_too_deep(header.body, self._extension.server.limits.max_nesting):
            raise PayloadError("Invalid payload: nested too deep.")
        try:
            found: list[Any] = load_json(header.body) if self._json is None else self._json.loads(header.body)
        except RefusedValue as error:
            raise PayloadError(f"Invalid payload: {error}.") from error
        except json.JSONDecodeError as error:
            raise _malformed(event) from error
        return tuple(found[1:])

    # -- what went wrong

    def _recover(self, event: EventArrival, error: Exception) -> Outcome:
        """Answer for a handler that raised: its own word, an error handler's, or a masked one."""
        if isinstance(error, EventError):
            return self._refuse(event, error)
        left, answer = self.failures.ask_error_handlers(error, event.namespace, event.target)
        if left is not None:
            if self._is_upstream_test(event):
                raise left
            return self._answers.fail(event, self.failures.mask(left, event.place, event.known_name), left)
        if event.header.id is None:
            return Outcome("handled", error)
        if answer is not None:
            self._answers.send(event, self._answers.encode(PLAIN_ACK, answer))
            return Outcome("handled", error)
        # An error handler that says nothing has not made a success of it; what happened is its business to log.
        body = error_object(EventError("internal_error", "The handler failed."), event.known_name)
        return self._answers.fail(event, body, error)

    def _unknown(self, event: EventArrival) -> EventError:
        guess = self._registry.guess(event.namespace, event.event) if self._answers_unknown else None
        return UnknownEvent("unknown_event", f"No such event. Did you mean {guess!r}?" if guess else "No such event.")

    def _refuse(self, event: EventArrival, error: EventError) -> Outcome:
        if isinstance(error, UnknownEvent) and not self._answers_unknown:
            return Outcome(error.code, error)
        return self._answers.fail(event, error_object(error, event.known_name), error)

    # -- for a namespace that routes its events itself

    def run_method(self, namespace: Any, event: str, *args: Any) -> Any:
        """Run a class's handler for a ``trigger_event`` that was overridden and calls its base.

        Args:
            args: The sid, then for ``connect`` the environ and the client's auth, for ``disconnect`` the reason, else
                the event's arguments as they came.

        Raises:
            EventError: The class serves no such event, or a guard says no.
        """
        target = self._registry.find_method(namespace.namespace, event)
        if target is None or target.handler is None:
            if event in LIFE_CYCLE:
                return None
            raise EventError("unknown_event", "No such event.")
        handling: Handling = cast(Any, flask.request).handling
        self._runner.admit(target.guards, handling)
        sid, *values = args
        if event == CONNECT:
            environ, auth = (*values, None)[:2]
            values = [*read_connect_args(target, sid, environ, auth)]
        elif event == DISCONNECT:
            values = [*read_disconnect_args(target, sid, tuple(values))]
        else:
            values = [*target.handler.payload.parse_values(values)]
        came = handling.settle(tuple(values))
        try:
            layers = getattr(target.layers, event if event in LIFE_CYCLE else "event")
            return self._runner.through(layers, handling, functools.partial(self._runner.invoke, target))
        finally:
            handling.restore(came)

    # -- small things

    def _is_upstream_test(self, handling: Handling) -> bool:
        """Flask-SocketIO's own test client raises into the test what a handler raised."""
        clients = cast(Any, SocketIOTestClient).clients
        manager = self._extension.server.manager
        return bool(clients) and manager.eio_sid_from_sid(handling.sid, handling.namespace) in clients


def _malformed(event: EventArrival) -> MalformedPacket:
    """Return why the connection that sent *event* is to be closed, noted where middleware can't swallow it."""
    event.malformed = MalformedPacket("the payload is no JSON")
    return event.malformed
