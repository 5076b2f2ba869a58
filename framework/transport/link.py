"""One WebSocket, whoever reads from it: frames in, messages out to its session; bytes out, bounded.

A `Link` never waits. It writes at once what the socket takes and keeps the rest until its host says that there is room. What
is written while its own messages are handed on goes out in one piece at the end.
"""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .frames import Broken, Closed, FrameReader, Ping, Received, close_frame, pong_frame

RECEIVE_BYTES = 65536
_JOINED_BYTES = 262144  # how much of what waits is put together for one write
MAX_DROPPED_BYTES = 1_000_000
NORMAL_CLOSURE, PROTOCOL_ERROR, POLICY_VIOLATION, MESSAGE_TOO_BIG = 1000, 1002, 1008, 1009


class Host(Protocol):
    """Waits for the sockets of links, and reads from them."""

    name: str

    def want(self, link: Link) -> None:
        """Wait for what *link* waits for now: ``paused`` and ``blocked`` have changed."""

    def resume(self, link: Link) -> None:
        """Read from *link* again, and hand on what is left of what was read; from any thread."""


class User(Protocol):
    """Whose link it is: the session."""

    def take(self, link: Link, message: str | bytes) -> None:
        """Take one message."""

    def fail(self, link: Link, problem: str) -> None:
        """Take note that the client broke the protocol; *problem* is empty where there is nothing to say."""

    def overflow(self, link: Link) -> None:
        """Take note that more waits to be written than may."""

    def ended(self, link: Link) -> None:
        """Take note that nothing comes any more."""


class Link:
    """A WebSocket.

    Args:
        connection: Its socket, non-blocking.
        host: Reads.
        max_message_bytes: A larger message closes the connection with 1009 before it is read.
        max_waiting_bytes: What may wait to be written.
        lock: A lock in which nothing waits.
    """

    __slots__ = (
        "_closing",
        "_corked",
        "_dropped_bytes",
        "_lock",
        "_max_waiting_bytes",
        "_out",
        "_reader",
        "backlog",
        "blocked",
        "closed",
        "connection",
        "host",
        "leader",
        "paused",
        "queued",
        "user",
        "waiting_bytes",
        "watchers",
    )

    def __init__(
        self,
        connection: Any,
        host: Host,
        max_message_bytes: int,
        max_waiting_bytes: int,
        lock: Any,
    ) -> None:
        self.connection = connection
        self.host = host
        self.leader: Any = None  # the `Leader` that hands on a message of it at this moment
        self.backlog: deque[Received] | None = None  # read, and not handed on
        self.paused = False  # nothing is read from it
        self.blocked = False  # something waits until the socket takes more
        self.closed = False
        self.queued = False  # for a host that keeps a list of those with a backlog
        self.waiting_bytes = 0
        self.watchers: Any = None  # the host's own
        self.user: User  # takes what comes; set before anything does
        self._reader = FrameReader(max_message_bytes)
        self._max_waiting_bytes = max_waiting_bytes
        self._lock = lock
        self._out: list[bytes] | None = None
        self._corked = False
        self._closing = False
        self._dropped_bytes = 0

    # -- receiving

    def read(self, buffer: memoryview) -> bool | None:
        """Read once; True when there is something to hand on, None when nothing comes any more.

        Args:
            buffer: What is read into, of `RECEIVE_BYTES`: to get as much from the system for each read would cost more than
                the read itself.
        """
        try:
            count = self.connection.recv_into(buffer)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return None
        return self.receive(buffer[:count].tobytes()) if count else None

    def receive(self, data: bytes) -> bool:
        """Take what was read; say whether there is something to hand on."""
        if self._closing:
            self._drop(data)
            return False
        received = self._reader.feed(data)
        if not received:
            return False
        if self.backlog:
            self.backlog.extend(received)
        else:
            self.backlog = deque(received)
        return True

    def _drop(self, data: bytes) -> None:
        """Pass over what still comes from a client that was told goodbye, so that it sees that; not for ever."""
        self._dropped_bytes += len(data)
        if self._dropped_bytes > MAX_DROPPED_BYTES:
            self.abort()

    def hand_on(self, received: Received) -> None:
        """Give one message to the session; answer what is the protocol's own."""
        kind = type(received)
        if kind is str or kind is bytes:
            self.user.take(self, received)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        elif isinstance(received, Ping):
            self.write(pong_frame(received.payload))
        elif isinstance(received, Closed | Broken):
            self.close(received.code)
            too_large = received.code == MESSAGE_TOO_BIG and isinstance(received, Broken)
            self.user.fail(self, "the message is too large" if too_large else "")

    def pause(self, when_room: Callable[[Callable[[], object]], None]) -> None:
        """Read nothing more until *when_room* calls back."""
        self.paused = True
        self.host.want(self)
        when_room(self._resume)

    def _resume(self) -> None:
        if self.paused:
            self.paused = False
            self.host.resume(self)

    # -- sending

    def write(self, data: bytes) -> None:
        """Send, or keep until it can be sent; a link that is closed sends nothing."""
        with self._lock:
            if self._closing or self.closed:
                return
            if self._out is None:
                sent = self._send(data)
                if sent == len(data):
                    return
                self._out = [data[sent:]]
                self.waiting_bytes = len(data) - sent
            else:
                self._out.append(data)
                self.waiting_bytes += len(data)
                if self.waiting_bytes > _JOINED_BYTES and not self.blocked:
                    self._flush()
            is_full = self.waiting_bytes > self._max_waiting_bytes
        if is_full:
            self.user.overflow(self)

    def cork(self) -> None:
        """Keep what is written until `uncork`."""
        with self._lock:
            self._corked = True
            if self._out is None:
                self._out = []

    def uncork(self) -> None:
        """Send what was kept."""
        with self._lock:
            self._corked = False
            if not self.blocked and self._out is not None:
                self._flush()

    def flush(self) -> None:
        """Send what waits: the socket takes more."""
        with self._lock:
            if self.blocked and not self.closed:
                self._flush()

    def take_waiting(self) -> bytes:
        """Return some of what waits, for a host that may wait while it writes; it says when it has `written` it."""
        with self._lock:
            if self._out:
                data, self._out = self._take_some(self._out)
                return data
            self._out = [] if self._corked else None
            self.blocked = False
            if self._closing:
                self._shut()
            return b""

    def written(self, count: int) -> None:
        """Take note that *count* bytes of what waited have been written."""
        with self._lock:
            self.waiting_bytes -= count

    @property
    def is_behind(self) -> bool:
        """Whether the client reads more slowly than it is sent to."""
        return self.blocked

    def _send(self, data: bytes) -> int:
        """Return how much of *data* the socket took; of a broken one it takes all."""
        try:
            sent: int = self.connection.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return len(data)  # whoever reads finds out
        if sent < len(data):
            self._set_blocked(True)
        return sent

    def _flush(self) -> None:
        out = self._out or []
        while out:
            data, rest = self._take_some(out)
            sent = self._send(data)
            self.waiting_bytes -= sent
            if sent < len(data):
                self._out = [data[sent:], *rest]
                return
            out = rest
        self._out = [] if self._corked else None
        self.waiting_bytes = 0
        self._set_blocked(False)
        if self._closing:
            self._shut()

    @staticmethod
    def _take_some(out: list[bytes]) -> tuple[bytes, list[bytes]]:
        """Return as many of the first pieces as go well into one write, joined, and the others."""
        if len(out) == 1:
            return out[0], []
        size, count = 0, 0
        while count < len(out) and size < _JOINED_BYTES:
            size += len(out[count])
            count += 1
        return b"".join(out[:count]), out[count:]

    def _set_blocked(self, blocked: bool) -> None:
        if self.blocked != blocked:
            self.blocked = blocked
            if not self.closed:
                self.host.want(self)

    # -- ending

    def close(self, code: int = NORMAL_CLOSURE) -> None:
        """Say goodbye and send nothing more; what waits goes first."""
        with self._lock:
            if self._closing or self.closed:
                return
            if self._out is None:
                self._out = []
            self._out.append(close_frame(code))
            self._closing = True
            if not self.blocked:
                self._flush()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """End it now, for both sides; its host notices and closes it."""
        with self._lock:
            if not self.closed:
                self._closing = True
                self._out, self.waiting_bytes = [], 0
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Close the socket; for its host, since nobody else may use the descriptor's number at that moment."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            self._out, self.waiting_bytes, self.backlog = None, 0, None
            self.connection.close()
        self.user.ended(self)
