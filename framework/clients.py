"""Who is connected to this process: a list of `ClientInfo`, put together when somebody asks.

Reads what the transport holds anyway; nothing is kept for it but the time of each connect.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from .transport.manager import Member
from .transport.server import Server

Transport = Literal["polling", "websocket"]


@dataclass(frozen=True)
class ClientInfo:
    """One client of one namespace, as it was when the list was made.

    Args:
        rooms: In no order, without the one of its own sid.
        connection: The same for all namespaces of one connection; opaque, and of no use to an attacker.
        transport: What its connection uses by now.
        address: Where the opening request came from (``REMOTE_ADDR``); of a proxy, where ``ProxyFix`` does not say better.
        user_agent: What the opening request said that it is.
        connected_at: When it was accepted, in Unix seconds.
        queued_bytes: What waits to be sent on its connection, to any of its namespaces.
    """

    namespace: str
    sid: str
    rooms: tuple[str, ...]
    connection: str
    transport: Transport
    address: str | None
    user_agent: str | None
    connected_at: float
    queued_bytes: int


def read_clients(server: Server, namespace: str | None = None) -> list[ClientInfo]:
    """Return the clients of *namespace*, or all; those that are being accepted or are leaving are not there."""
    return [_describe(server, member) for member in server.manager.members(namespace)]


def _describe(server: Server, member: Member) -> ClientInfo:
    eio_sid = str(member.recipient)
    socket = server.eio.sockets.get(eio_sid)  # None when it ended a moment ago
    environ = server.environ.get(eio_sid, {})
    return ClientInfo(
        member.namespace,
        member.sid,
        member.rooms,
        hashlib.sha256(eio_sid.encode()).hexdigest()[:16],
        "websocket" if socket is not None and socket.upgraded else "polling",
        environ.get("REMOTE_ADDR") or None,
        environ.get("HTTP_USER_AGENT"),
        member.recipient.connected_at,
        socket.queued_bytes if socket is not None else 0,
    )
