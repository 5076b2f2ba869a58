"""`RateLimit`, the plugin: around every connect and event, outside of everything that costs more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import flask

from framework import Handling, Middleware, Plugin, Proceed

from .limiter import Limiter, Rule
from .settings import Settings, build_buckets


class RateLimit(Plugin[Settings]):
    """Refuses clients that send or connect too fast.

    Args:
        user: Returns the id of the user who is the client, or None. It is called in Flask's context when a client was
            accepted, and after each of its events until it says one. Default: the ``id`` of ``flask.g.identity``, which the
            plugin auth sets, else that of Flask-Login's current user.
        settings: Fields of `Settings`, as texts.
    """

    name = "rate_limit"
    before = ("auth",)  # what a client may not send need not be verified

    limiter: Limiter

    def __init__(self, *, user: Callable[[], object] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._user = user or find_user

    def init(self, socketio: Any, app: flask.Flask) -> None:
        settings = self.settings
        queue = socketio.server_options.get("message_queue")
        shared = build_buckets(settings, app.config, queue, socketio.async_mode)
        rules = (
            Rule("events", "connection", settings.per_connection, "connection"),
            Rule("each", "event", settings.per_event, "connection"),
            Rule("events", "user", settings.per_user, "user"),
            Rule("events", "address", settings.per_address, "address"),
            Rule("connects", "connects", settings.connects_per_address, "address"),
        )
        self.limiter = Limiter(app, rules, settings.strategy, shared, self._user)

    def middleware(self) -> Iterable[Middleware]:
        return (RateLimits(self.limiter),)


class RateLimits(Middleware):
    """Asks a `Limiter` before anything else is done."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        self._limiter.admit_connect(handling)
        try:
            verdict = proceed()
        except BaseException:
            self._limiter.forget_user(handling)
            raise
        if verdict is False:
            self._limiter.forget_user(handling)
        else:
            self._limiter.note_user(handling)
        return verdict

    def event(self, handling: Handling, proceed: Proceed) -> Any:
        self._limiter.admit_event(handling)
        result = proceed()
        self._limiter.note_user(handling)  # the client may have logged in
        return result

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        try:
            return proceed()
        finally:
            self._limiter.forget_user(handling)


def find_user() -> object:
    """Return the id of ``flask.g.identity``, else that of Flask-Login's current user, else None."""
    identity = flask.g.get("identity")
    if identity is not None:
        return getattr(identity, "id", None)
    if not hasattr(flask.current_app, "login_manager"):
        return None
    current_user = import_module("flask_login").current_user
    return current_user.get_id() if current_user.is_authenticated else None
