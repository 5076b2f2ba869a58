"""What the options and settings of `SocketIO` come to: an async mode, a manager, the options of the server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import flask
import socketio

from .errors import ConfigurationError
from .limits import find_setting
from .transport.driver import AUTO, OFF
from .transport.server import Server

_ASYNC_MODES = ("threading", "gevent")
_PATH_OPTIONS = ("path", "resource")


class SocketIOMiddleware(socketio.WSGIApp):  # type: ignore[misc]
    """Answers Socket.IO's own requests and tells them which application they belong to.

    For each request under gunicorn its base would make a class that only eventlet needs: 2.6 KiB per connection.
    """

    def __init__(self, server: Server, app: flask.Flask, path: str) -> None:
        super().__init__(server, app.wsgi_app, socketio_path=path)
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        about = {**environ, "flask.app": self._app}
        if environ.get("PATH_INFO", "").startswith(self.engineio_path):
            return self.engineio_app.handle_request(about, start_response)
        return self.wsgi_app(about, start_response)


def take_path(options: dict[str, Any]) -> str:
    """Take the path of Socket.IO's requests out of *options*."""
    path = next((found for key in _PATH_OPTIONS if (found := options.pop(key, None))), "socket.io")
    return str(path).lstrip("/")


def choose_async_mode(asked: str | None, settings: Any) -> str:
    """Return the async mode that was asked for, or that the process was made for.

    Raises:
        ConfigurationError: It is none of ours.
    """
    mode = asked or find_setting(settings, "ASYNC_MODE") or ("gevent" if _patched_by_gevent() else "threading")
    if mode not in _ASYNC_MODES:
        raise ConfigurationError(
            f"async_mode is {mode!r}; it is 'threading' or 'gevent'. eventlet is no longer maintained for new "
            "applications, and gevent_uwsgi has no WebSocket that can be bounded."
        )
    return str(mode)


def find_queue(options: dict[str, Any], settings: Any) -> str | None:
    """Return the URL of the message queue, if there is one."""
    url = options.get("message_queue") or find_setting(settings, "MESSAGE_QUEUE")
    return str(url) if url else None


def make_manager(url: str, channel: str, *, write_only: bool) -> Any:
    """Return python-socketio's manager for the message queue at *url*."""
    if url.startswith(("redis://", "rediss://", "valkey://", "valkeys://", "redis+unix://", "unix://")):
        kind = socketio.RedisManager
    elif url.startswith("kafka://"):
        kind = socketio.KafkaManager
    else:
        kind = socketio.ZmqManager if url.startswith("zmq") else socketio.KombuManager
    return kind(url, channel=channel, write_only=write_only)


def complete_options(given: dict[str, Any], async_mode: str, accepted: Sequence[str], settings: Any) -> dict[str, Any]:
    """Return the options of the server.

    Args:
        given: Those of `SocketIO`.
        accepted: The paths that clients may join without a handler.

    Raises:
        ConfigurationError: There is no such driver.
    """
    options = {key: value for key, value in given.items() if key != "message_queue"}
    options["async_mode"] = async_mode
    options["ordered"] = options.get("async_handlers") is not True
    options.setdefault("async_handlers", True)
    if "*" in accepted:
        options["namespaces"] = "*"
    elif accepted:
        options["namespaces"] = list(accepted)
    options.setdefault("driver", find_setting(settings, "DRIVER") or AUTO)
    if options["driver"] not in (AUTO, OFF):
        raise ConfigurationError(f"FRAMEWORK_DRIVER is {options['driver']!r}; it is 'auto' or 'off'.")
    return options


class AppJSON:
    """Flask's json module, which only works inside an application context."""

    def __init__(self) -> None:
        self._provider = flask.json.provider.DefaultJSONProvider(flask.Flask(__name__))

    def dumps(self, value: Any, **options: Any) -> str:
        provider = flask.current_app.json if flask.has_app_context() else self._provider
        return provider.dumps(value, **options)

    def loads(self, text: str | bytes, **options: Any) -> Any:
        provider = flask.current_app.json if flask.has_app_context() else self._provider
        return provider.loads(text, **options)


def _patched_by_gevent() -> bool:
    """Say whether this process was patched, which somebody did on purpose; installed is not enough."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
