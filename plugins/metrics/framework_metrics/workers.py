"""Several processes that answer for all: each writes its numbers to files, and any of them reads those of all.

prometheus-client does this for what is counted. What is looked at when somebody asks, `Population`, each process has to
write down by itself, now and then.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from framework.errors import ConfigurationError

from .labels import Names
from .population import TEXTS, read_population

logger = logging.getLogger("framework")

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def is_used() -> bool:
    """Say whether this process is to share its metrics with others.

    Raises:
        ConfigurationError: There is no such folder, or prometheus-client was imported before it was named.
    """
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return False
    if not Path(folder).is_dir():
        raise ConfigurationError(
            f"{VARIABLE} is {folder!r}, which is no folder. Create it, empty, before the server starts"
        )
    if not getattr(values.ValueClass, "_multiprocess", True):
        raise ConfigurationError(
            f"{VARIABLE} was set after prometheus_client was imported. Set it before Python starts"
        )
    return True


def child_exit(server: Any, worker: Any) -> None:
    """Forget the clients and rooms of a worker that has ended: gunicorn's hook of that name."""
    if os.environ.get(VARIABLE):
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


class SharedPopulation:
    """Writes down what this process holds, every *refresh_s* seconds from its first client on.

    Args:
        prefix: What the names of the gauges begin with.
        registry: Where they are registered.

    Raises:
        ValueError: The registry has some of them already.
    """

    def __init__(
        self, socketio: Any, namespaces: Names, *, prefix: str, refresh_s: float, registry: CollectorRegistry
    ) -> None:
        def gauge(name: str, *labels: str) -> Gauge:
            return Gauge(name, TEXTS[name], labels, namespace=prefix, registry=registry, multiprocess_mode="livesum")

        self._socketio = socketio
        self._namespaces = namespaces
        self._refresh_s = refresh_s
        self._connections = gauge("connections", "namespace")
        self._rooms = gauge("rooms", "namespace")
        self._queued = gauge("send_queue_bytes")
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._pid = 0  # the process in which the task runs; not that of a master that has loaded the application
        self.collectors = (self._connections, self._rooms, self._queued)

    def start(self, sender: object, **extra: object) -> None:
        """Start the task, once in each process."""
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
        self._socketio.start_background_task(self._run)

    def refresh(self) -> None:
        """Write down what is so now."""
        population = read_population(self._socketio, self._namespaces)
        with self._lock:
            self._seen |= population.connections.keys()
            for namespace in self._seen:
                self._connections.labels(namespace).set(population.connections.get(namespace, 0))
                self._rooms.labels(namespace).set(population.rooms.get(namespace, 0))
            self._queued.set(population.queued_bytes)

    def read_all(self) -> CollectorRegistry:
        """Return a registry that reads the files of all processes."""
        self.refresh()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry

    def stop(self) -> None:
        """Let the task end: the application has got its plugins anew."""
        self._pid = -1

    def _run(self) -> None:
        while self._pid == os.getpid():
            try:
                self.refresh()
            except Exception:
                logger.exception("the clients could not be counted for the metrics")
            self._socketio.sleep(self._refresh_s)
