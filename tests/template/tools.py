"""Run commands as a user would: outside this repository, with none of its environment."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "VENV", "PORT", "FRAMEWORK"}


def attempt(*command: str | Path, cwd: Path, stdin: str = "", **env: str | Path) -> subprocess.CompletedProcess[str]:
    """Run *command* to its end, whatever that is."""
    clean = {name: value for name, value in os.environ.items() if name not in _OURS}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**clean, **{name: str(value) for name, value in env.items()}},
        input=stdin,
        capture_output=True,
        text=True,
    )


def run(*command: str | Path, cwd: Path, stdin: str = "", **env: str | Path) -> str:
    """Return what *command* printed; fail with all of it when it ends with an error."""
    done = attempt(*command, cwd=cwd, stdin=stdin, **env)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def copy_checkout(folder: Path) -> Path:
    """Copy this repository, to build it where nobody else reads; something small stands in for what was fetched."""
    fetched = {"node_modules", "build", ".venv"}
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")

    def ignore(parent: str, names: list[str]) -> set[str]:
        hidden = {name for name in names if name.startswith(".")} if Path(parent) == ROOT else set()
        return left_out(parent, names) | hidden | fetched & set(names)

    shutil.copytree(ROOT, folder, ignore=ignore)
    for name in fetched:
        (folder / name).mkdir()
        (folder / name / "fetched.py").touch()
    return folder


def make_once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder for the whole run, which the worker that asks first makes and the others wait for."""
    shared = temporary.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
