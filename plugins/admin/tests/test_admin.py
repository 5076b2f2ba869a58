"""Where there is a dashboard, and for whom: nothing of it outside of debug that nobody asked for."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from framework_admin import Admin
from werkzeug.security import generate_password_hash

from framework import Namespace, PluginError, SocketIO, signals

PASSWORD = "correct horse"


def test_nothing_of_it_is_there_outside_of_debug(build: Any) -> None:
    app = build(debug=False)

    assert app.test_client().get("/admin/").status_code == 404
    assert list(app.extensions["socketio"].namespaces) == ["/chat"]


def test_password_alone_does_not_switch_it_on(build: Any) -> None:
    app = build(debug=False, ADMIN_PASSWORD=PASSWORD)

    assert app.test_client().get("/admin/").status_code == 404


def test_it_is_there_in_debug_and_can_be_switched_off(build: Any) -> None:
    assert build().test_client().get("/admin/").status_code == 200
    assert build(ADMIN_ENABLED=False).test_client().get("/admin/").status_code == 404


def test_enabled_outside_of_debug_it_needs_somebody_to_let_in(build: Any) -> None:
    with pytest.raises(PluginError, match=r"plugin admin.*Set FRAMEWORK_ADMIN_PASSWORD, pass Admin\(allow="):
        build(debug=False, ADMIN_ENABLED=True)


def test_enabled_outside_of_debug_it_needs_a_secret_key(build: Any) -> None:
    with pytest.raises(PluginError, match="there is no SECRET_KEY"):
        build(debug=False, secret="", ADMIN_ENABLED=True, ADMIN_PASSWORD=PASSWORD)


def test_short_password_is_refused_and_not_shown(build: Any) -> None:
    with pytest.raises(PluginError, match="FRAMEWORK_ADMIN_PASSWORD") as raised:
        build(ADMIN_PASSWORD="hunter2")

    assert "hunter2" not in str(raised.value)


def test_hash_that_is_none_is_refused(build: Any) -> None:
    with pytest.raises(PluginError, match="begins like a hash and is none") as raised:
        build(ADMIN_PASSWORD="scrypt:many:8:1$salt$hash")

    assert "salt" not in str(raised.value)


def test_official_admin_ui_needs_a_password(build: Any) -> None:
    with pytest.raises(PluginError, match="FRAMEWORK_ADMIN_OFFICIAL is set"):
        build(ADMIN_OFFICIAL=True)


def test_two_namespaces_can_not_have_one_path(build: Any) -> None:
    with pytest.raises(PluginError, match="are both '/admin'"):
        build(ADMIN_OFFICIAL=True, ADMIN_PASSWORD=PASSWORD, ADMIN_NAMESPACE="/admin")


def test_official_admin_ui_is_off_by_default(build: Any) -> None:
    assert "/admin" not in build(ADMIN_PASSWORD=PASSWORD).extensions["socketio"].namespaces


def test_page_that_is_there_is_not_taken(build: Any) -> None:
    app = Flask("shop")
    app.debug = True
    app.add_url_rule("/admin/", "own_admin", lambda: "mine")

    with pytest.raises(PluginError, match="/admin/ is served by own_admin. Set another FRAMEWORK_ADMIN_PATH"):
        SocketIO(app, plugins=[Admin])


def test_page_and_namespace_can_be_elsewhere(build: Any) -> None:
    app = build(ADMIN_PATH="/ops/live", ADMIN_NAMESPACE="/_ops")

    page = app.test_client().get("/ops/live/")

    assert page.status_code == 200
    assert 'data-namespace="/_ops"' in page.text
    assert "/_ops" in app.extensions["socketio"].namespaces


@pytest.mark.parametrize("path", ["admin", "/", "/admin/", "/a b", "//evil.example"])
def test_path_that_can_not_be_one_is_refused(build: Any, path: str) -> None:
    with pytest.raises(PluginError, match="FRAMEWORK_ADMIN_PATH"):
        build(ADMIN_PATH=path)


def test_allow_has_to_be_a_function() -> None:
    allow: Any = True
    with pytest.raises(PluginError, match="it is a function"):
        Admin(allow=allow)


def test_hash_is_accepted(build: Any) -> None:
    app = build(debug=False, ADMIN_ENABLED=True, ADMIN_PASSWORD=generate_password_hash(PASSWORD, "pbkdf2:sha256:1000"))
    browser = app.test_client()

    assert browser.post("/admin/login", data={"password": "a guess"}).status_code == 403
    assert browser.post("/admin/login", data={"password": PASSWORD}).status_code == 303
    assert 'class="dashboard"' in browser.get("/admin/").text


def test_application_without_a_watcher_has_no_receivers_for_events(build: Any, watch: Any) -> None:
    app = build()
    per_event = (signals.event_received, signals.event_handled, signals.event_failed, signals.emitted)
    before = [dict(signal.receivers) for signal in per_event]

    console = watch(app)
    during = [dict(signal.receivers) for signal in per_event]
    console.disconnect()

    assert all(len(more) == len(less) + 1 for more, less in zip(during, before, strict=True))
    assert [dict(signal.receivers) for signal in per_event] == before


def test_namespace_of_the_application_is_not_taken(build: Any) -> None:
    class Own(Namespace):
        namespace = "/_admin"

    app = Flask("shop")
    app.debug = True

    with pytest.raises(ValueError, match="FRAMEWORK_DISABLED_PLUGINS=admin"):
        SocketIO(app, namespaces=[Own], plugins=[Admin])
