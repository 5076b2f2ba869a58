"""Handlers as their class or function declares them: read once, checked once, frozen.

A class becomes a ``HandlerTable`` when it is created. What a client sends is only ever a key into that table; no
attribute is looked up by it. ``connect`` and ``disconnect`` are kept apart, so no event can reach them.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .acks import Ack, UnusableAck
from .errors import HandlerSignatureError
from .payloads import Parameter, Payload, UnusableType

F = TypeVar("F", bound=Callable[..., Any])

CONNECT, DISCONNECT = "connect", "disconnect"
LIFE_CYCLE = frozenset({CONNECT, DISCONNECT})
# Names that Socket.IO itself emits on a client's socket; its own parser refuses them as events
# (socket.io-parser's RESERVED_EVENTS).
RESERVED_EVENTS = LIFE_CYCLE | {"connect_error", "disconnecting", "newListener", "removeListener"}
_PREFIX = "on_"
_HOOKS = frozenset({"on_error"})
_EVENT_NAMES = "__framework_events__"


@dataclass(frozen=True, eq=False)
class Handler:
    """One handler, compiled.

    Args:
        event: Its name on the wire; ``connect`` and ``disconnect`` for the life cycle.
        name: For people: ``Chat.on_post``, ``chat.post``.
        attribute: The method's name, or None for a plain function.
        location: ``file:line``.
    """

    event: str
    name: str
    function: Callable[..., Any]
    attribute: str | None
    payload: Payload
    ack: Ack
    location: str
    is_async: bool = False
    doc: str = ""

    @property
    def typed(self) -> bool:
        """Whether any parameter has an annotation; an untyped handler takes what comes, in the right number."""
        return any(parameter.annotation is not Any for parameter in self.payload.parameters)

    def bind(self, owner: object) -> Callable[..., Any]:
        """Return what to call: the method of *owner*, or the function."""
        return getattr(owner, self.attribute) if self.attribute else self.function  # type: ignore[no-any-return]


@dataclass(frozen=True)
class HandlerTable:
    """What one class serves: its events by name, and its two life-cycle handlers."""

    events: Mapping[str, Handler] = field(default_factory=dict)
    connect: Handler | None = None
    disconnect: Handler | None = None


def event(name: str) -> Callable[[F], F]:
    """Serve the event *name* with a method whose own name can't say it.

    Args:
        name: The name on the wire, e.g. ``"my event"``. May be used more than once on one method.

    Raises:
        HandlerSignatureError: *name* is empty, or one of Socket.IO's reserved names.
    """
    if not isinstance(name, str) or not name:
        raise HandlerSignatureError(f"@event takes the event's name, e.g. @event('my event'), not {name!r}.")
    if name in RESERVED_EVENTS:
        raise HandlerSignatureError(f"@event({name!r}): Socket.IO reserves this name. Choose another.")

    def mark(function: F) -> F:
        setattr(function, _EVENT_NAMES, (name, *getattr(function, _EVENT_NAMES, ())))
        return function

    return mark


def read_handlers(cls: type, local_names: Mapping[str, Any] | None = None) -> HandlerTable:
    """Compile the ``on_*`` and ``@event`` methods of *cls*, inherited ones and mixins' too.

    Args:
        local_names: Names that string annotations may use beside the module's own, e.g. the caller's locals.

    Raises:
        HandlerSignatureError: A method can't be a handler as it is written.
    """
    found: dict[str, Handler] = {}
    type_variables = _read_type_variables(cls)
    for attribute, declared in _attributes(cls):
        for name in _events_of(attribute, declared):
            handler = _read_method(cls, attribute, declared, name, local_names, type_variables)
            if name in found:
                other = found[name]
                raise HandlerSignatureError(
                    f"{handler.name} ({handler.location}): event {name!r} is already served by {other.name} "
                    f"({other.location}). Give one of them another name with @event('...')."
                )
            found[name] = handler
    connect, disconnect = found.pop(CONNECT, None), found.pop(DISCONNECT, None)
    return HandlerTable(types.MappingProxyType(found), connect, disconnect)


def read_function(function: Callable[..., Any], event: str, local_names: Mapping[str, Any] | None = None) -> Handler:
    """Compile a function handler, ``@socketio.on(event)``.

    Args:
        event: Its name; ``*`` for one that takes the event's name as first argument.

    Raises:
        HandlerSignatureError: It can't be a handler as it is written.
    """
    name = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
    return _compile(function, function, event, name, None, local_names, {})


def caller_locals() -> Mapping[str, Any]:
    """Return the local names where a class is being created, so that string annotations may use them."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in (__package__, "flask_socketio"):
        frame = frame.f_back
    while frame.f_back and frame.f_code.co_name == "__init_subclass__":
        frame = frame.f_back
    return frame.f_locals


def _attributes(cls: type) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for base in cls.__mro__:
        for attribute, declared in vars(base).items():
            if attribute not in seen:
                seen.add(attribute)
                yield attribute, declared


def _events_of(attribute: str, declared: Any) -> tuple[str, ...]:
    function = _function_of(declared)
    if function is None:
        return ()
    if names := getattr(function, _EVENT_NAMES, ()):
        return tuple(names)
    if attribute.startswith(_PREFIX) and attribute != _PREFIX and attribute not in _HOOKS:
        return (attribute.removeprefix(_PREFIX),)
    return ()


def _function_of(declared: Any) -> Callable[..., Any] | None:
    if isinstance(declared, staticmethod | classmethod):
        declared = declared.__func__
    if isinstance(declared, functools.partialmethod):
        declared = declared.func
    return declared if inspect.isroutine(declared) else None


def _read_method(
    cls: type,
    attribute: str,
    declared: Any,
    name: str,
    local_names: Mapping[str, Any] | None,
    type_variables: Mapping[Any, Any],
) -> Handler:
    function = _function_of(declared)
    assert function is not None
    bound = declared.__get__(object(), cls)
    return _compile(function, bound, name, f"{cls.__name__}.{attribute}", attribute, local_names, type_variables)


def _compile(
    function: Callable[..., Any],
    bound: Callable[..., Any],
    event: str,
    name: str,
    attribute: str | None,
    local_names: Mapping[str, Any] | None,
    type_variables: Mapping[Any, Any],
) -> Handler:
    location = locate(function)
    where = f"{name} ({location})"
    _refuse_generator(function, where)
    signature = _signature(bound, where)
    hints = _resolve(function, where, local_names)
    annotations = {key: _substitute(value, type_variables) for key, value in hints.items()}
    parameters = _read_parameters(signature, annotations, where, event)
    try:
        payload = Payload(event, parameters)
        ack = Ack(annotations.get("return", inspect.Signature.empty))
    except UnusableType as error:
        raise HandlerSignatureError(
            f"{where}: parameter {error.parameter.name!r} is annotated with "
            f"{inspect.formatannotation(error.parameter.annotation)}, which pydantic cannot validate. "
            "Use a model, a dataclass or a TypedDict."
        ) from error
    except UnusableAck as error:
        raise HandlerSignatureError(
            f"{where}: the return annotation {inspect.formatannotation(annotations['return'])} can't be an ack: {error}."
        ) from error
    is_async = inspect.iscoroutinefunction(inspect.unwrap(function))
    doc = inspect.getdoc(function) or ""
    return Handler(event, name, function, attribute, payload, ack, location, is_async, doc)


def locate(function: Callable[..., Any]) -> str:
    """Return ``file:line`` of *function*, the file relative to the working directory when it is below it."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return "built in"
    path = os.path.relpath(code.co_filename)
    return f"{code.co_filename if path.startswith('..') else path}:{code.co_firstlineno}"


def _refuse_generator(function: Callable[..., Any], where: str) -> None:
    bare = inspect.unwrap(function)
    if inspect.isgeneratorfunction(bare) or inspect.isasyncgenfunction(bare):
        raise HandlerSignatureError(f"{where} is a generator. Return a list, or emit each part to the caller.")


def _signature(bound: Callable[..., Any], where: str) -> inspect.Signature:
    try:
        return inspect.signature(bound)
    except ValueError:  # a built-in without a signature takes what comes
        rest = inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)
        return inspect.Signature([rest])
    except TypeError as error:
        raise HandlerSignatureError(f"{where} is not callable. An event handler is a function or a method.") from error


def _resolve(function: Callable[..., Any], where: str, local_names: Mapping[str, Any] | None) -> dict[str, Any]:
    bare = inspect.unwrap(function)
    if not getattr(bare, "__annotations__", None):
        return {}
    try:
        return typing.get_type_hints(bare, localns=dict(local_names or {}), include_extras=True)
    except NameError as error:
        raise HandlerSignatureError(
            f"{where}: the annotation name {error.name!r} is not known there. Import it at module level "
            "(not under TYPE_CHECKING), or define it before the class."
        ) from error
    except (TypeError, SyntaxError) as error:
        raise HandlerSignatureError(f"{where}: an annotation can't be read: {error}.") from error


def _read_parameters(
    signature: inspect.Signature, annotations: Mapping[str, Any], where: str, event: str
) -> list[Parameter]:
    found = []
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            raise HandlerSignatureError(
                f"{where}: '**{parameter.name}' can't be filled: an event's arguments have positions, not names. "
                "Take a TypedDict or a model."
            )
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if parameter.default is inspect.Parameter.empty:
                raise HandlerSignatureError(
                    f"{where}: parameter {parameter.name!r} is keyword-only, but an event's arguments have positions. "
                    "Move it before the '*'."
                )
            continue
        found.append(
            Parameter(
                parameter.name,
                annotations.get(parameter.name, Any),
                parameter.default,
                parameter.kind is inspect.Parameter.VAR_POSITIONAL,
            )
        )
    if event in LIFE_CYCLE and sum(parameter.required for parameter in found) > 1:
        takes = "the client's auth" if event == CONNECT else "the reason"
        raise HandlerSignatureError(f"{where}: a {event} handler takes nothing, or {takes}; not {len(found)} arguments.")
    return found


def _read_type_variables(cls: type) -> dict[Any, Any]:
    """Map the type variables of generic bases to what *cls* put in: ``class Users(Crud[User])``."""
    found: dict[Any, Any] = {}
    for base in reversed(cls.__mro__):
        for generic in getattr(base, "__orig_bases__", ()):
            variables = getattr(typing.get_origin(generic), "__parameters__", ())
            found.update(zip(variables, typing.get_args(generic), strict=False))
    return {variable: _substitute(value, found) for variable, value in found.items() if value is not variable}


def _substitute(annotation: Any, type_variables: Mapping[Any, Any]) -> Any:
    if isinstance(annotation, TypeVar):
        return type_variables.get(annotation, annotation)
    variables = getattr(annotation, "__parameters__", ())
    if not variables or not type_variables or _is_bare_class(annotation):
        return annotation
    return annotation[tuple(type_variables.get(variable, variable) for variable in variables)]


def _is_bare_class(annotation: Any) -> bool:
    """Tell ``Page`` from ``Page[T]``, which is a class too where ``Page`` is a model."""
    if not isinstance(annotation, type) or typing.get_origin(annotation):
        return False
    return not getattr(annotation, "__pydantic_generic_metadata__", {}).get("origin")
