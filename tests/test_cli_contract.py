"""``framework contract`` and ``framework stubs``: written, compared, and made by generators of others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from framework.contract import load_contract

from .live import child_environment

APPLICATION = """
from flask import Flask
from framework import Namespace, Plugin, SocketIO

class Chat(Namespace):
    namespace = "/chat"

    def on_post(self, text: str) -> int:
        return 1

def make_list(contract, options):
    lines = [f"{one.path} {event.name}" for one in contract.namespaces for event in one.client_events]
    return "\\n".join([options.get("title", "events"), *lines, ""])

class Lists(Plugin):
    name = "lists"

    def generators(self):
        yield "list", make_list

def create_app(plugin=True):
    app = Flask(__name__)
    SocketIO(app, namespaces=[Chat], plugins=[Lists] if plugin else [])
    return app
"""
BROKEN = """
def render(contract, options):
    raise KeyError("nothing")

def number(contract, options):
    return 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chat.py").write_text(APPLICATION)
    (tmp_path / "empty").mkdir()
    return tmp_path


def install(folder: Path, text: str, entry_points: str) -> None:
    """Install the distribution ``swift-stubs`` 3.1, as pip would leave it."""
    (folder / "swift_stubs.py").write_text(text)
    info = folder / "swift_stubs-3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: swift-stubs\nVersion: 3.1\n")
    (info / "entry_points.txt").write_text(f"[framework.generators]\n{entry_points}\n")


def framework(folder: Path, *args: str, inside: str = ".") -> subprocess.CompletedProcess[str]:
    environment = child_environment()
    environment["PYTHONPATH"] += f":{folder}"
    done = subprocess.run(
        [sys.executable, "-m", "framework", *args],
        cwd=folder / inside,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


# -- contract


def test_contract_is_printed(folder: Path) -> None:
    done = framework(folder, "--app", "chat", "contract")
    assert (done.returncode, done.stderr) == (0, "")
    assert [namespace.path for namespace in load_contract(done.stdout).namespaces] == ["/chat"]


def test_contract_is_written_and_compared(folder: Path) -> None:
    args = ("--app", "chat", "contract", "-o", "made/contract.json")
    missing = "made/contract.json is missing. The same command without --check writes it.\n"
    assert outcome(framework(folder, *args, "--check")) == (1, "", missing)
    assert outcome(framework(folder, *args)) == (0, "Wrote made/contract.json.\n", "")
    assert outcome(framework(folder, *args)) == (0, "made/contract.json is up to date.\n", "")
    assert outcome(framework(folder, *args, "--check")) == (0, "made/contract.json is up to date.\n", "")
    (folder / "chat.py").write_text(APPLICATION.replace("on_post", "on_say"))
    stale = "made/contract.json is stale. The same command without --check writes it.\n"
    assert outcome(framework(folder, *args, "--check")) == (1, "", stale)
    assert "say" not in (folder / "made/contract.json").read_text()


@pytest.mark.once
def test_file_of_another_encoding_is_stale(folder: Path) -> None:
    (folder / "contract.json").write_bytes(b"\xff\xfe")
    assert framework(folder, "--app", "chat", "contract", "-o", "contract.json", "--check").returncode == 1


@pytest.mark.once
def test_contract_is_the_same_from_run_to_run(folder: Path) -> None:
    first, second = (framework(folder, "--app", "chat", "contract").stdout for _ in range(2))
    assert first == second
    assert json.loads(first)["title"] == "chat"


@pytest.mark.once
@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["contract"], "no application. Name it with --app"),
        (["--app", "chat", "contract", "--check"], "--check compares with a file: name it with --output."),
        (["--app", "chat", "contract", "-o", "chat.py/x.json"], "chat.py/x.json can't be written: "),
        (["stubs", "typescript"], "no application. Name it with --app"),
        (["--app", "chat", "stubs", "fortran"], "no generator 'fortran'. There are: asyncapi, "),
        (["--app", "chat", "stubs", "list", "--option", "title"], "'title' is not KEY=VALUE"),
        (["stubs", "list", "--contract", "nowhere.json"], "File 'nowhere.json' does not exist"),
        (["--app", "chat", "stubs", "list", "--contract", "chat.py"], "chat.py is no contract: Invalid JSON"),
        (["--app", "nowhere", "stubs"], "Could not import 'nowhere'"),
    ],
)
def test_what_can_not_work_ends_with_2_and_a_sentence(folder: Path, args: Sequence[str], sentence: str) -> None:
    done = framework(folder, *args, inside="." if "chat" in args else "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


# -- stubs


@pytest.mark.once
def test_generators_are_listed_also_without_an_application(folder: Path) -> None:
    ours = ["asyncapi", "jsonschema", "markdown", "python", "typescript"]
    assert framework(folder, "stubs", inside="empty").stdout.split() == ours
    assert framework(folder, "--app", "chat", "stubs").stdout.split() == sorted([*ours, "list"])


@pytest.mark.once
def test_generator_of_a_plugin_makes_a_file_with_its_options(folder: Path) -> None:
    args = ("--app", "chat", "stubs", "list", "--option", "title=All=ours")
    assert outcome(framework(folder, *args)) == (0, "All=ours\n/chat post\n", "")
    assert outcome(framework(folder, *args, "-o", "list.txt")) == (0, "Wrote list.txt.\n", "")
    assert (folder / "list.txt").read_text() == "All=ours\n/chat post\n"
    assert framework(folder, *args, "-o", "list.txt", "--check").returncode == 0
    assert framework(folder, *args, "--option", "title=More", "-o", "list.txt", "--check").returncode == 1


@pytest.mark.once
def test_stored_contract_is_read_in_place_of_the_application_s(folder: Path) -> None:
    text = framework(folder, "--app", "chat", "contract").stdout.replace('"post"', '"said"')
    (folder / "empty" / "contract.json").write_text(text)
    theirs = framework(folder, "--app", "chat", "stubs", "list", "--contract", "contract.json", inside="empty")
    assert theirs.stdout == "events\n/chat said\n"
    ours = framework(folder, "stubs", "jsonschema", "--contract", "contract.json", inside="empty")
    assert ours.returncode == 0, ours.stderr
    assert "said" in ours.stdout


def test_generator_of_an_installed_distribution_is_found(folder: Path) -> None:
    text = "def render(contract, options): return contract.title + '!'"
    install(folder, text, "swift = swift_stubs:render")
    assert "swift" in framework(folder, "stubs", inside="empty").stdout.split()
    assert framework(folder, "--app", "chat", "stubs", "swift").stdout == "chat!"


@pytest.mark.once
@pytest.mark.parametrize(
    ("entry_point", "sentence"),
    [
        ("swift_stubs:render", "the generator 'swift' failed: KeyError: 'nothing' (swift_stubs.py:3)."),
        ("swift_stubs:number", "the generator 'swift' returned int; it returns a text."),
        (
            "swift_stubs:nowhere",
            "the generator 'swift' of swift-stubs 3.1 can't be imported: AttributeError: ",
        ),
        (
            "swift_nowhere:render",
            "the generator 'swift' of swift-stubs 3.1 can't be imported: ModuleNotFoundError: No module named 'swift_nowhere'",
        ),
    ],
)
def test_broken_generator_ends_with_2_and_its_name(folder: Path, entry_point: str, sentence: str) -> None:
    install(folder, BROKEN, f"swift = {entry_point}")
    done = framework(folder, "--app", "chat", "stubs", "swift", "-o", "swift.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert not (folder / "swift.txt").exists()
