"""Spans around what the server emits, and around its delivery in the other processes of the broker."""

from __future__ import annotations

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Tracer

from framework import Carrier, Emission, Proceed

from .names import Names
from .remote import read_texts


class Outgoing(Carrier):
    """Sends the trace along with what is emitted."""

    def __init__(self, tracer: Tracer, names: Names) -> None:
        self._tracer = tracer
        self._names = names

    def emit(self, emission: Emission, proceed: Proceed) -> None:
        name, attributes = self._describe(emission, "emit", "send")
        with self._tracer.start_as_current_span(name, None, SpanKind.PRODUCER, attributes):
            propagate.inject(emission.metadata)
            proceed()

    def deliver(self, emission: Emission, proceed: Proceed) -> None:
        parent = read_texts(emission.metadata)
        if not trace.get_current_span(parent).get_span_context().is_valid:  # its sender has no traces
            proceed()
            return
        name, attributes = self._describe(emission, "deliver", "process")
        with self._tracer.start_as_current_span(name, parent, SpanKind.CONSUMER, attributes):
            proceed()

    def _describe(self, emission: Emission, operation: str, kind: str) -> tuple[str, dict[str, str]]:
        namespace, event = self._names.namespace(emission.namespace), self._names.emitted(emission.event)
        return f"{namespace} {operation} {event}", {
            "messaging.system": "socket.io",
            "messaging.operation.name": operation,
            "messaging.operation.type": kind,
            "messaging.destination.name": namespace,
            "framework.event": event,
        }
