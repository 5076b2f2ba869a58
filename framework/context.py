"""Flask around one event: ``request``, ``session``, ``g``, ``current_app`` and the teardown functions.

The connection's own request is there for each event, as with Flask-SocketIO, in a context of its own. ``request.sid``,
``request.namespace`` and ``request.event`` say what is being handled.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, Self, cast

from flask.ctx import RequestContext
from flask.sessions import SessionMixin

from .handling import Handling

_FIRST = "framework.first_context"
_PARTS = {"app", "request", "url_adapter", "flashes", "_cv_tokens", "_after_request_functions"}
_SAVED_SESSION = "saved_session"  # Flask-SocketIO's key, which applications know


class ManagedSession(dict[str, Any], SessionMixin):
    """The session of one connection: forked from the HTTP session at its first event, shared by its namespaces."""


class _Copy(RequestContext):
    """A context for one more event of a connection."""

    def match_request(self) -> None:
        """Leave it: Socket.IO's path leads to no view, which the first event has found out."""


class _First:
    """What the first context of a connection is made of: its request as it came, and where it leads.

    Making it again for each event would route Socket.IO's path and read the session's cookie each time.
    """

    __slots__ = ("_context", "_request", "_request_class")

    def __init__(self, context: RequestContext) -> None:
        self._request_class = type(context.request)
        self._request = dict(vars(context.request))
        self._context = {**vars(context), _session_key(context): None, "flashes": None}

    def copy(self, session: SessionMixin | None) -> RequestContext:
        """Return a new context, of which nothing is shared that an event may change.

        Args:
            session: The connection's own; None has Flask open one.
        """
        request = self._request_class.__new__(self._request_class)
        vars(request).update(self._request)
        context = _Copy.__new__(_Copy)
        about = vars(context)
        about.update(self._context)
        about.update(request=request, _cv_tokens=[], _after_request_functions=[])
        about[_session_key(context)] = session
        return context


def _read_first(context: RequestContext) -> _First | None:
    """Return what to copy; None where this Flask's contexts are made of something else, and each is made anew."""
    return _First(context) if vars(context).keys() >= _PARTS else None


def _session_key(context: Any) -> str:
    """Return where a context keeps its session: Flask 3.1.3 put a property, which notes each access, before it."""
    return "_session" if "_session" in vars(context) else "session"


class EventContext:
    """A context manager that makes Flask's proxies work for one event.

    Args:
        environ: The connection's WSGI request, with the application under ``flask.app``.
        manage_session: Keep a session per connection; False uses the application's own session interface.
        handling: What is being handled.
        args: Its arguments, for ``request.event``.
    """

    __slots__ = ("_args", "_context", "_environ", "_handling", "_is_kept", "_manage_session", "_session", "app")

    def __init__(
        self, environ: dict[str, Any], manage_session: bool, handling: Handling, args: tuple[Any, ...] = ()
    ) -> None:
        self._environ = environ
        self._manage_session = manage_session
        self._handling = handling
        self._args = args
        self._is_kept = False
        self.app: Any = environ["flask.app"]

    def __enter__(self) -> Self:
        first: _First | None = self._environ.get(_FIRST)
        saved = self._environ.get(_SAVED_SESSION) if self._manage_session else None
        self._context: Any = self.app.request_context(self._environ) if first is None else first.copy(saved)
        try:
            self._context.push()
        except BaseException as error:  # opening the session failed, with the context half pushed
            with contextlib.suppress(Exception):
                self._context.pop(error)
            raise
        if first is None and type(self._context) is RequestContext:
            self._environ[_FIRST] = _read_first(self._context)
        self._session = self._fork_session() if self._manage_session else self._context.session
        request: Any = self._context.request
        handling = self._handling
        request.sid, request.namespace = handling.sid, handling.namespace
        request.event = {"message": handling.event, "args": self._args}
        request.handling = handling
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._is_kept:
            self.close(error)

    def keep(self) -> None:
        """Leave it open at the end of the ``with``; whoever keeps it calls `close`."""
        self._is_kept = True

    def close(self, error: BaseException | None) -> None:
        """Run Flask's teardown functions."""
        try:
            if error is None and not self._manage_session:
                self._save_session()
        finally:
            self._context.pop(error)

    def _fork_session(self) -> ManagedSession:
        session = self._environ.get(_SAVED_SESSION)
        if session is None:
            session = self._environ[_SAVED_SESSION] = ManagedSession(self._context.session)
        setattr(self._context, _session_key(self._context), session)
        return cast(ManagedSession, session)

    def _save_session(self) -> None:
        if getattr(self._session, "modified", True):
            self.app.session_interface.save_session(self.app, self._session, self.app.response_class())
