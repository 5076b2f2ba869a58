"""One packet on its way to any number of clients: written once, framed once, in the form that each transport takes."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from engineio import packet as engine_packet

from .frames import message_frame

# Whether what is being emitted is volatile: the managers of brokers hand on only what they know of.
is_volatile: ContextVar[bool] = ContextVar("framework_volatile", default=False)


class Outgoing:
    """The text of a packet and its attachments, which nothing may come between.

    Args:
        volatile: Not worth waiting for: a client for which something waits already does not get it.
    """

    __slots__ = ("_wire", "frames", "size_bytes", "volatile")

    def __init__(self, frames: Sequence[str | bytes], *, volatile: bool = False) -> None:
        self.frames = frames
        self.volatile = volatile
        self.size_bytes = sum(map(len, frames))
        self._wire: bytes | None = None

    @property
    def wire(self) -> bytes:
        """The frames of a WebSocket, made when the first client needs them."""
        if self._wire is None:
            self._wire = b"".join(
                message_frame(f"4{frame}" if isinstance(frame, str) else frame) for frame in self.frames
            )
        return self._wire

    def packets(self) -> list[Any]:
        """Return Engine.IO's packets, which a polling client's queue holds."""
        return [engine_packet.Packet(engine_packet.MESSAGE, frame) for frame in self.frames]
