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
from collections.abc import Callable
from typing import Any, cast

import flask
from blinker import NamedSignal
from flask_socketio import SocketIOTestClient

from . import signals
from .acks import Encoded, error_object
from .answers import OK, Answers, Outcome
from .arrivals import EventArrival
from .context import Context, open_context
from .errors import EventError, MalformedPacket, PayloadError
from .failures import Failures
from .feeds import Feeder
from .handlers import CONNECT, DISCONNECT, LIFE_CYCLE
from .handling import Handling
from .life_cycle import LifeCycle, read_connect_args, read_disconnect_args
from .payloads import too_deep
from .registry import LONGEST_GUESS, PLAIN_ACK, Registry, Route
from .running import Runner, guard_exit
from .straight import compile_step
from .streaming import Streams
from .transport import packets
from .transport.connection import Connection, Step
from .transport.packets import PlainEvent
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
        self._load = self._load_args
        self.routes = registry.routes
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

    def event(
        self,
        connection: Connection,
        sid: str,
        event: PlainEvent,
        route: Route,
        values: list[Any] | None,
        size_bytes: int,
    ) -> None:
        """Handle one event and answer it.

        Args:
            event: Its packet; the JSON in it is still text.
            route: Of its name.
            values: Its decoded arguments when it came with attachments, else None.
            size_bytes: Of its JSON and its attachments.

        Raises:
            MalformedPacket: Its JSON is none; the connection is to be closed.
        """
        arrival = EventArrival(connection, sid, event, route, self._load, values)
        flow = contextvars.copy_context()  # what a handler sets in it is gone with it, and with a stream not before
        if route.chunks is not None:
            arrival.flow = flow
        flow.run(self._take, arrival, size_bytes)
        if arrival.stream is not None:
            arrival.stream.start()

    def _take(self, event: EventArrival, size_bytes: int) -> None:
        started_s = time.perf_counter()
        if signals.event_received.receivers:
            self._tell(signals.event_received, event, size_bytes=size_bytes)
        outcome = self._handle(event)
        ended = signals.event_handled if outcome.error is None else signals.event_failed
        if ended.receivers or event_logger.isEnabledFor(logging.INFO):
            self._report(event, outcome, time.perf_counter() - started_s)

    def _report(self, event: EventArrival, outcome: Outcome, duration_s: float) -> None:
        code, error = outcome
        if error is None:
            self._tell(signals.event_handled, event, duration_s=duration_s)
        else:
            self._tell(signals.event_failed, event, duration_s=duration_s, code=code, error=error)
        shown = event.known_name or repr(event.event[:LONGEST_GUESS])
        sid = event.sid[:6]
        event_logger.info("%s %s %s %.1f ms sid=%s", event.namespace, shown, code, duration_s * 1000, sid)

    def _tell(self, signal: NamedSignal, event: EventArrival, **about: Any) -> None:
        sender = self._extension.sender
        signals.notify(signal, sender, namespace=event.namespace, event=event.known_name, sid=event.sid, **about)

    def _handle(self, event: EventArrival) -> Outcome:
        args: tuple[Any, ...] | None = None
        try:
            if not event.route.is_wrapped:
                args = self.read_args(event)  # what is wrong with it is said without opening Flask's context
            context = open_context(self._extension.manage_session, event, args or ())
        except MalformedPacket:
            raise
        except Exception as error:
            return self._fail(event, error)
        return self._within(event, context, self._run_and_answer, event, args, context)

    def _within(self, event: EventArrival, context: Context, step: Callable[..., Outcome], *about: Any) -> Outcome:
        """Run *step*, and close *context* unless it is kept."""
        outcome: Outcome | None = None
        try:
            try:
                outcome = step(*about)
            except BaseException as error:
                context.close(error, save=False)
                raise
            if not context.is_kept:
                context.close(event.failure)
        except MalformedPacket:
            raise
        except Exception as error:
            return self._fail(event, error, outcome)
        return outcome

    def _fail(self, event: EventArrival, error: Exception, outcome: Outcome | None = None) -> Outcome:
        """Answer for what no handler raised: it does not fit, Flask could not open its context, a teardown function failed.

        Args:
            outcome: Of the event, if it was answered before.
        """
        if outcome is None and isinstance(error, PayloadError | UnknownEvent):
            return self._refuse(event, error)
        if self._is_upstream_test(event):
            raise error
        body = self.failures.mask(error, event.place, event.known_name)
        return outcome or self._answers.fail(event, body, error)

    def _run_and_answer(self, event: EventArrival, args: tuple[Any, ...] | None, context: Context) -> Outcome:
        failure: Exception | None = None
        route = event.route
        try:
            result = self.run(event, args, context)
            if route.chunks is not None:
                result = self._feeder.open(event, route.chunks, result, context)
            encoded = None if event.ack_id is None else route.ack.encode(result, self._answers.dumps)
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
            if event.stream is None and (event.stream_id or event.scope is not None):
                self._undo(event, failure)

    def _undo(self, event: EventArrival, failure: Exception | None) -> None:
        """Undo what was made for *event*, which no stream keeps."""
        if event.stream_id:
            self._feeder.release(event)
        event.close_scope(failure)

    def run(self, event: EventArrival, args: tuple[Any, ...] | None, context: Context) -> Any:
        """Return what the handler does, inside all that is around it; without *args* they are read there."""
        enter = event.route.enter or self._compile_enter(event.route)
        if args is not None:
            event.settle(self._place_args(event, args))
            return enter(event)
        event.context = context
        try:
            result = enter(event)
        finally:
            event.context = None
        if event.malformed is not None:  # middleware took it for a failure to make up for
            raise event.malformed
        return result

    def _compile_enter(self, route: Route) -> Callable[[EventArrival], Any]:
        """Have *route* take its events through all that is around their handler, from now on."""
        target: Any = route.target  # None where middleware is all there is, and what is inside raises
        enter: Callable[[Any], Any] = self._open_stream
        if target is not None and route.chunks is None:
            enter = self._runner.compile(target)
        if route.is_wrapped:
            enter = functools.partial(self._enter, self._runner.wrap(route.inner, enter))
        enter = route.enter = self._runner.wrap(route.layers, enter)
        return enter

    def _enter(self, invoke: Callable[[EventArrival], Any], event: EventArrival) -> Any:
        """Go on inside the middleware of the application and the namespace."""
        if guards := event.route.guards:
            self._runner.admit(guards, event)
        args = self.read_args(event)
        if event.context is not None:
            event.context.show_args(args)
        came = event.settle(self._place_args(event, args))
        try:
            return invoke(event)
        finally:
            event.restore(came)

    def _place_args(self, event: EventArrival, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what is called with *args*: the handler with them, a namespace that routes itself with more."""
        return args if event.route.handler is not None else (event.event, event.sid, *args)

    def _open_stream(self, event: EventArrival) -> Any:
        if not event.stream_id:
            self._feeder.reserve(event)
        target: Any = event.route.target
        return self._runner.invoke(target, event)

    # -- for the straight way

    def compile(self, route: Route) -> Step | None:
        """Return the straight way of the events of *route*, if there is one."""
        is_ours = self._json is None or (route.handler is not None and route.handler.typed)
        return compile_step(self, self._extension.server, route) if is_ours and self._extension.manage_session else None

    def arrive(self, route: Route, sid: str, connection: Connection, event: PlainEvent) -> EventArrival:
        return EventArrival(connection, sid, event, route, self._load)

    def refuse(self, event: EventArrival, error: Exception) -> None:
        if isinstance(error, json.JSONDecodeError):
            error = _malformed(event)
        if isinstance(error, MalformedPacket):
            self._extension.server.close_malformed(event.connection.eio_sid, str(error))
        else:
            self._fail(event, error)

    def fail(self, event: EventArrival, context: Context, error: BaseException) -> None:
        try:
            self._within(event, context, self._recover_any, event, error)
        except MalformedPacket as malformed:
            self.refuse(event, malformed)

    def _recover_any(self, event: EventArrival, error: BaseException) -> Outcome:
        failure: Exception | None = None
        try:
            if not isinstance(error, Exception):
                failure = guard_exit(error)
                failure.__cause__ = error
            else:
                failure = error
            if event.malformed is not None:
                raise event.malformed from None
            return self._recover(event, failure)
        finally:
            event.close_scope(failure)

    def fail_late(self, event: EventArrival, error: Exception, *, is_sent: bool) -> None:
        self._fail(event, error, OK if is_sent else None)

    def await_result(self, coroutine: Any) -> Any:
        return self._runner.call(lambda: coroutine)

    def encode(self, route: Route, result: Any) -> Encoded:
        return route.ack.encode(result, self._answers.dumps)

    # -- what came

    def read_args(self, event: EventArrival) -> tuple[Any, ...]:
        """Return the arguments as the handler takes them.

        Raises:
            PayloadError: They are not what it takes.
            EventError: There is no handler.
        """
        route = event.route
        if route.target is None:
            raise self._unknown(event)
        if not event.is_changed and packets.is_too_deep(event.body, self._extension.server.limits.max_nesting):
            raise too_deep()
        handler = route.handler
        if handler is None:
            return event.args
        if event.values is None and not event.is_changed and route.one_pass and (handler.typed or self._json is None):
            try:
                return handler.payload.parse_json(event.body)
            except json.JSONDecodeError as error:
                raise _malformed(event) from error
        return handler.payload.parse_values(event.args if route.one_pass else [event.event, *event.args])

    def _load_args(self, event: EventArrival) -> tuple[Any, ...]:
        """Return the arguments as they came.

        Raises:
            PayloadError: They hold what can't be passed on.
            MalformedPacket: They are no JSON.
        """
        if event.values is not None:
            return tuple(event.values)
        if packets.is_too_deep(event.body, self._extension.server.limits.max_nesting):
            raise too_deep()
        try:
            found: list[Any] = load_json(event.body) if self._json is None else self._json.loads(event.body)
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
        event.failure = left if not isinstance(left, EventError) else None
        if left is not None:
            if self._is_upstream_test(event):
                raise left
            return self._answers.fail(event, self.failures.mask(left, event.place, event.known_name), left)
        if event.ack_id is None:
            return Outcome("handled", error)
        if answer is not None:
            self._answers.send(event, PLAIN_ACK.encode(answer, self._answers.dumps))
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
        if target.guards:
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
            return self._runner.wrap(layers, functools.partial(self._runner.invoke, target))(handling)
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
