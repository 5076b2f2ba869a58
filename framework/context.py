"""Flask around one event: ``request``, ``session``, ``g``, ``current_app`` and the teardown functions.

The connection's own request is there for each event, as with Flask-SocketIO, in a context of its own. ``request.sid``,
``request.namespace`` and ``request.event`` say what is being handled.

There are three ways to such a context. The first of a connection is Flask's own, in full. From it the others are made
*light*: what nobody asks for is never made. Where the application or this Flask makes its contexts differently, or
somebody wants to be told of each, they are *copied* as a whole, or each is made in *full*; which it is shows in the first.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from typing import Any, Protocol, cast

import flask
from flask import globals as flask_globals
from flask.sessions import SessionMixin
from flask.signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down, request_tearing_down

from .handling import Handling

_FIRST = "framework.first_context"
_SAVED_SESSION = "saved_session"  # Flask-SocketIO's key, which applications know

# Flask's own and private: what is not there, or is made of something else, is not used.
_AppContext: Any = vars(flask.ctx).get("AppContext", object)
_RequestContext: Any = vars(flask.ctx).get("RequestContext", object)
_app_variable: Any = vars(flask_globals).get("_cv_app")
_request_variable: Any = vars(flask_globals).get("_cv_request")
_PARTS = {"app", "request", "url_adapter", "flashes", "_cv_tokens", "_after_request_functions"}
_ROUTED = ("url_rule", "view_args", "routing_exception")
_APP_PARTS = {"app", "url_adapter", "g", "_cv_tokens"}
_FRESH: dict[str, Callable[[], Any]] = {"flashes": lambda: None, "_cv_tokens": list, "_after_request_functions": list}
_new: Any = object.__new__
_HOOKS = ("app_context", "do_teardown_request", "do_teardown_appcontext")


class ManagedSession(dict[str, Any], SessionMixin):
    """The session of one connection: forked from the HTTP session at its first event, shared by its namespaces."""


class _Part:
    """A part of a light context, made when it is asked for; what is in the context's dictionary by then is found before it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, context: Any, owner: Any = None) -> Any:
        return self if context is None else context.make(self._name)


class _LightApp(_AppContext):  # type: ignore[misc]
    """An application context, the parts of which are made when they are asked for."""

    __slots__ = ("app", "is_used", "token")

    app: flask.Flask
    is_used: bool
    token: Token[Any] | None
    g = _Part("g")
    url_adapter = _Part("url_adapter")
    _cv_tokens = _Part("_cv_tokens")

    def make(self, name: str) -> Any:
        if name == "g":
            made: Any = self.app.app_ctx_globals_class()
        elif name == "url_adapter":
            made = self.app.create_url_adapter(None)
        else:
            made = [self.token]
            self.is_used = True
        return self.__dict__.setdefault(name, made)  # another thread may have asked, too

    def close(self, error: BaseException | None) -> None:
        """Do what Flask's ``pop`` does, as far as anybody would notice."""
        app = self.app
        if self.is_used and _is_pushed_again(self):
            self.pop(error)
            return
        try:
            if app.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
                app.do_teardown_appcontext(error)
        finally:
            _app_variable.reset(self.token)
        if appcontext_popped.receivers:
            appcontext_popped.send(app, _async_wrapper=app.ensure_sync)


class Light(_RequestContext):  # type: ignore[misc]
    """A context for one more event of a connection, the parts of which are made when they are asked for.

    ``is_used`` says that there is something of it to undo. What is being handled is made late, too, if it was opened
    without.
    """

    __slots__ = (
        "_about",
        "_app_context",
        "_args",
        "_first",
        "_handling",
        "_namespace",
        "_sid",
        "_token",
        "is_kept",
        "is_used",
    )

    _first: First
    _sid: str
    _namespace: str
    _handling: Handling | None
    _about: tuple[Any, ...]
    _args: tuple[Any, ...]
    _token: Token[Any] | None
    _app_context: _LightApp | None
    is_kept: bool
    is_used: bool

    def match_request(self) -> None:
        """Leave it: Socket.IO's path leads to no view, which the first event has found out."""

    def make(self, name: str) -> Any:
        """Return the part of that name."""
        first = self._first
        if name == first.session_key:
            made: Any = first.environ[_SAVED_SESSION]
        elif name == "request":
            made = self._make_request()
        elif name == "_cv_tokens":
            made = [(self._token, self._app_context)]
            self.is_used = True
        else:
            made = first.make_part(name)
        return self.__dict__.setdefault(name, made)  # another thread may have asked, too

    def _make_request(self) -> Any:
        first = self._first
        request = first.make_request()
        if not first.is_plain:
            self.is_used = True
        if self._handling is not None:
            describe(request, self._handling, self._args)
        else:  # nobody who is called on this way asks for it
            _, _, (_, _, event, _) = self._about
            _describe(request, self._sid, self._namespace, event, self._args)
        return request

    @property
    def handling(self) -> Handling:
        """What is being handled."""
        found = self._handling
        if found is None:
            arrive, *about = self._about
            found = self._handling = arrive(self._sid, *about)
        return found

    @property
    def caller(self) -> tuple[str, str] | None:
        """The client and its namespace, as long as there is no request to ask, which somebody may have changed."""
        return None if "request" in self.__dict__ else (self._sid, self._namespace)

    def show_args(self, args: tuple[Any, ...]) -> None:
        """Have ``request.event`` say what the handler will take."""
        self._args = args
        if "request" in self.__dict__:
            self.request.event["args"] = args

    def keep(self) -> None:
        """Leave it open; whoever keeps it calls `close`."""
        self.is_kept = True

    def leave(self) -> None:
        """`close` it, at the end of a flow of its own: what was before needs not be there again."""
        app, around = self._first.app, self._app_context
        if (
            self.is_used
            or (around is not None and around.is_used)
            or app.teardown_request_funcs
            or app.teardown_appcontext_funcs
            or request_tearing_down.receivers
            or appcontext_tearing_down.receivers
            or appcontext_popped.receivers
        ):
            self.close(None)
            return
        self._token = None  # which holds the flow, which holds this
        if around is not None:
            around.token = None

    def close(self, error: BaseException | None, *, save: bool = True) -> None:
        """Do what Flask's ``pop`` does, as far as anybody would notice."""
        app, around = self._first.app, self._app_context
        if self.is_used and _is_pushed_again(self):  # by who pops it later
            self.pop(error)
            return
        try:
            if app.teardown_request_funcs or request_tearing_down.receivers:
                app.do_teardown_request(error)
            if self.is_used and "request" in self.__dict__:
                _close_request(self.request)
        finally:
            _request_variable.reset(self._token)
            if around is not None:
                around.close(error)


def _is_pushed_again(context: Any) -> bool:
    return "_cv_tokens" in context.__dict__ and len(context._cv_tokens) != 1


@functools.cache
def _find_class(parts: frozenset[str]) -> type[Light]:
    """Return the class of light contexts with *parts*, which a release of Flask and its extensions decide."""
    return type("Light", (Light,), {"__slots__": (), **{name: _Part(name) for name in parts}})


class First:
    """What the first context of a connection is made of: its request as it came, and where it leads.

    Making it again for each event would route Socket.IO's path and read the session's cookie each time.

    Args:
        context: Flask's own, pushed.
        environ: The connection's.
    """

    __slots__ = (
        "_class",
        "_context",
        "_request",
        "_request_class",
        "app",
        "environ",
        "is_light",
        "is_plain",
        "session_key",
    )

    def __init__(self, context: Any, environ: Mapping[str, Any]) -> None:
        self.app = context.app
        self.environ = environ
        self._request_class = type(context.request)
        self._request = dict(vars(context.request))
        self.is_plain = all(
            getattr(self._request_class, hook) is getattr(flask.Request, hook) for hook in ("__init__", "close")
        )  # else it may hold what is each one's own
        self.session_key = _session_key(context)
        self._context = {key: value for key, value in vars(context).items() if key != self.session_key}
        self._class = _find_class(frozenset(vars(context)))
        self.is_light = _may_be_light(context.app)

    def make_request(self) -> Any:
        """Return a request as it came; nothing that an event may change is shared."""
        if self.is_plain:
            request = _new(self._request_class)
            request.__dict__ = self._request.copy()
        else:
            request = self._request_class(self._request["environ"])
            request.json_module = self.app.json
            vars(request).update({key: self._request[key] for key in _ROUTED if key in self._request})
        return request

    def make_part(self, name: str) -> Any:
        """Return any other part of a new context but its session."""
        made = _FRESH.get(name)
        return self._context.get(name) if made is None else made()

    def copy(self, session: SessionMixin | None) -> Any:
        """Return a new context, to be pushed.

        Args:
            session: The connection's own; None has Flask open one.
        """
        context: Any = _new(self._class)
        context._first = self
        vars(context).update({name: self.make_part(name) for name in self._context}, request=self.make_request())
        setattr(context, self.session_key, session)
        return context

    def open(
        self,
        sid: str,
        namespace: str,
        args: tuple[Any, ...],
        handling: Handling | None,
        about: tuple[Any, ...] = (),
    ) -> Light:
        """Return a new light context, as good as pushed; the connection has a session of its own.

        Args:
            handling: None where it is to be made when it is asked for.
            about: What makes it of a client, its connection, and the event.
        """
        context = _new(self._class)
        context._first = self
        context._sid = sid
        context._namespace = namespace
        context._args = args
        context._handling = handling
        context._about = about
        context.is_kept = context.is_used = False
        outer = _app_variable.get(None)
        if outer is None or outer.app is not self.app or _is_inside_event(outer):
            context._app_context = around = _new(_LightApp)
            around.app = self.app
            around.is_used = False
            around.token = _app_variable.set(around)
        else:
            context._app_context = None
        context._token = _request_variable.set(context)
        return context  # type: ignore[no-any-return]


def _read_first(context: Any, environ: Mapping[str, Any]) -> First | None:
    """Return what to make others from; None where an application or a Flask makes contexts of something else."""
    if type(context) is not _RequestContext or not vars(context).keys() >= _PARTS:
        return None
    return First(context, environ) if _is_flasks(context.app, "request_context") else None


def _may_be_light(app: flask.Flask) -> bool:
    """Say whether contexts of *app* are what Flask makes of them, so that leaving out parts is no difference."""
    if not isinstance(_app_variable, ContextVar) or not isinstance(_request_variable, ContextVar):
        return False
    if not all(_is_flasks(app, hook) for hook in _HOOKS):
        return False
    current = _app_variable.get(None)
    return type(current) is _LightApp or (type(current) is _AppContext and vars(current).keys() == _APP_PARTS)


def _is_flasks(app: flask.Flask, method: str) -> bool:
    """Say whether *method* of *app* is what Flask has made it."""
    return getattr(getattr(app, method), "__func__", None) is getattr(flask.Flask, method)


def _is_inside_event(app_context: Any = None) -> bool:
    """Say whether another event is being handled here, whose application context is its own."""
    return type(app_context) is _LightApp or (flask.has_request_context() and "namespace" in vars(flask.request))


def _session_key(context: Any) -> str:
    """Return where a context keeps its session: Flask 3.1.3 put a property, which notes each access, before it."""
    return "_session" if "_session" in vars(context) else "session"


def describe(request: Any, handling: Handling, args: tuple[Any, ...]) -> None:
    """Have *request* say what is being handled."""
    _describe(request, handling.sid, handling.namespace, handling.event, args)
    request.handling = handling


def _describe(request: Any, sid: str, namespace: str, event: str, args: tuple[Any, ...]) -> None:
    request.sid, request.namespace = sid, namespace
    request.event = {"message": event, "args": args}


def open_context(manage_session: bool, handling: Handling, args: tuple[Any, ...]) -> Context:
    """Make Flask's proxies work for what is being handled; its ``environ`` has the application under ``flask.app``.

    Args:
        manage_session: Keep a session per connection; False uses the application's own session interface.
        args: For ``request.event``.
    """
    first = find_light(handling.environ) if manage_session else None
    if first is not None:
        return first.open(handling.sid, handling.namespace, args, handling)
    return _Pushed(handling.environ.get(_FIRST), manage_session, handling, args)


def find_light(environ: Mapping[str, Any]) -> First | None:
    """Return what opens light contexts for a connection, whose session is kept here; None where it has to be a whole one."""
    first: First | None = environ.get(_FIRST)
    if first is None or not first.is_light or appcontext_pushed.receivers or _SAVED_SESSION not in environ:
        return None
    return first


class Context(Protocol):
    """What `open_context` has opened; kept open by a stream, which then closes it itself."""

    is_kept: bool

    def keep(self) -> None:
        """Leave it open; whoever keeps it calls `close`."""

    def show_args(self, args: tuple[Any, ...]) -> None:
        """Have ``request.event`` say what the handler will take."""

    def close(self, error: BaseException | None, *, save: bool = True) -> None:
        """Run Flask's teardown functions.

        Args:
            error: What they are told.
            save: Save the session, where the application manages it.
        """


class _Pushed:
    """A context that Flask pushes and pops.

    Args:
        first: What to copy; None makes one in full.
    """

    def __init__(self, first: First | None, manage_session: bool, handling: Handling, args: tuple[Any, ...]) -> None:
        environ: Any = handling.environ
        self._app = environ["flask.app"]
        self._manage_session = manage_session
        self.is_kept = False
        saved = environ.get(_SAVED_SESSION) if manage_session else None
        self._around = self._app.app_context() if _is_inside_event() else None
        if self._around is not None:
            self._around.push()
        self._context = self._app.request_context(environ) if first is None else first.copy(saved)
        try:
            self._context.push()
        except BaseException as error:  # opening the session failed, with the context half pushed
            with contextlib.suppress(Exception):
                self._context.pop(error)
            self._close_around(error)
            raise
        if first is None:
            environ[_FIRST] = _read_first(self._context, environ)
        self._session = self._fork_session(environ) if manage_session else self._context.session
        describe(self._context.request, handling, args)

    def keep(self) -> None:
        self.is_kept = True

    def show_args(self, args: tuple[Any, ...]) -> None:
        self._context.request.event["args"] = args

    def close(self, error: BaseException | None, *, save: bool = True) -> None:
        try:
            if save and not self._manage_session:
                self._save_session()
        finally:
            try:
                self._context.pop(error)
            finally:
                self._close_around(error)

    def _close_around(self, error: BaseException | None) -> None:
        if self._around is not None:
            self._around.pop(error)

    def _fork_session(self, environ: dict[str, Any]) -> ManagedSession:
        session = environ.get(_SAVED_SESSION)
        if session is None:
            session = environ[_SAVED_SESSION] = ManagedSession(self._context.session)
        setattr(self._context, _session_key(self._context), session)
        return cast(ManagedSession, session)

    def _save_session(self) -> None:
        if getattr(self._session, "modified", True):
            self._app.session_interface.save_session(self._app, self._session, self._app.response_class())


def _close_request(request: Any) -> None:
    """Close *request*, which is nothing to do for Flask's own where no form was sent."""
    close = getattr(request, "close", None)
    if close is not None and (type(request).close is not flask.Request.close or "files" in vars(request)):
        close()
    request.environ["werkzeug.request"] = None
