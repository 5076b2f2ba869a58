"""``framework diff``: files, revisions of git, the application as it is; how it ends, and what it says when it can't."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .live import child_environment

APPLICATION = '''
from flask import Flask
from framework import Namespace, SocketIO

print("told at import")

class Chat(Namespace):
    namespace = "/chat"

    def on_post(self, text: str{more}) -> int:
        """Say something."""
        return 1

def create_app():
    app = Flask(__name__)
    SocketIO(app, namespaces=[Chat])
    return app
'''
BREAK = "breaking  /chat post argument room  It is new, and has to be sent. [argument_added]\n\n1 breaking\n"


def git(folder: Path, *arguments: str) -> None:
    about = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *about, *arguments], cwd=folder, check=True, capture_output=True)


def run(folder: Path, *arguments: str, app: str | None = None) -> subprocess.CompletedProcess[str]:
    given = ["--app", app] if app else []
    command = [sys.executable, "-m", "framework", *given, *arguments]
    environment = {name: value for name, value in child_environment().items() if name != "FLASK_APP"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def write_app(path: Path, more: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(APPLICATION.format(more=more), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the application as it was, committed, and as it is, with one more argument."""
    project = tmp_path / "project"
    write_app(project / "chat.py")
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "Chat")
    git(project, "tag", "v1")
    write_app(project / "chat.py", ", room: str")
    return project


def write_contract(folder: Path, name: str) -> None:
    done = run(folder, "contract", "-o", name, app="chat:create_app")
    assert done.returncode == 0, done.stderr


@pytest.mark.once
def test_a_break_between_two_files_ends_with_1(folder: Path) -> None:
    write_contract(folder, "new.json")
    write_app(folder / "chat.py")
    write_contract(folder, "old.json")
    done = run(folder, "diff", "old.json", "new.json")
    assert (done.returncode, done.stdout) == (1, BREAK)
    done = run(folder, "diff", "old.json", "old.json")
    assert (done.returncode, done.stdout) == (0, "No changes.\n")
    done = run(folder, "diff", "--format", "json", "new.json", "old.json")
    assert [change["what"] for change in json.loads(done.stdout)] == ["argument_removed"]
    done = run(folder, "diff", "old.json", "new.json", "--format", "markdown")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "### Contract: 1 breaking")


def test_a_revision_is_compared_with_the_application_as_it_is(folder: Path) -> None:
    done = run(folder, "diff", "git:v1", app="chat:create_app")
    assert (done.returncode, done.stdout) == (1, BREAK), done.stderr
    assert run(folder, "diff", "git:HEAD", "git:v1", app="chat:create_app").stdout == "No changes.\n"
    status = subprocess.run(["git", "status", "--porcelain", "chat.py"], cwd=folder, capture_output=True, text=True)
    assert status.stdout == " M chat.py\n", "the checkout stays as it is"


@pytest.mark.once
def test_a_contract_that_is_kept_in_git_is_read_from_there(folder: Path) -> None:
    write_contract(folder, "contract.json")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "More")
    done = run(folder, "diff", "git:HEAD:contract.json", app="chat:create_app")
    assert (done.returncode, done.stdout) == (0, "No changes.\n"), done.stderr
    assert run(folder, "diff", "git:v1", "git:HEAD:contract.json", app="chat:create_app").returncode == 1


@pytest.mark.once
def test_an_application_in_a_folder_of_the_repository_is_found(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write_app(project / "server" / "app.py")
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "Chat")
    write_app(project / "server" / "app.py", ", room: str")
    done = run(project / "server", "diff", "git:HEAD")
    assert (done.returncode, done.stdout) == (1, BREAK), done.stderr


@pytest.mark.once
def test_an_application_that_is_imported_from_its_checkout_comes_from_the_revision(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_app(folder / "src" / "talk.py")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Talk")
    write_app(folder / "src" / "talk.py", ", room: str")
    monkeypatch.setenv("PYTHONPATH", str(folder / "src"))
    done = run(folder, "diff", "git:HEAD", app="talk:create_app")
    assert (done.returncode, done.stdout) == (1, BREAK), done.stderr


@pytest.mark.once
def test_an_application_that_is_not_of_the_repository_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_app(tmp_path / "elsewhere" / "talk.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    done = run(folder, "diff", "git:v1", app="talk:create_app")
    assert done.returncode == 2
    assert "Error: git:v1: the application can't be asked what it promises: talk is imported from " in done.stderr
    assert "compare git:REV:FILE" in done.stderr


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.json"], "nowhere.json can't be read: No such file or directory."),
        (["chat.py"], "chat.py is no contract"),
        (["git:"], "'git:' names no revision"),
        (["git:--output=x"], "names no revision"),
        (["git:nowhere"], "git says: "),
        (["git:v1:nowhere.json"], "git says: "),
    ],
)
def test_what_can_not_be_read_is_one_sentence_and_status_2(folder: Path, arguments: list[str], said: str) -> None:
    done = run(folder, "diff", *arguments, app="chat:create_app")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.once
def test_an_application_that_fails_at_import_says_why(folder: Path) -> None:
    (folder / "broken.py").write_text("raise RuntimeError('no database')\n", "utf-8")
    (folder / "plain.py").write_text("from flask import Flask\napp = Flask(__name__)\n", "utf-8")
    write_contract(folder, "old.json")
    done = run(folder, "diff", "old.json", app="broken")
    assert done.returncode == 2
    assert "no database" in done.stderr
    done = run(folder, "diff", "old.json", app="plain")
    assert "no SocketIO of the framework in 'plain'" in done.stderr
    done = run(folder, "diff", "old.json", app="nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr


@pytest.mark.once
def test_outside_of_a_repository_git_says_so(tmp_path: Path) -> None:
    write_app(tmp_path / "app.py")
    done = run(tmp_path, "diff", "git:HEAD")
    assert done.returncode == 2
    assert "not a git repository" in done.stderr


@pytest.mark.once
def test_without_git_files_can_still_be_compared(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_contract(folder, "old.json")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(folder, "diff", "old.json", "old.json").returncode == 0
    done = run(folder, "diff", "git:v1", app="chat:create_app")
    assert (done.returncode, done.stderr) == (2, "Error: git is not installed; compare two files instead.\n")
