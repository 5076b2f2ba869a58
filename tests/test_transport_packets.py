"""`framework.transport.packets`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Limits
from framework.acks import Encoded
from framework.errors import MalformedPacket
from framework.transport import packets
from framework.transport.packets import (
    Header,
    Partial,
    is_too_deep,
    load_body,
    parse_event,
    parse_packet,
    plain_event,
    read_event_name,
    render_packet,
)
from framework.wire import RefusedValue

LIMITS = Limits()


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("0", (packets.CONNECT, 0, "/", None, "")),
        ('0{"token":1}', (packets.CONNECT, 0, "/", None, '{"token":1}')),
        ("0/chat,", (packets.CONNECT, 0, "/chat", None, "")),
        ("0/chat", (packets.CONNECT, 0, "/chat", None, "")),
        ('0/chat?a=b,{"x":1}', (packets.CONNECT, 0, "/chat", None, '{"x":1}')),
        ("1/chat,", (packets.DISCONNECT, 0, "/chat", None, "")),
        ('2["a"]', (packets.EVENT, 0, "/", None, '["a"]')),
        ('2/chat,12["a","/b,"]', (packets.EVENT, 0, "/chat", 12, '["a","/b,"]')),
        ("30[]", (packets.ACK, 0, "/", 0, "[]")),
        ('52-/chat,7["a"]', (packets.BINARY_EVENT, 2, "/chat", 7, '["a"]')),
        ("61-7[]", (packets.BINARY_ACK, 1, "/", 7, "[]")),
        ('29223372036854775807["a"]', (packets.EVENT, 0, "/", 2**63 - 1, '["a"]')),
    ],
)
def test_packet_is_split_into_its_parts(text: str, header: tuple[object, ...]) -> None:
    assert parse_packet(text, LIMITS) == Header(*header)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["", "x", "7", "2", "2{}", '2"a"', "4{}", '5["a"]', '50-["a"]', '565-["a"]', '21-["a"]', "3{}", "2²[]", f"2{'1' * 20}[]",
     f"2/{'n' * 256},[]", " 2[]", "2 []", "2-1[]", "51-", "2\x00[]"],
)  # fmt: skip
def test_malformed_packet_is_refused(text: str) -> None:
    with pytest.raises(MalformedPacket):
        parse_packet(text, LIMITS)


@given(st.text())
def test_any_text_is_a_packet_or_malformed(text: str) -> None:
    try:
        header = parse_packet(text, LIMITS)
        if header.type in (packets.EVENT, packets.BINARY_EVENT):
            assert isinstance(read_event_name(header.body), str)
        load_body(header.body, LIMITS)
    except (MalformedPacket, RefusedValue):
        pass


@given(st.text(st.characters(exclude_categories=())), st.booleans(), st.sampled_from(["", " ", "\n\t"]))
def test_any_name_is_read_as_it_was_written(name: str, ascii_only: bool, space: str) -> None:
    if not ascii_only:
        name = name.encode("utf-8", "ignore").decode()
    body = f"[{space}{json.dumps(name, ensure_ascii=ascii_only)}{space},1e999]"
    assert read_event_name(body) == json.loads(json.dumps(name))


@pytest.mark.parametrize(
    "body", ["[]", "[1]", "[null]", '[["a"]]', '["a', '["\\', '["\x00"]', '["\\x"]', "[", '[{"a":1}]']
)
def test_event_without_a_name_is_malformed(body: str) -> None:
    with pytest.raises(MalformedPacket):
        read_event_name(body)


@pytest.mark.parametrize("text", ["[1", "NaN", "[Infinity]", "", "[1]]"])
def test_body_that_is_no_json_is_malformed(text: str) -> None:
    with pytest.raises(MalformedPacket):
        load_body(text, LIMITS)


@pytest.mark.parametrize("text", ["[1e999]", '["\\ud800"]', "[" * 65 + "]" * 65, "[" * 10**6, f"[{'1' * 5000}]"])
def test_body_that_can_not_be_passed_on_is_refused(text: str) -> None:
    with pytest.raises(RefusedValue):
        load_body(text, LIMITS)


PIECES = [
    "2",
    "/chat",
    "/a?b",
    "/" + "n" * 257,
    ",",
    "0",
    "7",
    "07",
    "1" * 19,
    "1" * 20,
    '["a"',
    '["a\\"b"',
    '["é',
    "]",
    "{",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=6).map(lambda pieces: "2" + "".join(pieces)))
def test_event_that_is_read_at_once_is_what_a_close_look_makes_of_it(text: str) -> None:
    found = parse_event(text)
    if found is not None:
        header = parse_packet(text, LIMITS)
        assert found == plain_event(header)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('2["a",1]', ("/", None, "a", '["a",1]')),
        ('2/chat,10["a b"]', ("/chat", "10", "a b", '["a b"]')),
        ('20["a"]', ("/", "0", "a", '["a"]')),
        ('207["a"]', None),
        ('2/chat?a=b,1["a"]', None),
        ('2["a\\n"]', None),
        ('51-["a"]', None),
    ],
)
def test_event_as_clients_write_it_is_read_at_once(text: str, found: object) -> None:
    assert parse_event(text) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text('ab\\"[]{}é', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k[]{}\\"', max_size=3), inner, max_size=3),
    max_leaves=20,
)


def measure(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(measure, value.values()), default=0)
    return 1 + max(map(measure, value), default=0) if isinstance(value, list) else 0


@given(JSON, st.integers(1, 6), st.booleans())
def test_depth_is_what_the_decoded_value_has(value: object, limit: int, ascii_only: bool) -> None:
    assert is_too_deep(json.dumps(value, ensure_ascii=ascii_only), limit) == (measure(value) > limit)


ONE = '{"_placeholder":true,"num":0}'


def test_attachments_take_their_places() -> None:
    partial = Partial(parse_packet(f'52-["e",{ONE},[{{"_placeholder":true,"num":1}}]]', LIMITS), LIMITS)
    assert not partial.add(b"a")
    assert partial.add(b"b")
    assert partial.values() == ["e", b"a", [b"b"]]
    assert partial.size_bytes == 2


@pytest.mark.parametrize("number", ["1", "-1", '"0"', "true", "null", "0.0"])
def test_placeholder_that_names_no_attachment_is_malformed(number: str) -> None:
    partial = Partial(parse_packet(f'51-["e",{{"_placeholder":true,"num":{number}}}]', LIMITS), LIMITS)
    assert partial.add(b"a")
    with pytest.raises(MalformedPacket):
        partial.values()


def test_attachments_that_are_too_large_together_are_malformed() -> None:
    partial = Partial(parse_packet('53-["e"]', LIMITS), Limits(max_attachment_bytes=10))
    partial.add(b"x" * 6)
    with pytest.raises(MalformedPacket, match="too large"):
        partial.add(b"x" * 6)


@pytest.mark.parametrize(
    ("kind", "namespace", "ack_id", "encoded", "frames"),
    [
        (packets.EVENT, "/", None, Encoded('["a"]', []), ['2["a"]']),
        (packets.EVENT, "/chat", 3, Encoded('["a"]', [b"x"]), ['51-/chat,3["a"]', b"x"]),
        (packets.ACK, "/", 0, Encoded("[]", []), ["30[]"]),
        (packets.ACK, "/", 1, Encoded(f"[{ONE}]", [b""]), [f"61-1[{ONE}]", b""]),
        (packets.DISCONNECT, "/chat", None, None, ["1/chat,"]),
    ],
)
def test_packet_is_rendered_as_the_protocol_has_it(
    kind: int, namespace: str, ack_id: int | None, encoded: Encoded | None, frames: list[str | bytes]
) -> None:
    assert render_packet(kind, namespace, ack_id, encoded) == frames
