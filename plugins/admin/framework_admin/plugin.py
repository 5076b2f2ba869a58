"""`Admin`, the plugin: what is switched on, for whom, and how its parts hang together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import flask
from blinker import NamedSignal
from werkzeug.security import check_password_hash

from framework import Namespace, Plugin, PluginError, SocketIO, signals

from .access import HASHES, Access, Session
from .actions import Actions
from .console import Console, find_session_of, take_snapshot
from .monitor import Monitor
from .official import Official
from .page import make_blueprint
from .settings import Settings
from .shapes import Snapshot


class Admin(Plugin[Settings]):
    """A dashboard of clients, rooms and events.

    In debug it is there, for this machine, or for who has the password. Outside of debug it is there only with
    ``FRAMEWORK_ADMIN_ENABLED=true`` and somebody to let in; then it only shows, unless ``FRAMEWORK_ADMIN_ACTIONS=true``.

    Args:
        allow: Lets in whoever it returns something true for. It is called in the context of a request, and again for each
            action in the context of its event: ``Admin(allow=lambda: current_user.is_admin)``. What it raises lets
            nobody in.
        settings: See `Settings`.

    Raises:
        PluginError: *allow* can't be called. At start: nobody is said to be let in, there is no secret key, or the page's
            path is taken.
    """

    name = "admin"

    access: Access
    """Who is let in; there when the dashboard is enabled, as are the following."""

    monitor: Monitor
    """What is seen."""

    actions: Actions
    """What may be done."""

    enabled: bool
    """Whether there is a dashboard."""

    may_act: bool
    """Whether it does more than to show."""

    def __init__(self, *, allow: Callable[[], object] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        if allow is not None and not callable(allow):
            raise PluginError(f"Admin(allow={allow!r}): it is a function, e.g. lambda: current_user.is_admin.")
        self._allow = allow
        self._namespaces: tuple[Console | Official, ...] = ()

    def init(self, socketio: SocketIO, app: flask.Flask) -> None:
        settings = self.settings
        self._namespaces = ()
        self.enabled = app.debug if settings.enabled is None else settings.enabled
        self.may_act = app.debug if settings.actions is None else settings.actions
        if not self.enabled:
            return
        self._check(app)
        self.access = Access(app, settings.password, self._allow, settings.session_s)
        self._namespaces = (Console(self), *((Official(self),) if settings.official else ()))
        hidden = [namespace.namespace for namespace in self._namespaces]
        self.monitor = Monitor(socketio, app, hidden, interval_s=settings.interval_s, max_clients=settings.max_clients)
        self.actions = Actions(socketio, self.monitor)
        for namespace in self._namespaces:
            self.monitor.serve(namespace.namespace, namespace.show)

    def _check(self, app: flask.Flask) -> None:
        """Make sure that the dashboard is for somebody, and for nobody else.

        Raises:
            PluginError: It would not be.
        """
        settings = self.settings
        if not app.debug and settings.password is None and self._allow is None:
            raise PluginError(
                "the dashboard is enabled outside of debug, and nobody is said to be let in. Set FRAMEWORK_ADMIN_PASSWORD, "
                "pass Admin(allow=lambda: current_user.is_admin), or take FRAMEWORK_ADMIN_ENABLED away"
            )
        if not app.debug and not app.secret_key:
            raise PluginError(
                "the dashboard signs its sessions, and there is no SECRET_KEY. Set one before SocketIO(app)"
            )
        if settings.official and settings.password is None:
            raise PluginError(
                "FRAMEWORK_ADMIN_OFFICIAL is set, and the Admin UI asks for FRAMEWORK_ADMIN_PASSWORD. Set it, too"
            )
        if settings.official and settings.official_namespace == settings.namespace:
            raise PluginError(
                f"FRAMEWORK_ADMIN_NAMESPACE and FRAMEWORK_ADMIN_OFFICIAL_NAMESPACE are both {settings.namespace!r}"
            )
        taken = next((rule for rule in app.url_map.iter_rules() if rule.rule.rstrip("/") == settings.path), None)
        if taken is not None:
            raise PluginError(f"{taken.rule} is served by {taken.endpoint}. Set another FRAMEWORK_ADMIN_PATH")
        if settings.password is not None:
            _check_hash(settings.password.get_secret_value())

    def namespaces(self) -> Iterable[Namespace]:
        return self._namespaces

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        if not self.enabled:
            return ()
        return ((signals.client_connected, self._on_connected), (signals.client_disconnected, self._on_disconnected))

    def blueprints(self) -> Iterable[flask.Blueprint]:
        return (make_blueprint(self),) if self.enabled else ()

    def snapshot(self, session: Session) -> Snapshot:
        """Return everything that the page shows to who has *session*."""
        return take_snapshot(self, session)

    @property
    def socketio_path(self) -> str:
        """Where Socket.IO listens, with a slash at both ends."""
        return str(self.socketio.sockio_mw.engineio_path)

    def _on_connected(self, sender: Any, *, namespace: str, sid: str, **extra: Any) -> None:
        if namespace not in self.monitor.hidden:
            return
        session = find_session_of(self.socketio, namespace, sid)
        if session is None:  # it has left meanwhile
            return
        self.monitor.add(namespace, sid, session)
        served = self.socketio.namespaces[namespace]
        if isinstance(served, Official):
            served.greet(sid)

    def _on_disconnected(self, sender: Any, *, namespace: str, sid: str, **extra: Any) -> None:
        if namespace in self.monitor.hidden:
            self.monitor.remove(namespace, sid)


def _check_hash(password: str) -> None:
    """Make sure that what looks like a hash is one.

    Raises:
        PluginError: It is none.
    """
    if password.startswith(HASHES):
        try:
            _, _, _ = password.split("$", 2)  # werkzeug itself says no to every password then, and nothing else
            check_password_hash(password, "")
        except (ValueError, TypeError) as error:
            raise PluginError(
                "FRAMEWORK_ADMIN_PASSWORD begins like a hash and is none. Make one with "
                "werkzeug.security.generate_password_hash"
            ) from error
