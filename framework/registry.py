"""Who serves what in one application: functions and namespace instances, ready to be called.

Filled at start; an event is one or two look-ups in dictionaries that clients can't reach into.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from .dependencies import Injection
from .errors import ConfigurationError
from .handlers import LIFE_CYCLE, Handler, HandlerTable
from .middleware import NO_LAYERS, Guard, Layers, read_class_guards, read_layers
from .namespace import Namespace
from .streams import Chunks

ANY = "*"
LONGEST_GUESS = 64


@dataclass(frozen=True, eq=False)
class Target:
    """What one event runs.

    Args:
        handler: None for a namespace that routes its events itself.
        owner: The namespace instance, or None for a function.
        named: It serves any event and takes the name as its first argument.
        before: Its class's ``before_event``, where there is one.
        after: Its class's ``after_event``, where there is one.
    """

    handler: Handler | None
    call: Callable[..., Any]
    owner: Any = None
    named: bool = False
    before: Callable[..., Any] | None = None
    after: Callable[..., Any] | None = None

    @functools.cached_property
    def guards(self) -> tuple[Guard, ...]:
        return self.handler.guards if self.handler is not None else ()

    @functools.cached_property
    def layers(self) -> Layers:
        return self.handler.layers if self.handler is not None else NO_LAYERS

    @functools.cached_property
    def injection(self) -> Injection | None:
        return self.handler.injection if self.handler is not None else None

    @functools.cached_property
    def chunks(self) -> Chunks | None:
        return self.handler.chunks if self.handler is not None else None

    @functools.cached_property
    def is_wrapped(self) -> bool:
        """Whether something of its own is to be asked before an event's payload is read."""
        return bool(self.guards or self.layers.event)

    @functools.cached_property
    def is_known(self) -> bool:
        """Whether the names of its events are the application's own, not the client's."""
        return self.handler is not None and not self.named

    @property
    def place(self) -> str:
        """Where it is, for the log."""
        return f"{self.handler.name} ({self.handler.location})" if self.handler else type(self.owner).__name__


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What goes around everything on one path.

    Args:
        layers: The middleware of the application, then of the namespace.
        guards: The namespace's; for its connects and its events.
    """

    layers: Layers = NO_LAYERS
    guards: tuple[Guard, ...] = ()

    @functools.cached_property
    def is_wrapped(self) -> bool:
        """Whether something is to be asked before an event's payload is read."""
        return bool(self.guards or self.layers.event)


class Mounted:
    """A namespace instance with its handlers bound.

    Args:
        routes_itself: Its class overrides ``trigger_event``, Flask-SocketIO's seam, and gets every event there.
    """

    def __init__(self, namespace: Any, table: HandlerTable, *, routes_itself: bool) -> None:
        cls = type(namespace)
        middleware = namespace.middleware if isinstance(namespace, Namespace) else ()
        layers = read_layers(middleware, f"{cls.__name__}.middleware")
        self.inside = Surroundings(layers, read_class_guards(cls))
        before, after = _overridden(namespace, "before_event"), _overridden(namespace, "after_event")
        self.targets = {
            handler.event: Target(handler, handler.bind(namespace), namespace, before=before, after=after)
            for handler in table.events.values()
        }
        for handler in (table.connect, table.disconnect):
            if handler is not None:
                self.targets[handler.event] = Target(handler, handler.bind(namespace), namespace)
        if routes_itself and (streaming := next((found for found in table.events.values() if found.chunks), None)):
            raise ConfigurationError(
                f"{streaming.name} ({streaming.location}) streams, and {cls.__name__} routes its events itself, in "
                "trigger_event: nobody pulls the stream there. Use middleware in its place, or emit each part."
            )
        self._router = Target(None, namespace.trigger_event, namespace) if routes_itself else None

    def find(self, event: str) -> Target | None:
        return self._router or self.targets.get(event)


def _overridden(namespace: Any, hook: str) -> Callable[..., Any] | None:
    """Return a hook of a namespace where its class has its own; what nobody wrote is not called."""
    is_own = isinstance(namespace, Namespace) and getattr(type(namespace), hook) is not getattr(Namespace, hook)
    return getattr(namespace, hook) if is_own else None


class Registry:
    """The handlers of one application."""

    def __init__(self) -> None:
        self._functions: dict[str, dict[str, Target]] = {}
        self._classes: dict[str, Mounted] = {}
        self._everywhere = Surroundings()
        self._around: dict[str, Surroundings] = {}

    def use(self, layers: Layers) -> None:
        """Put *layers* around everything, inside those that are there already."""
        self._everywhere = Surroundings(self._everywhere.layers + layers)
        for path, mounted in self._classes.items():
            self._surround(path, mounted)

    def around(self, path: str) -> Surroundings:
        """Return what goes around everything on *path*."""
        return self._around.get(path, self._everywhere)

    def _surround(self, path: str, mounted: Mounted) -> None:
        self._around[path] = Surroundings(self._everywhere.layers + mounted.inside.layers, mounted.inside.guards)

    def add_function(self, namespace: str, handler: Handler) -> None:
        """Serve one event with a function; a later one for the same event takes its place."""
        target = Target(handler, handler.function, named=handler.event == ANY)
        self._functions.setdefault(namespace, {})[handler.event] = target

    def add_class(self, path: str, mounted: Mounted) -> None:
        """Serve a namespace."""
        self._classes[path] = mounted
        self._surround(path, mounted)

    def serves(self, namespace: str, accepted: Container[str]) -> bool:
        """Say whether clients may join *namespace*; *accepted* are those that need no handler."""
        return namespace in self._classes or namespace in self._functions or accepted == ANY or namespace in accepted

    def find(self, namespace: str, event: str) -> Target | None:
        """Return what serves *event*: function, catch-all function, any namespace's function, class, in this order."""
        for path in (namespace, ANY):
            if functions := self._functions.get(path):
                found = functions.get(event)
                if found is None and event not in LIFE_CYCLE:
                    found = functions.get(ANY)
                if found is not None:
                    return found
        mounted = self._classes.get(namespace)
        return mounted.find(event) if mounted else None

    def find_method(self, namespace: str, event: str) -> Target | None:
        """Return the class's own handler for *event*, whatever its ``trigger_event`` does."""
        mounted = self._classes.get(namespace)
        return mounted.targets.get(event) if mounted else None

    def guess(self, namespace: str, event: str) -> str | None:
        """Return the name of an event of *namespace* that is nearly *event*, if there is one."""
        if len(event) > LONGEST_GUESS:
            return None
        mounted = self._classes.get(namespace)
        known = {*self._functions.get(namespace, ()), *(mounted.targets if mounted else ())} - {*LIFE_CYCLE, ANY}
        return next(iter(difflib.get_close_matches(event, sorted(known), 1)), None)
