"""Refuse answers that would make a broken application, before anything is written.

`framework new` reads `find_problem` from this very file, so both ways to generate say the same.
"""

import keyword
import re
import sys

TAKEN = frozenset(
    {
        "blinker",
        "click",
        "engineio",
        "flask",
        "flask_socketio",
        "framework",
        "gevent",
        "gunicorn",
        "jinja2",
        "mypy",
        "pydantic",
        "pytest",
        "redis",
        "ruff",
        "socketio",
        "tests",
        "werkzeug",
    }
)


def find_problem(answers: dict[str, str]) -> str | None:
    """Say in one sentence why these answers can't work, or return None."""
    slug = answers["project_slug"]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        return (
            f"project_slug is {slug!r}; it becomes a Python package, so it has to start with a letter "
            "and have only lower-case letters, digits and underscores. Try project_slug=my_chat."
        )
    if keyword.iskeyword(slug) or slug in sys.stdlib_module_names or slug in TAKEN:
        return f"project_slug is {slug!r}, a word that Python or a library already uses. Try project_slug={slug}_app."
    for question in ("project_name", "description"):
        text = answers[question]
        if not text.strip() or not text.isprintable() or '"' in text or "\\" in text:
            return f"{question} is {text!r}; it has to be one line of text, without double quotes and backslashes."
    return None


if __name__ == "__main__":
    problem = find_problem(
        {
            "project_name": {{ cookiecutter.project_name | jsonify }},
            "project_slug": {{ cookiecutter.project_slug | jsonify }},
            "description": {{ cookiecutter.description | jsonify }},
        }
    )
    if problem:
        sys.exit(f"Error: {problem}")
