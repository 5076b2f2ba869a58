"""``framework new``: an application from the template that comes with the package.

A thin call to cookiecutter, so that ``cookiecutter <this repository>`` gives the same files. It may import `errors` only,
and imports cookiecutter when it is called.
"""

from __future__ import annotations

import json
import runpy
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ScaffoldError

_HERE = Path(__file__).resolve().parent
_PACKAGED = _HERE / "_template"
_CHECKOUT = _HERE.parent / "app_template"


def template_path() -> Path:
    """Return the folder of the template: the one in the installed package, else the one of the checkout.

    Raises:
        ScaffoldError: There is neither.
    """
    for folder in (_PACKAGED, _CHECKOUT):
        if (folder / "cookiecutter.json").is_file():
            return folder
    raise ScaffoldError(f"The template is missing: there is no {_PACKAGED}. Install the package again.")


def read_questions() -> dict[str, Any]:
    """Return what the template asks for, with the defaults: a text, a list of choices, or a yes or no."""
    asked = json.loads((template_path() / "cookiecutter.json").read_text("utf-8"))
    return {name: default for name, default in asked.items() if not name.startswith("_")}


def create_application(
    directory: str | Path | None = None, answers: Mapping[str, str] | None = None, *, no_input: bool = False
) -> Path:
    """Write a new application and return its folder. When that fails, nothing is left behind.

    Args:
        directory: The folder to make; it may exist when it is empty. It also gives the application its name, unless
            *answers* does. None makes a folder with the name of the package in the current one.
        answers: Answers to questions of the template by name, e.g. ``{"async_mode": "gevent"}``.
        no_input: Take the defaults for the other questions instead of asking on the terminal.

    Raises:
        ScaffoldError: The folder is taken, or an answer can't work.
    """
    given = dict(answers or {})
    if directory is not None:
        check_free(Path(directory))
        given.setdefault("project_name", _name_of(Path(directory)))
    final = _ask(given, no_input)
    target = Path(directory) if directory is not None else Path(final["project_slug"])
    check_free(target)
    render_template(template_path(), target, final)
    return target.resolve()


def check_free(folder: Path) -> None:
    """Make sure that *folder* can be made, or is empty.

    Raises:
        ScaffoldError: It is in use.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScaffoldError(f"'{folder}' exists already. Name another folder, or remove it.")


def _name_of(folder: Path) -> str:
    return folder.resolve().name.replace("-", " ").replace("_", " ").title()


def _ask(given: dict[str, str], no_input: bool) -> dict[str, Any]:
    from cookiecutter.generate import generate_context
    from cookiecutter.prompt import prompt_for_config

    questions = read_questions()
    for name in sorted(given.keys() - questions.keys()):
        raise ScaffoldError(f"The template does not ask for '{name}'. It asks for: {', '.join(questions)}.")
    try:
        context = generate_context(str(template_path() / "cookiecutter.json"), extra_context=given)
    except ValueError as error:
        raise ScaffoldError(f"An answer can't work: {error}") from error
    final = prompt_for_config(context, no_input)
    find_problem = runpy.run_path(str(template_path() / "hooks" / "pre_gen_project.py"))["find_problem"]
    if problem := find_problem(final):
        raise ScaffoldError(problem)
    return {name: final[name] for name in questions}


def render_template(source: Path, target: Path, answers: dict[str, Any]) -> None:
    """Write what the template in *source* makes of *answers* to *target*. When that fails, nothing is left behind.

    Raises:
        ScaffoldError: The template can't be rendered.
    """
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    with tempfile.TemporaryDirectory(prefix="framework-new-") as scratch:
        nobodys_config: Any = {"replay_dir": str(Path(scratch, "replay"))}  # a dict works, the annotation says bool
        template = Path(scratch, "template")  # without what pip compiled when it installed the package
        shutil.copytree(source, template, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            made = cookiecutter(
                str(template),
                no_input=True,
                extra_context=answers,
                output_dir=scratch,
                default_config=nobodys_config,
            )
        except CookiecutterException as error:
            raise ScaffoldError(f"'{target}' could not be generated: {error}") from error
        target.mkdir(parents=True, exist_ok=True)
        for path in Path(made).iterdir():
            shutil.move(path, target / path.name)
