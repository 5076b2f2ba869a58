"""Flask around an event: what is the connection's, and what is only this event's."""

from __future__ import annotations

import contextlib
import contextvars
import gc
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from flask import (
    Flask,
    after_this_request,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    has_app_context,
    has_request_context,
    request,
    session,
    stream_with_context,
    url_for,
)
from flask.ctx import AppContext, RequestContext
from flask.globals import app_ctx, request_ctx
from flask.signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down, request_tearing_down
from flask.wrappers import Request

from framework import Namespace, SocketIO
from framework.errors import PayloadError
from framework.testing import Client

seen: list[Any] = []


class Chat(Namespace):
    namespace = "/chat"

    def on_note(self, name: str) -> Any:
        """Leave something on the request; answered with what was there before."""
        before = getattr(request, "note", None)
        request.note = name  # type: ignore[attr-defined]
        return [before, request.sid, request.event["args"]]  # type: ignore[attr-defined]

    def on_g(self, name: str) -> Any:
        before = g.get("name")
        g.name = name
        return before

    def on_session(self, name: str) -> Any:
        before = session.get("name")
        session["name"] = name
        return before

    def on_url(self) -> str:
        return url_for("page", number=7)

    def on_request(self) -> Any:
        return [request.path, request.args.get("who"), request.remote_addr, request.cookies.get("a"), request.url_rule]

    def on_thread(self) -> Any:
        found: list[Any] = []

        @copy_current_request_context
        def work() -> None:
            found.append([request.path, current_app.name, session.get("name")])

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return found[0]

    def on_flash(self, text: str) -> list[str]:
        flash(text)
        return list(get_flashed_messages())

    def on_later(self) -> None:
        after_this_request(lambda response: response)


def build(**options: Any) -> Flask:
    app = Flask("chat")
    app.secret_key = "secret"

    @app.get("/page/<int:number>")
    def page(number: int) -> str:
        return str(number)

    @app.teardown_request
    def note_request(error: BaseException | None) -> None:
        seen.append("request")

    @app.teardown_appcontext
    def note_context(error: BaseException | None) -> None:
        seen.append("context")

    SocketIO(app, namespaces=[Chat], **options)
    return app


@pytest.fixture(params=["light", "copied", "full"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client for each of the ways to a context."""
    if request.param == "copied":
        monkeypatch.setattr("framework.context._may_be_light", lambda app: False)
    elif request.param == "full":
        monkeypatch.setattr("framework.context._PARTS", {"app", "what_a_later_flask_has"})
    client = Client(build(), Chat, query_string="who=ada", headers={"Cookie": "a=b"})
    seen.clear()
    return client


def test_what_an_event_leaves_on_the_request_is_gone_at_the_next(client: Client) -> None:
    assert client.call("note", "one") == [None, client.sid, ["one"]]
    assert client.call("note", "two") == [None, client.sid, ["two"]]
    assert client.call("note", "three") == [None, client.sid, ["three"]]


def test_g_is_new_for_each_event(client: Client) -> None:
    assert [client.call("g", "one"), client.call("g", "two"), client.call("g", "three")] == [None, None, None]


def test_session_is_the_connections(client: Client) -> None:
    assert [client.call("session", "one"), client.call("session", "two"), client.call("session", "x")] == [
        None,
        "one",
        "two",
    ]


def test_url_for_works_in_every_event(client: Client) -> None:
    assert [client.call("url") for _ in range(3)] == ["/page/7"] * 3


def test_every_event_sees_the_request_that_opened_the_connection(client: Client) -> None:
    found = [client.call("request") for _ in range(3)]
    assert found == [["/socket.io/", "ada", "127.0.0.1", "b", None]] * 3


def test_copy_current_request_context_takes_the_event_to_a_thread(client: Client) -> None:
    client.call("session", "ada")
    assert [client.call("thread") for _ in range(2)] == [["/socket.io/", "chat", "ada"]] * 2


def test_a_flashed_message_is_of_its_own_event(client: Client) -> None:
    assert client.call("flash", "one") == ["one"]
    assert client.call("flash", "two") == ["two"]


def test_functions_for_after_the_request_do_not_pile_up() -> None:
    client = Client(build(), Chat)
    for _ in range(3):
        client.call("later")
    first: Any = client._extension.server.get_environ(client.sid, namespace="/chat")["framework.first_context"]
    assert first.copy(None)._after_request_functions == []


def test_teardown_functions_run_once_for_each_event(client: Client) -> None:
    for _ in range(3):
        client.call("g", "x")
    assert seen == ["request", "context"] * 3


def test_teardown_function_that_raises_an_error_of_ours_does_not_answer_a_second_time() -> None:
    app = build()
    client = Client(app, Chat)

    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        if request.event["message"] == "silent":  # type: ignore[attr-defined]
            raise PayloadError("from a teardown function")

    @app.extensions["socketio"].on("silent", namespace="/chat")
    def silent() -> int:
        return 1

    client.emit("silent")
    assert client.errors == []


def test_session_interface_of_the_application_is_asked_for_each_event_where_it_manages_sessions() -> None:
    client = Client(build(manage_session=False), Chat)
    assert [client.call("session", "one"), client.call("session", "two")] == [None, None]


def test_request_class_of_the_application_is_used_for_every_event() -> None:
    class Own(Request):
        @property
        def path_in_capitals(self) -> str:
            return self.path.upper()

    app = build()
    app.request_class = Own
    client = Client(app, Chat)
    extension = app.extensions["socketio"]

    @extension.on("capitals", namespace="/chat")
    def capitals() -> Any:
        return request.path_in_capitals  # type: ignore[attr-defined]

    assert [client.call("capitals") for _ in range(3)] == ["/SOCKET.IO/"] * 3


def test_an_application_that_makes_its_own_contexts_makes_each() -> None:
    made: list[Any] = []

    class OwnContext(RequestContext):
        pass

    class OwnFlask(Flask):
        def request_context(self, environ: Any) -> RequestContext:
            made.append(environ)
            return OwnContext(self, environ)

    app = OwnFlask("own")
    SocketIO(app, namespaces=[Chat])
    client = Client(app, Chat)
    client.call("g", "x")
    client.call("g", "x")
    assert len(made) == 2


number: ContextVar[int] = ContextVar("number", default=0)


class Deep(Namespace):
    """Handlers that look at what others never see."""

    namespace = "/deep"

    def on_connect(self) -> None:
        number.set(number.get() + 1)

    def on_disconnect(self) -> None:
        number.set(number.get() + 1)

    def on_number(self) -> int:
        number.set(number.get() + 1)
        return number.get()

    async def on_later(self) -> int:
        number.set(number.get() + 1)
        return number.get()

    def on_stream(self) -> Iterator[int]:
        for _ in range(3):
            number.set(number.get() + 1)
            yield number.get()

    def on_kept(self) -> Iterator[str]:
        def parts() -> Iterator[str]:
            for _ in range(2):
                yield request.path

        return stream_with_context(parts())  # type: ignore[return-value]

    def on_nothing(self) -> None:
        pass

    def on_left_behind(self) -> None:
        current_app.app_context().push()

    def on_inside(self) -> list[Any]:
        g.name = "outer"
        with current_app.app_context():
            inner = g.get("name")
        with current_app.test_request_context("/page/7"):
            other = [request.path, g.get("name"), session.get("name")]
        return [inner, other, g.name, request.path]

    def on_internals(self) -> list[Any]:
        around, inside = app_ctx._get_current_object(), request_ctx._get_current_object()  # type: ignore[attr-defined]
        seen.append(around)
        return [
            has_request_context() and has_app_context(),
            isinstance(around, AppContext) and isinstance(inside, RequestContext),
            around.app is inside.app and around.app is current_app._get_current_object(),  # type: ignore[attr-defined]
            around.g is g._get_current_object(),  # type: ignore[attr-defined]
            inside.request is request._get_current_object(),  # type: ignore[attr-defined]
            inside.session is session._get_current_object(),  # type: ignore[attr-defined]
            inside.flashes,
            inside.url_adapter is not None,
            around.url_adapter,
            hasattr(inside, "nothing") or hasattr(around, "nothing") or hasattr(inside.copy(), "nothing"),
            request.sid,  # type: ignore[attr-defined]
        ]

    def on_pushed_again(self) -> list[Any]:
        with request_ctx._get_current_object(), app_ctx._get_current_object():  # type: ignore[attr-defined]
            g.name = "again"
        return [g.name, request.path]


def go_deep(app: Flask) -> Client:
    app.extensions["socketio"].on_namespace(Deep)
    return Client(app, Deep)


@pytest.fixture
def deep(client: Client) -> Client:
    deep = go_deep(client._extension.sender)
    seen.clear()
    return deep


def test_what_an_event_sets_in_a_context_variable_is_gone_at_the_next(deep: Client) -> None:
    assert [deep.call("number"), deep.call("number"), deep.call("later"), deep.call("number")] == [1] * 4
    assert list(deep.stream("stream")) == [1, 2, 3]
    deep.disconnect()
    assert number.get() == 0


def test_an_event_sees_the_context_variables_of_who_brings_it(deep: Client) -> None:
    def bring() -> int:
        number.set(7)
        return int(deep.call("number"))

    assert contextvars.copy_context().run(bring) == 8


def test_nothing_of_flask_is_current_after_an_event(deep: Client) -> None:
    for name in ("nothing", "internals", "left_behind", "inside"):
        deep.emit(name)
        assert not has_request_context()
        assert not has_app_context()


def test_contexts_inside_a_handler_are_others(deep: Client) -> None:
    assert deep.call("inside") == [None, ["/page/7", "outer", None], "outer", "/socket.io/"]


def test_what_extensions_look_at_is_there(deep: Client) -> None:
    for _ in range(2):
        assert deep.call("internals") == [True] * 6 + [None, True, None, False, deep.sid]
    assert len({id(found) for found in seen if isinstance(found, AppContext)}) == 2


def test_a_context_that_is_pushed_once_more_is_torn_down_once(deep: Client) -> None:
    assert [deep.call("pushed_again") for _ in range(2)] == [["again", "/socket.io/"]] * 2
    assert seen == ["request", "context"] * 2


def test_a_stream_keeps_its_context_to_its_end(deep: Client) -> None:
    for _ in range(2):
        assert list(deep.stream("kept")) == ["/socket.io/"] * 2
    assert seen == ["request", "context"] * 2


def test_an_event_shares_the_application_context_that_it_is_brought_in(deep: Client) -> None:
    app = deep._extension.sender
    deep.call("nothing")
    seen.clear()
    with app.app_context():
        g.name = "ours"
        assert deep.call("pushed_again")[0] == "again"
        assert g.name == "again"
        assert seen == ["request"]


def test_an_event_inside_another_has_an_application_context_of_its_own(deep: Client) -> None:
    ada = Client(deep._extension.sender, Deep)

    @deep._extension.on("around", namespace="/deep")
    def around() -> list[Any]:
        g.name = "around"
        inner = ada.call("pushed_again")
        return [*inner, g.name]

    for _ in range(2):
        seen.clear()
        assert deep.call("around") == ["again", "/socket.io/", "around"]
        assert seen == ["request", "context"] * 2


def test_teardown_functions_see_what_flask_lets_them_see(deep: Client) -> None:
    app = deep._extension.sender

    @app.teardown_request
    def look(error: BaseException | None) -> None:
        seen.append([error, request.event["message"], g.get("name"), session.get("name")])  # type: ignore[attr-defined]

    @app.teardown_appcontext
    def look_later(error: BaseException | None) -> None:
        seen.append([error, has_request_context(), current_app.name, g.get("name")])

    deep.call("pushed_again")
    assert seen == [[None, "pushed_again", "again", None], "request", [None, False, "chat", "again"], "context"]


def test_signals_of_flask_are_sent_for_each_event(deep: Client) -> None:
    names = []
    with contextlib.ExitStack() as stack:
        for signal in (appcontext_pushed, request_tearing_down, appcontext_tearing_down, appcontext_popped):

            def note(sender: Any, *, name: str = signal.name, **about: Any) -> None:
                names.append((name, has_request_context(), has_app_context()))

            stack.enter_context(signal.connected_to(note))
            deep.call("nothing")
            told, names[:] = [*names], []
            assert (signal.name, *_CURRENT[signal.name]) in told


_CURRENT = {
    "appcontext-pushed": (False, True),
    "request-tearing-down": (True, True),
    "appcontext-tearing-down": (False, True),
    "appcontext-popped": (False, False),
}


def test_an_application_that_tears_down_itself_is_asked_for_each_event() -> None:
    class OwnFlask(Flask):
        def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
            seen.append("own")
            super().do_teardown_appcontext(exc)

    app = OwnFlask("own")
    SocketIO(app, namespaces=[Deep])
    client = Client(app, Deep)
    seen.clear()
    client.call("nothing")
    client.call("nothing")
    assert seen == ["own", "own"]


def test_a_request_is_made_when_somebody_asks_for_it() -> None:
    made = []

    class Own(Request):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "sid":
                made.append(value)
            super().__setattr__(name, value)

    app = build()
    app.request_class = Own
    app.teardown_request_funcs.clear()
    client = go_deep(app)
    client.call("nothing")
    made.clear()
    client.call("nothing")
    client.call("number")
    assert made == []
    client.call("pushed_again")
    assert made == [client.sid]


def test_a_request_that_was_asked_for_is_closed() -> None:
    class Own(Request):
        def close(self) -> None:
            seen.append("closed")
            super().close()

    app = build()
    app.request_class = Own
    client = go_deep(app)
    client.call("nothing")
    seen.clear()
    client.call("inside")
    assert seen.count("closed") == 2  # the other is of the test_request_context


@pytest.mark.parametrize("tears_down", [False, True])
def test_an_event_leaves_nothing_for_the_garbage_collector(tears_down: bool) -> None:
    app = build()
    if not tears_down:
        app.teardown_request_funcs.clear()
        app.teardown_appcontext_funcs.clear()
    client = go_deep(app)
    client.call("nothing")
    gc.collect()
    before = find_contexts()
    gc.disable()
    try:
        for name in ("nothing", "number", "pushed_again", "nothing"):
            client.call(name)
        assert len(find_contexts()) == len(before)
    finally:
        gc.enable()


def find_contexts() -> list[Any]:
    # Not isinstance: there are weak proxies among them whose object has gone.
    return [found for found in gc.get_objects() if issubclass(type(found), RequestContext | AppContext)]
