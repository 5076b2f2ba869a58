"""What the tests with real servers serve: a chat that is traced, and a page with the spans so far."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import flask
from flask import Flask
from framework_tracing import Tracing
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from framework import Event, Namespace, SocketIO

exporter = InMemorySpanExporter()
trace.set_tracer_provider(provider := TracerProvider())
provider.add_span_processor(SimpleSpanProcessor(exporter))


def current_trace() -> str:
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)


class Chat(Namespace):
    namespace = "/chat"

    posted = Event[str]("A message was posted.")

    def on_join(self, room: str) -> None:
        self.join(room)

    def on_post(self, text: str) -> str:
        self.posted.broadcast(text)
        return current_trace()

    async def on_post_later(self, text: str) -> str:
        self.posted.emit(text, to="later")
        return current_trace()

    def on_count(self, up_to: int) -> Iterator[str]:
        for _ in range(up_to):
            yield current_trace()

    async def on_count_async(self, up_to: int) -> AsyncIterator[str]:
        for _ in range(up_to):
            yield current_trace()


app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat], plugins=[Tracing(payloads=True)])


@app.get("/spans")
def spans() -> Any:
    """The spans that have ended, oldest first."""
    return flask.jsonify(
        [
            {
                "name": span.name,
                "kind": span.kind.name,
                "trace": trace.format_trace_id(about.trace_id),
                "id": trace.format_span_id(about.span_id),
                "parent": trace.format_span_id(span.parent.span_id) if span.parent else None,
                "code": (span.attributes or {}).get("framework.error.code"),
                "links": [trace.format_span_id(link.context.span_id) for link in span.links],
            }
            for span in exporter.get_finished_spans()
            if (about := span.context) is not None
        ]
    )
