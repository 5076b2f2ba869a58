"""The error contract over the wire: fewer examples than in ``tests/test_properties.py``, and a real connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import MARK, RESERVED, any_text, any_value, holds_placeholder, read_ack, write_packet
from tests.wire.conftest import KINDS, MOST, Wire
from tests.wire.raw import RawWebSocket, join

pytestmark = pytest.mark.wire

EVENTS = ["post", "pair", "sum", "reverse", "picture", "broken", "full", "wrong", "infinite", "unserialisable"]


# Clients see the text of unexpected errors in debug mode, which Werkzeug's server runs in here.
@pytest.fixture(scope="module", params=[kind for kind in MOST if "DEBUG" not in KINDS[kind]])
def caller(request: pytest.FixtureRequest, start_server: Callable[..., Wire]) -> Iterator[RawWebSocket]:
    with join(start_server(request.param).port) as client:
        yield client


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(EVENTS) | st.sampled_from(RESERVED) | any_text,
    values=st.lists(any_value, max_size=3).filter(lambda values: not holds_placeholder(values)),
)
def test_any_event_with_any_arguments_is_answered_once(caller: RawWebSocket, name: str, values: list[Any]) -> None:
    caller.send(*write_packet(name, values, 1), '422["nothing"]')
    received = [caller.receive()]
    while received[-1] != "432[]":
        received.append(caller.receive())
    acks = [str(text)[1:] for text in received if str(text)[:2] in ("43", "46")]
    assert len(acks) == 2
    ack_id, _, body = read_ack(acks[0])
    assert ack_id == 1
    answer = json.loads(body)
    if name not in EVENTS or "error" in str(answer)[:12]:
        assert MARK not in body
        assert "sekret" not in body
        assert ".py" not in body
