"""``framework run``."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import click
import flask
from flask.cli import ScriptInfo, pass_script_info

from .. import serving
from ..errors import ConfigurationError
from ..limits import SETTING_PREFIX
from .base import CommandError, cli, load_extension


@cli.command(with_appcontext=False)
@click.option("--host", "-h", default=serving.DEFAULT_HOST, show_default=True, help="The interface to bind to.")
@click.option(
    "--port",
    "-p",
    default=serving.DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to bind to.",
)
@click.option("--debug/--no-debug", default=None, help="Reload on changes, show errors, print a line per event.")
@click.option("--reload/--no-reload", default=None, help="Restart when the code changes. On in debug.")
@click.option(
    "--async-mode",
    type=click.Choice(["threading", "gevent"]),
    help="How clients run side by side. gevent is patched in before the application is imported.",
)
@click.option(
    "--server",
    type=click.Choice(serving.SERVERS),
    default=serving.AUTO,
    envvar=f"{SETTING_PREFIX}SERVER",
    show_default=True,
    help="What serves. auto: gevent's in gevent mode, Werkzeug's in debug, asyncio (uvicorn) where it is installed, "
    "else gunicorn.",
)
@pass_script_info
def run(
    info: ScriptInfo,
    host: str,
    port: int,
    debug: bool | None,
    reload: bool | None,
    async_mode: str | None,
    server: str,
) -> None:
    """Serve the application, in development and in production."""
    if async_mode:
        os.environ[f"{SETTING_PREFIX}ASYNC_MODE"] = async_mode
    if os.environ.get(f"{SETTING_PREFIX}ASYNC_MODE") == "gevent":
        _restart_patched()
    if debug is not None:
        os.environ["FLASK_DEBUG"] = "1" if debug else "0"
    debug = flask.helpers.get_debug_flag()

    def serve() -> None:
        app, extension = load_extension(info)
        try:
            extension.run(app, host=host, port=port, debug=debug, use_reloader=False, server=server)
        except ConfigurationError as error:
            raise CommandError(str(error)) from error

    if debug if reload is None else reload:
        _run_reloading(serve)
    else:
        serve()


def _run_reloading(serve: Any) -> None:
    def guarded() -> None:
        try:
            serve()
        except CommandError as error:
            error.show()
        except Exception:
            traceback.print_exc()  # the reloader waits for the mend

    serving.run_reloading(guarded)


def _restart_patched() -> None:
    """Start this command again with gevent patched in before anything else is imported."""
    from importlib.util import find_spec

    if find_spec("gevent") is None:
        raise CommandError("gevent is not installed. Install it with: pip install 'framework[gevent]'.")
    from gevent import monkey

    if not monkey.is_module_patched("socket"):
        command = [sys.executable, "-m", "gevent.monkey", "--module", "framework", *sys.argv[1:]]
        os.execv(sys.executable, command)  # noqa: S606 - the same command, as it was typed
