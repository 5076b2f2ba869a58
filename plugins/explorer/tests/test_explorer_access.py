"""Who may see the page."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest
from flask import request
from framework_explorer import Explorer
from framework_explorer.access import TRIES, TRIES_PER_ADDRESS, WINDOW_S, Access
from pydantic import SecretStr
from werkzeug.security import generate_password_hash

from framework import PluginError

from .conftest import Build

PASSWORD = "correct horse"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


def test_there_is_no_page_outside_of_debug(build: Build) -> None:
    app = build(debug=False)

    assert app.test_client().get("/explorer/").status_code == 404
    assert "framework_explorer" not in app.blueprints


def test_page_can_be_switched_off_in_debug(build: Build) -> None:
    assert build(EXPLORER_ENABLED=False).test_client().get("/explorer/").status_code == 404


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "[::1]"])
def test_page_is_for_this_machine_in_debug(build: Build, host: str) -> None:
    assert build().test_client().get("/explorer/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", ""])
def test_page_is_for_no_other_machine_in_debug(build: Build, address: str) -> None:
    client = build().test_client()

    for path in ("", "page.json", "contract.json", "stubs/markdown", "static/explorer.js"):
        answer = client.get(f"/explorer/{path}", environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == 403
        assert "FRAMEWORK_EXPLORER_ENABLED" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5000", "localhost.evil.example"])
def test_name_of_another_site_that_leads_to_this_machine_is_refused(build: Build, host: str) -> None:
    assert build().test_client().get("/explorer/page.json", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-Ip"])
def test_request_through_a_proxy_is_not_from_this_machine(build: Build, header: str) -> None:
    assert build().test_client().get("/explorer/", headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize("debug", [True, False])
def test_enabled_explorer_is_for_everybody(build: Build, debug: bool) -> None:
    client = build(debug=debug, EXPLORER_ENABLED=True).test_client()

    assert client.get("/explorer/", environ_overrides=ELSEWHERE).status_code == 200


def test_being_for_everybody_outside_of_debug_is_logged(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "framework.explorer"):
        build(debug=False, EXPLORER_ENABLED=True)
        build(debug=False, EXPLORER_ENABLED=True, EXPLORER_PASSWORD=PASSWORD)
        build(Explorer(allow=lambda: True), debug=False, EXPLORER_ENABLED=True)

    assert [record.getMessage()[:30] for record in caplog.records] == ["the explorer is for everybody "]


@pytest.mark.parametrize(
    "stored", [PASSWORD, generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")], ids=["plain", "hashed"]
)
def test_password_opens_the_page_from_anywhere(build: Build, stored: str) -> None:
    client = build(debug=False, EXPLORER_ENABLED=True, EXPLORER_PASSWORD=stored).test_client()

    def get(password: str) -> int:
        return client.get("/explorer/", auth=("me", password), environ_overrides=ELSEWHERE).status_code

    assert [get("a guess"), get(PASSWORD), get(PASSWORD), get(""), get("pässword"), get(PASSWORD)] == [
        *(401, 200, 200, 401, 401, 200)
    ]


def test_browser_is_asked_for_the_password(build: Build) -> None:
    answer = build(EXPLORER_PASSWORD=PASSWORD).test_client().get("/explorer/static/explorer.js")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="explorer", charset="UTF-8"'


def test_other_authentication_than_a_password_is_none(build: Build) -> None:
    client = build(EXPLORER_PASSWORD=PASSWORD).test_client()

    assert client.get("/explorer/", headers={"Authorization": f"Bearer {PASSWORD}"}).status_code == 401


def test_password_of_one_address_is_guessed_five_times_in_a_minute(build: Build) -> None:
    client = build(EXPLORER_PASSWORD=PASSWORD).test_client()

    codes = [client.get("/explorer/", auth=("me", f"guess {number}")).status_code for number in range(7)]
    blocked = client.get("/explorer/", auth=("me", PASSWORD))
    other = client.get("/explorer/", auth=("me", PASSWORD), environ_overrides=ELSEWHERE)

    assert codes == [401] * TRIES_PER_ADDRESS + [429, 429]
    assert blocked.status_code == 429
    assert 0 < int(blocked.headers["Retry-After"]) <= WINDOW_S + 1
    assert other.status_code == 200


def test_wrong_passwords_are_forgotten_after_a_minute(build: Build) -> None:
    now = [0.0]
    access = Access(SecretStr(PASSWORD), None, local_only=False, clock=lambda: now[0])
    app = build()

    def ask(password: str, address: str) -> int:
        with app.test_request_context(auth=("me", password), environ_base={"REMOTE_ADDR": address}):
            refusal = access.refuse()
            return 200 if refusal is None else refusal.status_code

    for number in range(TRIES):
        ask("a guess", f"192.0.2.{number}")
    assert ask(PASSWORD, "198.51.100.1") == 429
    now[0] = WINDOW_S
    assert ask(PASSWORD, "198.51.100.1") == 200


def test_wrong_password_is_logged_without_it(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "framework.explorer"):
        build(EXPLORER_PASSWORD=PASSWORD).test_client().get("/explorer/", auth=("me", "a guess"))

    assert [record.getMessage() for record in caplog.records] == ["a wrong password from 127.0.0.1"]


def test_allow_lets_in_whom_it_wants(build: Build) -> None:
    app = build(Explorer(allow=lambda: request.args.get("user") == "ada"), debug=False, EXPLORER_ENABLED=True)
    client = app.test_client()

    assert client.get("/explorer/?user=ada").status_code == 200
    assert client.get("/explorer/?user=bob").status_code == 403


def test_allow_that_fails_lets_nobody_in(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    app = build(Explorer(allow=lambda: 1 / 0), EXPLORER_ENABLED=True)

    assert app.test_client().get("/explorer/").status_code == 403
    assert "Explorer(allow=...) failed" in caplog.text


def test_password_opens_what_allow_does_not(build: Build) -> None:
    client = build(Explorer(allow=lambda: False), EXPLORER_PASSWORD=PASSWORD).test_client()

    assert client.get("/explorer/").status_code == 401
    assert client.get("/explorer/", auth=("me", PASSWORD)).status_code == 200


def test_allow_that_is_no_function_is_refused() -> None:
    with pytest.raises(PluginError, match=r"Explorer\(allow=True\): it is a function"):
        Explorer(allow=cast(Any, True))


@pytest.mark.parametrize("password", ["short", "scrypt:1:2$broken", "pbkdf2:nothing$x$y"])
def test_password_that_can_not_be_one_is_refused_without_being_shown(build: Build, password: str) -> None:
    with pytest.raises(PluginError, match="FRAMEWORK_EXPLORER_PASSWORD") as raised:
        build(EXPLORER_PASSWORD=password)

    assert password not in str(raised.value)
