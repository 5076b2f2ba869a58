"""Who is there: looked at when somebody asks for the metrics, so that it costs nothing in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .labels import Names


@dataclass(frozen=True)
class Population:
    """What this process holds at one moment.

    Args:
        connections: Clients by namespace.
        rooms: Rooms with somebody in them by namespace, without those of one client's own sid.
        queued_bytes: What waits to be sent, of all connections.
    """

    connections: dict[str, int]
    rooms: dict[str, int]
    queued_bytes: int


NAMES = ("connections", "rooms", "send_queue_bytes")
TEXTS = {
    "connections": "Clients that are connected.",
    "rooms": "Rooms with a client in them.",
    "send_queue_bytes": "Bytes that wait to be sent to clients.",
}


def read_population(socketio: Any, namespaces: Names) -> Population:
    """Count the clients of *socketio* in this process; a namespace that is known and empty counts 0."""
    clients = socketio.clients()
    rooms = {(client.namespace, room) for client in clients for room in client.rooms}
    queues = {client.connection: client.queued_bytes for client in clients}
    empty = dict.fromkeys(namespaces.known, 0)
    return Population(
        empty | Counter(namespaces.label(client.namespace) for client in clients),
        empty | Counter(namespaces.label(namespace) for namespace, _ in rooms),
        sum(queues.values()),
    )


class PopulationCollector(Collector):
    """Gives a registry the gauges whenever it is read.

    Args:
        prefix: What their names begin with.
    """

    def __init__(self, socketio: Any, namespaces: Names, prefix: str) -> None:
        self._socketio = socketio
        self._namespaces = namespaces
        self._prefix = prefix

    def describe(self) -> list[GaugeMetricFamily]:
        """Return the gauges without values: what the registry needs to know to refuse a second one."""
        return [self._family(name, [] if name == "send_queue_bytes" else ["namespace"]) for name in NAMES]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        population = read_population(self._socketio, self._namespaces)
        connections, rooms, queued = self.describe()
        for family, counts in ((connections, population.connections), (rooms, population.rooms)):
            for namespace, count in sorted(counts.items()):
                family.add_metric([namespace], count)
        queued.add_metric([], population.queued_bytes)
        yield from (connections, rooms, queued)

    def _family(self, name: str, labels: list[str]) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{self._prefix}_{name}", TEXTS[name], labels=labels)
