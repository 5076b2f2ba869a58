"""What has arrived from a client and is on its way: one event, or one connect or disconnect, and where it goes."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

from .context import Context
from .errors import MalformedPacket
from .handling import Handling, Kind
from .registry import Route, Surroundings, Target
from .streaming import Stream
from .transport.connection import Connection
from .transport.packets import PlainEvent


class Arrival(Handling):
    """One of them.

    ``target`` is what serves it, or None. ``failure`` is what nobody expected and nobody took; Flask's teardown functions
    are told.
    """

    __slots__ = ("failure", "target")

    target: Target | None
    failure: Exception | None

    @property
    def known_name(self) -> str | None:
        """Its name where it is the application's own, None where it is the client's."""
        return self.event if self.known else None

    @property
    def place(self) -> str:
        """Where it goes, for the log."""
        return self.target.place if self.target is not None else self.namespace

    def close_scope(self, failure: Exception | None) -> None:
        """Undo its dependencies, if it has any; without them it and its scope hold each other no more."""
        scope, self.scope = self.scope, None
        if scope is not None:
            scope.close(failure)


class LifeCycleArrival(Arrival):
    """One connect or disconnect.

    Args:
        target: What serves it, or None.
        around: What goes around everything on its path.
    """

    __slots__ = ("around",)

    def __init__(
        self,
        kind: Kind,
        namespace: str,
        sid: str,
        args: tuple[Any, ...],
        target: Target | None,
        around: Surroundings,
    ) -> None:
        super().__init__(kind, namespace, kind, sid, lambda same: args, handler=_name(target))
        self.target = target
        self.around = around
        self.failure = None


class EventArrival(Arrival):
    """One event.

    Args:
        connection: It came over it.
        event: Where it goes, its name, and its JSON, which is still text: ``body``.
        route: The way of its name.
        load: Decodes its arguments.
        values: Its decoded arguments when it came with attachments, else None.

    ``ack_id`` is None where no answer was asked for, ``malformed`` is why its connection is to be closed, whatever middleware
    makes of it.
    """

    __slots__ = (
        "ack_id",
        "body",
        "connection",
        "context",
        "flow",
        "malformed",
        "route",
        "stream",
        "stream_id",
        "values",
    )

    def __init__(
        self,
        connection: Connection,
        sid: str,
        event: PlainEvent,
        route: Route,
        load: Callable[[EventArrival], tuple[Any, ...]],
        values: list[Any] | None = None,
    ) -> None:
        # One is made for every event, so nothing is called here: it has its bases' attributes, too.
        self.kind: Kind = "event"
        self.namespace, self.ack_id, self.event, self.body = event
        self.sid = sid
        self.known = route.is_known
        self.handler = route.name
        self.wants_ack = self.ack_id is not None
        self.environ = connection.environ
        self.target = route.target
        self.connection = connection
        self.values = values
        self.route = route
        self.scope = None
        self.failure = None
        self.malformed: MalformedPacket | None = None
        self.stream: Stream | None = None
        self.stream_id = ""
        self.context: Context | None = None  # while middleware is asked
        self.flow: contextvars.Context | None = None
        self.is_changed = False
        self._load = load
        self._args = None

    @property
    def awaits_beside(self) -> bool:
        return self.route.chunks is not None and self.route.chunks.is_async


def _name(target: Target | None) -> str:
    return target.handler.name if target is not None and target.handler is not None else ""
