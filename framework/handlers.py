"""Handlers as their class or function declares them: read once, checked once, frozen.

A class becomes a ``HandlerTable`` when it is created. What a client sends is only ever a key into that table; no
attribute is looked up by it. ``connect`` and ``disconnect`` are kept apart, so no event can reach them.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_args, overload

from .acks import Ack, UnusableAck
from .dependencies import Injection, find_dependency
from .errors import EventError, HandlerSignatureError
from .middleware import NO_LAYERS, Guard, Layers, read_marks
from .payloads import Parameter, Payload, UnusableType
from .signatures import (
    caller_locals,
    find_definition,
    locate,
    read_hints,
    read_parameters,
    read_signature,
    read_type_variables,
    substitute,
)
from .streams import Chunks, Started, read_chunks

F = TypeVar("F", bound=Callable[..., Any])

CONNECT, DISCONNECT = "connect", "disconnect"
LIFE_CYCLE = frozenset({CONNECT, DISCONNECT})
# Names that Socket.IO itself emits on a client's socket; its own parser refuses them as events
# (socket.io-parser's RESERVED_EVENTS).
RESERVED_EVENTS = LIFE_CYCLE | {"connect_error", "disconnecting", "newListener", "removeListener"}
_PREFIX = "on_"
_HOOKS = frozenset({"on_error"})
CANCEL_STREAM = "cancel_stream"
_CANCEL = "_cancel_stream"
_EVENT_NAMES = "__framework_events__"
_RUN = "__framework_run__"
Run = Literal["inline", "pool"]

__all__ = [
    "CONNECT",
    "DISCONNECT",
    "LIFE_CYCLE",
    "RESERVED_EVENTS",
    "Handler",
    "HandlerTable",
    "Run",
    "caller_locals",
    "event",
    "locate",
    "read_function",
    "read_handlers",
]


@dataclass(frozen=True, eq=False)
class Source:
    """Where a handler comes from.

    Args:
        event: Its name on the wire; ``connect`` and ``disconnect`` for the life cycle.
        name: For people: ``Chat.on_post``, ``chat.post``.
        attribute: The method's name, or None for a plain function.
        hints: The annotations of *function*, strings resolved, type variables left.
    """

    event: str
    name: str
    function: Callable[..., Any]
    attribute: str | None
    hints: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Handler(Source):
    """One handler, compiled.

    Args:
        location: ``file:line``.
        injection: Its dependencies; None where it has none.
        layers: Its own middleware.
        guards: Its own.
        raises: The errors that it declares.
        chunks: What it streams; None where it answers at once.
        run: Where it asks to be run; None leaves it to how long it takes.
    """

    payload: Payload
    ack: Ack
    location: str
    doc: str = ""
    injection: Injection | None = None
    layers: Layers = NO_LAYERS
    guards: tuple[Guard, ...] = ()
    raises: tuple[type[EventError], ...] = ()
    chunks: Chunks | None = None
    run: Run | None = None

    @functools.cached_property
    def typed(self) -> bool:
        """Whether any parameter has an annotation; an untyped handler takes what comes, in the right number."""
        return any(parameter.annotation is not Any for parameter in self.payload.parameters)

    def bind(self, owner: object) -> Callable[..., Any]:
        """Return what to call: the method of *owner*, or the function."""
        return getattr(owner, self.attribute) if self.attribute else self.function


@dataclass(frozen=True)
class HandlerTable:
    """What one class serves: its events by name, and its two life-cycle handlers."""

    events: Mapping[str, Handler] = field(default_factory=dict)
    connect: Handler | None = None
    disconnect: Handler | None = None

    def find(self, event: str) -> Handler | None:
        """Return the handler of *event*, which may be one of the life cycle; for code, not for a client's string."""
        return {CONNECT: self.connect, DISCONNECT: self.disconnect}.get(event) or self.events.get(event)


@overload
def event(name: str, *, run: Run | None = None) -> Callable[[F], F]: ...
@overload
def event(*, run: Run) -> Callable[[F], F]: ...
def event(name: str | None = None, *, run: Run | None = None) -> Callable[[F], F]:
    """Serve the event *name* with a method whose own name can't say it, or say where a method is to be run.

    Args:
        name: The name on the wire, e.g. ``"my event"``. May be used more than once on one method. With *run* it may be
            left out: the event is named after the method, without ``on_``.
        run: ``"inline"`` runs it in the thread that reads from clients: for what never waits. ``"pool"`` runs it in a
            thread of its own: for what does. Left out, where it runs follows the time that it takes. What is awaited
            or streamed never runs inline.

    Raises:
        HandlerSignatureError: *name* is empty, or one of Socket.IO's reserved names, or *run* is something else.
    """
    if callable(name):
        raise HandlerSignatureError(
            f"{getattr(name, '__qualname__', name)} ({locate(name)}): @event takes the event's name, e.g. @event('my event')."
        )
    if (name is not None or run is None) and (not isinstance(name, str) or not name):
        raise HandlerSignatureError(f"@event takes the event's name, e.g. @event('my event'), not {name!r}.")
    if name in RESERVED_EVENTS:
        raise HandlerSignatureError(f"@event({name!r}): Socket.IO reserves this name. Choose another.")

    def mark(function: F) -> F:
        marks = vars(function)
        if run is not None:
            marks[_RUN] = check_run(run, f"{getattr(function, '__qualname__', function)} ({locate(function)})")
        if name is not None:
            marks[_EVENT_NAMES] = (name, *marks.get(_EVENT_NAMES, ()))
        return function

    return mark


def check_run(run: Any, where: str) -> Run | None:
    """Return where a handler is to be run, None for wherever.

    Raises:
        HandlerSignatureError: There is no such place.
    """
    if run is not None and run not in get_args(Run):
        raise HandlerSignatureError(f"{where}: run is {run!r}; it is 'inline' or 'pool'.")
    return cast("Run | None", run)


def read_handlers(cls: type, local_names: Mapping[str, Any] | None = None) -> HandlerTable:
    """Compile the ``on_*`` and ``@event`` methods of *cls*, inherited ones and mixins' too.

    Args:
        local_names: Names that string annotations may use beside the module's own, e.g. the caller's locals.

    Raises:
        HandlerSignatureError: A method can't be a handler as it is written.
    """
    found: dict[str, Handler] = {}
    reader = _ClassReader(cls, local_names or {})
    for method in _find_methods(cls):
        for name in method.events:
            handler = reader.read(method, name)
            if name in found:
                other = found[name]
                raise HandlerSignatureError(
                    f"{handler.name} ({handler.location}): event {name!r} is already served by {other.name} "
                    f"({other.location}). Give one of them another name with @event('...')."
                )
            found[name] = handler
    if any(handler.chunks is not None for handler in found.values()):
        _add_cancel(cls, reader, found)
    connect, disconnect = found.pop(CONNECT, None), found.pop(DISCONNECT, None)
    return HandlerTable(types.MappingProxyType(found), connect, disconnect)


def _add_cancel(cls: type, reader: _ClassReader, found: dict[str, Handler]) -> None:
    """Let the clients of a class that streams say that they have enough."""
    owner = next((base for base in cls.__mro__ if _CANCEL in vars(base)), None)
    if owner is None:
        return
    function = vars(owner)[_CANCEL]
    if CANCEL_STREAM in found and found[CANCEL_STREAM].function is not function:
        other = found[CANCEL_STREAM]
        raise HandlerSignatureError(
            f"{other.name} ({other.location}): with {cls.__name__} streaming, the event {CANCEL_STREAM!r} ends a stream. "
            "Choose another name."
        )
    found[CANCEL_STREAM] = reader.read(_Method(owner, _CANCEL, function, function, (CANCEL_STREAM,)), CANCEL_STREAM)


def read_function(
    function: Callable[..., Any], event: str, local_names: Mapping[str, Any] | None = None, run: Run | None = None
) -> Handler:
    """Compile a function handler, ``@socketio.on(event)``.

    Args:
        event: Its name; ``*`` for one that takes the event's name as first argument.
        run: Where it asks to be run.

    Raises:
        HandlerSignatureError: It can't be a handler as it is written.
    """
    bare = find_definition(function)
    name = f"{getattr(bare, '__module__', '?')}.{getattr(bare, '__qualname__', repr(function))}"
    names, where = local_names or {}, f"{name} ({locate(function)})"
    hints = read_hints(function, where, names)
    handler = _compile(Source(event, name, function, None, hints), function, hints, names)
    return _place(handler, check_run(run, where) or getattr(function, _RUN, None))


def _place(handler: Handler, run: Run | None) -> Handler:
    """Return *handler* as it is to be run there."""
    if run is not None and handler.event in RESERVED_EVENTS:
        raise HandlerSignatureError(
            f"{handler.name} ({handler.location}): run={run!r} is for events, and {handler.event!r} is none. Remove it."
        )
    return replace(handler, run=run) if run is not None else handler


class _Method(NamedTuple):
    """One attribute of a class that serves events.

    Args:
        owner: The class of the hierarchy that defines it.
        declared: As it stands in that class: a function, a staticmethod ...
    """

    owner: type
    attribute: str
    declared: Any
    function: Callable[..., Any]
    events: tuple[str, ...]


def _find_methods(cls: type) -> Iterator[_Method]:
    for attribute in {name: None for base in cls.__mro__ for name in vars(base)}:
        owner, declared = next((base, vars(base)[attribute]) for base in cls.__mro__ if attribute in vars(base))
        function = _function_of(declared)
        if function is not None and (events := _events_of(cls, attribute)):
            yield _Method(owner, attribute, declared, function, events)


def _function_of(declared: Any) -> Callable[..., Any] | None:
    if isinstance(declared, staticmethod | classmethod):
        declared = declared.__func__
    if isinstance(declared, functools.partialmethod):
        declared = declared.func
    return declared if inspect.isroutine(declared) else None


def _events_of(cls: type, attribute: str) -> tuple[str, ...]:
    """Return the events of a method: those it is marked with, else those of the method that it overrides."""
    for base in cls.__mro__:
        declared = vars(base).get(attribute)
        marked = (*getattr(declared, _EVENT_NAMES, ()), *getattr(_function_of(declared), _EVENT_NAMES, ()))
        if marked:
            return tuple(dict.fromkeys(marked))
    if attribute.startswith(_PREFIX) and attribute != _PREFIX and attribute not in _HOOKS:
        return (attribute.removeprefix(_PREFIX),)
    is_marked = any(_run_of(vars(base).get(attribute)) for base in cls.__mro__)
    return (attribute,) if is_marked else ()


def _run_of(declared: Any) -> Run | None:
    """Return where a method is marked to be run."""
    found: Run | None = getattr(declared, _RUN, None) or getattr(_function_of(declared), _RUN, None)
    return found


class _ClassReader:
    """Compiles the methods of one class; what a base has read already is not read again."""

    def __init__(self, cls: type, local_names: Mapping[str, Any]) -> None:
        self._cls = cls
        self._names = local_names
        self._variables = read_type_variables(cls)

    def read(self, method: _Method, event: str) -> Handler:
        name = f"{self._cls.__name__}.{method.attribute}"
        known = self._find_inherited(method, event)
        hints = self._read_hints(method, name) if known is None else known.hints
        variables = self._variables.get(method.owner, {})
        annotations = {key: substitute(value, variables) for key, value in hints.items()}
        if known is not None and all(annotations[key] is value for key, value in hints.items()):
            return replace(known, name=name)
        source = Source(event, name, method.function, method.attribute, hints)
        handler = _compile(source, method.declared.__get__(object(), self._cls), annotations, self._names)
        return _place(handler, _run_of(method.declared))

    def _find_inherited(self, method: _Method, event: str) -> Handler | None:
        for base in self._cls.__mro__[1:]:
            table = vars(base).get("_handlers")
            known = table.find(event) if isinstance(table, HandlerTable) else None
            if known is not None and known.function is method.function and known.attribute == method.attribute:
                return known
        return None

    def _read_hints(self, method: _Method, name: str) -> dict[str, Any]:
        where = f"{name} ({locate(method.function)})"
        return read_hints(method.function, where, self._names, method.owner)


def _compile(
    source: Source, bound: Callable[..., Any], annotations: Mapping[str, Any], names: Mapping[str, Any]
) -> Handler:
    location = locate(source.function)
    where = f"{source.name} ({location})"
    signature = read_signature(bound, where)
    needs = {
        name: need
        for name, parameter in signature.parameters.items()
        if (need := find_dependency(parameter, annotations.get(name)))
    }
    asked = [parameter for name, parameter in signature.parameters.items() if name not in needs]
    parameters = read_parameters(asked, annotations, where)
    _check_life_cycle(source, parameters, where)
    try:
        payload = Payload(source.event, parameters, names)
        returned = annotations.get("return", inspect.Signature.empty)
        chunks = read_chunks(find_definition(source.function), returned, names)
        ack = Ack(Started if chunks is not None else returned, names)
    except UnusableType as error:
        raise HandlerSignatureError(
            f"{where}: parameter {error.parameter.name!r} is annotated with "
            f"{inspect.formatannotation(error.parameter.annotation)}, which pydantic cannot validate{error.advice}"
        ) from error
    except UnusableAck as error:
        raise HandlerSignatureError(
            f"{where}: the return annotation {inspect.formatannotation(annotations['return'])} can't be an ack: {error}."
        ) from error
    doc = inspect.getdoc(source.function) or ""
    injection = Injection(signature.parameters.values(), needs, where, names) if needs else None
    marks = read_marks(source.function, source.event if source.event in LIFE_CYCLE else "event", where)
    return Handler(
        **vars(source),
        payload=payload,
        ack=ack,
        location=location,
        doc=doc,
        injection=injection,
        chunks=chunks,
        **marks._asdict(),
    )


def _check_life_cycle(source: Source, parameters: list[Parameter], where: str) -> None:
    event, bare = source.event, find_definition(source.function)
    if event in LIFE_CYCLE and (inspect.isgeneratorfunction(bare) or inspect.isasyncgenfunction(bare)):
        raise HandlerSignatureError(f"{where}: a {event} handler has nobody to stream to. Remove its 'yield'.")
    if event in LIFE_CYCLE and sum(parameter.required for parameter in parameters) > 1:
        takes = "the client's auth" if event == CONNECT else "the reason"
        raise HandlerSignatureError(
            f"{where}: a {event} handler takes nothing, or {takes}; not {len(parameters)} arguments. "
            "Remove the others; flask.request and flask.session are there."
        )
