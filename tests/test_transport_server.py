"""`framework.transport.server`, through clients in this process."""

from __future__ import annotations

import json
import threading
from typing import Any

import flask
import pytest

from framework import Call, CallTimeoutError, ClientGoneError, ConfigurationError, Event, Limits, Namespace, SocketIO
from framework.transport.encoding import FiniteJSON, Packet
from framework.transport.server import Server
from tests.polling_client import PollingClient, wait_until

WAIT_S = 10.0


class Leave(BaseException):
    """What no handler of exceptions catches, such as ``gevent.Timeout``."""


class Main(Namespace):
    welcome = Event[str]()
    picture = Event[bytes]()
    ask = Call[int, str]()

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []
        self.connecting = threading.Event()
        self.gate = threading.Event()
        self.running = threading.Event()

    def on_connect(self, auth: str | None = None) -> None:
        self.welcome.reply("hello")
        if auth == "slow":
            self.connecting.set()
            assert self.gate.wait(WAIT_S)
        if auth == "exit":
            raise Leave
        if auth == "ask":
            self.ask.call("too early", to=self.sid)

    def on_disconnect(self, reason: str) -> None:
        self.ended.append(reason)

    def on_echo(self, *values):  # type: ignore[no-untyped-def]
        return values

    def on_block(self) -> None:
        self.running.set()
        assert self.gate.wait(WAIT_S)

    def on_question(self) -> int:
        return self.ask.call("?", to=self.sid, timeout_s=WAIT_S)

    def on_pictures(self, count: int) -> None:
        for number in range(count):
            self.picture.reply(b"%d" % number)


class Other(Namespace):
    namespace = "/other"


def build(**options: Any) -> tuple[flask.Flask, Main, Server]:
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "a key for tests only"
    main = Main()
    socketio = SocketIO(app, namespaces=[main, Other], async_mode="threading", **options)
    return app, main, socketio.server


def is_empty(server: Server) -> bool:
    manager = server.manager
    held = (server.connections, server.environ, server.eio.sockets, manager.rooms, manager.callbacks)
    return not any((*held, manager.pending_connect, manager.pending_disconnect))


def test_what_on_connect_sends_comes_after_the_acceptance() -> None:
    app, _, _ = build()
    client = PollingClient(app)
    assert client.join().startswith('0{"sid":')
    assert client.receive() == '2["welcome","hello"]'


def test_attachments_of_several_threads_are_not_mixed() -> None:
    app, main, _ = build()
    client = PollingClient(app)
    sid = json.loads(client.join()[1:])["sid"]
    client.receive()
    threads = [threading.Thread(target=send_pictures, args=(main, sid, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        assert str(client.receive()).startswith("51-")
        assert isinstance(client.receive(), bytes)
    for thread in threads:
        thread.join(WAIT_S)


def send_pictures(main: Main, sid: str, number: int) -> None:
    for _ in range(50):
        main.picture.emit(b"%d" % number, to=sid)


def test_client_that_leaves_during_its_connect_handler_is_forgotten() -> None:
    app, main, server = build()
    client = PollingClient(app)
    client.post('40"slow"')
    assert main.connecting.wait(WAIT_S)
    client.close()
    main.gate.set()
    wait_until(lambda: is_empty(server))


def test_client_that_leaves_during_its_connect_handler_is_forgotten_without_async_handlers() -> None:
    app, main, server = build(async_handlers=False)
    client = PollingClient(app)
    connecting = threading.Thread(target=client.post, args=('40"slow"',))
    connecting.start()
    assert main.connecting.wait(WAIT_S)
    PollingClient.close(client)
    main.gate.set()
    connecting.join(WAIT_S)
    wait_until(lambda: is_empty(server))
    assert main.ended == ["client disconnect"]


def test_call_in_a_connect_handler_is_refused_at_once() -> None:
    app, _, _ = build()
    refused = PollingClient(app).join(auth="ask")
    assert refused.startswith("4{")
    assert json.loads(refused[1:])["data"]["code"] == "internal_error"


def test_whatever_a_connect_handler_raises_refuses_the_client() -> None:
    app, main, server = build()
    client = PollingClient(app)
    assert json.loads(client.join(auth="exit")[1:])["data"]["code"] == "internal_error"
    assert not server.manager.rooms
    assert not server.manager.pending_connect
    assert client.join().startswith('0{"sid":')
    client.close()
    wait_until(lambda: is_empty(server))
    assert main.ended == ["client disconnect"]


def test_namespace_that_refused_the_client_takes_no_room() -> None:
    app, _, _ = build(limits=Limits(max_namespaces=1))
    client = PollingClient(app)
    assert client.join(auth="exit").startswith("4{")
    assert client.join("/other").startswith("0/other,")
    assert "too_many_namespaces" in client.join()
    client.post("41/other,")
    assert client.join().startswith("0{")


def test_any_number_of_events_of_one_client_take_one_thread() -> None:
    app, main, _ = build()
    client = PollingClient(app)
    client.join()
    client.receive()
    client.post('42["block"]')
    assert main.running.wait(WAIT_S)
    before = threading.active_count()
    client.post(*(f'42{number}["echo"]' for number in range(300)))
    assert threading.active_count() <= before
    main.gate.set()
    assert [client.receive() for _ in range(300)] == [f"3{number}[]" for number in range(300)]


def test_client_that_leaves_fails_the_call_that_waits_for_it() -> None:
    app, main, server = build()
    client = PollingClient(app)
    client.join()
    client.receive()
    client.post('421["question"]')
    assert str(client.receive()).startswith('21["ask"')
    client.close()
    wait_until(lambda: is_empty(server))
    assert main.ended == ["client disconnect"]


@pytest.mark.parametrize("answer", ["[1e999]", '["\\ud800"]', "[" * 70 + "]" * 70])
def test_answer_that_can_not_be_used_fails_the_call(answer: str) -> None:
    app, _, _ = build()
    client = PollingClient(app)
    client.join()
    client.receive()
    client.post('421["question"]')
    client.receive()
    client.post(f"431{answer}")
    assert "internal_error" in str(client.receive())


def test_disconnect_by_two_at_once_runs_the_handler_once() -> None:
    app, main, server = build()
    for number in range(1, 30):
        client = PollingClient(app)
        sid = json.loads(client.join()[1:])["sid"]
        threads = [threading.Thread(target=server.disconnect, args=(sid,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        client.close()
        for thread in threads:
            thread.join(WAIT_S)
        wait_until(lambda: is_empty(server))
        assert len(main.ended) == number


def test_disconnect_of_one_namespace_leaves_the_other() -> None:
    app, main, server = build()
    client = PollingClient(app)
    sid = json.loads(client.join()[1:])["sid"]
    assert client.receive() == '2["welcome","hello"]'
    assert client.join("/other").startswith("0/other,")
    server.disconnect(sid)
    assert client.receive() == "1"
    wait_until(lambda: main.ended)
    assert main.ended == ["server disconnect"]
    assert client.join().startswith("0{")


def test_session_without_a_namespace_is_closed_after_the_timeout() -> None:
    app, _, server = build(limits=Limits(connect_timeout_s=0.05))
    client = PollingClient(app)
    wait_until(lambda: is_empty(server))
    assert client.post("40") == 400


def test_session_with_a_namespace_outlives_the_timeout() -> None:
    app, _, server = build(limits=Limits(connect_timeout_s=0.5))
    client = PollingClient(app)
    client.join()
    idle = PollingClient(app)  # the time of the first is over when that of the second is
    wait_until(lambda: idle.sid not in server.eio.sockets)
    assert client.post('421["echo"]') == 200


def test_events_that_wait_are_bounded_in_bytes() -> None:
    app, main, _ = build(limits=Limits(max_queued_bytes=100))
    client = PollingClient(app)
    client.join()
    client.receive()
    client.post('42["block"]')
    assert main.running.wait(WAIT_S)
    large = f'421["echo","{"x" * 90}"]'
    client.post(large)
    waiting = threading.Thread(target=client.post, args=(large,))
    waiting.start()
    main.gate.set()
    waiting.join(WAIT_S)
    assert [client.receive() for _ in range(2)] == [f'31["{"x" * 90}"]'] * 2


def test_client_whose_queue_is_full_may_leave() -> None:
    app, main, server = build(limits=Limits(max_queued_events=1))
    client = PollingClient(app)
    client.join()
    client.receive()
    client.post('42["block"]')
    assert main.running.wait(WAIT_S)
    client.post('421["echo"]')
    assert client.post("1") == 200
    main.gate.set()
    wait_until(lambda: is_empty(server))
    assert main.ended == ["client disconnect"]


@pytest.mark.parametrize("serializer", ["msgpack", "pickle", object])
def test_serializer_that_would_not_be_understood_is_refused(serializer: Any) -> None:
    with pytest.raises(ConfigurationError, match="serializer is"):
        build(serializer=serializer)


def test_json_module_of_the_application_writes_its_events() -> None:
    class Shouting:
        dumps = staticmethod(lambda value, **options: json.dumps(value, **options).upper())
        loads = staticmethod(json.loads)

    app, _, server = build(json=Shouting)
    client = PollingClient(app)
    client.join()
    client.receive()
    server.emit("note", "quiet")
    assert client.receive() == '2["NOTE","QUIET"]'
    assert Packet.json is FiniteJSON


def test_call_needs_one_client_that_is_there() -> None:
    _, _, server = build()
    with pytest.raises(ValueError, match="needs one client"):
        server.call("ask")
    with pytest.raises(Exception, match="no client 'nobody'"):
        server.call("ask", to="nobody")


def test_call_without_async_handlers_says_that_it_can_not_wait() -> None:
    _, _, server = build(async_handlers=False)
    with pytest.raises(RuntimeError, match="receiving thread"):
        server.call("ask", to="anyone")


def test_number_that_is_not_finite_never_leaves() -> None:
    app, _, server = build()
    client = PollingClient(app)
    client.join()
    client.receive()
    for number in (float("nan"), float("inf"), [-float("inf")], {"a": (float("nan"),)}):
        with pytest.raises(ValueError, match="finite"):
            server.emit("number", number)
    server.emit("number", 1.5)
    assert client.receive() == '2["number",1.5]'


def test_call_of_a_client_that_has_gone_fails_at_once_and_leaves_nothing() -> None:
    app, main, server = build()
    client = PollingClient(app)
    sid = json.loads(client.join()[1:])["sid"]
    client.post('42["block"]')
    assert main.running.wait(WAIT_S)
    client.close()
    with pytest.raises(ClientGoneError):  # its end waits for the handler, so it is still in its rooms
        server.call("ask", "?", to=sid, timeout=60)
    main.gate.set()
    wait_until(lambda: is_empty(server))


def test_call_that_timed_out_leaves_no_callback() -> None:
    app, _, server = build()
    sid = json.loads(PollingClient(app).join()[1:])["sid"]
    for _ in range(5):
        with pytest.raises(CallTimeoutError):
            server.call("ask", "?", to=sid, timeout=0.001)
    assert [ack_id for ack_id in server.manager.callbacks[sid] if ack_id != 0] == []


def test_manager_that_can_not_start_is_tried_again() -> None:
    app, _, server = build()
    failures = [OSError("the broker is down")]

    def initialize() -> None:
        if failures:
            raise failures.pop()

    server.manager.initialize = initialize
    with pytest.raises(OSError, match="broker"):
        PollingClient(app)
    assert is_empty(server)
    assert PollingClient(app).join().startswith("0{")


def test_event_sent_right_behind_its_connect_is_answered_when_events_run_at_once() -> None:
    app, main, _ = build(async_handlers=True)
    client = PollingClient(app)
    client.post('40"slow"', '421["echo",5]')
    assert main.connecting.wait(WAIT_S)
    main.gate.set()
    received = [str(client.receive()) for _ in range(3)]
    assert received[0].startswith("0{")
    assert "31[5]" in received
