"""``framework new`` and ``framework generate``: files to go on from."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..errors import FrameworkError
from .base import CommandError, cli


@cli.command(with_appcontext=False)
@click.argument("directory", required=False)
@click.argument("answers", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--no-input", is_flag=True, help="Ask nothing; take the defaults.")
def new(directory: str | None, answers: Sequence[str], no_input: bool) -> None:
    """Generate an application in DIRECTORY; any of the template's questions can be answered with KEY=VALUE."""
    from ..scaffold import create_application

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


@cli.group()
def generate() -> None:
    """Write files to go on from."""


@generate.command("plugin", with_appcontext=False)
@click.argument("name")
@click.option("--directory", metavar="DIRECTORY", help="The folder to make; framework-NAME by default.")
def generate_plugin(name: str, directory: str | None) -> None:
    """Write an installable plugin called NAME, with settings, middleware, a receiver and tests."""
    from ..generate import create_plugin

    try:
        path = create_plugin(name, directory)
    except (FrameworkError, OSError) as error:
        raise CommandError(str(error)) from error
    click.echo(f"Generated {path}. Its README says how to install and test it.")
