"""Packets on their way out: JSON that is finite, with bytes beside it as attachments."""

from __future__ import annotations

from typing import Any

import socketio

from ..acks import Encoded
from ..errors import ConfigurationError
from ..wire import dump_json, load_json, take_bytes
from . import packets


class FiniteJSON:
    """The JSON of packets and brokers: whatever pydantic can write, and no number that is not finite."""

    @staticmethod
    def dumps(value: Any, **options: Any) -> str:
        return dump_json(value)

    @staticmethod
    def loads(text: str | bytes, **options: Any) -> Any:
        return load_json(text.decode() if isinstance(text, bytes) else text)


class Packet(socketio.packet.Packet):  # type: ignore[misc]
    """A packet on its way out, whose payload may hold models, dates and bytes."""

    json = FiniteJSON

    def __init__(self, packet_type: int = packets.EVENT, data: Any = None, **kwargs: Any) -> None:
        attachments: list[bytes] = []
        self._attachments = attachments
        super().__init__(packet_type, take_bytes(data, attachments), binary=False, **kwargs)

    def encode(self) -> list[str | bytes]:
        text = "" if self.data is None else self.json.dumps(self.data, separators=(",", ":"))
        return packets.render_packet(self.packet_type, self.namespace or "/", self.id, Encoded(text, self._attachments))


def choose_packet_class(serializer: Any) -> type[Packet]:
    """Return the packet class that python-socketio's option *serializer* asks for.

    Raises:
        ConfigurationError: Its packets would not be understood here.
    """
    if serializer == "default":
        return Packet
    if isinstance(serializer, type) and issubclass(serializer, Packet):
        return serializer
    raise ConfigurationError(
        f"serializer is {serializer!r}; packets are JSON with attachments, Socket.IO's default. Leave the option out, or "
        "pass a subclass of framework.transport.encoding.Packet."
    )
