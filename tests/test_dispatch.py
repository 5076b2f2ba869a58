"""What happens with an event: handlers, errors, unknown events, connects, disconnects."""

from __future__ import annotations

import functools
import logging
from typing import Any

import pytest
from flask import Flask, g, request, session
from flask.sessions import SecureCookieSessionInterface
from pydantic import BaseModel, Field

from framework import ConnectionRefusedError, Event, EventError, Namespace, SocketIO, event
from framework.errors import HandlerExitError
from framework.testing import Client, ClientFactory, ConnectRefused

calls: list[Any] = []


class Message(BaseModel):
    room: str
    text: str = Field(max_length=10)


class Token(BaseModel):
    token: str


class Chat(Namespace):
    namespace = "/chat"

    said = Event[str]()

    def on_connect(self) -> None:
        calls.append("connect")

    def on_disconnect(self, reason: str) -> None:
        calls.append(("disconnect", reason, self.rooms()))

    def on_post(self, message: Message) -> str:
        return message.text

    def on_join(self, room: str) -> int:
        self.join(room)
        return self.room_size(room)

    def on_boom(self) -> None:
        raise RuntimeError("the password is hunter2")

    def on_exit(self) -> None:
        raise SystemExit

    def on_odd(self) -> None:
        class Odd(BaseException):
            pass

        raise Odd("secret")

    def on_rest(self, *values: Any) -> Any:
        return values

    def on_full(self) -> None:
        raise EventError("room_full", "No room left.", {"room": 1}, retry_after=2.5)

    def on_object(self) -> None:
        raise EventError("odd", details=object())

    def on_wrong(self) -> int:
        return "not a number"  # type: ignore[return-value]

    def on_nan(self) -> float:
        return float("nan")

    def on_disguised(self) -> Any:
        return {"error": {"code": "not_really"}}

    def on_later(self, text: str) -> None:
        self.said.reply(text)

    @event("my event")
    def handle_my_event(self, *numbers: int) -> int:
        return sum(numbers)

    async def on_async(self, n: int) -> int:
        return n + 1

    def on_flask(self) -> list[str]:
        return [request.namespace, request.event["message"], g.get("nothing", "fresh"), session.get("user", "nobody")]  # type: ignore[attr-defined]


@pytest.fixture
def app() -> Flask:
    calls.clear()
    app = Flask(__name__)
    app.secret_key = "for tests"
    SocketIO(app, namespaces=[Chat])
    return app


@pytest.fixture
def client(framework_client: ClientFactory) -> Client:
    return framework_client(Chat)


def failure(client: Client, *args: Any) -> EventError:
    with pytest.raises(EventError) as caught:
        client.call(*args)
    return caught.value


def test_ack_is_the_value_that_the_handler_returned(client: Client) -> None:
    assert client.call(Chat.on_post, Message(room="a", text="hi")) == "hi"


def test_invalid_payload_is_answered_with_path_and_reason(client: Client) -> None:
    error = failure(client, "post", {"room": "a", "text": "much too long"})
    assert error.code == "invalid_payload"
    assert error.details[0]["path"] == "text"
    assert error.details[0]["type"] == "string_too_long"


def test_too_many_and_too_few_arguments_are_answered(client: Client) -> None:
    assert failure(client, "post").code == "invalid_payload"
    assert failure(client, "post", {}, 1, 2).code == "invalid_payload"


def test_call_that_disconnects_its_own_client_is_answered_all_the_same() -> None:
    acks: list[Any] = []

    class Watching(Client):
        def _take(self, received: Any) -> None:
            if received.kind == 3:
                acks.append(received.payload)
            super()._take(received)

    class Leaving(Namespace):
        namespace = "/leaving"

        def on_bye(self) -> int:
            self.disconnect()
            return 7

    app = Flask(__name__)
    SocketIO(app, namespaces=[Leaving])
    client = Watching(app, Leaving)
    assert client.call(Leaving.on_bye) == 7
    assert acks == [[7]]
    assert not client.connected


def test_any_is_no_annotation_so_a_tuple_is_several_arguments(client: Client) -> None:
    assert client.call("rest", 1, "2") == (1, "2")


def test_unknown_event_is_answered_with_a_suggestion(client: Client) -> None:
    error = failure(client, "posst", {})
    assert error.code == "unknown_event"
    assert "'post'" in error.message


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "", "on_post", "__init__", "x" * 5000])
def test_name_that_no_handler_has_reaches_nothing_of_the_class(client: Client, name: str) -> None:
    calls.clear()
    assert failure(client, name, "forged").code == "unknown_event"
    assert calls == []
    assert client.connected


def test_unexpected_exception_is_masked_with_an_id_that_is_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    error = failure(client, "boom")
    assert error.code == "internal_error"
    assert "hunter2" not in str(error.__dict__)
    assert "hunter2" in caplog.text
    assert "Chat.on_boom" in caplog.text


def test_debug_shows_what_the_exception_said(app: Flask, client: Client) -> None:
    app.debug = True
    assert "hunter2" in failure(client, "boom").message


@pytest.mark.parametrize("name", ["exit", "odd"])
def test_handler_that_raises_no_exception_is_answered_and_ends_nothing(client: Client, name: str) -> None:
    error = failure(client, name)
    assert error.code == "internal_error"
    assert isinstance(error.__cause__, HandlerExitError)
    assert client.call("post", {"room": "a", "text": "on"}) == "on"


def test_event_error_reaches_the_client_as_it_was_raised(client: Client) -> None:
    error = failure(client, "full")
    assert (error.code, error.message, error.details, error.retry_after) == (
        "room_full",
        "No room left.",
        {"room": 1},
        2.5,
    )


def test_details_that_are_no_json_are_left_out_of_the_answer(client: Client) -> None:
    error = failure(client, "object")
    assert (error.code, error.details) == ("odd", None)


@pytest.mark.parametrize("name", ["wrong", "nan", "disguised"])
def test_wrong_return_is_our_error_and_not_the_clients(client: Client, name: str) -> None:
    assert failure(client, name).code == "internal_error"


def test_failure_without_ack_comes_as_one_error_event(client: Client) -> None:
    client.emit("boom")
    client.emit("nothing like it")
    client.emit("post", 5)
    assert [error.code for error in client.errors] == ["internal_error", "unknown_event", "invalid_payload"]


def test_unknown_events_can_be_ignored_as_flask_socketio_does(framework_client: ClientFactory, app: Flask) -> None:
    app.extensions["socketio"].init_app(app, unknown_events="ignore")
    client = framework_client(Chat)
    client.emit("nothing like it")
    assert client.errors == []
    assert failure(client, "nothing like it").code == "no_ack"


def test_named_event_takes_the_rest_of_the_arguments(client: Client) -> None:
    assert client.call(Chat.handle_my_event, 1, 2, 3) == 6


def test_async_handler_is_awaited(client: Client) -> None:
    assert client.call(Chat.on_async, 41) == 42


def test_async_handler_behind_a_plain_decorator_is_awaited() -> None:
    def logged(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    class Decorated(Namespace):
        namespace = "/decorated"

        @logged
        async def on_double(self, n: int) -> int:
            return 2 * n

    assert connect(Decorated).call("double", 2) == 4


def test_flask_proxies_work_in_a_handler(client: Client) -> None:
    assert client.call(Chat.on_flask) == ["/chat", "flask", "fresh", "nobody"]


def test_session_of_the_http_login_is_the_events_session(app: Flask, framework_client: ClientFactory) -> None:
    @app.get("/login")
    def login() -> str:
        session["user"] = "ada"
        return ""

    browser = app.test_client()
    browser.get("/login")
    assert framework_client(Chat, flask_client=browser).call(Chat.on_flask)[3] == "ada"


def test_disconnect_handler_runs_once_and_still_sees_the_rooms(client: Client) -> None:
    client.call(Chat.on_join, "lobby")
    calls.clear()
    sid = client.sid
    client.disconnect()
    client.drop()
    assert [(name, reason, sorted(rooms)) for name, reason, rooms in calls] == [
        ("disconnect", "client disconnect", sorted([sid, "lobby"]))
    ]


# -- connecting


def connect(*namespaces: Any, auth: Any = None, functions: Any = None, **options: Any) -> Client:
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=namespaces, **options)
    if functions:
        functions(socketio)
    return Client(app, namespaces[0] if namespaces else "/", auth=auth)


def refused(*args: Any, **options: Any) -> ConnectRefused:
    with pytest.raises(ConnectRefused) as caught:
        connect(*args, **options)
    return caught.value


class Guarded(Namespace):
    namespace = "/guarded"

    def on_connect(self, auth: Token) -> None:
        calls.append(auth.token)
        if auth.token == "full":
            raise EventError("server_full", "Come back later.", {"in": 5})
        if auth.token == "no":
            raise ConnectionRefusedError("no entry", {"code": "banned"})
        if auth.token == "bare":
            raise ConnectionRefusedError("no entry")
        if auth.token == "type error":
            raise TypeError("wrong type, secret")


@pytest.mark.parametrize("auth", [None, {}, {"token": 5}, [1], "s", 5])
def test_bad_auth_refuses_the_client_with_what_is_wrong(auth: Any) -> None:
    calls.clear()
    error = refused(Guarded, auth=auth)
    assert error.code == "invalid_payload"
    assert error.details
    assert calls == []


def test_event_error_in_connect_refuses_with_its_code() -> None:
    error = refused(Guarded, auth={"token": "full"})
    assert (error.code, error.message, error.details) == ("server_full", "Come back later.", {"in": 5})


def test_refused_by_upstreams_exception_has_a_code() -> None:
    assert refused(Guarded, auth={"token": "no"}).code == "banned"
    assert refused(Guarded, auth={"token": "bare"}).code == "unauthorized"


def test_type_error_inside_on_connect_runs_the_handler_once_and_refuses(caplog: pytest.LogCaptureFixture) -> None:
    calls.clear()
    error = refused(Guarded, auth={"token": "type error"})
    assert calls == ["type error"]
    assert error.code == "internal_error"
    assert "secret" not in str(error.data)
    assert "secret" in caplog.text


def test_error_handlers_see_a_failed_connect_but_do_not_accept_it() -> None:
    seen: list[BaseException] = []

    def functions(socketio: SocketIO) -> None:
        @socketio.on_error_default
        def look(error: BaseException) -> str:
            seen.append(error)
            return "fine"

        @socketio.on("connect")
        def connect() -> None:
            raise KeyError("token")

    error = refused(functions=functions)
    assert error.code == "internal_error"
    assert [type(found) for found in seen] == [KeyError]


def test_false_refuses() -> None:
    def functions(socketio: SocketIO) -> None:
        socketio.on_event("connect", lambda: False)

    assert refused(functions=functions).code == "forbidden"


def test_refused_client_leaves_nothing_behind_and_gets_no_broadcast() -> None:
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=[Guarded])
    with pytest.raises(ConnectRefused):
        Client(app, Guarded, auth={"token": "full"})
    manager = socketio.server.manager
    assert manager.rooms.get("/guarded", {}) == {}
    assert not manager.pending_connect.get("/guarded")


class Welcoming(Namespace):
    namespace = "/welcome"

    hello = Event[str]("Sent to who just came.")

    def on_connect(self, auth: Any = None) -> None:
        self.join("everybody")
        self.hello.reply("first")
        self.hello.emit("second", to="everybody")
        if auth == "leave":
            self.disconnect()

    def on_disconnect(self, reason: str) -> None:
        calls.append(reason)


def test_emits_in_on_connect_arrive_after_the_client_is_connected() -> None:
    order: list[str] = []

    class Watching(Client):
        def _take(self, received: Any) -> None:
            order.append("connected" if received.kind == 0 else received.payload[1])
            super()._take(received)

    app = Flask(__name__)
    SocketIO(app, namespaces=[Welcoming])
    client = Watching(app, Welcoming)
    assert order == ["connected", "first", "second"]
    assert client.received(Welcoming.hello) == ["first", "second"]


def test_disconnect_in_on_connect_lets_the_client_hear_why_and_go() -> None:
    calls.clear()
    app = Flask(__name__)
    SocketIO(app, namespaces=[Welcoming])
    client = Client(app, Welcoming, auth="leave")
    assert client.received(Welcoming.hello) == ["first", "second"]
    assert not client.connected
    assert calls == ["server disconnect"]


# -- Flask-SocketIO's ways


def test_value_of_an_error_handler_becomes_the_ack() -> None:
    def functions(socketio: SocketIO) -> None:
        @socketio.on("boom")
        def boom() -> None:
            raise ValueError

        @socketio.on_error()
        def handle(error: BaseException) -> dict[str, str]:
            return {"handled": type(error).__name__}

    assert connect(functions=functions).call("boom") == {"handled": "ValueError"}


def test_error_handler_that_says_nothing_does_not_make_a_success_of_it() -> None:
    def functions(socketio: SocketIO) -> None:
        @socketio.on("boom")
        def boom() -> None:
            raise ValueError

        @socketio.on_error_default
        def handle(error: BaseException) -> None:
            return None

    client = connect(functions=functions)
    assert failure(client, "boom").code == "internal_error"
    client.emit("boom")
    assert client.errors == []


def test_class_that_routes_its_events_itself_gets_every_event() -> None:
    class Router(Namespace):
        namespace = "/router"

        def on_double(self, n: int) -> int:
            return 2 * n

        def trigger_event(self, event: str, *args: Any) -> Any:
            calls.append(event)
            return super().trigger_event(event.removeprefix("v2:"), *args)

    calls.clear()
    client = connect(Router)
    assert client.call("v2:double", 4) == 8
    assert failure(client, "v2:nothing").code == "unknown_event"
    assert failure(client, "double", "x").code == "invalid_payload"
    client.disconnect()
    assert calls == ["connect", "v2:double", "v2:nothing", "double", "disconnect"]


def test_application_json_module_writes_and_reads_untyped_values() -> None:
    import json as standard

    class Shouting:
        @staticmethod
        def dumps(value: Any, **options: Any) -> str:
            return standard.dumps(value, default=lambda other: f"<{type(other).__name__}>", **options)

        @staticmethod
        def loads(text: str | bytes, **options: Any) -> Any:
            return standard.loads(text, parse_int=lambda digits: f"int {digits}", **options)

    def functions(socketio: SocketIO) -> None:
        socketio.on_event("echo", lambda value: [value, object()])

    assert connect(functions=functions, json=Shouting).call("echo", 5) == ["int 5", "<object>"]


def test_teardown_function_that_fails_does_not_take_the_answer_away(caplog: pytest.LogCaptureFixture) -> None:
    app = Flask(__name__)
    SocketIO(app, namespaces=[Chat])

    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        raise RuntimeError("teardown")

    with caplog.at_level(logging.ERROR):
        with pytest.raises(ConnectRefused):
            Client(app, Chat)
        app.teardown_request_funcs.clear()
        client = Client(app, Chat)
        app.teardown_request(fail)
        assert client.call("post", {"room": "a", "text": "hi"}) == "hi"
    assert "teardown" in caplog.text


def test_context_that_can_not_be_opened_is_answered() -> None:
    app = Flask(__name__)
    SocketIO(app, namespaces=[Chat], manage_session=False)
    client = Client(app, Chat)

    class Down(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Any) -> Any:
            raise OSError("the session store is down")

    app.session_interface = Down()
    assert failure(client, "post", {"room": "a", "text": "hi"}).code == "internal_error"
