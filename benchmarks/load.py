"""Load for a Socket.IO server over raw WebSockets: one process, one epoll, frames built beforehand.

Every answer is compared with the bytes that it has to be, so a server that drops, doubles or mangles is no fast one. The
frames are masked with a key of zeros, which leaves the payload as it is: unmasking is the server's work, masking would be
ours. What one read brings is looked at with slices of fixed length, since acks of one run are equally long.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import statistics
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = "/chat"
PAYLOAD = {
    "room": "lobby",
    "text": "a message of fifty-eight characters, as people write them.",
    "tags": ["one", "two"],
    "ts": 1700000000.5,
    "author": "ada",
}
ANSWER = {"id": 1, "room": "lobby", "author": "ada", "length": len(str(PAYLOAD["text"]))}
FIRST_ID, LAST_ID = 1000, 9999  # four digits, so that every ack of a run is equally long
_HEADERS = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"


class WrongAnswer(Exception):  # noqa: N818 - it names what came
    """The server answered something else."""


class TooSlow(Exception):  # noqa: N818
    """The server did not get through in time."""


def compact(value: Any) -> str:
    """Return *value* as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def client_frame(text: str) -> bytes:
    """Return one masked text frame."""
    data = text.encode()
    size = len(data)
    head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0x80 | 126]) + struct.pack("!H", size)
    return head + b"\0\0\0\0" + data


def server_frame(text: str) -> bytes:
    """Return the frame in which a server sends *text*."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return bytes([0x81, size]) + data
    return bytes([0x81, 126]) + struct.pack("!H", size) + data


PONG = client_frame("3")
CONNECT = client_frame(f"40{NAMESPACE},")


class Connection:
    """One WebSocket that waits for what it reads, and answers pings meanwhile.

    Args:
        deflate: Offer compression, as browsers do.
    """

    def __init__(self, port: int, *, deflate: bool = False) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        extensions = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" if deflate else ""
        self.request = (
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"{_HEADERS}Sec-WebSocket-Key: {key}\r\n{extensions}\r\n"
        ).encode()

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    def read_open(self) -> None:
        """Take the answer to the request, and Engine.IO's first packet."""
        head = self._read_until(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise WrongAnswer(head.decode("latin-1"))
        self.read_text("0")

    def read_text(self, start: str) -> str:
        """Return the next message, which has to begin with *start*."""
        while True:
            text = self._pop_text()
            if text is None:
                self._fill()
            elif text == "2":
                self.socket.sendall(PONG)
            elif text.startswith(start):
                return text
            else:
                raise WrongAnswer(f"{text!r} where {start!r}... should be")

    def receive(self) -> bytes:
        """Return what has not been taken yet, and what there is to read."""
        data = self.socket.recv(262144)
        if not data:
            raise WrongAnswer("the server closed the connection")
        return self.buffer + data if self.buffer else data

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _fill(self) -> None:
        self.buffer = self.receive()

    def _pop_text(self) -> str | None:
        found = pop_frame(self.buffer)
        if found is None:
            return None
        text, self.buffer = found
        return text


class Client(Connection):
    """One connection, in the namespace; it waits no longer."""

    def __init__(self, port: int, *, deflate: bool = False) -> None:
        super().__init__(port, deflate=deflate)
        self.next_id = FIRST_ID
        self.expected: list[int] = []
        self.sent_at: dict[int, float] = {}
        self.socket.sendall(self.request)
        self.read_open()
        self.socket.sendall(CONNECT)
        self.read_text("40")
        self.socket.setblocking(False)


def pop_frame(buffer: bytes) -> tuple[str, bytes] | None:
    """Split the first frame off *buffer*; None while it is not complete."""
    if len(buffer) < 2:
        return None
    if buffer[0] & 0x0F == 0x8:
        raise WrongAnswer("the server closed the connection")
    size, at = buffer[1] & 0x7F, 2
    if size == 126:
        if len(buffer) < 4:
            return None
        size, at = struct.unpack_from("!H", buffer, 2)[0], 4
    elif size == 127:
        if len(buffer) < 10:
            return None
        size, at = struct.unpack_from("!Q", buffer, 2)[0], 10
    if len(buffer) < at + size:
        return None
    return buffer[at : at + size].decode(), buffer[at + size :]


@dataclass
class Result:
    """What one run gave.

    Args:
        count: Answers, or deliveries.
        duration_s: Of the measured part.
        own_cpu: Of the load itself, as a share of one core: what is near 1 measures the load, not the server.
        server_cpu_s: Seconds of CPU that the server took for them.
        latencies_ms: Of a sample of the answers.
    """

    count: int
    duration_s: float
    own_cpu: float
    server_cpu_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.count / self.duration_s

    @property
    def us_per_event(self) -> float:
        return self.server_cpu_s / self.count * 1e6

    def percentile(self, percent: int) -> float:
        if len(self.latencies_ms) < 2:
            return 0.0
        return statistics.quantiles(self.latencies_ms, n=100)[percent - 1]


class Load:
    """What sends to some clients and reads what they get, one turn after another."""

    def __init__(self, clients: list[Client]) -> None:
        self.clients = clients
        self.by_number = {client.fileno(): client for client in clients}
        self.poll = select.epoll()
        for number in self.by_number:
            self.poll.register(number, select.EPOLLIN)

    def run(self, warm_up_s: float, duration_s: float, server_cpu_s: Callable[[], float] = float) -> Result:
        """Take turns for *warm_up_s* and then measure for *duration_s*.

        Args:
            server_cpu_s: Says how many seconds of CPU the server has taken so far.
        """
        latencies_ms: list[float] = []
        self._start()
        end_s = time.perf_counter() + warm_up_s
        while time.perf_counter() < end_s:
            self._turn(latencies_ms)
        latencies_ms.clear()
        server_s, own_s, count = server_cpu_s(), time.process_time(), 0
        now_s = begin_s = time.perf_counter()
        while now_s < begin_s + duration_s:
            count += self._turn(latencies_ms)
            now_s = time.perf_counter()
        own_s, took_s = time.process_time() - own_s, now_s - begin_s
        server_s = server_cpu_s() - server_s
        self._finish()
        return Result(count, took_s, own_s / took_s, server_s, latencies_ms)

    def _start(self) -> None:
        """Send what the first turn is to bring answers for."""

    def _turn(self, latencies_ms: list[float]) -> int:
        """Read and send; return how many answers or deliveries came."""
        raise NotImplementedError

    def _finish(self) -> None:
        """Wait for what is on the way."""


class Echo(Load):
    """Acked events in a closed loop: each client has *window* of them on the way.

    Args:
        event: ``message`` by default.
        answer: What each has to be answered with.
    """

    def __init__(
        self,
        clients: list[Client],
        window: int,
        *,
        event: str = "message",
        payload: Any = PAYLOAD,
        answer: Any = ANSWER,
    ) -> None:
        super().__init__(clients)
        self.window = window
        body, reply = compact([event, payload]), compact([answer])
        ids = range(FIRST_ID, LAST_ID + 1)
        self.requests = {ack_id: client_frame(f"42{NAMESPACE},{ack_id}{body}") for ack_id in ids}
        self.answers = {ack_id: server_frame(f"43{NAMESPACE},{ack_id}{reply}") for ack_id in ids}
        self.size = len(self.answers[FIRST_ID])

    def send(self, count: int, limit_s: float) -> Result:
        """Send until *count* events are answered, and wait for what is on the way then.

        Raises:
            TooSlow: It took longer than *limit_s*.
        """
        latencies_ms: list[float] = []
        begin_s, own_s, done = time.perf_counter(), time.process_time(), 0
        self._start()
        while done < count:
            done += self._turn(latencies_ms)
            if len(latencies_ms) > 100_000:
                latencies_ms.clear()
            if time.perf_counter() - begin_s > limit_s:
                raise TooSlow(f"{done} of {count} events after {limit_s:.0f} s")
        self._finish()
        took_s = time.perf_counter() - begin_s
        return Result(done, took_s, (time.process_time() - own_s) / took_s, latencies_ms=latencies_ms)

    def _start(self) -> None:
        for client in self.clients:
            self._send(client, self.window)

    def _turn(self, latencies_ms: list[float]) -> int:
        count = 0
        for number, _ in self.poll.poll(0.5):
            client = self.by_number[number]
            got = self._receive(client, latencies_ms)
            count += got
            self._send(client, got)
        return count

    def _finish(self) -> None:
        deadline_s = time.perf_counter() + 5
        while any(client.expected for client in self.clients) and time.perf_counter() < deadline_s:
            for number, _ in self.poll.poll(0.5):
                self._receive(self.by_number[number], [])
        if any(client.expected for client in self.clients):
            raise WrongAnswer("events that were never answered")

    def _send(self, client: Client, count: int) -> None:
        if not count:
            return
        ack_id, frames = client.next_id, []
        for _ in range(count):
            frames.append(self.requests[ack_id])
            client.expected.append(ack_id)
            ack_id = ack_id + 1 if ack_id < LAST_ID else FIRST_ID
        client.sent_at[client.next_id] = time.perf_counter()  # of one in each batch
        client.next_id = ack_id
        client.socket.send(b"".join(frames))

    def _receive(self, client: Client, latencies_ms: list[float]) -> int:
        data, got, at = client.receive(), 0, 0
        while len(data) - at >= self.size:
            frame = data[at : at + self.size]
            ack_id = client.expected[0] if client.expected else 0
            if frame != self.answers.get(ack_id):
                ack_id, at, known = self._receive_other(client, data, at)
                if not known:
                    continue
            else:
                at += self.size
            client.expected.remove(ack_id)
            if (sent := client.sent_at.pop(ack_id, None)) is not None:
                latencies_ms.append((time.perf_counter() - sent) * 1000)
            got += 1
        client.buffer = data[at:]
        return got

    def _receive_other(self, client: Client, data: bytes, at: int) -> tuple[int, int, bool]:
        """Take a frame that is not the next ack: a ping, or an ack out of turn."""
        found = pop_frame(data[at:])
        if found is None:
            raise WrongAnswer(f"{data[at : at + 80]!r}")
        text, rest = found
        if text == "2":
            client.socket.send(PONG)
            return 0, len(data) - len(rest), False
        for ack_id in client.expected:
            if data.startswith(self.answers[ack_id], at):
                return ack_id, at + self.size, True
        raise WrongAnswer(text)


class Fanout(Load):
    """One client sends, all get it, and the next when all have it: each has to get each message once."""

    def __init__(self, clients: list[Client], *, answer: Any = ANSWER) -> None:
        super().__init__(clients)
        self.frame = client_frame(f"42{NAMESPACE},1000{compact(['broadcast', PAYLOAD])}")
        self.delivery = server_frame(f"42{NAMESPACE},{compact(['posted', ANSWER])}")
        self.ack = server_frame(f"43{NAMESPACE},1000{compact([answer])}")
        self.waiting: set[int] = set()
        self.acked = False

    def _turn(self, latencies_ms: list[float]) -> int:
        sent_at = time.perf_counter()
        self.clients[0].socket.send(self.frame)
        self.waiting, self.acked = set(self.by_number), False
        while self.waiting or not self.acked:
            ready = self.poll.poll(5)
            if not ready:
                raise WrongAnswer(f"{len(self.waiting)} of {len(self.clients)} clients that never got a message")
            for number, _ in ready:
                client = self.by_number[number]
                data = client.receive()
                if data == self.delivery:  # nearly always
                    client.buffer = b""
                    self._take_delivery(number)
                else:
                    client.buffer = self._take(number, data)
        latencies_ms.append((time.perf_counter() - sent_at) * 1000)
        return len(self.clients)

    def _take_delivery(self, number: int) -> None:
        if number not in self.waiting:
            raise WrongAnswer("a message came twice")
        self.waiting.discard(number)

    def _take(self, number: int, data: bytes) -> bytes:
        """Take what *data* has in it, and return what is not complete yet."""
        while data:
            if data.startswith(self.delivery):
                self._take_delivery(number)
                data = data[len(self.delivery) :]
            elif data.startswith(self.ack):
                self.acked, data = True, data[len(self.ack) :]
            elif (found := pop_frame(data)) is None:
                break
            elif found[0] == "2":
                self.by_number[number].socket.send(PONG)
                data = found[1]
            else:
                raise WrongAnswer(found[0])
        return data
