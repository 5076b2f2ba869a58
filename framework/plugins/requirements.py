"""Whether what a plugin requires is there: this framework, other plugins, in the right versions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from ..errors import PluginError
from ..version import __version__
from .discovery import Found, Known
from .plugin import Plugin


def check_requirements(found: Found, cls: type[Plugin[Any]], known: Mapping[str, Known]) -> None:
    """Make sure that the framework and the plugins that *cls* requires are there.

    Raises:
        PluginError: One is not, or in another version.
    """
    _check_framework(found, SpecifierSet(cls.requires_framework))
    for name, versions in cls._requirements.items():
        other = known.get(name)
        if other is None:
            raise PluginError(
                f"it requires {name}{versions}, and there is no plugin {name}. Install it, e.g. "
                f"{_install(f'framework-{name}', versions)}, or disable this one with {found.switch_off}."
            )
        if other.missing:
            raise PluginError(
                f"it requires {name}{versions}, which {other.missing}. Mend that, or disable this one, too: "
                f"{found.switch_off}."
            )
        if versions:
            _check_version(found, f"{name}{versions}", versions, other.found)


def _check_framework(found: Found, versions: SpecifierSet) -> None:
    if not versions.contains(__version__, prereleases=True):
        name = found.distribution or "the plugin"
        raise PluginError(
            f"it requires framework{versions}, and this is {__version__}. Install a version of {name} that is made for "
            f"this one, or another framework: {_install('framework', versions)}."
        )


def _check_version(found: Found, wanted: str, versions: SpecifierSet, other: Found) -> None:
    try:
        version = Version(other.version)
    except InvalidVersion as error:
        raise PluginError(
            f"it requires {wanted}, and {other.name} ({other.place}) has no version. Give its class one: version = '1.0'."
        ) from error
    if not versions.contains(version, prereleases=True):
        fix = _install(other.distribution, versions) if other.distribution else f"change {other.place}"
        raise PluginError(
            f"it requires {wanted}, and {other.name} is {version}. Take another version: {fix}, or disable this one "
            f"with {found.switch_off}."
        )


def _install(distribution: str, versions: SpecifierSet) -> str:
    return f"pip install {shlex.quote(f'{distribution}{versions}')}"
