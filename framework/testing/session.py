"""An Engine.IO session without a network: frames go in by a call and come out into a list, in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..acks import Encoded
from ..transport import packets
from ..transport.connection import AtOnce
from ..transport.engine import EngineSocket
from ..transport.outgoing import Outgoing
from ..transport.server import Server
from ..wire import dump_json, load_json, put_bytes, take_bytes


class Received:
    """One Socket.IO packet from the server, decoded.

    Args:
        kind: As in ``framework.transport.packets``.
        payload: Its JSON with the attachments in place, or None.
    """

    def __init__(self, kind: int, namespace: str, ack_id: int | None, payload: Any) -> None:
        self.kind = kind
        self.namespace = namespace
        self.ack_id = ack_id
        self.payload = payload


class Session(EngineSocket):
    """One connection of a test to a server in the same process.

    Args:
        server: The application's.
        environ: The WSGI request that would have opened it.
        receive: Takes each packet that the server sends.
    """

    def __init__(self, server: Server, environ: dict[str, Any], receive: Callable[[Received], None]) -> None:
        super().__init__(server.eio, server.eio.generate_id())
        self.connected = self.upgraded = True
        self._receive = receive
        self._socketio_server = server
        self._partial: tuple[packets.Header, list[bytes]] | None = None
        server.eio.sockets[self.sid] = self
        server.eio.handlers["connect"](self.sid, environ)
        server.connections[self.sid].lane = AtOnce()

    def send_packet(self, kind: int, namespace: str, ack_id: int | None, payload: Any) -> None:
        """Send one packet to the server and return when it has been handled."""
        attachments: list[bytes] = []
        text = "" if payload is None else dump_json(take_bytes(payload, attachments))
        first, *rest = packets.render_packet(kind, namespace, ack_id, Encoded(text, attachments))
        self.receive_frame(f"4{first!s}")
        for attachment in rest:
            self.receive_frame(attachment)

    def send(self, pkt: Any) -> None:
        """Engine.IO's own packets are of no interest here."""

    def send_message(self, outgoing: Outgoing) -> None:
        """Take what the server sends, at once."""
        if not self.closed:
            for frame in outgoing.frames:
                self._take(frame)

    def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes) and self._partial is not None:
            header, attachments = self._partial
            attachments.append(data)
        else:
            assert isinstance(data, str)  # noqa: S101 - bytes come after the text that announces them
            header, attachments = packets.parse_packet(data, self._socketio_server.limits, from_server=True), []
        if len(attachments) < header.attachments:
            self._partial = (header, attachments)
            return
        self._partial = None
        payload = put_bytes(load_json(header.body), attachments) if header.body else None
        self._receive(Received(header.type, header.namespace, header.id, payload))
