"""What a client might send: any name, any values, any frames. Every text in it that is the client's own carries a mark."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

MARK = "zq9"
RESERVED = [
    "connect",
    "disconnect",
    "connect_error",
    "error",
    "disconnecting",
    "newListener",
    "*",
    "",
    "on_echo",
    "__init__",
]
FIELDS = ["text", "room", "kind", "value", "children", "number", "name", "data", "_placeholder", "num", "error", "code"]

# Half surrogate pairs included: JavaScript's strings have them.
any_text = st.text(st.characters(exclude_categories=())).map(lambda text: MARK + text)
any_number = (
    st.integers()
    | st.sampled_from([0, -1, 2**53, 2**63, 2**64, -(2**63) - 1, 10**400])
    | st.floats(allow_nan=False, allow_infinity=False)
)
any_leaf = st.none() | st.booleans() | any_number | any_text | st.sampled_from(["cat", "dog"])
any_key = st.sampled_from(FIELDS) | any_text


def nest(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_key, inner, max_size=4),
        max_leaves=12,
    )


any_json = nest(any_leaf)
any_value = nest(any_leaf | st.binary(max_size=20).map(lambda data: MARK.encode() + data))
odd_json = st.sampled_from(["1e999", "-1e999", "[" * 70 + "]" * 70, "[" * 5000 + "]" * 5000, "1" * 5000, '"\\ud800"'])


def write_packet(name: str, values: list[Any], ack_id: int) -> list[str | bytes]:
    """The frames of an event as a client writes them."""
    attachments: list[bytes] = []
    body = json.dumps([name, *(take_bytes(value, attachments) for value in values)])
    head = f"5{len(attachments)}-" if attachments else "2"
    return [f"4{head}{ack_id}{body}", *attachments]


def take_bytes(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, bytes):
        attachments.append(value)
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, list):
        return [take_bytes(item, attachments) for item in value]
    if isinstance(value, dict):
        return {key: take_bytes(item, attachments) for key, item in value.items()}
    return value


def holds_placeholder(value: Any) -> bool:
    """Whether a client wrote Socket.IO's own placeholder into its payload by hand."""
    if isinstance(value, dict):
        return value.get("_placeholder") is True or any(map(holds_placeholder, value.values()))
    return isinstance(value, list) and any(map(holds_placeholder, value))


_ACK = re.compile(r"(?:3|6([0-9]+)-)([0-9]+)(\[.*)", re.DOTALL)


def read_ack(text: str) -> tuple[int, int, str]:
    """The id of an ack, how many attachments follow it, and its JSON."""
    match = _ACK.fullmatch(text)
    assert match is not None, f"no ack: {text!r}"
    attachments, ack_id, body = match.groups()
    return int(ack_id), int(attachments or 0), body


packet_like = st.from_regex(
    r"4[0-7]([0-9]{1,2}-)?(/[a-z]{0,5},)?[0-9]{0,3}[\[\]{}\",:a-z0-9\\. ]{0,24}", fullmatch=True
)
any_frame = st.one_of(
    st.sampled_from(
        [
            "40",
            "41",
            "3",
            "1",
            "2",
            "5",
            "6",
            "40/other,",
            '421["echo"]',
            '42["echo",{"_placeholder":true,"num":0}]',
            "430[]",
            '451-2["echo",{"_placeholder":true,"num":0}]',
            '451-["echo",{"_placeholder":true,"num":3}]',
            '452-["echo"]',
            "4",
            "bAA==",
        ]
    ),
    packet_like,
    st.text(max_size=30),
    st.binary(max_size=30),
)
