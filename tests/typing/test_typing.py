"""The package, the plugins, the examples and the claims beside this file, for both type checkers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.live import ROOT

pytestmark = pytest.mark.typing

# What `make typecheck` checks too; `make test` leaves it to these tests, once is enough.
PLUGINS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("plugins/*/framework_*") if path.is_dir())
CHECKED = ["framework", *PLUGINS, "examples", "tests/typing"]


def test_mypy_finds_nothing_in_strict_mode() -> None:
    _check([sys.executable, "-m", "mypy", "--strict", *CHECKED])


def test_pyright_finds_nothing() -> None:
    _check([*_pyright(), "--pythonpath", sys.executable, *CHECKED])


def _check(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def _pyright() -> list[str]:
    pyright = ROOT / "node_modules" / ".bin" / "pyright"
    assert pyright.exists(), "pyright is not installed: run 'npm ci' in the root of the repository."
    return [str(pyright)]
