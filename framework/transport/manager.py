"""Who is connected and in which room: python-socketio's manager, with its faults mended.

`Fanout` goes between a broker's manager and the in-memory one (``PubSubManager`` calls ``super().emit`` for its own
clients), so one class serves both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import Any, NamedTuple, Self

from socketio import manager, packet

from ..errors import ClientGoneError
from .carriers import Relay
from .engine import SLOW_CLIENT
from .outgoing import Outgoing, is_volatile


class Recipient(str):
    """An Engine.IO id as the rooms hold it, which holds back what is sent until its client is accepted.

    Args:
        session: Where it is sent to; None for one of Flask-SocketIO's test clients.
    """

    __slots__ = ("_left_bytes", "_lock", "connected_at", "ended", "held", "rooms", "session")
    _lock: threading.Lock
    _left_bytes: int
    held: list[Any] | None
    ended: str
    connected_at: float
    rooms: tuple[Any, ...]
    session: Any

    def __new__(cls, eio_sid: str, max_bytes: int, session: Any = None) -> Self:
        self = super().__new__(cls, eio_sid)
        self._left_bytes = max_bytes
        self._lock = threading.Lock()
        self.session = session
        self.rooms = ()  # without the one of its own sid
        self.held = []
        self.ended = ""  # why it is to leave as soon as it is accepted
        self.connected_at = 0.0
        return self

    def hold(self, outgoing: Outgoing) -> bool:
        """Keep *outgoing* for later; False when it can go out now.

        A client for which more is held than may wait is disconnected as soon as it is accepted.
        """
        with self._lock:
            if self.held is None:
                return False
            self._left_bytes -= outgoing.size_bytes
            if self._left_bytes < 0:
                self.ended = SLOW_CLIENT
            else:
                self.held.append(outgoing)
            return True

    def release(self, send: Any) -> None:
        """Hand what was held to *send*, in order, and hold nothing from now on."""
        with self._lock:
            for outgoing in self.held or ():
                send(outgoing)
            self.connected_at = time.time()
            self.held = None  # only now: who sends meanwhile waits in `hold`, and comes after these

    def end(self, reason: str) -> bool:
        """Note that the client is to leave as soon as it is accepted; False when it has been."""
        with self._lock:
            if self.held is not None:
                self.ended = self.ended or reason
            return self.held is not None

    def drop(self) -> None:
        """Forget what was held: the client was refused."""
        with self._lock:
            self.held = []


class Member(NamedTuple):
    """One client of one namespace.

    Args:
        rooms: Without the one of its own sid.
    """

    namespace: str
    sid: str
    recipient: Recipient
    rooms: tuple[Any, ...]


class Waiter:
    """Waits for the answer to one server-to-client call.

    Args:
        event: Of the server's async mode.
    """

    def __init__(self, event: Any) -> None:
        self._event = event
        self._answer: tuple[Any, ...] | None = None
        self._refusal: Exception | None = None

    def __call__(self, *answer: Any) -> None:
        self._answer = answer
        self._event.set()

    def cancel(self) -> None:
        self._event.set()

    def refuse(self, error: Exception) -> None:
        """Have `wait` raise *error*: there is an answer, and it can't be used."""
        self._refusal = error
        self._event.set()

    def wait(self, timeout_s: float | None) -> tuple[Any, ...] | None:
        """Return the answer's arguments, or None when none came in time.

        Raises:
            ClientGoneError: The client left.
            AnswerError: The answer can't be used.
        """
        if not self._event.wait(timeout=timeout_s):
            return None
        if self._refusal is not None:
            raise self._refusal
        if self._answer is None:
            raise ClientGoneError("the client left before it answered")
        return self._answer


class Fanout(manager.Manager):  # type: ignore[misc]
    """The in-memory manager: safe between threads, with targets that mean what they say."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rooms_lock = threading.RLock()

    def pre_connect(self, eio_sid: str, namespace: str) -> str | None:
        with self._rooms_lock:
            session = self.server.eio.sockets.get(eio_sid)
            recipient = Recipient(eio_sid, self.server.limits.max_send_queue_bytes, session)
            sid: str | None = super().pre_connect(recipient, namespace)
            return sid

    def connect(self, sid: str, namespace: str) -> str:
        with self._rooms_lock:
            found: str = super().connect(sid, namespace)
            return found

    def is_connected(self, sid: str, namespace: str) -> bool:
        with self._rooms_lock:
            return bool(super().is_connected(sid, namespace))

    def begin_disconnect(self, sid: str, namespace: str) -> str | None:
        """Mark a client as leaving; return its Engine.IO id to the one who did, None to who comes later."""
        with self._rooms_lock:
            if not self.is_connected(sid, namespace):
                return None
            self.pre_disconnect(sid, namespace)
            return self.eio_sid_from_sid(sid, namespace)

    def basic_enter_room(self, sid: str, namespace: str, room: Any, eio_sid: str | None = None) -> None:
        with self._rooms_lock:
            if eio_sid is not None:
                super().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)
                return
            recipient = self.recipient(sid, namespace)
            if recipient is None:
                return  # the client left meanwhile
            super().basic_enter_room(sid, namespace, room)
            if room != sid and room not in recipient.rooms:
                recipient.rooms += (room,)

    def basic_leave_room(self, sid: str, namespace: str, room: Any) -> None:
        with self._rooms_lock:
            recipient = self.recipient(sid, namespace)
            if recipient is not None and room in recipient.rooms:
                recipient.rooms = tuple(other for other in recipient.rooms if other != room)
            super().basic_leave_room(sid, namespace, room)

    def basic_disconnect(self, sid: str, namespace: str, **kwargs: Any) -> None:
        """Take a client out of its rooms, those of nobody else being looked at, and wake who waits for it."""
        callbacks = dict(self.callbacks.pop(sid, ()))
        with self._rooms_lock:
            recipient = self.recipient(sid, namespace)
            for room in (*(recipient.rooms if recipient is not None else ()), sid, None):
                super().basic_leave_room(sid, namespace, room)
            for pending in (self.pending_connect, self.pending_disconnect):
                waiting = pending.get(namespace, [])
                if sid in waiting:
                    waiting.remove(sid)
                    if not waiting:
                        del pending[namespace]
        for callback in callbacks.values():
            if isinstance(callback, Waiter):
                callback.cancel()

    def get_participants(self, namespace: str, room: Any) -> Any:
        with self._rooms_lock:
            if room is None or isinstance(room, str):
                return iter(list(self.rooms.get(namespace, {}).get(room, {}).items()))
            return iter(list(super().get_participants(namespace, room)))

    def get_rooms(self, sid: str, namespace: str) -> list[Any]:
        recipient = self.recipient(sid, namespace)
        return [] if recipient is None else [sid, *recipient.rooms]

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        found: str | None = self.rooms.get(namespace, {}).get(None, {}).get(sid)
        return found

    def recipient(self, sid: str, namespace: str) -> Recipient | None:
        """Return the client's entry, or None when it is not in *namespace*."""
        found = self.eio_sid_from_sid(sid, namespace)
        return found if isinstance(found, Recipient) else None

    def members(self, namespace: str | None = None) -> list[Member]:
        """Return the connected clients of *namespace*, or all of this process."""
        with self._rooms_lock:
            paths = list(self.rooms) if namespace is None else [namespace]
            return [member for path in paths for member in self._members(path)]

    def _members(self, path: str) -> list[Member]:
        leaving = frozenset(self.pending_disconnect.get(path, ()))
        return [
            Member(path, sid, recipient, recipient.rooms)
            for sid, recipient in self.rooms.get(path, {}).get(None, {}).items()
            if isinstance(recipient, Recipient) and recipient.held is None and sid not in leaving
        ]

    def add_callback(self, sid: str, namespace: str, callback: Any) -> int | None:
        """Return the id that a client of this process answers *callback* with; None when it has gone."""
        with self._rooms_lock:
            if not super().is_connected(sid, namespace):
                return None
            ack_id: int = self._generate_ack_id(sid, callback)
            return ack_id

    def _generate_ack_id(self, sid: str, callback: Any) -> int:
        with self._rooms_lock:
            ack_id: int = super()._generate_ack_id(sid, callback)
            return ack_id

    def forget_callback(self, sid: str, callback: Any) -> None:
        """Drop *callback*, whose answer nobody waits for any more."""
        known = self.callbacks.get(sid, {})
        for ack_id in [ack_id for ack_id, found in list(known.items()) if found is callback]:
            known.pop(ack_id, None)

    def trigger_callback(self, sid: str, ack_id: int | None, data: Any) -> None:
        """Hand a client's ack to who waits for it; an id that was never given out is ignored."""
        if ack_id and ack_id in self.callbacks.get(sid, ()):  # 0 is where the manager keeps its counter
            super().trigger_callback(sid, ack_id, data)

    def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **kwargs: Any,
    ) -> None:
        """Send to a room, to several, or (None) to the whole namespace; encoded once."""
        target = to if to is not None else room
        if namespace not in self.rooms or is_nobody(target):
            return
        skipped = read_skip(skip_sid)
        values = [event, *read_values(data)]
        recipients = [pair for pair in self.get_participants(namespace, read_target(target)) if pair[0] not in skipped]
        if callback is None:
            frames = self.server.packet_class(packet.EVENT, namespace=namespace, data=values).encode()
            self._send_all(recipients, Outgoing(frames, volatile=is_volatile.get()))
            return
        for sid, eio_sid in recipients:
            ack_id = self._generate_ack_id(sid, callback)
            pkt = self.server.packet_class(packet.EVENT, namespace=namespace, data=values, id=ack_id)
            self.server.send_frames(eio_sid, Outgoing(pkt.encode()))

    def _send_all(self, recipients: list[tuple[str, Recipient]], outgoing: Outgoing) -> None:
        """Send one packet to many: what does not differ is found out once, and a WebSocket is one call away."""
        is_direct, may_drop = self.server.is_direct, outgoing.volatile
        wire = b""  # made for the first WebSocket
        for _, recipient in recipients:
            session = recipient.session
            if session is None or recipient.held is not None or not is_direct:
                self.server.send_frames(recipient, outgoing)
            elif may_drop or (link := session.link) is None:
                session.send_message(outgoing)
            else:
                wire = wire or outgoing.wire
                link.write(wire)


def read_values(data: Any) -> list[Any]:
    """Return the arguments that *data* stands for: a tuple is several, None is none."""
    if isinstance(data, tuple):
        return list(data)
    return [] if data is None else [data]


def is_nobody(target: Any) -> bool:
    """Say whether *target* is an empty collection: it reaches nobody, not everybody."""
    return isinstance(target, Collection) and not isinstance(target, str | bytes) and not target


def read_target(target: Any) -> Any:
    """Return *target* as the manager takes it: one room, or a list of them."""
    return list(target) if isinstance(target, set | frozenset | tuple) else target


def read_skip(skip_sid: Any) -> frozenset[Any]:
    """Return the sids to skip, however they were given."""
    if skip_sid is None:
        return frozenset()
    return frozenset([skip_sid]) if isinstance(skip_sid, str) else frozenset(skip_sid)


def mix_in(client_manager: Any) -> Any:
    """Put `Fanout` under *client_manager*, an instance of any of python-socketio's managers, and `Relay` in front of it."""
    kind = type(client_manager)
    if issubclass(kind, Relay) or not issubclass(kind, manager.Manager):
        return client_manager
    if issubclass(kind, Fanout):
        client_manager.__class__ = type(kind.__name__, (Relay, kind), {})
    else:
        client_manager.__class__ = type(kind.__name__, (Relay, kind, Fanout), {})
        client_manager._rooms_lock = threading.RLock()
    return client_manager
