"""The host on an asyncio loop (uvloop's, where that is installed), behind uvicorn.

uvicorn accepts connections and speaks HTTP; this is what it makes of a WebSocket. The upgrade's request goes through the whole
WSGI application as on every other server. Then the socket leaves the loop, for whoever reads from all of them through epoll. Where
that is not to be had, without epoll or where uvicorn ends TLS, the loop reads from it. A loop can't be handed to another thread, so
only handlers that are declared ``run="inline"`` run on it; all others run in the pool.
"""

from __future__ import annotations

import _socket
import asyncio
import collections
import concurrent.futures
import contextlib
import http.client
import io
import logging
import os
import socket
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from .leading import Leader, advance
from .link import Link
from .takeover import FRONT, set_no_delay

logger = logging.getLogger(__name__)

HIGH_WATER_BYTES = 65536
MAX_EARLY_BYTES = 65536
LEAVE_S = 10.0  # after which a loop that does not answer is taken for one that has ended
WSGI = Callable[[dict[str, Any], Any], Any]


class Due:
    """The links of one loop for which other threads have something to write; the loop is woken once for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._links: collections.deque[Link] = collections.deque()
        self._is_woken = False

    def add(self, link: Link) -> None:
        """Have the loop flush *link*; from any thread."""
        self._links.append(link)
        if not self._is_woken:
            self._is_woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        self._is_woken = False  # before it looks: what comes from now on wakes again
        for _ in range(len(self._links)):
            link = self._links.popleft()
            try:
                link.flush()
            except Exception:  # the others have to be written to all the same
                logger.exception("a WebSocket failed")


_dues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Due] = weakref.WeakKeyDictionary()


class SocketProtocol(asyncio.Protocol):
    """One connection that asked for an upgrade; uvicorn's ``ws`` option takes it.

    Args:
        app: The WSGI application.
        server_state: uvicorn's, which closes at shutdown what it knows.
        about: What else uvicorn passes.
    """

    name = "asyncio"

    def __init__(self, app: WSGI, *, server_state: Any, **about: Any) -> None:
        self._app = app
        self._known: set[Any] = server_state.connections
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._leader = Leader(can_be_replaced=False)
        self._transport: Any = None
        self._link: Link | None = None
        self._early: list[bytes] | None = None  # what came before the handshake was answered
        self._is_full = False
        self._is_held = False
        self._is_gone = False  # its socket is somebody else's
        self._due = _dues.get(self._loop) or _dues.setdefault(self._loop, Due(self._loop))

    # -- what asyncio calls

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self._known.add(self)
        if (connection := transport.get_extra_info("socket")) is not None:
            set_no_delay(connection)

    def data_received(self, data: bytes) -> None:
        if self._link is not None:
            if self._link.receive(data):
                self._hand_on()
        elif self._early is None:
            self._early = []
            self._loop.run_in_executor(None, self._serve, read_environ(data, self._transport))
        else:
            self._early.append(data)
            if sum(map(len, self._early)) > MAX_EARLY_BYTES:
                self._transport.abort()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._known.discard(self)
        if self._link is not None:
            self._link.end()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        if self._link is not None:
            self._link.flush()

    def shutdown(self) -> None:
        """Close it; uvicorn stops."""
        self._transport.close()

    # -- the upgrade's request, in another thread

    def _serve(self, environ: dict[str, Any]) -> None:
        environ[FRONT] = self
        answer: list[Any] = []
        try:
            body = self._app(environ, lambda status, headers, error=None: answer.extend((status, headers)))
            if self._link is None and not self._is_gone:
                status, headers = answer
                self._loop.call_soon_threadsafe(self._refuse, status, headers, b"".join(body))
        except Exception:
            logger.exception("an upgrade failed")
            self._loop.call_soon_threadsafe(self._transport.close)

    def _refuse(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        about = [*headers, ("Content-Length", str(len(body))), ("Connection", "close")]
        head = "".join(f"{name}: {value}\r\n" for name, value in dict(about).items())
        self._transport.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body)
        self._transport.close()

    def open(self, link: Link) -> None:
        """Serve *link* on the loop from now on."""
        self._link = link
        self._loop.call_soon_threadsafe(self._start, link)

    def _start(self, link: Link) -> None:
        link.uncork()
        early, self._early = self._early, None
        if self._transport.is_closing():
            link.end()
        elif early and link.receive(b"".join(early)):
            self._hand_on()

    # -- leaving the loop

    @property
    def problem(self) -> str:
        """Why the socket can't leave the loop; empty where it can."""
        return "TLS ends in this process" if self._transport.get_extra_info("sslcontext") is not None else ""

    def take_socket(self) -> tuple[Any, bytes] | None:
        """Return the connection's socket, in nobody's hands but ours, and what was read from it; None when its client has gone.

        Not for the loop's own thread.

        Raises:
            TimeoutError: The loop does not run any more.
        """
        taken: concurrent.futures.Future[tuple[Any, bytes] | None] = concurrent.futures.Future()
        self._loop.call_soon_threadsafe(self._leave, taken)
        try:
            return taken.result(LEAVE_S)
        except TimeoutError:
            taken.cancel()
            raise

    def _leave(self, taken: concurrent.futures.Future[tuple[Any, bytes] | None]) -> None:
        if not taken.set_running_or_notify_cancel():
            return
        transport = self._transport
        try:
            if transport.is_closing():
                taken.set_result(None)
                return
            transport.pause_reading()  # what comes from now on is in the socket
            found = _socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
            found.setblocking(False)
            self._is_gone = True
            transport.abort()  # of the loop's own descriptor
        except Exception as error:
            taken.set_exception(error)
        else:
            taken.set_result((found, b"".join(self._early or ())))

    # -- what a link does with its socket

    def send(self, data: bytes) -> int:
        """Return how much of *data* the transport took: all, or nothing where it is full or another thread's."""
        if self._is_full or threading.get_ident() != self._thread:
            return 0
        self._transport.write(data)
        return len(data)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._transport.close)

    def get_extra_info(self, name: str) -> Any:
        return self._transport.get_extra_info(name)

    # -- a link's host and its connection

    def want(self, link: Link) -> None:
        if link.paused and link.leader is self._leader:
            self._hold(True)
        if link.blocked and not self._is_full:
            self._due.add(link)

    def resume(self, link: Link) -> None:
        self._call(self._resume, link)

    def _resume(self, link: Link) -> None:
        self._hold(False)
        self._hand_on()

    def shut(self, how: int) -> None:
        """End one direction, or both."""
        self._call(self._transport.abort if how == socket.SHUT_RDWR else self._end_writing)

    def _end_writing(self) -> None:
        with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()

    def _call(self, step: Callable[..., object], *about: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(step, *about)

    def _hand_on(self) -> None:
        link = self._link
        if link is None or link.paused:
            return
        try:
            advance(self._leader, link)
        except Exception:
            logger.exception("a WebSocket failed")
            self._transport.abort()
        has_more = bool(link.backlog)
        if has_more and not link.paused:
            self._loop.call_soon(self._hand_on)
        self._hold(has_more or link.paused)

    def _hold(self, hold: bool) -> None:
        """Read no more while something that was read is not handed on: a client that never stops would be all there is."""
        if hold != self._is_held:
            self._is_held = hold
            with contextlib.suppress(RuntimeError):  # it is closed
                if hold:
                    self._transport.pause_reading()
                else:
                    self._transport.resume_reading()


class Wire:
    """The connection of a `SocketProtocol` as a `Link` takes it."""

    def __init__(self, protocol: SocketProtocol) -> None:
        self.send = protocol.send
        self.close = protocol.close
        self.shutdown = protocol.shut
        self.get_extra_info: Callable[[str], Any] = protocol.get_extra_info


def read_environ(head: bytes, transport: Any) -> dict[str, Any]:
    """Return the WSGI environ of an upgrade's request, which uvicorn has parsed and written out again."""
    stream = io.BytesIO(head)
    method, target, _ = stream.readline().decode("latin-1").split(" ", 2)
    path, _, query = target.partition("?")
    ours, theirs = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": str(ours[0]) if ours else "localhost",
        "SERVER_PORT": str(ours[1]) if ours else "80",
        "SERVER_SOFTWARE": "uvicorn",
        "REMOTE_ADDR": str(theirs[0]) if theirs else "",
        "REMOTE_PORT": str(theirs[1]) if theirs else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http" if transport.get_extra_info("sslcontext") is None else "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in cast(Any, http.client.parse_headers(stream)).items():
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
