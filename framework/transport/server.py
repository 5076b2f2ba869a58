"""Socket.IO: from the frames of a session to connects, events, acks and disconnects, in the client's order.

Seams used (private names of python-socketio 5.18's ``Server``): ``_engineio_server_class``, ``_handle_eio_connect``,
``_handle_eio_message``, ``_handle_eio_disconnect``, ``_handle_connect``, ``_handle_disconnect``, ``_handle_ack``,
``_send_packet``, ``_send_eio_packet``. What happens with an event is the dispatcher's; this module hands it over and sends what comes back.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import socketio
from engineio import packet as engine_packet

from ..acks import Encoded, encode_values
from ..errors import AnswerError, CallTimeoutError, ClientGoneError, MalformedPacket
from ..limits import Limits
from ..wire import RefusedValue
from . import packets
from .encoding import choose_packet_class
from .engine import EngineServer
from .manager import Fanout, Recipient, Waiter, is_nobody, mix_in, read_target, read_values
from .packets import Header, Partial, parse_packet
from .workers import GreenletPool, Mailbox, ThreadPool

logger = logging.getLogger(__name__)


class Incoming(Protocol):
    """What the server hands over: the dispatcher."""

    def connect(self, sid: str, namespace: str, environ: dict[str, Any], auth: Any) -> dict[str, Any] | None:
        """Run the connect handlers; return None to accept, or what ``connect_error`` carries."""

    def connected(self, sid: str, namespace: str) -> None:
        """Take note that a client was accepted and told so."""

    def event(self, sid: str, header: Header, name: str, values: list[Any] | None) -> None:
        """Handle one event; *values* are its decoded arguments when it came with attachments."""

    def disconnect(self, sid: str, namespace: str, reason: str) -> None:
        """Run the disconnect handlers."""

    def serves(self, namespace: str) -> bool:
        """Say whether clients may connect to *namespace*."""
        ...


class Connection:
    """One Engine.IO session as Socket.IO sees it.

    Args:
        run: Runs a job in the client's order.
        spawn: Runs a job beside them.
    """

    __slots__ = ("connecting", "ended", "environ", "namespaces", "partial", "run", "spawn")

    def __init__(
        self,
        environ: dict[str, Any],
        run: Callable[..., None],
        spawn: Callable[[Callable[[], object]], None],
    ) -> None:
        self.environ = environ
        self.run = run
        self.spawn = spawn
        self.namespaces: set[str] = set()
        self.partial: Partial | None = None
        self.connecting = 0
        self.ended: str | None = None


class Server(socketio.Server):  # type: ignore[misc]
    """python-socketio's server with a strict front door.

    Args:
        incoming: Handles what clients send.
        limits: The bounds on one connection.
        ordered: One client's events run one after another; False runs each at once, as Flask-SocketIO does.
        options: python-socketio's and Engine.IO's own options.
    """

    packet_class: Any
    manager_initialized: bool

    def __init__(self, incoming: Incoming, limits: Limits, *, ordered: bool, **options: Any) -> None:
        self.limits = limits
        json_module = options.pop("json", None)
        options["serializer"] = choose_packet_class(options.pop("serializer", "default"))
        options["client_manager"] = mix_in(options.pop("client_manager", None) or Fanout())
        super().__init__(**options)
        self.packet_class = type("Packet", (self.packet_class,), {})  # a json of its own, not the process's
        if json_module is not None:
            self.packet_class.json = json_module
        self.manager.json = self.packet_class.json
        self.incoming = incoming
        self.ordered = ordered
        self.connections: dict[str, Connection] = {}
        self._initializing = self.eio.create_lock()
        self.eio.closes_in_place = not self.async_handlers
        self._pool = GreenletPool() if self.async_mode == "gevent" else ThreadPool()

    def _engineio_server_class(self) -> Callable[..., EngineServer]:
        return functools.partial(EngineServer, self.limits)

    # -- sending

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
            frames = packets.render_packet(kind, namespace, ack_id, encoded)
            self.send_frames(eio_sid, [engine_packet.Packet(engine_packet.MESSAGE, frame) for frame in frames])

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

    def submit(self, job: Callable[[], object]) -> None:
        """Run *job* in a thread or a greenlet of its own."""
        self._pool.submit(job)

    def spawn_for(self, sid: str, namespace: str) -> Callable[[Callable[[], object]], None]:
        """Return what runs a job of a client beside its events."""
        connection = self.connections.get(str(self.manager.eio_sid_from_sid(sid, namespace)))
        return connection.spawn if connection is not None else self.submit

    def send_frames(self, eio_sid: str, frames: Sequence[Any]) -> None:
        """Send the frames of one packet, or hold them back until the client is accepted."""
        if isinstance(eio_sid, Recipient) and eio_sid.held is not None and eio_sid.hold(frames):
            return
        self._deliver(eio_sid, frames)

    def _deliver(self, eio_sid: str, frames: Sequence[Any]) -> None:
        if len(frames) == 1:
            self._send_eio_packet(eio_sid, frames[0])
        elif getattr(self._send_eio_packet, "__func__", None) is Server._send_eio_packet:
            self.eio.send_all(eio_sid, frames)
        else:  # Flask-SocketIO's test client has put its own in place
            for frame in frames:
                self._send_eio_packet(eio_sid, frame)

    def _send_eio_packet(self, eio_sid: str, eio_pkt: Any) -> None:
        self.eio.send_packet(eio_sid, eio_pkt)

    def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        frames = [engine_packet.Packet(engine_packet.MESSAGE, frame) for frame in pkt.encode()]
        self.send_frames(eio_sid, frames)

    def _initialize(self) -> None:
        """Start the manager's listener, once; a broker that can't be reached is tried again by the next client."""
        with self._initializing:
            if not self.manager_initialized:
                self.manager.initialize()
                self.manager_initialized = True

    # -- receiving

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        self._initialize()
        self.environ[eio_sid] = environ
        if eio_sid in self.connections:
            self.connections[eio_sid].environ = environ
            return
        self.connections[eio_sid] = Connection(environ, self._runner(), self.submit)
        if eio_sid in self.eio.sockets:
            self.eio.timer.call_later(self.limits.connect_timeout_s, functools.partial(self._expire, eio_sid))

    def _runner(self) -> Callable[..., None]:
        limits = self.limits
        mailbox = Mailbox(
            self._pool.submit,
            limits.max_queued_events,
            limits.max_queued_bytes,
            self.eio.create_event,
            self.eio.create_turn(),
        )

        def run(job: Callable[[], object], *, wait: bool = True, concurrent: bool = False, size_bytes: int = 0) -> None:
            if not self.async_handlers:
                job()
            else:
                start = functools.partial(self._pool.submit, job) if concurrent and not self.ordered else job
                mailbox.put(start, size_bytes=size_bytes, wait=wait)

        return run

    def _expire(self, eio_sid: str) -> None:
        connection = self.connections.get(eio_sid)
        if connection is not None and not connection.namespaces:
            self.eio.disconnect(eio_sid)

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        """Take one message of a session: a packet, or an attachment of the one before.

        Raises:
            MalformedPacket: It follows no protocol; the session is to be closed.
        """
        connection = self.connections.get(eio_sid)
        if connection is None:
            return
        partial = connection.partial
        if isinstance(data, bytes):
            if partial is None:
                raise MalformedPacket("an attachment that belongs to no packet")
            if partial.add(data):
                connection.partial = None
                self._take(eio_sid, connection, partial.header, partial)
            return
        if partial is not None:
            raise MalformedPacket("text where an attachment should be")
        header = parse_packet(data, self.limits)
        if header.attachments:
            if header.namespace not in connection.namespaces:
                raise MalformedPacket("attachments for a namespace that the client has not joined")
            connection.partial = Partial(header, self.limits)
        else:
            self._take(eio_sid, connection, header, None)

    def _take(self, eio_sid: str, connection: Connection, header: Header, partial: Partial | None) -> None:
        """Put what the packet asks for in the client's order; an ack goes straight to who waits for it."""
        if header.type in (packets.EVENT, packets.BINARY_EVENT):
            name = packets.read_event_name(header.body)
            job = functools.partial(self._run_event, eio_sid, header, name, partial)
            size_bytes = len(header.body) + (partial.size_bytes if partial else 0)
            connection.run(job, concurrent=True, size_bytes=size_bytes)
        elif header.type in (packets.ACK, packets.BINARY_ACK):
            self._take_ack(eio_sid, header, partial)
        elif header.type == packets.CONNECT:
            self._take_connect(eio_sid, connection, header)
        else:
            self._leave(eio_sid, connection, header.namespace)

    def _take_ack(self, eio_sid: str, header: Header, partial: Partial | None) -> None:
        try:
            answer = partial.values() if partial else packets.load_body(header.body, self.limits)
        except RefusedValue as error:
            self._refuse_ack(eio_sid, header, str(error))
        else:
            self._handle_ack(eio_sid, header.namespace, header.id, answer)

    def _refuse_ack(self, eio_sid: str, header: Header, reason: str) -> None:
        """Tell who waits for the ack that there will be none; a callback is not called."""
        callbacks = self.manager.callbacks.get(self.manager.sid_from_eio_sid(eio_sid, header.namespace), {})
        if header.id and isinstance(waiter := callbacks.pop(header.id, None), Waiter):
            waiter.refuse(AnswerError(f"The answer can't be used: {reason}."))

    def _take_connect(self, eio_sid: str, connection: Connection, header: Header) -> None:
        connection.run(functools.partial(self._run_connect, eio_sid, header), size_bytes=len(header.body))

    def _run_connect(self, eio_sid: str, header: Header) -> None:
        try:
            auth = packets.load_body(header.body, self.limits) if header.body else None
        except RefusedValue as error:
            refusal = _refusal("invalid_payload", f"Invalid payload: {error}.")
            self._send(eio_sid, packets.CONNECT_ERROR, header.namespace, refusal)
        except MalformedPacket as error:
            self._close(eio_sid, str(error))
        else:
            self._handle_connect(eio_sid, header.namespace, auth)

    def _close(self, eio_sid: str, reason: str) -> None:
        if (found := self.eio.sockets.get(eio_sid)) is not None:
            found.refuse(reason)

    def _leave(self, eio_sid: str, connection: Connection, namespace: str) -> None:
        reason = self.reason.CLIENT_DISCONNECT
        connection.run(functools.partial(self._handle_disconnect, eio_sid, namespace, reason))

    def _run_event(self, eio_sid: str, header: Header, name: str, partial: Partial | None) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, header.namespace)
        if sid is None or not self.manager.is_connected(sid, header.namespace):
            return
        size_bytes = len(header.body) + (partial.size_bytes if partial is not None else 0)
        header = header._replace(eio_sid=eio_sid, size_bytes=size_bytes)
        try:
            self.incoming.event(sid, header, name, _read_arguments(partial))
        except MalformedPacket as error:
            self._close(eio_sid, str(error))

    def _handle_ack(self, eio_sid: str, namespace: str, ack_id: int | None, data: Any) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        try:
            self.manager.trigger_callback(sid, ack_id, data)
        except Exception:
            logger.exception("a callback failed")

    # -- connecting and leaving

    def _handle_connect(self, eio_sid: str, namespace: str, data: Any) -> None:
        connection = self.connections.get(eio_sid)
        if connection is None:
            return
        namespace = namespace or "/"
        refusal = self._refuse_namespace(connection, namespace)
        sid = None if refusal else self.manager.pre_connect(eio_sid, namespace)
        if sid is None:
            refusal = refusal or _refusal("already_connected", "Already connected to this namespace")
            self._send(eio_sid, packets.CONNECT_ERROR, namespace, refusal)
            return
        connection.namespaces.add(namespace)
        connection.connecting += 1
        try:
            self._ask(eio_sid, connection, sid, namespace, data)
        finally:
            connection.connecting -= 1
        if connection.ended is not None:
            self._forget(eio_sid, connection.ended)

    def _ask(self, eio_sid: str, connection: Connection, sid: str, namespace: str, data: Any) -> None:
        """Let the connect handlers decide, and tell the client."""
        try:
            refusal = self.incoming.connect(sid, namespace, connection.environ, data)
        except BaseException:  # a handler may raise anything, e.g. gevent.Timeout; nothing of it accepts the client
            logger.exception("a connect handler failed")
            refusal = _refusal("internal_error", "Internal error.")
        recipient = self.manager.recipient(sid, namespace)
        if recipient is None:  # gone meanwhile
            return
        if refusal is None:
            self._accept(recipient, sid, namespace)
        else:
            recipient.drop()
            connection.namespaces.discard(namespace)
            self.manager.disconnect(sid, namespace, ignore_queue=True)
            self._send(eio_sid, packets.CONNECT_ERROR, namespace, refusal)

    def _refuse_namespace(self, connection: Connection, namespace: str) -> dict[str, Any] | None:
        if not self.incoming.serves(namespace):
            return _refusal("unknown_namespace", "Invalid namespace")
        if len(connection.namespaces) >= self.limits.max_namespaces:
            return _refusal("too_many_namespaces", f"At most {self.limits.max_namespaces} namespaces per connection")
        return None

    def _accept(self, recipient: Any, sid: str, namespace: str) -> None:
        self.manager.connect(sid, namespace)
        self._send(str(recipient), packets.CONNECT, namespace, {"sid": sid})
        recipient.release(functools.partial(self._deliver, str(recipient)))
        self.incoming.connected(sid, namespace)
        if recipient.ended:
            self._dismiss(sid, namespace, recipient.ended)

    def _send(self, eio_sid: str, kind: int, namespace: str, payload: Any) -> None:
        text, _ = encode_values([payload])
        frames = packets.render_packet(kind, namespace, None, Encoded(text[1:-1], []))
        self._deliver(eio_sid, [engine_packet.Packet(engine_packet.MESSAGE, frames[0])])

    def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        """Disconnect a client from a namespace; in its own connect handler, right after it is connected.

        The disconnect handler has run when this returns, as with python-socketio: who disconnects a client because
        another takes its place finds the place free.
        """
        path = namespace or "/"
        recipient = self.manager.recipient(sid, path)
        if recipient is not None and recipient.held is not None and recipient.end(self.reason.SERVER_DISCONNECT):
            return
        if ignore_queue or self.manager.can_disconnect(sid, path):
            self._dismiss(sid, path, self.reason.SERVER_DISCONNECT)

    def _dismiss(self, sid: str, namespace: str, reason: str) -> None:
        if (eio_sid := self.manager.begin_disconnect(sid, namespace)) is not None:
            frames = packets.render_packet(packets.DISCONNECT, namespace, None, None)
            self._deliver(str(eio_sid), [engine_packet.Packet(engine_packet.MESSAGE, frames[0])])
            self._finish(str(eio_sid), sid, namespace, reason)

    def _handle_disconnect(self, eio_sid: str, namespace: str, reason: str | None = None) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if sid is not None and self.manager.begin_disconnect(sid, namespace) is not None:
            self._finish(eio_sid, sid, namespace, reason or self.reason.CLIENT_DISCONNECT)

    def _finish(self, eio_sid: str, sid: str, namespace: str, reason: str) -> None:
        if connection := self.connections.get(eio_sid):
            connection.namespaces.discard(namespace)
        try:
            self.incoming.disconnect(sid, namespace, reason)
        finally:
            self.manager.disconnect(sid, namespace, ignore_queue=True)

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        if connection := self.connections.get(eio_sid):
            self._cancel_calls(eio_sid)
            connection.run(functools.partial(self._forget, eio_sid, reason), wait=False)

    def _cancel_calls(self, eio_sid: str) -> None:
        """Wake handlers that wait for this client's answer: they are before its end in its order."""
        for namespace in self.connections[eio_sid].namespaces.copy():
            sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
            for callback in list(self.manager.callbacks.get(sid, {}).values()):
                if isinstance(callback, Waiter):
                    callback.cancel()

    def _forget(self, eio_sid: str, reason: str) -> None:
        connection = self.connections[eio_sid]
        if connection.connecting:  # only where jobs run at once; the connect handler's thread comes back here
            connection.ended = reason
            return
        for namespace in connection.namespaces.copy():
            self._handle_disconnect(eio_sid, namespace, reason)
        self.connections.pop(eio_sid, None)
        self.environ.pop(eio_sid, None)


def _read_arguments(partial: Partial | None) -> list[Any] | None:
    """Return an event's arguments with their attachments; None where the text alone says what they are, or what is wrong."""
    try:
        return None if partial is None else list(partial.values()[1:])
    except RefusedValue:
        return None


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "data": {"code": code}}
