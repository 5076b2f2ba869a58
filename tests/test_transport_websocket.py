"""`framework.transport.websocket`, over a pair of connected sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from wsproto.utilities import ProtocolError

from framework.transport.websocket import UnsupportedServer, WebSocket, take_socket
from framework.transport.workers import Turn
from tests.wire.raw import BINARY, CONTINUATION, TEXT, build_frame

HANDSHAKE = {
    "HTTP_HOST": "localhost",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate",
}
LIMIT = 100


def open_websocket(server: socket.socket, **changes: str) -> WebSocket:
    environ = {**HANDSHAKE, **changes, "werkzeug.socket": server}
    return WebSocket(environ, LIMIT, threading.Lock, Turn(None))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    server, client = socket.socketpair()
    client.settimeout(10)
    with server, client:
        yield server, client


@pytest.fixture
def opened(pair: tuple[socket.socket, socket.socket]) -> tuple[WebSocket, socket.socket]:
    server, client = pair
    websocket = open_websocket(server)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert b"permessage-deflate" not in head
    return websocket, client


def test_messages_are_received_whole_and_in_order(opened: tuple[WebSocket, socket.socket]) -> None:
    websocket, client = opened
    client.sendall(build_frame(TEXT, "grüß".encode()) + build_frame(BINARY, b"\x00\xff") + build_frame(TEXT, b""))
    assert [websocket.receive() for _ in range(3)] == ["grüß", b"\x00\xff", ""]


def test_fragments_of_one_byte_make_one_message(opened: tuple[WebSocket, socket.socket]) -> None:
    websocket, client = opened
    frames = [build_frame(BINARY, b"a", fin=False)] + [build_frame(CONTINUATION, b"b", fin=False)] * (LIMIT - 2)
    client.sendall(b"".join(frames) + build_frame(CONTINUATION, b"c"))
    assert websocket.receive() == b"a" + b"b" * (LIMIT - 2) + b"c"


def test_many_empty_fragments_are_joined_as_they_come(opened: tuple[WebSocket, socket.socket]) -> None:
    websocket, client = opened
    received: list[Any] = []
    reader = threading.Thread(target=lambda: received.append(websocket.receive()))
    reader.start()
    client.sendall(build_frame(TEXT, b"a", fin=False) + build_frame(CONTINUATION, b"", fin=False) * 5000)
    client.sendall(build_frame(CONTINUATION, b"z"))
    reader.join(10)
    assert received == ["az"]


@pytest.mark.parametrize("payload", [b"x" * (LIMIT + 1), ("ü" * (LIMIT // 2 + 1)).encode()])
def test_message_over_the_limit_in_bytes_is_closed_with_1009(
    opened: tuple[WebSocket, socket.socket], payload: bytes
) -> None:
    websocket, client = opened
    client.sendall(build_frame(TEXT, payload))
    assert websocket.receive() is None
    assert client.recv(4) == b"\x88\x02\x03\xf1"


@pytest.mark.parametrize("payload", [b"x" * LIMIT, ("ü" * (LIMIT // 2)).encode()])
def test_message_at_the_limit_is_received(opened: tuple[WebSocket, socket.socket], payload: bytes) -> None:
    websocket, client = opened
    client.sendall(build_frame(TEXT, payload))
    assert websocket.receive() == payload.decode()


def test_end_of_the_other_side_is_the_end(opened: tuple[WebSocket, socket.socket]) -> None:
    websocket, client = opened
    client.close()
    assert websocket.receive() is None
    with pytest.raises(OSError):  # noqa: PT011 - whatever the system calls it
        for _ in range(3):
            websocket.send("into the void")


def test_sending_after_close_raises(opened: tuple[WebSocket, socket.socket]) -> None:
    websocket, client = opened
    websocket.close()
    websocket.close()
    assert client.recv(4) == b"\x88\x02\x03\xe8"
    with pytest.raises(OSError, match="closed"):
        websocket.send("late")


def test_abort_wakes_who_waits_for_a_message(opened: tuple[WebSocket, socket.socket]) -> None:
    websocket, _ = opened
    received: list[Any] = []
    reader = threading.Thread(target=lambda: received.append(websocket.receive()))
    reader.start()
    websocket.abort()
    reader.join(10)
    assert received == [None]


def test_abort_wakes_who_sends_to_a_client_that_does_not_read(opened: tuple[WebSocket, socket.socket]) -> None:
    websocket, client = opened
    failed: list[OSError] = []
    started = threading.Event()

    def send() -> None:
        try:
            while True:
                websocket.send("x" * 100_000)
                started.set()
        except OSError as error:
            failed.append(error)

    writer = threading.Thread(target=send)
    writer.start()
    assert started.wait(10)
    websocket.abort()
    writer.join(10)
    assert not writer.is_alive()
    assert failed
    client.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_SEC_WEBSOCKET_VERSION": "8"},
        {"HTTP_CONNECTION": "close"},
        {"HTTP_UPGRADE": "h2c"},
    ],
)
def test_request_that_is_no_handshake_is_refused(
    pair: tuple[socket.socket, socket.socket], changes: dict[str, str]
) -> None:
    with pytest.raises(ProtocolError):
        open_websocket(pair[0], **changes)


def test_gevent_websocket_is_refused_with_its_reason() -> None:
    with pytest.raises(UnsupportedServer, match="gevent-websocket, which blocks every client.*Uninstall"):
        take_socket({"wsgi.websocket": object(), "SERVER_SOFTWARE": "gevent/26 Python/3.11"})


def test_server_without_a_socket_is_refused_with_a_way_out() -> None:
    with pytest.raises(UnsupportedServer, match=r"'waitress'.*framework run"):
        take_socket({"SERVER_SOFTWARE": "waitress"})


@pytest.mark.parametrize("server", ["werkzeug", "gunicorn"])
def test_socket_of_a_threaded_server_is_its_own(pair: tuple[socket.socket, socket.socket], server: str) -> None:
    assert take_socket({f"{server}.socket": pair[0], "wsgi.multithread": True}) == (server, pair[0])


def test_nagles_algorithm_is_turned_off() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        assert not server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        open_websocket(server)
        assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert client.recv(12) == b"HTTP/1.1 101"


def test_gunicorns_sync_worker_is_refused_with_the_worker_to_use(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(UnsupportedServer, match="-k gthread"):
        take_socket({"gunicorn.socket": pair[0], "wsgi.multithread": False})


@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_nothing_of_a_message_over_the_limit_and_nothing_after_it_is_handed_on(
    opened: tuple[WebSocket, socket.socket], kind: int
) -> None:
    websocket, client = opened
    client.sendall(build_frame(kind, b"x" * (LIMIT + 50)) + build_frame(TEXT, b'42["forged"]'))
    assert websocket.receive() is None
    assert websocket.receive() is None
    assert websocket.problem == "the message is too large"
