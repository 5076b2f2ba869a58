"""Streams as a stock client has them: the official JavaScript client by hand, and bytes where it would never send them."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from tests.node_client import JavaScriptSocket
from tests.wire.conftest import DEADLINE_S, Bystander, Clients, Wire
from tests.wire.raw import RawWebSocket

pytestmark = pytest.mark.wire

WINDOW = 16
PATH = "/streams"


def connect(js: Clients, server: Wire, transports: list[str] | None = None) -> JavaScriptSocket:
    socket = js.connect(server.url, PATH, transports=transports)
    assert socket.refused is None
    if transports and len(transports) > 1:
        assert socket.wait_upgraded() == "websocket"
    return socket


def start(socket: JavaScriptSocket, event: str, *args: Any) -> str:
    """Ask for a stream and return its id."""
    (started,) = socket.call(event, *args)
    assert set(started) == {"stream"}, started
    stream_id: str = started["stream"]
    return stream_id


def parts(socket: JavaScriptSocket, event: str, count: int) -> list[dict[str, Any]]:
    return [args[0] for args in socket.wait_for(event, count)]


class Watch:
    """Compares what the server holds of streams before and after."""

    def __init__(self, server: Wire) -> None:
        self.server = server
        self.before = server.wait_until(lambda state: not state["streams"])

    def wait_closed(self, count: int = 1) -> None:
        """Wait until *count* generators more are closed, and nothing of any stream is left."""
        before = self.before
        after = self.server.wait_until(
            lambda state: (
                not state["streams"]
                and not state["streaming"]
                and state["closed"] >= before["closed"] + count
                and state["callbacks"] <= before["callbacks"] + 10  # the counter of each client
                and state["lent"] == before["lent"]
            )
        )
        assert after["closed"] == before["closed"] + count


@pytest.fixture
def any_watch(any_server: Wire) -> Watch:
    return Watch(any_server)


@pytest.fixture
def stream_watch(server: Wire) -> Watch:
    return Watch(server)


# -- with the official client


@pytest.mark.parametrize("event", ["count", "tick"])
def test_chunks_come_in_order_then_the_end(
    js: Clients, any_server: Wire, transports: list[str], any_watch: Watch, event: str
) -> None:
    client = connect(js, any_server, transports)
    client.answer(event)
    stream = start(client, event, 100)
    found = parts(client, event, 101)
    assert found == [*({"stream": stream, "chunk": number} for number in range(100)), {"stream": stream, "end": True}]
    any_watch.wait_closed()


@pytest.mark.parametrize("event", ["count", "tick"])
def test_exactly_the_window_comes_without_acks_then_one_for_each(
    js: Clients, server: Wire, transports: list[str], event: str, stream_watch: Watch
) -> None:
    client = connect(js, server, transports)
    stream = start(client, event, 100)
    parts(client, event, WINDOW)
    assert client.call("echo", 1) == [1]
    for acked in range(1, 10):
        assert client.acknowledge(1) == 1
        assert parts(client, event, WINDOW + acked)[-1]["chunk"] == WINDOW + acked - 1
        assert client.call("echo", acked) == [acked]
        assert len(client.received(event)) == WINDOW + acked
    assert server.state()["produced"] == stream_watch.before["produced"] + WINDOW + 9
    assert client.call("cancel_stream", stream) == [True]
    assert parts(client, event, WINDOW + 10)[-1] == {"stream": stream, "end": True}
    stream_watch.wait_closed()


def test_an_ack_with_anything_in_it_counts(js: Clients, server: Wire, stream_watch: Watch) -> None:
    client = connect(js, server)
    client.answer("count", {"error": {"code": "odd"}}, b"bytes", None)
    start(client, "count", 50)
    assert parts(client, "count", 51)[-1] == {"stream": "1", "end": True}
    stream_watch.wait_closed()


def test_an_empty_stream_is_its_end(js: Clients, any_server: Wire) -> None:
    client = connect(js, any_server)
    assert [start(client, "count", 0), start(client, "tick", 0)] == ["1", "2"]
    assert parts(client, "count", 1) == [{"stream": "1", "end": True}]
    assert parts(client, "tick", 1) == [{"stream": "2", "end": True}]


def test_bytes_inside_a_chunk_are_attachments(js: Clients, any_server: Wire, transports: list[str]) -> None:
    client = connect(js, any_server, transports)
    client.answer("blobs")
    start(client, "blobs", 3, 5)
    chunk = {"data": b"xxxxx", "thumbnails": []}
    assert [part.get("chunk") for part in parts(client, "blobs", 4)] == [
        *({"name": str(number), **chunk} for number in range(3)),
        None,
    ]


def test_two_streams_of_one_event_are_told_apart_by_their_ids(js: Clients, server: Wire) -> None:
    client = connect(js, server)
    client.answer("count")
    first, second = start(client, "count", 50), start(client, "count", 60)
    assert (first, second) == ("1", "2")
    found = parts(client, "count", 112)
    assert [part.get("chunk") for part in found if part["stream"] == first] == [*range(50), None]
    assert [part.get("chunk") for part in found if part["stream"] == second] == [*range(60), None]


def test_a_stream_without_an_ack_comes_all_the_same(js: Clients, server: Wire) -> None:
    client = connect(js, server)
    client.answer("count")
    client.emit("count", 2)
    assert parts(client, "count", 3) == [
        {"stream": "1", "chunk": 0},
        {"stream": "1", "chunk": 1},
        {"stream": "1", "end": True},
    ]


def test_an_error_in_the_middle_is_the_last_part(js: Clients, any_server: Wire, any_watch: Watch) -> None:
    client = connect(js, any_server)
    client.answer("fails")
    start(client, "fails", "quota")
    assert parts(client, "fails", 2)[1] == {
        "stream": "1",
        "error": {"code": "quota", "message": "It went wrong.", "event": "fails", "details": {"after": 1}},
    }
    client.clear()
    start(client, "fails", "")
    error = parts(client, "fails", 2)[1]["error"]
    assert error["code"] == "internal_error"
    assert "sekret" not in json.dumps(error) or any_server.kind == "werkzeug"  # which is in debug
    any_server.wait_for_log(error["id"])
    any_watch.wait_closed(2)


def test_an_error_at_the_start_is_the_ack(js: Clients, server: Wire) -> None:
    client = connect(js, server)
    (answer,) = client.call("count", "many")
    assert answer["error"]["code"] == "invalid_payload"
    (answer,) = client.call("cancel_stream")
    assert answer["error"]["code"] == "invalid_payload"


def test_the_seventeenth_stream_is_refused(js: Clients, server: Wire, stream_watch: Watch) -> None:
    client, other = connect(js, server), connect(js, server)
    for _ in range(16):
        start(client, "count", 100)
    parts(client, "count", 16 * WINDOW)
    (answer,) = client.call("count", 100)
    assert answer["error"]["code"] == "too_many_streams"
    start(other, "count", 1)
    parts(other, "count", 2)
    client.disconnect()
    stream_watch.wait_closed(17)


# -- cancelled, and left


@pytest.mark.parametrize("event", ["count", "tick"])
def test_a_client_cancels_its_streams_and_nobody_else_s(
    js: Clients, any_server: Wire, any_watch: Watch, event: str
) -> None:
    client, other = connect(js, any_server), connect(js, any_server)
    stream = start(client, event, 100)
    parts(client, event, 1)
    assert other.call("cancel_stream", stream) == [False]
    assert client.call("cancel_stream", "another") == [False]
    assert client.call("cancel_stream", stream) == [True]
    any_watch.wait_closed()
    assert client.call("cancel_stream", stream) == [False]
    assert client.received(event)[-1] == [{"stream": stream, "end": True}]


def test_an_async_generator_that_waits_is_cancelled_at_once(js: Clients, any_server: Wire, any_watch: Watch) -> None:
    client = connect(js, any_server)
    client.answer("wait")
    stream = start(client, "wait")
    parts(client, "wait", 1)
    assert client.call("cancel_stream", stream) == [True]
    any_watch.wait_closed()
    assert client.received("wait")[-1] == [{"stream": stream, "end": True}]


def test_a_generator_that_blocks_ends_at_its_next_yield_and_holds_nobody_up(
    js: Clients, any_server: Wire, any_watch: Watch
) -> None:
    client, other = connect(js, any_server), connect(js, any_server)
    client.answer("block")
    stream = start(client, "block")
    assert other.call("blocked") == [True]
    assert client.call("echo", 5) == [5]
    assert other.call("echo", 6) == [6]
    assert client.call("cancel_stream", stream) == [True]
    assert any_server.state()["closed"] == any_watch.before["closed"]
    other.call("unblock")
    any_watch.wait_closed()
    assert client.received("block") == [[{"stream": stream, "chunk": 1}], [{"stream": stream, "end": True}]]


@pytest.mark.parametrize("how", ["disconnect", "drop", "kick"])
def test_a_client_that_leaves_ends_its_streams(
    js: Clients, any_server: Wire, transports: list[str], any_watch: Watch, how: str
) -> None:
    client = connect(js, any_server, transports)
    before = any_server.state()["torn_down"]
    for event in ("count", "tick", "wait"):
        start(client, event, *([100] if event != "wait" else []))
        parts(client, event, 1)
    start(client, "dependent")
    parts(client, "dependent", WINDOW)
    assert any_server.state()["lent"] == any_watch.before["lent"] + 1
    if how == "disconnect":
        client.disconnect()
    else:
        client.emit(how)
        client.wait_disconnected()
    any_watch.wait_closed(3)
    # four streams, and the event that makes it leave; a namespace without on_disconnect opens nothing for it
    any_server.wait_until(lambda state: state["torn_down"] == before + 4 + (how != "disconnect"))


# -- many


def test_a_hundred_stalled_streams_hold_no_thread_and_nobody_up(js: Clients, server: Wire, stream_watch: Watch) -> None:
    clients = [connect(js, server) for _ in range(10)]
    for client in clients:
        for _ in range(10):
            start(client, "count", 100)
        parts(client, "count", 10 * WINDOW)
    state = server.wait_until(lambda state: not state["streaming"])
    assert state["streams"] == 100
    assert [client.call("echo", 1) for client in clients] == [[1]] * 10
    Bystander(js, server.url).check()
    for client in clients:
        assert client.acknowledge(1000) == 10 * WINDOW
        parts(client, "count", 20 * WINDOW)
    for client in clients:
        client.disconnect()
    stream_watch.wait_closed(100)


# -- bytes that no client sends


class Raw(RawWebSocket):
    """A WebSocket in the namespace of the streams."""

    def enter(self) -> None:
        self.open()
        assert str(self.join(PATH)).startswith(f"40{PATH},")

    def emit(self, text: str) -> None:
        self.send(f"42{PATH},{text}")

    def ack(self, ack_id: object, body: str = "[]") -> None:
        self.send(f"43{PATH},{ack_id}{body}")

    def part(self) -> tuple[int | None, dict[str, Any]]:
        """Return the ack id and the object of the next event."""
        text = self.receive()
        assert isinstance(text, str)
        head, _, body = text.removeprefix(f"42{PATH},").partition("[")
        return int(head) if head else None, json.loads(f"[{body}")[1]

    def echo(self, number: int) -> list[str]:
        """Return what came before the answer to an event."""
        self.send(f"42{PATH},999{json.dumps(['echo', number])}")
        before: list[str] = []
        while (text := str(self.receive())) != f"43{PATH},999[{number}]":
            before.append(text)
        return before


def test_acks_that_come_twice_or_were_never_asked_for_give_no_credit(server: Wire, stream_watch: Watch) -> None:
    with Raw(server.port) as client:
        client.enter()
        client.emit('["count",100]')
        taken = [client.part() for _ in range(WINDOW)]
        assert [part["chunk"] for _, part in taken] == list(range(WINDOW))
        first = taken[0][0]
        client.ack(first)
        ack_id, part = client.part()
        assert part["chunk"] == WINDOW
        for _ in range(20):
            client.ack(first)
        for unknown in (0, 10**6, 10**18):
            for _ in range(200):
                client.ack(unknown)
        assert client.echo(1) == []
        client.ack(
            ack_id, '[{"deep":' + "[" * 1000 + "]" * 1000 + "}]"
        )  # is dropped: what was acknowledged is unreadable
        assert client.echo(2) == []
        client.ack(taken[1][0], "[null,1,{}]")
        assert client.part()[1]["chunk"] == WINDOW + 1
        assert server.state()["produced"] == stream_watch.before["produced"] + WINDOW + 2
    stream_watch.wait_closed()


def test_the_last_part_asks_for_no_ack(server: Wire) -> None:
    with Raw(server.port) as client:
        client.enter()
        client.emit('["count",1]')
        ack_id, _ = client.part()
        assert ack_id is not None
        assert client.part() == (None, {"stream": "1", "end": True})


def test_large_chunks_wait_for_a_client_that_reads_slowly(strict_server: Wire) -> None:
    """3 MB may wait to be sent to it, and it asks for sixteen chunks of 1 MB at once."""
    watch = Watch(strict_server)
    with Raw(strict_server.port, small_buffer=True) as client:
        client.enter()
        client.emit('["blobs",16,1000000]')
        state = strict_server.wait_until(
            lambda state: state["produced"] > watch.before["produced"] and not state["streaming"]
        )
        assert state["queued"] <= 3_000_000
        for number in range(16):
            text = str(client.receive())
            assert f'"name":"{number}"' in text
            assert len(client.receive()) == 1_000_000
            client.ack(text.removeprefix(f"451-{PATH},").partition("[")[0])
        assert client.part()[1] == {"stream": "1", "end": True}
    watch.wait_closed()


@pytest.mark.parametrize("kind", ["threading", "gevent"])
def test_a_server_with_running_streams_stops(js: Clients, kind: str) -> None:
    with Wire(kind) as server:
        client = connect(js, server)
        for event in ("count", "tick", "wait"):
            start(client, event, *([100] if event != "wait" else []))
            parts(client, event, 1)
        process = server._running()
        os.kill(server.pid, signal.SIGTERM)
        process.wait(DEADLINE_S)
        server._reader.join(DEADLINE_S)
        assert "Traceback" not in server.logs
        assert "destroyed" not in server.logs
