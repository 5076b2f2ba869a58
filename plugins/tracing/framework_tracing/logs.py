"""`TraceIds`: log lines that say which trace they belong to."""

from __future__ import annotations

import logging

from opentelemetry import trace

from .incoming import find_event_span


class TraceIds(logging.Filter):
    """Gives every log record ``trace_id`` and ``span_id``: hexadecimal, or empty outside of a trace.

    Put it on a handler: ``handler.addFilter(TraceIds())``. The framework's own line about a handler that failed has them,
    too.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        span = trace.get_current_span()
        if not span.get_span_context().is_valid:
            span = find_event_span() or span
        found = span.get_span_context()
        record.trace_id = trace.format_trace_id(found.trace_id) if found.is_valid else ""
        record.span_id = trace.format_span_id(found.span_id) if found.is_valid else ""
        return True
