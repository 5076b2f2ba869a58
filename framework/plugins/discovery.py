"""Where plugins come from: what the code gives, installed distributions, the application's own ``plugins`` package.

What can't be imported is found too, with the reason: whether that ends the start is for `loading` to say.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import pkgutil
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import flask

from ..errors import PluginError
from ..limits import SETTING_PREFIX
from ..signatures import render_place
from .plugin import Plugin

T = TypeVar("T")

logger = logging.getLogger("framework")

GROUP = "framework.plugins"
GIVEN = "SocketIO(plugins=...)"
ALL = "*"
NO_VERSION = "-"

# Whose lines say nothing about what an author's code raised.
_MACHINERY = ("<frozen", str(Path(importlib.__file__).parent), str(Path(__file__).parent))
_ESSENTIAL = re.compile(r"^\s+essential\b[^=\n]*=\s*True\b", re.MULTILINE)


class Found(NamedTuple):
    """One plugin, or what would be one if it could be imported.

    Args:
        name: The plugin's; the last part of the module's for a module that can't be imported.
        source: The entry point, the module, or ``SocketIO(plugins=...)``.
        cls: None where it was not imported.
        given: The instance that the code gave.
        distribution: The name to install it by; empty for the application's own.
        import_s: Seconds that its import took.
        error: Why it can't be used.
        says_essential: Whether the code that can't be imported has an essential plugin, as far as its text tells.
    """

    name: str
    source: str
    cls: type[Plugin[Any]] | None = None
    given: Plugin[Any] | None = None
    version: str = NO_VERSION
    distribution: str = ""
    import_s: float = 0.0
    error: PluginError | None = None
    says_essential: bool = False

    @property
    def is_essential(self) -> bool:
        """Whether the application must not run without it."""
        return self.cls.essential if self.cls is not None else self.says_essential

    @property
    def is_given(self) -> bool:
        """Whether the code names it, rather than that it was discovered."""
        return self.source == GIVEN

    @property
    def label(self) -> str:
        """``plugin presence 1.2.0``: how it is called in messages."""
        return f"plugin {self.name}" + (f" {self.version}" if self.version != NO_VERSION else "")

    @property
    def place(self) -> str:
        """Where it is, for messages: a class, with the entry point or the distribution that it came by."""
        dotted = f"{self.cls.__module__}.{self.cls.__qualname__}, " if self.cls is not None else ""
        return dotted + self.source + (f" of {self.distribution} {self.version}" if self.distribution else "")

    def blame(self, reason: str, cause: BaseException | None = None) -> PluginError:
        """Return an error that names the plugin and where it came from."""
        error = PluginError(f"{self.label} ({self.source}): {reason}")
        error.__cause__ = cause
        return error

    def fail(self, reason: str, cause: BaseException | None = None) -> Found:
        """Return this one with the reason why it can't be used."""
        return self._replace(error=self.blame(reason, cause))

    @property
    def switch_off(self) -> str:
        """Return the setting that leaves it out."""
        return f"{SETTING_PREFIX}DISABLED_PLUGINS={self.name}"


class Known(NamedTuple):
    """A plugin that another one may require.

    Args:
        missing: Why it is not loaded; empty for a loaded one.
    """

    found: Found
    missing: str = ""


def check_given(plugins: Iterable[Any]) -> list[Plugin[Any] | type[Plugin[Any]]]:
    """Return what ``SocketIO(plugins=...)`` was given.

    Raises:
        PluginError: One is no plugin, has no name, or is given twice.
    """
    if isinstance(plugins, str | type) or not isinstance(plugins, Iterable):
        raise PluginError(f"{GIVEN} is {plugins!r}; it is a list of Plugin classes and instances.")
    given = list(plugins)
    seen: set[type] = set()
    for plugin in given:
        cls = plugin if isinstance(plugin, type) else type(plugin)
        if not issubclass(cls, Plugin):
            raise PluginError(f"{GIVEN}: {plugin!r} is no Plugin class or instance.")
        if not cls.name:
            raise PluginError(
                f"{GIVEN}: {cls.__module__}.{cls.__qualname__} has no name. Give it one: name = 'presence'."
            )
        if cls in seen:
            raise PluginError(f"{GIVEN}: {cls.__module__}.{cls.__qualname__} is there twice. Leave one out.")
        seen.add(cls)
    return given


def find_plugins(
    given: Iterable[Plugin[Any] | type[Plugin[Any]]], app: flask.Flask, disabled: frozenset[str]
) -> list[Found]:
    """Return every plugin once, those that *disabled* leaves out included.

    Args:
        given: A class or an instance; it wins over the same class found elsewhere.
        disabled: Names; ``*`` is all that are not given. Neither entry points nor modules are imported for them, where
            that can be known before.
    """
    explicit = [_read_given(plugin) for plugin in given]
    once: dict[Any, Found] = {found.cls: found for found in explicit}
    for found in (*_find_installed(explicit, disabled), *_find_own(app, disabled)):
        key = found.cls or found.source
        known = once.setdefault(key, found)
        if found.distribution and not known.distribution:
            once[key] = known._replace(version=found.version, distribution=found.distribution)
    return list(once.values())


def _read_given(plugin: Plugin[Any] | type[Plugin[Any]]) -> Found:
    cls = plugin if isinstance(plugin, type) else type(plugin)
    instance = None if isinstance(plugin, type) else plugin
    return Found(cls.name, GIVEN, cls, instance, cls.version or NO_VERSION)


# -- installed distributions


def _find_installed(explicit: Iterable[Found], disabled: frozenset[str]) -> Iterator[Found]:
    given = {found.name: found.cls for found in explicit}
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        distribution = point.dist
        found = Found(
            point.name,
            f"entry point {point.name} = {point.value}",
            version=distribution.version if distribution else NO_VERSION,
            distribution=distribution.name if distribution else "",
        )
        if point.name in disabled or (ALL in disabled and point.name not in given):
            yield found
            continue
        loaded = _load_entry_point(found, point)
        if ALL not in disabled or loaded.cls is given[point.name]:
            yield loaded


def _load_entry_point(found: Found, point: EntryPoint) -> Found:
    fix = f"Mend or uninstall it, or switch it off with {found.switch_off}."
    cls, found = _import(found, point.module.partition(".")[0], point.load, fix)
    if found.error is not None:
        return found
    if not (isinstance(cls, type) and issubclass(cls, Plugin)):
        return found.fail(
            f"{point.value} is {cls!r}, and no Plugin class. An entry point is {found.name} = package:Class."
        )
    if cls.name != found.name:
        return found.fail(
            f"{cls.__qualname__}.name is {cls.name!r}; it has to be the entry point's name, so that the plugin can be "
            "switched off without importing it. Change one of the two."
        )
    return found._replace(cls=cls)


# -- the application's own package


def _find_own(app: flask.Flask, disabled: frozenset[str]) -> Iterator[Found]:
    spec = None if ALL in disabled else _find_package(app)
    if spec is None:
        return
    package, found = _import_module(spec.name)
    yield from _read_module(package, found)
    if package is not None:
        for info in pkgutil.iter_modules(package.__path__, f"{spec.name}."):
            yield from _read_module(*_import_module(info.name))


def _find_package(app: flask.Flask) -> ModuleSpec | None:
    """Return the ``plugins`` package that belongs to *app*: in its package, or beside its module."""
    module = sys.modules.get(app.import_name)
    package = app.import_name if hasattr(module, "__path__") else app.import_name.rpartition(".")[0]
    beside = Path(app.root_path, "plugins", "__init__.py")
    if package and package in sys.modules:
        spec = _find_spec(f"{package}.plugins")
        return spec if spec is not None and spec.submodule_search_locations and spec.origin else None
    if not beside.is_file():
        return None
    spec = _find_spec("plugins")
    if spec is not None and spec.origin and Path(spec.origin).resolve() == beside.resolve():
        return spec
    other = spec.origin or "a folder" if spec is not None else "not importable"
    logger.warning("%s is not read: the module 'plugins' is %s. Make the application a package.", beside.parent, other)
    return None


def _find_spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ValueError:  # it is imported, by something that left out its spec
        return None


def _import_module(name: str) -> tuple[ModuleType | None, Found]:
    found = Found(name.rpartition(".")[2], name)
    fix = "Mend it, or move it out of the package."
    module, found = _import(found, name, lambda: importlib.import_module(name), fix)
    return module, found


def _read_module(module: ModuleType | None, found: Found) -> Iterator[Found]:
    """Return the plugins that are defined in *module*, or why it could not be imported."""
    if module is None:
        yield found
        return
    for cls in list(vars(module).values()):
        is_plugin = isinstance(cls, type) and issubclass(cls, Plugin) and cls.__module__ == found.source
        if is_plugin and cls.name and not inspect.isabstract(cls):
            yield found._replace(name=cls.name, cls=cls, version=cls.version or NO_VERSION)


def _import(found: Found, module: str, load: Callable[[], T], fix: str) -> tuple[T | None, Found]:
    """Return what *load* gives, and how long it took or why it failed.

    Args:
        module: Where it is in, for what its text says when it can't be imported.
    """
    start = time.perf_counter()
    try:
        loaded = load()
    except (Exception, SystemExit) as error:
        failed = found.fail(f"its import raised {describe_error(error)}. {fix}", error)
        return None, failed._replace(says_essential=_says_essential(module))
    return loaded, found._replace(import_s=time.perf_counter() - start)


def _says_essential(module: str) -> bool:
    """Say whether the text of *module*, or of a module below it, declares an essential plugin; nothing is run."""
    spec = _find_spec(module)
    if spec is None or spec.origin is None:
        return False
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = [path for folder in folders for path in folder.rglob("*.py")] or [Path(spec.origin)]
    return any(_ESSENTIAL.search(path.read_text("utf-8", "replace")) for path in files if path.is_file())


def describe_error(error: BaseException) -> str:
    """Return the type and text of *error*, and the line that raised it."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"SyntaxError: {error.msg} ({render_place(error.filename, error.lineno or 0)})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_MACHINERY)]
    place = f" ({render_place(frames[-1].filename, frames[-1].lineno or 0)})" if frames else ""
    text = str(error).rstrip(".")
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}"
