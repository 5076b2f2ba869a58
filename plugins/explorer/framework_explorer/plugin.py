"""`Explorer`, the plugin: whether there is a page, and for whom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import flask
from werkzeug.security import check_password_hash

from framework import Plugin, PluginError, SocketIO

from .access import HASHES, Access
from .page import make_blueprint
from .settings import Settings

logger = logging.getLogger("framework.explorer")


class Explorer(Plugin[Settings]):
    """A page with every namespace and event, which connects and calls.

    In debug it is there, for this machine. Outside of debug it is there only with ``FRAMEWORK_EXPLORER_ENABLED=true``. It
    shows the contract; what a client may do is the application's own matter, on this page as elsewhere.

    Args:
        allow: Lets in whoever it returns something true for; called in the context of each request:
            ``Explorer(allow=lambda: current_user.is_authenticated)``. What it raises lets nobody in.
        settings: See `Settings`.

    Raises:
        PluginError: *allow* can't be called. At start: the page's path is taken, or the password is a broken hash.
    """

    name = "explorer"

    access: Access
    """Who is let in; there when the explorer is enabled."""

    enabled: bool
    """Whether there is a page."""

    def __init__(self, *, allow: Callable[[], object] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        if allow is not None and not callable(allow):
            raise PluginError(
                f"Explorer(allow={allow!r}): it is a function, e.g. lambda: current_user.is_authenticated."
            )
        self._allow = allow

    def init(self, socketio: SocketIO, app: flask.Flask) -> None:
        settings = self.settings
        self.enabled = app.debug if settings.enabled is None else settings.enabled
        if not self.enabled:
            return
        _check_path(app, settings.path)
        if settings.password is not None:
            _check_hash(settings.password.get_secret_value())
        elif self._allow is None and settings.enabled and not app.debug:
            logger.warning(
                "the explorer is for everybody who reaches the application. FRAMEWORK_EXPLORER_PASSWORD or "
                "Explorer(allow=...) says for whom it is."
            )
        self.access = Access(settings.password, self._allow, local_only=settings.enabled is None)

    def blueprints(self) -> Iterable[flask.Blueprint]:
        return (make_blueprint(self),) if self.enabled else ()

    @property
    def socketio_path(self) -> str:
        """Where Socket.IO listens, with a slash at both ends."""
        return str(self.socketio.sockio_mw.engineio_path)


def _check_path(app: flask.Flask, path: str) -> None:
    """Make sure that nobody else serves the page's path.

    Raises:
        PluginError: Somebody does.
    """
    taken = next((rule for rule in app.url_map.iter_rules() if rule.rule.rstrip("/") == path), None)
    if taken is not None:
        raise PluginError(f"{taken.rule} is served by {taken.endpoint}. Set another FRAMEWORK_EXPLORER_PATH")


def _check_hash(password: str) -> None:
    """Make sure that what looks like a hash is one.

    Raises:
        PluginError: It is none.
    """
    if password.startswith(HASHES):
        try:
            _method, _salt, _digest = password.split("$", 2)
            check_password_hash(password, "")
        except (ValueError, TypeError) as error:
            raise PluginError(
                "FRAMEWORK_EXPLORER_PASSWORD begins like a hash and is none. Make one with "
                "werkzeug.security.generate_password_hash"
            ) from error
