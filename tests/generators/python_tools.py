"""Generate a module, write it to a folder, import it."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from framework.contract import Contract
from framework.generators.python import render


def contract_of(app: Flask) -> Contract:
    found = app.extensions["socketio"].contract()
    assert isinstance(found, Contract)
    return found


def write_module(contract: Contract, folder: Path, name: str, **options: str) -> Path:
    """Write the generated module to ``folder/name.py``."""
    path = folder / f"{name}.py"
    path.write_text(render(contract, options), "utf-8")
    return path


def load_module(path: Path) -> Any:
    """Import a file under a name of its own; pydantic looks up names in ``sys.modules``."""
    name = f"generated_{path.stem}_{abs(hash(path))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def wait_for(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Return when *condition* holds; it is asked again and again."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
