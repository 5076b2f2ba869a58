"""Load an application's plugins: find, order, set up and add them, and say what became of each."""

from __future__ import annotations

import difflib
import logging
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import flask

from .. import signals
from ..errors import DuplicateNamespaceError, FrameworkError, PluginError
from ..limits import SETTING_PREFIX
from ..transport.carriers import Carrier
from .discovery import ALL, Found, Known, check_given, describe_error, find_plugins
from .hooks import NOTHING, Additions, check_clashes, collect
from .order import find_cycle, sort_plugins
from .plugin import Plugin
from .settings import read_disabled, read_settings, read_strict

if TYPE_CHECKING:
    from ..contract import Generator

P = TypeVar("P", bound=Plugin[Any])
T = TypeVar("T")
State = Literal["loaded", "disabled", "failed"]

logger = logging.getLogger("framework")

_report_only: ContextVar[bool] = ContextVar("report_only", default=False)


@contextmanager
def only_report() -> Iterator[None]:
    """Raise for no plugin meanwhile, not even an essential one: what looks at plugins wants to see the broken ones."""
    token = _report_only.set(True)
    try:
        yield
    finally:
        _report_only.reset(token)


@dataclass(frozen=True)
class PluginInfo:
    """What became of one plugin.

    Args:
        version: Of its distribution; ``-`` where it has none.
        source: The entry point, the module, or ``SocketIO(plugins=...)``.
        description: The first line of its docstring.
        state: ``loaded``, ``disabled`` or ``failed``.
        reason: Why it is not loaded.
        adds: The names of what each hook gave, e.g. ``{"namespaces": ("/presence",)}``.
        import_s: Seconds that its import took; 0 where the code had imported it.
        init_s: Seconds that `Plugin.init` and the other hooks took.
    """

    name: str
    version: str
    source: str
    description: str
    state: State
    reason: str = ""
    adds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    import_s: float = 0.0
    init_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Seconds that import and start took."""
        return self.import_s + self.init_s

    def as_dict(self) -> dict[str, Any]:
        """Return it as `framework plugins --json` prints it."""
        return asdict(self)


class _Loaded(NamedTuple):
    """A plugin that runs, and what it added."""

    plugin: Plugin[Any]
    additions: Additions
    app: flask.Flask


class Plugins:
    """The plugins of one ``SocketIO``.

    Args:
        socketio: What they are loaded into.
    """

    def __init__(self, socketio: Any) -> None:
        self._socketio = socketio
        self._given: list[Plugin[Any] | type[Plugin[Any]]] = []
        self._infos: dict[str, PluginInfo] = {}
        self._loaded: dict[str, _Loaded] = {}
        self._known: dict[str, Known] = {}
        self._strict = True

    def give(self, plugins: Iterable[Any]) -> None:
        """Add to those that the code names.

        Raises:
            PluginError: One is no plugin, has no name, or is there twice.
        """
        self._given = check_given([*self._given, *check_given(plugins)])

    @property
    def infos(self) -> Mapping[str, PluginInfo]:
        """What became of each plugin, by name, in the order of their start."""
        return types.MappingProxyType(self._infos)

    @property
    def middleware(self) -> list[Any]:
        """The middleware of the loaded plugins, the outermost first."""
        return [one for loaded in self._loaded.values() for one in loaded.additions.given["middleware"]]

    @property
    def carriers(self) -> tuple[Carrier, ...]:
        """The carriers of the loaded plugins, the outermost first."""
        return tuple(one for loaded in self._loaded.values() for one in loaded.additions.given["carriers"])

    @property
    def generators(self) -> dict[str, Generator]:
        """The generators of the loaded plugins, by name."""
        return {name: one for loaded in self._loaded.values() for name, one in loaded.additions.given["generators"]}

    def get(self, cls: type[P]) -> P:
        """Return the loaded plugin of class *cls*.

        Raises:
            PluginError: It is not loaded.
        """
        for loaded in self._loaded.values():
            if isinstance(loaded.plugin, cls):
                return loaded.plugin
        info = self._infos.get(cls.name)
        why = info.reason if info else f"there is none. Pass it: SocketIO(plugins=[{cls.__name__}])."
        raise PluginError(f"plugin {cls.name} is not loaded: {why}")

    def owner_of(self, namespace: Any) -> str:
        """Return the label of the plugin that serves *namespace*, or nothing."""
        owners = (name for name, one in self._loaded.items() if namespace in one.additions.given["namespaces"])
        return next((self._known[name].found.label for name in owners), "")

    def load(self, app: flask.Flask) -> None:
        """Load all plugins of *app*, in place of those that were loaded before.

        Raises:
            PluginError, DuplicateNamespaceError: One failed, and plugins are strict or it is essential.
            ConfigurationError: A setting of the plugins can't work.
        """
        self._unload()
        self._strict = read_strict(app.config, bool(app.debug or app.testing))
        disabled = read_disabled(app.config)
        everything = find_plugins(self._given, app, disabled)
        _warn_of_unknown(disabled, everything)
        usable = self._drop_unusable([found for found in everything if not self._is_disabled(found, disabled)])
        names = [found.name for found in everything]
        self._start_in_order(usable, partial(self._start, app, names))

    def _unload(self) -> None:
        for loaded in self._loaded.values():
            loaded.additions.remove(self._socketio, loaded.app)
        self._loaded.clear()
        self._infos.clear()
        self._known.clear()

    def _is_disabled(self, found: Found, disabled: frozenset[str]) -> bool:
        named = found.name in disabled
        if named or (ALL in disabled and not found.is_given):
            self._note(found, "disabled", f"{SETTING_PREFIX}DISABLED_PLUGINS has {found.name if named else ALL!r}.")
            return True
        return False

    def _drop_unusable(self, active: list[Found]) -> dict[str, Found]:
        """Return what was imported, by name; of several with one name none is used."""
        usable: dict[str, Found] = {}
        for found in active:
            same = [other.place for other in active if other.name == found.name]
            if found.error is not None:
                self._fail(found, found.error)
            elif len(same) > 1:
                reason = f"several plugins have this name: {', and '.join(same)}. Rename or uninstall one of them."
                self._fail(found, found.blame(reason))
            else:
                usable[found.name] = found
        return usable

    def _start_in_order(self, usable: dict[str, Found], start: Callable[[Found, type[Plugin[Any]]], None]) -> None:
        classes = {name: found.cls for name, found in usable.items() if found.cls is not None}
        while cycle := find_cycle(classes):
            reason = (
                f"each of these starts after the next: {' -> '.join(cycle)}. Change requires, before or after of one."
            )
            for name in cycle[:-1]:
                del classes[name]
                self._fail(usable[name], usable[name].blame(reason))
        for name in sort_plugins(classes):
            start(usable[name], classes[name])

    def _start(self, app: flask.Flask, names: list[str], found: Found, cls: type[Plugin[Any]]) -> None:
        start = time.perf_counter()
        additions = NOTHING
        from .requirements import check_requirements  # there is a plugin: now it is needed

        try:
            check_requirements(found, cls, self._known)
            plugin = _set_up(found, cls, self._socketio, app, names)
            collected = collect(plugin, partial(_call, found))
            check_clashes(collected, app, found, self._describe_served())
            additions = collected
            _call(found, "adding it", partial(additions.add, self._socketio, app))
        except DuplicateNamespaceError as error:
            self._fail(found, error)
        except PluginError as error:
            additions.remove(self._socketio, app)
            is_partly_there = any(blueprint in app.blueprints.values() for blueprint in additions.given["blueprints"])
            self._fail(found, found.blame(str(error), error.__cause__), always=is_partly_there)
        else:
            self._loaded[found.name] = _Loaded(plugin, additions, app)
            info = self._note(found, "loaded", adds=additions.names(), init_s=time.perf_counter() - start)
            signals.notify(signals.plugin_loaded, app, name=info.name, version=info.version, duration_s=info.duration_s)

    def _describe_served(self) -> dict[str, str]:
        served = {}
        for path, namespace in self._socketio.namespaces.items():
            owner = self.owner_of(namespace)
            cls = type(namespace)
            served[path] = f"{cls.__module__}.{cls.__qualname__}" + (f" of {owner}" if owner else "")
        return served

    def _note(self, found: Found, state: State, reason: str = "", **about: Any) -> PluginInfo:
        missing = {
            "loaded": "",
            "disabled": f"is disabled: {reason.rstrip('.')}",
            "failed": f"failed: {reason.rstrip('.')}",
        }
        self._known[found.name] = Known(found, missing[state])
        about |= {"description": found.cls.describe() if found.cls else "", "import_s": found.import_s}
        info = PluginInfo(found.name, found.version, found.source, state=state, reason=reason, **about)
        self._infos[found.name] = info
        return info

    def _fail(self, found: Found, error: FrameworkError, *, always: bool = False) -> None:
        """Note why *found* is not loaded; raise that, or log it and go on without it.

        Args:
            always: Raise it, also where plugins are not strict.
        """
        self._note(found, "failed", str(error))
        if _report_only.get():
            return
        if self._strict or found.is_essential or always:
            raise error
        logger.error("%s The application runs without it.", error, exc_info=error)


def _set_up(found: Found, cls: type[Plugin[Any]], socketio: Any, app: flask.Flask, names: Iterable[str]) -> Plugin[Any]:
    """Return the plugin with its settings, after its `init`."""
    plugin: Plugin[Any] = _call(found, f"{cls.__qualname__}()", cls) if found.given is None else found.given
    plugin.socketio, plugin.app = socketio, app
    plugin.settings = read_settings(plugin, app.config, names)
    _call(found, "init()", partial(plugin.init, socketio, app))
    return plugin


def _call(found: Found, what: str, function: Callable[[], T]) -> T:
    """Call something of the author's; what it raises becomes a `PluginError` with the fix."""
    try:
        return function()
    except (Exception, SystemExit) as error:
        said = str(error).rstrip(".") if isinstance(error, FrameworkError) else f"{what} raised {describe_error(error)}"
        raise PluginError(f"{said}. Mend it, or switch it off with {found.switch_off}.") from error


def _warn_of_unknown(disabled: frozenset[str], found: Iterable[Found]) -> None:
    names = {one.name for one in found}
    for name in sorted(disabled - names - {ALL}):
        guess = difflib.get_close_matches(name, sorted(names), 1)
        hint = f"Did you mean {guess[0]!r}?" if guess else f"There are: {', '.join(sorted(names)) or 'none'}."
        logger.warning("%sDISABLED_PLUGINS has %r, and no plugin has that name. %s", SETTING_PREFIX, name, hint)
