"""OpenTelemetry spans per connect, event and emit, from the client's trace to the handler, and across the broker."""

from __future__ import annotations

from .logs import TraceIds
from .plugin import Settings, Tracing

__all__ = ["Settings", "TraceIds", "Tracing"]
