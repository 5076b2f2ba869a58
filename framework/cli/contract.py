"""``framework contract`` and ``framework stubs``: what the application promises, and what is made from it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from flask.cli import ScriptInfo, pass_script_info

from .. import serving
from ..contract import Contract, load_contract
from ..errors import ContractError, FrameworkError
from ..generators import Generator, find_generator, list_generators
from .base import CommandError, cli, load_extension

output = click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
check = click.option(
    "--check", is_flag=True, help="Write nothing; end with 1 when the file is not what would be written."
)


@cli.command(with_appcontext=False)
@output
@check
@pass_script_info
@click.pass_context
def contract(ctx: click.Context, info: ScriptInfo, output: Path | None, check: bool) -> None:
    """Print what the application promises to its clients, as JSON."""
    _, extension = load_extension(info)
    _deliver(ctx, extension.contract().to_json(), output, check)


@cli.command(with_appcontext=False)
@click.argument("generator", required=False)
@output
@check
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="Of the generator; may be repeated.")
@click.option(
    "--contract",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read this contract, not the application's.",
)
@pass_script_info
@click.pass_context
def stubs(
    ctx: click.Context,
    info: ScriptInfo,
    generator: str | None,
    output: Path | None,
    check: bool,
    options: Sequence[str],
    source: Path | None,
) -> None:
    """Write a client or a document with GENERATOR; without one, list them."""
    try:
        if generator is None:
            click.echo("\n".join(sorted({*list_generators(), *_find_theirs(info)})))
            return
        promised, theirs = _find_contract(info, source)
        text = _render(generator, find_generator(generator, theirs), promised, _read_options(options))
    except FrameworkError as error:
        raise CommandError(str(error)) from error
    _deliver(ctx, text, output, check)


@cli.command(with_appcontext=False)
@click.argument("contract", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--host", "-h", default=serving.DEFAULT_HOST, show_default=True, help="The interface to bind to.")
@click.option(
    "--port", "-p", default=serving.DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="The port."
)
@click.option(
    "--interval", "interval_s", default=5.0, show_default=True, help="Seconds between events that it sends; 0 for none."
)
@click.option("--origin", "origins", multiple=True, help="A page's origin that may connect, or *; may be repeated.")
def mock(contract: Path, host: str, port: int, interval_s: float, origins: Sequence[str]) -> None:
    """Serve CONTRACT without an application: what is valid is answered with examples."""
    from ..mock import create_mock, describe_mock

    try:
        promised = load_contract(contract.read_bytes(), contract)
        app = create_mock(promised, interval_s=interval_s, origins="*" if "*" in origins else list(origins) or None)
        click.echo("\n".join(describe_mock(promised)))
        app.extensions["socketio"].run(app, host=host, port=port)
    except FrameworkError as error:
        raise CommandError(str(error)) from error


def _find_contract(info: ScriptInfo, source: Path | None) -> tuple[Contract, Mapping[str, Generator]]:
    """Return the contract, and the generators that the application's plugins bring."""
    if source is not None:
        return load_contract(source.read_bytes(), source), _find_theirs(info)
    _, extension = load_extension(info)
    return extension.contract(), extension.generators


def _find_theirs(info: ScriptInfo) -> Mapping[str, Generator]:
    """Return the generators that plugins bring, where there is an application."""
    if not info.app_import_path and not any(map(os.path.exists, ("wsgi.py", "app.py"))):
        return {}
    generators: Mapping[str, Generator] = load_extension(info)[1].generators
    return generators


def _render(name: str, generator: Generator, promised: Contract, options: Mapping[str, str]) -> str:
    """Return what *generator* makes.

    Raises:
        ContractError: It fails, or makes no text.
    """
    try:
        text: object = generator(promised, options)
    except FrameworkError:
        raise
    except Exception as error:
        step = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(step.filename).name}:{step.lineno}"
        raise ContractError(f"the generator {name!r} failed: {type(error).__name__}: {error} ({place}).") from error
    if not isinstance(text, str):
        raise ContractError(f"the generator {name!r} returned {type(text).__name__}; it returns a text.")
    return text


def _read_options(options: Sequence[str]) -> dict[str, str]:
    if wrong := next((option for option in options if "=" not in option), None):
        raise CommandError(f"{wrong!r} is not KEY=VALUE, e.g. --option validators=zod.")
    return dict(option.split("=", 1) for option in options)


def _deliver(ctx: click.Context, text: str, output: Path | None, check: bool) -> None:
    if output is None:
        if check:
            raise CommandError("--check compares with a file: name it with --output.")
        click.echo(text, nl=False)
        return
    before = output.read_text("utf-8", errors="replace") if output.exists() else None
    if before == text:
        click.echo(f"{output} is up to date.")
    elif check:
        state = "is missing" if before is None else "is stale"
        click.echo(f"{output} {state}. The same command without --check writes it.", err=True)
        ctx.exit(1)
    else:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, "utf-8")
        except OSError as error:
            raise CommandError(f"{output} can't be written: {error.strerror}.") from error
        click.echo(f"Wrote {output}.")
