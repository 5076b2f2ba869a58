"""`Metrics`: the plugin that puts counters, gauges and page together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import flask
from blinker import NamedSignal
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from framework import Plugin, PluginError, signals

from . import workers
from .endpoint import CLOSED, build_blueprint
from .events import EventMetrics
from .population import PopulationCollector
from .settings import Settings

logger = logging.getLogger("framework")


class Metrics(Plugin[Settings]):
    """Prometheus metrics of clients, events and rooms."""

    name = "metrics"
    requires_framework = ">=0.1"

    registry: CollectorRegistry
    """Where the metrics are; add your own. There from `init` on."""

    _collectors: tuple[Collector, ...] = ()
    _shared: workers.SharedPopulation | None = None

    def init(self, socketio: Any, app: flask.Flask) -> None:
        self._forget()
        shares = workers.is_used()
        self.registry = self.settings.registry or CollectorRegistry()
        try:
            self._register(socketio, shares=shares)
        except ValueError as error:
            raise PluginError(
                f"Metrics(registry=...): {error}. Give each application a registry of its own, or a 'prefix'"
            ) from error
        if self.settings.endpoint and not (app.debug or self.settings.token or self.settings.networks):
            logger.warning("plugin metrics: %s answers 403. %s", self.settings.path, CLOSED)

    def _register(self, socketio: Any, *, shares: bool) -> None:
        settings, registry = self.settings, self.registry
        self._events = EventMetrics(settings, registry)
        self._collectors = self._events.collectors
        namespaces = self._events.namespaces
        if shares:
            self._shared = workers.SharedPopulation(
                socketio, namespaces, prefix=settings.prefix, refresh_s=settings.refresh_s, registry=registry
            )
            self._collectors += self._shared.collectors
        else:
            population = PopulationCollector(socketio, namespaces, settings.prefix)
            registry.register(population)
            self._collectors += (population,)

    def _forget(self) -> None:
        """Take back what was registered when the application had got its plugins before."""
        for collector in self._collectors:
            self.registry.unregister(collector)
        if self._shared is not None:
            self._shared.stop()
        self._collectors, self._shared = (), None

    def read(self) -> CollectorRegistry:
        """Return the registry to render: this application's, or one of all processes that share `PROMETHEUS_MULTIPROC_DIR`."""
        return self.registry if self._shared is None else self._shared.read_all()

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        found = self._events.receivers()
        return found if self._shared is None else [*found, (signals.client_connecting, self._shared.start)]

    def blueprints(self) -> Iterable[flask.Blueprint]:
        return [build_blueprint(self.settings, self.read)] if self.settings.endpoint else []
