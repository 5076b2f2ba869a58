"""WebSocket frames on the server's side: what a client sends taken apart, what it is sent put together.

Source: RFC 6455, without extensions. This module owns the bytes of a connection, from the answer to the upgrade request to
the last close frame. It knows no sockets, threads or packets: who calls it reads, writes and closes.

A connection that waits holds no buffer; none holds more than one frame and one message of the allowed size.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from codecs import utf_8_decode
from collections.abc import Mapping
from typing import Any, NamedTuple

try:
    from websockets.speedups import apply_mask
except ImportError:  # installed without its C extension
    from websockets.utils import apply_mask

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_OPCODES = frozenset({_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG})
_FIN, _RESERVED, _OPCODE, _MASKED = 0x80, 0x70, 0x0F, 0x80
_WHOLE_TEXT = _FIN | _TEXT
_MASK_BYTES = 4
_NO_MASK = bytes(_MASK_BYTES)
_MAX_SHORT, _MAX_MEDIUM, _MAX_LONG = 125, (1 << 16) - 1, (1 << 63) - 1  # of a payload, by how its length is written
_ENDED = -1  # in place of a number of bytes to wait for

_PROTOCOL_ERROR, _NO_CODE, _BAD_TEXT, _TOO_LARGE = 1002, 1005, 1007, 1009
_CLOSE_CODES = frozenset({*range(1000, 1004), *range(1007, 1014), *range(3000, 5000)})

_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPTANCE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


class Ping(NamedTuple):
    """To be answered with ``pong_frame(payload)``."""

    payload: bytes


class Closed(NamedTuple):
    """The client said goodbye, to be answered with ``close_frame(code)``; 1005 is said for a frame without a code."""

    code: int


class Broken(NamedTuple):
    """The client broke a rule, to be answered with ``close_frame(code)``; the reason holds nothing of what it sent."""

    code: int
    reason: str


Received = str | bytes | Ping | Closed | Broken


class FrameReader:
    """Takes apart what one client sends, however the bytes are cut.

    Args:
        max_message_bytes: A message of more, all its fragments together and a text as UTF-8, ends the connection with
            1009 as soon as a header announces it.
    """

    __slots__ = ("_checked", "_held", "_limit", "_message", "_need")

    def __init__(self, max_message_bytes: int) -> None:
        self._limit = max_message_bytes
        self._need = 0  # bytes that `_held` must grow to before it is worth a look
        self._held: bytearray | None = None  # the beginning of one frame
        self._message: bytearray | None = None  # the fragments so far
        self._checked: int | None = None  # bytes of a fragmented text that are UTF-8 for certain; None: it is binary

    def feed(self, data: bytes) -> list[Received]:
        """Return what *data* completes, in order: texts as str, binary messages as bytes; pongs are dropped.

        After `Closed` or `Broken`, which come last, nothing is returned any more.
        """
        received: list[Received] = []
        buffer: bytes | bytearray = self._add_to_held(data) if self._need else data
        start, end, limit = 0, len(buffer), self._limit
        try:
            while start < end:
                # A text in one frame is nearly all there is. It is read in line: calls would cost as much as the work.
                if buffer[start] == _WHOLE_TEXT and end - start > 5 and self._message is None:
                    length = buffer[start + 1] - _MASKED
                    body = start + 6
                    if length > _MAX_SHORT:
                        size = buffer[start + 2] << 8 | buffer[start + 3]
                        length = size if length == 126 and size > _MAX_SHORT else -1
                        body = start + 8
                    stop = body + length
                    if 0 <= length <= limit and stop <= end:
                        key = buffer[body - 4 : body]
                        payload = buffer[body:stop]
                        received.append((payload if key == _NO_MASK else apply_mask(payload, key)).decode())
                        start = stop
                        continue
                start = self._take_frame(buffer, start, received)
        except UnicodeDecodeError:
            self._end(received, Broken(_BAD_TEXT, "a text is not UTF-8"))
        except _Refused as refused:
            self._end(received, Broken(*refused.args))
        return received

    def _add_to_held(self, data: bytes) -> bytes | bytearray:
        """Return what is held and *data* when there is something to do with it, else nothing."""
        held = self._held
        if held is None:  # ended
            return b""
        held += data
        if len(held) < self._need:
            return b""
        self._held, self._need = None, 0
        return held

    def _take_frame(self, buffer: bytes | bytearray, start: int, received: list[Received]) -> int:
        """Read the one frame of any kind that begins at *start*; return where the next one does."""
        available = len(buffer) - start
        if available < 2:
            return self._hold(buffer, start, 2)
        first, length = buffer[start], buffer[start + 1] - _MASKED
        self._check_start(first, length)
        body = start + 2 + _MASK_BYTES
        if length > _MAX_SHORT:
            length_bytes = 2 if length == 126 else 8
            if available < 2 + length_bytes:
                return self._hold(buffer, start, 2 + length_bytes)
            length = _read_length(buffer[start + 2 : start + 2 + length_bytes])
            body += length_bytes
        if first & _OPCODE < _CLOSE and length + len(self._message or b"") > self._limit:
            raise _Refused(_TOO_LARGE, "a message is too large")
        stop = body + length
        if stop > len(buffer):
            return self._hold(buffer, start, stop - start)
        payload = apply_mask(
            memoryview(buffer)[body:stop], buffer[body - _MASK_BYTES : body]
        )  # a view: it may be large
        if first & _OPCODE < _CLOSE:
            self._add_fragment(first, payload, received)
        elif first & _OPCODE == _PING:
            received.append(Ping(payload))
        elif first & _OPCODE == _CLOSE:
            self._end(received, Closed(_read_close_code(payload)))
            return len(buffer)
        return stop

    def _check_start(self, first: int, length: int) -> None:
        """Refuse what the first two bytes of a frame show to be wrong.

        Args:
            first: The first byte.
            length: The second, less the bit of the mask: negative without that.
        """
        opcode = first & _OPCODE
        if opcode not in _OPCODES:
            problem = "a frame has an unknown opcode"
        elif first & _RESERVED:
            problem = "a frame uses an extension"
        elif length < 0:
            problem = "a frame has no mask"
        elif opcode >= _CLOSE and not first & _FIN:
            problem = "a control frame is fragmented"
        elif opcode >= _CLOSE and length > _MAX_SHORT:
            problem = "a control frame is too long"
        elif opcode == _CONTINUATION and self._message is None:
            problem = "a fragment continues no message"
        elif opcode in (_TEXT, _BINARY) and self._message is not None:
            problem = "a message begins inside another one"
        else:
            return
        raise _Refused(_PROTOCOL_ERROR, problem)

    def _hold(self, buffer: bytes | bytearray, start: int, need: int) -> int:
        """Keep a frame that is not whole until there are *need* bytes of it; return the end of the buffer."""
        end = len(buffer)
        self._held = buffer if start == 0 and isinstance(buffer, bytearray) else bytearray(buffer[start:])
        self._need = need
        return end

    def _add_fragment(self, first: int, payload: bytes, received: list[Received]) -> None:
        """Add the payload of a data frame to its message, and hand that on with its last."""
        message = self._message
        if message is None:
            is_text = first & _OPCODE == _TEXT
            if first & _FIN:
                received.append(payload.decode() if is_text else payload)
                return
            message = self._message = bytearray()
            self._checked = 0 if is_text else None
        message += payload
        if first & _FIN:
            received.append(bytes(message) if self._checked is None else message.decode())
            self._message = self._checked = None
        elif self._checked is not None:
            # A character may be cut in two: what is left of it is looked at again, with the next fragment.
            self._checked += utf_8_decode(message[self._checked :], "strict", False)[1]

    def _end(self, received: list[Received], last: Closed | Broken) -> None:
        received.append(last)
        self._need = _ENDED
        self._held = self._message = self._checked = None


class _Refused(Exception):  # noqa: N818 - `Broken` is what becomes of it
    """A frame breaks a rule; the code to close with, and what is wrong."""


def _read_length(field: bytes | bytearray) -> int:
    """Return the length that takes more than seven bits; it has to be written as short as it can be."""
    length = int.from_bytes(field)
    if length <= (_MAX_SHORT if len(field) == 2 else _MAX_MEDIUM):
        raise _Refused(_PROTOCOL_ERROR, "a length is written too long")
    if length > _MAX_LONG:
        raise _Refused(_PROTOCOL_ERROR, "a length has its highest bit set")
    return length


def _read_close_code(payload: bytes) -> int:
    if not payload:
        return _NO_CODE
    code = int.from_bytes(payload[:2])
    if code not in _CLOSE_CODES:  # nor is a single byte
        raise _Refused(_PROTOCOL_ERROR, "a close frame has no valid code")
    payload[2:].decode()
    return code


# -- what the server sends


def text_frame(text: str) -> bytes:
    """Return a text message in one frame.

    Raises:
        UnicodeEncodeError: The text holds half of a surrogate pair.
    """
    return utf8_frame(text.encode())


def utf8_frame(payload: bytes) -> bytes:
    """Return a text message, which is UTF-8 already, in one frame."""
    size = len(payload)
    if size <= _MAX_SHORT:
        return _SHORT_TEXT_HEADS[size] + payload
    return _long_head(_WHOLE_TEXT, size) + payload


def binary_frame(data: bytes) -> bytes:
    """Return a binary message in one frame."""
    return _head(_FIN | _BINARY, len(data)) + data


def message_frame(data: str | bytes) -> bytes:
    """Return a message in one frame: of a str a text, of bytes a binary one."""
    return text_frame(data) if isinstance(data, str) else binary_frame(data)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping; *payload* is the ping's, of 125 bytes at most."""
    return _head(_FIN | _PONG, len(payload)) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Return a goodbye.

    Args:
        code: 1005 is never sent: the frame is empty then.
        reason: Cut to the 123 bytes of UTF-8 that there is room for.
    """
    payload = b""
    if code != _NO_CODE:
        cut = reason.encode()[: _MAX_SHORT - 2].decode(errors="ignore")
        payload = code.to_bytes(2) + cut.encode()
    return _head(_FIN | _CLOSE, len(payload)) + payload


_pack_medium, _pack_long = struct.Struct(">BBH").pack, struct.Struct(">BBQ").pack


def _head(first: int, size: int) -> bytes:
    return bytes((first, size)) if size <= _MAX_SHORT else _long_head(first, size)


def _long_head(first: int, size: int) -> bytes:
    return _pack_medium(first, 126, size) if size <= _MAX_MEDIUM else _pack_long(first, 127, size)


_SHORT_TEXT_HEADS = tuple(_head(_WHOLE_TEXT, size) for size in range(_MAX_SHORT + 1))


# -- the handshake


class HandshakeError(Exception):
    """A request is no upgrade to a WebSocket; the message says why, without a value that it came with."""


def render_handshake(environ: Mapping[str, Any]) -> bytes:
    """Return the whole answer to the WSGI request for an upgrade, which declines every extension and subprotocol.

    Raises:
        HandshakeError: The request is none that RFC 6455 allows.
    """
    key = str(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")).strip()
    rules = (
        (environ.get("REQUEST_METHOD") == "GET", "its method is not GET"),
        (environ.get("SERVER_PROTOCOL") == "HTTP/1.1", "it is not HTTP/1.1"),
        ("websocket" in _tokens(environ, "HTTP_UPGRADE"), "the header 'Upgrade: websocket' is missing"),
        ("upgrade" in _tokens(environ, "HTTP_CONNECTION"), "the header 'Connection: Upgrade' is missing"),
        (environ.get("HTTP_SEC_WEBSOCKET_VERSION") == "13", "the header 'Sec-WebSocket-Version' is not 13"),
        (_is_key(key), "the header 'Sec-WebSocket-Key' is not 16 bytes in base64"),
    )
    for holds, problem in rules:
        if not holds:
            raise HandshakeError(f"The request is no upgrade to a WebSocket: {problem}.")
    digest = hashlib.sha1(key.encode() + _ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return _ACCEPTANCE % base64.b64encode(digest)


def _tokens(environ: Mapping[str, Any], name: str) -> set[str]:
    return {token.strip().lower() for token in str(environ.get(name, "")).split(",")}


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False
