"""Who gets in, and what handlers and guards know of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import flask
import pytest
from flask import Flask
from framework_auth import (
    Auth,
    Identity,
    Settings,
    current_identity,
    identity_of,
    login_required,
    optional_identity,
    scopes,
)
from framework_auth.testing import make_token
from framework_auth.tokens import Proof
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from framework import (
    Depends,
    EventError,
    Handling,
    Middleware,
    Namespace,
    PluginError,
    Proceed,
    SocketIO,
    guard,
)
from framework.signals import client_connected, client_refused
from framework.testing import Client, ConnectRefused

from .conftest import SECRET, Chat, Lobby, MakeApp, plugin_of

Connect = Callable[..., Client]


def refused(connect: Connect, app: Flask, namespace: Any = Chat, **options: Any) -> tuple[str, str]:
    with pytest.raises(ConnectRefused) as raised:
        connect(app, namespace, **options)
    assert set(raised.value.data) == {"code"}
    return raised.value.code, raised.value.message


def answered(client: Client, event: str, *args: object) -> EventError:
    with pytest.raises(EventError) as raised:
        client.call(event, *args)
    return raised.value


# -- at connect


def test_token_in_auth_lets_a_client_in(app: Flask, connect: Connect) -> None:
    assert connect(app, auth={"token": make_token(app, "ada")}).call(Chat.on_who) == "ada"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_token_in_the_authorization_header_lets_a_client_in(app: Flask, connect: Connect, scheme: str) -> None:
    client = connect(app, headers={"Authorization": f"{scheme} {make_token(app, 'ada')}"})
    assert client.call(Chat.on_who) == "ada"


def test_token_in_auth_comes_before_the_header(app: Flask, connect: Connect) -> None:
    headers = {"Authorization": f"Bearer {make_token(app, 'bob')}"}
    assert connect(app, auth={"token": make_token(app, "ada")}, headers=headers).call(Chat.on_who) == "ada"
    assert refused(connect, app, auth={"token": "x"}, headers=headers)[0] == "unauthorized"


def test_token_in_the_query_string_is_not_looked_at(app: Flask, connect: Connect) -> None:
    assert refused(connect, app, query_string={"token": make_token(app, "ada")})[0] == "unauthorized"


def test_other_schemes_of_the_header_are_no_token(app: Flask, connect: Connect) -> None:
    client = connect(app, Lobby, headers={"Authorization": "Basic YWRhOng="})
    assert client.call(Lobby.on_who) is None


def test_guarded_namespace_refuses_who_shows_nothing(app: Flask, connect: Connect) -> None:
    assert refused(connect, app) == ("unauthorized", "Log in first.")
    assert refused(connect, app, auth={"token": None}) == ("unauthorized", "Log in first.")


def test_open_namespace_takes_who_shows_nothing(app: Flask, connect: Connect) -> None:
    assert connect(app, Lobby).call(Lobby.on_who) is None
    assert connect(app, Lobby, auth={"token": make_token(app, "ada")}).call(Lobby.on_who) == "ada"


def test_bad_token_is_refused_where_none_is_needed(app: Flask, connect: Connect) -> None:
    assert refused(connect, app, Lobby, auth={"token": "x"}) == ("unauthorized", "The token is not valid.")
    expired = make_token(app, "ada", expires_in_s=-60)
    assert refused(connect, app, Lobby, auth={"token": expired}) == ("unauthorized", "The token has expired.")


@pytest.mark.parametrize("auth", [5, [1], "s", True, [], {}, "", {"token": None}, {"user": "ada"}], ids=repr)
def test_auth_without_a_token_is_as_good_as_none(app: Flask, connect: Connect, auth: object) -> None:
    assert connect(app, Lobby, auth=auth).call(Lobby.on_who) is None
    assert refused(connect, app, auth=auth) == ("unauthorized", "Log in first.")


@pytest.mark.parametrize(
    "token", [5, [1], "s", True, {}, "", {"token": "x"}, "x" * 900_000], ids=lambda it: repr(it)[:20]
)
def test_token_that_is_none_is_refused(app: Flask, connect: Connect, token: object) -> None:
    assert refused(connect, app, Lobby, auth={"token": token}) == ("unauthorized", "The token is not valid.")


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.just("token"), inner, max_size=3)
    ),
    max_leaves=8,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(auth=_json | st.fixed_dictionaries({"token": _json}))
def test_any_auth_is_taken_or_refused(app: Flask, connect: Connect, auth: Any) -> None:
    try:
        client = connect(app, Lobby, auth=auth)
    except ConnectRefused as error:
        code = error.code
    else:  # a number in place of auth is no packet: it looks like the id of an ack
        code = "ok" if client.connected and client.call(Lobby.on_who) is None else "closed"
    assert code in ("ok", "closed", "unauthorized", "invalid_payload")
    assert code != "closed" or isinstance(auth, float)
    assert len(plugin_of(app)._clients) == 0


def test_refusal_never_shows_the_token(app: Flask, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    token = make_token(app, "ada") + "x"
    with caplog.at_level(logging.DEBUG), pytest.raises(ConnectRefused) as raised:
        connect(app, auth={"token": token})
    assert token not in caplog.text + str(raised.value.data) + raised.value.message


def test_required_refuses_everywhere_but_in_public(make_app: MakeApp, connect: Connect) -> None:
    class Status(Namespace):
        namespace = "/status"

        def on_ping(self) -> str:
            return "pong"

    app = make_app(Auth, Status, required=True, public_namespaces="/status, /health")
    assert refused(connect, app, Lobby) == ("unauthorized", "Log in first.")
    assert connect(app, Lobby, auth={"token": make_token(app, "ada")}).call(Lobby.on_who) == "ada"
    assert connect(app, Status).call(Status.on_ping) == "pong"
    assert refused(connect, app, Status, auth={"token": "x"})[0] == "unauthorized"


def test_namespaces_of_one_connection_have_identities_of_their_own(app: Flask, connect: Connect) -> None:
    ada = connect(app, auth={"token": make_token(app, "ada")})
    bob = connect(app, Lobby, auth={"token": make_token(app, "bob")}, via=ada)
    assert (ada.call(Chat.on_who), bob.call(Lobby.on_who)) == ("ada", "bob")


# -- in events


def test_missing_scopes_are_forbidden_and_named_in_order(app: Flask, connect: Connect) -> None:
    ada = connect(app, auth={"token": make_token(app, "ada", scopes=["chat:admin"])})
    error = answered(ada, "purge")
    assert (error.code, error.details) == ("forbidden", {"scopes": ["chat:write", "chat:read"]})
    assert answered(ada, "post", {"no": "text"}).code == "forbidden"


def test_scopes_of_a_client_that_nobody_knows_are_unauthorized(make_app: MakeApp, connect: Connect) -> None:
    class Open(Namespace):
        namespace = "/open"

        @guard(scopes("x"))
        def on_x(self) -> None: ...

    assert answered(connect(make_app(Auth, Open), Open), "x").code == "unauthorized"


def test_guard_on_one_method_leaves_the_others_open(make_app: MakeApp, connect: Connect) -> None:
    class Board(Namespace):
        namespace = "/board"

        def on_read(self) -> str:
            return "news"

        @guard(login_required)
        def on_write(self) -> str:
            return "done"

    app = make_app(Auth, Board)
    guest = connect(app, Board)
    assert guest.call(Board.on_read) == "news"
    assert answered(guest, "write").code == "unauthorized"
    assert connect(app, Board, auth={"token": make_token(app, "ada")}).call(Board.on_write) == "done"


def test_identity_is_in_g_for_connect_event_and_disconnect(make_app: MakeApp, connect: Connect) -> None:
    seen: list[object] = []

    class Spy(Namespace):
        namespace = "/spy"

        def on_connect(self) -> None:
            seen.append(flask.g.identity.id)

        async def on_look(self) -> None:
            seen.append(flask.g.identity.id)

        def on_disconnect(self, reason: str) -> None:
            seen.append(flask.g.identity.id)

    app = make_app(Auth, Spy)
    ada = connect(app, Spy, auth={"token": make_token(app, "ada")})
    ada.call(Spy.on_look)
    ada.disconnect()
    assert seen == ["ada", "ada", "ada"]


def test_unknown_event_of_a_known_client_has_the_identity_in_middleware(make_app: MakeApp, connect: Connect) -> None:
    seen: list[object] = []

    class Look(Middleware):
        def event(self, handling: Handling, proceed: Proceed) -> Any:
            seen.append(flask.g.identity and flask.g.identity.id)
            return proceed()

    app = make_app()
    app.extensions["socketio"].use(Look())
    assert answered(connect(app, auth={"token": make_token(app, "ada")}), "nope").code == "unknown_event"
    assert answered(connect(app, Lobby), "nope").code == "unknown_event"
    assert seen == ["ada", None]


def test_test_may_put_another_identity_in_its_place(app: Flask, connect: Connect) -> None:
    bob = connect(app, overrides={current_identity: lambda: Identity(id="bob", scopes=frozenset({"chat:write"}))})
    assert bob.call(Chat.on_who) == "bob"
    assert bob.call(Chat.on_post, "hi") == "hi"


# -- what is kept


def test_nothing_is_kept_of_clients_that_have_left(app: Flask, connect: Connect) -> None:
    auth = plugin_of(app)
    token = make_token(app, "ada")
    ada, eve = connect(app, auth={"token": token}), connect(app, auth={"token": token})
    assert auth.find_identity(ada.sid) is not None
    assert len(auth._clients) == len(auth._clients._clock) == 2
    sid = ada.sid
    ada.disconnect()
    eve.drop()
    assert auth.find_identity(sid) is None
    assert len(auth._clients) == len(auth._clients._clock) == 0


def test_nothing_is_kept_of_clients_that_are_refused_later(make_app: MakeApp, connect: Connect) -> None:
    class Strict(Namespace):
        namespace = "/strict"

        def on_connect(self, auth: dict[str, str]) -> bool:
            if auth["how"] == "raise":
                raise RuntimeError("no")
            return False

    class Outside(Middleware):
        def connect(self, handling: Handling, proceed: Proceed) -> Any:
            proceed()
            raise EventError("forbidden")

    app = make_app(Auth, Strict)
    token = make_token(app, "ada")
    for how in ("raise", "return"):
        with pytest.raises(ConnectRefused):
            connect(app, Strict, auth={"token": token, "how": how})
    registry = app.extensions["socketio"]._registry
    app.extensions["socketio"].use(Outside())
    assert registry.around("/lobby").layers.connect
    with pytest.raises(ConnectRefused):
        connect(app, Lobby, auth={"token": token})
    assert len(plugin_of(app)._clients) == len(plugin_of(app)._clients._clock) == 0


def test_client_that_an_outer_receiver_sees_refused_is_forgotten(app: Flask) -> None:
    auth = plugin_of(app)
    auth._clients.add("sid", "/chat", Proof(Identity(id="ada"), None, 0.0, None))
    client_refused.send(app, namespace="/chat", sid="sid", code="forbidden", message="")
    assert auth.find_identity("sid") is None


# -- identities of the application's own


class Member(Identity):
    team: str


TEAMS = {"ada": "blue", "bob": "red"}


def load_member(identity: Identity) -> Identity | None:
    team = TEAMS.get(identity.id)
    return None if team is None else Member(**dict(identity), team=team)


current_member = identity_of(Member)


class Team(Namespace):
    namespace = "/team"

    def on_team(self, me: Member = Depends(current_member)) -> str:
        return me.team


def test_application_makes_identities_of_its_own(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(Auth(identify=load_member), Team)
    assert connect(app, Team, auth={"token": make_token(app, "ada")}).call(Team.on_team) == "blue"
    assert refused(connect, app, Team, auth={"token": make_token(app, "eve")}) == ("unauthorized", "Log in first.")


def test_identity_of_another_class_is_a_mistake_of_the_application(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(Auth, Team)
    error = answered(connect(app, Team, auth={"token": make_token(app, "ada")}), "team")
    assert error.code == "internal_error"
    assert str(error.__cause__) == ("the client is Identity, not Member. Auth(identify=...) makes one of the other.")


def test_typed_identity_can_be_put_in_place_by_a_test(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(Auth, Team)
    client = connect(app, Team, overrides={identity_of(Member): lambda: Member(id="ada", team="green")})
    assert client.call(Team.on_team) == "green"


def test_identify_that_returns_something_else_refuses(make_app: MakeApp, connect: Connect) -> None:
    def wrong(identity: Identity) -> Any:
        return "ada"

    app = make_app(Auth(identify=wrong))
    assert_masked(connect, app)


def assert_masked(connect: Connect, app: Flask) -> None:
    with pytest.raises(ConnectRefused) as raised:
        connect(app, auth={"token": make_token(app, "ada")})
    assert raised.value.code == "internal_error"


def test_identify_may_refuse_with_a_code_of_its_own(make_app: MakeApp, connect: Connect) -> None:
    def banned(identity: Identity) -> Identity:
        raise EventError("banned", "Not for you.")

    app = make_app(Auth(identify=banned))
    assert refused(connect, app, auth={"token": make_token(app, "ada")}) == ("banned", "Not for you.")


# -- mistakes


def test_identity_without_the_plugin_is_explained(connect: Connect) -> None:
    app = Flask("bare")
    app.testing = True
    SocketIO(app, namespaces=[Lobby])
    error = answered(connect(app, Lobby), "who")
    assert isinstance(error.__cause__, PluginError)
    assert str(error.__cause__) == (
        "nobody said who the client is: plugin auth is not loaded. Pass it: SocketIO(plugins=[Auth])."
    )


@pytest.mark.parametrize("names", [(), ("",), (5,)], ids=repr)
def test_scopes_without_a_name_are_refused(names: Any) -> None:
    with pytest.raises(TypeError, match="scopes takes names"):
        scopes(*names)


def test_identity_is_frozen_and_shows_no_claims() -> None:
    identity = Identity(id="ada", claims={"email": "ada@example.org"})
    assert "example.org" not in repr(identity)
    with pytest.raises(ValidationError):
        identity.id = "bob"  # type: ignore[misc]


def failure(**settings: Any) -> str:
    app = Flask("chat")
    app.config.update({f"FRAMEWORK_AUTH_{name.upper()}": value for name, value in settings.items()})
    with pytest.raises(PluginError) as raised:
        SocketIO(app, namespaces=[Chat], plugins=[Auth])
    return str(raised.value)


def test_application_without_any_key_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "flask_login", raising=False)
    assert failure() == (
        "plugin auth (SocketIO(plugins=...)): nothing tells who a client is. Set FRAMEWORK_AUTH_JWT_SECRET, "
        "FRAMEWORK_AUTH_JWT_PUBLIC_KEY or FRAMEWORK_AUTH_JWT_JWKS_URL for tokens; import flask_login, or set "
        "FRAMEWORK_AUTH_SESSION_KEY, for sessions. Mend it, or switch it off with FRAMEWORK_DISABLED_PLUGINS=auth."
    )


def test_application_with_a_weak_secret_does_not_start_and_shows_none_of_it() -> None:
    error = failure(jwt_secret="hunter2")
    assert "FRAMEWORK_AUTH_JWT_SECRET has 7 bytes" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    "settings",
    [
        {"jwt_leeway_s": -1},
        {"jwt_leeway_s": 3600},
        {"warn_before_s": "soon"},
        {"revocation_ttl_s": 0},
        {"required": "perhaps"},
        {"jwt_audience": 5},
        {"session_key": ""},
        {"refresh_event": "disconnect"},
        {"revocation_prefix": ""},
    ],
    ids=str,
)
def test_setting_that_can_not_work_is_named(settings: Mapping[str, object]) -> None:
    (name,) = settings
    assert f"FRAMEWORK_AUTH_{name.upper()}" in failure(jwt_secret=SECRET, **settings)


def test_texts_of_the_environment_are_understood(monkeypatch: pytest.MonkeyPatch, make_app: MakeApp) -> None:
    monkeypatch.setenv("FRAMEWORK_AUTH_REQUIRED", "true")
    monkeypatch.setenv("FRAMEWORK_AUTH_JWT_AUDIENCE", "chat, shop")
    monkeypatch.setenv("FRAMEWORK_AUTH_WARN_BEFORE_S", "5")
    settings = plugin_of(make_app()).settings
    assert (settings.required, settings.jwt_audience, settings.warn_before_s) == (True, ("chat", "shop"), 5.0)


def test_every_setting_has_a_description() -> None:
    source = __import__("inspect").getsource(Settings)
    assert source.count('    """') >= len(Settings.model_fields)


def test_client_connected_is_told_once(app: Flask, connect: Connect) -> None:
    told: list[str] = []

    def note(sender: Flask, *, sid: str, **extra: object) -> None:
        told.append(sid)

    with client_connected.connected_to(note, sender=app):
        ada = connect(app, auth={"token": make_token(app, "ada")})
    assert told == [ada.sid]


def test_optional_identity_is_none_without_one(app: Flask) -> None:
    with app.test_request_context():
        flask.g.identity = None
        assert optional_identity() is None
