"""Run commands as a user would: outside this repository, with none of its environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

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


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
