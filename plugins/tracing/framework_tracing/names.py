"""Names of spans: few, however many names clients and the application make up."""

from __future__ import annotations

from typing import Any

from framework import Handling

UNKNOWN_EVENT = "(unknown event)"
OTHER_EVENT = "(other event)"
ANY_NAMESPACE = "*"
MAX_EMITTED = 500


class Names:
    """What may be in the name of a span of one application.

    Args:
        socketio: Says which namespaces and events it has.
    """

    def __init__(self, socketio: Any) -> None:
        self._socketio = socketio
        self._namespaces: frozenset[str] | None = None
        self._emitted: set[str] = set()

    def forget(self, sender: object = None, **about: object) -> None:
        """Look at the application again: it serves another namespace."""
        self._namespaces = None

    def namespace(self, path: str) -> str:
        """Return *path* where it is the application's own, ``*`` where a client chose it."""
        if self._namespaces is None:
            self._namespaces = self._read_namespaces()
        return path if path in self._namespaces else ANY_NAMESPACE

    def event(self, handling: Handling) -> str:
        """Return the event's name where the application serves it; all others share one."""
        return handling.event if handling.known else UNKNOWN_EVENT

    def emitted(self, event: str) -> str:
        """Return the name of what is emitted: the first 500 different ones have their own."""
        if event not in self._emitted:
            if len(self._emitted) >= MAX_EMITTED:
                return OTHER_EVENT
            self._emitted.add(event)
        return event

    def _read_namespaces(self) -> frozenset[str]:
        accepted = self._socketio.server.namespaces
        routed = {route.namespace for route in self._socketio.routes()}
        return frozenset({*routed, *self._socketio.namespaces, *(() if accepted == "*" else accepted), "/"})
