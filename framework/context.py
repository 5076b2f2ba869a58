"""Flask around one event: ``request``, ``session``, ``g``, ``current_app`` and the teardown functions.

The connection's own request is pushed anew for each event, as Flask-SocketIO does it. ``request.sid``,
``request.namespace`` and ``request.event`` say what is being handled.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, Self, cast

from flask.sessions import SessionMixin

_SAVED_SESSION = "saved_session"  # Flask-SocketIO's key, which applications know


class ManagedSession(dict[str, Any], SessionMixin):
    """The session of one connection: forked from the HTTP session at its first event, shared by its namespaces."""


class EventContext:
    """A context manager that makes Flask's proxies work for one event.

    Args:
        environ: The connection's WSGI request, with the application under ``flask.app``.
        manage_session: Keep a session per connection; False uses the application's own session interface.
        event: The event's name, or None.
        args: Its arguments, for ``request.event``.
    """

    __slots__ = ("_args", "_context", "_environ", "_event", "_manage_session", "_namespace", "_session", "_sid", "app")

    def __init__(
        self,
        environ: dict[str, Any],
        manage_session: bool,
        sid: str,
        namespace: str,
        event: str | None,
        args: tuple[Any, ...],
    ) -> None:
        self._environ = environ
        self._manage_session = manage_session
        self._sid = sid
        self._namespace = namespace
        self._event = event
        self._args = args
        self.app: Any = environ["flask.app"]

    def __enter__(self) -> Self:
        self._context: Any = self.app.request_context(self._environ)
        try:
            self._context.push()
        except BaseException as error:  # opening the session failed, with the context half pushed
            with contextlib.suppress(Exception):
                self._context.pop(error)
            raise
        self._session = self._fork_session() if self._manage_session else self._context.session
        request: Any = self._context.request
        request.sid, request.namespace = self._sid, self._namespace
        request.event = {"message": self._event, "args": self._args}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None and not self._manage_session:
                self._save_session()
        finally:
            self._context.pop(error)

    def _fork_session(self) -> ManagedSession:
        session = self._environ.get(_SAVED_SESSION)
        if session is None:
            session = self._environ[_SAVED_SESSION] = ManagedSession(self._context.session)
        # Flask 3.1.3 moved the attribute behind a property that notes each access.
        setattr(self._context, "_session" if hasattr(self._context, "_session") else "session", session)
        return cast(ManagedSession, session)

    def _save_session(self) -> None:
        if getattr(self._session, "modified", True):
            self.app.session_interface.save_session(self.app, self._session, self.app.response_class())
