"""The official JavaScript client over polling, WebSocket and an upgrade, in each async mode."""

from __future__ import annotations

import pytest

from tests.node_client import JavaScriptSocket, run_node
from tests.wire.conftest import Clients, Wire, connect

pytestmark = pytest.mark.wire

BIG = 900_000


# -- acks and errors


def test_untyped_values_come_back_as_they_went(client: JavaScriptSocket) -> None:
    values = [1, -2.5, "text ü \U0001f600 \u2028", None, True, [], {}, {"a": [{"b": None}]}]
    assert client.call("echo", *values) == values


def test_typed_ack_is_written_in_its_output_schema(client: JavaScriptSocket) -> None:
    assert client.call("post", {"room": "lobby", "text": "hi"}) == [{"postId": 7, "text": "hi", "length": 2}]


def test_handler_that_returns_nothing_acks_without_arguments(client: JavaScriptSocket) -> None:
    assert client.call("nothing") == []
    assert client.call("null") == [None]


def test_tuple_is_several_ack_arguments_and_defaults_are_optional(client: JavaScriptSocket) -> None:
    assert client.call("pair", 3) == [3, "default"]
    assert client.call("pair", 3, "b") == [3, "b"]
    assert client.call("sum", 1, 2, 3) == [6]


def test_event_whose_name_is_no_identifier_is_served(client: JavaScriptSocket) -> None:
    assert client.call("odd name: ü", 5) == [5]


def test_payload_that_does_not_fit_is_acked_with_paths(client: JavaScriptSocket) -> None:
    (answer,) = client.call("post", {"room": "r" * 65, "text": 1})
    assert answer["error"]["code"] == "invalid_payload"
    assert answer["error"]["event"] == "post"
    assert [detail["path"] for detail in answer["error"]["details"]] == ["room", "text"]


@pytest.mark.parametrize("args", [[], ["a"], [1, "b", "c"], [None]])
def test_wrong_number_or_type_of_arguments_is_acked(client: JavaScriptSocket, args: list[object]) -> None:
    assert client.call("pair", *args)[0]["error"]["code"] == "invalid_payload"


def test_event_error_reaches_the_client_with_code_message_and_details(client: JavaScriptSocket) -> None:
    error = {"code": "room_full", "message": "The room is full.", "event": "full", "details": {"max": 2}}
    assert client.call("full") == [{"error": error}]


@pytest.mark.parametrize("event", ["broken", "wrong", "infinite", "unserialisable", "exit"])
def test_handler_that_fails_is_acked_masked(client: JavaScriptSocket, event: str) -> None:
    (answer,) = client.call(event)
    assert answer["error"]["code"] == "internal_error"
    assert client.call("echo", "still here") == ["still here"]


def test_handler_that_fails_tells_no_secret_outside_debug(js: Clients, server: Wire) -> None:
    client = connect(js, server, ["websocket"])
    answers = [client.call(event) for event in ("broken", "wrong", "exit")]
    if server.kind != "werkzeug":  # which is in debug
        assert "sekret" not in str(answers)
        assert ".py" not in str(answers)
    error_id = answers[0][0]["error"]["id"]
    assert error_id in server.read_log()


def test_unknown_event_is_acked_with_a_suggestion(client: JavaScriptSocket) -> None:
    (answer,) = client.call("pots", {})
    assert answer["error"]["code"] == "unknown_event"
    assert "'post'" in answer["error"]["message"]


def test_failure_without_an_ack_is_one_error_event(client: JavaScriptSocket) -> None:
    client.emit("full")
    ((error,),) = client.wait_for("error")
    assert error["error"]["code"] == "room_full"
    assert client.call("echo") == []
    assert len(client.received("error")) == 1


def test_half_a_surrogate_pair_is_refused_wherever_it_stands(client: JavaScriptSocket) -> None:
    assert client.call("echo", "\ud800")[0]["error"]["code"] == "invalid_payload"
    assert client.call("\ud800")[0]["error"]["code"] == "unknown_event"
    assert client.call("\ud800\n", "\udfff")[0]["error"]["code"] == "unknown_event"
    assert client.call("echo", "\udfff", b"binary")[0]["error"]["code"] == "invalid_payload"
    assert client.call("echo", "still here") == ["still here"]


# -- binary


def test_binary_travels_both_ways(client: JavaScriptSocket) -> None:
    assert client.call("reverse", b"\x00\x01\xff") == [b"\xff\x01\x00"]
    assert client.call("reverse", b"") == [b""]
    assert client.call("echo", b"a", {"deep": [b"b", "c"]}, b"a") == [b"a", {"deep": [b"b", "c"]}, b"a"]


def test_binary_inside_a_model_travels_both_ways(client: JavaScriptSocket) -> None:
    picture = {"name": "cat", "data": b"\x89PNG", "thumbnails": [b"1", b"22"]}
    assert client.call("picture", picture) == [{"name": "CAT", "data": b"\x89PNG", "thumbnails": [b"\x89PNG", b""]}]
    assert client.wait_for("shown") == [[picture]]


def test_text_where_bytes_are_declared_is_refused(client: JavaScriptSocket) -> None:
    assert client.call("reverse", 5)[0]["error"]["code"] == "invalid_payload"


def test_large_messages_travel_both_ways(client: JavaScriptSocket) -> None:
    text = "ü" * (BIG // 2)
    assert client.call("big", text, timeout_s=20) == [text]
    data = bytes(range(256)) * (BIG // 256)
    if client.transport == "websocket" or len(client.wait_connected()) > 1:
        assert client.call("big", data, timeout_s=20) == [data]
    data = data[: BIG // 2]  # base64 makes it a third larger over polling
    assert client.call("big", data, timeout_s=20) == [data]
    assert client.wait_for("blob")[-1] == [data]
    assert client.wait_for("text") == [[text]]


# -- to the client


def test_declared_event_reaches_the_client_with_its_arguments(client: JavaScriptSocket) -> None:
    client.emit("tell", "hello", 3)
    assert client.wait_for("told") == [["hello", 3]]


def test_call_to_the_client_is_answered_inside_a_handler(client: JavaScriptSocket) -> None:
    client.answer("ask", 41)
    assert client.call("question", "how many?") == [42]
    assert client.received("ask") == [["how many?"]]


def test_call_that_the_client_answers_with_another_type_fails_masked(client: JavaScriptSocket) -> None:
    client.answer("ask", "many")
    assert client.call("question", "how many?")[0]["error"]["code"] == "internal_error"


def test_call_that_the_client_does_not_answer_times_out(client: JavaScriptSocket) -> None:
    assert client.call("impatient", "anyone?")[0]["error"]["code"] == "timeout"


def test_client_that_waits_less_long_than_the_handler_runs_gets_its_own_timeout(
    js: Clients, any_server: Wire, transports: list[str]
) -> None:
    client, other = (connect(js, any_server, transports) for _ in range(2))
    gate = f"gate of {client.sid}"
    with pytest.raises(TimeoutError):
        client.call("block", gate, timeout_s=0.1)
    other.emit("unblock", gate)
    assert client.call("echo", "late but fine") == ["late but fine"]


def test_events_of_one_client_are_handled_in_their_order(js: Clients, any_server: Wire, transports: list[str]) -> None:
    client = js.connect(any_server.url, transports=transports)
    for number in range(300):
        client.emit("count", number)
    assert client.wait_for("number", 300) == [[number] for number in range(300)]


# -- several clients


def test_two_clients_are_served_side_by_side(js: Clients, any_server: Wire, transports: list[str]) -> None:
    first, second = (connect(js, any_server, transports) for _ in range(2))
    gate = f"gate {first.sid}"
    first.emit("block", gate)
    assert second.call("blocked", gate) == [True]
    assert second.call("echo", "while the first one waits") == ["while the first one waits"]
    second.emit("unblock", gate)
    assert first.call("echo", "after it") == ["after it"]


@pytest.mark.parametrize("event", ["meet", "meet_async"])
def test_handlers_of_two_clients_run_at_the_same_time(js: Clients, any_server: Wire, event: str) -> None:
    first, second = (connect(js, any_server, ["websocket"]) for _ in range(2))
    first.emit(event)
    second.call(event, timeout_s=20)
    assert first.call("echo", 1) == [1]


def test_async_handler_sees_the_request_of_its_client(js: Clients, any_server: Wire) -> None:
    first, second = (connect(js, any_server, ["websocket"]) for _ in range(2))
    first.emit("meet_async")
    assert second.call("meet_async") == [second.sid]


def test_rooms_reach_who_is_in_them(js: Clients, any_server: Wire, transports: list[str]) -> None:
    ada, bob, eve = (connect(js, any_server, transports) for _ in range(3))
    room, other = f"room {ada.sid}", f"other {ada.sid}"
    assert ada.call("enter", room) == [1]
    assert bob.call("enter", room) == [2]
    assert bob.call("enter", other) == [1]
    eve.call("say", [room, other], "to both", [])
    eve.call("say", [room], "not to ada", [ada.sid])
    eve.call("say", [bob.sid], "to bob alone", [])
    eve.call("say", [], "to nobody", [])
    assert bob.call("exit_room", other) == [[bob.sid, room]] or bob.call("exit_room", other) == [[room, bob.sid]]
    eve.call("say", [other], "to an empty room", [])
    eve.call("say", [room], "last", [])
    assert ada.wait_for("said", 2) == [["to both"], ["last"]]
    assert bob.wait_for("said", 4) == [["to both"], ["not to ada"], ["to bob alone"], ["last"]]
    assert eve.received("said") == []


def test_broadcast_reaches_everybody_of_the_namespace_only(js: Clients, any_server: Wire) -> None:
    first, second = (connect(js, any_server, ["websocket"]) for _ in range(2))
    elsewhere = js.connect(any_server.url, "/room1", beside=second)
    first.call("say_to_all", f"hello from {first.sid}")
    assert [f"hello from {first.sid}"] in first.wait_for("said")
    assert [f"hello from {first.sid}"] in second.wait_for("said")
    assert elsewhere.call("where") == ["/room1"]
    assert elsewhere.received("said") == []


# -- connecting


def test_namespaces_share_one_connection(js: Clients, any_server: Wire, transports: list[str]) -> None:
    first = connect(js, any_server, transports)
    others = [js.connect(any_server.url, f"/room{number}", beside=first) for number in range(3)]
    assert [other.call("where") for other in others] == [["/room0"], ["/room1"], ["/room2"]]
    assert len({first.sid, *(other.sid for other in others)}) == 4
    others[0].disconnect()
    assert others[1].call("where") == ["/room1"]
    assert js.connect(any_server.url, "/functions", beside=first).call("function", 1) == [2]


def test_what_on_connect_emits_arrives_after_the_client_is_connected(
    js: Clients, any_server: Wire, transports: list[str]
) -> None:
    seen = run_node("wire_order.cjs", any_server.url, ",".join(transports))
    assert seen["seen"] == ["connect", "welcome"]


def test_connect_handler_can_join_rooms(js: Clients, any_server: Wire, transports: list[str]) -> None:
    client = js.connect(any_server.url, "/strict", auth={"token": "good"}, transports=transports)
    assert sorted(client.call("hello")[0]) == sorted([client.sid, "accepted"])


def test_disconnect_in_on_connect_disconnects_after_the_welcome(
    js: Clients, any_server: Wire, transports: list[str]
) -> None:
    client = js.connect(any_server.url, "/strict", auth={"token": "bye"}, transports=transports)
    assert client.wait_disconnected() == "io server disconnect"
    assert client.received("welcome") == [["bye"]]


REFUSALS = [
    ({"token": "false"}, "Connection rejected by server", "forbidden"),
    ({"token": "raise"}, None, "internal_error"),
    ({"token": "exit"}, None, "internal_error"),
    ({"token": "error"}, "You are banned.", "banned"),
    ({"token": "refused"}, "not today", "unauthorized"),
    ({"token": 5}, None, "invalid_payload"),
    ({}, None, "invalid_payload"),
    (None, None, "invalid_payload"),
    ({"token": "\ud800"}, None, "invalid_payload"),
]


@pytest.mark.parametrize(("auth", "message", "code"), REFUSALS)
def test_refused_connect_is_a_connect_error_with_a_code(
    js: Clients, any_server: Wire, transports: list[str], auth: object, message: str | None, code: str
) -> None:
    client = js.connect(any_server.url, "/strict", auth=auth, transports=transports)
    assert client.refused is not None
    assert client.refused["data"]["code"] == code
    assert client.refused["message"]
    assert message is None or client.refused["message"] == message
    assert any_server.kind == "werkzeug" or "sekret" not in str(client.refused)
    assert client.received() == []


def test_refused_client_gets_no_broadcast_and_is_forgotten(js: Clients, server: Wire) -> None:
    before = server.wait_until(lambda state: state["sockets"] == state["connections"])
    client = js.connect(server.url, "/strict", auth={"token": "raise"})
    assert client.refused
    after = server.wait_until(lambda state: state["connections"] == before["connections"])
    assert (after["clients"], after["pending"]) == (before["clients"], before["pending"])
    assert client.received() == []


def test_unknown_namespace_is_a_connect_error(js: Clients, any_server: Wire, transports: list[str]) -> None:
    client = js.connect(any_server.url, "/nowhere", transports=transports)
    assert client.refused == {"message": "Invalid namespace", "data": {"code": "unknown_namespace"}}


def test_untyped_connect_handler_that_raises_refuses_and_runs_once(js: Clients, server: Wire) -> None:
    for auth in ({}, {"tok": 1}):
        server.post("/clear")
        client = js.connect(server.url, "/untyped", auth=auth)
        assert client.refused
        assert server.state()["connects"] == 1


# -- the end of a connection


def test_client_reconnects_after_the_server_lost_its_transport(
    js: Clients, any_server: Wire, transports: list[str]
) -> None:
    client = connect(js, any_server, transports, reconnection=True, reconnectionDelay=10)
    first = client.sid
    client.emit("drop")
    connects = client.wait_connected(2)
    assert connects[1]["sid"] != first
    assert client.call("echo", "again") == ["again"]
    client.disconnect()


def test_disconnect_by_the_server_reaches_the_client(client: JavaScriptSocket) -> None:
    client.emit("kick")
    assert client.wait_disconnected() == "io server disconnect"


def test_disconnect_handler_runs_once_per_client(js: Clients, server: Wire, transports: list[str]) -> None:
    server.wait_until(lambda state: not state["leaving"])
    server.post("/clear")
    for _ in range(3):
        js.connect(server.url, "/strict", auth={"token": "good"}, transports=transports).disconnect()
    server.wait_until(lambda state: len(state["disconnects"]) >= 3)
    assert server.state()["disconnects"] == ["client disconnect"] * 3


# -- Flask


def test_session_is_kept_between_events_and_shared_by_namespaces(client: JavaScriptSocket) -> None:
    assert client.call("recall", "name") == [None]
    client.call("remember", "name", "ada")
    assert client.call("recall", "name") == ["ada"]


def test_request_is_the_connections_own(js: Clients, any_server: Wire, transports: list[str]) -> None:
    client = connect(js, any_server, transports, extraHeaders={"X-Agent": "test"}, query={"who": "ada"})
    found = client.call("request")[0]
    assert found == {
        "sid": client.sid,
        "namespace": "/",
        "event": "request",
        "agent": "test",
        "query": "ada",
        "app": "wire",
    }


def test_g_is_fresh_and_teardown_functions_run_for_each_event(client: JavaScriptSocket) -> None:
    assert client.call("mark_g") == [False]
    before = client.call("teardowns")[0]
    assert client.call("mark_g") == [False]
    assert client.call("teardowns")[0] >= before + 2


# -- the socket


def test_nagles_algorithm_is_off(js: Clients, any_server: Wire) -> None:
    assert connect(js, any_server, ["websocket"]).call("no_delay") == [True]
