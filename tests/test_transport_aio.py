"""`framework.transport.aio`, without a server: what the loop reads and when, and how often it is woken."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import SimpleNamespace
from typing import Any

from framework.transport.aio import SocketProtocol, Wire
from framework.transport.leading import MAX_MESSAGES
from framework.transport.link import Link
from framework.transport.takeover import FRONT

PING_ANSWER = b"\x81\x81\0\0\0\x003"  # a text frame, masked with zeros


class Transport:
    """What asyncio would write to and read from."""

    def __init__(self) -> None:
        self.reads = True
        self.written: list[bytes] = []

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_extra_info(self, name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def write(self, data: bytes) -> None:
        self.written.append(data)


class Taker:
    """Takes messages, and notes for each whether the client is read from."""

    def __init__(self, transport: Transport) -> None:
        self.reads: list[bool] = []
        self._transport = transport

    def take(self, link: Link, message: str | bytes) -> None:
        self.reads.append(self._transport.reads)


def connect() -> tuple[SocketProtocol, Link, Transport, Taker]:
    transport = Transport()
    protocol = SocketProtocol(lambda environ, start: [], server_state=SimpleNamespace(connections=set()))
    protocol.connection_made(transport)
    link = Link(Wire(protocol), protocol, 1_000_000, 1_000_000, threading.Lock())
    taker: Any = Taker(transport)
    link.user = taker
    protocol.open(link)
    return protocol, link, transport, taker


def test_client_is_not_read_from_while_something_of_it_is_not_handed_on() -> None:
    count = 3 * MAX_MESSAGES + 1

    async def scenario() -> None:
        protocol, _, transport, taker = connect()
        protocol.data_received(PING_ANSWER * count)
        assert not transport.reads
        while len(taker.reads) < count:
            await asyncio.sleep(0)
        assert transport.reads
        assert taker.reads == [True] * MAX_MESSAGES + [False] * (count - MAX_MESSAGES)

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_loop_is_woken_once_for_what_another_thread_writes_to_many_clients() -> None:
    async def scenario() -> None:
        clients = [connect() for _ in range(20)]
        await asyncio.sleep(0)
        loop, woken = asyncio.get_running_loop(), []
        wake = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *about: woken.append(about) or wake(*about)  # type: ignore[method-assign,func-returns-value]
        writer = threading.Thread(target=lambda: [link.write(b"all") for _, link, _, _ in clients])
        writer.start()
        writer.join()  # the loop can't run before
        assert len(woken) == 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [transport.written for _, _, transport, _ in clients] == [[b"all"]] * 20

    asyncio.run(asyncio.wait_for(scenario(), 5))


REQUEST = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\n\r\n"


def test_socket_that_leaves_the_loop_loses_nothing_that_its_client_sends() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        may_leave, known, fronts = threading.Event(), set[Any](), []
        taken: asyncio.Future[Any] = loop.create_future()

        def serve(environ: dict[str, Any], start: Any) -> list[bytes]:
            assert may_leave.wait(5)
            loop.call_soon_threadsafe(taken.set_result, environ[FRONT].take_socket())
            return []

        def create_front() -> SocketProtocol:
            fronts.append(SocketProtocol(serve, server_state=SimpleNamespace(connections=known)))
            return fronts[0]

        async with await loop.create_server(create_front, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(REQUEST)
            while not fronts or fronts[0]._early is None:
                await asyncio.sleep(0)
            writer.write(b"early")
            while not fronts[0]._early:
                await asyncio.sleep(0)
            may_leave.set()
            connection, early = await taken
            writer.write(b"late")
            assert early == b"early"
            with socket.socket(fileno=connection.detach()) as ours:
                ours.setblocking(False)
                assert await loop.sock_recv(ours, 100) == b"late"
                assert not known  # by the loop's server, which ends what it knows when it stops
                await loop.sock_sendall(ours, b"answer")
            assert await reader.read() == b"answer"
            writer.close()

    asyncio.run(asyncio.wait_for(scenario(), 10))


def test_socket_of_a_client_that_has_gone_does_not_leave_the_loop() -> None:
    async def scenario() -> None:
        transport: Any = Transport()
        transport.is_closing = lambda: True
        protocol = SocketProtocol(lambda environ, start: [], server_state=SimpleNamespace(connections=set()))
        protocol.connection_made(transport)
        assert await asyncio.to_thread(protocol.take_socket) is None

    asyncio.run(asyncio.wait_for(scenario(), 10))
