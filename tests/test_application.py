"""`SocketIO`: registering, options, settings, sending from anywhere."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import flask_socketio
import pytest
from flask import Flask

import framework
from framework import (
    Call,
    ConfigurationError,
    DuplicateNamespaceError,
    Event,
    HandlerSignatureError,
    Limits,
    Namespace,
    NotBoundError,
    SocketIO,
)
from framework.testing import Client
from tests.polling_client import PollingClient, wait_until


class Room(Namespace):
    namespace = "/room"

    said = Event[str]("Somebody said something.")
    sure = Call[bool, str]("Ask.")

    def on_enter(self, name: str) -> None:
        self.join(name)

    def on_sure(self, question: str) -> bool:
        return self.sure.call(question, to=self.sid)


def build(*namespaces: Any, **options: Any) -> tuple[Flask, SocketIO]:
    app = Flask(__name__)
    return app, SocketIO(app, namespaces=namespaces, **options)


def test_framework_classes_are_flask_socketios_classes() -> None:
    assert issubclass(SocketIO, flask_socketio.SocketIO)
    assert issubclass(Namespace, flask_socketio.Namespace)


def test_everything_public_is_importable() -> None:
    for name in framework.__all__:
        assert getattr(framework, name)


def test_two_classes_on_one_path_are_refused_with_both_names() -> None:
    class Other(Namespace):
        namespace = "/room"

    with pytest.raises(
        DuplicateNamespaceError, match=r"'/room' is served by .*Room.*; .*Other.*Change one 'namespace'"
    ):
        build(Room, Other)


def test_one_class_may_serve_several_paths() -> None:
    app, socketio = build(Room("/a"), Room("/b"))
    ada, bob = Client(app, "/a"), Client(app, "/b")
    socketio.emit("said", "hi", namespace="/a")
    assert (ada.received("said"), bob.received("said")) == (["hi"], [])
    with app.app_context(), pytest.raises(NotBoundError, match="served more than once"):
        Room.said.broadcast("hi")


def test_path_without_a_slash_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="starts with a slash"):
        build(Room("room"))


def test_namespace_of_flask_socketio_itself_is_served() -> None:
    class Plain(flask_socketio.Namespace):
        def on_echo(self, value: str) -> str:
            return value

    app, _ = build(Plain("/plain"))
    assert Client(app, "/plain").call("echo", "x") == "x"


def test_factory_registers_before_and_after_init_app() -> None:
    socketio = SocketIO(namespaces=[Room])

    @socketio.on("early")
    def early() -> str:
        return "early"

    app = Flask(__name__)
    socketio.init_app(app, unknown_events="error")

    @socketio.event
    def late(n: int) -> int:
        return n

    client = Client(app)
    assert (client.call("early"), client.call("late", 2)) == ("early", 2)
    assert Client(app, Room).connected


def test_annotated_function_is_validated_as_a_method_is() -> None:
    app, socketio = build()

    @socketio.on("double")
    def double(n: int) -> int:
        return 2 * n

    client = Client(app)
    assert client.call("double", 4) == 8
    with pytest.raises(framework.EventError) as caught:
        client.call("double", "x")
    assert caught.value.code == "invalid_payload"


def test_function_that_can_not_be_a_handler_is_refused_where_it_is_registered() -> None:
    _, socketio = build()
    with pytest.raises(HandlerSignatureError, match=r"test_application.py:\d+.*keyword-only"):

        @socketio.on("x")
        def handler(*, name: str) -> None: ...


def test_catch_all_function_gets_the_name_first() -> None:
    app, socketio = build()
    socketio.on_event("*", lambda name, *values: [name, *values])
    assert Client(app).call("whatever", 1) == ["whatever", 1]


def test_catch_all_namespace_serves_those_that_accept_clients() -> None:
    app, socketio = build("*")
    socketio.on_event("echo", lambda value: value, namespace="*")
    assert Client(app, "/any/where").call("echo", 1) == 1


def test_empty_to_reaches_nobody_and_collections_are_targets() -> None:
    app, socketio = build(Room)
    ada, bob, eve = (Client(app, Room) for _ in range(3))
    for client, room in ((ada, "a"), (bob, "b")):
        client.call(Room.on_enter, room)
    for nobody in ([], (), set()):
        socketio.emit("said", "nobody", to=nobody, namespace="/room")
        with app.app_context():
            Room.said.emit("nobody", to=nobody)
    socketio.emit("said", "room that is not there", to="", namespace="/room")
    socketio.emit("said", "both", to={"a", "b"}, namespace="/room")
    socketio.emit("said", "not eve", skip_sid=(eve.sid,), namespace="/room")
    with app.app_context():
        Room.said.broadcast("only eve", skip={ada.sid, bob.sid})
    assert ada.received(Room.said) == bob.received(Room.said) == ["both", "not eve"]
    assert eve.received(Room.said) == ["only eve"]


def test_function_emit_with_an_empty_to_reaches_nobody() -> None:
    app, socketio = build()

    @socketio.on("go")
    def go() -> None:
        framework.emit("said", "nobody", to=[])
        framework.emit("said", "me")
        framework.send("text")
        framework.send({"a": 1}, json=True)

    client = Client(app)
    client.call("go")
    assert client.received("said") == ["me"]
    assert client.received("message") == ["text"]
    assert client.received("json") == [{"a": 1}]


def test_include_self_and_skip_sid_work_together() -> None:
    app, socketio = build()
    clients: list[Client] = []

    @socketio.on("go")
    def go() -> None:
        framework.emit("said", 1, broadcast=True, include_self=False, skip_sid=[clients[1].sid])

    clients += [Client(app) for _ in range(3)]
    clients[0].call("go")
    assert [client.received("said") for client in clients] == [[], [], [1]]


def test_number_that_is_not_finite_never_leaves() -> None:
    app, socketio = build(Room)
    client = Client(app, Room)
    for value in (float("nan"), float("inf"), {"deep": [float("-inf")]}):
        with pytest.raises(ValueError, match="finite"):
            socketio.emit("said", value, namespace="/room")
    assert client.received("said") == []


def test_declared_event_is_sent_from_a_view_and_a_background_task() -> None:
    app, socketio = build(Room)

    @app.get("/say")
    def say() -> str:
        Room.said.broadcast("from a view")
        return ""

    client = Client(app, Room)
    app.test_client().get("/say")
    socketio.start_background_task(Room.said.broadcast, "from a task").join()
    assert client.received(Room.said) == ["from a view", "from a task"]


def test_declared_event_goes_through_the_application_that_is_current() -> None:
    first, second = build(Room)[0], build(Room)[0]
    ada, bob = Client(first, Room), Client(second, Room)
    with second.app_context():
        Room.said.broadcast("second")
    assert (ada.received(Room.said), bob.received(Room.said)) == ([], ["second"])


def test_server_calls_the_client_and_gets_a_typed_answer() -> None:
    app, _ = build(Room)
    client = Client(app, Room)
    client.answer(Room.sure, lambda question: question == "delete?")
    assert client.call(Room.on_sure, "delete?") is True


def test_call_that_is_not_answered_is_a_timeout_for_the_caller() -> None:
    app, _ = build(Room)
    client = Client(app, Room)
    client.ignore(Room.sure)
    with pytest.raises(framework.EventError) as caught:
        client.call(Room.on_sure, "delete?")
    assert caught.value.code == "timeout"


def test_call_to_nobody_says_so() -> None:
    app, _ = build(Room)
    with app.app_context(), pytest.raises(framework.ClientGoneError):
        Room.sure.call("delete?", to="nobody")


# -- options and settings


def test_async_mode_is_not_picked_by_what_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gevent")
    monkeypatch.delenv("FRAMEWORK_ASYNC_MODE", raising=False)
    assert build()[1].async_mode == "threading"


def test_async_mode_follows_the_setting_and_the_patched_process(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gevent")
    app = Flask(__name__)
    app.config["FRAMEWORK_ASYNC_MODE"] = "gevent"
    assert SocketIO(app).async_mode == "gevent"
    monkeypatch.setitem(sys.modules, "gevent.monkey", SimpleNamespace(is_module_patched=lambda name: True))
    assert build()[1].async_mode == "gevent"
    assert build(async_mode="threading")[1].async_mode == "threading"


@pytest.mark.parametrize("mode", ["eventlet", "gevent_uwsgi", "asgi"])
def test_async_mode_that_can_not_be_served_is_refused_with_the_reason(mode: Any) -> None:
    with pytest.raises(ConfigurationError, match="'threading' or 'gevent'"):
        build(async_mode=mode)


def test_limits_come_from_settings() -> None:
    app = Flask(__name__)
    app.config["FRAMEWORK_MAX_NESTING"] = "9"
    socketio = SocketIO(app, limits=Limits(max_attachments=3))
    assert (socketio.server.limits.max_nesting, socketio.server.limits.max_attachments) == (9, 3)


def test_setting_that_is_no_number_is_named() -> None:
    app = Flask(__name__)
    app.config["FRAMEWORK_MAX_NESTING"] = "many"
    with pytest.raises(ConfigurationError, match="FRAMEWORK_MAX_NESTING is 'many'"):
        SocketIO(app)


def test_unknown_events_takes_two_words() -> None:
    with pytest.raises(ConfigurationError, match="'error' or 'ignore'"):
        build(unknown_events="explode")


def test_message_queue_may_be_a_setting() -> None:
    pytest.importorskip("redis")
    app = Flask(__name__)
    app.config["FRAMEWORK_MESSAGE_QUEUE"] = "redis://127.0.0.1:1/0"
    socketio = SocketIO(app)
    assert type(socketio.server.manager).__name__ == "RedisManager"


def test_engine_io_options_arrive() -> None:
    _, socketio = build(ping_interval=0.5, ping_timeout=0.25, max_http_buffer_size=5000, path="/ws")
    engine = socketio.server.eio
    assert (engine.ping_interval, engine.ping_timeout, engine.max_http_buffer_size) == (0.5, 0.25, 5000)


def test_routes_lists_what_is_served_and_declared_with_its_place() -> None:
    _, socketio = build(Room)
    socketio.on_event("plain", lambda value: value)
    found = {(route.namespace, route.event): route for route in socketio.routes()}
    assert found["/room", "enter"].arguments == "name: str"
    assert found["/room", "sure"].direction in ("client to server", "server to client")
    assert found["/room", "said"].direction == "server to client"
    assert found["/room", "said"].description == "Somebody said something."
    assert found["/", "plain"].location.startswith("tests/test_application.py:")


def test_stop_without_a_server_says_whose_business_it_is() -> None:
    with pytest.raises(ConfigurationError, match="serves nothing"):
        build()[1].stop()


def test_events_of_one_client_run_in_order_and_clients_side_by_side() -> None:
    app, socketio = build(Room)
    order: list[int] = []
    gate, entered = threading.Event(), threading.Event()

    @socketio.on("number")
    def number(n: int) -> int:
        order.append(n)
        return n

    @socketio.on("block")
    def block() -> None:
        entered.set()
        gate.wait(10)

    first, second = PollingClient(app), PollingClient(app)
    first.join()
    second.join()
    first.post('42["block"]', *(f'42{n}["number",{n}]' for n in range(100)))
    assert entered.wait(10)
    second.post('42100["number",100]')
    assert second.receive() == "3100[100]"
    assert order == [100]
    gate.set()
    assert [first.receive() for _ in range(100)] == [f"3{n}[{n}]" for n in range(100)]
    assert order == [100, *range(100)]


def test_emit_into_another_namespace_reaches_the_same_client_there() -> None:
    app, socketio = build(Room)

    @socketio.on("go")
    def go() -> None:
        framework.emit("said", "hi", namespace="/room")
        framework.send("there", namespace="/nowhere")

    ada, bob = Client(app), Client(app)
    room, other = Client(app, Room, via=ada), Client(app, Room, via=bob)
    ada.call("go")
    assert (room.received(Room.said), other.received(Room.said)) == (["hi"], [])


def test_call_into_a_namespace_that_the_client_is_not_in_says_so() -> None:
    app, socketio = build(Room)

    @socketio.on("go")
    def go() -> None:
        framework.call("sure", "?", namespace="/room")

    with pytest.raises(framework.EventError) as caught:
        Client(app).call("go")
    assert isinstance(caught.value.__cause__, framework.ClientGoneError)


def test_emit_in_a_view_says_its_namespace_and_target() -> None:
    app, _ = build(Room)

    @app.get("/say")
    def say() -> str:
        framework.emit("said", "all", broadcast=True, namespace="/room")
        return ""

    client = Client(app, Room)
    app.test_client().get("/say")
    assert client.received(Room.said) == ["all"]


def test_broadcast_option_is_taken_and_means_nothing_without_a_target() -> None:
    app, socketio = build(Room)
    client = Client(app, Room)
    socketio.emit("said", "hi", broadcast=False, namespace="/room")
    assert client.received(Room.said) == ["hi"]


def test_decorator_without_wraps_is_a_handler_as_it_was() -> None:
    app, socketio = build()

    def logged(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @socketio.on("add")
    @logged
    def add(a: int, b: int) -> int:
        return a + b

    assert Client(app).call("add", 1, 2) == 3


def test_flask_json_writes_untyped_values_as_flask_does() -> None:
    import datetime
    import decimal

    from flask import json as flask_json

    app, socketio = build(json=flask_json)
    value = {"t": datetime.datetime(2020, 1, 2), "d": decimal.Decimal("1.50")}

    @socketio.on("go")
    def go():  # type: ignore[no-untyped-def] # an annotation would be pydantic's business
        framework.emit("said", value)
        return value

    client = Client(app)
    expected = {"t": "Thu, 02 Jan 2020 00:00:00 GMT", "d": "1.50"}
    assert client.call("go") == expected
    assert client.received("said") == [expected]


def test_disconnect_handler_has_run_when_disconnect_returns_and_later_events_are_dropped() -> None:
    app, socketio = build()
    order: list[str] = []

    @socketio.on("leave")
    def leave() -> None:
        framework.disconnect()
        order.append("left")

    socketio.on_event("late", lambda: order.append("late"))
    socketio.on_event("disconnect", lambda: order.append("disconnect"))
    client = PollingClient(app)
    client.join()
    client.post('42["leave"]\x1e42["late"]')
    wait_until(lambda: "left" in order)
    client.close()
    wait_until(lambda: not socketio.server.connections)
    assert order == ["disconnect", "left"]
