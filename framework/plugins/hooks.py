"""What a plugin's hooks give: collected and looked at first, then added, all of it or nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click
import flask
import flask_socketio
from blinker import NamedSignal

from ..errors import DuplicateNamespaceError, PluginError
from ..middleware import Middleware
from ..transport.carriers import Carrier
from .discovery import Found
from .plugin import Plugin


class Hook(NamedTuple):
    """One hook that gives things.

    Args:
        expected: What it gives, for the error.
        fits: Says whether one thing is that.
        describe: Names one thing, for `framework plugins`.
    """

    name: str
    expected: str
    fits: Callable[[Any], bool]
    describe: Callable[[Any], str]


def _name_of(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


def _is_middleware(value: Any) -> bool:
    return isinstance(value, Middleware) or (callable(value) and not inspect.isclass(value))


def _is_namespace(value: Any) -> bool:
    return issubclass(value if isinstance(value, type) else type(value), flask_socketio.Namespace)


def _is_receiver(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], NamedSignal) and callable(value[1])


def _is_generator(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and callable(value[1])


def _is_command(value: Any) -> bool:
    return isinstance(value, click.Command) and bool(value.name)


HOOKS = (
    Hook("middleware", "Middleware instances, or functions (handling, proceed)", _is_middleware, _name_of),
    Hook("carriers", "Carrier instances", lambda value: isinstance(value, Carrier), _name_of),
    Hook("namespaces", "Namespace classes or instances", _is_namespace, lambda value: str(value.namespace)),
    Hook("receivers", "pairs of a signal and a function", _is_receiver, lambda value: str(value[0].name)),
    Hook("blueprints", "Flask blueprints", lambda value: isinstance(value, flask.Blueprint), lambda value: value.name),
    Hook("commands", "click commands", _is_command, lambda value: str(value.name)),
    Hook("generators", "pairs of a name and a function", _is_generator, lambda value: str(value[0])),
)


class Additions(NamedTuple):
    """What one plugin gives, by hook; held by whoever loaded it, since blinker holds receivers weakly."""

    given: Mapping[str, tuple[Any, ...]]

    def names(self) -> dict[str, tuple[str, ...]]:
        """Return the names of what each hook gave, without the hooks that gave nothing."""
        return {hook.name: tuple(map(hook.describe, values)) for hook in HOOKS if (values := self.given[hook.name])}

    def add(self, socketio: Any, app: flask.Flask) -> None:
        """Add all but the middleware, which is asked for. The blueprints come last: Flask can't take them away again.

        Raises:
            Exception: Anything that a namespace or a blueprint raises.
        """
        for namespace in self.given["namespaces"]:
            socketio.on_namespace(namespace)
        for command in self.given["commands"]:
            app.cli.add_command(command)
        for signal, receiver in self.given["receivers"]:
            signal.connect(receiver, sender=app)
        for blueprint in self.given["blueprints"]:
            app.register_blueprint(blueprint)

    def remove(self, socketio: Any, app: flask.Flask) -> None:
        """Take everything away but blueprints; what was not added is left alone."""
        for signal, receiver in self.given["receivers"]:
            signal.disconnect(receiver)  # from a sender only, blinker would go on to think that somebody listens
        for command in self.given["commands"]:
            name = command.name or ""
            if app.cli.commands.get(name) is command:
                del app.cli.commands[name]
        for namespace in self.given["namespaces"]:
            socketio.drop_namespace(namespace)


NOTHING = Additions({hook.name: () for hook in HOOKS})
Runner = Callable[[str, Callable[[], Any]], Any]


def collect(plugin: Plugin[Any], run: Runner) -> Additions:
    """Call every hook once and return what they gave; of namespaces, instances.

    Args:
        run: Calls a function and turns what it raises into a `PluginError`; takes the name of what it calls, and that.

    Raises:
        PluginError: A hook gave something of a wrong kind.
    """
    given = {hook.name: _collect_hook(plugin, hook, run) for hook in HOOKS}
    given["namespaces"] = run("namespaces()", lambda: tuple(_instantiate(value) for value in given["namespaces"]))
    return Additions(given)


def _collect_hook(plugin: Plugin[Any], hook: Hook, run: Runner) -> tuple[Any, ...]:
    called = f"{type(plugin).__qualname__}.{hook.name}()"
    returned = run(f"{hook.name}()", getattr(plugin, hook.name))
    if isinstance(returned, str | bytes | Mapping) or not hasattr(returned, "__iter__"):
        raise PluginError(f"{called} returned {returned!r}; it returns an iterable of {hook.expected}.")
    values: tuple[Any, ...] = run(f"{hook.name}()", lambda: tuple(returned))
    for value in values:
        if not hook.fits(value):
            hint = f" Did you mean {value.__name__}()?" if isinstance(value, type) else ""
            raise PluginError(f"{called} gave {value!r}; it gives {hook.expected}.{hint}")
    return values


def _instantiate(namespace: Any) -> Any:
    return namespace() if isinstance(namespace, type) else namespace


def check_clashes(additions: Additions, app: flask.Flask, found: Found, served: Mapping[str, str]) -> None:
    """Make sure that nothing is in the way of what *found* gives.

    Args:
        served: Who serves a path, by path.

    Raises:
        DuplicateNamespaceError: A path is taken.
        PluginError: A command or a blueprint has a name that is taken.
    """
    taken = dict(served)
    for namespace in additions.given["namespaces"]:
        if namespace.namespace in taken:
            raise DuplicateNamespaceError(
                f"{namespace.namespace!r} is served by {taken[namespace.namespace]}; {found.label} also mounts it. "
                f"Change one 'namespace', or disable the plugin with {found.switch_off}."
            )
        taken[namespace.namespace] = f"{type(namespace).__module__}.{type(namespace).__qualname__}"
    _check_names("command", app.cli.commands, additions.given["commands"])
    _check_names("blueprint", app.blueprints, additions.given["blueprints"])


def _check_names(kind: str, there: Mapping[str, Any], new: tuple[Any, ...]) -> None:
    names = [value.name for value in new]
    for name in names:
        if name in there or names.count(name) > 1:
            raise PluginError(f"there is a {kind} {name!r} already. Give the plugin's another name.")
