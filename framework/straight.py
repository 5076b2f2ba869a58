"""The straight way of an event, from its text to its answer, for the most of them: one without attachments, watched by nobody.

What `dispatch` does for any event in a dozen calls is done here in a few; both give the same answers. What turns out to be
more goes back to it.
"""

from __future__ import annotations

import contextvars
import functools
import logging
from collections.abc import Callable
from types import CoroutineType
from typing import Any, Protocol, cast

from .acks import Encoded
from .arrivals import EventArrival
from .context import Context, First, Light, find_light
from .handlers import Handler
from .payloads import too_deep
from .registry import Route
from .signals import event_failed, event_handled, event_received
from .transport.connection import Connection, Step
from .transport.packets import PlainEvent, is_too_deep
from .transport.sender import MESSAGE, ack_head

event_logger = logging.getLogger("framework.events")


class Dispatcher(Protocol):
    """What knows every way."""

    def arrive(self, route: Route, sid: str, connection: Connection, event: PlainEvent) -> EventArrival:
        """Return the record of an event."""
        ...

    def read_args(self, event: EventArrival) -> tuple[Any, ...]:
        """Return the arguments as the handler takes them.

        Raises:
            PayloadError: They are not what it takes.
            MalformedPacket: They are no JSON.
        """
        ...

    def run(self, event: EventArrival, args: tuple[Any, ...] | None, context: Context) -> Any:
        """Return what the handler does, inside all that is around it.

        Args:
            args: What `read_args` returned, or None where something is to be asked before.
        """

    def refuse(self, event: EventArrival, error: Exception) -> None:
        """Answer for a payload that is not taken."""

    def fail(self, event: EventArrival, context: Context, error: BaseException) -> None:
        """Answer for a handler that raised, and close what it ran in."""

    def fail_late(self, event: EventArrival, error: Exception, *, is_sent: bool) -> None:
        """Take note of what went wrong after the handler.

        Args:
            is_sent: It has been answered; else it is now.
        """

    def await_result(self, coroutine: Any) -> Any:
        """Return what a coroutine does."""

    def encode(self, route: Route, result: Any) -> Encoded:
        """Write what a handler returned.

        Raises:
            AckError: It can't be written, or is not what the handler declares.
        """
        ...


def compile_step(owner: Dispatcher, server: Any, route: Route) -> Step | None:
    """Return what handles an event of *route*; None where there is no handler of its own, or one that streams.

    Args:
        server: Answers, and takes what turns out to be more.
    """
    if route.handler is None or route.path is None or not route.one_pass or route.chunks is not None:
        return None
    way = _Straight if route.is_plain else _Surrounded
    return way(owner, server, route, route.handler, route.path).step


class _Straight:
    """The way of one handler's events, with what it needs at hand."""

    def __init__(self, owner: Dispatcher, server: Any, route: Route, handler: Handler, path: str) -> None:
        self._owner = owner
        self._server = server
        self._route = route
        self._path = path
        self._deepest = server.limits.max_nesting
        self._parse = handler.payload.parse_json
        self._call = route.call
        self._write_exact = handler.ack.write_exact
        self._head = MESSAGE + ack_head(path)
        self._send = server.send_json_ack
        self._arrive: Callable[..., EventArrival] = functools.partial(owner.arrive, route)

    def step(self, connection: Connection, event: PlainEvent) -> None:
        """Handle one event."""
        sid = connection.sids.get(self._path)
        if sid is None:
            return
        first = find_light(connection.environ)
        if (
            first is None
            or event_received.receivers
            or event_handled.receivers
            or event_failed.receivers
            or event_logger.isEnabledFor(logging.INFO)
        ):
            self._server.run_event(connection, (event, None, self._route))
        else:  # what a handler sets in its context is gone with it
            contextvars.copy_context().run(self._take, first, connection, sid, event)

    def _take(self, first: First, connection: Connection, sid: str, event: PlainEvent) -> None:
        try:
            if is_too_deep(event[3], self._deepest):
                raise too_deep()
            args = self._parse(event[3])
        except Exception as error:
            self._owner.refuse(self._arrive(sid, connection, event), error)
            return
        context = first.open(sid, self._path, args, None, (self._arrive, connection, event))
        try:
            result = self._call(*args)
            if type(result) is CoroutineType:
                result = self._owner.await_result(result)
            answer = None if event[1] is None else self._write_exact(result) or self._owner.encode(self._route, result)
        except BaseException as error:
            self._owner.fail(cast(EventArrival, context.handling), context, error)
            return
        self._end(connection, event[1], answer, context)

    def _end(
        self,
        connection: Connection,
        ack_id: str | None,
        answer: bytes | Encoded | None,
        context: Light,
        arrival: EventArrival | None = None,
    ) -> None:
        """Send the answer and undo what was made; what goes wrong here is not the handler's failure."""
        is_sent = False
        try:
            try:
                if ack_id is None or answer is None:
                    pass
                elif type(answer) is bytes:
                    self._send(connection, self._head + ack_id.encode() + answer)
                else:
                    self._server.send_ack(connection, self._path, ack_id, answer)
                is_sent = True
            finally:
                if arrival is not None and arrival.scope is not None:
                    arrival.close_scope(None)
                context.leave()
        except Exception as error:
            self._owner.fail_late(cast(EventArrival, context.handling), error, is_sent=is_sent)


class _Surrounded(_Straight):
    """The way where middleware, guards, hooks or dependencies are asked, too, which take a record of the event."""

    def _take(self, first: First, connection: Connection, sid: str, event: PlainEvent) -> None:
        owner, arrival = self._owner, self._arrive(sid, connection, event)
        args: tuple[Any, ...] | None = None
        if not self._route.is_wrapped:
            try:
                args = owner.read_args(arrival)
            except Exception as error:
                owner.refuse(arrival, error)
                return
        context = first.open(sid, self._path, args or (), arrival)
        try:
            result = owner.run(arrival, args, context)
            answer = None if event[1] is None else self._write_exact(result) or owner.encode(self._route, result)
        except BaseException as error:
            owner.fail(arrival, context, error)
            return
        self._end(connection, event[1], answer, context, arrival)
