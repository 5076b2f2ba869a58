"""Distributions with plugins, as pip would leave them in a folder that Python imports from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGIN = """
from framework import Plugin

class {class_name}(Plugin):
    name = "{name}"
{body}
"""


class Site:
    """A folder on ``sys.path``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def install(self, name: str, text: str, *, version: str = "1.2.0", value: str = "") -> None:
        """Install the distribution ``framework-<name>`` with the module ``framework_<name>``.

        Args:
            value: Of its entry point; a class with the plugin's name by default.
        """
        self.write(f"framework_{name}.py", text)
        info = f"framework_{name}-{version}.dist-info"
        self.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: framework-{name}\nVersion: {version}\n")
        value = value or f"framework_{name}:{name.title()}"
        self.write(f"{info}/entry_points.txt", f"[framework.plugins]\n{name} = {value}\n")

    def install_plugin(self, name: str, body: str = "", *, version: str = "1.2.0") -> None:
        """Install a plugin with *body* in its class."""
        indented = "".join(f"    {line}\n" for line in body.splitlines())
        self.install(name, PLUGIN.format(class_name=name.title(), name=name, body=indented), version=version)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty folder that is imported from; what was imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "plugins", raising=False)  # this repository's folder of that name
    yield Site(tmp_path)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path) + os.sep):
            del sys.modules[name]
