"""Counts what the signals tell. This is what runs for every event, so it does little."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from blinker import NamedSignal
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.registry import Collector

from framework import signals

from .labels import UNKNOWN, Names
from .settings import Settings

M = TypeVar("M", Counter, Histogram)

OK = "ok"
_CODES = (
    OK,
    "handled",
    "forbidden",
    "internal_error",
    "invalid_payload",
    "rate_limited",
    "timeout",
    "unauthorized",
    "unavailable",
    "unknown_event",
)
_REASONS = (
    "client disconnect",
    "ping timeout",
    "server disconnect",
    "slow client",
    "transport close",
    "transport error",
)


class EventMetrics:
    """Counters and histograms of one application.

    Args:
        registry: Where they are registered.

    Raises:
        ValueError: The registry has some of them already.
    """

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Callable[..., Counter]:
            return self._keep(Counter(name, text, labels, namespace=settings.prefix, registry=registry))

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Callable[..., Histogram]:
            labels, prefix = ("namespace", "event"), settings.prefix
            return self._keep(Histogram(name, text, labels, namespace=prefix, registry=registry, buckets=buckets))

        self.collectors: tuple[Collector, ...] = ()
        self.namespaces = Names(settings.max_names)
        self._codes = Names(settings.max_names, _CODES)
        self._refusals = Names(settings.max_names, _CODES)
        self._reasons = Names(settings.max_names, _REASONS)
        self._emitted = Names(settings.max_names)
        self._connects = counter("connects", "Clients that were accepted.", "namespace")
        self._refused = counter("connects_refused", "Clients that a connect handler refused.", "namespace", "code")
        self._disconnects = counter("disconnects", "Clients that left.", "namespace", "reason")
        self._events = counter("events", "Events that were handled.", "namespace", "event", "code")
        self._emits = counter("emits", "Events that were sent, however many clients got each.", "namespace", "event")
        self._durations = histogram(
            "event_duration_seconds", "From an event's arrival at its turn to its answer.", settings.duration_buckets_s
        )
        self._sizes = histogram("event_size_bytes", "What events brought.", settings.size_buckets_bytes)

    def _keep(self, metric: M) -> Callable[..., M]:
        """Note *metric*; return what finds the one for the values of its labels, which are bounded, in half the time."""
        self.collectors += (metric,)
        return functools.cache(metric.labels)

    def receivers(self) -> list[tuple[NamedSignal, Callable[..., object]]]:
        """Return what listens to which signal."""
        return [
            (signals.namespace_registered, self._know_namespace),
            (signals.client_connected, self._count_connect),
            (signals.client_refused, self._count_refusal),
            (signals.client_disconnected, self._count_disconnect),
            (signals.event_received, self._measure_size),
            (signals.event_handled, self._count_success),
            (signals.event_failed, self._count_failure),
            (signals.emitted, self._count_emit),
        ]

    def _know_namespace(self, sender: object, *, namespace: str, **extra: object) -> None:
        self.namespaces.know(namespace)

    def _count_connect(self, sender: object, *, namespace: str, **extra: object) -> None:
        self._connects(self.namespaces.label(namespace)).inc()

    def _count_refusal(self, sender: object, *, namespace: str, code: object, **extra: object) -> None:
        self._refused(self.namespaces.label(namespace), self._refusals.label(code)).inc()

    def _count_disconnect(self, sender: object, *, namespace: str, reason: str, **extra: object) -> None:
        self._disconnects(self.namespaces.label(namespace), self._reasons.label(reason)).inc()

    def _measure_size(
        self, sender: object, *, namespace: str, event: str | None, size_bytes: int, **extra: object
    ) -> None:
        self._sizes(self.namespaces.label(namespace), event or UNKNOWN).observe(size_bytes)

    def _count_success(
        self, sender: object, *, namespace: str, event: str | None, duration_s: float, **extra: object
    ) -> None:
        self._count_event(namespace, event, OK, duration_s)

    def _count_failure(
        self, sender: object, *, namespace: str, event: str | None, duration_s: float, code: str, **extra: object
    ) -> None:
        self._count_event(namespace, event, self._codes.label(code), duration_s)

    def _count_event(self, namespace: str, event: str | None, code: str, duration_s: float) -> None:
        path, name = self.namespaces.label(namespace), event or UNKNOWN
        self._events(path, name, code).inc()
        self._durations(path, name).observe(duration_s)

    def _count_emit(self, sender: object, *, namespace: str, event: Any, **extra: object) -> None:
        self._emits(self.namespaces.label(namespace), self._emitted.label(event)).inc()
