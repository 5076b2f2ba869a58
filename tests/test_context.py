"""Flask around an event: what is the connection's, and what is only this event's."""

from __future__ import annotations

import threading
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
    request,
    session,
    url_for,
)
from flask.ctx import RequestContext
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


@pytest.fixture
def client() -> Client:
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


def test_functions_for_after_the_request_do_not_pile_up(client: Client) -> None:
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


def test_a_flask_whose_contexts_are_made_of_something_else_makes_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.context._PARTS", {"app", "what_a_later_flask_has"})
    client = Client(build(), Chat)
    assert [client.call("note", "one"), client.call("note", "two")] == [
        [None, client.sid, ["one"]],
        [None, client.sid, ["two"]],
    ]
    assert [client.call("session", "one"), client.call("session", "two")] == [None, "one"]
