"""The command ``framework``: Flask's conventions for finding the application, and commands for its events."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click
import flask
from flask.cli import FlaskGroup, NoAppException, ScriptInfo, pass_script_info

from . import __version__, serving
from .errors import ConfigurationError, FrameworkError
from .limits import SETTING_PREFIX
from .routes import FROM_CLIENT, Route

_COLUMNS = ("Namespace", "Event", "", "Arguments", "Ack", "Defined at")


class CommandError(click.ClickException):
    """Ends the command with one sentence and status 2."""

    exit_code = 2


class _Group(FlaskGroup):
    """Flask's group, with our commands in place of its own; ``--help`` needs no application."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        try:
            ctx.ensure_object(ScriptInfo).load_app()
        except (NoAppException, Exception):
            return sorted(self.commands)
        return super().list_commands(ctx)


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"framework {__version__}")
        ctx.exit()


@click.group(
    cls=_Group,
    add_default_commands=False,
    add_version_option=False,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the version.",
        )
    ],
)
def cli() -> None:
    """Typed real-time applications on Flask and Socket.IO."""


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
@pass_script_info
def run(
    info: ScriptInfo, host: str, port: int, debug: bool | None, reload: bool | None, async_mode: str | None
) -> None:
    """Serve the application: Werkzeug's server in debug, gunicorn or gevent's server otherwise."""
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
            extension.run(app, host=host, port=port, debug=debug, use_reloader=False)
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


@cli.command(with_appcontext=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--namespace", "-n", "namespaces", multiple=True, metavar="PATH", help="Only this path; may be repeated.")
@pass_script_info
def routes(info: ScriptInfo, as_json: bool, namespaces: Sequence[str]) -> None:
    """List the events that are served (->) and declared (<-), with types and where they are defined."""
    _, extension = load_extension(info)
    found = [route for route in extension.routes() if not namespaces or route.namespace in namespaces]
    if as_json:
        click.echo(json.dumps([route.as_dict() for route in found], indent=2))
    elif found:
        click.echo(render_routes(found))
    else:
        paths = ", ".join(sorted({route.namespace for route in extension.routes()})) or "none"
        click.echo(f"No events{' in ' + ', '.join(namespaces) if namespaces else ''}. There are namespaces: {paths}.")


def render_routes(found: Sequence[Route]) -> str:
    """Return the table that `framework routes` prints."""
    rows: list[Sequence[str]] = [_COLUMNS]
    rows += [
        (
            route.namespace,
            route.event,
            "->" if route.direction == FROM_CLIENT else "<-",
            route.arguments or "-",
            route.ack or "-",
            route.location,
        )
        for route in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


@cli.command(with_appcontext=False)
@click.argument("directory", required=False)
@click.argument("answers", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--no-input", is_flag=True, help="Ask nothing; take the defaults.")
def new(directory: str | None, answers: Sequence[str], no_input: bool) -> None:
    """Generate an application in DIRECTORY; any of the template's questions can be answered with KEY=VALUE."""
    from .scaffold import create_application

    if directory is not None and "=" in directory:
        answers = [directory, *answers]
        directory = None
    if wrong := next((answer for answer in answers if "=" not in answer), None):
        raise CommandError(f"{wrong!r} is not KEY=VALUE, e.g. async_mode=gevent.")
    try:
        path = create_application(directory, dict(answer.split("=", 1) for answer in answers), no_input=no_input)
    except (FrameworkError, OSError) as error:
        raise CommandError(str(error)) from error
    click.echo(f"Generated {path}. Its README says how to run and test it.")


def load_extension(info: ScriptInfo) -> tuple[flask.Flask, Any]:
    """Return the application that ``--app`` names, and its `SocketIO`.

    Raises:
        CommandError: There is no application, or no ``SocketIO`` in it.
    """
    try:
        app = info.load_app()
    except NoAppException as error:
        if info.app_import_path:
            raise CommandError(error.format_message().replace("flask", "framework")) from error
        raise CommandError(
            "no application. Name it with --app, e.g. 'framework --app chat run', or set FLASK_APP."
        ) from error
    except FrameworkError as error:
        raise CommandError(f"{type(error).__name__}: {error}") from error
    extension = app.extensions.get("socketio")
    if extension is not None and not hasattr(extension, "routes"):
        raise CommandError(
            "the application uses Flask-SocketIO itself. Change its import: from framework import SocketIO, ..."
        )
    if extension is None:
        name = info.app_import_path or app.import_name
        raise CommandError(
            f"no SocketIO in {name!r}. Name it with --app, e.g. --app chat.app:create_app, and let the application "
            "make one: framework.SocketIO(app)."
        )
    return app, extension


def main() -> None:
    """Run the command."""
    cli.main(prog_name="framework")


if __name__ == "__main__":
    main()
