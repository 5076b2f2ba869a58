"""What has arrived from a client and is on its way: one event, or one connect or disconnect, and where it goes."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

from .errors import MalformedPacket
from .handling import Handling, Kind
from .registry import Surroundings, Target
from .streaming import Stream
from .streams import Chunks
from .transport.packets import Header


class Arrival(Handling):
    """One of them.

    Args:
        target: What serves it, or None.
        around: What goes around everything on its path.
    """

    __slots__ = ("around", "target")

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

    @property
    def known_name(self) -> str | None:
        """Its name where it is the application's own, None where it is the client's."""
        return self.event if self.known else None

    @property
    def place(self) -> str:
        """Where it goes, for the log."""
        return self.target.place if self.target is not None else self.namespace

    def close_scope(self, failure: Exception | None) -> None:
        """Undo its dependencies, if it has any."""
        if self.scope is not None:
            self.scope.close(failure)


class EventArrival(Arrival):
    """One event.

    Args:
        header: Its packet; the JSON in it is still text.
        values: Its decoded arguments when it came with attachments, else None.

    ``chunks`` is what it is answered with bit by bit, or None; ``malformed`` is why its connection is to be closed,
    whatever middleware makes of it.
    """

    __slots__ = ("chunks", "flow", "header", "malformed", "stream", "stream_id", "values")

    def __init__(
        self,
        sid: str,
        header: Header,
        name: str,
        values: list[Any] | None,
        target: Target | None,
        around: Surroundings,
        load: Callable[[EventArrival], tuple[Any, ...]],
    ) -> None:
        # One is made for every event, so nothing is called here: it has its bases' attributes, too.
        self.kind: Kind = "event"
        self.namespace = header.namespace
        self.event = name
        self.sid = sid
        self.known = target is not None and target.is_known
        self.handler = target.handler.name if target is not None and target.handler is not None else ""
        self.wants_ack = header.id is not None
        self.scope: Any = None
        self._load = load
        self._args: tuple[Any, ...] | None = None
        self._changed = False
        self.target = target
        self.around = around
        self.header = header
        self.values = values
        self.malformed: MalformedPacket | None = None
        self.stream: Stream | None = None
        self.stream_id = ""
        self.flow: contextvars.Context | None = None
        self.chunks: Chunks | None = target.chunks if target is not None else None

    @property
    def awaits_beside(self) -> bool:
        return self.chunks is not None and self.chunks.is_async

    @property
    def is_wrapped(self) -> bool:
        """Whether something is to be asked before its payload is read."""
        return self.around.is_wrapped or (self.target is not None and self.target.is_wrapped)


def _name(target: Target | None) -> str:
    return target.handler.name if target is not None and target.handler is not None else ""
