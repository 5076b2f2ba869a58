"""Whether a `FrameReader` and wsproto make the same of the same bytes: for the tests, and for the fuzzer.

They may differ in when they find a frame wrong, and in the limit, which wsproto has not. Each difference that is allowed
has its place in `check_agreement`, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.events import Ping as WsprotoPing

from framework.transport.frames import Broken, Closed, FrameReader, Ping, Received

PROTOCOL_ERROR, BAD_TEXT, TOO_LARGE = 1002, 1007, 1009
LONGEST_HEAD = 14


def read(chunks: Iterable[bytes], limit: int) -> list[Received]:
    """Return all that a new reader makes of the chunks."""
    reader = FrameReader(limit)
    return [received for chunk in chunks for received in reader.feed(chunk)]


class Wsproto:
    """wsproto after its handshake, with what it received in the words of `frames`."""

    def __init__(self, data: bytes = b"") -> None:
        self._connection = Connection(ConnectionType.SERVER)
        self._parts: list[str | bytes] = []
        self.received: list[Received] = []
        self.events = 0
        self.feed(data)

    def feed(self, data: bytes) -> None:
        self._connection.receive_data(data)
        for event in self._connection.events():
            self.events += 1
            if isinstance(event, TextMessage | BytesMessage):
                self._add(event)
            elif isinstance(event, WsprotoPing):
                self.received.append(Ping(bytes(event.payload)))
            elif isinstance(event, CloseConnection):
                said = self._connection.state is ConnectionState.REMOTE_CLOSING
                self.received.append(Closed(int(event.code)) if said else Broken(int(event.code), ""))

    def _add(self, event: TextMessage | BytesMessage) -> None:
        self._parts.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
        if event.message_finished:
            self.received.append(type(self._parts[0])().join(self._parts))  # type: ignore[arg-type]
            self._parts.clear()


def read_announced(data: bytes) -> Iterator[int]:
    """Yield, per data frame of a valid stream, how large its header says that the message will be so far."""
    at = size = 0
    while at + 2 <= len(data):
        opcode, length, at = data[at] & 0x0F, data[at + 1] & 0x7F, at + 2
        if length > 125:
            width = 2 if length == 126 else 8
            if at + width > len(data):
                return
            length, at = int.from_bytes(data[at : at + width]), at + width
        if opcode < 8:
            size = length + (0 if opcode else size)
            yield size
        at += 4 + length


def check_agreement(data: bytes, limit: int) -> list[Received]:
    """Fail unless both make the same of *data*; return what that is."""
    received = read([data], limit)
    ours, theirs = [_without_reason(item) for item in received], Wsproto(data)
    end = _find_code(ours)
    if end == TOO_LARGE:
        _check_limit(data, limit, ours)
    elif end == PROTOCOL_ERROR and not _is_over(theirs.received):
        _check_early_error(ours, theirs)
    elif not _is_over(ours) and _find_code(theirs.received) == BAD_TEXT:
        _check_late_error(data, limit, ours, theirs)
    else:
        assert ours == theirs.received
        assert _is_over(ours) or all(size <= limit for size in read_announced(data))
    return received


def _check_limit(data: bytes, limit: int, ours: list[Received]) -> None:
    """wsproto has no limit: a header has to announce too much, none before it does, and up to it both agree."""
    low, high = 0, len(data)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_over(read([data[:middle]], limit)) else (middle, high)
    *before, last = read_announced(data[:high])
    assert last > limit
    assert all(size <= limit for size in before)
    assert ours[:-1] == Wsproto(data[:high]).received


def _check_early_error(ours: list[Received], theirs: Wsproto) -> None:
    """We refuse a header by its first bytes; wsproto waits for its last, and for the payload to see its place."""
    assert ours[:-1] == theirs.received
    events = theirs.events
    for _ in range(LONGEST_HEAD + 126):
        if theirs.events == events:
            theirs.feed(b"\x01")  # a byte that is right in every length
    assert ours == theirs.received


def _check_late_error(data: bytes, limit: int, ours: list[Received], theirs: Wsproto) -> None:
    """wsproto decodes what there is of a frame; we wait for its end, which is not in *data*."""
    ended = read([data, bytes(limit + LONGEST_HEAD)], limit)
    assert [_without_reason(item) for item in ended] == [*ours, Broken(BAD_TEXT, "")] == theirs.received


def _find_code(received: list[Received]) -> int | None:
    return received[-1].code if received and isinstance(received[-1], Broken) else None


def _is_over(received: list[Received]) -> bool:
    return bool(received) and isinstance(received[-1], Broken | Closed)


def _without_reason(item: Received) -> Received:
    return Broken(item.code, "") if isinstance(item, Broken) else item
