"""Chooses who reads from a WebSocket: one leader for all where that is possible, uvicorn's loop or a thread for each otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from ..limits import Limits
from .aio import SocketProtocol, Wire
from .blocking import BlockingHost, Outlet
from .epoll import EpollHost
from .frames import render_handshake
from .greenlets import GreenletHost
from .link import Link, User
from .takeover import ASYNCIO, Origin, find_origin, set_no_delay, take_socket
from .workers import Turn

logger = logging.getLogger("framework")

AUTO, OFF = "auto", "off"
_NOTHING: tuple[bytes, ...] = ()  # no list: python-engineio would answer the request with that


class Session(Protocol):
    """Whose WebSocket it becomes."""

    def open_link(self, link: Link) -> User:
        """Take it; return who gets its messages."""
        ...


class Engine(Protocol):
    """The server, as far as a driver needs it."""

    async_mode: str
    limits: Limits
    max_http_buffer_size: int
    raw_lock: Callable[[], Any]
    create_event: Callable[[], Any]
    start_background_task: Callable[..., Any]

    def create_turn(self) -> Turn: ...


class Driver:
    """Serves the WebSockets of one server.

    Args:
        server: Whose sessions they are.
        setting: ``auto``, or ``off`` to have a thread (or greenlet) read from each.
    """

    def __init__(self, server: Engine, setting: str) -> None:
        self._server = server
        self._setting = setting
        self._host: EpollHost | GreenletHost | None = None
        self._told = False
        self._lock = server.raw_lock()

    def find_problem(self) -> str:
        """Say why no leader can read from WebSockets, whatever server there is; empty where one can."""
        if self._setting == OFF:
            return "FRAMEWORK_DRIVER is 'off'"
        if self._server.async_mode != "gevent" and not EpollHost.is_available():
            return "this system has no epoll"
        return ""

    def describe(self, server: str) -> str:
        """Say who reads from WebSockets under *server*, for people."""
        problem = self.find_problem()
        gevent = self._server.async_mode == "gevent"
        if problem and server == ASYNCIO:
            return f"read by uvicorn's loop: {problem}"
        if problem:
            return f"a {'greenlet' if gevent else 'thread'} for each: {problem}"
        return "read by gevent's hub" if gevent else "read by one thread, through epoll"

    def serve(self, session: Session, environ: dict[str, Any]) -> str:
        """Make the connection of *environ*'s request a WebSocket of *session*; return the server, for `leave`.

        Raises:
            UnsupportedServer: The server gives no access to its socket.
            HandshakeError: The request is no WebSocket handshake.
        """
        origin = find_origin(environ)
        handshake = render_handshake(environ)
        problem = self.find_problem() or origin.problem
        if problem:
            self._tell("read by uvicorn's loop" if origin.server == ASYNCIO else "served by a thread each", problem)
        if origin.server == ASYNCIO:
            self._serve_asyncio(session, origin.connection, handshake, problem)
        elif problem:
            self._serve_blocking(session, origin, handshake)
        else:
            self._adopt(session, origin, handshake)
        return origin.server

    def give_way(self) -> None:
        """Called by whoever is about to wait for a client: if it leads, another one reads in its place."""
        if self._host is not None:
            self._host.give_way()

    def _adopt(self, session: Session, origin: Origin, handshake: bytes) -> None:
        gevent = self._server.async_mode == "gevent"
        connection = take_socket(origin, detach=origin.server == "gevent" or gevent)
        host = self._find_host()
        link = self._create_link(connection, session, host, handshake)
        host.adopt(link)
        link.uncork()

    def _find_host(self) -> EpollHost | GreenletHost:
        with self._lock:  # the first clients come in several threads
            if self._host is None:
                self._host = GreenletHost() if self._server.async_mode == "gevent" else EpollHost()
            return self._host

    def _serve_asyncio(self, session: Session, front: SocketProtocol, handshake: bytes, problem: str) -> None:
        """Take the socket off the loop, which only one thread can run; else have the loop read from it."""
        taken = None if problem else front.take_socket()
        if taken is None:
            front.open(self._create_link(Wire(front), session, front, handshake))
            return
        connection, early = taken
        host = self._find_host()
        link = self._create_link(connection, session, host, handshake)
        has_more = bool(early) and link.receive(early)
        host.adopt(link)
        link.uncork()
        if has_more:
            host.resume(link)

    def _serve_blocking(self, session: Session, origin: Origin, handshake: bytes) -> None:
        set_no_delay(origin.connection)
        server = self._server
        turn = server.create_turn()
        host = BlockingHost(origin.connection, server.start_background_task, server.create_event, turn)
        link = self._create_link(Outlet(origin.connection), session, host, handshake)
        link.uncork()
        host.serve(link)

    def _create_link(self, connection: Any, session: Session, host: Any, handshake: bytes) -> Link:
        server = self._server
        most = server.limits.max_send_queue_bytes
        link = Link(connection, host, server.max_http_buffer_size, most, server.raw_lock())
        link.cork()
        link.write(handshake)
        link.user = session.open_link(link)
        return link

    def _tell(self, how: str, problem: str) -> None:
        if not self._told:
            self._told = True
            logger.warning("WebSockets are %s: %s.", how, problem)


def leave(server: str) -> tuple[bytes, ...]:
    """Tell the server that the connection is not its own any more: by what its application returns, or raises."""
    if server == "gunicorn":
        raise StopIteration
    if server == "werkzeug":
        raise ConnectionError
    return _NOTHING
