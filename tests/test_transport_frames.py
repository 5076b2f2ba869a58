"""`framework.transport.frames`, alone and beside wsproto."""

from __future__ import annotations

import codecs
import importlib.util
import itertools
import sys
import tracemalloc
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Pong, TextMessage

from framework.transport import frames
from framework.transport.frames import (
    Broken,
    Closed,
    FrameReader,
    HandshakeError,
    Ping,
    Received,
    binary_frame,
    close_frame,
    message_frame,
    pong_frame,
    render_handshake,
    text_frame,
)
from tests.effort import tries
from tests.fuzz.agreement import check_agreement, read

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KEY = b"\x01\xfe\x00\x80"
LIMIT = 100_000
GRUESSE = "grüße 🙂"
BAD_UTF8 = b"ok \xff"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    key: bytes | None = KEY,
    form: int = 0,
    length: int | None = None,
) -> bytes:
    """Return one frame of a client.

    Args:
        key: None for a frame without a mask.
        form: How many bytes, at least, the length is written in besides the first.
        length: What is announced, where it is not the payload's.
    """
    size = len(payload) if length is None else length
    form = max(form, 0 if size < 126 else 2 if size < 65536 else 8)
    short = {0: size, 2: 126, 8: 127}[form]
    head = bytes([fin << 7 | reserved << 4 | opcode, (key is not None) << 7 | short])
    head += size.to_bytes(form) if form else b""
    if key is None:
        return head + payload
    mask = (key * (len(payload) // 4 + 1))[: len(payload)]
    return head + key + (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(len(payload))


def read_all(*data: bytes, limit: int = LIMIT) -> list[Received]:
    return read(data, limit)


def code_of(received: list[Received]) -> int:
    """The code of the one thing received, which is an error."""
    (broken,) = received
    assert isinstance(broken, Broken)
    assert broken.reason
    return broken.code


# -- messages


def test_messages_of_a_chunk_are_received_in_order() -> None:
    data = frame(TEXT, GRUESSE.encode()) + frame(BINARY, b"\x00\xff") + frame(TEXT) + frame(BINARY)
    received = read_all(data)
    assert received == [GRUESSE, b"\x00\xff", "", b""]
    assert [type(message) for message in received] == [str, bytes, str, bytes]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125, 126, 127, 300, 65535, 65536, 70_000])
@pytest.mark.parametrize("key", [KEY, bytes(4), b"\0\0\0\x07", b"\x07\0\0\0"])
@pytest.mark.parametrize("chunk", [None, 1, 7, 4096])
def test_payload_of_any_size_is_unmasked(size: int, key: bytes, chunk: int | None) -> None:
    payload = (b"0123456789" * (size // 10 + 1))[:size]
    data = (frame(TEXT, payload, key=key) + frame(BINARY, payload, key=key)) * 2
    chunks = [data] if chunk is None else [data[at : at + chunk] for at in range(0, len(data), chunk)]
    received = read_all(*chunks)
    assert received == [payload.decode(), payload] * 2
    assert [type(message) for message in received] == [str, bytes] * 2


def test_rest_of_a_chunk_waits_for_the_next() -> None:
    reader = FrameReader(LIMIT)
    data = frame(TEXT, b"one") + frame(TEXT, b"two") + frame(TEXT, b"three")
    assert reader.feed(data[:13]) == ["one"]
    assert reader.feed(b"") == []
    assert reader.feed(data[13:20]) == ["two"]
    assert reader.feed(data[20:]) == ["three"]
    assert reader.feed(b"") == []


def test_fragments_make_one_message() -> None:
    data = frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"", fin=False) + frame(CONTINUATION, b"b")
    data += frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"\xff", fin=False) + frame(CONTINUATION)
    received = read_all(data + frame(TEXT, b"c"))
    assert received == ["ab", b"\xff", "c"]
    assert [type(message) for message in received] == [str, bytes, str]


def test_character_may_be_cut_by_fragments() -> None:
    payload = GRUESSE.encode()
    pieces = [frame(CONTINUATION, payload[at : at + 1], fin=False) for at in range(1, len(payload))]
    assert read_all(frame(TEXT, payload[:1], fin=False), *pieces, frame(CONTINUATION)) == [GRUESSE]


def test_control_frames_come_between_fragments() -> None:
    data = frame(TEXT, b"a", fin=False) + frame(PING, b"now") + frame(PONG, b"then") + frame(CONTINUATION, b"b")
    assert read_all(data) == [Ping(b"now"), "ab"]


def test_pong_is_dropped_and_ping_is_received_with_its_payload() -> None:
    assert read_all(frame(PONG), frame(PONG, b"x" * 125), frame(PING), frame(PING, b"x" * 125)) == [
        Ping(b""),
        Ping(b"x" * 125),
    ]


# -- what is refused

WRONG_STARTS = {
    "no mask": frame(TEXT, key=None),
    "no mask, and something to say": frame(TEXT, b"a", key=None)[:2],
    "a reserved bit": frame(TEXT, b"a", reserved=4)[:2],
    "another reserved bit": frame(PING, b"a", reserved=1)[:2],
    "an unknown opcode": frame(0x3, b"a")[:2],
    "an unknown opcode of control": frame(0xB, b"a")[:2],
    "a fragmented ping": frame(PING, b"a", fin=False)[:2],
    "a fragmented close": frame(CLOSE, fin=False)[:2],
    "a ping of 126 bytes": frame(PING, b"a" * 126)[:2],
    "a close in the long form": frame(CLOSE, form=8)[:2],
    "nothing to continue": frame(CONTINUATION, b"a")[:2],
    "nothing to continue, and no end": frame(CONTINUATION, b"a", fin=False)[:2],
    "a length of 125 in the medium form": frame(TEXT, b"a" * 125, form=2)[:4],
    "a length of 65535 in the long form": frame(BINARY, b"a" * 65535, form=8)[:10],
    "a length of 1 in the long form": frame(TEXT, b"a", form=8)[:10],
    "a length of 64 bits": frame(TEXT, length=1 << 63)[:10],
}


@pytest.mark.parametrize("start", WRONG_STARTS.values(), ids=WRONG_STARTS)
@pytest.mark.parametrize("rest", [b"", bytes(200_000)])
def test_wrong_frame_is_a_protocol_error_by_its_first_bytes(start: bytes, rest: bytes) -> None:
    assert read_all(start[:-1]) == []
    assert code_of(read_all(start + rest)) == 1002
    assert code_of(read_all(*(bytes([byte]) for byte in start), rest)) == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_message_inside_a_fragmented_one_is_a_protocol_error(opcode: int) -> None:
    assert code_of(read_all(frame(TEXT, b"a", fin=False), frame(opcode, b"b")[:2])) == 1002


def test_fragment_after_the_last_is_a_protocol_error() -> None:
    message, *rest = read_all(frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b"), frame(CONTINUATION))
    assert message == "ab"
    assert code_of(rest) == 1002


@pytest.mark.parametrize(
    "payload",
    [BAD_UTF8, b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", GRUESSE.encode()[:-1], b"x" * 65536 + b"\xff"],
)
def test_text_that_is_not_utf8_is_closed_with_1007(payload: bytes) -> None:
    assert code_of(read_all(frame(TEXT, payload))) == 1007
    assert code_of(read_all(frame(TEXT, b"a", fin=False), frame(CONTINUATION, payload))) == 1007
    assert read_all(frame(BINARY, payload)) == [payload]


def test_fragment_that_is_not_utf8_is_refused_before_the_message_ends() -> None:
    assert code_of(read_all(frame(TEXT, BAD_UTF8, fin=False))) == 1007
    assert code_of(read_all(frame(TEXT, b"\xf0\x9f", fin=False), frame(CONTINUATION, b"\x99a", fin=False))) == 1007


def test_character_that_a_text_ends_in_the_middle_of_is_refused() -> None:
    assert code_of(read_all(frame(TEXT, b"\xf0\x9f", fin=False), frame(CONTINUATION))) == 1007


def test_binary_fragments_need_not_be_utf8() -> None:
    assert read_all(frame(BINARY, BAD_UTF8, fin=False), frame(CONTINUATION, BAD_UTF8)) == [BAD_UTF8 * 2]


@pytest.mark.parametrize("bad", [frame(TEXT, BAD_UTF8), frame(TEXT, b"a", key=None), frame(TEXT, length=LIMIT + 1)])
def test_what_came_before_an_error_is_received_and_nothing_after_it(bad: bytes) -> None:
    reader = FrameReader(LIMIT)
    first, broken = reader.feed(frame(TEXT, b"before") + bad + frame(TEXT, b"after"))
    assert first == "before"
    assert isinstance(broken, Broken)
    assert reader.feed(frame(TEXT, b"after")) == []
    assert reader.feed(b"") == []


@pytest.mark.parametrize("last", [frame(PING, fin=False), frame(CLOSE), frame(CONTINUATION, BAD_UTF8)])
def test_nothing_is_held_after_the_end(last: bytes) -> None:
    reader = FrameReader(LIMIT)
    chunks = (frame(TEXT, b"x" * 1000, fin=False), last[:3], last[3:] + frame(TEXT, b"after")[:5])
    (end,) = [received for chunk in chunks for received in reader.feed(chunk)]
    assert isinstance(end, Broken | Closed)
    assert reader._held is reader._message is reader._checked is None


def test_reason_says_nothing_of_what_was_sent() -> None:
    for data in [*WRONG_STARTS.values(), frame(TEXT, b"secret \xff"), frame(CLOSE, b"\x00\x01secret")]:
        (broken,) = read_all(data)
        assert isinstance(broken, Broken)
        assert "secret" not in broken.reason
        assert not any(character.isdigit() for character in broken.reason.replace("UTF-8", ""))


# -- goodbye


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1010, 1011, 1013, 3000, 3999, 4000, 4999])
def test_code_of_a_close_frame_is_received(code: int) -> None:
    assert read_all(frame(CLOSE, code.to_bytes(2) + GRUESSE.encode())) == [Closed(code)]


def test_close_frame_without_a_code_is_1005() -> None:
    assert read_all(frame(CLOSE)) == [Closed(1005)]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2000, 2999, 5000, 65535])
def test_close_frame_with_a_code_that_nobody_may_send_is_a_protocol_error(code: int) -> None:
    assert code_of(read_all(frame(CLOSE, code.to_bytes(2)))) == 1002


def test_close_frame_of_one_byte_is_a_protocol_error() -> None:
    assert code_of(read_all(frame(CLOSE, b"\x03"))) == 1002


def test_close_frame_whose_reason_is_not_utf8_is_closed_with_1007() -> None:
    assert code_of(read_all(frame(CLOSE, b"\x03\xe8" + BAD_UTF8))) == 1007


def test_nothing_is_received_after_a_close_frame() -> None:
    reader = FrameReader(LIMIT)
    goodbye = frame(CLOSE, b"\x03\xe8")
    assert reader.feed(frame(TEXT, b"a", fin=False) + goodbye + frame(CONTINUATION, b"b")) == [Closed(1000)]
    assert reader.feed(frame(TEXT, b"a") + goodbye) == []
    assert reader.feed(b"\xff" * 100) == []


# -- the limit


@pytest.mark.parametrize("limit", [0, 1, 125, 126, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_message_of_the_limit_is_received_and_a_larger_one_refused_by_its_header(limit: int, opcode: int) -> None:
    payload = b"x" * limit
    assert read_all(frame(opcode, payload), limit=limit) in ([payload], [payload.decode()])
    header = frame(opcode, length=limit + 1, key=None)
    announced = bytes([header[0], header[1] | 0x80]) + header[2:]  # the key has yet to come
    assert code_of(read_all(announced, limit=limit)) == 1009
    assert read_all(announced[:-1], limit=limit) == []
    assert code_of(read_all(frame(opcode, payload + b"x"), limit=limit)) == 1009


def test_limit_is_for_all_fragments_together() -> None:
    data = frame(TEXT, b"x" * 60, fin=False) + frame(CONTINUATION, b"x" * 40, fin=False)
    assert read_all(data + frame(CONTINUATION), limit=100) == ["x" * 100]
    assert code_of(read_all(data + frame(CONTINUATION, b"x")[:2], limit=100)) == 1009


def test_limit_is_in_bytes() -> None:
    assert read_all(frame(TEXT, "ü".encode() * 5), limit=10) == ["ü" * 5]
    assert code_of(read_all(frame(TEXT, "ü".encode() * 6), limit=10)) == 1009


def test_limit_is_for_each_message_and_for_no_control_frame() -> None:
    message = frame(TEXT, b"x" * 10) + frame(BINARY, b"x" * 5, fin=False) + frame(PING, b"x" * 125)
    assert (
        read_all((message + frame(CONTINUATION, b"x" * 5)) * 2, limit=10)
        == [
            "x" * 10,
            Ping(b"x" * 125),
            b"x" * 10,
        ]
        * 2
    )


def test_largest_length_there_is_is_over_the_limit() -> None:
    assert code_of(read_all(frame(BINARY, length=(1 << 63) - 1)[:10])) == 1009


# -- what is held


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def held_bytes() -> int:
    """Only what was reserved here, or in what reads frames: threads that others left do something now and then."""
    here = [tracemalloc.Filter(True, str(file)) for file in (__file__, frames.__file__, codecs.__file__)]
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(here).traces)


def test_reader_that_waits_holds_no_buffers(traced: None) -> None:
    reader = FrameReader(LIMIT)
    text = frame(TEXT, GRUESSE.encode())
    for data in (text, text[:9], text[9:], frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b"), frame(PING)):
        reader.feed(data)
    before = held_bytes()
    readers = [FrameReader(LIMIT) for _ in range(1000)]
    assert (held_bytes() - before) / len(readers) < 128
    assert reader._held is reader._message is reader._checked is None
    assert not hasattr(reader, "__dict__")


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("payload", [b"", b"x"])
def test_many_fragments_hold_little_more_than_their_bytes(traced: None, opcode: int, payload: bytes) -> None:
    count = 10_000
    reader = FrameReader(count)
    some = frame(CONTINUATION, payload, fin=False) * 1000
    assert reader.feed(frame(opcode, fin=False)) == []
    before = held_bytes()
    for _ in range(count // 1000):
        assert reader.feed(some) == []
    assert held_bytes() - before < 1000 + 1.2 * count * len(payload)
    assert read([frame(opcode, fin=False), some, frame(CONTINUATION)], count) in (
        [payload.decode() * 1000],
        [payload * 1000],
    )


def test_nothing_is_held_of_60_megabytes_that_are_too_large(traced: None) -> None:
    reader = FrameReader(1_000_000)
    chunk = bytes(65536)
    before = held_bytes()
    assert code_of(reader.feed(frame(BINARY, length=60_000_000)[:14] + chunk)) == 1009
    for _ in range(60_000_000 // len(chunk)):
        assert reader.feed(chunk) == []
    assert held_bytes() - before < 1000


def test_announced_bytes_are_not_reserved_before_they_come(traced: None) -> None:
    reader = FrameReader(60_000_000)
    before = held_bytes()
    assert reader.feed(frame(BINARY, b"x" * 100, length=60_000_000)) == []
    assert held_bytes() - before < 1000


@pytest.mark.parametrize("chunk", [1, 65536])
def test_a_megabyte_in_small_chunks_is_copied_once(chunk: int) -> None:
    size = 1_000_000
    data = frame(BINARY, bytes(size), key=bytes(4))
    reader = FrameReader(size)
    received: list[Received] = []
    buffers = set()
    for at in range(0, len(data), chunk):
        received += reader.feed(data[at : at + chunk])
        buffers.add(id(reader._held))
    assert received == [bytes(size)]
    assert len(buffers) <= 5  # the same one grows, once it is known how far


# -- beside wsproto

payloads = (
    st.binary(max_size=8)
    | st.text(max_size=6).map(str.encode)
    | st.sampled_from([b"x" * 124, b"x" * 125, b"x" * 126, b"x" * 127, b"y" * 65535, b"y" * 65536, BAD_UTF8])
)
keys = st.just(bytes(4)) | st.binary(min_size=4, max_size=4)
close_payloads = st.builds(
    lambda code, reason: code.to_bytes(2) + reason,
    st.sampled_from([1000, 1001, 1004, 1005, 1006, 1014, 1015, 2999, 3000, 4999, 5000]) | st.integers(0, 65535),
    st.text(max_size=5).map(str.encode) | st.sampled_from([b"", b"\xff"]),
)
controls = st.one_of(
    st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=4), key=keys),
    st.builds(frame, st.sampled_from([PING, PONG]), st.just(b"x" * 125), key=keys),
)
opcodes = st.sampled_from([CONTINUATION, TEXT, TEXT, BINARY, CLOSE, PING, PONG])
goodbyes = st.builds(frame, st.just(CLOSE), close_payloads | st.binary(max_size=1), key=keys)
odd_lengths = st.integers(0, 130) | st.sampled_from([65535, 65536, 60_000_000, (1 << 63) - 1, 1 << 63])
any_frame = st.one_of(  # each with one thing that is likely to be wrong
    st.builds(frame, st.integers(0, 15), payloads, fin=st.booleans(), key=keys),
    st.builds(frame, opcodes, payloads, reserved=st.integers(1, 7), key=keys),
    st.builds(frame, opcodes, payloads, key=st.none()),
    st.builds(frame, opcodes, payloads, form=st.sampled_from([2, 8]), key=keys),
    st.builds(frame, opcodes, payloads, fin=st.booleans(), length=odd_lengths, key=keys),
    st.builds(frame, st.sampled_from([CONTINUATION, TEXT]), st.just(BAD_UTF8), fin=st.booleans(), key=keys),
)


@st.composite
def any_message(draw: st.DrawFn) -> bytes:
    """A message in one frame or several, cut anywhere, with control frames between them."""
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    payload = draw(st.text(max_size=20)).encode() if opcode == TEXT else draw(payloads)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    pieces = [payload[start:end] for start, end in itertools.pairwise([0, *cuts, len(payload)])]
    data = b""
    for count, piece in enumerate(pieces, 1):
        data += frame(opcode, piece, fin=count == len(pieces), key=draw(keys))
        data += draw(st.just(b"") | controls)
        opcode = CONTINUATION
    return data


streams = st.lists(any_message() | any_message() | controls | goodbyes | any_frame | any_frame, max_size=6).map(
    b"".join
)
limits = st.sampled_from([0, 5, 125, 126, 1000, LIMIT])


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut *data* into chunks of these sizes, over and over."""
    ends = itertools.takewhile(lambda end: end < len(data), itertools.accumulate(itertools.cycle(sizes)))
    return [data[start:end] for start, end in itertools.pairwise([0, *ends, len(data)])]


@settings(deadline=None, max_examples=tries(200))
@given(data=streams, cut_at=st.none() | st.integers(0, 100), limit=limits)
@example(data=frame(TEXT, BAD_UTF8 + b"x"), cut_at=10, limit=LIMIT)  # wsproto is the first to see it
@example(data=frame(TEXT, b"a", reserved=4), cut_at=2, limit=LIMIT)  # we are
@example(data=frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), cut_at=None, limit=LIMIT)
@example(data=frame(TEXT, b"abc", fin=False) + frame(CONTINUATION, b"def"), cut_at=None, limit=5)
def test_whatever_is_sent_wsproto_makes_the_same_of_it(data: bytes, cut_at: int | None, limit: int) -> None:
    check_agreement(data[:cut_at], limit)


@settings(deadline=None, max_examples=tries(100))
@given(data=streams, sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5), limit=limits)
def test_however_the_bytes_are_cut_the_same_is_received(data: bytes, sizes: list[int], limit: int) -> None:
    assert read(cut(data, sizes), limit) == read([data], limit)


@settings(deadline=None, max_examples=tries(100))
@given(data=st.binary(max_size=60), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3), limit=limits)
def test_bytes_that_are_no_frames_at_all_raise_nothing(data: bytes, sizes: list[int], limit: int) -> None:
    assert read(cut(data, sizes), limit) == check_agreement(data, limit)


# -- what the server sends


class Client:
    """wsproto's client, after its handshake."""

    def __init__(self) -> None:
        self._connection = Connection(ConnectionType.CLIENT)

    def receive(self, data: bytes) -> Any:
        """Return the one event that *data* is."""
        self._connection.receive_data(data)
        (event,) = self._connection.events()
        return event


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_client_receives_a_message_of_any_size(size: int) -> None:
    text = "x" * size
    assert Client().receive(text_frame(text)) == TextMessage(text)
    assert Client().receive(binary_frame(text.encode())) == BytesMessage(text.encode())
    assert message_frame(text) == text_frame(text)
    assert message_frame(text.encode()) == binary_frame(text.encode())


def test_length_of_a_text_is_that_of_its_bytes() -> None:
    assert Client().receive(text_frame("ü" * 100)) == TextMessage("ü" * 100)


@pytest.mark.parametrize("payload", [b"", b"x" * 125])
def test_client_receives_a_pong(payload: bytes) -> None:
    assert Client().receive(pong_frame(payload)) == Pong(payload)


def test_client_receives_a_goodbye() -> None:
    assert close_frame(1000) == b"\x88\x02\x03\xe8"
    assert Client().receive(close_frame(1009, GRUESSE)) == CloseConnection(1009, GRUESSE)


def test_goodbye_without_a_code_is_answered_without_one() -> None:
    assert close_frame(1005) == close_frame(1005, "ignored") == b"\x88\x00"


def test_reason_that_is_too_long_is_cut_between_characters() -> None:
    assert Client().receive(close_frame(1000, "ü" * 100)) == CloseConnection(1000, "ü" * 61)


# -- the handshake

REQUEST = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate; client_max_window_bits",
    "HTTP_SEC_WEBSOCKET_PROTOCOL": "chat",
}


def test_upgrade_is_accepted_without_extensions_and_subprotocol() -> None:
    assert render_handshake(REQUEST) == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_UPGRADE": "WebSocket"},
        {"HTTP_UPGRADE": "h2c, websocket"},
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},
        {"HTTP_CONNECTION": "UPGRADE,keep-alive"},
        {"HTTP_SEC_WEBSOCKET_KEY": " dGhlIHNhbXBsZSBub25jZQ== "},
    ],
)
def test_other_spellings_of_an_upgrade_are_accepted(changes: dict[str, str]) -> None:
    assert render_handshake({**REQUEST, **changes}) == render_handshake(REQUEST)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"REQUEST_METHOD": "POST"}, "method is not GET"),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, "not HTTP/1.1"),
        ({"HTTP_UPGRADE": "h2c"}, "'Upgrade: websocket' is missing"),
        ({"HTTP_UPGRADE": "websockets"}, "'Upgrade: websocket' is missing"),
        ({"HTTP_CONNECTION": "close"}, "'Connection: Upgrade' is missing"),
        ({"HTTP_CONNECTION": "no-upgrade"}, "'Connection: Upgrade' is missing"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "8"}, "'Sec-WebSocket-Version' is not 13"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZ"}, "'Sec-WebSocket-Key' is not 16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZSE0"}, "'Sec-WebSocket-Key' is not 16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBs\r\nZSBub25jZQ=="}, "'Sec-WebSocket-Key' is not 16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "ä" * 24}, "'Sec-WebSocket-Key' is not 16 bytes"),
    ],
)
def test_other_requests_are_refused_with_the_reason(changes: dict[str, str], problem: str) -> None:
    (value,) = changes.values()
    with pytest.raises(HandshakeError, match=problem) as refused:
        render_handshake({**REQUEST, **changes})
    assert value not in str(refused.value)


@pytest.mark.parametrize("name", [name for name in REQUEST if not name.endswith(("EXTENSIONS", "PROTOCOL"))])
def test_request_that_lacks_a_header_is_refused(name: str) -> None:
    with pytest.raises(HandshakeError, match="is no upgrade to a WebSocket"):
        render_handshake({key: value for key, value in REQUEST.items() if key != name})


# -- without the extension in C


@pytest.fixture
def slow_frames(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as it is where websockets has no wheel for the platform."""
    monkeypatch.setitem(sys.modules, "websockets.speedups", None)
    spec = importlib.util.spec_from_file_location("slow_frames", frames.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_its_c_extension_websockets_unmasks_all_the_same(slow_frames: ModuleType) -> None:
    assert slow_frames.apply_mask is not frames.apply_mask
    data = frame(TEXT, GRUESSE.encode()) + frame(BINARY, b"x" * 70_000) + frame(PING, b"p") + frame(TEXT)
    for chunks in ([data], [data[at : at + 1] for at in range(len(data))]):
        reader = slow_frames.FrameReader(LIMIT)
        received = [item for chunk in chunks for item in reader.feed(chunk)]
        assert received == [GRUESSE, b"x" * 70_000, (b"p",), ""]
