"""The built distributions: what is in them, and that the wheel alone is enough to start from."""

from __future__ import annotations

import json
import re
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.tools import ROOT, run

REQUIREMENTS = ROOT / "requirements"
TEMPLATE_IN_WHEEL = "framework/_template/"


def files_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


@pytest.fixture(scope="module")
def wheel_names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment that holds nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=True)
    versions = re.findall(r"^(\S+==\S+?)(?: ;.*| \\)$", (REQUIREMENTS / "demo.txt").read_text(), re.MULTILINE)
    (folder / "constraints.txt").write_text("\n".join(versions))
    binaries = folder / "venv" / "bin"
    run(binaries / "python", "-m", "pip", "install", wheel, "--constraint", "constraints.txt", cwd=folder)
    return binaries


@pytest.mark.template
def test_wheel_holds_every_file_of_the_package_and_of_the_template(wheel_names: set[str]) -> None:
    package = {f"framework/{name}" for name in files_below(ROOT / "framework")}
    template = {f"{TEMPLATE_IN_WHEEL}{name}" for name in files_below(ROOT / "app_template")}

    assert "framework/py.typed" in package
    assert f"{TEMPLATE_IN_WHEEL}cookiecutter.json" in template
    assert {name for name in wheel_names if ".dist-info/" not in name} == package | template


@pytest.mark.template
def test_source_distribution_holds_no_tests_and_nothing_that_was_fetched(distributions: Path) -> None:
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        top = {name.split("/")[1] for name in archive.getnames() if "/" in name}

    assert {"app_template", "framework", "setup.cfg"} <= top
    assert not top & {"tests", "node_modules", "build", ".venv", "examples"}


@pytest.mark.template
def test_installed_wheel_explains_its_command(installed: Path, tmp_path: Path) -> None:
    assert "routes" in run(installed / "framework", "--help", cwd=tmp_path)


@pytest.mark.template
def test_installed_wheel_creates_an_application_with_all_its_files(installed: Path, tmp_path: Path) -> None:
    run(installed / "framework", "new", "--no-input", cwd=tmp_path)

    (application,) = tmp_path.iterdir()
    assert (application / application.name / "__init__.py").is_file()
    assert any(name.startswith(".") for name in files_below(application))
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.template
def test_application_created_by_the_wheel_lists_its_events(installed: Path, tmp_path: Path) -> None:
    run(installed / "framework", "new", "--no-input", cwd=tmp_path)
    (application,) = tmp_path.iterdir()

    routes = run(installed / "framework", "--app", application.name, "routes", cwd=application)

    assert "/chat" in routes


@pytest.mark.parametrize(
    "lock", [*(f"requirements/{name}.txt" for name in ("demo", "dev", "fuzz", "oldest")), "benchmarks/requirements.txt"]
)
def test_lock_file_has_a_hash_for_everything_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]

    assert "://" not in text
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("lock", ["package-lock.json", "benchmarks/package-lock.json"])
def test_lock_file_of_npm_has_a_hash_for_everything_and_names_no_registry(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    installed = [package for name, package in packages.items() if name]

    assert installed
    assert all("integrity" in package and "resolved" not in package for package in installed)


def test_runtime_lock_agrees_with_the_lock_of_the_tests() -> None:
    pins = {
        name: set(re.findall(r"^[\w.-]+==[\w.]+", (REQUIREMENTS / name).read_text(), re.MULTILINE))
        for name in ("demo.txt", "dev.txt")
    }

    assert pins["demo.txt"] <= pins["dev.txt"]
