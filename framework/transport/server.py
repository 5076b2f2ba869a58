"""Socket.IO: from the frames of a session to connects, events, acks and disconnects, in the client's order.

Seams used (private names of python-socketio 5.18's ``Server``): ``_handle_eio_connect``, ``_handle_eio_message``,
``_handle_eio_disconnect``, ``_handle_connect``, ``_handle_disconnect``, ``_handle_ack``. What happens with an event is the
dispatcher's; this module hands it over. What goes out is `sender`'s.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any

from ..errors import AnswerError, MalformedPacket
from ..limits import Limits
from ..wire import RefusedValue
from . import packets
from .connection import AtOnce, Connection, Incoming, Route
from .leading import Leader, Pace
from .manager import Waiter
from .outgoing import Outgoing
from .packets import Header, Partial, PlainEvent
from .sender import Sender
from .workers import GreenletPool, Lane, ThreadPool, find_raw_lock

logger = logging.getLogger(__name__)


class Server(Sender):
    """python-socketio's server with a strict front door.

    Args:
        incoming: Handles what clients send.
        limits: The bounds on one connection.
        ordered: One client's events run one after another; False runs each at once, as Flask-SocketIO does.
        options: Those of `Sender`, python-socketio and Engine.IO.
    """

    def __init__(self, incoming: Incoming, limits: Limits, *, ordered: bool, **options: Any) -> None:
        super().__init__(limits, **options)
        self.incoming = incoming
        self.ordered = ordered
        self.connections: dict[str, Connection] = {}
        self._pool = GreenletPool() if self.async_mode == "gevent" else ThreadPool(limits.max_threads)
        self._raw_lock = find_raw_lock()

    def submit(self, job: Callable[[], object]) -> None:
        """Run *job* in a thread or a greenlet of its own."""
        self._pool.submit(job)

    def spawn_for(self, sid: str, namespace: str) -> Callable[[Callable[[], object]], None]:
        """Return what runs a job of a client beside its events."""
        connection = self.connections.get(str(self.manager.eio_sid_from_sid(sid, namespace)))
        return _run_now if connection is not None and isinstance(connection.lane, AtOnce) else self.submit

    # -- receiving

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        self._initialize()
        self.environ[eio_sid] = environ
        if eio_sid in self.connections:
            self.connections[eio_sid].environ = environ
            return
        session = self.eio.sockets.get(eio_sid)
        limits = self.limits
        lane = (
            AtOnce()
            if session is None
            else Lane(self._pool, limits.max_queued_events, limits.max_queued_bytes, self._raw_lock)
        )
        connection = self.connections[eio_sid] = Connection(eio_sid, environ, session, lane)
        if session is not None:
            session.receive, session.owner = self.receive, connection
            expire = functools.partial(self._expire, eio_sid)
            connection.alarm = self.eio.timer.call_later(self.limits.connect_timeout_s, expire)

    def _expire(self, eio_sid: str) -> None:
        connection = self.connections.get(eio_sid)
        if connection is not None and not connection.namespaces:
            self.eio.disconnect(eio_sid)

    def _handle_eio_message(
        self, eio_sid: str, data: str | bytes, start: int = 0, leader: Leader | None = None
    ) -> None:
        connection = self.connections.get(eio_sid)
        if connection is not None:
            self.receive(connection, data, start, leader)

    def receive(self, connection: Connection, data: str | bytes, start: int = 0, leader: Leader | None = None) -> None:
        """Take one message of a session: a packet, or an attachment of the one before.

        Args:
            start: Where it begins in a text.
            leader: Who has read it from a WebSocket, and may run the handler of an event if that is quick.

        Raises:
            MalformedPacket: It follows no protocol; the session is to be closed.
        """
        partial = connection.partial
        if partial is None and type(data) is str and (event := packets.parse_event(data, start)) is not None:
            route = self.incoming.routes[event[0]][event[2]]
            pace = route.pace or self._prepare(route)
            if (
                leader is None
                or not self.ordered
                or not leader.run(pace, connection.lane, route.step, connection, event)
            ):
                self._leave_to_pool(connection, pace, len(event[3]), route.step, event)
        elif isinstance(data, bytes):
            if partial is None:
                raise MalformedPacket("an attachment that belongs to no packet")
            if partial.add(data):
                connection.partial = None
                self._take(connection, partial.header, partial, leader)
        elif partial is not None:
            raise MalformedPacket("text where an attachment should be")
        else:
            self._take_text(connection, packets.parse_packet(data[start:], self.limits), leader)

    def _take_text(self, connection: Connection, header: Header, leader: Leader | None) -> None:
        if not header.attachments:
            self._take(connection, header, None, leader)
        elif header.namespace not in connection.namespaces:
            raise MalformedPacket("attachments for a namespace that the client has not joined")
        else:
            connection.partial = Partial(header, self.limits)

    def _take(self, connection: Connection, header: Header, partial: Partial | None, leader: Leader | None) -> None:
        """Put what the packet asks for in the client's order; an ack goes straight to who waits for it."""
        if header.type in (packets.EVENT, packets.BINARY_EVENT):
            event = packets.plain_event(header)
            size_bytes = len(header.body) + (partial.size_bytes if partial else 0)
            route = self.incoming.routes[event[0]][event[2]]
            pace = route.pace or self._prepare(route)
            about = (event, partial, route)
            lane, step = connection.lane, self.run_event
            if leader is None or not self.ordered or not leader.run(pace, lane, step, connection, about):
                self._leave_to_pool(connection, pace, size_bytes, step, about)
        elif header.type in (packets.ACK, packets.BINARY_ACK):
            self._take_ack(connection, header, partial, leader)
        elif header.type == packets.CONNECT:
            self._enqueue(
                connection, functools.partial(self._run_connect, connection.eio_sid, header), len(header.body)
            )
        else:
            reason = self.reason.CLIENT_DISCONNECT
            leave = functools.partial(self._handle_disconnect, connection.eio_sid, header.namespace, reason)
            self._enqueue(connection, leave)

    def _leave_to_pool(
        self, connection: Connection, pace: Pace, size_bytes: int, step: Callable[[Connection, Any], object], about: Any
    ) -> None:
        """Have an event handled after those that came before it."""
        job: Callable[[], object] = functools.partial(step, connection, about)
        if not pace.inline:
            job = functools.partial(_run_pooled, pace, job)
        if not self.ordered and not isinstance(connection.lane, AtOnce):
            job = functools.partial(self._pool.submit, job)
        self._enqueue(connection, job, size_bytes)

    def _prepare(self, route: Route) -> Pace:
        pace = route.pace = Pace("pool" if route.is_async else route.run)
        route.step = self.incoming.compile(route) or functools.partial(self._run_whole, route)
        return pace

    def _run_whole(self, route: Route, connection: Connection, event: PlainEvent) -> None:
        self.run_event(connection, (event, None, route))

    def _enqueue(self, connection: Connection, job: Callable[[], object], size_bytes: int = 0) -> None:
        """Put a job in the client's order; while too many wait, nothing more is read from it."""
        lane = connection.lane
        if lane.put(job, size_bytes=size_bytes):
            return
        session = connection.session
        if session is not None and session.link is not None:
            session.link.pause(lane.when_room)
        else:  # a polling client's request, which may wait
            lane.wait_for_room(self.eio.create_event)

    def _take_ack(self, connection: Connection, header: Header, partial: Partial | None, leader: Leader | None) -> None:
        eio_sid = connection.eio_sid
        try:
            answer = partial.values() if partial else packets.load_body(header.body, self.limits)
        except RefusedValue as error:
            self._refuse_ack(eio_sid, header, str(error))
        else:
            self._take_answer(connection, header, answer, leader)

    def _take_answer(self, connection: Connection, header: Header, answer: Any, leader: Leader | None) -> None:
        """Call who waits for the ack; a callback is the application's own code, and may take its time."""
        if leader is not None:
            leader.begin()
        try:
            self._handle_ack(connection.eio_sid, header.namespace, header.id, answer)
        finally:
            if leader is not None:
                leader.end()

    def _refuse_ack(self, eio_sid: str, header: Header, reason: str) -> None:
        """Tell who waits for the ack that there will be none; a callback is not called."""
        callbacks = self.manager.callbacks.get(self.manager.sid_from_eio_sid(eio_sid, header.namespace), {})
        if header.id and isinstance(waiter := callbacks.pop(header.id, None), Waiter):
            waiter.refuse(AnswerError(f"The answer can't be used: {reason}."))

    def _run_connect(self, eio_sid: str, header: Header) -> None:
        try:
            auth = packets.load_body(header.body, self.limits) if header.body else None
        except RefusedValue as error:
            refusal = _refusal("invalid_payload", f"Invalid payload: {error}.")
            self._send(eio_sid, packets.CONNECT_ERROR, header.namespace, refusal)
        except MalformedPacket as error:
            self.close_malformed(eio_sid, str(error))
        else:
            self._handle_connect(eio_sid, header.namespace, auth)

    def close_malformed(self, eio_sid: str, reason: str) -> None:
        """Close the session of a client that sent what follows no protocol."""
        if (found := self.eio.sockets.get(eio_sid)) is not None:
            found.refuse(reason)

    def run_event(self, connection: Connection, about: tuple[PlainEvent, Partial | None, Route]) -> None:
        """Have an event handled, here and now; a client whose JSON is none is closed."""
        event, partial, route = about
        sid = connection.sids.get(event[0])
        if sid is None:
            return
        try:
            values = None if partial is None else _read_arguments(partial)
            size_bytes = len(event[3]) + (0 if partial is None else partial.size_bytes)
            self.incoming.event(connection, sid, event, route, values, size_bytes)
        except MalformedPacket as error:
            self.close_malformed(connection.eio_sid, str(error))

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
        if (connection := self.connections.get(recipient)) is not None:
            connection.sids[namespace] = sid
            connection.stop_alarm()
        self._send(str(recipient), packets.CONNECT, namespace, {"sid": sid})
        recipient.release(functools.partial(self._deliver, str(recipient)))
        self.incoming.connected(sid, namespace)
        if recipient.ended:
            self._dismiss(sid, namespace, recipient.ended)

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
            self._deliver(str(eio_sid), Outgoing(packets.render_packet(packets.DISCONNECT, namespace, None, None)))
            self._finish(str(eio_sid), sid, namespace, reason)

    def _handle_disconnect(self, eio_sid: str, namespace: str, reason: str | None = None) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if sid is not None and self.manager.begin_disconnect(sid, namespace) is not None:
            self._finish(eio_sid, sid, namespace, reason or self.reason.CLIENT_DISCONNECT)

    def _finish(self, eio_sid: str, sid: str, namespace: str, reason: str) -> None:
        if connection := self.connections.get(eio_sid):
            connection.sids.pop(namespace, None)
            connection.namespaces.discard(namespace)
        try:
            self.incoming.disconnect(sid, namespace, reason)
        finally:
            self.manager.disconnect(sid, namespace, ignore_queue=True)

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        if connection := self.connections.get(eio_sid):
            connection.stop_alarm()
            self._cancel_calls(eio_sid)
            connection.lane.put(functools.partial(self._forget, eio_sid, reason))

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


def _run_pooled(pace: Pace, job: Callable[[], object]) -> None:
    since_s = time.monotonic()
    job()
    pace.pool(time.monotonic() - since_s)


def _run_now(job: Callable[[], object]) -> None:
    job()


def _read_arguments(partial: Partial) -> list[Any] | None:
    """Return an event's arguments with their attachments; None where its text alone says what is wrong."""
    try:
        return list(partial.values()[1:])
    except RefusedValue:
        return None


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "data": {"code": code}}
