"""What every test leaves as it found it, and what all of them share."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.dispatch import Dispatch
from tests.template.tools import copy_checkout, make_once, run


@pytest.fixture(autouse=True)
def log_settings() -> Iterator[None]:
    """Undo what a server that was started in this process has said about its log."""
    loggers = [logging.getLogger(name) for name in ("framework", "framework.events", "werkzeug")]
    before = [(logger, logger.level, [*logger.handlers], logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate


@pytest.fixture(params=["straight", pytest.param("long", marks=pytest.mark.once)])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have events go either way: as they do when nobody watches them, or as they do when somebody does."""
    if request.param == "long":
        monkeypatch.setattr(Dispatch, "compile", lambda self, route: None)


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that was built from it."""

    def build(folder: Path) -> None:
        source = copy_checkout(folder / "checkout")
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source, cwd=folder)

    return make_once(tmp_path_factory, "distributions", build) / "dist"


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The wheel of this repository."""
    (found,) = distributions.glob("*.whl")
    return found
