"""What decides about an event before its handler, and sees how it ended: middleware, guards, and declared errors.

The decorators only mark; what a class and its methods are marked with is read when the class is created.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from .dependencies import Node, compile_dependency
from .errors import ConfigurationError, EventError, HandlerSignatureError
from .handling import Handling
from .signatures import caller_locals, find_definition, locate

F = TypeVar("F", bound=Callable[..., Any])
Proceed = Callable[[], Any]

_USED = "__framework_middleware__"
_GUARDS = "__framework_guards__"
_RAISES = "__framework_raises__"
_READ = "__framework_read__"


class Middleware:
    """Around what clients do: override what you need.

    Each method returns what ``proceed()`` returned, which is the handler's value, or something in its place. It may
    refuse by raising an `EventError`, answer without ``proceed()``, look at what that raised, or change
    ``handling.args`` before. Methods may be ``async def``; then ``await proceed()``.

    A plain function ``(handling, proceed)`` is middleware around events only.
    """

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        """Around a connect; returning False or raising refuses the client."""
        return proceed()

    def event(self, handling: Handling, proceed: Proceed) -> Any:
        """Around an event, before anybody knows whether it is served."""
        return proceed()

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        """Around a disconnect, which can't be refused; what it raises is logged."""
        return proceed()


AnyMiddleware = Middleware | Callable[[Handling, Proceed], Any]


class Layer(NamedTuple):
    """One middleware around one kind of thing."""

    function: Callable[..., Any]
    is_async: bool


Onion = tuple[Layer, ...]


@dataclass(frozen=True)
class Layers:
    """Middleware by what it goes around, the outermost first."""

    connect: Onion = ()
    event: Onion = ()
    disconnect: Onion = ()

    def __add__(self, inner: Layers) -> Layers:
        return Layers(self.connect + inner.connect, self.event + inner.event, self.disconnect + inner.disconnect)


NO_LAYERS = Layers()


def read_layers(middleware: Iterable[AnyMiddleware], where: str) -> Layers:
    """Sort *middleware* by what it goes around; what it does not override is left out.

    Args:
        where: Who asked for it, for the error.

    Raises:
        ConfigurationError: One is no middleware.
    """
    if isinstance(middleware, Middleware) or inspect.isroutine(middleware):
        raise ConfigurationError(
            f"{where}: {middleware!r} is one middleware, not a list of them. Write [...] around it."
        )
    layers: dict[str, list[Layer]] = {"connect": [], "event": [], "disconnect": []}
    for one in middleware:
        if isinstance(one, Middleware):
            for kind, found in layers.items():
                if getattr(type(one), kind) is not getattr(Middleware, kind):
                    found.append(_read_layer(getattr(one, kind), where))
        elif callable(one) and not inspect.isclass(one):
            layers["event"].append(_read_layer(one, where))
        else:
            hint = (
                f"Pass an instance: {one.__name__}()." if inspect.isclass(one) else "Pass a Middleware or a function."
            )
            raise ConfigurationError(f"{where}: {one!r} is no middleware. {hint}")
    return Layers(*(tuple(found) for found in layers.values()))


def _read_layer(function: Callable[..., Any], where: str) -> Layer:
    bare = find_definition(function)
    place = f"{where}: {getattr(bare, '__qualname__', function)} ({locate(function)})"
    if inspect.isgeneratorfunction(bare) or inspect.isasyncgenfunction(bare):
        raise ConfigurationError(f"{place} is a generator. Middleware returns proceed(), or something in its place.")
    if not _takes_two(function):
        raise ConfigurationError(f"{place} is called with (handling, proceed), and can't be. Change its parameters.")
    return Layer(function, inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(bare))


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
        signature.bind(None, None)
    except TypeError:
        return False
    except ValueError:  # a built-in that does not say what it takes
        return True
    is_method = inspect.isfunction(function) and next(iter(signature.parameters), "") == "self"
    return not is_method  # of no instance: a handler under a bare @use, or Limit.event for Limit().event


class Guard(NamedTuple):
    """A condition for a connect or an event.

    Args:
        name: Of the function, as `framework routes` lists it.
    """

    name: str
    node: Node
    code: str = "forbidden"
    message: str = "Not allowed."


def guard(check: Callable[..., Any], *, code: str = "forbidden", message: str = "Not allowed.") -> Callable[[F], F]:
    """Let an event through where *check* says so; before its payload is read.

    On a method or a function it guards that event, on ``on_connect`` the connection; on a `Namespace` class the
    connection and every event of its path. Guards run in the order in which they are written, those of a base class
    first, a class's before a method's. A method that overrides another has its own guards, and no other.

    Args:
        check: Returns something true to let it through; it may raise an `EventError` to say why not, and may be ``async
            def``. Its parameters are a `Handling` or dependencies, if any. It is asked once per event, as a dependency is.
        code: What the client is told otherwise.
        message: Likewise.

    Raises:
        HandlerSignatureError: *check* takes what can't be filled, or is put where nobody would ask it.
    """
    if not callable(check):
        raise HandlerSignatureError(
            f"@guard takes a function that says who may, e.g. @guard(is_member), not {check!r}."
        )
    name = getattr(check, "__name__", None) or type(check).__name__
    made = Guard(name, compile_dependency(check, caller_locals()), code, message)
    return functools.partial(_mark, _GUARDS, (made,))


def use(*middleware: AnyMiddleware) -> Callable[[F], F]:
    """Put *middleware* around one handler, the first outermost; it sees validated arguments.

    Raises:
        ConfigurationError: One is no middleware.
    """
    read_layers(middleware, "@use")
    return functools.partial(_mark, _USED, middleware)


def raises(*errors: type[EventError]) -> Callable[[F], F]:
    """Declare the errors of a handler: they are listed in `framework routes` and typed in generated clients.

    Args:
        errors: Classes of `EventError` with a ``code`` of their own. Their docstring's first line is the description.

    Raises:
        HandlerSignatureError: One is no such class.
    """
    for error in errors:
        if not (inspect.isclass(error) and issubclass(error, EventError) and error.code):
            raise HandlerSignatureError(
                f"@raises takes classes of EventError that have a code, e.g. class RoomFull(EventError): "
                f"code = 'room_full'; not {error!r}."
            )
    return functools.partial(_mark, _RAISES, errors)


def _mark(key: str, items: tuple[Any, ...], target: Any) -> Any:
    """Note *items* on a function or a class, before those of the decorators below."""
    if isinstance(target, staticmethod | classmethod):
        _mark(key, items, target.__func__)
        return target
    if not inspect.isclass(target) and not inspect.isroutine(target):
        raise HandlerSignatureError(f"a decorator for handlers was put on {target!r}, which is no function or class.")
    if inspect.isclass(target) and key != _GUARDS:
        raise HandlerSignatureError(
            f"{target.__qualname__} ({locate(target)}): this decorator is for a handler. Of a class's decorators there "
            "is @guard; middleware goes into its attribute 'middleware'."
        )
    if vars(target).get(_READ) == id(target):
        raise HandlerSignatureError(
            f"{target.__qualname__} ({locate(target)}): it is served already, so this decorator would not be seen. "
            "Put it below the one that serves it."
        )
    setattr(target, key, (*items, *vars(target).get(key, ())))
    return target


class Marks(NamedTuple):
    """What the decorators of one handler say."""

    layers: Layers
    guards: tuple[Guard, ...]
    raises: tuple[type[EventError], ...]


def read_marks(function: Any, kind: str, where: str) -> Marks:
    """Return what *function* was decorated with; from now on it can't be.

    Args:
        kind: ``connect``, ``event`` or ``disconnect``: what it handles.

    Raises:
        HandlerSignatureError: It has a guard or middleware that such a handler would never ask.
    """
    used: tuple[AnyMiddleware, ...] = getattr(function, _USED, ())
    marks = Marks(read_layers(used, where), getattr(function, _GUARDS, ()), getattr(function, _RAISES, ()))
    for one in used:
        if not getattr(read_layers((one,), where), kind):
            raise HandlerSignatureError(
                f"{where}: {one!r} goes around no {kind}. Use a Middleware with a method '{kind}'."
            )
    if kind == "disconnect" and marks.guards:
        raise HandlerSignatureError(f"{where}: a disconnect can't be refused. Remove @guard.")
    with contextlib.suppress(AttributeError):  # a method of an instance, a built-in
        setattr(function, _READ, id(function))
    return marks


def read_class_guards(cls: type) -> tuple[Guard, ...]:
    """Return the guards of a class, those of its bases first."""
    return tuple(found for base in reversed(cls.__mro__) for found in vars(base).get(_GUARDS, ()))
