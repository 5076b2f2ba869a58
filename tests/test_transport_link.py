"""`framework.transport.link`, over a pair of sockets: what is kept, what goes out, how it ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from framework.transport.frames import text_frame
from framework.transport.link import MAX_DROPPED_BYTES, RECEIVE_BYTES, Link
from tests.wire.raw import CLOSE, PING, TEXT, build_frame

MOST = 1_000_000
BUFFER = memoryview(bytearray(RECEIVE_BYTES))


class Host:
    """Notes what it is asked to wait for."""

    name = "test"

    def __init__(self) -> None:
        self.resumed: list[Link] = []

    def want(self, link: Link) -> None:
        pass

    def resume(self, link: Link) -> None:
        self.resumed.append(link)


class User:
    """Notes what comes."""

    def __init__(self) -> None:
        self.got: list[str | bytes] = []
        self.problems: list[str] = []
        self.overflows = 0
        self.ends = 0

    def take(self, link: Link, message: str | bytes) -> None:
        self.got.append(message)

    def fail(self, link: Link, problem: str) -> None:
        self.problems.append(problem)

    def overflow(self, link: Link) -> None:
        self.overflows += 1

    def ended(self, link: Link) -> None:
        self.ends += 1


class Pair:
    """A link, and the client at its other end."""

    def __init__(self, most: int = MOST) -> None:
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.settimeout(10)
        self.host, self.user = Host(), User()
        self.link = Link(ours, self.host, 1000, most, threading.Lock())
        self.link.user = self.user

    def hand_on(self) -> bool | None:
        found = self.link.read(BUFFER)
        while self.link.backlog:
            self.link.hand_on(self.link.backlog.popleft())
        return found

    def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count and (more := self.client.recv(count - len(data))):
            data += more
        return data


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    with pair.client:
        yield pair
        pair.link.end()


def test_messages_reach_the_session(pair: Pair) -> None:
    pair.client.sendall(build_frame(TEXT, b"one") + build_frame(TEXT, b"two")[:4])
    assert pair.hand_on()
    assert pair.user.got == ["one"]
    assert not pair.link.read(BUFFER)


def test_ping_is_answered_with_its_payload(pair: Pair) -> None:
    pair.client.sendall(build_frame(PING, b"are you there"))
    pair.hand_on()
    assert pair.receive(15) == b"\x8a\x0dare you there"


def test_goodbye_is_answered_and_told(pair: Pair) -> None:
    pair.client.sendall(build_frame(CLOSE, (1000).to_bytes(2, "big")))
    pair.hand_on()
    assert pair.receive(4) == b"\x88\x02\x03\xe8"
    assert pair.user.problems == [""]


@pytest.mark.parametrize(
    ("frame", "code", "problem"),
    [(build_frame(TEXT, b"x" * 1001), 1009, "the message is too large"), (build_frame(3, b""), 1002, "")],
)
def test_what_breaks_the_protocol_ends_it_with_its_code(pair: Pair, frame: bytes, code: int, problem: str) -> None:
    pair.client.sendall(frame)
    pair.hand_on()
    assert pair.receive(4)[2:] == code.to_bytes(2, "big")
    assert pair.user.problems == [problem]


def test_what_is_written_while_corked_goes_out_in_one_piece(pair: Pair) -> None:
    pair.link.cork()
    pair.link.write(b"a")
    pair.link.write(b"b")
    pair.client.setblocking(False)
    with pytest.raises(BlockingIOError):
        pair.client.recv(1)
    pair.link.uncork()
    assert pair.client.recv(10) == b"ab"


def test_what_the_socket_does_not_take_is_kept_in_order_and_counted(pair: Pair) -> None:
    data = bytes(range(256)) * 3000
    pair.link.write(data)
    assert pair.link.is_behind
    assert 0 < pair.link.waiting_bytes < len(data)
    pair.link.write(b"the end")
    got = b""
    while len(got) < len(data) + 7:
        got += pair.client.recv(65536)
        pair.link.flush()
    assert got == data + b"the end"
    assert not pair.link.is_behind
    assert pair.link.waiting_bytes == 0


def test_more_than_may_wait_is_told() -> None:
    pair = Pair(most=500_000)
    with pair.client:
        for _ in range(20):
            pair.link.write(bytes(100_000))
        assert pair.user.overflows > 0
        pair.link.end()


def test_goodbye_comes_after_what_waits(pair: Pair) -> None:
    data = bytes(500_000)
    pair.link.write(data)
    pair.link.close()
    pair.link.write(b"too late")
    got = b""
    while more := pair.client.recv(65536):
        got += more
        pair.link.flush()
    assert got == data + b"\x88\x02\x03\xe8"


def test_client_that_goes_on_sending_after_the_goodbye_is_cut_off(pair: Pair) -> None:
    pair.link.close()
    pair.client.settimeout(0.1)
    sent = 0
    with pytest.raises(OSError):  # noqa: PT011 - a broken pipe, or a reset
        while sent < 10 * MAX_DROPPED_BYTES:
            sent += pair.client.send(bytes(60_000))
            pair.link.read(BUFFER)
    assert sent < 2 * MAX_DROPPED_BYTES


def test_nothing_is_read_from_a_paused_link_until_there_is_room(pair: Pair) -> None:
    waiting: list[Any] = []
    pair.link.pause(waiting.append)
    assert pair.link.paused
    waiting[0]()
    assert not pair.link.paused
    assert pair.host.resumed == [pair.link]


def test_end_is_told_once_and_nothing_is_sent_after_it(pair: Pair) -> None:
    pair.link.end()
    pair.link.end()
    pair.link.abort()
    pair.link.write(text_frame("late"))
    assert pair.user.ends == 1


def test_client_that_has_gone_is_noticed(pair: Pair) -> None:
    pair.client.close()
    assert pair.hand_on() is None
    pair.link.write(b"to nobody")  # whoever reads finds out, not who writes
