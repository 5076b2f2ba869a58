"""Which WSGI server is it, and how does its connection become ours: its socket is taken out of the server's hands.

A threaded server closes what it believes to be its socket when the request ends, so an end of file is left in its place. What
gevent's servers hold can be detached.
"""

from __future__ import annotations

import _socket
import contextlib
import io
import os
import socket
import ssl
from typing import Any, NamedTuple

_SYNC_WORKER = (
    "gunicorn's sync worker serves one request at a time, so one WebSocket would stop all others. Start it with "
    "'-k gthread --threads 8', or with '-k gevent'."
)


ASYNCIO = "asyncio"
FRONT = "framework.front"  # where our own front puts itself into a request's environ
_OF_REQUEST = frozenset({"gunicorn.socket", "werkzeug.socket", "wsgi.early_hints", FRONT})
_NO_BODY = io.BytesIO()


class UnsupportedServer(Exception):  # noqa: N818 - it names the server
    """The WSGI server gives no access to the connection's socket."""


class Origin(NamedTuple):
    """Where a WebSocket comes from.

    Args:
        server: ``werkzeug``, ``gunicorn``, ``gevent`` or ``asyncio``.
        connection: Its socket; for asyncio what makes a link of it.
        problem: Why the socket can't be taken from the server; empty where it can.
    """

    server: str
    connection: Any
    problem: str = ""


def find_origin(environ: dict[str, Any]) -> Origin:
    """Return the server that serves a request, and the request's connection.

    Raises:
        UnsupportedServer: Neither Werkzeug, nor gunicorn, nor gevent's server, nor ours.
    """
    if found := environ.get(FRONT):
        return Origin(ASYNCIO, found, found.problem)
    for server in ("werkzeug", "gunicorn"):
        if found := environ.get(f"{server}.socket"):
            if server == "gunicorn" and not environ.get("wsgi.multithread"):
                raise UnsupportedServer(_SYNC_WORKER)
            return Origin(server, found, _find_problem(found))
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
    software = str(environ.get("SERVER_SOFTWARE", ""))
    if raw is not None and software.startswith("gevent"):
        return Origin("gevent", raw, _find_problem(raw))
    raise UnsupportedServer(
        f"The WSGI server {environ.get('SERVER_SOFTWARE', '?')!r} gives no access to its sockets, so there can be no "
        "WebSocket. Serve with 'framework run', gunicorn (gthread or gevent worker) or gevent's own server."
    )


def _find_problem(connection: Any) -> str:
    if isinstance(connection, ssl.SSLSocket) or hasattr(connection, "_sslobj"):
        return "TLS ends in this process: a thread serves each WebSocket. A proxy in front can end TLS in its place"
    return ""


def take_socket(origin: Origin, *, detach: bool) -> Any:
    """Return the connection's socket, non-blocking and without Nagle's delay, in nobody's hands but ours.

    Args:
        detach: The server's socket object is left empty; else it holds an end of file from now on.
    """
    connection = origin.connection
    number = connection.detach() if detach else _swap(connection.fileno())
    # The interpreter's own class, without what Python's and gevent's put around it: a third of the memory.
    taken = _socket.socket(fileno=number)
    taken.setblocking(False)
    set_no_delay(taken)
    return taken


def forget_request(environ: dict[str, Any]) -> None:
    """Drop what only the request itself needed, since its environ lives as long as its connection."""
    for key in _OF_REQUEST & environ.keys():
        del environ[key]
    environ["wsgi.input"] = _NO_BODY


def set_no_delay(connection: Any) -> None:
    """Have small writes leave at once: Nagle's algorithm would hold the second one back for 40 ms."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _swap(number: int) -> int:
    """Return another descriptor of the same socket, and put an end of file under the old one."""
    taken = os.dup(number)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.shutdown(socket.SHUT_RDWR)
        os.dup2(ours.fileno(), number, inheritable=False)
    return taken
