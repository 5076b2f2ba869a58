"""``framework generate plugin`` and ``framework plugins``: as a user types them, up to two installed distributions."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from framework.errors import ScaffoldError
from framework.generate import create_plugin
from tests.template.tools import ROOT, attempt, read_tree, run

from .plugin_tools import PLUGIN, Site, site

__all__ = ["site"]

APPLICATION = """
from flask import Flask
from framework import Namespace, SocketIO

class Chat(Namespace):
    namespace = "/chat"

app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat])
"""
OWN = PLUGIN.format(class_name="Own", name="own", body="")
COMMANDS = """
    def commands(self):
        import click
        return [click.Command("own-command", callback=lambda: click.echo("hello from a plugin"))]
"""


def framework(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return attempt(sys.executable, "-m", "framework", *arguments, cwd=folder, **{"PYTHONPATH": ROOT, **env})


# -- framework plugins


def test_plugins_are_listed_with_what_they_add(site: Site) -> None:
    site.write("chat.py", APPLICATION)
    hooks = "    def namespaces(self):\n        return [Place]\n"
    place = "from framework import Namespace\nclass Place(Namespace):\n    namespace = '/own'\n"
    described = OWN.replace("    name", '    """What it is for."""\n    name')
    site.write("plugins/__init__.py", described + hooks + COMMANDS + place)
    done = framework(site.folder, "--app", "chat", "plugins")
    assert done.returncode == 0, done.stderr
    title, _, row = done.stdout.splitlines()
    assert title.split() == ["Name", "Version", "State", "Adds", "ms", "Source", "Description"]
    assert row.startswith("own   -        loaded  /own, 1 command  ")
    assert row.endswith("  plugins  What it is for.")


def test_plugins_are_listed_for_programs(site: Site) -> None:
    site.write("chat.py", APPLICATION)
    site.write("plugins/__init__.py", OWN + COMMANDS)
    (found,) = json.loads(framework(site.folder, "--app", "chat", "plugins", "--json").stdout)
    assert found.pop("import_s") > 0
    assert found.pop("init_s") > 0
    assert found == {
        "name": "own",
        "version": "-",
        "source": "plugins",
        "description": "",
        "state": "loaded",
        "reason": "",
        "adds": {"commands": ["own-command"]},
    }


@pytest.mark.once
@pytest.mark.parametrize("strict", ["1", "0"])
def test_plugin_that_fails_is_listed_with_its_reason_and_status_1(site: Site, strict: str) -> None:
    site.write("chat.py", APPLICATION)
    site.write("plugins/__init__.py", OWN + "    essential = True\n    def init(self, socketio, app): 1 / 0\n")
    done = framework(site.folder, "--app", "chat", "plugins", FRAMEWORK_STRICT_PLUGINS=strict)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "own   -        failed" in done.stdout
    assert done.stdout.endswith(
        "\n\nplugin own (plugins): init() raised ZeroDivisionError: division by zero (plugins/__init__.py:8). Mend it, "
        "or switch it off with FRAMEWORK_DISABLED_PLUGINS=own.\n"
    )


@pytest.mark.once
def test_plugin_that_is_switched_off_is_listed(site: Site) -> None:
    site.write("chat.py", APPLICATION)
    site.write("plugins/__init__.py", OWN)
    done = framework(site.folder, "--app", "chat", "plugins", FRAMEWORK_DISABLED_PLUGINS="own")
    assert done.returncode == 0
    assert "own   -        disabled" in done.stdout


@pytest.mark.once
def test_without_plugins_a_sentence_says_where_they_come_from(site: Site) -> None:
    site.write("chat.py", APPLICATION)
    assert framework(site.folder, "--app", "chat", "plugins").stdout == (
        "No plugins: none is installed, in the application's own 'plugins' package, or in SocketIO(plugins=[...]).\n"
    )
    assert framework(site.folder, "--app", "chat", "plugins", "--json").stdout == "[]\n"


@pytest.mark.once
def test_plugin_that_fails_ends_other_commands_with_a_sentence(site: Site) -> None:
    site.write("chat.py", APPLICATION)
    site.write("plugins/__init__.py", "1 / 0")
    done = framework(site.folder, "--app", "chat", "routes", FRAMEWORK_STRICT_PLUGINS="1")
    assert done.returncode == 2
    assert "Error: PluginError: plugin plugins (plugins): its import raised ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def test_command_of_a_plugin_is_one_of_framework_and_of_flask(site: Site) -> None:
    site.write("chat.py", APPLICATION)
    site.write("plugins/__init__.py", OWN + COMMANDS)
    for program in ("framework", "flask"):
        done = attempt(sys.executable, "-m", program, "--app", "chat", "own-command", cwd=site.folder, PYTHONPATH=ROOT)
        assert done.stdout == "hello from a plugin\n", done.stderr


# -- framework generate plugin


@pytest.mark.once
def test_generated_plugin_is_named_everywhere(tmp_path: Path) -> None:
    done = framework(tmp_path, "generate", "plugin", "who_is_here")
    folder = tmp_path / "framework-who-is-here"
    assert done.stdout == f"Generated {folder}. Its README says how to install and test it.\n"
    files = read_tree(folder)
    assert sorted(files) == [
        ".gitignore",
        "README.md",
        "framework_who_is_here/__init__.py",
        "framework_who_is_here/py.typed",
        "pyproject.toml",
        "setup.cfg",
        "tests/test_who_is_here.py",
    ]
    assert b"who_is_here = framework_who_is_here:WhoIsHere" in files["setup.cfg"]
    assert b"FRAMEWORK_WHO_IS_HERE_MAX_CLIENTS" in files["README.md"]
    for name, content in files.items():
        assert b"{{" not in content, name
        assert b"cookiecutter" not in content, name


@pytest.mark.once
def test_generated_plugin_passes_its_own_checks(tmp_path: Path) -> None:
    folder = create_plugin("presence", tmp_path / "made")
    here = {"PYTHONPATH": f"{folder}:{ROOT}"}
    fixture = (
        []
        if "framework" in run(sys.executable, "-m", "pip", "list", cwd=tmp_path)
        else ["-p", "framework.testing.plugin"]
    )
    assert " passed" in run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *fixture, cwd=folder, **here)
    assert "Success" in run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "mypy", cwd=folder)
    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".", cwd=folder)
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "--line-length", "120", ".", cwd=folder)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rate-limit", "'rate-limit' can't be a plugin's name: it is lower-case letters, digits and underscores, and starts with a letter. Try rate_limit."),
        ("2fast", "Try fast."),
        ("Presence", "Try presence."),
        ("../up", "Try up."),
        ("", "Try presence."),
        ("人", "Try presence."),
        ("class", "'class' can't be a plugin's name: it is a word of Python's own. Try class_plugin."),
    ],
)  # fmt: skip
def test_name_that_can_not_work_is_refused_with_a_better_one(tmp_path: Path, name: str, said: str) -> None:
    done = framework(tmp_path, "generate", "plugin", name)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.once
def test_folder_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ScaffoldError, match="exists already. Name another folder, or remove it"):
        create_plugin("presence", tmp_path)
    done = framework(tmp_path, "generate", "plugin", "presence", "--directory", "mine")
    assert done.returncode == 2
    assert read_tree(tmp_path) == {"mine": b"mine"}


# -- installed distributions


@pytest.mark.template
def test_two_wheels_in_an_empty_environment_are_discovered(wheel: Path, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    for source in (create_plugin("presence", tmp_path / "one"), create_plugin("who_is_here", tmp_path / "two")):
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", dist, source, cwd=tmp_path)
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    versions = [
        line.split(" ")[0] for line in (ROOT / "requirements/demo.txt").read_text().splitlines() if "==" in line
    ]
    (tmp_path / "constraints.txt").write_text("\n".join(versions))
    wheels = [wheel, *sorted(dist.glob("*.whl"))]
    run(binaries / "python", "-m", "pip", "install", *wheels, "--constraint", "constraints.txt", cwd=tmp_path)
    empty = tmp_path / "application"
    empty.mkdir()
    (empty / "chat.py").write_text(APPLICATION)

    found = json.loads(run(binaries / "framework", "--app", "chat", "plugins", "--json", cwd=empty))

    assert [(plugin["name"], plugin["version"], plugin["state"], plugin["source"]) for plugin in found] == [
        ("presence", "0.1.0", "loaded", "entry point presence = framework_presence:Presence"),
        ("who_is_here", "0.1.0", "loaded", "entry point who_is_here = framework_who_is_here:WhoIsHere"),
    ]
    assert found[0]["adds"] == {"middleware": ["Doorkeeper"], "receivers": ["client-connected"]}
    generated = run(binaries / "framework", "generate", "plugin", "third", cwd=empty)
    assert f"Generated {empty / 'framework-third'}" in generated
