"""The group ``framework``, how its commands find the application, and how they print and fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import flask
from flask.cli import FlaskGroup, NoAppException, ScriptInfo

from .. import __version__
from ..errors import FrameworkError


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


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Return *rows*, of which the first has the titles, as text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
