"""What a user of Flask and its extensions may rely on inside an event, in the test's own process.

Nothing here looks inside the framework: it says what is promised with each Flask that setup.cfg allows. The same with
Flask's extensions is in `test_flask_extensions`, and with real servers in `wire/test_flask_semantics`.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from flask import (
    Blueprint,
    Flask,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    has_app_context,
    has_request_context,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    session,
    url_for,
)
from flask.wrappers import Request

from framework import EventError, Namespace, SocketIO
from framework.testing import Client, ClientFactory
from tests.flask_tools import Store, on

pytestmark = pytest.mark.usefixtures("way")
WAIT_S = 10.0
FORWARDED = {"User-Agent": "a browser", "Cookie": "theme=dark"}
name_of: contextvars.ContextVar[str] = contextvars.ContextVar("name_of", default="nobody")


class Shop(Namespace):
    """Says what it sees of Flask, at connect, in events and at disconnect."""

    namespace = "/shop"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.raises: tuple[str, ...] = ()

    def on_connect(self) -> None:
        self._note("connect")

    def on_look(self, *args: str) -> Any:
        return self._note("look")

    def on_fail(self) -> None:
        raise LookupError("fail")

    def on_refuse(self) -> None:
        raise EventError("closed", "The shop is closed.")

    def on_disconnect(self) -> None:
        self._note("disconnect")

    def _note(self, kind: str) -> Any:
        about = {
            "path": request.path,
            "method": request.method,
            "agent": request.headers.get("User-Agent"),
            "theme": request.cookies.get("theme"),
            "who": request.args.get("who"),
            "address": request.remote_addr,
            "sid": request.sid,  # type: ignore[attr-defined]
            "namespace": request.namespace,  # type: ignore[attr-defined]
            "event": request.event,  # type: ignore[attr-defined]
        }
        self.seen.append(about)
        if kind in self.raises:
            raise LookupError(kind)
        return {**about, "event": kind}


class Depot(Namespace):
    """Another namespace of the same connections."""

    namespace = "/depot"

    def on_get(self, key: str) -> Any:
        return session.get(key)

    def on_set(self, key: str, value: str) -> None:
        session[key] = value


def build(app: Flask | None = None, **options: Any) -> Flask:
    app = app or Flask("shop")
    app.secret_key = "only for tests"

    @app.get("/page/<int:number>")
    def page(number: int) -> str:
        return str(number)

    @app.get("/session/<key>/<value>")
    def put_session(key: str, value: str) -> str:
        session[key] = value
        return "put"

    @app.get("/session/<key>")
    def get_session(key: str) -> str:
        return str(session.get(key))

    SocketIO(app, namespaces=[Shop, Depot], **options)
    return app


@pytest.fixture
def app() -> Flask:
    return build()


def shop_of(app: Flask) -> Shop:
    return cast(Shop, app.extensions["socketio"].namespaces["/shop"])


# -- request


def test_request_is_the_one_that_opened_the_connection_at_connect_in_events_and_at_disconnect(
    app: Flask, framework_client: ClientFactory
) -> None:
    client = framework_client(Shop, headers=FORWARDED, query_string="who=ada", address="10.0.0.7")
    client.call(Shop.on_look)
    client.call(Shop.on_look)
    client.disconnect()
    seen = shop_of(app).seen
    keys = ("path", "method", "agent", "theme", "who", "address")
    assert [tuple(about[key] for key in keys) for about in seen] == [
        ("/socket.io/", "GET", "a browser", "dark", "ada", "10.0.0.7")
    ] * 4


def test_request_says_the_sid_the_namespace_and_the_event(app: Flask, framework_client: ClientFactory) -> None:
    client = framework_client(Shop)
    sid = client.sid
    client.call(Shop.on_look, "a", "b")
    client.disconnect()
    seen = shop_of(app).seen
    assert [(about["sid"], about["namespace"]) for about in seen] == [(sid, "/shop")] * 3
    assert [about["event"]["message"] for about in seen] == ["connect", "look", "disconnect"]
    assert seen[1]["event"]["args"] == ("a", "b")


def test_request_of_each_namespace_of_a_connection_has_its_own_sid(app: Flask) -> None:
    @on(app, "where")
    def where() -> list[Any]:
        return [request.sid, request.namespace]  # type: ignore[attr-defined]

    root = Client(app)
    shop = Client(app, Shop, via=root)
    for _ in range(2):
        assert root.call("where") == [root.sid, "/"]
        assert [shop.call("look")[key] for key in ("sid", "namespace")] == [shop.sid, "/shop"]
    assert root.sid != shop.sid


def test_what_one_client_sends_is_not_on_the_request_of_another(app: Flask, framework_client: ClientFactory) -> None:
    ada, bob = (framework_client(Shop, query_string={"who": who}) for who in ("ada", "bob"))
    found = [client.call("look") for client in (ada, bob, ada, bob)]
    assert [(about["who"], about["sid"]) for about in found] == [("ada", ada.sid), ("bob", bob.sid)] * 2


# -- session


def test_session_is_forked_once_from_the_http_session(app: Flask) -> None:
    browser = app.test_client()
    browser.get("/session/name/ada")
    client = Client(app, Depot, flask_client=browser)
    assert client.call("get", "name") == "ada"
    client.call("set", "name", "bob")
    browser.get("/session/name/eve")
    assert client.call("get", "name") == "bob"
    assert browser.get("/session/name").text == "eve"


def test_session_is_shared_by_the_namespaces_of_a_connection(app: Flask) -> None:
    @on(app, "set")
    def put(key: str, value: str) -> None:
        session[key] = value

    root = Client(app)
    depot = Client(app, Depot, via=root)
    root.call("set", "name", "ada")
    assert depot.call("get", "name") == "ada"


def test_session_of_another_connection_of_the_same_browser_is_its_own(app: Flask) -> None:
    browser = app.test_client()
    browser.get("/session/name/ada")
    first, second = (Client(app, Depot, flask_client=browser) for _ in range(2))
    first.call("set", "name", "bob")
    assert second.call("get", "name") == "ada"


def test_session_can_be_used_without_a_secret_key_where_it_is_the_connections(app: Flask) -> None:
    app.secret_key = None
    client = Client(app, Depot)
    client.call("set", "name", "ada")
    assert client.call("get", "name") == "ada"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def stored_app(store: Store) -> Flask:
    """Where the session is the application's own."""
    app = build(manage_session=False)
    app.session_interface = store
    return app


def test_session_of_the_application_is_opened_for_each_event_and_saved(stored_app: Flask, store: Store) -> None:
    client = Client(stored_app, Depot)
    before = len(store.opened)
    client.call("set", "name", "ada")
    assert store.kept == {"name": "ada"}
    assert client.call("get", "name") == "ada"
    assert len(store.opened) - before == 2


def test_session_of_the_application_is_shared_with_its_views(stored_app: Flask) -> None:
    browser, client = stored_app.test_client(), Client(stored_app, Depot)
    browser.get("/session/name/ada")
    assert client.call("get", "name") == "ada"
    client.call("set", "name", "bob")
    assert browser.get("/session/name").text == "bob"


def test_session_of_the_application_is_not_saved_where_nothing_was_changed(stored_app: Flask, store: Store) -> None:
    client = Client(stored_app, Depot)
    store.saved = 0
    client.call("get", "name")
    assert store.saved == 0


def test_session_of_the_application_is_saved_at_connect_and_at_disconnect(stored_app: Flask, store: Store) -> None:
    @on(stored_app, "connect")
    def connect() -> None:
        session["connected"] = "yes"

    @on(stored_app, "disconnect")
    def disconnect() -> None:
        session["connected"] = "no"

    client = Client(stored_app)
    assert store.kept["connected"] == "yes"
    client.disconnect()
    assert store.kept["connected"] == "no"


def test_session_interface_of_the_application_gives_the_session_that_is_forked(store: Store) -> None:
    app = build()
    app.session_interface = store
    store.kept = {"name": "ada"}
    client = Client(app, Depot)
    client.call("set", "color", "red")
    assert [client.call("get", key) for key in ("name", "color")] == ["ada", "red"]
    assert store.kept == {"name": "ada"}


# -- g, current_app, and whether there is a context


def test_g_is_fresh_at_connect_in_each_event_and_at_disconnect(app: Flask) -> None:
    found: list[Any] = []

    def note() -> None:
        found.append([*g])
        g.mark = True

    for event in ("connect", "ask", "disconnect"):
        on(app, event)(note)
    client = Client(app)
    for _ in range(3):
        client.call("ask")
    client.disconnect()
    assert found == [[]] * 5


def test_g_is_the_class_of_the_application(app: Flask) -> None:
    class Basket:
        def __init__(self) -> None:
            self.items: list[str] = []

    app.app_ctx_globals_class = Basket  # type: ignore[assignment]

    @on(app, "put")
    def put(item: str) -> list[str]:
        g.items.append(item)
        return cast(list[str], g.items)

    client = Client(app)
    assert [client.call("put", "apple"), client.call("put", "pear")] == [["apple"], ["pear"]]


def test_current_app_is_the_application(app: Flask) -> None:
    found: list[Any] = []

    @on(app, "ask")
    def ask() -> None:
        found.append(cast(Any, current_app)._get_current_object())

    Client(app).call("ask")
    assert found == [app]


def test_current_app_is_each_clients_own_where_a_process_has_two_applications() -> None:
    clients = []
    for name in ("one", "two"):
        app = build(Flask(name))
        on(app, "name")(lambda: [current_app.name, url_for("page", number=1)])
        clients.append(Client(app))
    one, two = clients
    assert [client.call("name")[0] for client in (one, two, one)] == ["one", "two", "one"]


def test_there_is_a_request_context_inside_an_event_and_none_outside(app: Flask) -> None:
    @on(app, "has")
    def has() -> list[bool]:
        return [has_request_context(), has_app_context()]

    client = Client(app)
    assert not has_app_context()
    for _ in range(2):
        assert client.call("has") == [True, True]
        assert not has_request_context()
        assert not has_app_context()


# -- flash, url_for, after_this_request


def test_message_flashed_in_a_view_is_read_in_an_event(app: Flask) -> None:
    @app.get("/flash")
    def flash_it() -> str:
        flash("saved", "info")
        return "flashed"

    @on(app, "messages")
    def messages() -> Any:
        return get_flashed_messages(with_categories=True)

    browser = app.test_client()
    browser.get("/flash")
    client = Client(app, flask_client=browser)
    assert client.call("messages") == [["info", "saved"]]
    assert client.call("messages") == []


def test_message_flashed_in_one_event_is_read_once_in_the_next(app: Flask) -> None:
    @on(app, "flash")
    def flash_it(text: str) -> None:
        flash(text)

    @on(app, "messages")
    def messages() -> Any:
        return [get_flashed_messages(), get_flashed_messages()]

    client = Client(app)
    client.call("flash", "one")
    client.call("flash", "two")
    assert client.call("messages") == [["one", "two"]] * 2
    assert client.call("messages") == [[], []]


@pytest.mark.parametrize("settings", [{}, {"SERVER_NAME": "shop.example", "PREFERRED_URL_SCHEME": "https"}])
def test_url_for_gives_what_it_gives_in_a_view(settings: dict[str, str]) -> None:
    app = Flask("shop")
    app.config.update(settings)

    def urls() -> list[str]:
        return [url_for("page", number=7), url_for("page", number=7, _external=True), url_for("static", filename="a")]

    app.add_url_rule("/urls", "urls", lambda: {"urls": urls()})
    on(build(app), "urls")(urls)
    client = Client(app)
    found = [client.call("urls") for _ in range(2)]
    assert found == [app.test_client().get("/urls").json["urls"]] * 2  # type: ignore[index]
    assert found[0][1].endswith("://shop.example/page/7" if settings else "://localhost/page/7")


def test_function_for_after_this_request_is_taken_and_has_no_response_to_run_after(app: Flask) -> None:
    ran: list[Any] = []

    @on(app, "later")
    def later() -> str:
        after_this_request(lambda response: ran.append(response) or response)  # type: ignore[func-returns-value]
        return "done"

    client = Client(app)
    assert [client.call("later"), client.call("later")] == ["done", "done"]
    assert app.test_client().get("/page/1").text == "1"
    assert ran == []


# -- contexts inside a handler, and after it


def test_copied_context_works_in_a_thread_that_runs_after_the_event(app: Flask) -> None:
    gate, found, threads = threading.Event(), [], []

    @on(app, "start")
    def start(name: str) -> None:
        session["name"] = name
        g.name = name

        @copy_current_request_context
        def work() -> None:
            assert gate.wait(WAIT_S)
            about = cast(Any, request)
            found.append([about.sid, about.event["args"], current_app.name, session["name"], g.get("name")])

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    @on(app, "name")
    def name() -> Any:
        return session["name"]

    ada, bob = Client(app), Client(app)
    ada.call("start", "ada")
    bob.call("start", "bob")
    assert ada.call("name") == "ada"
    gate.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert sorted(found, key=lambda about: str(about[3])) == [
        [ada.sid, ("ada",), "shop", "ada", None],
        [bob.sid, ("bob",), "shop", "bob", None],
    ]
    assert bob.call("name") == "bob"


def test_copied_context_outlives_its_client(app: Flask) -> None:
    gate, found, threads = threading.Event(), [], []

    @on(app, "start")
    def start() -> None:
        @copy_current_request_context
        def work() -> None:
            assert gate.wait(WAIT_S)
            found.append([request.sid, request.args["who"]])  # type: ignore[attr-defined]

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    client = Client(app, query_string="who=ada")
    sid = client.sid
    client.call("start")
    client.drop()
    gate.set()
    threads[0].join(WAIT_S)
    assert found == [[sid, "ada"]]


def test_copied_contexts_of_one_event_work_side_by_side(app: Flask) -> None:
    """None of them, nor the handler, has looked at the request before."""
    barrier, found = threading.Barrier(3), []

    @on(app, "start")
    def start() -> None:
        @copy_current_request_context
        def work() -> None:
            barrier.wait(WAIT_S)
            found.append([request.sid, request.event["args"], g.get("mark"), session.get("name")])  # type: ignore[attr-defined]
            g.mark = True

        copies = [work, copy_current_request_context(work.__wrapped__), copy_current_request_context(work.__wrapped__)]  # type: ignore[attr-defined]
        threads = [threading.Thread(target=copy) for copy in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)

    client = Client(app)
    for _ in range(2):
        client.call("start")
    assert found == [[client.sid, (), None, None]] * 6


def look() -> list[Any]:
    return [request.path, getattr(request, "sid", None), [*g], session.get("name"), current_app.name]


@pytest.mark.parametrize("kind", ["app", "request", "other application's", "test client"])
def test_context_opened_in_a_handler_gives_way_to_the_events_own(app: Flask, kind: str) -> None:
    other = Flask("other")
    inside: list[Any] = []

    @on(app, "nest")
    def nest() -> list[Any]:
        session["name"], g.mark = "ada", True
        before = look()
        if kind == "test client":
            inside.append(app.test_client().get("/session/name").text)
        else:
            opened = app if kind != "other application's" else other
            with opened.app_context() if kind == "app" else opened.test_request_context("/page/3"):
                inside.append([current_app.name, [*g], request.path if kind != "app" else ""])
        assert look() == before
        return before

    client = Client(app)
    for _ in range(2):
        assert client.call("nest") == ["/socket.io/", client.sid, ["mark"], "ada", "shop"]
    assert inside[0] == inside[1]
    expected: dict[str, Any] = {
        "app": ["shop", [], ""],
        "other application's": ["other", [], "/page/3"],
        "test client": "None",
    }
    assert inside[0] == expected.get(kind, inside[0])


def test_context_left_open_by_a_handler_does_not_reach_the_next_event(app: Flask) -> None:
    @on(app, "leave")
    def leave() -> None:
        app.test_request_context("/page/3").push()

    @on(app, "look")
    def see() -> list[Any]:
        return look()[:3]

    client = Client(app)

    def send() -> list[Any]:
        client.emit("leave")  # whether Flask calls that an error depends on its version
        return [client.call("look"), has_app_context()]

    assert contextvars.copy_context().run(send) == [["/socket.io/", client.sid, []], False]


def test_value_of_a_context_variable_is_of_its_own_event(app: Flask) -> None:
    @on(app, "name")
    def name(new: str) -> str:
        before = name_of.get()
        name_of.set(new)
        return before

    ada, bob = Client(app), Client(app)
    assert [client.call("name", "x") for client in (ada, ada, bob)] == ["nobody"] * 3
    assert name_of.get() == "nobody"


def test_value_of_a_context_variable_set_at_connect_is_not_seen_in_an_event(app: Flask) -> None:
    on(app, "connect")(lambda: (name_of.set("ada"), None)[1])
    on(app, "name")(lambda: name_of.get())
    assert Client(app).call("name") == "nobody"


def test_value_of_a_context_variable_reaches_the_teardown_functions_of_its_event(app: Flask) -> None:
    found: list[str] = []
    app.teardown_request(lambda error: found.append(name_of.get()))
    app.teardown_appcontext(lambda error: found.append(name_of.get()))

    @on(app, "name")
    def name() -> None:
        name_of.set("ada")

    Client(app).call("name")
    assert found == ["ada", "ada"]


# -- teardown


@pytest.fixture
def torn(app: Flask) -> list[Any]:
    """What teardown functions of every kind were called with."""
    found: list[Any] = []
    part = Blueprint("part", "part")

    @app.teardown_request
    def note_request(error: BaseException | None) -> None:
        found.append(("request", request.event["message"], error))  # type: ignore[attr-defined]

    @app.teardown_appcontext
    def note_app(error: BaseException | None) -> None:
        found.append(("app", current_app.name, error))

    @part.teardown_app_request
    def note_part_app(error: BaseException | None) -> None:
        found.append(("part", current_app.name, error))

    @part.teardown_request
    def note_part(error: BaseException | None) -> None:
        found.append("an event is of no blueprint")

    app.register_blueprint(part)
    return found


def torn_down(event: str, error: type[BaseException] | None = None) -> list[Any]:
    """What one run of all of them leaves."""
    return [("part", "shop", error), ("request", event, error), ("app", "shop", error)]


def kinds_of(torn: list[Any]) -> list[Any]:
    return [(kind, where, error if error is None else type(error)) for kind, where, error in torn]


def test_teardown_functions_run_once_at_connect_for_each_event_and_at_disconnect(app: Flask, torn: list[Any]) -> None:
    client = Client(app, Shop)
    assert kinds_of(torn) == torn_down("connect")
    client.call("look")
    client.call("look")
    assert kinds_of(torn) == torn_down("connect") + torn_down("look") * 2
    torn.clear()
    client.disconnect()
    assert kinds_of(torn) == torn_down("disconnect")


def test_teardown_functions_run_for_a_client_that_is_lost(app: Flask, torn: list[Any]) -> None:
    client = Client(app, Shop)
    torn.clear()
    client.drop()
    assert kinds_of(torn) == torn_down("disconnect")


def test_teardown_functions_see_what_the_handler_raised(app: Flask, torn: list[Any]) -> None:
    client = Client(app, Shop)
    torn.clear()
    for _ in range(2):
        with pytest.raises(EventError, match="internal_error"):
            client.call("fail")
    assert kinds_of(torn) == torn_down("fail", LookupError) * 2


def test_teardown_functions_see_what_on_connect_and_on_disconnect_raised(app: Flask, torn: list[Any]) -> None:
    shop = shop_of(app)
    shop.raises = ("connect",)
    with pytest.raises(EventError):
        Client(app, Shop)
    assert kinds_of(torn) == torn_down("connect", LookupError)
    shop.raises = ("disconnect",)
    client = Client(app, Shop)
    torn.clear()
    client.disconnect()
    assert kinds_of(torn) == torn_down("disconnect", LookupError)


def test_event_error_is_an_answer_and_no_error_to_teardown_functions_as_abort_is_in_a_view(
    app: Flask, torn: list[Any]
) -> None:
    client = Client(app, Shop)
    torn.clear()
    with pytest.raises(EventError, match="closed"):
        client.call("refuse")
    assert kinds_of(torn) == torn_down("refuse")


def test_error_that_an_error_handler_took_is_none_to_teardown_functions_as_in_a_view(
    app: Flask, torn: list[Any]
) -> None:
    app.extensions["socketio"].on_error_default(lambda error: "taken")
    client = Client(app, Shop)
    torn.clear()
    assert client.call("fail") == "taken"
    assert kinds_of(torn) == torn_down("fail")


def test_what_a_handler_leaves_on_g_reaches_the_teardown_functions(app: Flask) -> None:
    found: list[Any] = []
    app.teardown_request(lambda error: found.append([*g]))
    app.teardown_appcontext(lambda error: found.append([*g]))

    @on(app, "open")
    def open_it() -> None:
        g.connection = "open"

    client = Client(app)
    client.call("open")
    client.call("open")
    assert found == [["connection"]] * 4


def test_teardown_function_that_is_the_first_to_ask_for_anything_finds_it(app: Flask) -> None:
    found: list[Any] = []

    def note(error: BaseException | None) -> None:
        found.append([request.sid, request.event["message"], session.get("name"), g.get("mark"), current_app.name])  # type: ignore[attr-defined]

    app.teardown_request(note)
    on(app, "nothing")(lambda: None)
    client = Client(app)
    for _ in range(2):
        client.call("nothing")
    assert found == [[client.sid, "nothing", None, None, "shop"]] * 2


def test_teardown_function_that_is_registered_after_the_first_event_runs(app: Flask) -> None:
    found: list[str] = []
    on(app, "nothing")(lambda: None)
    client = Client(app)
    client.call("nothing")
    app.teardown_request(lambda error: found.append("request"))
    app.teardown_appcontext(lambda error: found.append("app"))
    client.call("nothing")
    assert found == ["request", "app"]


def test_teardown_function_that_raises_leaves_no_context_behind(app: Flask) -> None:
    on(app, "look")(lambda: look()[:3])
    client = Client(app)
    client.call("look")

    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        raise LookupError("teardown")

    for _ in range(2):
        client.emit("look")
        assert not has_request_context()
        assert not has_app_context()
    app.teardown_request_funcs.clear()
    assert client.call("look") == ["/socket.io/", client.sid, []]


def test_teardown_function_that_is_async_runs(app: Flask) -> None:
    found: list[Any] = []

    @app.teardown_request
    async def note(error: BaseException | None) -> None:  # type: ignore[type-var]
        found.append(request.sid)  # type: ignore[attr-defined]

    client = Client(app, Depot)
    client.call("get", "x")
    assert found == [client.sid]


def test_teardown_functions_of_a_stream_run_when_it_ends(app: Flask, torn: list[Any]) -> None:
    @on(app, "count")
    def count() -> Iterator[str]:
        for _ in range(2):
            yield cast(str, request.sid)  # type: ignore[attr-defined]

    client = Client(app)
    assert [*client.stream("count")] == [client.sid] * 2
    assert kinds_of(torn) == torn_down("count")
    assert not has_app_context()


# -- Flask's signals


def note_signal(sent: list[str], app: Flask, name: str, sender: Flask, **about: Any) -> None:
    assert sender is app
    sent.append(name)


@pytest.mark.parametrize("connected", ["before the first event", "after it"])
@pytest.mark.parametrize("event", ["look", "fail"])
def test_signals_of_flask_are_sent_once_for_each_event(app: Flask, connected: str, event: str) -> None:
    sent: list[str] = []
    signals = {
        "pushed": appcontext_pushed,
        "tearing down the request": request_tearing_down,
        "tearing down": appcontext_tearing_down,
        "popped": appcontext_popped,
        "a view's": request_started,
        "a view's too": request_finished,
    }
    client = Client(app, Shop)
    if connected == "after it":
        client.call("look")
    with contextlib.ExitStack() as stack:
        for name, signal in signals.items():
            stack.enter_context(signal.connected_to(functools.partial(note_signal, sent, app, name), app))
        for _ in range(3):
            client._send(event, 1, ())
    assert sent == ["pushed", "tearing down the request", "tearing down", "popped"] * 3


def test_signal_of_the_teardown_says_what_the_handler_raised(app: Flask) -> None:
    found: list[Any] = []

    def receive(sender: Flask, exc: BaseException | None = None, **about: Any) -> None:
        found.append(type(exc))

    client = Client(app, Shop)
    with request_tearing_down.connected_to(receive, app), appcontext_tearing_down.connected_to(receive, app):
        client.call("look")
        client.emit("fail")
    assert found == [type(None)] * 2 + [LookupError] * 2


# -- applications with parts of their own


def test_request_class_of_the_application_is_made_for_each_event(app: Flask) -> None:
    class Own(Request):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.notes: list[str] = []

        @property
        def tenant(self) -> str:
            return self.args.get("tenant", "nobody")

    app.request_class = Own

    @on(app, "note")
    def note(text: str) -> list[Any]:
        own = cast(Own, request)
        own.notes.append(text)
        return [own.tenant, own.notes]

    client = Client(app, query_string="tenant=acme")
    assert [client.call("note", "one"), client.call("note", "two")] == [["acme", ["one"]], ["acme", ["two"]]]


def test_request_class_with_slots_of_its_own_is_made_for_each_event(app: Flask) -> None:
    class Slotted(Request):
        __slots__ = ("started",)

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.started = True

    app.request_class = Slotted
    on(app, "started")(lambda: cast(Slotted, request).started)
    client = Client(app)
    assert [client.call("started"), client.call("started")] == [True, True]


class Tenants(Flask):
    """Notes each context that it is asked for, and leaves something on it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.made: list[str] = []

    def request_context(self, environ: Any) -> Any:
        context = super().request_context(environ)
        self.made.append("request")
        cast(Any, context.request).tenant = f"tenant {self.made.count('request')}"
        return context

    def app_context(self) -> Any:
        self.made.append("app")
        return super().app_context()


def test_application_that_overrides_request_context_is_asked_for_each_event() -> None:
    app = Tenants("tenants")
    build(app)
    on(app, "tenant")(lambda: request.tenant)  # type: ignore[attr-defined]
    client = Client(app)
    assert [client.call("tenant") for _ in range(3)] == ["tenant 1", "tenant 2", "tenant 3"]


@pytest.mark.parametrize("hook", ["do_teardown_request", "do_teardown_appcontext"])
@pytest.mark.parametrize("patched", ["in a subclass", "on the application"])
def test_application_that_overrides_its_teardown_is_asked_for_each_event(hook: str, patched: str) -> None:
    asked: list[str] = []

    @functools.wraps(getattr(Flask, hook))  # with its parameters, which differ between the versions of Flask
    def note(self: Flask, *args: Any, **options: Any) -> Any:
        asked.append(hook)
        return getattr(Flask, hook)(self, *args, **options)

    app = build(type("Own", (Flask,), {hook: note})("own") if patched == "in a subclass" else Flask("own"))
    if patched == "on the application":
        setattr(app, hook, note.__get__(app))
    client = Client(app, Depot)
    for _ in range(3):
        client.call("get", "x")
    assert asked == [hook] * 3


def test_application_that_overrides_app_context_is_asked_as_often_as_by_its_views() -> None:
    app = Tenants("tenants")
    build(app)
    app.test_client().get("/page/1")
    for_a_view = app.made.count("app")
    client = Client(app, Depot)
    app.made.clear()
    for _ in range(3):
        client.call("get", "x")
    assert app.made.count("app") == 3 * for_a_view


# -- async handlers


def test_async_handler_sees_the_same_proxies(app: Flask) -> None:
    class Later(Namespace):
        namespace = "/later"

        def before_event(self, handling: Any) -> None:
            g.mark = handling.event

        async def on_look(self, name: str) -> list[Any]:
            before = session.get("name")
            session["name"] = name
            return [request.sid, request.args.get("who"), g.mark, before, current_app.name, url_for("page", number=1)]  # type: ignore[attr-defined]

        def after_event(self, handling: Any, error: Exception | None) -> None:
            session["after"] = session["name"]

        def on_after(self) -> str:
            return cast(str, session["after"])

    app.extensions["socketio"].on_namespace(Later())
    client = Client(app, Later, query_string="who=ada")
    assert client.call("look", "one") == [client.sid, "ada", "look", None, "shop", "/page/1"]
    assert client.call("look", "two") == [client.sid, "ada", "look", "one", "shop", "/page/1"]
    assert client.call("after") == "two"


def test_async_handler_that_raises_is_torn_down_with_its_error(app: Flask, torn: list[Any]) -> None:
    @on(app, "fail")
    async def fail() -> None:
        raise LookupError("later")

    Client(app).emit("fail")
    assert kinds_of(torn) == torn_down("fail", LookupError)


# -- one thing inside another


class Desk(Namespace):
    """Does in a handler what reaches other handlers."""

    namespace = "/desk"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def on_emit(self) -> list[Any]:
        g.mark = "emit"
        self.socketio.emit("told", "all", namespace="/desk")
        self.emit("told", "me", room=self.sid)
        return self._look()

    def on_ask(self) -> list[Any]:
        g.mark = "ask"
        answer = self.call("question", "how are you?", to=self.sid, timeout=WAIT_S)
        return [answer, *self._look()]

    def on_kick(self) -> list[Any]:
        g.mark = "kick"
        self.disconnect()
        self.seen.append(self._look())
        return self._look()

    def on_disconnect(self) -> None:
        self.seen.append([request.event["message"], g.get("mark")])  # type: ignore[attr-defined]

    def _look(self) -> list[Any]:
        return [request.event["message"], request.sid, g.get("mark")]  # type: ignore[attr-defined]


@pytest.fixture
def desk(app: Flask) -> Desk:
    desk = Desk()
    app.extensions["socketio"].on_namespace(desk)
    return desk


def test_handler_that_emits_keeps_its_context(app: Flask, desk: Desk, torn: list[Any]) -> None:
    ada, bob = Client(app, Desk), Client(app, Desk)
    assert ada.call(Desk.on_emit) == ["emit", ada.sid, "emit"]
    assert [ada.received("told"), bob.received("told")] == [["all", "me"], ["all"]]
    assert kinds_of(torn) == torn_down("emit")


def test_handler_that_calls_its_client_keeps_its_context(app: Flask, desk: Desk, torn: list[Any]) -> None:
    client = Client(app, Desk)
    client._answers["question"] = lambda text: f"{text} fine"
    assert client.call(Desk.on_ask) == ["how are you? fine", "ask", client.sid, "ask"]
    assert kinds_of(torn) == torn_down("ask")


def test_handler_that_disconnects_its_client_keeps_its_context(app: Flask, desk: Desk, torn: list[Any]) -> None:
    client = Client(app, Desk)
    sid = client.sid
    client.emit(Desk.on_kick)
    assert [about for about in desk.seen if about[0] == "kick"] == [["kick", sid, "kick"]]
    assert [kind for kind in kinds_of(torn) if kind[0] == "request"] == [
        ("request", "disconnect", None),
        ("request", "kick", None),
    ]


def test_disconnect_inside_a_handler_has_a_context_of_its_own(app: Flask, desk: Desk, torn: list[Any]) -> None:
    Client(app, Desk).emit(Desk.on_kick)
    assert desk.seen[0] == ["disconnect", None]
    assert kinds_of(torn) == torn_down("disconnect") + torn_down("kick")
