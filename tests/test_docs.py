"""README and docs say what is so: their blocks run, and nothing public is missing from them.

How a block is marked is described in CONTRIBUTING.md, "Documentation".
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import click
import engineio
import pytest
from blinker import NamedSignal
from gunicorn.config import Config

import framework
import framework.testing
from framework import Limits, Plugin, signals
from framework.cli import cli
from framework.plugins.hooks import HOOKS
from tests.live import ROOT, LiveServer, child_environment

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
PLUGINS = sorted((ROOT / "plugins").glob("*/"))
SOURCES = sorted((ROOT / "framework").rglob("*.py"))
FIRST_SCREEN_LINES = 35

_FENCE = re.compile(r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?$")
_NOT_RUN = re.compile(r"^<!-- not run: .+ -->$")
_OTHER_PROGRAMS = {".", "cookiecutter", "gunicorn", "npm"}


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Args:
        line: Of its first line of text, counted from 1.
        title: The file that it is, or empty.
    """

    page: Path
    line: int
    language: str
    title: str
    text: str
    is_run: bool


@dataclass(frozen=True)
class Command:
    """A line with a ``$`` in a console block, and what is printed under it."""

    words: list[str]
    output: list[str]

    @property
    def program(self) -> str:
        return self.words[0]

    def has(self, *words: str) -> bool:
        return all(word in self.words for word in words)


def read_blocks(page: Path) -> list[Block]:
    blocks, lines = [], page.read_text("utf-8").splitlines()
    start, fence, before = 0, None, ""
    for number, line in enumerate(lines, 1):
        if fence is None:
            if line.startswith("```"):
                fence, start = _FENCE.match(line), number + 1
                assert fence is not None, f"{page}:{number}: what is {line}?"
            elif line.strip():
                before = line
        elif line == "```":
            text = "\n".join(lines[start - 1 : number - 1]) + "\n"
            is_run = not _NOT_RUN.match(before)
            blocks.append(Block(page, start, fence["language"], fence["title"] or "", text, is_run))
            fence, before = None, ""
    assert fence is None, f"{page}: a block is not closed"
    return blocks


def read_commands(block: Block) -> list[Command]:
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(shlex.split(line[2:], comments=True), []))
        else:
            assert found, f"{block.page}:{block.line}: a console block starts with a command"
            found[-1].output.append(line)
    return found


def all_commands() -> list[tuple[Path, Command]]:
    blocks = [block for page in PAGES for block in read_blocks(page) if block.language == "console"]
    return [(block.page, command) for block in blocks for command in read_commands(block)]


class PageRun:
    """The blocks of one page, run in their order in a folder and a module of their own.

    Args:
        live: Serve what ``$ framework run`` serves, and run ``$ node``; the rest is left out.
    """

    def __init__(self, page: Path, folder: Path, *, live: bool = False) -> None:
        self.folder = folder
        self.page = page
        self.live = live
        self.server: LiveServer | None = None
        self.module = types.ModuleType(f"page_{re.sub(r'[^a-z]', '_', page.stem.lower())}")

    def run(self) -> None:
        for earlier in _pages_before(self.page):
            for block in read_blocks(earlier):
                self._write(block)
        try:
            for block in read_blocks(self.page):
                if block.is_run:
                    self._run_block(block)
        finally:
            if self.server is not None:
                self.server.stop()

    def _run_block(self, block: Block) -> None:
        if block.language == "json":
            json.loads(block.text)
        if block.title:
            self._write(block)
        elif block.language == "python" and not self.live:
            padding = "\n" * (block.line - 1)  # so that a traceback shows the line of the page
            exec(compile(padding + block.text, str(block.page), "exec"), vars(self.module))
        elif block.language == "console":
            for command in read_commands(block):
                self._run_command(command)

    def _write(self, block: Block) -> None:
        if not block.title:
            return
        text = block.text
        if block.language == "js" and "import { io }" not in text:
            text = 'import { io } from "socket.io-client";\n' + text
        path = self.folder / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        if path.suffix == ".py":
            compile(text, str(path), "exec")
        if path.name == "gunicorn.conf.py":
            known = Config().settings.keys() | {"__builtins__"}
            assert {name for name in runpy.run_path(str(path)) if not name.startswith("__")} <= known

    def _run_command(self, command: Command) -> None:
        if self.live:
            if command.has("framework", "run") and command.output:
                self._serve(command)
            elif command.program == "node":
                printed = self.run_node(command.words[1])
                assert_printed(command.output, printed)
        elif command.program == "framework" and command.has("routes"):
            self._compare(command, ["-m", *command.words])
        elif command.program == "framework" and command.has("plugins"):
            self._compare(command, ["-m", *command.words], without_times)
        elif command.program == "pytest":
            plugin = [] if _is_installed() else ["-p", "framework.testing.plugin"]
            self._compare(command, ["-m", *command.words, "-p", "no:cacheprovider", *plugin])
        elif command.program == "python" and command.words[1] != "-m":
            self._compare(command, command.words[1:])

    def _compare(self, command: Command, arguments: list[str], normalize: Callable[[str], str] = str) -> None:
        environment = {**child_environment(), "COLUMNS": "80", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert_printed([normalize(line) for line in command.output], normalize(done.stdout))

    def _serve(self, command: Command) -> None:
        if self.server is not None:
            self.server.stop()
        app = command.words[command.words.index("--app") + 1]
        plain = {"FRAMEWORK_SERVER": "gunicorn"}  # as where no extra is installed, which the tests have
        self.server = LiveServer(app, debug=command.has("--debug"), cwd=self.folder, env=plain)
        self.server.start()
        for line in command.output:
            self.server.wait_for_log(line.replace(":5000", f":{self.server.port}") + "\n")

    def run_node(self, script: str) -> str:
        """Run a script of the page against the server, to the end of its text; return what it prints."""
        assert self.server is not None, "the page starts no server before"
        modules = self.folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(ROOT / "node_modules")
        text = (self.folder / script).read_text("utf-8").replace(":5000", f":{self.server.port}")
        path = self.folder / f"run-{script}"
        path.write_text(text + "process.exit();\n", "utf-8")
        done = subprocess.run(["node", str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def assert_printed(expected: list[str], printed: str) -> None:
    """Compare line by line; ``...`` stands for any lines."""
    pattern = r"\n".join(r"(?:.*\n)*.*" if line == "..." else re.escape(line.rstrip()) for line in expected)
    text = "\n".join(line.rstrip() for line in printed.splitlines())
    shown = "\n".join(expected)
    assert not expected or re.fullmatch(pattern, text), f"documented:\n{shown}\n\nprinted:\n{text}"


def without_times(text: str) -> str:
    """Replace milliseconds, and the width of columns that follows from them."""
    return re.sub(r"-{2,}", "--", re.sub(r" {2,}", "  ", re.sub(r"\b\d+\.\d\b", "0.0", text)))


def _pages_before(page: Path) -> list[Path]:
    """The pages of the tutorial share one folder."""
    return [other for other in sorted(page.parent.glob("[0-9]-*.md")) if other < page] if page.stem[0].isdigit() else []


def _is_installed() -> bool:
    return any(point.value == "framework.testing.plugin" for point in importlib.metadata.entry_points(group="pytest11"))


def _name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that Python imports from; what was imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "plugins", raising=False)  # this repository's folder of that name
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path) + os.sep):
            del sys.modules[name]


# -- what the pages show is so


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES, ids=_name_of)
def test_the_blocks_of_a_page_run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = PageRun(page, folder)
    monkeypatch.setitem(sys.modules, run.module.__name__, run.module)
    run.run()


@pytest.mark.docs
@pytest.mark.wire
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(found == page and c.program == "node" for found, c in all_commands())],
    ids=_name_of,
)
def test_the_javascript_of_a_page_runs(page: Path, folder: Path) -> None:
    PageRun(page, folder, live=True).run()


@pytest.mark.docs
@pytest.mark.wire
def test_the_client_of_the_readme_talks_to_its_server(folder: Path) -> None:
    run = PageRun(README, folder, live=True)
    for block in read_blocks(README):
        if block.title:
            run._write(block)
    served = next(command for page, command in all_commands() if page == README and command.has("framework", "run"))
    try:
        run._serve(served)
        assert run.run_node("client.mjs") == "hi\n2\n"
    finally:
        if run.server is not None:
            run.server.stop()


def test_the_first_screen_of_the_readme_has_all_that_matters() -> None:
    screen = README.read_text("utf-8").split("\n## ")[0].rstrip()
    assert len(screen.splitlines()) <= FIRST_SCREEN_LINES
    for part in ("```python", "```js", "$ framework --app chat run\n", "$ framework --app chat routes\n"):
        assert part in screen
    assert "`make demo`" in screen
    assert "`make test`" in screen


@pytest.mark.parametrize("page", PAGES, ids=_name_of)
def test_commands_have_the_options_that_are_shown(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+)(?: [a-z]+)*:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for found, command in all_commands():
        if found != page:
            continue
        if command.program == "framework":
            assert {word for word in command.words if word.startswith("-")} <= _options_for(command)
        elif command.program == "make":
            assert command.words[1] in targets
        else:
            assert command.program in {"node", "pytest", "python", *_OTHER_PROGRAMS}, command


def _options_for(command: Command) -> set[str]:
    name = next((word for word in command.words[1:] if word in cli.commands), None)
    assert name or command.has("--version") or command.has("--help"), f"no command in {command.words}"
    return _options(cli).union(*(_options(found) for path, found in _find_commands() if path.split()[0] == name))


def _find_commands(group: click.Group = cli, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what is typed for it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _find_commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _options(command: click.Command) -> set[str]:
    """Every way to write an option of *command*."""
    params = command.get_params(click.Context(command))
    return {
        word for param in params if isinstance(param, click.Option) for word in (*param.opts, *param.secondary_opts)
    }


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md"], ids=_name_of)
def test_links_outside_of_the_site_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\"]+)(?:#([^)]*))?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", (page.parent / target).read_text("utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


# -- nothing public is missing


def _reference(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("name", framework.__all__)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    pages = "\n".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    assert re.search(rf"framework\.{name}\b", pages)


@pytest.mark.parametrize("name", framework.testing.__all__)
def test_every_public_name_of_the_test_kit_is_in_the_reference(name: str) -> None:
    assert f"::: framework.testing.{name}\n" in _reference("testing")


def _find_settings() -> set[str]:
    text = "\n".join(source.read_text("utf-8") for source in SOURCES)
    named = re.findall(r"find_setting\(\w+, \"([A-Z_]+)\"\)|\{SETTING_PREFIX\}([A-Z_]+)|FRAMEWORK_([A-Z_]*[A-Z])", text)
    limits = (field.name.upper() for field in fields(Limits))
    return {"FRAMEWORK_" + name for name in ({one for found in named for one in found} | set(limits)) - {""}}


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"^\| `(FRAMEWORK_\w+)`", _reference("settings"), re.MULTILINE))
    assert documented == _find_settings()


def test_no_page_names_a_setting_that_there_is_not() -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        plugins = re.findall(r"^    name = \"(\w+)\"", text, re.MULTILINE) + [path.name for path in PLUGINS]
        theirs = tuple(f"FRAMEWORK_{name.upper()}_" for name in plugins)
        named = {name for name in re.findall(r"FRAMEWORK_[A-Z_]*[A-Z]", text) if not name.startswith(theirs)}
        assert named <= _find_settings(), page


def _names_of_plugin() -> list[str]:
    return [name for name in (*vars(Plugin), *Plugin.__annotations__) if not name.startswith("_")]


@pytest.mark.parametrize("name", dict.fromkeys(_names_of_plugin()))
def test_every_attribute_and_hook_of_a_plugin_is_documented(name: str) -> None:
    assert re.search(rf"`{name}(?:\(\))?`", _reference("plugins"))


def test_every_hook_of_a_plugin_that_gives_something_is_in_the_table() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", _reference("plugins").partition("## Hooks")[2], re.MULTILINE)
    assert documented == ["init", *(hook.name for hook in HOOKS)]


@pytest.mark.parametrize("field", fields(Limits), ids=lambda field: field.name)
def test_the_documented_default_of_a_limit_is_its_default(field: object) -> None:
    name, default = field.name, field.default  # type: ignore[attr-defined]
    row = re.search(rf"^\| `FRAMEWORK_{name.upper()}` \| ([\d_]+) \|", _reference("settings"), re.MULTILINE)
    assert row is not None
    assert int(row[1]) == default
    assert f"`{name}`" in _reference("limits")


def _find_codes() -> set[str]:
    ours = [source for source in SOURCES if "plugin_template" not in source.parts]
    text = "\n".join(re.sub(r'"""(?:.|\n)*?"""', "", source.read_text("utf-8")) for source in ours)
    calls = r"(?:EventError|refusal|_refusal|super\(\).__init__)\(\s*(?:str\(data\.get\(\"code\", )?\"([a-z_]+)\""
    return set(re.findall(calls, text)) | set(re.findall(r"\"code\": \"([a-z_]+)\"", text))


def test_every_error_code_is_documented_and_every_documented_one_is_sent() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", _reference("error-codes"), re.MULTILINE))
    assert documented == _find_codes()


def test_every_option_of_the_command_line_is_documented() -> None:
    page = _reference("cli")
    documented = re.findall(r"^## framework (\w+(?: \w+)*)$", page, re.MULTILINE)
    assert sorted(documented) == sorted(path for path, _ in _find_commands())
    for command in (cli, *(command for _, command in _find_commands())):
        for option in _options(command):
            assert f"`{option}" in page, f"{command.name}: {option}"


def test_no_option_is_documented_that_there_is_not() -> None:
    known = _options(cli).union(*(_options(command) for _, command in _find_commands()))
    assert set(re.findall(r"(?<=`)--?[a-z][a-z-]*", _reference("cli"))) <= known


def test_every_reason_of_a_disconnect_is_documented() -> None:
    reasons = engineio.Server.reason
    for name in (name for name in vars(reasons) if name.isupper()):
        assert f"| `{getattr(reasons, name)}` |" in _reference("life-cycle")


@pytest.mark.parametrize("name", [name for name, value in vars(signals).items() if isinstance(value, NamedSignal)])
def test_every_signal_is_documented_with_what_it_tells_and_is_sent(name: str) -> None:
    entry = re.search(rf"^### {name} .*?\n\n(.+?)(?=^##|\Z)", _reference("signals"), re.MULTILINE | re.DOTALL)
    assert entry, f"docs/reference/signals.md has no entry for {name}"
    sent = [
        path.read_text("utf-8") for path in Path(framework.__file__).parent.rglob("*.py") if path.name != "signals.py"
    ]
    found = re.search(rf"signals\.{name}, (?:[\w.]+sender, )?([^)]*)", "".join(sent))
    assert found, f"nobody sends {name}"
    for argument in re.findall(r"(\w+)=", found[1]):
        assert f"`{argument}`" in entry[1], f"{name} tells {argument}, which is not documented"


def test_every_module_has_its_layer() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    package = ROOT / "framework"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    packages = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert {name for name in modules | packages if f"`{name}`" not in page} == set()


OUR_PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "setup.cfg").is_file())


@pytest.mark.parametrize("name", OUR_PLUGINS)
def test_every_setting_of_our_plugins_is_on_its_page_and_used(name: str) -> None:
    module = importlib.import_module(f"framework_{name}")
    (plugin,) = [
        value for value in vars(module).values() if isinstance(value, type) and vars(value).get("name") == name
    ]
    page = (DOCS / "plugins" / f"{name}.md").read_text("utf-8")
    sources = "".join(path.read_text("utf-8") for path in Path(str(module.__file__)).parent.rglob("*.py"))
    assert plugin._model.model_fields
    for field in plugin._model.model_fields:
        setting = field.upper()
        assert re.search(rf"`(?:FRAMEWORK_{name.upper()}_)?{setting}`", page), f"{name}: {setting} is not on its page"
        assert re.search(rf"settings\.{field}\b|\b{field}=", sources), f"{name}: {setting} is not used"
