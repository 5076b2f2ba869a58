"""Clients that keep to no protocol: bytes over TCP, for what the official client would never send.

Standard library only. Every wait has a timeout.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import struct
from typing import Any, Self

TIMEOUT_S = 10.0
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0


class RefusedHandshake(Exception):
    """The server answered with something else than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class RawWebSocket:
    """A WebSocket whose frames are written by hand.

    Args:
        port: Of a server on this machine.
        query: Of the URL, after ``EIO=4&transport=websocket``.
        headers: Added to those of the handshake.

    Raises:
        RefusedHandshake: The server did not answer with 101.
    """

    def __init__(
        self, port: int, query: str = "", *, headers: dict[str, str] | None = None, small_buffer: bool = False
    ) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(TIMEOUT_S)
        if small_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", port))
        self._buffer = b""
        lines = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **(headers or {}),
        }
        head = f"GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1\r\n"
        self._socket.sendall((head + "".join(f"{key}: {value}\r\n" for key, value in lines.items()) + "\r\n").encode())
        self.headers = self._read_head()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.drop()

    def _read_head(self) -> str:
        try:
            while b"\r\n\r\n" not in self._buffer:
                self._fill()
        except ConnectionError:
            self.drop()
            raise
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status != 101:
            self.drop()
            raise RefusedHandshake(status)
        return head.decode()

    # -- sending

    def send(self, *messages: str | bytes) -> None:
        """Send whole messages, each in one frame, all in one write."""
        frames = [
            build_frame(BINARY, message) if isinstance(message, bytes) else build_frame(TEXT, message.encode())
            for message in messages
        ]
        self.send_bytes(b"".join(frames))

    def send_frame(
        self, opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, reserved: int = 0
    ) -> None:
        self.send_bytes(build_frame(opcode, payload, fin=fin, masked=masked, reserved=reserved))

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    # -- receiving

    def wait_up_to(self, timeout_s: float) -> None:
        """Wait longer than usual for what is sent and received from now on."""
        self._socket.settimeout(timeout_s)

    def receive(self) -> str | bytes:
        """Return the next message; Engine.IO's pings are answered on the way.

        Raises:
            ConnectionError: The connection is closed.
        """
        while True:
            opcode, payload = self.receive_frame()
            if opcode == TEXT and payload == b"2":
                self.send("3")
            elif opcode == TEXT:
                return payload.decode()
            elif opcode == BINARY:
                return payload
            elif opcode == CLOSE:
                raise ConnectionError("closed")

    def receive_frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._take(8))
        return first & 0x0F, self._take(length)

    def wait_closed(self) -> int | None:
        """Read to the end; return the code of the server's close frame, or None when it sent none."""
        code = None
        with contextlib.suppress(ConnectionError):
            while True:
                opcode, payload = self.receive_frame()
                if opcode == CLOSE and len(payload) >= 2:
                    code = struct.unpack(">H", payload[:2])[0]
        return code

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _fill(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data

    def drop(self) -> None:
        """End it without a word."""
        self._socket.close()

    # -- Socket.IO

    def open(self) -> str:
        """Read the handshake; return the Engine.IO id."""
        text = self.receive()
        assert isinstance(text, str)
        assert text.startswith("0{"), text
        sid: str = json.loads(text[1:])["sid"]
        return sid

    def join(self, namespace: str = "/", auth: str = "") -> str | bytes:
        """Ask to join a namespace; return the answer."""
        self.send(f"40{'' if namespace == '/' else namespace + ','}{auth}")
        return self.receive()

    def call(self, *values: Any, ack_id: int = 1) -> list[Any]:
        """Send an event of the main namespace; return the arguments of its ack."""
        self.send(f"42{ack_id}{json.dumps(values)}")
        answer = self.receive()
        assert isinstance(answer, str)
        assert answer.startswith(f"43{ack_id}["), answer
        values_of_ack: list[Any] = json.loads(answer[2 + len(str(ack_id)) :])
        return values_of_ack


def join(port: int, query: str = "", **options: Any) -> RawWebSocket:
    """Connect a WebSocket and join the main namespace."""
    client = RawWebSocket(port, query, **options)
    client.open()
    answer = client.join()
    assert str(answer).startswith('40{"sid"'), answer
    return client


class RawPolling:
    """Engine.IO over HTTP requests, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        status, body = self.request("GET", "&t=0")
        assert status == 200, body
        self.sid: str = json.loads(body[1:])["sid"]

    def join(self) -> str:
        """Join the main namespace; return the answer."""
        assert self.post("40")[0] == 200
        return self.get()[1].decode()

    def get(self) -> tuple[int, bytes]:
        return self.request("GET", f"&sid={self.sid}")

    def post(self, body: str | bytes) -> tuple[int, bytes]:
        return self.request("POST", f"&sid={self.sid}", body)

    def request(
        self, method: str, query: str, body: str | bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Make one request; return its status and body. A connection that was cut short is status 0."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        payload = body.encode() if isinstance(body, str) else body
        try:
            connection.request(method, f"/socket.io/?EIO=4&transport=polling{query}", payload, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        except ConnectionError:
            return 0, b""
        finally:
            connection.close()

    def receive(self) -> list[str]:
        """Poll once; return the messages of the answer."""
        status, body = self.get()
        assert status == 200, (status, body)
        return body.decode().split("\x1e")


def build_frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """Return the bytes of one frame; its mask is zero, which leaves the payload as it is."""
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
    return head + (bytes(4) if masked else b"") + payload
