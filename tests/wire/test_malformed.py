"""What follows no protocol: refused or closed, hardly logged, nothing left behind, nobody else touched."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable

import pytest

from tests.wire.conftest import Clients, Watch, Wire
from tests.wire.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    RawPolling,
    RawWebSocket,
    RefusedHandshake,
    build_frame,
    join,
)

pytestmark = pytest.mark.wire

# Sent by a client that has joined the main namespace; each ends its connection.
MALFORMED = {
    "no Engine.IO packet": "",
    "unknown Engine.IO type": "x",
    "Engine.IO type 9": "9",
    "Engine.IO open": "0{}",
    "Engine.IO ping": "2probe",
    "no Socket.IO packet": "4",
    "null": "4null",
    "Socket.IO type 7": "47",
    "letters": "4abc",
    "event that is an object": "42{}",
    "event without a name": "42[]",
    "event without payload": "42",
    "event with an id only": "421",
    "event that is a string": '42"echo"',
    "name that is a number": "42[1]",
    "name that is an object": '42[{"a":1}]',
    "name that is null": "42[null]",
    "name that is a list": '42[["echo"]]',
    "cut short": '421["echo",',
    "cut short in the name": '42["ec',
    "cut short in an escaped name": '42["e\\',
    "garbage behind": '421["echo",1]]',
    "NaN": '421["echo",NaN]',
    "minus infinity": '421["echo",-Infinity]',
    "control character": '421["echo","\x00"]',
    "another script's digits": '42²["echo"]',
    "id of 101 digits": f'42{"1" * 101}["echo"]',
    "connect_error": '44{"message":"x"}',
    "binary without attachments": '45["echo"]',
    "no attachments announced": '450-["echo"]',
    "too many attachments": '459999999-["echo"]',
    "attachments beyond any number": '4559999999999-["echo"]',
    "65 attachments": '4565-["echo"]',
    "attachments on a plain event": '421-["echo"]',
    "attachments for a namespace not joined": '451-/room1,["where"]',
    "auth that is no JSON": "40/room1,{",
    "ack that is no JSON": "431[1",
    "ack that is no list": "431{}",
    "namespace of 300 characters": f'42/{"n" * 300},["echo"]',
}
ONE = '{"_placeholder":true,"num":0}'
# Several frames, bytes among them.
MALFORMED_BINARY: dict[str, list[str | bytes]] = {
    "attachment of no packet": [b"bytes"],
    "empty attachment of no packet": [b""],
    "text where an attachment should be": [f'451-["echo",{ONE}]', '42["echo"]'],
    "placeholder out of range": ['451-1["echo",{"_placeholder":true,"num":1}]', b"x"],
    "negative placeholder": ['451-1["echo",{"_placeholder":true,"num":-1}]', b"x"],
    "placeholder that is a string": ['451-1["echo",{"_placeholder":true,"num":"0"}]', b"x"],
    "placeholder that is true": ['451-1["echo",{"_placeholder":true,"num":true}]', b"x"],
    "placeholder without a number": ['451-1["echo",{"_placeholder":true}]', b"x"],
    "bytes that are no JSON": ['451-1["echo",', b"x"],
    "one attachment too many": [f'451-1["echo",{ONE}]', b"x", b"y"],
    "bad base64": ["bnot*base64"],
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in MALFORMED.items()])
def test_malformed_text_closes_the_websocket(server: Wire, watch: Watch, text: str) -> None:
    with join(server.port) as client:
        client.send(text)
        client.wait_closed()
    watch.check()


@pytest.mark.parametrize("frames", [pytest.param(frames, id=name) for name, frames in MALFORMED_BINARY.items()])
def test_malformed_binary_closes_the_websocket(server: Wire, watch: Watch, frames: list[str | bytes]) -> None:
    with join(server.port) as client:
        client.send(*frames)
        client.wait_closed()
    watch.check()


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in MALFORMED.items() if text])
def test_malformed_text_closes_the_polling_session(server: Wire, watch: Watch, text: str) -> None:
    client = RawPolling(server.port)
    client.join()
    assert client.post(text)[0] in (200, 400)
    server.wait_until(lambda state: client.get()[0] == 400)
    assert client.post("3")[0] == 400
    watch.check()


def test_malformed_input_over_the_development_server_leaves_it_serving(
    start_server: Callable[..., Wire], js: Clients
) -> None:
    server = start_server("werkzeug")
    bystander = js.connect(server.url)
    logged = len(server.read_log())
    for frames in [*([text] for text in MALFORMED.values()), *MALFORMED_BINARY.values()]:
        with join(server.port) as client:
            client.send(*frames)
            client.wait_closed()
    server.wait_until(lambda state: state["connections"] == 1 and state["serving"] <= 2)
    assert bystander.call("echo", "well") == ["well"]
    assert "Traceback" not in server.read_log()[logged:]


# -- answered, and the connection goes on


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [65, 500, 100_000])
@pytest.mark.parametrize("event", ["echo", "post"])
def test_deep_nesting_is_answered(server: Wire, watch: Watch, depth: int, event: str) -> None:
    with join(server.port) as client:
        client.send(f'421["{event}",{nested(depth)}]')
        assert read_code(client) == "invalid_payload"
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


@pytest.mark.parametrize("depth", [65, 500, 100_000])
def test_deep_nesting_beside_an_attachment_is_answered(server: Wire, watch: Watch, depth: int) -> None:
    with join(server.port) as client:
        client.send(f'451-1["echo",{ONE},{nested(depth)}]', b"x")
        assert read_code(client, "431") == "invalid_payload"
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


@pytest.mark.parametrize("depth", [65, 500, 100_000])
def test_deep_nesting_in_auth_is_refused(server: Wire, watch: Watch, depth: int) -> None:
    with join(server.port) as client:
        answer = client.join("/untyped", '{"token":' + nested(depth) + "}")
        assert str(answer).startswith("44/untyped,")
        assert json.loads(str(answer)[11:])["data"]["code"] == "invalid_payload"
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


@pytest.mark.parametrize("answer", [nested(500), nested(100_000), '["\\ud800"]', "[1e999]"])
def test_answer_to_a_call_that_can_not_be_used_fails_the_call_at_once(server: Wire, watch: Watch, answer: str) -> None:
    with join(server.port) as client:
        client.send('427["question","?"]')
        asked = str(client.receive())
        ack_id = asked[2 : asked.index("[")]
        client.send(f"43{ack_id}{answer}")
        assert read_code(client, "437") == "internal_error"
        assert client.call("echo", "still here") == ["still here"]
    watch_without_tracebacks(watch)


def watch_without_tracebacks(watch: Watch) -> None:
    """The failure of a handler is logged with its traceback, which is no flood; the rest is as `Watch.check` says."""
    watch.server.wait_until(lambda state: state["connections"] <= watch.before["connections"])
    assert watch.server.state()["callbacks"] == 0
    watch.bystander.check()


@pytest.mark.parametrize("value", ["1e999", "-1e999", '"\\ud800"', '["\\udfff\\ud800"]', "1" * 4301, "1" * 100_000])
@pytest.mark.parametrize("event", ["echo", "sum", "post"])
def test_value_that_can_not_be_passed_on_is_answered(server: Wire, watch: Watch, value: str, event: str) -> None:
    with join(server.port) as client:
        client.send(f'421["{event}",{value}]')
        assert read_code(client) == "invalid_payload"
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


@pytest.mark.parametrize(
    "name", ["connect", "disconnect", "connect_error", "error", "*", "", "__init__", "_event", "on_echo"]
)
def test_forged_and_odd_event_names_run_nothing(server: Wire, watch: Watch, name: str) -> None:
    server.post("/clear")
    with RawWebSocket(server.port) as client:
        client.open()
        client.join("/untyped")
        client.send("42/untyped,1" + json.dumps([name, "transport close", {"user": "root"}]))
        assert read_code(client, "43/untyped,1") == "unknown_event"
        client.send('42/untyped,2["echo",1]')
        assert client.receive() == "43/untyped,2[1]"
        assert server.state()["connects"] == 1
        assert server.state()["disconnects"] == []
    watch.check()


def test_ack_that_nobody_waits_for_changes_nothing(server: Wire, watch: Watch) -> None:
    with join(server.port) as client:
        client.send("430[1]", "4399[1]", "43[1]", "43/room1,0[1]")
        client.send('427["question","?"]')
        asked = str(client.receive())
        ack_id = asked[2 : asked.index("[")]
        client.send("430[1]", f"43{ack_id}[41]")
        assert client.receive() == "437[42]"
        client.send(f"43{ack_id}[41]")
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


def test_packets_for_a_namespace_that_was_not_joined_are_ignored(server: Wire, watch: Watch) -> None:
    with join(server.port) as client:
        client.send('42/room1,1["where"]', "41/room1", "41/nowhere", "43/room1,1[1]")
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


def test_second_connect_is_refused_and_the_first_lives_on(server: Wire, watch: Watch) -> None:
    with join(server.port) as client:
        assert str(client.join()).startswith('44{"message"')
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


def test_query_of_a_namespace_is_cut_off(server: Wire) -> None:
    with join(server.port) as client:
        assert str(client.join("/room1?token=x")).startswith('40/room1,{"sid"')


def read_code(client: RawWebSocket, prefix: str = "431") -> str:
    """Return the code of the error that the next message acks with."""
    answer = str(client.receive())
    assert answer.startswith(prefix + "["), answer[:200]
    code: str = json.loads(answer[len(prefix) :])[0]["error"]["code"]
    return code


# -- WebSocket frames


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(build_frame(TEXT, b"2", masked=False), 1002, id="unmasked"),
        pytest.param(build_frame(TEXT, b"3", reserved=4), 1002, id="reserved bit"),
        pytest.param(build_frame(0x3, b"3"), 1002, id="reserved opcode"),
        pytest.param(build_frame(TEXT, b"\xff\xfe"), 1007, id="no UTF-8"),
        pytest.param(build_frame(CONTINUATION, b"3"), 1002, id="continuation of nothing"),
        pytest.param(build_frame(PING, b"x" * 126), 1002, id="large control frame"),
        pytest.param(build_frame(PING, b"x", fin=False), 1002, id="fragmented control frame"),
        pytest.param(build_frame(CLOSE, struct.pack(">H", 1005)), 1002, id="reserved close code"),
        pytest.param(build_frame(TEXT, b"4", fin=False) + build_frame(TEXT, b"3"), 1002, id="message inside another"),
        pytest.param(b"\x81\xff" + struct.pack(">Q", 1 << 63) + bytes(4), 1002, id="length with its highest bit"),
        pytest.param(b"\xff" * 4000, 1002, id="noise"),
    ],
)
def test_broken_frame_closes_with_the_protocols_code(server: Wire, watch: Watch, frame: bytes, code: int) -> None:
    with join(server.port) as client:
        client.send_bytes(frame)
        assert client.wait_closed() == code
    watch.check()


def test_fragments_and_control_frames_between_them_make_one_message(server: Wire) -> None:
    with join(server.port) as client:
        text = b'421["echo","\xc3\xbc"]'
        client.send_frame(TEXT, text[:13], fin=False)  # in the middle of a character
        client.send_frame(PING, b"are you there")
        client.send_frame(CONTINUATION, b"", fin=False)
        client.send_frame(CONTINUATION, text[13:])
        assert client.receive_frame() == (0xA, b"are you there")
        assert client.receive() == '431["ü"]'


def test_close_frame_is_answered(server: Wire, watch: Watch) -> None:
    with join(server.port) as client:
        client.send_frame(CLOSE, struct.pack(">H", 1000) + b"bye")
        assert client.wait_closed() == 1000
    watch.check()


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_large_message_is_refused_without_being_held(server: Wire, watch: Watch, opcode: int) -> None:
    server.post("/peak")
    before = server.memory()["HWM"]
    with join(server.port) as client:
        client.send_bytes(bytes([0x80 | opcode, 0xFF]) + struct.pack(">Q", 60_000_000) + bytes(4))
        with pytest.raises(OSError):  # noqa: PT011 - the server has hung up, whatever the system calls it
            for _ in range(60):
                client.send_bytes(b"x" * 1_000_000)
    watch.check()
    assert server.memory()["HWM"] - before < 6_000_000


def test_large_message_is_closed_with_its_code(server: Wire) -> None:
    with join(server.port) as client:
        client.send("4" * 1_000_001)
        assert client.wait_closed() in (1009, None)  # the rest of the message may reset the connection


def test_unfinished_fragments_are_not_held_beyond_the_limit(server: Wire, watch: Watch) -> None:
    server.post("/peak")
    before = server.memory()["HWM"]
    with join(server.port) as client, pytest.raises(OSError):  # noqa: PT011
        client.send_frame(TEXT, b"4", fin=False)
        for _ in range(40):
            client.send_frame(CONTINUATION, b"x" * 1_000_000, fin=False)
    watch.check()
    assert server.memory()["HWM"] - before < 6_000_000


def test_tiny_fragments_take_no_more_than_their_message(server: Wire, watch: Watch) -> None:
    server.post("/peak")
    before = server.memory()["HWM"]
    with join(server.port) as client:
        client.wait_up_to(60)  # it takes seconds where the machine is busy, and what is bounded here is memory
        client.send_frame(TEXT, b'421["echo","', fin=False)
        client.send_bytes(build_frame(CONTINUATION, b"ab", fin=False) * 300_000)
        client.send_frame(CONTINUATION, b'"]')
        assert client.receive() == '431["' + "ab" * 300_000 + '"]'
    watch.check()
    assert server.memory()["HWM"] - before < 12_000_000


def test_connection_that_is_reset_leaves_nothing(server: Wire, watch: Watch) -> None:
    client = join(server.port)
    client.send('42["flood",20,100000]')
    client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.drop()
    watch.check()


# -- handshakes


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Connection": "keep-alive"}, id="no Connection: Upgrade"),
        pytest.param({"Sec-WebSocket-Version": "8"}, id="old version"),
        pytest.param({"Upgrade": "h2c"}, id="another upgrade"),
        pytest.param({"Origin": "http://evil.example"}, id="foreign origin"),
    ],
)
def test_bad_handshake_is_refused(server: Wire, watch: Watch, headers: dict[str, str]) -> None:
    with pytest.raises(RefusedHandshake, match="400"):
        RawWebSocket(server.port, headers=headers)
    watch.check()


def test_foreign_origin_is_refused_over_polling(server: Wire, watch: Watch) -> None:
    client = RawPolling(server.port)
    for method, query in (("GET", ""), ("GET", f"&sid={client.sid}"), ("POST", f"&sid={client.sid}")):
        status, _ = client.request(method, query, "40" if method == "POST" else None, {"Origin": "http://evil.example"})
        assert status == 400
    assert client.post("1")[0] == 200
    watch.check()


@pytest.mark.parametrize(
    "query",
    [
        "EIO=3&transport=polling",
        "EIO=4&transport=pigeon",
        "EIO=4&transport=polling&sid=nobody",
        "EIO=4&transport=polling&j=x",
        "",
    ],
)
def test_bad_query_is_refused(server: Wire, watch: Watch, query: str) -> None:
    assert server.get_status(f"/socket.io/?{query}")[0] == 400
    watch.check()


def test_compression_of_websockets_is_declined(server: Wire) -> None:
    with RawWebSocket(
        server.port, headers={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    ) as client:
        assert "sec-websocket-extensions" not in client.headers.lower()
        client.open()
        client.send_frame(TEXT, b"\x02\x00", reserved=4)  # compressed all the same
        assert client.wait_closed() == 1002


def test_session_goes_with_its_websocket_only(server: Wire, watch: Watch) -> None:
    with join(server.port) as client:
        with RawWebSocket(server.port) as other:
            sid = other.open()
            polling = RawPolling(server.port)
            own, polling.sid = polling.sid, sid
            assert polling.get()[0] == 400
            assert polling.post("40")[0] == 400
            with pytest.raises(RefusedHandshake):
                RawWebSocket(server.port, f"&sid={sid}")
            assert str(other.join()).startswith("40{")
            polling.sid = own
            assert polling.post("1")[0] == 200
        assert client.call("echo", "still here") == ["still here"]
    watch.check()


# -- polling


def test_post_that_is_too_large_is_refused_with_no_get_pending(server: Wire, watch: Watch) -> None:
    for _ in range(10):
        client = RawPolling(server.port)
        assert client.post("3" + "\x1e3" * 500_001)[0] in (400, 0)  # 0: it hung up before all was sent
        assert client.get()[0] == 400
    watch.check(max_log_chars=2000)


def test_post_of_an_unknown_type_is_refused_with_no_get_pending(server: Wire, watch: Watch) -> None:
    clients = [RawPolling(server.port) for _ in range(10)]
    assert [client.post("9")[0] for client in clients] == [400] * 10
    watch.check(max_log_chars=2000)


def test_post_that_is_no_text_is_refused(server: Wire, watch: Watch) -> None:
    assert RawPolling(server.port).post(b"\xff\xfe")[0] == 400
    watch.check()


def test_any_number_of_packets_in_one_post_are_handled(server: Wire) -> None:
    client = RawPolling(server.port)
    client.join()
    assert client.post("\x1e".join(f'42{number}["echo",{number}]' for number in range(1, 101)))[0] == 200
    answers: list[str] = []
    while len(answers) < 100:
        answers += client.receive()
    assert answers == [f"43{number}[{number}]" for number in range(1, 101)]
    client.post("1")


def test_binary_over_polling_is_base64(server: Wire) -> None:
    client = RawPolling(server.port)
    client.join()
    assert client.post(f'451-1["reverse",{ONE}]\x1ebAAEC')[0] == 200
    answers: list[str] = []
    while len(answers) < 2:
        answers += client.receive()
    assert answers == [f"461-1[{ONE}]", "bAgEA"]
    client.post("1")


def test_pongs_that_nobody_asked_for_hold_no_memory(server: Wire, watch: Watch) -> None:
    client = RawPolling(server.port)
    due = server.state()["due"]
    assert client.post("\x1e".join(["3"] * 200_000))[0] == 200
    assert server.state()["due"] < due + 100
    assert client.post("1")[0] == 200
    watch.check()


def test_empty_post_changes_nothing(server: Wire) -> None:
    client = RawPolling(server.port)
    assert client.post("")[0] == 200
    assert str(client.join()).startswith("40{")
    client.post("1")


def test_packets_behind_a_close_are_not_handled(server: Wire, watch: Watch) -> None:
    server.post("/clear")
    client = RawPolling(server.port)
    client.post('40/untyped,\x1e1\x1e40/untyped,\x1e42/untyped,1["echo"]')
    watch.check()
    assert server.state()["connects"] <= 1
    assert server.state()["disconnects"] in ([], ["client disconnect"])
