"""Real servers, the official JavaScript client and a real Redis: one trace from the client to another process's clients."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.live import HOST, ROOT, LiveServer, accepts_connections, free_port
from tests.node_client import JavaScript

HERE = Path(__file__).resolve().parent
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAID = {"$trace": {"traceparent": f"00-{TRACE}-{PARENT}-01"}}
PATHS = os.pathsep.join([str(ROOT), str(HERE.parent), str(HERE)])
DEADLINE_S = 15.0

pytestmark = pytest.mark.wire

Span = dict[str, Any]


class Traced(LiveServer):
    """A process of the traced chat."""

    def __init__(self, async_mode: str, redis: str = "", env: Mapping[str, str] | None = None) -> None:
        broker = {"FRAMEWORK_MESSAGE_QUEUE": redis} if redis else {}
        super().__init__("traced_app", async_mode=async_mode, env={"PYTHONPATH": PATHS, **broker, **(env or {})})

    def spans(self, name: str, count: int = 1) -> list[Span]:
        """The spans of this name, as soon as *count* of them have ended."""
        deadline = time.monotonic() + DEADLINE_S
        while len(found := [span for span in self.all_spans() if span["name"] == name]) < count:
            assert time.monotonic() < deadline, f"{name}: {self.all_spans()}\n{self.logs}"
        return found

    def all_spans(self) -> list[Span]:
        found: list[Span] = json.loads(self.get("/spans"))
        return found


@pytest.fixture
def js() -> Iterator[JavaScript]:
    with JavaScript() as node:
        yield node


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    """The address of a Redis of this test's own."""
    program = shutil.which("redis-server")
    assert program is not None, "redis-server is not installed"
    port = free_port()
    command = [program, "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not accepts_connections(HOST, port):
            assert process.poll() is None
            assert time.monotonic() < deadline
        yield f"redis://{HOST}:{port}/0"
    finally:
        process.terminate()
        process.wait()


def subscribed(address: str, processes: int) -> None:
    """Return as soon as so many processes listen to the channel."""
    import redis

    deadline = time.monotonic() + DEADLINE_S
    with redis.Redis.from_url(address) as client:
        while dict(client.pubsub_numsub("flask-socketio"))[b"flask-socketio"] < processes:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_trace_of_the_official_client_leads_to_the_handler(js: JavaScript, async_mode: str) -> None:
    with Traced(async_mode) as server:
        ada = js.connect(server.url, "/chat", auth=SAID, extraHeaders={"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
        for event in ("post", "post_later"):
            assert ada.call(event, "hi", SAID) == [TRACE]
            (span,) = server.spans(f"/chat {event}")
            (connect,) = server.spans("/chat connect")
            assert (span["trace"], span["parent"], span["links"]) == (TRACE, PARENT, [connect["id"]])
            assert (connect["trace"], connect["parent"]) == (TRACE, PARENT)
        assert ada.wait_for("posted") == [["hi"]]
        assert ada.call("post", "hi") != [TRACE]
        ada.disconnect()
        server.spans("/chat disconnect")
        assert "Failed to" not in server.logs


@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_headers_of_the_handshake_are_the_connects_parent(js: JavaScript, async_mode: str) -> None:
    with Traced(async_mode) as server:
        for transports in (["websocket"], ["polling"]):
            js.connect(
                server.url, "/chat", transports=transports, extraHeaders={"traceparent": f"00-{TRACE}-{PARENT}-01"}
            )
        for connect in server.spans("/chat connect", 2):
            assert (connect["trace"], connect["parent"]) == (TRACE, PARENT)


@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
@pytest.mark.parametrize("event", ["count", "count_async"])
def test_stream_is_in_the_trace_until_its_end(js: JavaScript, async_mode: str, event: str) -> None:
    with Traced(async_mode, env={"FRAMEWORK_MAX_STREAMS": "1"}) as server:
        ada = js.connect(server.url, "/chat")
        ada.answer(event)
        ada.call(event, 2, SAID)
        parts = [part for (part,) in ada.wait_for(event, 3)]
        assert [part.get("chunk") for part in parts] == [TRACE, TRACE, None]
        (span,) = server.spans(f"/chat {event}")
        assert (span["trace"], span["code"]) == (TRACE, None)

        bob = js.connect(server.url, "/chat")  # acknowledges nothing, so that his stream stays open
        bob.call(event, 100)
        bob.call(event, 100)
        assert [span["code"] for span in server.spans(f"/chat {event}", 2)] == [None, "too_many_streams"]
        bob.disconnect()
        assert [span["code"] for span in server.spans(f"/chat {event}", 3)] == [None, "too_many_streams", None]


@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_delivery_in_another_process_is_in_the_trace_of_the_handler(
    js: JavaScript, redis: str, async_mode: str
) -> None:
    with Traced(async_mode, redis) as a, Traced(async_mode, redis) as b:
        ada, bob = js.connect(a.url, "/chat"), js.connect(b.url, "/chat")
        subscribed(redis, 2)
        (trace,) = ada.call("post", "hi")
        assert bob.wait_for("posted") == [["hi"]]
        assert ada.wait_for("posted") == [["hi"]]
        (event,), (emit,) = a.spans("/chat post"), a.spans("/chat emit posted")
        (deliver,) = b.spans("/chat deliver posted")
        assert (event["trace"], emit["trace"], deliver["trace"]) == (trace, trace, trace)
        assert (emit["parent"], deliver["parent"]) == (event["id"], emit["id"])
        assert (emit["kind"], deliver["kind"]) == ("PRODUCER", "CONSUMER")
        assert [span["name"] for span in a.all_spans()] == ["/chat connect", "/chat emit posted", "/chat post"]


def test_delivery_has_no_span_where_nobody_is_in_the_room(js: JavaScript, redis: str) -> None:
    with Traced("threading", redis) as a, Traced("threading", redis) as b:
        ada, bob = js.connect(a.url, "/chat"), js.connect(b.url, "/chat")
        subscribed(redis, 2)
        ada.call("post_later", "nobody is there")
        bob.call("join", "later")
        ada.call("post_later", "hi")
        assert bob.wait_for("posted") == [["hi"]]
        first, second = a.spans("/chat emit posted", 2)
        (deliver,) = b.spans("/chat deliver posted")
        assert deliver["parent"] == second["id"] != first["id"]


def test_process_of_flask_socketio_itself_on_the_same_channel_works_both_ways(js: JavaScript, redis: str) -> None:
    stock = LiveServer(HERE / "stock_app.py", script=True, env={"FRAMEWORK_MESSAGE_QUEUE": redis})
    with Traced("threading", redis) as a, stock:
        ada, bob = js.connect(a.url, "/chat"), js.connect(stock.url, "/chat")
        subscribed(redis, 2)
        ada.call("post", "from a traced process")
        assert bob.wait_for("posted") == [["from a traced process"]]
        assert bob.call("post", "from a stock one") == ["ok"]
        assert ada.wait_for("posted", 2)[-1] == ["from a stock one"]
        assert [span["name"] for span in a.all_spans() if "deliver" in span["name"]] == []
        assert "Traceback" not in stock.logs + a.logs
