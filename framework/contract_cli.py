"""``framework diff``: two contracts, from files, from a revision of git, or from the application as it is.

The application of a revision is unpacked into a folder of its own and asked in a process of its own: this module run as a
script. It may import `contract` and `errors` only.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from flask.cli import NoAppException, ScriptInfo, pass_script_info

from .contract import Contract, load_contract
from .contract.diff import compare, is_breaking, render_json, render_markdown, render_text
from .errors import ContractError

GIT = "git:"
TIMEOUT_S = 120
_RENDER = {"text": render_text, "json": render_json, "markdown": render_markdown}


class DiffError(click.ClickException):
    """Ends the command with one sentence and status 2: status 1 says that there is a break."""

    exit_code = 2


@click.command()
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--format", "style", type=click.Choice(list(_RENDER)), default="text", show_default=True, help="How to print it."
)
@pass_script_info
@click.pass_context
def diff(ctx: click.Context, info: ScriptInfo, old: str, new: str | None, style: str) -> None:
    """Say what of OLD breaks with NEW; ends with 1 when something does.

    OLD and NEW are files that 'framework contract' wrote, git:REV for the application as it was at a revision, or
    git:REV:FILE for a file of it. Without NEW it is the application as it is.
    """
    app = info.app_import_path or ""
    try:
        before = read_source(old, app)
        after = read_source(new, app) if new is not None else read_application(app, Path.cwd())
    except ContractError as error:
        raise DiffError(str(error)) from error
    changes = compare(before, after)
    click.echo(_RENDER[style](changes), nl=False)
    if is_breaking(changes):
        ctx.exit(1)


def read_source(source: str, app: str) -> Contract:
    """Return the contract that *source* names.

    Args:
        source: A file, ``git:REV``, or ``git:REV:FILE`` with a path from the current folder.
        app: What ``--app`` says, for ``git:REV``; empty where the application is to be found as Flask finds it.

    Raises:
        ContractError: There is none.
    """
    if not source.startswith(GIT):
        try:
            return load_contract(Path(source).read_bytes(), source)
        except OSError as error:
            raise ContractError(f"{source} can't be read: {error.strerror}.") from error
    revision, _, file = source.removeprefix(GIT).partition(":")
    if not revision or revision.startswith("-"):
        raise ContractError(f"{source!r} names no revision. Write git:main, or git:main:contract.json.")
    if file:
        return load_contract(_run_git("show", f"{revision}:./{file}"), source)
    with tempfile.TemporaryDirectory(prefix="framework-diff-") as scratch:
        folder = _unpack(revision, Path(scratch).resolve())
        try:
            return read_application(app, folder, Path(scratch).resolve())
        except ContractError as error:
            raise ContractError(f"{source}: {error}") from error


def read_application(app: str, folder: Path, root: Path | None = None) -> Contract:
    """Return the contract of an application, from a process of its own.

    Args:
        app: What ``--app`` says, or empty.
        folder: Where it is started.
        root: The unpacked revision, which the application has to come from.

    Raises:
        ContractError: It can't be imported, or is not the one in *root*.
    """
    command = [sys.executable, "-P", "-m", __name__, app, str(root or "")]
    environment = dict(os.environ)
    if root is not None:
        environment["PYTHONPATH"] = os.pathsep.join(_move_paths(root))
    try:
        done = subprocess.run(  # noqa: S603 - this Python, and the application that the user names
            command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ContractError(f"the application did not say in {TIMEOUT_S} s what it promises.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it ended without a word"]
        raise ContractError(f"the application can't be asked what it promises: {said[-1].removeprefix('Error: ')}")
    return load_contract(done.stdout, "what the application promises")


def _unpack(revision: str, scratch: Path) -> Path:
    """Put the files of *revision* into *scratch*, and return the folder in it that is the current one here."""
    prefix = _run_git("rev-parse", "--show-prefix").decode().strip()
    top = _run_git("rev-parse", "--show-toplevel").decode().strip()
    packed = _run_git("-C", top, "archive", "--format=tar", f"{revision}^{{commit}}")
    try:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)  # since 3.11.4
            archive.extractall(scratch)  # noqa: S202 - the user's own repository
    except tarfile.TarError as error:
        raise ContractError(f"git:{revision} can't be unpacked: {error}.") from error
    folder = scratch / prefix
    if not folder.is_dir():
        raise ContractError(f"git:{revision} has no folder {prefix.rstrip('/')}.")
    return folder


def _run_git(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607 - git of the user
    except FileNotFoundError as error:
        raise ContractError("git is not installed; compare two files instead.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ContractError(f"git says: {said[0].removeprefix('fatal: ') if said else 'nothing, and fails'}.")
    return done.stdout


def _move_paths(root: Path) -> list[str]:
    """Return where Python looks for modules, with what is in this repository moved into *root*.

    So an application that is installed from its checkout (``src/``) is imported from the revision, too.
    """
    top = Path(_run_git("rev-parse", "--show-toplevel").decode().strip()).resolve()
    moved: list[str] = []
    ours = Path(__file__).resolve().parent.parent
    for path in map(Path.resolve, map(Path, filter(None, sys.path))):
        if path != ours and path.is_relative_to(top):
            there = root / path.relative_to(top)
            moved += [str(there)] if there.is_dir() else []
    return [*moved, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]


def _tell(app_name: str, root: str) -> None:
    """Print the contract of an application as JSON.

    Raises:
        ContractError: There is none, or the application is not in *root*.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what it prints is no part of the contract
            app = ScriptInfo(app_import_path=app_name or None).load_app()
    except NoAppException as error:
        raise ContractError(error.format_message().splitlines()[0]) from error
    place = Path(app.root_path).resolve()
    if root and not place.is_relative_to(root):
        raise ContractError(
            f"{app.import_name} is imported from {place}, not from the revision. Name it with --app by a path or a module "
            "that is found from the current folder, or compare git:REV:FILE with a contract that is kept in git."
        )
    extension = app.extensions.get("socketio")
    if extension is None or not hasattr(extension, "contract"):
        raise ContractError(f"no SocketIO of the framework in {app.import_name!r}. Name the application with --app.")
    sys.stdout.write(extension.contract().to_json())


def _main(arguments: Sequence[str]) -> None:
    try:
        _tell(*arguments)
    except ContractError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    _main(sys.argv[1:])
