"""Clients that take more than their share of a server whose limits are small, and times short."""

from __future__ import annotations

import json
import threading

import pytest

from tests.wire.conftest import Clients, Watch, Wire
from tests.wire.raw import TEXT, RawPolling, RawWebSocket, build_frame, join

pytestmark = pytest.mark.wire


def test_client_that_joins_no_namespace_is_closed(strict_server: Wire, strict_watch: Watch) -> None:
    clients = [RawWebSocket(strict_server.port) for _ in range(3)]
    polling = RawPolling(strict_server.port)
    for client in clients:
        with client, pytest.raises(ConnectionError):
            for _ in range(20):
                client.receive_frame()
                client.send("3")  # answers every ping
    strict_server.wait_until(lambda state: polling.get()[0] == 400)
    strict_watch.check()


def test_upgrade_that_is_never_probed_is_closed_and_polling_goes_on(strict_server: Wire, strict_watch: Watch) -> None:
    client = RawPolling(strict_server.port)
    client.join()
    with RawWebSocket(strict_server.port, f"&sid={client.sid}") as websocket:
        client.post('421["echo","while it waits"]')
        assert [text for text in client.receive() if text != "2"] == ['431["while it waits"]']
        websocket.wait_closed()
    client.post("3\x1e422" + '["echo","after it"]')
    answers: list[str] = []
    while '432["after it"]' not in answers:
        answers += client.receive()
    assert client.post("1")[0] == 200
    strict_watch.check()


@pytest.mark.parametrize("frames", [["2probe", "x"], ["5"], ["2probe", "2probe"], ["40"]])
def test_upgrade_with_other_frames_is_closed_and_the_session_lives_on(
    server: Wire, watch: Watch, frames: list[str]
) -> None:
    client = RawPolling(server.port)
    client.join()
    with RawWebSocket(server.port, f"&sid={client.sid}") as websocket:
        websocket.send(*frames)
        websocket.wait_closed()
    client.post('421["echo",1]')
    answers: list[str] = []
    while "431[1]" not in answers:
        answers += client.receive()
    assert client.post("1")[0] == 200
    watch.check()


def test_second_upgrade_of_a_session_is_refused(server: Wire, watch: Watch) -> None:
    client = RawPolling(server.port)
    client.join()
    with (
        RawWebSocket(server.port, f"&sid={client.sid}") as first,
        RawWebSocket(server.port, f"&sid={client.sid}") as late,
    ):
        first.send("2probe")
        assert first.receive() == "3probe"
        late.send("2probe")
        late.wait_closed()
        first.send("5", '421["echo",1]')
        answer = first.receive()
        assert (first.receive() if answer == "6" else answer) == "431[1]"
    watch.check()


def test_client_that_answers_no_ping_is_closed(strict_server: Wire, strict_watch: Watch) -> None:
    with join(strict_server.port) as client:
        client.wait_closed()
    polling = RawPolling(strict_server.port)
    polling.join()
    strict_server.wait_until(lambda state: polling.post("")[0] == 400)
    strict_watch.check()


def test_client_that_never_reads_is_closed_when_its_queue_is_full(strict_server: Wire, strict_watch: Watch) -> None:
    client = RawWebSocket(strict_server.port, small_buffer=True)
    client.open()
    client.join()
    client.send('42["flood",300,100000]')
    strict_server.wait_until(lambda state: state["connections"] == strict_watch.before["connections"])
    client.drop()
    assert "reads slowly" in strict_watch.check()


def test_polling_client_that_never_polls_is_closed_when_its_queue_is_full(
    strict_server: Wire, strict_watch: Watch
) -> None:
    client = RawPolling(strict_server.port)
    client.join()
    client.post('42["flood",300,100000]')
    strict_server.wait_until(lambda state: client.post("")[0] == 400)
    assert "reads slowly" in strict_watch.check()


def test_client_that_reads_what_it_asked_for_is_not_closed(strict_server: Wire, strict_watch: Watch) -> None:
    with join(strict_server.port) as client:
        for _ in range(10):
            client.send('42["flood",1,900000]')
            assert str(client.receive()).startswith("451-")
            assert len(client.receive()) == 900_000
    strict_watch.check()


def test_namespaces_beyond_the_limit_are_refused(strict_server: Wire, strict_watch: Watch) -> None:
    with join(strict_server.port) as client:
        assert str(client.join("/room1")).startswith("40/room1,")
        assert str(client.join("/room2")).startswith("40/room2,")
        answer = str(client.join("/room3"))
        assert answer.startswith("44/room3,")
        assert json.loads(answer[9:])["data"]["code"] == "too_many_namespaces"
        client.send("41/room2,")
        assert str(client.join("/room3")).startswith("40/room3,")
        assert client.call("echo", "still here") == ["still here"]
    strict_watch.check()


def test_unknown_namespaces_take_no_room(strict_server: Wire, strict_watch: Watch) -> None:
    with join(strict_server.port) as client:
        for number in range(50):
            assert str(client.join(f"/nowhere{number}")).startswith(f"44/nowhere{number},")
        assert client.call("echo", "still here") == ["still here"]
    strict_watch.check()


def test_events_beyond_the_queue_wait_and_all_are_handled(strict_server: Wire, js: Clients) -> None:
    other = js.connect(strict_server.url)
    client = js.connect(strict_server.url)
    client.emit("block", client.sid)
    for number in range(100):
        client.emit("count", number)
    assert other.call("blocked", client.sid) == [True]
    other.emit("unblock", client.sid)
    assert client.wait_for("number", 100) == [[number] for number in range(100)]


def test_pongs_that_nobody_asked_for_do_not_keep_a_client_that_answers_no_ping(
    strict_server: Wire, strict_watch: Watch
) -> None:
    with join(strict_server.port) as client:
        client.send(*["3"] * 1000)
        client.wait_closed()
    strict_watch.check()


def test_client_that_never_stops_sending_keeps_nobody_waiting(server: Wire, js: Clients) -> None:
    """The flood lasts as long as it takes the other client to be answered."""
    other = js.connect(server.url)
    answered = threading.Event()

    def send_until_the_other_is_answered(client: RawWebSocket) -> None:
        flood = build_frame(TEXT, b"3") * 50_000
        while not answered.is_set():
            client.send_bytes(flood)

    with join(server.port) as client:
        flooding = threading.Thread(target=send_until_the_other_is_answered, args=(client,))
        flooding.start()
        try:
            for number in range(3):
                assert other.call("echo", number) == [number]
        finally:
            answered.set()
            flooding.join()


def test_connections_that_come_and_go_leave_nothing(server: Wire, watch: Watch, js: Clients) -> None:
    for _ in range(30):
        with join(server.port) as client:
            client.send("40/room1")
        with RawWebSocket(server.port):
            pass
        RawPolling(server.port).post("40\x1e40/strict,\x1e1")
    watch.check(max_log_chars=10_000)
