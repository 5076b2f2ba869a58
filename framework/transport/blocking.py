"""The host of last resort: a thread (or greenlet) reads from one WebSocket, another one writes what can't go out at once.

It serves TLS sockets, systems without epoll, and whoever switches the driver off.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

from .link import RECEIVE_BYTES, Link
from .workers import Turn


class Outlet:
    """A blocking socket as a `Link` takes it: it sends what can go without waiting, and leaves closing to the server.

    Args:
        connection: The WSGI server's own socket object.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        raw = getattr(connection, "_sock", connection)  # gevent's sockets wait; what is in them does not
        self._send = None if isinstance(connection, ssl.SSLSocket) or hasattr(connection, "_sslobj") else raw.send
        self._flags = getattr(socket, "MSG_DONTWAIT", None)

    def send(self, data: bytes) -> int:
        """Return how much of *data* was sent.

        Raises:
            BlockingIOError: Nothing can be without waiting.
        """
        if self._send is None or self._flags is None:
            raise BlockingIOError
        return int(self._send(data, self._flags))

    def shutdown(self, how: int) -> None:
        self.connection.shutdown(how)

    def close(self) -> None:
        """Nothing: the server closes it when its request ends."""


class BlockingHost:
    """Serves one link in the thread that calls `serve`.

    Args:
        connection: The WSGI server's socket.
        start_task: Starts a background task of the server's async mode.
        create_event: Makes an event of it.
        turn: Lets other connections be read where this one never stops.
    """

    name = "threads"

    def __init__(
        self, connection: Any, start_task: Callable[..., Any], create_event: Callable[[], Any], turn: Turn
    ) -> None:
        self._connection = connection
        self._start_task = start_task
        self._turn = turn
        self._writable: Any = create_event()
        self._readable: Any = create_event()
        self._writer: Any = None
        self._create_event = create_event

    def want(self, link: Link) -> None:
        if link.blocked:
            if self._writer is None:
                self._writer = self._start_task(self._write, link)
            self._writable.set()

    def resume(self, link: Link) -> None:
        self._readable.set()

    def serve(self, link: Link) -> None:
        """Read until nothing comes any more."""
        try:
            while (data := self._receive()) and not link.closed:
                if link.receive(data):
                    self._hand_on(link)
        finally:
            link.end()
            self._writable.set()
            if self._writer is not None:
                self._writer.join()

    def _receive(self) -> bytes:
        self._turn.pause()
        try:
            data: bytes = self._connection.recv(RECEIVE_BYTES)
        except OSError:
            return b""
        self._turn.begin()
        return data

    def _hand_on(self, link: Link) -> None:
        while link.backlog:
            link.hand_on(link.backlog.popleft())
            self._turn.pause()
            while link.paused:
                self._readable.wait()
                self._readable.clear()

    def _write(self, link: Link) -> None:
        with contextlib.suppress(OSError):
            while not link.closed:
                self._writable.wait()
                self._writable.clear()
                while data := link.take_waiting():
                    self._connection.sendall(data)
                    link.written(len(data))
