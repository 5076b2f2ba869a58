"""``framework generate``: files to go on from. A thin call to cookiecutter; it may import `errors` and `scaffold` only."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from .errors import ScaffoldError
from .scaffold import check_free, render_template

PLUGIN_TEMPLATE = Path(__file__).resolve().parent / "plugin_template"


def create_plugin(name: str, directory: str | Path | None = None) -> Path:
    """Write an installable plugin and return its folder. When that fails, nothing is left behind.

    Args:
        name: The plugin's: lower-case letters, digits and underscores.
        directory: The folder to make; it may exist when it is empty. ``framework-<name>`` by default, with hyphens.

    Raises:
        ScaffoldError: The name can't work, or the folder is taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        guess = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or "presence"
        raise ScaffoldError(
            f"'{name}' can't be a plugin's name: it is lower-case letters, digits and underscores, and starts with a "
            f"letter. Try {guess}."
        )
    if keyword.iskeyword(name):
        raise ScaffoldError(f"'{name}' can't be a plugin's name: it is a word of Python's own. Try {name}_plugin.")
    target = Path(directory) if directory is not None else Path(f"framework-{name.replace('_', '-')}")
    check_free(target)
    render_template(PLUGIN_TEMPLATE, target, {"name": name})
    return target.resolve()
