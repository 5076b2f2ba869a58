"""Socket.IO packets: parsed strictly, the payload left as the text that it came as.

Source: the Socket.IO protocol, revision 5. What does not follow it raises, and the connection that sent it is closed, as
Node's server does.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..acks import Encoded
from ..errors import MalformedPacket
from ..limits import Limits
from ..wire import RefusedValue, load_json, put_bytes

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)
MAX_NAMESPACE_LENGTH = 256

# type, attachments, namespace, ack id.
_HEADER = re.compile(r"([0-6])(?:([0-9]{1,9})-)?(?:(/[^,]*),?)?([0-9]{1,19})?")
_JSON_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder()
_BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class Header(NamedTuple):
    """What a packet says of itself, and its JSON."""

    type: int
    attachments: int
    namespace: str
    id: int | None
    body: str


# What nearly every packet is: an event without attachments whose name has nothing in it that JSON escapes. Possessive, and with
# an empty branch in place of an optional group: Python keeps no book then of where it could go back to, which is a quarter.
# A namespace has MAX_NAMESPACE_LENGTH characters at most, its slash among them; an id of 19 digits fits in 64 bits.
_EVENT = re.compile(r'2(?:(/[^,?]{0,255}+),|)((?!0[0-9])[0-9]{0,19}+)\["([^"\\\x00-\x1f]*+)"').match


PlainEvent = tuple[str, str | None, str, str]
"""An event's namespace, its ack id as text, its name and its JSON."""


def parse_event(text: str, start: int = 0) -> PlainEvent | None:
    """Return the event that *text* holds from *start* on; None where it has to be looked at more closely.

    That is what is no event, has attachments, or is not written as clients do.
    """
    match = _EVENT(text, start)
    if match is None:
        return None
    namespace, ack_id, name = match.groups()
    return namespace or "/", ack_id or None, name, text[match.start(3) - 2 :]


def plain_event(header: Header) -> PlainEvent:
    """Return what `parse_event` would of an event that was looked at more closely."""
    ack_id = None if header.id is None else str(header.id)
    return header.namespace, ack_id, read_event_name(header.body), header.body


def parse_packet(text: str, limits: Limits, *, from_server: bool = False) -> Header:
    """Split the text of a packet into its header and its JSON body, which is not looked into.

    Args:
        from_server: Read as a client does: what a server sends is allowed, without limits.

    Raises:
        MalformedPacket: It is no packet that a client may send, or over a limit.
    """
    match = _HEADER.match(text)
    if match is None:
        raise MalformedPacket("unknown packet type")
    digits, attachments, namespace, ack_id = match.groups()
    kind = int(digits)
    body = text[match.end() :]
    binary = kind in (BINARY_EVENT, BINARY_ACK)
    if binary != bool(attachments) or (kind == CONNECT_ERROR and not from_server):
        raise MalformedPacket("a packet type that a client does not send")
    count = int(attachments or 0)
    if binary and not from_server and not 1 <= count <= limits.max_attachments:
        raise MalformedPacket(f"not between 1 and {limits.max_attachments} attachments")
    if namespace is None:
        namespace = "/"
    else:
        namespace = namespace.partition("?")[0]
        if len(namespace) > MAX_NAMESPACE_LENGTH:
            raise MalformedPacket("the namespace is too long")
    if kind not in (CONNECT, DISCONNECT, CONNECT_ERROR) and not body.startswith("["):
        raise MalformedPacket("no list of arguments")
    return Header(kind, count, namespace, None if ack_id is None else int(ack_id), body)


def read_event_name(body: str) -> str:
    """Return the event's name from an event's JSON, decoding no more than the name where that is possible.

    Raises:
        MalformedPacket: The first element is no string.
    """
    if body.startswith('["'):
        end = body.find('"', 2)
        name = body[2:end]
        if end > 0 and "\\" not in name and name.isprintable():
            return name
    start = len(body) - len(body[1:].lstrip(_JSON_SPACE))
    if not body.startswith('"', start):
        raise MalformedPacket("the event has no name")
    try:
        return str(_DECODER.raw_decode(body, start)[0])
    except json.JSONDecodeError as error:
        raise MalformedPacket("the payload is no JSON") from error


def load_body(body: str, limits: Limits) -> Any:
    """Decode a packet's JSON.

    Raises:
        MalformedPacket: It is no JSON.
        RefusedValue: It is, with what can't be passed on: nested too deep, a number out of range, half a character.
    """
    if is_too_deep(body, limits.max_nesting):
        raise RefusedValue("nested too deep")
    try:
        return load_json(body)
    except json.JSONDecodeError as error:
        raise MalformedPacket("the payload is no JSON") from error


def is_too_deep(body: str, limit: int) -> bool:
    """Say whether lists and objects in *body* are nested deeper than *limit*.

    Its length or two counts settle it for nearly every event; for the rest brackets are paired off, one level per pass.
    """
    # A list takes two characters and an object that holds another five, of which `{"":}` is made; the innermost two.
    lists = body.count("[")
    if len(body) < 5 * limit + 2 - 3 * lists or lists + body.count("{") <= limit:
        return False
    raw = body.encode(errors="replace").replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(raw.split(b'"')[::2]).translate(_BRACES_AS_BRACKETS, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


class Partial:
    """A binary packet whose attachments are still coming.

    Args:
        header: Its first frame.
        limits: For the size of all attachments together.
    """

    def __init__(self, header: Header, limits: Limits) -> None:
        self.header = header
        self._limits = limits
        self.size_bytes = 0
        self._attachments: list[bytes] = []

    def add(self, attachment: bytes) -> bool:
        """Take the next attachment; say whether it was the last.

        Raises:
            MalformedPacket: All together are too large.
        """
        self.size_bytes += len(attachment)
        if self.size_bytes > self._limits.max_attachment_bytes:
            raise MalformedPacket("the attachments are too large")
        self._attachments.append(attachment)
        return len(self._attachments) == self.header.attachments

    def values(self) -> Any:
        """Return the packet's arguments with the attachments in their places.

        Raises:
            MalformedPacket: A placeholder names no attachment, or the payload is no JSON.
            RefusedValue: It holds what can't be passed on.
        """
        values = load_body(self.header.body, self._limits)
        try:
            return put_bytes(values, self._attachments)
        except ValueError as error:
            raise MalformedPacket("a placeholder names no attachment") from error


def render_packet(kind: int, namespace: str, ack_id: int | None, encoded: Encoded | None) -> list[str | bytes]:
    """Return the frames of a packet: its text, then its attachments.

    Args:
        kind: ``EVENT``, ``ACK``, ``CONNECT`` ...; the binary type is chosen here.
        encoded: None for a packet without payload.
    """
    text, attachments = encoded or ("", [])
    prefix = str(kind)
    if attachments:
        prefix = f"{BINARY_EVENT if kind == EVENT else BINARY_ACK}{len(attachments)}-"
    path = "" if namespace == "/" else f"{namespace},"
    return [f"{prefix}{path}{'' if ack_id is None else ack_id}{text}", *attachments]
