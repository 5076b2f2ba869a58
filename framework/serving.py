"""Serving for real: Werkzeug's server with its reloader in debug; otherwise gunicorn, uvicorn or gevent's server."""

from __future__ import annotations

import errno
import functools
import logging
import os
import signal
import socket
import sys
import threading
from importlib.util import find_spec
from typing import Any, NamedTuple, cast

import flask
from werkzeug.debug import DebuggedApplication
from werkzeug.serving import WSGIRequestHandler

from . import signals
from .errors import ConfigurationError
from .limits import find_setting
from .transport.takeover import ASYNCIO

logger = logging.getLogger("framework")

SWITCH_INTERVAL_S = 0.0002
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 5000

AUTO, GUNICORN, WERKZEUG, GEVENT = "auto", "gunicorn", "werkzeug", "gevent"
SERVERS = (AUTO, ASYNCIO, GUNICORN, WERKZEUG, GEVENT)

# A client that polls keeps a thread for as long as it waits; a WebSocket that a leader reads from keeps none.
MAX_REQUESTS = 1000
GUNICORN_DEFAULTS = {
    "worker_class": "gthread",
    "workers": 1,
    "threads": MAX_REQUESTS,
    "worker_connections": 2 * MAX_REQUESTS,
    "graceful_timeout": 3,
    "control_socket_disable": True,
}


class _RequestHandler(WSGIRequestHandler):
    disable_nagle_algorithm = True


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def url(self, *, tls: bool = False) -> str:
        """Return what a person can open."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not bound
        return f"http{'s' if tls else ''}://{Address(host, self.port).bind}/"


def run(extension: Any, app: flask.Flask, host: str | None, port: int | None, **options: Any) -> None:
    """Serve *app*; see `SocketIO.run`.

    Raises:
        ConfigurationError: The address can't be listened on.
    """
    address = Address(host or DEFAULT_HOST, port or _port_of(app))
    _check_free(address)
    options.pop("allow_unsafe_werkzeug", None)  # Flask-SocketIO's switch: there is nothing unsafe to allow here
    debug = app.debug = bool(options.pop("debug", app.debug))
    use_reloader = options.pop("use_reloader", debug)
    reloader_options = dict(options.pop("reloader_options", None) or {})
    if extra_files := options.pop("extra_files", None):
        reloader_options["extra_files"] = extra_files
    if debug:
        log_events()
    if options.pop("use_debugger", debug):  # inside of Socket.IO's own requests, which end with exceptions on purpose
        extension.sockio_mw.wsgi_app = DebuggedApplication(extension.sockio_mw.wsgi_app, evalex=True)
    server = options.pop("server", None) or find_setting(app.config, "SERVER") or _run_by_code(extension)
    run_server = _choose_server(extension, server, debug=debug or use_reloader)
    serve = functools.partial(_serve, run_server, extension, app, address, options)
    if use_reloader:
        run_reloading(serve, **reloader_options)
    else:
        serve()


def run_reloading(serve: Any, **options: Any) -> None:
    """Run *serve*, and again when the code changes.

    It looks at the files every second, where Werkzeug would watch through watchdog as soon as that is installed: watching
    every folder of the import path recursively, it loses changes in large ones, and does not go with gevent.
    """
    from werkzeug._reloader import run_with_reloader

    run_with_reloader(serve, **{"reloader_type": "stat", **options})


def _check_free(address: Address) -> None:
    """Say at once what each server says in its own way, or not at all."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            mend = "Stop what listens there, or choose" if error.errno == errno.EADDRINUSE else "Choose"
            raise ConfigurationError(
                f"{address.bind} can't be listened on: {reason}. {mend} another host or port."
            ) from error


def _serve(run_server: Any, extension: Any, app: flask.Flask, address: Address, options: dict[str, Any]) -> None:
    process = os.getpid()
    about = {"host": address.host, "port": address.port}
    signals.notify(signals.server_starting, extension.sender, **about)
    if extension.async_mode == "threading":
        # Beside a thread that computes, whoever gives up the interpreter for a moment waits for it this long to have it back.
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL_S))
    try:
        run_server(extension, app, address, options)
    finally:
        if os.getpid() == process:  # gunicorn's workers leave through here, too
            signals.notify(signals.server_stopped, extension.sender, **about)


def _notify_draining(extension: Any, address: Address) -> None:
    """Tell, from any thread and once at most for each order, that the server has been told to stop."""
    signals.notify(signals.server_draining, extension.sender, host=address.host, port=address.port)


def default_server(extension: Any, *, debug: bool) -> str:
    """Return what ``auto`` stands for."""
    if extension.async_mode == "gevent":
        return GEVENT
    return WERKZEUG if debug else ASYNCIO if has_asyncio() else GUNICORN


def _run_by_code(extension: Any) -> str:
    """Return what `SocketIO.run` starts where nobody says: as ever, since it may be given options of that server."""
    return GEVENT if extension.async_mode == "gevent" else GUNICORN


def _choose_server(extension: Any, server: str, *, debug: bool) -> Any:
    """Return what runs *server*.

    Raises:
        ConfigurationError: It does not go with the async mode, or is not installed.
    """
    if server not in SERVERS:
        raise ConfigurationError(f"the server is {server!r}; it is one of {', '.join(SERVERS)}.")
    gevent = extension.async_mode == "gevent"
    if server == AUTO or (debug and server != GEVENT):
        server = default_server(extension, debug=debug)
    if gevent != (server == GEVENT):
        mode = "gevent" if server == GEVENT else "threading"
        raise ConfigurationError(f"the server {server!r} needs async_mode={mode!r}; it is {extension.async_mode!r}.")
    return {ASYNCIO: _run_asyncio, GUNICORN: _run_gunicorn, WERKZEUG: _run_werkzeug, GEVENT: _run_gevent}[server]


def has_asyncio() -> bool:
    """Say whether what the asyncio server needs is installed."""
    return all(find_spec(name) is not None for name in ("uvicorn", "a2wsgi"))


def stop(extension: Any) -> None:
    """Stop the server of this process; see `SocketIO.stop`.

    Raises:
        ConfigurationError: `SocketIO.run` did not start one.
    """
    if extension.stop_server is None:
        raise ConfigurationError("SocketIO.run() serves nothing in this process. Stop the server that does.")
    extension.stop_server()


def log_events() -> None:
    """Print a line per event, with its outcome and how long it took."""
    events = logging.getLogger("framework.events")
    if not events.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        events.addHandler(handler)
        events.propagate = False
    events.setLevel(logging.INFO)


def _port_of(app: flask.Flask) -> int:
    _, _, port = str(app.config.get("SERVER_NAME") or "").rpartition(":")
    return int(port) if port.isdigit() else DEFAULT_PORT


def _announce(address: Address, server: str, *, tls: bool = False) -> None:
    print(f" * framework is serving with {server} on {address.url(tls=tls)}", file=sys.stderr, flush=True)


def _run_werkzeug(extension: Any, app: flask.Flask, address: Address, options: dict[str, Any]) -> None:
    from werkzeug.serving import make_server

    options.pop("log_output", None)
    options.setdefault("request_handler", _RequestHandler)
    server = make_server(address.host, address.port, app, threaded=True, **options)
    extension.stop_server = threading.Thread(target=server.shutdown, daemon=True).start
    _announce(address, "Werkzeug's development server", tls=bool(options.get("ssl_context")))
    try:
        server.serve_forever()
    finally:
        _notify_draining(extension, address)


def _run_gunicorn(extension: Any, app: flask.Flask, address: Address, options: dict[str, Any]) -> None:
    options.pop("log_output", None)
    try:
        from gunicorn.app.base import BaseApplication
    except ImportError as error:
        raise ConfigurationError(
            "Serving outside debug needs gunicorn, which does not run here. Use async_mode='gevent', or debug=True "
            "while you develop."
        ) from error

    class Application(BaseApplication):  # type: ignore[misc]
        """One worker with threads; the settings of gunicorn may be given as options."""

        def load_config(self) -> None:
            known = {key: value for key, value in GUNICORN_DEFAULTS.items() if key in self.cfg.settings}
            for key, value in {**known, "bind": address.bind, **options}.items():
                self.cfg.set(key, value)

        def load(self) -> Any:
            return app

    extension.stop_server = functools.partial(os.kill, os.getpid(), signal.SIGTERM)
    options.setdefault("when_ready", lambda arbiter: _announce(address, "gunicorn"))
    options["post_worker_init"] = _notifying_worker(extension, address, options.get("post_worker_init"))
    Application().run()


def _notifying_worker(extension: Any, address: Address, then: Any) -> Any:
    """Return gunicorn's hook for a new worker that has it tell when it is told to end; *then* is the application's own."""

    def initialize(worker: Any) -> None:
        end = signal.getsignal(signal.SIGTERM)

        def drain(number: int, frame: Any) -> None:
            signal.signal(signal.SIGTERM, end)  # told twice, by the terminal and by gunicorn, it tells once
            # Beside the worker: a receiver may wait for what the interrupted code holds.
            threading.Thread(target=_notify_draining, args=(extension, address), daemon=True).start()
            if callable(end):
                end(number, frame)

        signal.signal(signal.SIGTERM, drain)
        if then is not None:
            then(worker)

    return initialize


def _run_asyncio(extension: Any, app: flask.Flask, address: Address, options: dict[str, Any]) -> None:
    options.pop("log_output", None)
    if not has_asyncio():
        raise ConfigurationError(
            "The asyncio server is not installed. Install it with: pip install 'framework[asyncio]'."
        )
    import uvicorn
    from a2wsgi import WSGIMiddleware

    from .transport.aio import SocketProtocol

    class Server(uvicorn.Server):
        """uvicorn, which tells when it is there and when it has been told to stop."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _announce(address, "uvicorn", tls=bool(self.config.is_ssl))

        def handle_exit(self, sig: int, frame: Any) -> None:
            if not self.should_exit:
                threading.Thread(target=_notify_draining, args=(extension, address), daemon=True).start()
            super().handle_exit(sig, frame)

    known = {
        "host": address.host,
        "port": address.port,
        "ws": functools.partial(SocketProtocol, app),
        "lifespan": "off",
        "proxy_headers": False,  # as on every other server: werkzeug's ProxyFix, where there is a proxy
        "log_level": "warning",
        "timeout_graceful_shutdown": GUNICORN_DEFAULTS["graceful_timeout"],
    }
    served = cast(Any, WSGIMiddleware(cast(Any, app), workers=MAX_REQUESTS))
    server = Server(uvicorn.Config(served, **{**known, **options}))

    def stop() -> None:
        server.should_exit = True

    extension.stop_server = stop
    server.run()


def _run_gevent(extension: Any, app: flask.Flask, address: Address, options: dict[str, Any]) -> None:
    import gevent
    from gevent import monkey, pywsgi

    if not monkey.is_module_patched("socket"):
        logger.warning(
            "gevent has not patched this process, so a handler that waits stops every client. Start it with "
            "'framework run --async-mode gevent', or call gevent.monkey.patch_all() before anything else is imported."
        )

    class Handler(pywsgi.WSGIHandler):
        def handle(self) -> None:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().handle()

        def log_request(self) -> None:
            if self.status:  # a WebSocket has none
                super().log_request()

    options.setdefault("handler_class", Handler)
    log = "default" if options.pop("log_output", app.debug) else None
    server = extension.wsgi_server = pywsgi.WSGIServer((address.host, address.port), app, log=log, **options)

    def stop() -> None:
        _notify_draining(extension, address)
        server.stop()

    extension.stop_server = stop
    if threading.current_thread() is threading.main_thread():
        for order in (signal.SIGTERM, signal.SIGINT):  # before anybody can connect, and see it stop
            gevent.signal_handler(order, stop)
    server.start()
    _announce(address, "gevent", tls="certfile" in options)
    server.serve_forever()
