"""`SocketIO`: the extension that puts namespaces, functions and settings together for one Flask application."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, cast, overload

import flask
import flask_socketio

from . import serving, signals
from .callers import find_caller
from .clients import ClientInfo, read_clients
from .dispatch import Dispatch
from .errors import ConfigurationError, DuplicateNamespaceError, HandlerSignatureError
from .events import Target, run_for
from .handlers import CANCEL_STREAM, Handler, Run, caller_locals, locate, read_function, read_handlers
from .limits import Limits, find_setting
from .middleware import AnyMiddleware, read_layers
from .namespace import Namespace
from .options import (
    AppJSON,
    SocketIOMiddleware,
    choose_async_mode,
    complete_options,
    find_queue,
    make_manager,
    take_path,
)
from .plugins import Plugin, PluginInfo, Plugins
from .registry import Mounted, Registry
from .routes import Route, read_routes
from .transport.manager import is_nobody
from .transport.server import Server

if TYPE_CHECKING:  # it takes time to import, and serving needs none of it
    from .contract import Contract, Generator

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
PluginT = TypeVar("PluginT", bound=Plugin[Any])
AsyncMode = Literal["threading", "gevent"]


class SocketIO(flask_socketio.SocketIO):
    """Typed real-time events for a Flask application; a ``flask_socketio.SocketIO`` with everything that it has.

    Args:
        app: The application; with a factory, leave it out and call `init_app`.
        namespaces: `Namespace` classes or instances to serve. Strings are accepted as Flask-SocketIO takes them: paths
            that clients may join without a handler, or ``"*"`` for any.
        middleware: What goes around every connect, event and disconnect, the first outermost; `use` adds to it.
        plugins: `Plugin` classes or instances; those of installed distributions and of the application's own ``plugins``
            package are found without being named.
        async_mode: ``"threading"`` or ``"gevent"``. Default: the setting ``FRAMEWORK_ASYNC_MODE``, else gevent where
            gevent has patched this process, else threading. What happens to be installed decides nothing.
        unknown_events: ``"error"`` answers events that nobody serves with ``unknown_event``, ``"ignore"`` is silent.
        limits: Bounds on one connection; settings override single ones.
        options: Every option of Flask-SocketIO, python-socketio and python-engineio. ``async_handlers=True`` runs one
            client's events at the same time; by default they run one after another. ``message_queue`` may be the
            setting ``FRAMEWORK_MESSAGE_QUEUE``.

    Raises:
        DuplicateNamespaceError: Two namespaces claim one path.
        ConfigurationError: An option can't work.
        PluginError: A plugin can't be loaded, and plugins are strict or it is essential.
    """

    def __init__(
        self,
        app: flask.Flask | None = None,
        *,
        namespaces: Iterable[type[Namespace] | flask_socketio.Namespace | str] | str = (),
        middleware: Iterable[AnyMiddleware] = (),
        plugins: Iterable[type[Plugin[Any]] | Plugin[Any]] = (),
        async_mode: AsyncMode | None = None,
        unknown_events: Literal["error", "ignore"] = "error",
        limits: Limits | None = None,
        **options: Any,
    ) -> None:
        self.server: Any = None
        self.server_options: dict[str, Any] = {}
        self.manage_session: bool = True
        self.dispatch: Dispatch | None = None
        self._registry = Registry()
        self.sender: Any = self  # of signals: the application, where there is one
        self.stop_server: Callable[[], object] | None = None
        self.unknown_events = unknown_events
        self.limits = limits or Limits()
        self._accepted: list[str] = []
        self._mounted: dict[str, flask_socketio.Namespace] = {}
        self._functions: list[tuple[str, Handler]] = []
        self._cancel = read_function(self._cancel_stream, CANCEL_STREAM)
        self._middleware: list[AnyMiddleware] = [*middleware]
        self._plugins = Plugins(self)
        self._plugins.give(plugins)
        self._add_namespaces(namespaces)
        if async_mode is not None:
            options["async_mode"] = async_mode
        super().__init__(app, **options)

    def init_app(self, app: flask.Flask | None, **options: Any) -> None:
        """Attach to *app*; takes the options of the class, which override those given before."""
        self._add_namespaces(options.pop("namespaces", ()))
        self._middleware += options.pop("middleware", ())
        self._plugins.give(options.pop("plugins", ()))
        self.unknown_events = options.pop("unknown_events", self.unknown_events)
        self.limits = options.pop("limits", None) or self.limits
        if self.unknown_events not in ("error", "ignore"):
            raise ConfigurationError(f"unknown_events is {self.unknown_events!r}; it is 'error' or 'ignore'.")
        settings = app.config if app is not None else {}
        self.sender = app if app is not None else self
        self.server_options.update(options)
        self.manage_session = self.server_options.pop("manage_session", self.manage_session)
        path = take_path(self.server_options)
        self.async_mode = choose_async_mode(self.server_options.get("async_mode"), settings)
        if app is not None:
            self.server = None  # what plugins add is served with the rest
            self._plugins.load(app)
        channel = self.server_options.pop("channel", "flask-socketio")
        url = find_queue(self.server_options, settings)
        if url and "client_manager" not in options:
            self.server_options["client_manager"] = make_manager(url, channel, write_only=app is None)
        self._registry = Registry()
        self._registry.use(read_layers(self._plugins.middleware, "plugins"))
        self._registry.use(read_layers(self._middleware, "SocketIO(middleware=...)"))
        if self.server_options.get("json") is flask.json:
            self.server_options["json"] = AppJSON()
        self.dispatch = Dispatch(self, self._registry, self.unknown_events, self.server_options.get("json"))
        limits = self.limits.override(settings)
        about = complete_options(self.server_options, self.async_mode, self._accepted, settings)
        self.server = Server(self.dispatch, limits, **about)
        self.server.manager.carriers = self._plugins.carriers
        for function_path, handler in self._functions:
            self._registry.add_function(function_path, handler)
        for namespace in self._mounted.values():
            self._serve(namespace)
        if app is not None:
            app.extensions["socketio"] = self
            self.sockio_mw = SocketIOMiddleware(self.server, app, path)
            app.wsgi_app = self.sockio_mw  # type: ignore[method-assign]

    # -- registrations

    def on(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator's own parameter has no name here
        self, message: str, namespace: str | None = None, *, run: Run | None = None
    ) -> Callable[[F], F]:
        """Serve one event with a function; its annotations are validated as a method's are.

        Args:
            message: The event's name; ``connect`` and ``disconnect`` are the life cycle, ``*`` is any other event.
            namespace: ``/`` by default; ``*`` is any namespace that accepts clients.
            run: ``"inline"`` runs it in the thread that reads from clients, ``"pool"`` in a thread of its own; left out,
                where it runs follows the time that it takes.
        """
        local_names = caller_locals()

        def register(function: F) -> F:
            self._add_function(function, message, namespace or "/", local_names, run)
            return function

        return register

    @overload
    def event(self, event_handler: F, /) -> F: ...
    @overload
    def event(self, namespace: str | None = None) -> Callable[[F], F]: ...
    def event(self, *args: Any, **options: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Serve the event that the function is named after: ``@socketio.event``, or ``@socketio.event("/chat")``."""
        if len(args) == 1 and callable(args[0]):
            return self.on(args[0].__name__)(args[0])
        return lambda function: self.on(function.__name__, *args, **options)(function)

    def on_event(self, message: str, handler: Callable[..., Any], namespace: str | None = None) -> None:
        """Serve one event with *handler*; `on` without the decorator."""
        self._add_function(handler, message, namespace or "/", caller_locals())

    def _add_function(
        self, function: Callable[..., Any], event: str, path: str, local_names: Any, run: Run | None = None
    ) -> None:
        handler = read_function(function, event, local_names, run)
        self._add_handler(path, handler)
        if any(found == path and known.chunks is not None for found, known in self._functions):
            self._add_cancel(path)

    def _add_cancel(self, path: str) -> None:
        """Let clients end the streams of functions."""
        cancels = [known for found, known in self._functions if found == path and known.event == CANCEL_STREAM]
        for other in cancels:
            if other is not self._cancel:
                raise HandlerSignatureError(
                    f"{other.name} ({other.location}): with a function on {path!r} streaming, the event "
                    f"{CANCEL_STREAM!r} ends a stream. Choose another name."
                )
        if not cancels:
            self._add_handler(path, self._cancel)

    def _add_handler(self, path: str, handler: Handler) -> None:
        self._functions.append((path, handler))
        self._registry.add_function(path, handler)

    def _cancel_stream(self, stream: str) -> bool:
        """End a stream before its end; acknowledged with whether it was running."""
        return self.dispatch is not None and self.dispatch.streams.cancel(cast(Any, flask.request).sid, stream)

    def on_namespace(self, namespace_handler: flask_socketio.Namespace | type[Namespace]) -> None:
        """Serve a namespace: a class, or an instance of one.

        Raises:
            DuplicateNamespaceError: Its path is taken.
            ConfigurationError: Its path does not start with a slash, or it is no namespace.
        """
        namespace = self._instantiate(namespace_handler)
        path = _path_of(namespace)
        if not path.startswith("/"):
            raise ConfigurationError(
                f"{type(namespace).__name__}.namespace is {path!r}; a path starts with a slash. "
                "For functions that serve any namespace there is @socketio.on(..., namespace='*')."
            )
        taken = self._mounted.get(path)
        if taken is not None and taken is not namespace:
            owner = self._plugins.owner_of(taken)
            raise DuplicateNamespaceError(
                f"{path!r} is served by {_describe(type(taken))}{' of ' if owner else ''}{owner}; {_describe(type(namespace))} also claims it. "
                "Change one 'namespace'."
            )
        self._mounted[path] = namespace
        if self.server is not None:
            self._serve(namespace)

    def use(self, *middleware: AnyMiddleware) -> None:
        """Put *middleware* around every connect, event and disconnect, inside what is there already.

        Raises:
            ConfigurationError: One is no middleware.
        """
        self._registry.use(read_layers(middleware, "SocketIO.use"))
        self._middleware += middleware

    def drop_namespace(self, namespace: flask_socketio.Namespace) -> None:
        """Forget a namespace before the application is served; that of a plugin which is taken back."""
        if self._mounted.get(_path_of(namespace)) is namespace:
            del self._mounted[_path_of(namespace)]
        if isinstance(namespace, Namespace):
            type(namespace)._homes.discard(namespace)

    def _add_namespaces(self, namespaces: Iterable[Any] | str) -> None:
        alone = isinstance(namespaces, str | type | flask_socketio.Namespace)
        for namespace in cast(Iterable[Any], [namespaces] if alone else namespaces):
            if isinstance(namespace, str):
                self._accepted.append(namespace)
            else:
                self.on_namespace(namespace)

    def _instantiate(self, namespace: Any) -> flask_socketio.Namespace:
        if isinstance(namespace, type) and issubclass(namespace, flask_socketio.Namespace):
            same = [known for known in self._mounted.values() if type(known) is namespace]
            return same[0] if same else namespace()
        if not isinstance(namespace, flask_socketio.Namespace):
            raise ConfigurationError(f"{namespace!r} is no Namespace class or instance.")
        return namespace

    def _serve(self, namespace: flask_socketio.Namespace) -> None:
        cls = type(namespace)
        ours = isinstance(namespace, Namespace)
        table = namespace._handlers if isinstance(namespace, Namespace) else read_handlers(cls)
        base = Namespace if ours else flask_socketio.Namespace
        routes_itself = cls.trigger_event is not base.trigger_event
        cast(Any, namespace)._set_socketio(self)
        self.server.register_namespace(namespace)
        self._registry.add_class(_path_of(namespace), Mounted(namespace, table, routes_itself=routes_itself))
        signals.notify(signals.namespace_registered, self.sender, namespace=_path_of(namespace), instance=namespace)

    @property
    def namespaces(self) -> Mapping[str, flask_socketio.Namespace]:
        """The namespace instances that are served, by path."""
        return types.MappingProxyType(self._mounted)

    @property
    def plugins(self) -> Mapping[str, PluginInfo]:
        """What became of each plugin, by name: loaded in the order of their start, disabled, or failed and why."""
        return self._plugins.infos

    def plugin(self, cls: type[PluginT]) -> PluginT:
        """Return the loaded plugin of class *cls*, for instance what another one requires.

        Raises:
            PluginError: It is not loaded.
        """
        return self._plugins.get(cls)

    def routes(self) -> list[Route]:
        """Return every event that is served or declared, sorted by namespace, direction and name."""
        return read_routes(self._mounted.values(), self._functions)

    def clients(self, namespace: str | None = None) -> list[ClientInfo]:
        """Return the clients of *namespace*, or all, that are connected to this process.

        It looks at every client and every room it is in, so it is for people and for now and then, not for each event.
        """
        return [] if self.server is None else read_clients(self.server, namespace)

    def contract(self) -> Contract:
        """Return what the application promises to its clients, as data; read anew each time."""
        from .contract import read_contract

        settings: Mapping[str, Any] = getattr(self.sender, "config", {})
        about = {key.lower(): find_setting(settings, f"CONTRACT_{key}") for key in ("TITLE", "VERSION", "DESCRIPTION")}
        about["title"] = about["title"] or getattr(self.sender, "name", "application")
        given = {key: str(value) for key, value in about.items() if value}
        return read_contract(self._mounted.values(), self._functions, **given)

    @property
    def generators(self) -> Mapping[str, Generator]:
        """What plugins add to `framework stubs`, by name."""
        return self._plugins.generators

    # -- sending

    def emit(self, event: str, *args: Any, **options: Any) -> None:
        """Send an event from anywhere: to a namespace, a room, a client or several.

        Args:
            event: Its name.
            args: Its arguments; a tuple is several.
            options: ``namespace`` (``/``), ``to`` or ``room`` (None is everybody, an empty list nobody),
                ``skip_sid`` (one, or any collection), ``include_self``, ``callback``, ``ignore_queue``, and ``volatile``:
                a client for which something waits already does not get it.

        Raises:
            TypeError, ValueError: An argument is no JSON.
        """
        room = options.pop("room", None)
        to = options.pop("to", None)
        to = room if to is None else to
        if is_nobody(to):
            return
        options.pop("broadcast", None)  # without a target it is one
        skip = _as_list(options.pop("skip_sid", None))
        if not options.pop("include_self", True):
            caller = find_caller()
            skip.append(caller.sid if caller is not None else cast(Any, flask.request).sid)
        if callback := options.pop("callback", None):
            options["callback"] = self._with_context(callback)
        data = args[0] if len(args) == 1 else args
        self.server.emit(event, data, to=to, skip_sid=skip or None, **options)
        if signals.emitted.receivers:
            path = options.get("namespace") or "/"
            signals.notify(signals.emitted, self.sender, namespace=path, event=event, to=to, skip=skip)

    def send(
        self,
        data: Any,
        json: bool = False,
        namespace: str | None = None,
        to: Target | None = None,
        callback: Callable[..., Any] | None = None,
        include_self: bool = True,
        skip_sid: Target | None = None,
        **options: Any,
    ) -> None:
        """Send the event ``message``, or ``json`` with ``json=True``; takes the options of `emit`."""
        options |= {"to": to, "callback": callback, "include_self": include_self, "skip_sid": skip_sid}
        self.emit("json" if json else "message", data, namespace=namespace, **options)

    def _with_context(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        """Run *callback* in the request context of the event that it was passed from, if there is one."""
        caller = find_caller()
        if caller is None:
            return callback
        sid, namespace = caller
        return lambda *answer: cast(Any, self)._handle_event(callback, None, namespace, sid, *answer)

    # -- serving

    def run(self, app: flask.Flask, host: str | None = None, port: int | None = None, **options: Any) -> None:
        """Serve *app* until it is stopped: Werkzeug's server in debug, gunicorn or gevent's server otherwise.

        Args:
            host: 127.0.0.1 by default.
            port: The port of ``SERVER_NAME``, or 5000, by default.
            options: ``debug``, ``use_reloader``, ``reloader_options``, ``extra_files``, ``log_output``, and those of
                the server that is used.
        """
        serving.run(self, app, host, port, **options)

    def start_background_task(self, target: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run *target* beside the clients, with the application's async mode.

        There is no application context in it; declared events go through this ``SocketIO``.

        Returns:
            What represents the task; its ``join()`` waits for the end.
        """
        return self.server.start_background_task(run_for, self, target, *args, **kwargs)

    def stop(self) -> None:
        """Stop the server that `run` started in this process; may be called from anywhere."""
        serving.stop(self)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _path_of(namespace: flask_socketio.Namespace) -> str:
    return str(cast(Any, namespace).namespace)


def _describe(cls: type) -> str:
    init = cls.__dict__.get("__init__")
    where = f" ({locate(init)})" if init else ""
    return f"{cls.__module__}.{cls.__qualname__}{where}"
