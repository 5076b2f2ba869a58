from __future__ import annotations

import compileall
import itertools
import sys
from pathlib import Path

import pytest
import yaml

from framework import scaffold
from framework.errors import ScaffoldError
from framework.scaffold import create_application, read_questions, template_path
from tests.template.tools import ROOT, attempt, read_tree, run

DOCKER_FILES = {"Dockerfile", "compose.yaml", ".dockerignore"}
COMBINATIONS = list(itertools.product(["threading", "gevent"], ["yes", "no"]))


@pytest.fixture(scope="module", params=COMBINATIONS, ids="-".join)
def combination(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    async_mode, docker = request.param
    folder = tmp_path_factory.mktemp("combination") / "talk"
    create_application(folder, {"async_mode": async_mode, "docker": docker}, no_input=True)
    return async_mode, docker, folder


def test_nothing_of_the_template_language_is_left(combination: tuple[str, str, Path]) -> None:
    for name, content in read_tree(combination[2]).items():
        assert "cookiecutter" not in name
        assert b"cookiecutter" not in content, name
        if not name.endswith((".html", ".min.js")):
            assert b"{%" not in content, name
            assert b"{{" not in content.replace(b"${{ matrix.python }}", b""), name


def test_flask_template_keeps_its_own_braces(combination: tuple[str, str, Path]) -> None:
    page = combination[2] / "talk" / "templates" / "index.html"
    assert "{{ url_for('static', filename='app.js') }}" in page.read_text()


def test_every_text_file_ends_with_one_newline(combination: tuple[str, str, Path]) -> None:
    for name, content in read_tree(combination[2]).items():
        if "vendor" not in name:
            assert content.endswith(b"\n"), name
            assert not content.endswith(b"\n\n"), name


def test_generated_python_is_formatted_and_compiles(combination: tuple[str, str, Path]) -> None:
    folder = combination[2]
    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".", cwd=folder)
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".", cwd=folder)
    assert compileall.compile_dir(folder, quiet=1)


def test_choices_decide_which_files_there_are(combination: tuple[str, str, Path]) -> None:
    async_mode, docker, folder = combination
    assert {name for name in DOCKER_FILES if (folder / name).exists()} == (DOCKER_FILES if docker == "yes" else set())
    assert ("gevent" in (folder / "requirements.txt").read_text()) is (async_mode == "gevent")
    assert ("redis" in (folder / "requirements.txt").read_text()) is (docker == "yes")
    assert ("gevent" in (folder / "gunicorn.conf.py").read_text()) is (async_mode == "gevent")
    assert ("docker" in (folder / "README.md").read_text()) is (docker == "yes")


def test_deployment_files_can_be_read(combination: tuple[str, str, Path]) -> None:
    _, docker, folder = combination
    workflow = yaml.safe_load((folder / ".github" / "workflows" / "ci.yml").read_text())
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert {"run": "make test"} in workflow["jobs"]["test"]["steps"]
    if docker == "yes":
        services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
        assert services["web"]["environment"]["FRAMEWORK_MESSAGE_QUEUE"] == "redis://broker:6379/0"
        assert set(services["web"]["depends_on"]) == set(services) - {"web"} == {"broker"}


@pytest.mark.once
def test_all_ways_to_generate_give_the_same_application(tmp_path: Path) -> None:
    ways = {
        "new": (sys.executable, "-m", "framework", "new"),
        "repository": (sys.executable, "-m", "cookiecutter", ROOT),
        "directory": (sys.executable, "-m", "cookiecutter", ROOT, "--directory", "app_template"),
    }
    made = {}
    for way, command in ways.items():
        folder = tmp_path / way
        folder.mkdir()
        answers = ("project_name=Team Talk", "async_mode=gevent")
        run(*command, "--no-input", *answers, cwd=folder, HOME=tmp_path / "home", PYTHONPATH=ROOT)
        made[way] = read_tree(folder)
    assert made["new"] == made["repository"] == made["directory"]
    assert "team_talk/team_talk/__init__.py" in made["new"]


@pytest.mark.once
def test_new_asks_for_what_is_not_given(tmp_path: Path) -> None:
    answers = "Team Talk\n\nWhere the team talks.\n2\nn\n"
    run(sys.executable, "-m", "framework", "new", cwd=tmp_path, stdin=answers, PYTHONPATH=ROOT)
    folder = tmp_path / "team_talk"
    assert "Where the team talks." in (folder / "README.md").read_text()
    assert "gevent" in (folder / "requirements.txt").read_text()
    assert not (folder / "Dockerfile").exists()


@pytest.mark.once
def test_new_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run(sys.executable, "-m", "framework", "new", "chat", "--no-input", cwd=tmp_path, HOME=home, PYTHONPATH=ROOT)
    assert list(home.iterdir()) == []


def test_folder_gives_the_application_its_name(tmp_path: Path) -> None:
    made = create_application(tmp_path / "my-chat", no_input=True)
    assert made == tmp_path / "my-chat"
    assert (made / "my_chat" / "__init__.py").is_file()
    assert (made / "README.md").read_text().startswith("# My Chat\n")


def test_without_a_folder_the_package_gives_its_name_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert create_application(no_input=True) == tmp_path / "chat"
    with pytest.raises(ScaffoldError, match="'chat' exists already"):
        create_application(no_input=True)


def test_name_in_another_script_gives_a_package_that_can_be_imported(tmp_path: Path) -> None:
    made = create_application(tmp_path / "made", {"project_name": "聊天 it's"}, no_input=True)
    assert (made / "liao_tian_it_s" / "__init__.py").is_file()
    assert "聊天 it's" in (made / "liao_tian_it_s" / "web.py").read_text()


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    create_application(tmp_path / "chat", no_input=True)
    assert (tmp_path / "chat" / "Makefile").is_file()


def test_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "mine").write_text("mine")
    with pytest.raises(ScaffoldError, match="exists already"):
        create_application(tmp_path / "chat", no_input=True)
    assert read_tree(tmp_path / "chat") == {"mine": b"mine"}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"project_slug": "my-chat"}, "project_slug is 'my-chat'; it becomes a Python package"),
        ({"project_slug": "2chat"}, "has to start with a letter"),
        ({"project_slug": ""}, "has to start with a letter"),
        ({"project_slug": "../chat"}, "only lower-case letters"),
        ({"project_slug": "class"}, "Try project_slug=class_app"),
        ({"project_slug": "queue"}, "a word that Python or a library already uses"),
        ({"project_slug": "framework"}, "a word that Python or a library already uses"),
        ({"project_name": 'The "Chat"'}, "without double quotes"),
        ({"project_name": " ", "project_slug": "chat"}, "project_name is ' '"),
        ({"description": "two\nlines"}, "one line of text"),
        ({"async_mode": "eventlet"}, "the choices are"),
        ({"docker": "perhaps"}, "could not be converted to a boolean"),
        ({"colour": "red"}, "does not ask for 'colour'. It asks for: project_name, "),
    ],
)
def test_answer_that_cannot_work_is_refused_and_nothing_is_written(
    tmp_path: Path, answers: dict[str, str], reason: str
) -> None:
    with pytest.raises(ScaffoldError, match=reason):
        create_application(tmp_path / "made", answers, no_input=True)
    assert list(tmp_path.iterdir()) == []


def test_cookiecutter_refuses_the_same_answers(tmp_path: Path) -> None:
    done = attempt(
        *(sys.executable, "-m", "cookiecutter", ROOT, "--no-input", "project_slug=my-chat"),
        cwd=tmp_path,
        HOME=tmp_path / "home",
    )
    assert done.returncode != 0
    assert "Error: project_slug is 'my-chat'; it becomes a Python package" in done.stderr
    assert not (tmp_path / "my-chat").exists()


def test_questions_are_those_of_the_template() -> None:
    assert list(read_questions()) == ["project_name", "project_slug", "description", "async_mode", "docker"]


def test_template_of_the_package_is_found_before_that_of_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert template_path() == ROOT / "app_template"
    (tmp_path / "cookiecutter.json").write_text("{}")
    monkeypatch.setattr(scaffold, "_PACKAGED", tmp_path)
    assert template_path() == tmp_path


def test_missing_template_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "_PACKAGED", tmp_path / "none")
    monkeypatch.setattr(scaffold, "_CHECKOUT", tmp_path / "none")
    with pytest.raises(ScaffoldError, match="Install the package again"):
        template_path()


def test_template_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "template"
    (broken / "hooks").mkdir(parents=True)
    (broken / "{{ cookiecutter.project_slug }}").mkdir()
    (broken / "{{ cookiecutter.project_slug }}" / "file").write_text("{{ cookiecutter.nothing }}")
    for name in ("cookiecutter.json", "hooks/pre_gen_project.py"):
        (broken / name).write_bytes((template_path() / name).read_bytes())
    monkeypatch.setattr(scaffold, "_PACKAGED", broken)
    with pytest.raises(ScaffoldError, match="could not be generated"):
        create_application(tmp_path / "made", no_input=True)
    assert not (tmp_path / "made").exists()
