"""Spans around what clients do: `Incoming` is the middleware, and the receivers that end what it began.

The span of an event is begun by the middleware, where its arguments are, and ended by the signal that says how it was
answered, which is when the answer has been written, or that its stream has ended. All of them run for the same event in the
same flow, so a context variable leads from one to the other.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import flask
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Tracer

from framework import Handling, Middleware, Proceed
from framework.errors import MalformedPacket

from .names import Names
from .outcomes import FORBIDDEN, INTERNAL, read_code, tell
from .remote import read_headers, read_texts, take_from_auth, take_last

_CONNECTS = "framework_tracing.connects"
_SERVER_DISCONNECT = "server disconnect"
_STREAM_ENDS = ("ok", "left")


class Record:
    """One event that was received and is not answered yet.

    Args:
        outer: The one in whose handler it came, where a test's clients are in one thread.
    """

    __slots__ = ("__weakref__", "is_stream", "outer", "size_bytes", "span")

    def __init__(self, size_bytes: int, outer: Record | None) -> None:
        self.size_bytes = size_bytes
        self.span: Span | None = None
        self.is_stream = False
        self.outer = weakref.ref(outer) if outer is not None else None


_current: ContextVar[Record | None] = ContextVar("framework_tracing_event", default=None)


def find_event_span() -> Span | None:
    """Return the span of the event that is being answered, which is no longer the current one after its handler."""
    record = _current.get()
    return record.span if record is not None else None


class Incoming(Middleware):
    """Makes the spans of one application.

    Args:
        headers: Read the trace in the headers of the handshake.
        payloads: Read the trace in ``auth`` and behind an event's arguments.
        connection: How the spans of events belong to that of their connect.
    """

    def __init__(
        self, tracer: Tracer, names: Names, *, headers: bool, payloads: bool, connection: Literal["link", "parent"]
    ) -> None:
        self._tracer = tracer
        self._names = names
        self._headers = headers
        self._payloads = payloads
        self._is_parent = connection == "parent"

    # -- connects and disconnects

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        request = flask.request
        parent = read_headers(request.environ) if self._headers else Context()
        if self._payloads:
            args, texts = take_from_auth(handling.args)
            if texts is not None:
                handling.args = args
                parent = _prefer(read_texts(texts), parent)
        about = {"client.address": request.remote_addr, "user_agent.original": request.headers.get("User-Agent")}
        span = self._start(handling, "connect", SpanKind.SERVER, parent, about)
        with _current_span(span, parent), _ended(span):
            verdict = proceed()
            if verdict is False:
                tell(span, FORBIDDEN)
            else:
                request.environ.setdefault(_CONNECTS, {})[handling.sid] = span.get_span_context()
            return verdict

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        (reason, *_) = handling.args
        base = context.get_current() if reason == _SERVER_DISCONNECT else Context()  # a handler's span, if it asked
        parent, links = self._place(handling.sid, base)
        span = self._start(
            handling, "disconnect", SpanKind.INTERNAL, parent, {"framework.disconnect.reason": reason}, links
        )
        flask.request.environ.get(_CONNECTS, {}).pop(handling.sid, None)
        with _current_span(span, parent), _ended(span):
            return proceed()

    # -- events

    def event(self, handling: Handling, proceed: Proceed) -> Any:
        record = _current.get()
        is_told = record is not None and record.span is None  # else nobody will tell how it ends
        record = record if record is not None and is_told else Record(0, None)
        span, parent = self._start_event(handling, record)
        token = context.attach(trace.set_span_in_context(span, parent))
        try:
            result = proceed()
        except BaseException as error:
            context.detach(token)
            if not is_told or not isinstance(error, Exception) or isinstance(error, MalformedPacket):
                tell(span, read_code(error), error)
                span.end()
            raise
        record.is_stream = is_told and _is_stream(handling, result)
        if not record.is_stream:  # a stream goes on in the same flow, which is its own
            context.detach(token)
        if not is_told:
            span.end()
        return result

    def _start_event(self, handling: Handling, record: Record) -> tuple[Span, Context]:
        said = self._take_trace(handling) if self._payloads else Context()
        parent, links = self._place(handling.sid, said)
        kind = SpanKind.SERVER if handling.wants_ack else SpanKind.CONSUMER
        about = {
            "code.function.name": handling.handler or None,
            "messaging.message.body.size": record.size_bytes or None,
        }
        record.span = self._start(handling, self._names.event(handling), kind, parent, about, links)
        return record.span, parent

    def received(self, sender: object, *, size_bytes: int = 0, **about: object) -> None:
        """Take note of an event (`event_received`)."""
        outer = _current.get()
        _current.set(Record(size_bytes, outer if outer is not None and _is_open(outer) else None))

    def answered(self, sender: object, *, code: str | None = None, error: Any = None, **about: object) -> None:
        """End the span of an event (`event_handled`, `event_failed`)."""
        record = _current.get()
        if record is None:
            return
        if not record.is_stream:  # a stream goes on in this flow, and is told of when it ends
            _current.set(record.outer() if record.outer is not None else None)
        if record.span is not None and code is not None:
            tell(record.span, code, error)
        if record.span is not None and (code is not None or not record.is_stream):
            record.span.end()

    def streamed(self, sender: object, *, code: str, chunks: int, **about: object) -> None:
        """End the span of an event that was answered by a stream (`stream_ended`)."""
        record = _current.get()
        if record is None or record.span is None:
            return
        record.span.set_attribute("framework.stream.chunks", chunks)
        if code not in _STREAM_ENDS:
            tell(record.span, code)
        record.span.end()

    def _take_trace(self, handling: Handling) -> Context:
        try:
            args, texts = take_last(handling.args)
        except Exception as error:
            if isinstance(error, MalformedPacket):
                raise
            return Context()  # it can't be read, which whoever reads it next says to the client
        if texts is None:
            return Context()
        handling.args = args
        return read_texts(texts)

    # -- what is in a span

    def _place(self, sid: str, parent: Context) -> tuple[Context, list[Link]]:
        """Return the parent of a span and its links, of which its client's connect is the one or the other."""
        connect: SpanContext | None = flask.request.environ.get(_CONNECTS, {}).get(sid)
        if connect is None or not connect.is_valid:
            return parent, []
        if self._is_parent and not trace.get_current_span(parent).get_span_context().is_valid:
            return trace.set_span_in_context(NonRecordingSpan(connect), parent), []
        return parent, [Link(connect)]

    def _start(
        self,
        handling: Handling,
        event: str,
        kind: SpanKind,
        parent: Context,
        about: dict[str, Any],
        links: list[Link] | None = None,
    ) -> Span:
        namespace = self._names.namespace(handling.namespace)
        attributes = {
            "messaging.system": "socket.io",
            "messaging.operation.name": event,
            "messaging.operation.type": "process",
            "messaging.destination.name": namespace,
            "messaging.client.id": handling.sid,
        }
        attributes.update((key, value) for key, value in about.items() if value is not None)
        return self._tracer.start_span(f"{namespace} {event}", parent, kind, attributes, links)


def _is_stream(handling: Handling, result: Any) -> bool:
    """Say whether the framework opens a stream of what a handler returned: then the event has a flow of its own."""
    has_flow = getattr(handling, "flow", None) is not None
    return has_flow and (hasattr(result, "__next__") or hasattr(result, "__anext__"))


def _is_open(record: Record) -> bool:
    return record.span is not None and record.span.is_recording()


def _prefer(first: Context, second: Context) -> Context:
    return first if trace.get_current_span(first).get_span_context().is_valid else second


@contextmanager
def _current_span(span: Span, parent: Context) -> Iterator[None]:
    """Make *span* the current one, with the baggage of *parent*."""
    token = context.attach(trace.set_span_in_context(span, parent))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def _ended(span: Span) -> Iterator[None]:
    """End *span* with what is raised meanwhile."""
    try:
        yield
    except Exception as error:
        tell(span, read_code(error), error)
        raise
    except BaseException as error:
        tell(span, INTERNAL, error)
        raise
    finally:
        span.end()
