"""What clients meet: the limits of each scope, the decorator, and what is said where the plugin is not there."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

import flask
import pytest
from flask import Flask
from framework_rate_limit import RateLimit, limit, rate_limited
from pydantic import BaseModel

from framework import (
    ConfigurationError,
    Depends,
    EventError,
    Handling,
    Middleware,
    Namespace,
    Plugin,
    Proceed,
    SocketIO,
    guard,
)
from framework.testing import Client
from framework.testing.client import ConnectRefused

flask_login: Any = import_module("flask_login")  # it has no types

OFF: dict[str, Any] = {"per_connection": "", "connects_per_address": ""}


class Login(BaseModel):
    user: str | None = None


class Chat(Namespace):
    namespace = "/chat"

    def on_connect(self, auth: Login | None = None) -> None:
        if auth is not None and auth.user is not None:
            flask.g.identity = SimpleNamespace(id=auth.user)

    def on_post(self, text: str) -> str:
        return text

    def on_read(self) -> str:
        return "read"


class Lobby(Namespace):
    namespace = "/lobby"

    def on_post(self, text: str) -> str:
        return text


class Request(flask.Request):
    """A client of these tests has its address in a header, since it has no socket."""

    @property
    def remote_addr(self) -> str | None:
        return self.headers.get("Test-Address")

    @remote_addr.setter
    def remote_addr(self, value: str | None) -> None: ...


class App(Flask):
    request_class = Request


def build(plugin: RateLimit | None = None, *namespaces: type[Namespace], **options: Any) -> Flask:
    app = App(__name__)
    app.config.update(TESTING=True, SECRET_KEY="for tests only")
    plugins = [plugin] if plugin is not None else []
    SocketIO(app, namespaces=namespaces or [Chat, Lobby], plugins=[*options.pop("plugins", ()), *plugins], **options)
    return app


def from_address(app: Flask, address: str, path: str = "/chat", **options: Any) -> Client:
    return Client(app, path, headers={"Test-Address": address}, **options)


def code_of(call: Callable[..., Any], *args: Any) -> str:
    try:
        call(*args)
    except EventError as error:
        return error.code
    return "ok"


def codes(client: Client, *events: str) -> list[str]:
    return [code_of(client.call, event, *(["hi"] if event == "post" else [])) for event in events]


# -- scopes


def test_installed_without_any_setting_it_stops_a_flood_and_nothing_else() -> None:
    client = Client(build(RateLimit()), Chat)
    found = codes(client, *["post"] * 1000)
    assert found[:100] == ["ok"] * 100
    assert "rate_limited" in found


def test_one_connection_has_one_budget_for_all_its_namespaces_and_events() -> None:
    app = build(RateLimit(per_connection="3/month"))
    ada = Client(app, Chat)
    beside = Client(app, Lobby, via=ada)
    assert codes(ada, "post", "read") == ["ok", "ok"]
    assert codes(beside, "post", "post") == ["ok", "rate_limited"]
    assert codes(Client(app, Chat), "post") == ["ok"]


def test_leaving_and_joining_again_does_not_renew_the_budget() -> None:
    app = build(RateLimit(per_connection="1/month"))
    ada = Client(app, Chat)
    assert codes(ada, "post") == ["ok"]
    ada.disconnect()
    assert codes(Client(app, Chat, via=ada), "post") == ["rate_limited"]


def test_each_event_has_a_budget_of_its_own_and_all_unknown_ones_share_one() -> None:
    client = Client(build(RateLimit(**OFF, per_event="2/month")), Chat)
    assert codes(client, "post", "post", "post", "read") == ["ok", "ok", "rate_limited", "ok"]
    assert codes(client, "a", "b", "c") == ["unknown_event", "unknown_event", "rate_limited"]


def test_names_that_clients_make_up_take_no_memory() -> None:
    app = build(RateLimit(**OFF, per_event="1/month"))
    client = Client(app, Chat)
    kept = environ_of(client)["framework.rate_limit"].buckets.store
    for number in range(50):
        code_of(client.call, f"made up {number}")
    assert len(kept) == 1


def test_events_that_are_wrong_are_counted_too() -> None:
    client = Client(build(RateLimit(per_connection="2/month")), Chat)
    assert code_of(client.call, "post", 5) == "invalid_payload"
    assert codes(client, "nonsense", "post") == ["unknown_event", "rate_limited"]


def test_a_user_is_limited_over_all_connections() -> None:
    app = build(RateLimit(**OFF, per_user="3/month"))
    ada, again, ben = (Client(app, Chat, auth={"user": user}) for user in ("ada", "ada", "ben"))
    assert codes(ada, "post", "post") == ["ok", "ok"]
    assert codes(again, "post", "post") == ["ok", "rate_limited"]
    assert codes(ben, "post") == ["ok"]


def test_clients_without_a_user_are_limited_one_by_one() -> None:
    app = build(RateLimit(**OFF, per_user="1/month"))
    assert codes(Client(app, Chat), "post", "post") == ["ok", "rate_limited"]
    assert codes(Client(app, Chat), "post", "post") == ["ok", "rate_limited"]


def test_two_namespaces_of_one_connection_can_be_of_different_users() -> None:
    app = build(RateLimit(**OFF, per_user="1/month"))
    ada = Client(app, Chat, auth={"user": "ada"})
    nobody = Client(app, Lobby, via=ada)
    assert codes(ada, "post", "post") == ["ok", "rate_limited"]
    assert codes(nobody, "post", "post") == ["ok", "rate_limited"]


def test_the_application_can_say_who_the_user_is() -> None:
    app = build(RateLimit(user=lambda: flask.request.headers["Tenant"], **OFF, per_user="1/month"))
    first, second = (Client(app, Chat, headers={"Tenant": "7"}) for _ in range(2))
    assert codes(first, "post") + codes(second, "post") == ["ok", "rate_limited"]


def test_the_user_of_flask_login_is_found() -> None:
    app = build(RateLimit(**OFF, per_user="1/month"))
    manager = flask_login.LoginManager(app)
    manager.user_loader(lambda name: User(name))
    app.add_url_rule("/login/<name>", view_func=lambda name: str(flask_login.login_user(User(name))))
    browsers = [app.test_client() for _ in range(3)]
    for browser, name in zip(browsers, ["ada", "ada", "ben"], strict=True):
        assert browser.get(f"/login/{name}").text == "True"
    ada, again, ben = (Client(app, Chat, flask_client=browser) for browser in browsers)
    assert codes(ada, "post") + codes(again, "post") + codes(ben, "post") == ["ok", "rate_limited", "ok"]
    anonymous = Client(app, Chat)
    assert codes(anonymous, "post", "post") == ["ok", "rate_limited"]


class User(flask_login.UserMixin):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.id = name


def test_who_logs_in_after_the_connect_is_limited_as_a_user_from_then_on() -> None:
    class Late(Namespace):
        def on_login(self, user: str) -> None:
            flask.g.identity = SimpleNamespace(id=user)

        def on_post(self, text: str) -> str:
            return text

    app = build(RateLimit(**OFF, per_user="2/month"), Late)
    first, second = Client(app, Late), Client(app, Late)
    first.call(Late.on_login, "ada")
    second.call(Late.on_login, "ada")
    assert codes(first, "post") + codes(second, "post", "post") == ["ok", "ok", "rate_limited"]


def test_a_user_who_is_known_is_not_asked_for_again() -> None:
    asked: list[int] = []

    def user() -> str:
        asked.append(1)
        return "ada"

    client = Client(build(RateLimit(user=user, per_user="9/month"), Marked), Marked)
    codes(client, "post", "report")
    assert asked == [1]


def test_a_refused_client_leaves_no_user_behind() -> None:
    class Closed(Namespace):
        namespace = "/closed"

        @limit("9/month", per="user")
        def on_connect(self, auth: str) -> bool:
            if auth == "raise":
                raise EventError("closed", "Closed.")
            return False

    app = build(RateLimit(user=lambda: "ada", **OFF), Closed, Chat)
    client = Client(app, Chat)
    for auth in ("raise", "return"):
        with pytest.raises(ConnectRefused):
            Client(app, Closed, auth=auth, via=client)
    assert environ_of(client)["framework.rate_limit"].users == {"/chat": "ada"}


def test_an_address_is_limited_over_all_connections() -> None:
    app = build(RateLimit(**OFF, per_address="2/month"))
    first, second, other = (from_address(app, address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"))
    assert codes(first, "post") + codes(second, "post", "post") == ["ok", "ok", "rate_limited"]
    assert codes(other, "post") == ["ok"]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("a-pipe", "a-pipe", True),
    ],
)
def test_addresses_of_one_subscriber_are_one(one: str, other: str, is_same: bool) -> None:
    app = build(RateLimit(**OFF, per_address="1/month"))
    assert codes(from_address(app, one), "post") == ["ok"]
    assert codes(from_address(app, other), "post") == ["rate_limited" if is_same else "ok"]


def test_without_an_address_an_address_limit_is_one_of_the_connection() -> None:
    app = build(RateLimit(**OFF, per_address="1/month"))
    for client in (Client(app, Chat), Client(app, Chat)):
        assert codes(client, "post", "post") == ["ok", "rate_limited"]


def test_connects_from_one_address_are_limited() -> None:
    app = build(RateLimit(connects_per_address="2/month"))
    first = from_address(app, "192.0.2.1")
    Client(app, Lobby, via=first)
    with pytest.raises(ConnectRefused) as refused:
        from_address(app, "192.0.2.1")
    assert refused.value.code == "rate_limited"
    assert refused.value.message.startswith("Too many connects. Try again in ")
    assert refused.value.data["retry_after"] > 0
    assert from_address(app, "192.0.2.2").connected


def test_connects_that_somebody_else_refuses_are_counted_too() -> None:
    class Closed(Namespace):
        def on_connect(self) -> bool:
            return False

    app = build(RateLimit(connects_per_address="2/month"), Closed)
    assert [code_of(from_address, app, "192.0.2.1", "/") for _ in range(3)] == [
        "forbidden",
        "forbidden",
        "rate_limited",
    ]


def test_several_limits_hold_at_once() -> None:
    client = Client(build(RateLimit(per_connection="5/month; 3/day", per_event="2/month")), Chat)
    assert codes(client, "post", "post", "post") == ["ok", "ok", "rate_limited"]
    assert codes(client, "read") == ["rate_limited"]  # the refused one was counted by the connection


# -- the answer


def test_the_answer_says_after_how_many_seconds_to_try_again() -> None:
    client = Client(build(RateLimit(per_connection="1/month")), Chat)
    client.call("post", "hi")
    with pytest.raises(EventError) as refused:
        client.call("post", "hi")
    wait_s = refused.value.retry_after
    assert isinstance(wait_s, float)
    assert 0 < wait_s <= 60 * 86400
    assert refused.value.message == f"Too many events. Try again in {wait_s} s."


def test_without_an_ack_the_refusal_comes_as_an_error_event() -> None:
    client = Client(build(RateLimit(per_connection="1/month")), Chat)
    client.emit("post", "hi")
    client.emit("post", "hi")
    assert [(error.code, bool(error.retry_after)) for error in client.errors] == [("rate_limited", True)]


def test_the_wait_is_that_of_the_fullest_bucket_not_of_the_first() -> None:
    client = Client(build(RateLimit(per_connection="1/second; 1/day", strategy="moving-window")), Chat)
    client.call("post", "hi")
    with pytest.raises(EventError) as refused:
        client.call("post", "hi")
    assert refused.value.retry_after is not None
    assert refused.value.retry_after > 80_000


def test_the_wait_includes_what_a_decorator_will_ask_for() -> None:
    class Slow(Namespace):
        @limit("1/day")
        def on_report(self) -> str:
            return "done"

    client = Client(build(RateLimit(per_connection="2/minute", strategy="moving-window"), Slow))
    assert codes(client, "report", "nonsense") == ["ok", "unknown_event"]
    with pytest.raises(EventError) as refused:
        client.call("report")
    assert refused.value.retry_after is not None
    assert refused.value.retry_after > 80_000


def test_receivers_of_the_signal_are_told_of_each_refusal() -> None:
    told: list[dict[str, Any]] = []

    def note(sender: Flask, **about: Any) -> None:
        told.append({"sender": sender, **about})

    app = build(RateLimit(per_connection="1/month", connects_per_address="1/month"))
    with rate_limited.connected_to(note, sender=app):
        client = from_address(app, "192.0.2.1")
        codes(client, "nonsense", "post", "nonsense")
        code_of(from_address, app, "192.0.2.1")
    about = {"sender": app, "namespace": "/chat", "sid": client.sid, "limit": "1/month", "scope": "connection"}
    assert all(one["retry_after"] > 0 and one.pop("retry_after") for one in told)
    assert told[:2] == [{**about, "event": "post"}, {**about, "event": None}]
    assert (told[2]["scope"], told[2]["event"]) == ("connects", None)


def test_what_is_refused_reaches_nothing_behind() -> None:
    reached: list[str] = []

    def dependency() -> str:
        reached.append("dependency")
        return ""

    def check() -> bool:
        reached.append("guard")
        return True

    class Verifies(Middleware):
        def event(self, handling: Handling, proceed: Proceed) -> Any:
            reached.append("auth")
            return proceed()

    class Auth(Plugin):
        name = "auth"

        def middleware(self) -> list[Middleware]:
            return [Verifies()]

    def around(handling: Handling, proceed: Proceed) -> Any:
        reached.append("namespace")
        return proceed()

    class Costly(Namespace):
        middleware = (around,)

        @guard(check)
        def on_work(self, value: int, made: str = Depends(dependency)) -> None: ...

    client = Client(build(RateLimit(per_connection="1/month"), Costly, plugins=[Auth]))
    client.call("work", 1)
    assert reached == ["auth", "namespace", "guard", "dependency"]
    reached.clear()
    assert code_of(client.call, "work", "no number") == "rate_limited"
    assert reached == []


# -- what is kept


def environ_of(client: Client) -> dict[str, Any]:
    server = client._extension.server
    found: dict[str, Any] = server.get_environ(client.sid, namespace=client.namespace)
    return found


def test_what_is_kept_of_a_connection_goes_with_it() -> None:
    app = build(RateLimit(per_event="9/month", per_user="9/month"))
    client = Client(app, Chat, auth={"user": "ada"})
    codes(client, "post", "read")
    connection = environ_of(client)["framework.rate_limit"]
    assert connection.users == {"/chat": "ada"}
    client.disconnect()
    assert connection.users == {}
    kept = weakref.ref(connection.buckets)
    client.drop()
    del client, connection
    gc.collect()
    assert kept() is None


# -- the decorator


class Marked(Namespace):
    namespace = "/marked"

    @limit("2/month")
    def on_post(self, text: str) -> str:
        return text

    @limit("1/month", per="user")
    def on_report(self) -> None: ...

    @limit("1/month", per="address")
    def on_search(self) -> None: ...

    def on_connect(self, auth: Login | None = None) -> None:
        flask.g.identity = SimpleNamespace(id=auth.user) if auth is not None else None


def test_a_decorator_limits_one_event_before_its_payload_is_read() -> None:
    client = Client(build(RateLimit(**OFF), Marked), Marked)
    assert code_of(client.call, "post", 5) == "invalid_payload"
    assert codes(client, "post") == ["ok"]
    assert code_of(client.call, "post", 5) == "rate_limited"
    assert codes(client, "report") == ["ok"]


def test_a_decorator_counts_per_user_or_per_address() -> None:
    app = build(RateLimit(**OFF), Marked)
    ada, again, ben = (
        from_address(app, address, "/marked", auth={"user": user})
        for user, address in (("ada", "192.0.2.1"), ("ada", "192.0.2.2"), ("ben", "192.0.2.2"))
    )
    assert [codes(one, "report")[0] for one in (ada, again, ben)] == ["ok", "rate_limited", "ok"]
    assert [codes(one, "search")[0] for one in (ada, again, ben)] == ["ok", "ok", "rate_limited"]


def test_a_decorated_class_counts_its_events_and_connects_together() -> None:
    @limit("3/month")
    class Small(Namespace):
        def on_one(self) -> None: ...
        def on_two(self) -> None: ...

    client = Client(build(RateLimit(**OFF), Small))
    assert codes(client, "one", "nonsense", "two") == ["ok", "unknown_event", "rate_limited"]


def test_a_decorated_connect_handler_limits_connects_by_user() -> None:
    def user() -> str | None:
        return flask.request.headers.get("User")

    class Single(Namespace):
        @limit("1/month", per="user")
        def on_connect(self) -> None: ...

    app = build(RateLimit(user=user, **OFF), Single)
    assert Client(app, headers={"User": "ada"}).connected
    assert code_of(lambda: Client(app, headers={"User": "ada"})) == "rate_limited"
    assert Client(app, headers={"User": "ben"}).connected


def test_classes_that_inherit_a_decorated_handler_are_counted_apart() -> None:
    class Base(Namespace):
        @limit("1/month")
        def on_post(self, text: str) -> str:
            return text

    class One(Base):
        namespace = "/one"

    class Two(Base):
        namespace = "/two"

    app = build(RateLimit(**OFF), One, Two)
    first = Client(app, One)
    assert codes(first, "post", "post") == ["ok", "rate_limited"]
    assert codes(Client(app, Two, via=first), "post") == ["ok"]


def test_functions_can_be_decorated_too_a_catch_all_with_one_bucket() -> None:
    app = App(__name__)
    app.config.update(TESTING=True, SECRET_KEY="for tests only")
    socketio = SocketIO(app, plugins=[RateLimit(**OFF)])

    @socketio.on("post")
    @limit("1/month")
    def post(text: str) -> str:
        return text

    @socketio.on("*")
    @limit("1/month")
    def anything(event: str) -> str:
        return event

    client = Client(app)
    assert codes(client, "post", "post", "a", "b") == ["ok", "rate_limited", "ok", "rate_limited"]


@pytest.mark.parametrize("rates", ["", "5/fortnight", "0/second", 5])
def test_a_decorator_with_a_bad_rate_is_refused_where_it_is_written(rates: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"@limit\(.*e\.g\."):
        limit(rates)


def test_a_decorator_with_a_bad_scope_is_refused_where_it_is_written() -> None:
    with pytest.raises(ConfigurationError, match="it is one of connection, user, address"):
        limit("5/second", per=cast(Any, "room"))


def test_without_the_plugin_a_decorated_handler_says_so_and_does_not_run(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(build(None, Marked), Marked)
    with pytest.raises(EventError) as failed:
        client.call("post", "hi")
    assert failed.value.code == "internal_error"
    said = f"{__name__}.Marked.on_post has a @limit, and plugin rate_limit is not loaded: there is none. Pass it: "
    assert str(failed.value.__cause__).startswith(said)
    assert said in caplog.text


def test_where_the_operator_disabled_the_plugin_decorated_handlers_run_unlimited(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEWORK_DISABLED_PLUGINS", "rate_limit")
    with caplog.at_level(logging.WARNING, "framework.rate_limit"):
        client = Client(build(RateLimit(per_connection="1/month"), Marked), Marked)
        assert codes(client, *["post"] * 4) == ["ok"] * 4
    assert caplog.messages == [
        f"{__name__}.Marked.on_post has a @limit, and nothing is limited: the plugin rate_limit is disabled."
    ]


def test_an_application_factory_may_be_called_again_with_the_same_plugin() -> None:
    socketio = SocketIO(namespaces=[Chat], plugins=[RateLimit(per_connection="2/month")])
    for _ in range(2):
        app = App(__name__)
        app.config.update(TESTING=True, SECRET_KEY="for tests only")
        socketio.init_app(app)
        assert codes(Client(app, Chat), "post", "post", "post") == ["ok", "ok", "rate_limited"]
