"""`framework.options`: what stands in front of the application, and what options come to."""

from __future__ import annotations

import flask
import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from framework import ConfigurationError, SocketIO
from framework.options import choose_async_mode, complete_options, find_queue, take_path


def test_request_under_gunicorn_carries_nothing_that_is_meant_for_eventlet() -> None:
    app = flask.Flask(__name__)
    SocketIO(app)
    app.add_url_rule("/", view_func=lambda: sorted(flask.request.environ))
    environ = EnvironBuilder("/").get_environ()
    environ["gunicorn.socket"] = object()

    body, status, _ = run_wsgi_app(app, environ)

    assert status == "200 OK"
    assert "gunicorn.socket" in (names := flask.json.loads(b"".join(body)))
    assert "eventlet.input" not in names


def test_request_without_a_path_is_the_applications() -> None:
    app = flask.Flask(__name__)
    SocketIO(app)
    app.add_url_rule("/", view_func=lambda: "here")
    environ = EnvironBuilder("/").get_environ()
    del environ["PATH_INFO"]

    assert b"".join(run_wsgi_app(app, environ)[0]) == b"here"


@pytest.mark.parametrize("name", ["path", "resource"])
def test_path_is_taken_under_both_of_its_names(name: str) -> None:
    options = {name: "/live", "cookie": "io"}

    assert take_path(options) == "live"
    assert options == {"cookie": "io"}


def test_setting_decides_the_mode_that_nobody_asked_for() -> None:
    assert choose_async_mode(None, {"FRAMEWORK_ASYNC_MODE": "gevent"}) == "gevent"
    assert choose_async_mode("threading", {"FRAMEWORK_ASYNC_MODE": "gevent"}) == "threading"


def test_queue_that_was_passed_beats_the_setting() -> None:
    settings = {"FRAMEWORK_MESSAGE_QUEUE": "redis://two"}

    assert find_queue({"message_queue": "redis://one"}, settings) == "redis://one"
    assert find_queue({}, settings) == "redis://two"
    assert find_queue({}, {}) is None


def test_handlers_of_one_client_run_one_after_another_unless_asked_otherwise() -> None:
    assert complete_options({}, "threading", (), {})["ordered"]
    assert not complete_options({"async_handlers": True}, "threading", (), {})["ordered"]


def test_driver_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'auto' or 'off'"):
        complete_options({}, "threading", (), {"FRAMEWORK_DRIVER": "fast"})
