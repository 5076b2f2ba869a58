"""Who serves what in one application: functions and namespace instances, ready to be called.

Filled at start. What is to be known of an event before it comes is a `Route`, made once for each name that is served; an
event is two look-ups in dictionaries that clients can't make longer.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from .acks import Ack
from .dependencies import Injection, Node
from .errors import ConfigurationError
from .handlers import LIFE_CYCLE, Handler, HandlerTable
from .middleware import NO_LAYERS, Guard, Layer, Layers, read_class_guards, read_layers
from .namespace import Namespace
from .signatures import find_definition
from .streams import Chunks

PLAIN_ACK = Ack()
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
        inner: What a namespace that routes its events itself may call.
    """

    handler: Handler | None
    call: Callable[..., Any]
    owner: Any = None
    named: bool = False
    before: Callable[..., Any] | None = None
    after: Callable[..., Any] | None = None
    inner: tuple[Target, ...] = ()

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
    def is_async(self) -> bool:
        """Whether something of it waits on an event loop."""
        called = [call for call in (self.call, self.before, self.after) if call is not None]
        nodes = self.injection.nodes if self.injection is not None else ()
        return (
            self.chunks is not None
            or any(_is_async(call) for call in called)
            or _wait(self.layers.event, self.guards, nodes)
            or any(target.is_async for target in self.inner)
        )

    @property
    def is_plain(self) -> bool:
        """Whether a handler is called with what the client sent, and nothing before or after it."""
        around = (self.before, self.after, self.injection, self.chunks)
        return self.handler is not None and not any(part is not None for part in around)

    @functools.cached_property
    def is_known(self) -> bool:
        """Whether the names of its events are the application's own, not the client's."""
        return self.handler is not None and not self.named

    @property
    def place(self) -> str:
        """Where it is, for the log."""
        return f"{self.handler.name} ({self.handler.location})" if self.handler else type(self.owner).__name__


class Surroundings(NamedTuple):
    """What goes around everything on one path.

    Args:
        layers: The middleware of the application, then of the namespace.
        guards: The namespace's; for its connects and its events.
    """

    layers: Layers = NO_LAYERS
    guards: tuple[Guard, ...] = ()


NOTHING_AROUND = Surroundings()


class Route:
    """The way of the events of one name on one path: who serves them, and what is asked before.

    Args:
        target: None where nobody serves them.
        around: What goes around everything on the path.
        path: The namespace, where it is the only one that they go to.

    ``layers`` and ``guards`` are asked before a payload is read, in this order, ``inner`` are the handler's own layers.
    ``is_plain`` is whether there is a handler and nothing else to do than to call it, ``one_pass`` whether it takes what the
    JSON says and nothing else, ``is_wrapped`` whether something is to be asked before a payload is read, ``is_async`` whether
    something on the way waits on an event loop, and ``run`` where the handler asks to be run. ``enter`` is the dispatcher's,
    to take one through all that is around its handler. ``pace`` is the transport's, to note how long they take; with it comes
    ``step``, which takes one from its text to its answer.
    """

    __slots__ = (
        "ack",
        "call",
        "chunks",
        "enter",
        "guards",
        "handler",
        "inner",
        "is_async",
        "is_known",
        "is_plain",
        "is_wrapped",
        "layers",
        "name",
        "one_pass",
        "pace",
        "path",
        "run",
        "step",
        "target",
    )

    def __init__(self, target: Target | None, around: Surroundings = NOTHING_AROUND, path: str | None = None) -> None:
        self.target = target
        self.path = path
        self.handler: Handler | None = target.handler if target is not None else None
        self.ack = self.handler.ack if self.handler is not None else PLAIN_ACK
        self.chunks: Chunks | None = target.chunks if target is not None else None
        self.name = self.handler.name if self.handler is not None else ""
        self.run: Literal["inline", "pool"] | None = self.handler.run if self.handler is not None else None
        self.is_known = target is not None and target.is_known
        self.one_pass = target is not None and target.handler is not None and not target.named
        self.layers = around.layers.event
        self.guards = around.guards + (target.guards if target is not None else ())
        self.inner = target.layers.event if target is not None else ()
        self.is_wrapped = bool(self.layers or self.guards or self.inner)
        self.is_async = _wait(self.layers, self.guards) or (target is not None and target.is_async)
        self.is_plain = not self.is_wrapped and target is not None and target.is_plain
        self.call: Any = target.call if target is not None else None
        self.enter: Any = None
        self.pace: Any = None
        self.step: Any = None


def _wait(layers: Iterable[Layer], guards: Iterable[Guard], nodes: Iterable[Node] = ()) -> bool:
    """Say whether a layer, a guard or a dependency waits on an event loop."""
    asked = [*(guard.node for guard in guards), *nodes]
    return any(layer.is_async for layer in layers) or any(_waits(node) for node in asked)


def _waits(node: Node) -> bool:
    needs = [need for _, need in node.needs if need is not None]
    return node.is_async_context or _is_async(node.function) or any(_waits(need) for need in needs)


def _is_async(function: Any) -> bool:
    is_plain = inspect.isroutine(function) or isinstance(function, functools.partial)
    called = function if is_plain else type(function).__call__
    return inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(find_definition(called))


class _Names(dict[str, Route]):
    """The ways of one path's events by name; any other name gets one that is not kept."""

    def __init__(self, known: Mapping[str, Route], other: Route) -> None:
        super().__init__(known)
        self._other = other

    def __missing__(self, name: str) -> Route:
        return self._other


class _Routes(dict[str, _Names]):
    """The ways of all events by path and name, read when one is asked for after a change.

    Args:
        read: Returns those of each known path, and those of any other.
        changing: Held while something changes.
    """

    def __init__(self, read: Callable[[], tuple[dict[str, _Names], _Names]], changing: threading.RLock) -> None:
        super().__init__()
        self._read = read
        self._other: _Names | None = None
        self._changing = changing

    def forget(self) -> None:
        """Read them again: something has changed."""
        self._other = None
        self.clear()

    def __missing__(self, path: str) -> _Names:
        other = self._other
        if other is None:
            with self._changing:
                known, other = self._read()
                self.update(known)
                self._other = other
        return self.get(path, other)


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
        inner = tuple(self.targets.values())
        self._router = Target(None, namespace.trigger_event, namespace, inner=inner) if routes_itself else None

    def find(self, event: str | None) -> Target | None:
        return self._router or (self.targets.get(event) if event is not None else None)


def _overridden(namespace: Any, hook: str) -> Callable[..., Any] | None:
    """Return a hook of a namespace where its class has its own; what nobody wrote is not called."""
    is_own = isinstance(namespace, Namespace) and getattr(type(namespace), hook) is not getattr(Namespace, hook)
    return getattr(namespace, hook) if is_own else None


class Registry:
    """The handlers of one application."""

    def __init__(self) -> None:
        self._functions: dict[str, dict[str, Target]] = {}
        self._classes: dict[str, Mounted] = {}
        self._everywhere = NOTHING_AROUND
        self._around: dict[str, Surroundings] = {}
        self._changing = threading.RLock()
        self.routes = _Routes(self._read_routes, self._changing)
        """The way of what a client sends, by path and name; names that nobody serves share one, whatever they are."""

    def use(self, layers: Layers) -> None:
        """Put *layers* around everything, inside those that are there already."""
        with self._changing:
            self._everywhere = Surroundings(self._everywhere.layers + layers)
            for path, mounted in self._classes.items():
                self._surround(path, mounted)
            self.routes.forget()

    def around(self, path: str) -> Surroundings:
        """Return what goes around everything on *path*."""
        return self._around.get(path, self._everywhere)

    def _surround(self, path: str, mounted: Mounted) -> None:
        self._around[path] = Surroundings(self._everywhere.layers + mounted.inside.layers, mounted.inside.guards)

    def add_function(self, namespace: str, handler: Handler) -> None:
        """Serve one event with a function; a later one for the same event takes its place."""
        target = Target(handler, handler.function, named=handler.event == ANY)
        with self._changing:
            self._functions.setdefault(namespace, {})[handler.event] = target
            self.routes.forget()

    def add_class(self, path: str, mounted: Mounted) -> None:
        """Serve a namespace."""
        with self._changing:
            self._classes[path] = mounted
            self._surround(path, mounted)
            self.routes.forget()

    def serves(self, namespace: str, accepted: Container[str]) -> bool:
        """Say whether clients may join *namespace*; *accepted* are those that need no handler."""
        return namespace in self._classes or namespace in self._functions or accepted == ANY or namespace in accepted

    def _read_routes(self) -> tuple[dict[str, _Names], _Names]:
        paths = {*self._classes, *self._functions} - {ANY}
        return {path: self._read_path(path) for path in paths}, self._read_path(ANY)

    def _read_path(self, path: str) -> _Names:
        mounted, around = self._classes.get(path), self.around(path)
        names = {*self._functions.get(path, ()), *self._functions.get(ANY, ()), *(mounted.targets if mounted else ())}
        only = None if path == ANY else path
        routes = {name: Route(self.find(path, name), around, only) for name in names}
        routes |= {name: Route(None, around) for name in LIFE_CYCLE}  # no event of a client gets there
        return _Names(routes, Route(self.find(path, None), around))

    def find(self, namespace: str, event: str | None) -> Target | None:
        """Return what serves *event*: function, catch-all function, any namespace's function, class, in this order.

        Args:
            event: None for a name that nobody claims.
        """
        for path in (namespace, ANY):
            if functions := self._functions.get(path):
                found = functions.get(event) if event is not None else None
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
