"""A server's end of one WebSocket, read by the thread that serves the request and written from any.

The protocol itself is wsproto's. Where Engine.IO's own class (simple-websocket) needs a reader thread, holds a message
of any size and leaves Nagle's algorithm on, this one reads in place, refuses what is too large before it is whole, and
turns Nagle's algorithm off.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from .workers import Turn

logger = logging.getLogger(__name__)

RECEIVE_BYTES = 65536
_MAX_DROPPED = 1024  # reads; after a shutdown only what the kernel holds can come
_MAX_PARTS = 1000  # of one message, before they are put together: a string of one byte takes fifty


class WebSocket:
    """Messages in, messages out, closed once.

    Args:
        environ: The WSGI request that asks for the upgrade.
        max_message_bytes: A larger message closes the connection with 1009 before it is read whole.
        create_lock: Makes a lock of the server's async mode; it is held while a message is written.
        turn: Lets other connections be read where this one never stops.

    Raises:
        UnsupportedServer: The WSGI server gives no access to its socket.
        wsproto.utilities.ProtocolError: The request is no WebSocket handshake.
    """

    def __init__(
        self, environ: dict[str, Any], max_message_bytes: int, create_lock: Callable[[], Any], turn: Turn
    ) -> None:
        self.server, self._socket = take_socket(environ)
        self._max_message_bytes = max_message_bytes
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._events: Any = iter(())
        self._parts: list[Any] = []  # all text, or all bytes
        self.problem = ""
        self._part_bytes = 0
        self._lock = create_lock()
        self._turn = turn
        self._closed = False
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._handshake(environ)
        except BaseException:
            self._release_socket()
            raise

    def receive(self) -> str | bytes | None:
        """Return the next message, or None when there will be none; after a refused one there is none."""
        while not self.problem:
            for event in self._events:
                self._turn.pause()
                try:
                    message = self._take(event)
                except (LocalProtocolError, _TooLargeError):
                    return None
                if message is not None:
                    return message
            if not self._read():
                return None
        return None

    def send(self, message: str | bytes) -> None:
        """Send one message whole.

        Raises:
            OSError: The other side is gone, or this side was closed.
        """
        with self._lock:
            event = BytesMessage(message) if isinstance(message, bytes) else TextMessage(message)
            self._write(event)

    def close(self, code: int = CloseReason.NORMAL_CLOSURE) -> None:
        """Say goodbye and stop sending; what the other side still sends can be read."""
        with self._lock:
            if not self._closed:
                with contextlib.suppress(OSError):
                    self._write(CloseConnection(code))
                    self._socket.shutdown(socket.SHUT_WR)
                self._closed = True

    def abort(self) -> None:
        """End it now; a thread that waits in `receive` or `send` comes back."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Give up the socket, where it was duplicated to be taken from the server.

        What is left of a refused message is read and dropped, or gevent's server would take it for its next request.
        """
        self.abort()
        with contextlib.suppress(OSError):
            for _ in range(_MAX_DROPPED if self.problem else 0):
                if not self._socket.recv(RECEIVE_BYTES):
                    break
        self._release_socket()

    def _release_socket(self) -> None:
        if self.server == "gevent":
            self._socket.close()

    def _handshake(self, environ: dict[str, Any]) -> None:
        headers = [
            (key[5:].replace("_", "-").lower().encode(), str(value).encode("latin-1"))
            for key, value in environ.items()
            if key.startswith("HTTP_")
        ]
        request = b"".join(b"%s: %s\r\n" % header for header in headers)
        self._protocol.receive_data(b"GET / HTTP/1.1\r\n" + request + b"\r\n")
        for event in self._protocol.events():
            if isinstance(event, Request):
                with self._lock:
                    self._write(AcceptConnection())  # without extensions: compression costs more than it saves here

    def _read(self) -> bool:
        self._turn.pause()
        try:
            data = self._socket.recv(RECEIVE_BYTES)
            self._turn.begin()
            self._protocol.receive_data(data or None)
        except (OSError, RemoteProtocolError, LocalProtocolError):
            return False
        self._events = self._guarded_events()
        return bool(data)

    def _guarded_events(self) -> Any:
        """Yield wsproto's events; a protocol error closes with its own code."""
        try:
            yield from self._protocol.events()
        except RemoteProtocolError as error:
            hint = getattr(error, "event_hint", None)
            self.close(getattr(hint, "code", CloseReason.PROTOCOL_ERROR))
            self.abort()

    def _take(self, event: Any) -> str | bytes | None:
        if isinstance(event, TextMessage | BytesMessage):
            return self._add_part(event)
        if isinstance(event, Ping):
            with self._lock, contextlib.suppress(OSError):
                self._write(event.response())
        elif isinstance(event, CloseConnection):
            self._answer_close(event)
        return None

    def _answer_close(self, event: CloseConnection) -> None:
        """Answer the other side's goodbye."""
        with self._lock:
            if not self._closed:
                with contextlib.suppress(OSError):
                    self._write(event.response())
                self._closed = True
        self.abort()

    def _add_part(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        data = event.data
        self._part_bytes += len(data.encode() if isinstance(data, str) and not data.isascii() else data)
        if self._part_bytes > self._max_message_bytes:
            self._parts, self._part_bytes = [], 0
            self.problem = "the message is too large"
            self.close(CloseReason.MESSAGE_TOO_BIG)
            self.abort()
            raise _TooLargeError
        self._parts.append(data)
        if event.message_finished:
            parts, self._parts, self._part_bytes = self._parts, [], 0
            return _join(parts)
        if len(self._parts) >= _MAX_PARTS:
            self._parts = [_join(self._parts)]
        return None

    def _write(self, event: Any) -> None:
        if self._closed:
            raise OSError("the WebSocket is closed")
        try:
            self._socket.sendall(self._protocol.send(event))
        except LocalProtocolError as error:
            raise OSError(str(error)) from error


def _join(parts: Any) -> str | bytes:
    return parts[0] if len(parts) == 1 else type(parts[0])().join(parts)  # type: ignore[no-any-return]


_SYNC_WORKER = (
    "gunicorn's sync worker serves one request at a time, so one WebSocket would stop all others. Start it with "
    "'-k gthread --threads 1000' (a thread per client), or with '-k gevent'."
)


class _TooLargeError(Exception):
    """A message went over the limit; nothing of it, and nothing after it, is handed on."""


class UnsupportedServer(Exception):  # noqa: N818 - it names the server
    """The WSGI server gives no access to the connection's socket."""


def take_socket(environ: dict[str, Any]) -> tuple[str, Any]:
    """Return the kind of WSGI server and the connection's socket.

    Raises:
        UnsupportedServer: Neither Werkzeug, nor gunicorn, nor gevent's server.
    """
    for server in ("werkzeug", "gunicorn"):
        if found := environ.get(f"{server}.socket"):
            if server == "gunicorn" and not environ.get("wsgi.multithread"):
                raise UnsupportedServer(_SYNC_WORKER)
            return server, found
    if "wsgi.websocket" in environ:
        raise UnsupportedServer(
            "The application is served through gevent-websocket, which blocks every client while it reads a large "
            "message and accepts frames that the protocol forbids. Uninstall gevent-websocket and serve with gevent's "
            "own worker: 'framework run', or gunicorn with '-k gevent'."
        )
    body = environ.get("wsgi.input")
    raw = getattr(getattr(body, "raw", None), "_sock", None) or getattr(
        getattr(getattr(body, "rfile", None), "raw", None), "_sock", None
    )
    if raw is not None and str(environ.get("SERVER_SOFTWARE", "")).startswith("gevent"):
        try:
            return "gevent", raw.dup()
        except NotImplementedError:  # a TLS socket can't be duplicated
            return "gevent with TLS", raw
    raise UnsupportedServer(
        f"The WSGI server {environ.get('SERVER_SOFTWARE', '?')!r} gives no access to its sockets, so there can be no "
        "WebSocket. Serve with 'framework run', gunicorn (gthread or gevent worker) or gevent's own server."
    )
