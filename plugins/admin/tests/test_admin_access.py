"""Who is let in: passwords and how often they may be tried, sessions and their end, this machine, the application's own users."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin, current_user, login_user  # type: ignore[import-untyped]
from framework_admin import Admin
from framework_admin.access import TRIES_PER_ADDRESS, Access, TooManyTries, Tries
from pydantic import SecretStr

from framework.testing import Client, ConnectRefused

PASSWORD = "correct horse"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_access(clock: Clock, password: str = PASSWORD) -> Access:
    app = Flask("shop")
    app.secret_key = "for tests"
    return Access(app, SecretStr(password), None, 3600, tries=Tries(clock=clock), clock=clock)


# -- how often


def test_one_address_may_try_a_few_times_a_minute() -> None:
    clock = Clock()
    tries = Tries(per_address=2, window_s=60, clock=clock)
    tries.take("a")
    clock.now += 10
    tries.take("a")

    with pytest.raises(TooManyTries) as raised:
        tries.take("a")

    assert raised.value.retry_after_s == 50
    tries.take("b")
    clock.now += 50
    tries.take("a")


def test_many_addresses_together_may_not_try_without_end() -> None:
    tries = Tries(per_address=2, overall=3, clock=Clock())
    for address in "abc":
        tries.take(address)

    with pytest.raises(TooManyTries):
        tries.take("d")


def test_right_passwords_do_not_count() -> None:
    access = make_access(Clock())

    assert all(access.log_in(PASSWORD, "a") for _ in range(2 * TRIES_PER_ADDRESS))


def test_right_password_is_refused_after_too_many_wrong_ones() -> None:
    access = make_access(Clock())
    assert [access.log_in("a guess", "a") for _ in range(TRIES_PER_ADDRESS)] == [None] * TRIES_PER_ADDRESS

    with pytest.raises(TooManyTries):
        access.log_in(PASSWORD, "a")


# -- sessions


def test_session_ends() -> None:
    clock = Clock()
    access = make_access(clock)
    session = access.log_in(PASSWORD, "a")
    assert session is not None
    sealed = access.seal("session", session)

    clock.now += 3599
    assert access.unseal("session", sealed) == session
    clock.now += 1
    assert access.unseal("session", sealed) is None


def test_ticket_is_good_for_a_minute() -> None:
    clock = Clock()
    access = make_access(clock)
    session = access.log_in(PASSWORD, "a")
    assert session is not None
    ticket = access.seal("ticket", session)

    clock.now += 60
    assert access.unseal("ticket", ticket) == session
    clock.now += 1
    assert access.unseal("ticket", ticket) is None


@pytest.mark.parametrize("kind", ["session", "official"])
def test_other_seals_are_no_tickets(kind: str) -> None:
    access = make_access(Clock())
    session = access.log_in(PASSWORD, "a")
    assert session is not None

    assert access.unseal("ticket", access.seal(kind, session)) is None


def test_another_password_ends_all_sessions() -> None:
    clock = Clock()
    access = make_access(clock)
    session = access.log_in(PASSWORD, "a")
    assert session is not None

    assert make_access(clock, "another one").unseal("session", access.seal("session", session)) is None


@pytest.mark.parametrize("text", [None, "", "x", "a.b.c", "é.ü", '{"id":1}'])
def test_text_that_is_no_seal_is_no_session(text: str | None) -> None:
    assert make_access(Clock()).unseal("session", text) is None


# -- over HTTP


@pytest.fixture
def production(build: Any) -> Flask:
    app: Flask = build(debug=False, ADMIN_ENABLED=True, ADMIN_PASSWORD=PASSWORD)
    return app


def test_page_asks_for_the_password_and_shows_nothing_else(production: Flask) -> None:
    page = production.test_client().get("/admin/")

    assert 'type="password"' in page.text
    assert "admin.js" not in page.text
    assert "/_admin" not in page.text


def test_nothing_is_loaded_from_elsewhere_or_kept_or_framed(production: Flask) -> None:
    for page in (production.test_client().get("/admin/"), production.test_client().get("/admin/static/admin.js")):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        page.close()


def test_cookie_is_for_the_page_only_and_not_for_scripts(production: Flask) -> None:
    answer = production.test_client().post("/admin/login", data={"password": PASSWORD}, base_url="https://shop.example")

    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    assert {"HttpOnly", "SameSite=Strict", "Path=/admin/", "Secure"} <= set(cookie.split("; "))


def test_too_many_wrong_passwords_are_answered_with_429(production: Flask) -> None:
    browser = production.test_client()
    codes = [browser.post("/admin/login", data={"password": "x"}).status_code for _ in range(TRIES_PER_ADDRESS)]

    answer = browser.post("/admin/login", data={"password": PASSWORD})

    assert codes == [403] * TRIES_PER_ADDRESS
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_page_of_another_site_can_not_log_in_or_out(production: Flask) -> None:
    browser = production.test_client()
    for path in ("login", "logout", "ticket"):
        answer = browser.post(f"/admin/{path}", data={"password": PASSWORD}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


def test_ticket_needs_a_session(production: Flask) -> None:
    answer = production.test_client().post("/admin/ticket")

    assert (answer.status_code, answer.json) == (401, {"error": "unauthorized"})


def test_namespace_needs_a_ticket(production: Flask) -> None:
    for auth in (None, {}, {"ticket": "forged"}, {"ticket": 1}, {"password": PASSWORD}):
        with pytest.raises(ConnectRefused) as refused:
            Client(production, "/_admin", auth=auth)
        assert refused.value.code in ("unauthorized", "invalid_payload")


def test_log_out_ends_the_pages_that_are_open(production: Flask) -> None:
    browser = production.test_client()
    browser.post("/admin/login", data={"password": PASSWORD})
    cookie = browser.get_cookie("framework_admin", path="/admin/")
    assert cookie is not None
    console = Client(production, "/_admin", auth=browser.post("/admin/ticket").json)

    browser.post("/admin/logout")
    browser.set_cookie("framework_admin", cookie.value, path="/admin/")

    assert not console.connected
    assert browser.post("/admin/ticket").status_code == 401


# -- this machine


def test_without_a_password_it_is_for_this_machine_only(build: Any) -> None:
    browser = build().test_client()

    assert browser.get("/admin/").status_code == 200
    assert browser.get("/admin/", base_url="http://127.0.0.1:5000").status_code == 200
    assert browser.get("/admin/", base_url="http://[::1]:5000", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    assert browser.get("/admin/", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403
    assert browser.get("/admin/", environ_base={"REMOTE_ADDR": ""}).status_code == 403


def test_without_a_password_it_is_not_for_who_comes_through_a_proxy(build: Any) -> None:
    assert build().test_client().get("/admin/", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


def test_without_a_password_a_foreign_name_of_this_machine_does_not_let_in(build: Any) -> None:
    browser = build().test_client()

    assert browser.get("/admin/", base_url="http://rebound.example").status_code == 403
    assert browser.post("/admin/ticket", base_url="http://rebound.example:5000").status_code == 401


def test_debug_that_is_switched_off_later_lets_nobody_in(build: Any) -> None:
    app = build()
    app.debug = False

    assert app.test_client().get("/admin/").status_code == 403


# -- the application's own users


class User(UserMixin):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.id = name

    @property
    def is_admin(self) -> bool:
        return self.id in admins


admins: set[str] = set()


@pytest.fixture
def with_users(build: Any) -> Flask:
    admins.clear()
    admins.add("ada")
    admin = Admin(allow=lambda: current_user.is_authenticated and current_user.is_admin)
    app: Flask = build(admin, debug=False, ADMIN_ENABLED=True, ADMIN_ACTIONS=True)
    manager = LoginManager(app)
    manager.user_loader(User)
    app.add_url_rule("/as/<name>", "log_in_as", lambda name: str(login_user(User(name))))
    return app


def test_users_of_the_application_are_let_in_by_its_own_rule(with_users: Flask) -> None:
    statuses = {}
    for name in ("ada", "bob"):
        browser = with_users.test_client()
        browser.get(f"/as/{name}")
        statuses[name] = browser.get("/admin/").status_code
    nobody = with_users.test_client().get("/admin/")

    assert statuses == {"ada": 200, "bob": 403}
    assert nobody.status_code == 403


def test_user_who_is_no_admin_any_more_may_not_act(with_users: Flask) -> None:
    browser = with_users.test_client()
    browser.get("/as/ada")
    console = Client(with_users, "/_admin", auth=browser.post("/admin/ticket").json, flask_client=browser)
    emit = {"namespace": "/chat", "event": "x", "args": []}
    assert console.call("emit", emit) == 0

    admins.clear()

    with pytest.raises(Exception, match="unauthorized"):
        console.call("emit", emit)
    assert browser.post("/admin/ticket").status_code == 401
    console.drop()


def test_ticket_of_somebody_else_does_not_let_in(with_users: Flask) -> None:
    browser = with_users.test_client()
    browser.get("/as/ada")
    ticket = browser.post("/admin/ticket").json

    with pytest.raises(ConnectRefused, match="unauthorized"):
        Client(with_users, "/_admin", auth=ticket)  # without the cookie of the user


def test_rule_that_fails_lets_nobody_in(build: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = build(Admin(allow=lambda: 1 / 0), debug=False, ADMIN_ENABLED=True)

    assert app.test_client().get("/admin/").status_code == 403
    assert "nobody is let in" in caplog.text


def test_rule_sees_the_request(build: Any) -> None:
    app = build(Admin(allow=lambda: flask.request.headers.get("X-Staff") == "yes"), debug=False, ADMIN_ENABLED=True)
    browser = app.test_client()

    assert browser.get("/admin/").status_code == 403
    assert browser.get("/admin/", headers={"X-Staff": "yes"}).status_code == 200
