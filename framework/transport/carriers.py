"""What goes along with what is emitted, to the other processes of a broker.

A `Carrier` is around every emit. What it puts into ``emission.metadata`` travels in the broker's message under a key of its
own, which python-socketio and processes without carriers pass over; where the message arrives, it is around the delivery.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from socketio import manager

from ..middleware import Proceed
from .outgoing import is_volatile

METADATA = "metadata"
VOLATILE = "volatile"


class Emission:
    """One event on its way to clients.

    Args:
        to: A room, a list of them, or None for the whole namespace; a sid is a room.
        metadata: What goes along: short texts by short names. Every process of the broker gets it, clients don't.
    """

    __slots__ = ("event", "metadata", "namespace", "to")

    def __init__(self, namespace: str, event: str, to: Any, metadata: dict[str, str]) -> None:
        self.namespace = namespace
        self.event = event
        self.to = to
        self.metadata = metadata

    def __repr__(self) -> str:
        return f"<Emission {self.namespace} {self.event!r} to={self.to!r}>"


class Carrier:
    """Around what the server emits: override what you need, and call ``proceed()`` once.

    What a method raises instead of calling it stops the event: in `emit` it reaches who emits, in `deliver` the log.
    """

    def emit(self, emission: Emission, proceed: Proceed) -> None:
        """Around an emit, in the thread of who emits; fill ``emission.metadata`` before you proceed."""
        proceed()

    def deliver(self, emission: Emission, proceed: Proceed) -> None:
        """Around a delivery of what another process emitted, in the thread that listens to the broker.

        Only where a client of this process is in the namespace and the room. The metadata is empty when the other process
        has no carriers.
        """
        proceed()


_sending: ContextVar[tuple[Relay, Emission] | None] = ContextVar("framework_sending", default=None)


class Relay(manager.Manager):  # type: ignore[misc]
    """In front of a manager: lets carriers see what passes."""

    carriers: tuple[Carrier, ...] = ()
    host_id: str

    def emit(self, event: str, data: Any, namespace: str, room: Any = None, to: Any = None, **options: Any) -> None:
        target = to if to is not None else room
        volatile = options.pop("volatile", False)
        send = functools.partial(super().emit, event, data, namespace, room=target, **options)
        if volatile:
            send = functools.partial(_run_volatile, send)
        if not self.carriers:
            send()
            return
        emission = Emission(namespace, event, target, {})
        _through([carrier.emit for carrier in self.carriers], emission, functools.partial(self._send, emission, send))

    def _send(self, emission: Emission, send: Proceed) -> None:
        token = _sending.set((self, emission))
        try:
            send()
        finally:
            _sending.reset(token)

    def _publish(self, data: Mapping[str, Any]) -> None:
        sender, emission = _sending.get() or (None, None)
        if sender is self and emission is not None and emission.metadata and data.get("method") == "emit":
            data = {**data, METADATA: emission.metadata}
        if is_volatile.get() and data.get("method") == "emit":
            data = {**data, VOLATILE: True}
        super()._publish(data)

    def _handle_emit(self, message: Mapping[str, Any]) -> None:
        deliver = functools.partial(super()._handle_emit, message)
        if message.get(VOLATILE) is True:
            deliver = functools.partial(_run_volatile, deliver)
        namespace, target = str(message.get("namespace") or "/"), message.get("room")
        if message.get("host_id") == self.host_id or not self.carriers or not self._reaches(namespace, target):
            deliver()
            return
        emission = Emission(namespace, str(message.get("event")), target, _read_metadata(message))
        _through([carrier.deliver for carrier in self.carriers], emission, deliver)

    def _reaches(self, namespace: str, target: Any) -> bool:
        rooms = self.rooms.get(namespace, {})
        return any(room in rooms for room in (target if isinstance(target, list) else [target]))


def _run_volatile(step: Proceed) -> None:
    token = is_volatile.set(True)
    try:
        step()
    finally:
        is_volatile.reset(token)


def _through(layers: list[Callable[[Emission, Proceed], None]], emission: Emission, last: Proceed) -> None:
    for layer in reversed(layers):
        last = functools.partial(layer, emission, last)
    last()


def _read_metadata(message: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts that came along; whoever can write to the broker may have put anything there."""
    found = message.get(METADATA)
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
