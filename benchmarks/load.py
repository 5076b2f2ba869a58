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


class Client:
    """One connection, in the namespace.

    Args:
        deflate: Offer compression, as browsers do.
    """

    def __init__(self, port: int, *, deflate: bool = False, namespace: str = NAMESPACE) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.next_id = FIRST_ID
        self.expected: list[int] = []
        self.sent_at: dict[int, float] = {}
        key = base64.b64encode(os.urandom(16)).decode()
        extensions = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" if deflate else ""
        request = (
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"{_HEADERS}Sec-WebSocket-Key: {key}\r\n{extensions}\r\n"
        )
        self.socket.sendall(request.encode())
        head = self._read_until(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise WrongAnswer(head.decode("latin-1"))
        self.read_text("0")
        self.socket.sendall(client_frame(f"40{namespace},"))
        self.read_text("40")
        self.socket.setblocking(False)

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    def read_text(self, start: str) -> str:
        """Return the next message that begins with *start*, waiting for it; pings are answered."""
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

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _fill(self) -> None:
        data = self.socket.recv(262144)
        if not data:
            raise WrongAnswer("the server closed the connection")
        self.buffer += data

    def _pop_text(self) -> str | None:
        found = pop_frame(self.buffer)
        if found is None:
            return None
        text, self.buffer = found
        return text


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
        latencies_ms: Of a sample of the answers.
        own_cpu: Of the load itself, as a share of one core: what is near 1 measures the load, not the server.
    """

    count: int
    duration_s: float
    own_cpu: float
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.count / self.duration_s

    def percentile(self, percent: int) -> float:
        if len(self.latencies_ms) < 2:
            return 0.0
        return statistics.quantiles(self.latencies_ms, n=100)[percent - 1]


class Echo:
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
        self.clients = clients
        self.window = window
        body, reply = compact([event, payload]), compact([answer])
        ids = range(FIRST_ID, LAST_ID + 1)
        self.requests = {ack_id: client_frame(f"42{NAMESPACE},{ack_id}{body}") for ack_id in ids}
        self.answers = {ack_id: server_frame(f"43{NAMESPACE},{ack_id}{reply}") for ack_id in ids}
        self.size = len(self.answers[FIRST_ID])

    def run(self, warm_up_s: float, duration_s: float, on_start: Any = None) -> Result:
        """Send for *warm_up_s* and then measure for *duration_s*; *on_start* is called between the two."""
        poll = select.epoll()
        by_number = {client.fileno(): client for client in self.clients}
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        for client in self.clients:
            self._send(client, self.window)
        begin = time.perf_counter()
        count, latencies, started, cpu = 0, [], False, 0.0
        while True:
            now = time.perf_counter()
            if not started and now - begin >= warm_up_s:
                started, count, begin_s, cpu = True, 0, now, time.process_time()
                latencies.clear()
                if on_start is not None:
                    on_start()
            if started and now - begin_s >= duration_s:
                own = (time.process_time() - cpu) / (now - begin_s)
                self._drain(poll, by_number)
                return Result(count, now - begin_s, own, latencies)
            for number, _ in poll.poll(0.5):
                client = by_number[number]
                got = self._receive(client, latencies)
                count += got
                self._send(client, got)

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

    def _receive(self, client: Client, latencies: list[float]) -> int:
        data = client.socket.recv(262144)
        if not data:
            raise WrongAnswer("the server closed the connection")
        data, got, at = client.buffer + data, 0, 0
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
                latencies.append((time.perf_counter() - sent) * 1000)
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

    def _drain(self, poll: Any, by_number: dict[int, Client]) -> None:
        deadline = time.perf_counter() + 5
        while any(client.expected for client in self.clients) and time.perf_counter() < deadline:
            for number, _ in poll.poll(0.5):
                self._receive(by_number[number], [])
        if any(client.expected for client in self.clients):
            raise WrongAnswer("events that were never answered")


class Fanout:
    """One client sends, all get it: counts what arrives, and that each gets each message, in its order."""

    def __init__(self, clients: list[Client]) -> None:
        self.clients = clients
        self.frame = client_frame(f"42{NAMESPACE},1000{compact(['broadcast', PAYLOAD])}")
        self.delivery = server_frame(f"42{NAMESPACE},{compact(['posted', ANSWER])}")
        self.ack = server_frame(f"43{NAMESPACE},1000{compact([ANSWER])}")

    def run(self, warm_up_s: float, duration_s: float, on_start: Any = None) -> Result:
        """Broadcast one after another: the next when all have got the last."""
        poll = select.epoll()
        by_number = {client.fileno(): client for client in self.clients}
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        begin, started, count, cpu, begin_s, latencies = time.perf_counter(), False, 0, 0.0, 0.0, []
        while True:
            now = time.perf_counter()
            if not started and now - begin >= warm_up_s:
                started, count, begin_s, cpu = True, 0, now, time.process_time()
                latencies.clear()
                if on_start is not None:
                    on_start()
            if started and now - begin_s >= duration_s:
                return Result(count, now - begin_s, (time.process_time() - cpu) / (now - begin_s), latencies)
            self._broadcast(poll, by_number)
            latencies.append((time.perf_counter() - now) * 1000)
            count += len(self.clients)

    def _broadcast(self, poll: Any, by_number: dict[int, Client]) -> None:
        self.clients[0].socket.send(self.frame)
        waiting = set(by_number)
        acked = False
        while waiting or not acked:
            for number, _ in poll.poll(5):
                client = by_number[number]
                data = client.buffer + client.socket.recv(65536)
                while data:
                    if data.startswith(self.delivery):
                        if number not in waiting:
                            raise WrongAnswer("a message came twice")
                        waiting.discard(number)
                        data = data[len(self.delivery) :]
                    elif data.startswith(self.ack):
                        acked, data = True, data[len(self.ack) :]
                    else:
                        found = pop_frame(data)
                        if found is None:
                            break
                        if found[0] != "2":
                            raise WrongAnswer(found[0])
                        client.socket.send(PONG)
                        data = found[1]
                client.buffer = data
