"""Spans of one process: what they are called, what is in them, whose children they are, and what runs inside them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal, cast

import flask
import pytest
from flask import Flask
from framework_tracing import TraceIds, Tracing
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel, ConfigDict

from framework import (
    Call,
    Depends,
    Event,
    EventError,
    Handling,
    Middleware,
    Namespace,
    Plugin,
    PluginError,
    SocketIO,
    emit,
)
from framework.middleware import Proceed
from framework.testing import Client, ConnectRefused

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
OTHER = "00-11111111111111111111111111111111-2222222222222222-01"


COUNTED = Call[None, dict[str, Any]](name="count")


def current() -> str:
    """The id of the current span."""
    return trace.format_span_id(trace.get_current_span().get_span_context().span_id)


class Hello(BaseModel):
    model_config = ConfigDict(extra="forbid")
    token: str = ""


class Unserialisable:
    pass


class Chat(Namespace):
    namespace = "/chat"

    posted = Event[str]("A message was posted.")

    def on_connect(self, auth: Hello | None = None) -> None:
        flask.session["auth"] = auth.model_dump() if auth else None
        if auth is not None and auth.token == "bad":
            raise EventError("unauthorized", "Log in.")
        if auth is not None and auth.token == "bug":
            raise KeyError("secret")
        if auth is not None and auth.token == "hi":
            self.posted.reply("welcome")

    def on_disconnect(self, reason: str) -> None:
        self.posted.broadcast(f"{reason}")

    def on_auth(self) -> dict[str, Any] | None:
        auth: dict[str, Any] | None = flask.session["auth"]
        return auth

    def on_post(self, text: str, times: int = 1) -> int:
        for _ in range(times):
            self.posted.broadcast(text)
        return times

    def on_where(self, inside: str = Depends(current)) -> list[str]:
        return [current(), inside]

    async def on_where_async(self, inside: str = Depends(current)) -> list[str]:
        return [current(), inside]

    def on_baggage(self) -> object:
        return baggage.get_baggage("who")

    def on_refuse(self) -> None:
        raise EventError("room_full", "No seat left.")

    def on_bug(self) -> None:
        raise KeyError("secret")

    def on_wrong_ack(self) -> int:
        return cast(int, Unserialisable())

    def on_kick(self) -> None:
        self.disconnect()

    def on_count(self, up_to: int) -> Iterator[str]:
        if up_to > 9:
            raise EventError("too_far", "No.")
        for number in range(up_to):
            self.posted.reply(str(number))
            yield str(number)
        if up_to == 9:
            raise KeyError("secret")

    def on_anything(self, *args: object) -> list[object]:
        return list(args)


class Spans:
    """What was exported, oldest first."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def all(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def names(self) -> list[str]:
        return [span.name for span in self.all()]

    def one_of(self, name: str) -> ReadableSpan:
        return next(span for span in self.all() if span.name == name)

    def one(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.all() if span.name == name]
        return span


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return trace.format_trace_id(span.context.trace_id)


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return trace.format_span_id(span.context.span_id)


def parent_of(span: ReadableSpan) -> str | None:
    return trace.format_span_id(span.parent.span_id) if span.parent is not None else None


def links_of(span: ReadableSpan) -> list[str]:
    return [trace.format_span_id(link.context.span_id) for link in span.links]


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture(autouse=True)
def _no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """OpenTelemetry logs what it could not do, instead of raising."""
    yield
    assert [record.getMessage() for record in caplog.records if record.name.startswith("opentelemetry")] == []


Build = Callable[..., Flask]


@pytest.fixture(params=["threading", "gevent"])
def build(spans: Spans, request: pytest.FixtureRequest) -> Build:
    def build(**settings: Any) -> Flask:
        app = Flask(__name__)
        app.config["SECRET_KEY"] = "a key for tests only"
        SocketIO(
            app,
            namespaces=[Chat],
            async_mode=request.param,
            plugins=[Tracing(tracer_provider=spans.provider, **settings)],
        )
        return app

    return build


# -- names, kinds and attributes


def test_connect_event_emit_and_disconnect_have_a_span_each(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    assert client.call(Chat.on_post, "hi") == 1
    client.disconnect()
    assert spans.names() == [
        "/chat connect",
        "/chat emit posted",
        "/chat post",
        "/chat emit posted",
        "/chat disconnect",
    ]
    emitted, event = spans.all()[1:3]
    assert (parent_of(emitted), trace_of(emitted)) == (id_of(event), trace_of(event))


def test_span_of_an_event_says_which_system_namespace_client_and_handler(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    client.call(Chat.on_post, "hi")
    event = attributes_of(spans.one("/chat post"))
    assert event.pop("messaging.message.body.size") > 0
    assert event == {
        "messaging.system": "socket.io",
        "messaging.operation.name": "post",
        "messaging.operation.type": "process",
        "messaging.destination.name": "/chat",
        "messaging.client.id": client.sid,
        "code.function.name": "Chat.on_post",
    }
    assert attributes_of(spans.one("/chat emit posted")) == {
        "messaging.system": "socket.io",
        "messaging.operation.name": "emit",
        "messaging.operation.type": "send",
        "messaging.destination.name": "/chat",
        "framework.event": "posted",
    }


def test_span_of_a_connect_says_where_the_client_comes_from(build: Build, spans: Spans) -> None:
    Client(build(), Chat, headers={"User-Agent": "a test"})
    assert attributes_of(spans.one("/chat connect"))["user_agent.original"] == "a test"


def test_event_that_asks_for_an_answer_is_served_and_one_that_does_not_is_consumed(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    client.call(Chat.on_where)
    client.emit(Chat.on_where_async)
    assert spans.one("/chat where").kind is SpanKind.SERVER
    assert spans.one("/chat where_async").kind is SpanKind.CONSUMER
    client.call(Chat.on_post, "hi")
    assert spans.one("/chat emit posted").kind is SpanKind.PRODUCER


def test_unknown_events_share_one_name(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    for number in range(3):
        with pytest.raises(EventError):
            client.call(f"event {number}")
    assert spans.names()[1:] == ["/chat (unknown event)"] * 3
    assert attributes_of(spans.all()[1])["framework.error.code"] == "unknown_event"
    assert all("event 1" not in str(attributes_of(span)) for span in spans.all())


def test_names_that_clients_choose_are_in_no_span(spans: Spans) -> None:
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces="*", plugins=[Tracing(tracer_provider=spans.provider)])

    @socketio.on("*", namespace="*")
    def anything(name: str, *args: object) -> None:
        emit("echo", namespace="/made-up")

    client = Client(app, "/made-up")
    client.call("made-up")
    assert spans.names() == ["* connect", "* emit echo", "* (unknown event)"]


def test_after_500_names_of_what_is_emitted_the_others_share_one(spans: Spans) -> None:
    app = Flask(__name__)
    socketio = SocketIO(app, plugins=[Tracing(tracer_provider=spans.provider)])
    for number in range(502):
        socketio.emit(f"event {number}")
    assert spans.names()[499:] == ["/ emit event 499", "/ emit (other event)", "/ emit (other event)"]


def test_namespace_that_is_added_later_has_its_name(build: Build, spans: Spans) -> None:
    class Late(Namespace):
        namespace = "/late"

    app = build()
    Client(app, Chat)
    app.extensions["socketio"].on_namespace(Late)
    Client(app, Late)
    assert spans.names() == ["/chat connect", "/late connect"]


# -- the current span


@pytest.mark.parametrize("name", ["where", "where_async"])
def test_handlers_and_dependencies_run_inside_the_span(build: Build, spans: Spans, name: str) -> None:
    client = Client(build(), Chat)
    assert client.call(name) == [id_of(spans.one(f"/chat {name}"))] * 2
    assert not trace.get_current_span().get_span_context().is_valid


class Pass(Middleware):
    async def connect(self, handling: Handling, proceed: Proceed) -> Any:
        return await proceed()

    async def event(self, handling: Handling, proceed: Proceed) -> Any:
        return await proceed()


class Outside(Plugin):
    name = "outside"
    before = ("tracing",)

    def middleware(self) -> list[Middleware]:
        return [Pass()]


@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
@pytest.mark.parametrize("name", ["where", "where_async"])
def test_span_is_current_through_async_middleware_outside_and_inside(
    spans: Spans, name: str, async_mode: Literal["threading", "gevent"]
) -> None:
    app = Flask(__name__)
    plugins: list[Any] = [Tracing(tracer_provider=spans.provider), Outside]
    SocketIO(app, namespaces=[Chat], plugins=plugins, middleware=[Pass()], async_mode=async_mode)
    client = Client(app, Chat)
    assert client.call(name) == [id_of(spans.one(f"/chat {name}"))] * 2
    with pytest.raises(EventError):
        client.call("bug")
    assert spans.one("/chat bug").status.status_code is StatusCode.ERROR


def test_plugins_of_an_application_that_is_initialised_again_are_there_once(spans: Spans) -> None:
    socketio = SocketIO(namespaces=[Chat], plugins=[Tracing(tracer_provider=spans.provider)])
    first, second = Flask(__name__), Flask(__name__)
    socketio.init_app(first)
    socketio.init_app(second)
    Client(second, Chat).call(Chat.on_post, "hi")
    assert spans.names() == ["/chat connect", "/chat emit posted", "/chat post"]


def test_event_that_one_client_sends_while_another_is_served_keeps_both_spans(spans: Spans) -> None:
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=[Chat], plugins=[Tracing(tracer_provider=spans.provider)])
    inner = Client(app, Chat)

    @socketio.on("outer", namespace="/chat")
    def outer() -> int:
        return inner.call(Chat.on_post, "hi")

    Client(app, Chat).call("outer")
    assert spans.names()[2:] == ["/chat emit posted", "/chat post", "/chat outer"]


# -- streams


def test_stream_runs_inside_the_span_which_ends_with_it(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    client.answer(COUNTED, lambda part: None)
    client.call("count", 2)
    emitted, span = spans.one_of("/chat emit posted"), spans.one("/chat count")
    assert parent_of(emitted) == id_of(span)
    assert attributes_of(span)["framework.stream.chunks"] == 2
    assert span.status.status_code is StatusCode.UNSET
    assert not trace.get_current_span().get_span_context().is_valid
    assert client.call(Chat.on_post, "hi") == 1
    assert parent_of(spans.one("/chat post")) is None


def test_stream_that_fails_makes_the_span_an_error(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    client.answer(COUNTED, lambda part: None)
    client.call("count", 9)
    span = spans.one("/chat count")
    assert span.status.status_code is StatusCode.ERROR
    assert attributes_of(span)["framework.error.code"] == "internal_error"


def test_stream_that_is_refused_by_its_handler_is_no_error(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    client.call("count", 10)
    span = spans.one("/chat count")
    assert (attributes_of(span)["framework.error.code"], span.status.status_code) == ("too_far", StatusCode.UNSET)


# -- outcomes


def test_error_of_the_client_is_no_error_of_the_span(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    for event, text, code in [("refuse", None, "room_full"), ("post", 5, "invalid_payload")]:
        with pytest.raises(EventError):
            client.call(event, *([] if text is None else [text]))
        span = spans.one(f"/chat {event}")
        assert attributes_of(span)["framework.error.code"] == code
        assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())


@pytest.mark.parametrize(("event", "kind"), [("bug", "KeyError"), ("wrong_ack", "AckError")])
def test_internal_error_is_an_error_of_the_span_with_what_was_raised(
    build: Build, spans: Spans, event: str, kind: str
) -> None:
    client = Client(build(), Chat)
    with pytest.raises(EventError, match="internal_error"):
        client.call(event)
    span = spans.one(f"/chat {event}")
    assert span.status.status_code is StatusCode.ERROR
    assert attributes_of(span)["framework.error.code"] == "internal_error"
    assert attributes_of(span)["error.type"] == kind
    (recorded,) = span.events
    assert (recorded.name, str((recorded.attributes or {})["exception.type"]).rpartition(".")[2]) == ("exception", kind)


def test_exception_that_the_application_handles_is_recorded_and_no_error(spans: Spans) -> None:
    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=[Chat], plugins=[Tracing(tracer_provider=spans.provider)])
    socketio.on_error_default(lambda error: "sorry")
    assert Client(app, Chat).call("bug") == "sorry"
    span = spans.one("/chat bug")
    assert (span.status.status_code, len(span.events)) == (StatusCode.UNSET, 1)
    assert attributes_of(span)["framework.error.code"] == "handled"


@pytest.mark.parametrize(
    ("token", "code", "status"),
    [("bad", "unauthorized", StatusCode.UNSET), ("bug", "internal_error", StatusCode.ERROR)],
)
def test_refused_connect_says_why(build: Build, spans: Spans, token: str, code: str, status: StatusCode) -> None:
    with pytest.raises(ConnectRefused):
        Client(build(), Chat, auth={"token": token})
    span = spans.one("/chat connect")
    assert (attributes_of(span)["framework.error.code"], span.status.status_code) == (code, status)


def test_connect_that_a_function_says_no_to_is_forbidden(spans: Spans) -> None:
    app = Flask(__name__)
    socketio = SocketIO(app, plugins=[Tracing(tracer_provider=spans.provider)])
    socketio.on_event("connect", lambda: False)
    with pytest.raises(ConnectRefused):
        Client(app, "/")
    assert attributes_of(spans.one("/ connect"))["framework.error.code"] == "forbidden"


def test_disconnect_says_why_and_belongs_to_the_handler_that_asked_for_it(build: Build, spans: Spans) -> None:
    app = build()
    Client(app, Chat).disconnect()
    gone = spans.one("/chat disconnect")
    assert (attributes_of(gone)["framework.disconnect.reason"], parent_of(gone)) == ("client disconnect", None)
    spans.exporter.clear()
    Client(app, Chat).emit(Chat.on_kick)
    kicked = spans.one("/chat disconnect")
    assert attributes_of(kicked)["framework.disconnect.reason"] == "server disconnect"
    assert parent_of(kicked) == id_of(spans.one("/chat kick"))


# -- whose child


def test_connect_is_a_child_of_the_handshakes_headers(build: Build, spans: Spans) -> None:
    Client(build(), Chat, headers={"traceparent": TRACEPARENT})
    connect = spans.one("/chat connect")
    assert (trace_of(connect), parent_of(connect)) == (TRACE, PARENT)


def test_headers_can_be_left_alone(build: Build, spans: Spans) -> None:
    Client(build(headers=False), Chat, headers={"traceparent": TRACEPARENT})
    assert parent_of(spans.one("/chat connect")) is None


def test_events_have_traces_of_their_own_and_link_to_their_connect(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat, headers={"traceparent": TRACEPARENT})
    client.call(Chat.on_where)
    client.disconnect()
    connect = spans.one("/chat connect")
    for name in ("/chat where", "/chat disconnect"):
        span = spans.one(name)
        assert (parent_of(span), links_of(span)) == (None, [id_of(connect)])
        assert trace_of(span) != TRACE


def test_connect_may_be_the_parent_of_its_events(build: Build, spans: Spans) -> None:
    client = Client(build(connection="parent", payloads=True), Chat, headers={"traceparent": TRACEPARENT})
    client.call(Chat.on_where)
    client.call("anything", {"$trace": {"traceparent": OTHER}})
    connect, where, other = spans.one("/chat connect"), spans.one("/chat where"), spans.one("/chat anything")
    assert (trace_of(where), parent_of(where), links_of(where)) == (TRACE, id_of(connect), [])
    assert (parent_of(other), links_of(other)) == ("2222222222222222", [id_of(connect)])


def test_event_is_a_child_of_the_trace_behind_its_arguments(build: Build, spans: Spans) -> None:
    client = Client(build(payloads=True), Chat)
    assert client.call("post", "hi", {"$trace": {"traceparent": TRACEPARENT}}) == 1
    event = spans.one("/chat post")
    assert (trace_of(event), parent_of(event)) == (TRACE, PARENT)
    assert trace_of(spans.one("/chat emit posted")) == TRACE
    assert links_of(event) == [id_of(spans.one("/chat connect"))]


def test_trace_may_be_the_only_argument_and_carry_baggage(build: Build) -> None:
    client = Client(build(payloads=True), Chat)
    assert client.call("baggage", {"$trace": {"traceparent": TRACEPARENT, "baggage": "who=ada"}}) == "ada"


@pytest.mark.parametrize("said", [None, 5, [], "00-zz", {"traceparent": 5}, {"traceparent": "no"}, {"x": {}}])
def test_trace_that_is_none_is_taken_away_and_passed_over(build: Build, spans: Spans, said: object) -> None:
    client = Client(build(payloads=True), Chat)
    assert client.call("anything", 1, {"$trace": said}) == [1]
    assert parent_of(spans.one("/chat anything")) is None


@pytest.mark.parametrize("last", [{"$trace": {}, "more": 1}, {"traceparent": TRACEPARENT}, ["$trace"], "$trace"])
def test_last_argument_of_any_other_shape_is_the_handlers(build: Build, last: object) -> None:
    client = Client(build(payloads=True), Chat)
    assert client.call("anything", last) == [last]


def test_without_the_setting_the_last_argument_is_the_handlers(build: Build, spans: Spans) -> None:
    client = Client(build(), Chat)
    last = {"$trace": {"traceparent": TRACEPARENT}}
    assert client.call("anything", last) == [last]
    assert parent_of(spans.one("/chat anything")) is None


def test_connect_is_a_child_of_the_trace_in_auth_which_its_handler_does_not_see(build: Build, spans: Spans) -> None:
    auth = {"token": "ada", "$trace": {"traceparent": TRACEPARENT}}
    client = Client(build(payloads=True), Chat, auth=auth, headers={"traceparent": OTHER})
    assert parent_of(spans.one("/chat connect")) == PARENT
    assert client.call(Chat.on_auth) == {"token": "ada"}


def test_auth_that_is_nothing_but_a_trace_is_none(build: Build, spans: Spans) -> None:
    client = Client(build(payloads=True), Chat, auth={"$trace": {"traceparent": TRACEPARENT}})
    assert parent_of(spans.one("/chat connect")) == PARENT
    assert client.call(Chat.on_auth) is None


def test_headers_count_where_the_trace_in_auth_is_none(build: Build, spans: Spans) -> None:
    auth = {"token": "ada", "$trace": {"traceparent": "nonsense"}}
    Client(build(payloads=True), Chat, auth=auth, headers={"traceparent": TRACEPARENT})
    assert parent_of(spans.one("/chat connect")) == PARENT


def test_payload_that_cannot_be_read_is_refused_as_without_tracing(build: Build, spans: Spans) -> None:
    client = Client(build(payloads=True), Chat)
    deep: Any = []
    for _ in range(150):
        deep = [deep]
    with pytest.raises(EventError, match="nested too deep"):
        client.call("anything", deep)
    assert attributes_of(spans.one("/chat anything"))["framework.error.code"] == "invalid_payload"


# -- emits


def test_emit_in_on_connect_belongs_to_the_connect(build: Build, spans: Spans) -> None:
    Client(build(), Chat, auth={"token": "hi"})
    assert parent_of(spans.one("/chat emit posted")) == id_of(spans.one("/chat connect"))


def test_emit_of_a_view_belongs_to_the_span_of_the_view(build: Build, spans: Spans) -> None:
    app = build()
    with app.app_context(), spans.provider.get_tracer("view").start_as_current_span("view") as view:
        Chat.posted.broadcast("hi")
    assert spans.one("/chat emit posted").parent == view.get_span_context()


def test_emits_can_be_left_out(build: Build, spans: Spans) -> None:
    Client(build(emits=False), Chat).call(Chat.on_post, "hi")
    assert spans.names() == ["/chat connect", "/chat post"]


# -- what is set


def test_without_an_sdk_there_are_no_spans_and_nothing_changes() -> None:
    app = Flask(__name__)
    SocketIO(app, namespaces=[Chat], plugins=[Tracing(payloads=True)])
    client = Client(app, Chat)
    assert client.call("post", "hi", {"$trace": {"traceparent": TRACEPARENT}}) == 1
    assert client.received(Chat.posted) == ["hi"]
    assert client.call("where", {"$trace": {"traceparent": TRACEPARENT}}) == [PARENT] * 2


def test_trace_that_is_not_sampled_still_leads_to_the_handler() -> None:
    app = Flask(__name__)
    SocketIO(app, namespaces=[Chat], plugins=[Tracing(tracer_provider=TracerProvider(sampler=ALWAYS_OFF))])
    with pytest.raises(EventError):
        Client(app, Chat).call("bug")
    assert Client(app, Chat).call("where") != ["0" * 16] * 2


def test_settings_come_from_the_configuration(spans: Spans) -> None:
    app = Flask(__name__)
    app.config |= {"FRAMEWORK_TRACING_PAYLOADS": True, "FRAMEWORK_TRACING_EMITS": False}
    SocketIO(app, namespaces=[Chat], plugins=[Tracing(tracer_provider=spans.provider)])
    Client(app, Chat).call("post", "hi", {"$trace": {"traceparent": TRACEPARENT}})
    assert spans.names() == ["/chat connect", "/chat post"]
    assert parent_of(spans.one("/chat post")) == PARENT


def test_bad_setting_is_named() -> None:
    app = Flask(__name__)
    app.config |= {"FRAMEWORK_TRACING_CONNECTION": "child", "TESTING": True}
    with pytest.raises(PluginError, match="FRAMEWORK_TRACING_CONNECTION is 'child' in app.config"):
        SocketIO(app, plugins=[Tracing])


def test_setting_that_there_is_not_is_named() -> None:
    with pytest.raises(PluginError, match="Did you mean 'payloads'"):
        Tracing(payload=True)


# -- logs


@pytest.fixture
def logged() -> Iterator[list[tuple[str, str]]]:
    """What the framework logs: the text, and the id of the span."""
    found: list[tuple[str, str]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append((record.getMessage(), vars(record)["span_id"]))

    handler = Keep()
    handler.addFilter(TraceIds())
    logger = logging.getLogger("framework")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def test_log_line_of_a_failed_handler_has_the_id_of_its_span(
    build: Build, spans: Spans, logged: list[tuple[str, str]]
) -> None:
    client = Client(build(), Chat)
    with pytest.raises(EventError):
        client.call(Chat.on_bug)
    logging.getLogger("framework").error("outside")
    failed, outside = logged
    assert failed[0].startswith("Chat.on_bug")
    assert failed[1] == id_of(spans.one("/chat bug"))
    assert outside == ("outside", "")
