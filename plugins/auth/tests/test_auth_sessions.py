"""Identities from a login page: Flask-Login, or the session alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user  # type: ignore[import-untyped]
from framework_auth import Auth, Identity, current_identity, login_required
from framework_auth.testing import make_token

from framework import Depends, Namespace, SocketIO, guard
from framework.testing import Client, ConnectRefused

from .conftest import SECRET, Chat, Lobby, MakeApp, plugin_of

Connect = Callable[..., Client]


class User(UserMixin):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.id = name


@guard(login_required)
class Members(Namespace):
    namespace = "/members"

    def on_who(self, me: Identity = Depends(current_identity)) -> tuple[str, str, str]:
        return me.id, me.source, current_user.id


@pytest.fixture
def site() -> Flask:
    """A page with a login; Flask-Login is set up after the plugin."""
    app = Flask("site")
    app.testing = True
    app.secret_key = "only for tests"
    SocketIO(app, namespaces=[Members, Chat], plugins=[Auth])
    manager = LoginManager(app)
    manager.user_loader(User)

    @app.post("/login/<name>")
    def login(name: str) -> str:
        login_user(User(name))
        return "welcome"

    @app.post("/logout")
    def logout() -> str:
        plugin_of(app).revoke(identity_id=current_user.get_id())
        logout_user()
        return "bye"

    return app


def test_login_over_http_lets_a_client_in(site: Flask, connect: Connect) -> None:
    browser = site.test_client()
    with pytest.raises(ConnectRefused, match="Log in first"):
        connect(site, Members, flask_client=browser)
    browser.post("/login/ada")
    ada = connect(site, Members, flask_client=browser)
    assert ada.call(Members.on_who) == ("ada", "flask_login", "ada")
    assert plugin_of(site).find_identity(ada.sid) == Identity(id="ada", source="flask_login")


def test_login_that_comes_after_the_connect_needs_a_new_connect(site: Flask, connect: Connect) -> None:
    browser = site.test_client()
    browser.post("/login/ada")
    ada = connect(site, Members, flask_client=browser)
    browser.post("/login/bob")
    assert ada.call(Members.on_who)[0] == "ada"
    assert connect(site, Members, flask_client=browser).call(Members.on_who)[0] == "bob"


def test_logout_that_revokes_ends_the_clients_of_that_user(site: Flask, connect: Connect) -> None:
    browser, other = site.test_client(), site.test_client()
    browser.post("/login/ada")
    other.post("/login/bob")
    ada, bob = connect(site, Members, flask_client=browser), connect(site, Members, flask_client=other)
    browser.post("/logout")
    assert ada.wait_for("auth_ended") == {"reason": "revoked"}
    assert bob.call(Members.on_who)[0] == "bob"
    with pytest.raises(ConnectRefused, match="Log in first"):
        connect(site, Members, flask_client=browser)
    browser.post("/login/ada")
    assert connect(site, Members, flask_client=browser).call(Members.on_who)[0] == "ada"


def test_token_means_nothing_where_there_is_no_key(site: Flask, connect: Connect) -> None:
    with pytest.raises(ConnectRefused, match="Log in first"):
        connect(site, Members, auth={"token": "whatever the application makes of it"})
    browser = site.test_client()
    browser.post("/login/ada")
    ada = connect(site, Members, flask_client=browser, auth={"token": 5})
    assert ada.call(Members.on_who)[0] == "ada"
    with pytest.raises(Exception, match="Tokens are not used here"):
        ada.call("auth_refresh", {"token": "x"})


def test_token_comes_before_the_session(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(session_key="user")

    @app.post("/login/<name>")
    def login(name: str) -> str:
        session["user"] = name
        return "welcome"

    browser = app.test_client()
    browser.post("/login/ada")
    assert connect(app, flask_client=browser).call(Chat.on_who) == "ada"
    token = make_token(app, "bob")
    assert connect(app, flask_client=browser, auth={"token": token}).call(Chat.on_who) == "bob"
    with pytest.raises(ConnectRefused, match="not valid"):
        connect(app, flask_client=browser, auth={"token": "x"})


def test_session_that_names_an_account_by_a_number_gives_its_text(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(session_key="user_id")
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["user_id"] = 7
    ada = connect(app, flask_client=browser)
    assert plugin_of(app).find_identity(ada.sid) == Identity(id="7", source="session")


def test_session_is_read_without_any_key_for_tokens(connect: Connect) -> None:
    app = Flask("site")
    app.testing, app.secret_key = True, "only for tests"
    app.config["FRAMEWORK_AUTH_SESSION_KEY"] = "user"
    SocketIO(app, namespaces=[Chat], plugins=[Auth])
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["user"] = "ada"
    assert connect(app, flask_client=browser).call(Chat.on_who) == "ada"


def test_flask_login_can_be_left_out(connect: Connect) -> None:
    app = Flask("site")
    app.testing, app.secret_key = True, "only for tests"
    app.config.update(FRAMEWORK_AUTH_JWT_SECRET=SECRET, FRAMEWORK_AUTH_FLASK_LOGIN=False)
    SocketIO(app, namespaces=[Lobby], plugins=[Auth])
    LoginManager(app).user_loader(User)
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = "ada"
    assert connect(app, Lobby, flask_client=browser).call(Lobby.on_who) is None
