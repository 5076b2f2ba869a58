"""What a Socket.IO server sends: events, acks and calls, to sessions that may be gone or not accepted yet.

Seams used (private names of python-socketio 5.18's ``Server``): ``_engineio_server_class``, ``_send_packet``,
``_send_eio_packet``. What comes in is `server`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import socketio

from ..acks import Encoded, encode_values
from ..errors import CallTimeoutError, ClientGoneError
from ..limits import Limits
from . import packets
from .connection import Connection
from .encoding import choose_packet_class
from .engine import EngineServer
from .frames import utf8_frame
from .manager import Fanout, Recipient, Waiter, is_nobody, mix_in, read_target, read_values
from .outgoing import Outgoing

MESSAGE = b"4"  # what Engine.IO writes before a message of text


class Sender(socketio.Server):  # type: ignore[misc]
    """python-socketio's server with a way out of its own.

    Args:
        limits: The bounds on one connection.
        driver: Which driver takes WebSockets over; ``"off"`` is none.
        options: python-socketio's and Engine.IO's own options.
    """

    packet_class: Any
    manager_initialized: bool
    is_direct = True
    """Whether packets go to sessions; Flask-SocketIO's test client puts a method of its own in between."""
    _replacement: Callable[[str, Any], None] | None = None

    def __init__(self, limits: Limits, *, driver: str = "auto", **options: Any) -> None:
        self.limits = limits
        self._driver = driver
        json_module = options.pop("json", None)
        options["serializer"] = choose_packet_class(options.pop("serializer", "default"))
        options["client_manager"] = mix_in(options.pop("client_manager", None) or Fanout())
        super().__init__(**options)
        self.packet_class = type("Packet", (self.packet_class,), {})  # a json of its own, not the process's
        if json_module is not None:
            self.packet_class.json = json_module
        self.manager.json = self.packet_class.json
        self._initializing = self.eio.create_lock()

    def _engineio_server_class(self) -> Callable[..., EngineServer]:
        return functools.partial(EngineServer, self.limits, driver=self._driver)

    def _initialize(self) -> None:
        """Start the manager's listener, once; a broker that can't be reached is tried again by the next client."""
        with self._initializing:
            if not self.manager_initialized:
                self.manager.initialize()
                self.manager_initialized = True

    def emit(self, event: str, data: Any = None, to: Any = None, room: Any = None, **kwargs: Any) -> None:
        """Send to a room, to several, or to the whole namespace; an empty list reaches nobody."""
        target = to if to is not None else room
        if is_nobody(target):
            return
        namespace = kwargs.pop("namespace", None) or "/"
        if isinstance(skip := kwargs.get("skip_sid"), set | frozenset | tuple):
            kwargs["skip_sid"] = list(skip)
        self.manager.emit(event, tuple(read_values(data)), namespace, room=read_target(target), **kwargs)

    def call(
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float | None = 60,
        ignore_queue: bool = False,
    ) -> Any:
        """Send to one client and wait for its ack; returns None, a value, or a tuple of several.

        Raises:
            CallTimeoutError: No ack in *timeout* seconds.
            ClientGoneError: The client left meanwhile.
        """
        target, path = to or sid, namespace or "/"
        if target is None:
            raise ValueError("call() needs one client: say to=sid. Use emit() to reach several.")
        if not self.async_handlers:
            raise RuntimeError("call() can't wait for an ack while events run in the receiving thread.")
        recipient = self.manager.recipient(target, path)
        if recipient is not None and recipient.held is not None:
            raise RuntimeError("call() in a connect handler: the client is connected after it returns, not before.")
        if recipient is None and not hasattr(self.manager, "channel"):
            raise ClientGoneError(f"no client {target!r} is connected to {path!r}")
        self._initialize()
        self.eio.driver.give_way()
        waiter = Waiter(self.eio.create_event())
        try:
            self.emit(event, data, to=target, namespace=path, callback=waiter, ignore_queue=ignore_queue)
            if recipient is not None and str(recipient) not in self.eio.sockets:
                raise ClientGoneError(f"the client {target!r} has left")
            answer = waiter.wait(timeout)
        finally:
            self.manager.forget_callback(target, waiter)
        if answer is None:
            raise CallTimeoutError(f"no answer to {event!r} in {timeout} s")
        return answer if len(answer) > 1 else answer[0] if answer else None

    def send_encoded(
        self,
        sid: str,
        kind: int,
        namespace: str,
        ack_id: int | None,
        encoded: Encoded,
        eio_sid: str | None = None,
    ) -> None:
        """Send one packet, already encoded, to one client; nothing happens when it has gone.

        Args:
            eio_sid: Where to, when the client has left the namespace meanwhile.
        """
        eio_sid = self.manager.eio_sid_from_sid(sid, namespace) or eio_sid
        if eio_sid is not None:
            self.send_frames(eio_sid, Outgoing(packets.render_packet(kind, namespace, ack_id, encoded)))

    def send_ack(self, connection: Connection, namespace: str, ack_id: str, encoded: Encoded) -> None:
        """Answer an event; nothing happens when its connection has gone."""
        text, attachments = encoded
        if attachments:
            self._deliver(
                connection.eio_sid, Outgoing(packets.render_packet(packets.ACK, namespace, int(ack_id), encoded))
            )
        else:
            self.send_json_ack(connection, MESSAGE + ack_head(namespace) + (ack_id + text).encode())

    def send_json_ack(self, connection: Connection, message: bytes) -> None:
        """Answer an event; nothing happens when its connection has gone.

        Args:
            message: An ack's packet, without attachments, in Engine.IO's.
        """
        session = connection.session
        link = session.link if session is not None else None
        if link is None or not self.is_direct:
            self._deliver(connection.eio_sid, Outgoing([message[len(MESSAGE) :].decode()]))
        else:
            link.write(utf8_frame(message))

    def send_part(
        self, sid: str, namespace: str, encoded: Encoded, acknowledge: Callable[..., object] | None = None
    ) -> None:
        """Send an event, already encoded, to a client of this process; nothing happens when it has gone.

        Args:
            acknowledge: Called when the client acknowledges it, in the thread that reads from it.
        """
        ack_id = None
        if acknowledge is not None:
            ack_id = self.manager.add_callback(sid, namespace, acknowledge)
            if ack_id is None:
                return
        self.send_encoded(sid, packets.EVENT, namespace, ack_id, encoded)

    def queued_bytes(self, eio_sid: str | None) -> int:
        """Return what waits to be sent on a connection; nothing does when it has gone."""
        return int(getattr(self.eio.sockets.get(eio_sid), "queued_bytes", 0))

    def send_frames(self, eio_sid: str, outgoing: Outgoing) -> None:
        """Send a packet, or hold it back until the client is accepted."""
        if isinstance(eio_sid, Recipient) and eio_sid.held is not None and eio_sid.hold(outgoing):
            return
        self._deliver(eio_sid, outgoing)

    def _deliver(self, eio_sid: str, outgoing: Outgoing) -> None:
        if self.is_direct:
            self.eio.send_message(eio_sid, outgoing)
        else:
            for pkt in outgoing.packets():
                self._send_eio_packet(eio_sid, pkt)

    @property
    def _send_eio_packet(self) -> Callable[[str, Any], None]:
        return self._replacement or self.eio.send_packet

    @_send_eio_packet.setter
    def _send_eio_packet(self, replacement: Callable[[str, Any], None]) -> None:
        self._replacement = replacement
        self.is_direct = False

    def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        self.send_frames(eio_sid, Outgoing(pkt.encode()))

    def _send(self, eio_sid: str, kind: int, namespace: str, payload: Any) -> None:
        text, _ = encode_values([payload])
        self._deliver(eio_sid, Outgoing(packets.render_packet(kind, namespace, None, Encoded(text[1:-1], []))))


def ack_head(namespace: str) -> bytes:
    """Return what the acks of a namespace begin with, before their id."""
    return b"3" if namespace == "/" else b"3%b," % namespace.encode()
