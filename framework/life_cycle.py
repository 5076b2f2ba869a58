"""How clients come and go: the connect handler decides, the disconnect handler is told."""

from __future__ import annotations

import contextlib
import contextvars
import logging
from collections.abc import Iterator
from typing import Any, cast

import flask
from socketio.exceptions import ConnectionRefusedError as SocketIORefused

from . import signals
from .arrivals import LifeCycleArrival
from .context import open_context
from .errors import EventError, PayloadError
from .failures import Failures, refusal
from .handlers import CONNECT, DISCONNECT
from .handling import Kind
from .registry import Registry, Target
from .running import Runner
from .streaming import Streams

logger = logging.getLogger("framework")
event_logger = logging.getLogger("framework.events")


class LifeCycle:
    """Connects and disconnects of one application.

    Args:
        extension: The application's ``SocketIO``.
    """

    def __init__(
        self, extension: Any, registry: Registry, runner: Runner, failures: Failures, streams: Streams
    ) -> None:
        self._extension = extension
        self._registry = registry
        self._runner = runner
        self._failures = failures
        self._streams = streams

    # -- connect

    def connect(self, sid: str, namespace: str, environ: dict[str, Any], auth: Any) -> dict[str, Any] | None:
        """Ask the connect handler; anything but its consent refuses the client.

        Returns:
            None to accept, else what ``connect_error`` carries: ``{"message", "data": {"code", ...}}``.
        """
        self._notify(signals.client_connecting, namespace, sid)
        arrival = self._arrive("connect", namespace, sid, () if auth is None else (auth,))
        asked = arrival.target is not None or arrival.around.layers.connect or arrival.around.guards
        refused = contextvars.copy_context().run(self._decide, arrival) if asked else None
        if refused is not None:
            event_logger.info("%s connect refused: %s sid=%s", namespace, refused["message"], sid[:6])
            code = refused["data"].get("code") if isinstance(refused["data"], dict) else None
            self._notify(signals.client_refused, namespace, sid, code=code, message=refused["message"])
        return refused

    def connected(self, sid: str, namespace: str) -> None:
        """Take note that a client was accepted and told so."""
        event_logger.info("%s connect ok sid=%s", namespace, sid[:6])
        self._notify(signals.client_connected, namespace, sid)

    def _decide(self, arrival: LifeCycleArrival) -> dict[str, Any] | None:
        try:
            with self._open_context(arrival):
                return self._ask(arrival)
        except Exception as error:  # Flask could not open its context, or a teardown function failed
            return self._failures.mask_refusal(error, arrival.place)

    def _ask(self, arrival: LifeCycleArrival) -> dict[str, Any] | None:
        failure: Exception | None = None
        verdicts: list[Any] = []

        def enter(same: LifeCycleArrival) -> Any:
            verdicts[:] = [self._enter_connect(same)]
            return verdicts[0]

        try:
            verdicts.append(self._runner.wrap(arrival.around.layers.connect, enter)(arrival))
        except Exception as error:
            failure = error
            if not isinstance(error, EventError | SocketIORefused | ConnectionRefusedError):
                arrival.failure = error
            return self._failures.refuse(error, arrival.namespace, arrival.target)
        else:  # middleware that forgets to return what it got lets nobody in
            return (
                refusal("forbidden", "Connection rejected by server")
                if any(verdict is False for verdict in verdicts)
                else None
            )
        finally:
            arrival.close_scope(failure)

    def _enter_connect(self, arrival: LifeCycleArrival) -> Any:
        target = arrival.target
        if guards := arrival.around.guards + (target.guards if target is not None else ()):
            self._runner.admit(guards, arrival)
        if target is None:
            return None
        environ = cast(Any, flask.request).environ
        came = arrival.settle(read_connect_args(target, arrival.sid, environ, *arrival.args[:1]))
        try:
            return self._runner.wrap(target.layers.connect, self._invoke)(arrival)
        finally:
            arrival.restore(came)

    # -- disconnect

    def disconnect(self, sid: str, namespace: str, reason: str) -> None:
        """Run the disconnect handler once; what it raises is logged."""
        event_logger.info("%s disconnect (%s) sid=%s", namespace, reason, sid[:6])
        self._streams.drop(sid)
        arrival = self._arrive("disconnect", namespace, sid, (reason,))
        if arrival.target is not None or arrival.around.layers.disconnect:
            contextvars.copy_context().run(self._leave, arrival)
        self._notify(signals.client_disconnected, namespace, sid, reason=reason)

    def _leave(self, arrival: LifeCycleArrival) -> None:
        try:
            with self._open_context(arrival):
                self._say_goodbye(arrival)
        except Exception as error:
            self._failures.mask(error, arrival.place, DISCONNECT)

    def _say_goodbye(self, arrival: LifeCycleArrival) -> None:
        failure: Exception | None = None
        try:
            self._runner.wrap(arrival.around.layers.disconnect, self._enter_disconnect)(arrival)
        except Exception as error:
            failure = error
            left, _ = self._failures.ask_error_handlers(error, arrival.namespace, arrival.target)
            if isinstance(left, EventError):
                logger.error("%s raised %r, and there is nobody to tell", arrival.place, left, exc_info=left)
            elif left is not None:
                arrival.failure = left
                self._failures.mask(left, arrival.place, DISCONNECT)
        finally:
            arrival.close_scope(failure)

    def _enter_disconnect(self, arrival: LifeCycleArrival) -> None:
        target = arrival.target
        if target is None:
            return
        came = arrival.settle(read_disconnect_args(target, arrival.sid, arrival.args))
        try:
            self._runner.wrap(target.layers.disconnect, self._invoke)(arrival)
        finally:
            arrival.restore(came)

    # -- both

    def _arrive(self, kind: Kind, namespace: str, sid: str, args: tuple[Any, ...]) -> LifeCycleArrival:
        target = self._registry.find(namespace, kind)
        return LifeCycleArrival(kind, namespace, sid, args, target, self._registry.around(namespace))

    @contextlib.contextmanager
    def _open_context(self, arrival: LifeCycleArrival) -> Iterator[None]:
        arrival.environ = self._extension.server.get_environ(arrival.sid, namespace=arrival.namespace)
        context = open_context(self._extension.manage_session, arrival, arrival.args)
        try:
            yield
        except BaseException as error:
            context.close(error, save=False)
            raise
        context.close(arrival.failure)

    def _invoke(self, arrival: LifeCycleArrival) -> Any:
        return self._runner.invoke(cast(Target, arrival.target), arrival)

    def _notify(self, signal: Any, namespace: str, sid: str, **about: Any) -> None:
        if signal.receivers:
            signals.notify(signal, self._extension.sender, namespace=namespace, sid=sid, **about)


def read_connect_args(target: Target, sid: str, environ: Any, auth: Any = None) -> tuple[Any, ...]:
    """Return what a connect handler is called with: the client's auth, where it takes it."""
    if target.handler is None:
        return (CONNECT, sid, environ, auth)
    parameters = target.handler.payload.parameters
    if not parameters or (auth is None and not parameters[0].required):
        return ()
    try:
        return target.handler.payload.parse_values([auth])
    except PayloadError:
        if auth == {} and not parameters[0].required:
            return ()  # python-socketio's client has no other way to send nothing
        raise


def read_disconnect_args(target: Target, sid: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a disconnect handler is called with: the reason, where it takes it."""
    if target.handler is None:
        return (DISCONNECT, sid, *args)
    return args if target.handler.payload.parameters else ()
