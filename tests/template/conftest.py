from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from framework.scaffold import create_application
from tests.live import LiveServer
from tests.template.tools import ROOT, make_once, run


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions of this repository's lock file, without the hashes that a wheel of our own can't have."""
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    versions = re.findall(r"^([\w.-]+==[^\s;]+(?: ; .+?)?) \\$", lock, re.MULTILINE)
    file = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    file.write_text("\n".join(versions))
    return file


@pytest.fixture(scope="session", params=["threading", "gevent"])
def async_mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def application(async_mode: str, wheel: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated application with an environment of its own, which the application's Makefile has made."""

    def generate(folder: Path) -> None:
        create_application(folder / "chat", {"async_mode": async_mode}, no_input=True)
        run(
            "make",
            ".venv/.installed",
            f"PYTHON={sys.executable}",
            f"FRAMEWORK={wheel}",
            cwd=folder / "chat",
            PIP_CONSTRAINT=constraints,
        )

    return make_once(tmp_path_factory, f"application-{async_mode}", generate) / "chat"


class ApplicationServer(LiveServer):
    """A generated application, served by a command of its own environment."""

    def __init__(self, folder: Path, *command: str | Path, env: Mapping[str, str] | None = None) -> None:
        self._own_command = [str(part) for part in command]
        own = {"PYTHONPATH": "", "FRAMEWORK_ASYNC_MODE": "", "PYTHONWARNINGS": "", **(env or {})}
        super().__init__("chat", cwd=folder, env=own)

    def _command_for(self, *args: object) -> list[str]:
        return [part.replace("{port}", str(self.port)) for part in self._own_command]


@pytest.fixture(scope="session")
def production(application: Path):
    """The application as it is served in production: gunicorn, with the application's own configuration."""
    with ApplicationServer(
        application, application / ".venv/bin/gunicorn", env={"FLASK_SECRET_KEY": "for tests"}
    ) as server:
        yield server


@pytest.fixture(scope="session")
def development(application: Path):
    """The application as ``make run`` serves it."""
    with ApplicationServer(application, "make", "run", "PORT={port}") as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "application" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.template)
