"""`Tracing`, the plugin: its settings, and what it puts where."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import flask
from blinker import NamedSignal
from opentelemetry import trace
from opentelemetry.trace import TracerProvider
from pydantic import BaseModel

from framework import Carrier, Middleware, Plugin, signals

from .incoming import Incoming
from .names import Names
from .outgoing import Outgoing

VERSION = "0.1.0"


class Settings(BaseModel):
    """Each field is ``FRAMEWORK_TRACING_<FIELD>`` in ``app.config`` or the environment."""

    headers: bool = True
    """Take the trace in the headers of the handshake (``traceparent``) as the parent of a connect."""

    payloads: bool = False
    """Take the trace that a client sends as ``$trace`` in ``auth``, or as ``{"$trace": ...}`` behind an event's arguments."""

    connection: Literal["link", "parent"] = "link"
    """What the connect is to the client's events: a ``link`` from traces of their own, or their ``parent``."""

    emits: bool = True
    """Make spans of what the server emits, and send the trace along to the other processes of the broker."""


class Tracing(Plugin[Settings]):
    """OpenTelemetry spans per connect, event and emit.

    Args:
        tracer_provider: Makes the spans; OpenTelemetry's global one by default. Without an SDK there are none.
        settings: Defaults for the fields of `Settings`.
    """

    name = "tracing"
    version = VERSION
    before = ("admin", "auth", "metrics", "rate_limit")  # what they refuse has a span, too

    def __init__(self, *, tracer_provider: TracerProvider | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._tracer_provider = tracer_provider

    def init(self, socketio: Any, app: flask.Flask) -> None:
        tracer = trace.get_tracer("framework_tracing", VERSION, self._tracer_provider)
        chosen = self.settings
        self._names = Names(socketio)
        self._outgoing = Outgoing(tracer, self._names)
        self._incoming = Incoming(
            tracer, self._names, headers=chosen.headers, payloads=chosen.payloads, connection=chosen.connection
        )

    def middleware(self) -> Iterable[Middleware]:
        return [self._incoming]

    def carriers(self) -> Iterable[Carrier]:
        return [self._outgoing] if self.settings.emits else []

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        return [
            (signals.namespace_registered, self._names.forget),
            (signals.event_received, self._incoming.received),
            (signals.event_handled, self._incoming.answered),
            (signals.event_failed, self._incoming.answered),
            (signals.stream_ended, self._incoming.streamed),
        ]
