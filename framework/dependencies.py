"""`Depends`: what a handler needs and no client sends. Read when the handler is, made once per event.

The graph of a handler is compiled when its class is created; an event only walks it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import typing
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
)
from dataclasses import dataclass
from types import CoroutineType, GeneratorType
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar, cast, get_args, get_origin, overload

from .errors import HandlerSignatureError
from .handling import Handling
from .signatures import caller_locals, locate, read_hints

logger = logging.getLogger("framework")

T = TypeVar("T")
_EMPTY = inspect.Parameter.empty
_UNFINISHED = (CoroutineType, GeneratorType)
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Loop(Protocol):
    """Where the coroutines of one event run."""

    @property
    def is_used(self) -> bool: ...
    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any: ...
    def close(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Dependency:
    """What `Depends` leaves in a signature."""

    function: Callable[..., Any]


@overload
def Depends(function: Callable[..., Generator[T, Any, Any]]) -> T: ...
@overload
def Depends(function: Callable[..., AsyncGenerator[T, Any]]) -> T: ...
@overload
def Depends(function: Callable[..., Iterator[T]]) -> T: ...
@overload
def Depends(function: Callable[..., AsyncIterator[T]]) -> T: ...
@overload
def Depends(function: Callable[..., Coroutine[Any, Any, T]]) -> T: ...
@overload
def Depends(function: Callable[..., Awaitable[T]]) -> T: ...
@overload
def Depends(function: Callable[..., T]) -> T: ...
def Depends(function: Callable[..., Any]) -> Any:  # noqa: N802 - the field's name for it
    """Have a parameter filled by *function*, never by the client: ``user: User = Depends(current_user)``.

    It is no part of the event's arguments. ``Annotated[User, Depends(current_user)]`` means the same.

    Args:
        function: Called once per event, however many ask for it, inside Flask's context. It may be ``async def``. A
            generator yields the value and is resumed after the client has its answer (at connect and disconnect after the
            handler), with the exception if there was one; what it raises then is logged. Its own parameters are
            dependencies, a `Handling`, or have a default.

    Raises:
        TypeError: *function* can't be called.
    """
    if not callable(function):
        raise TypeError(f"Depends takes a function, e.g. Depends(current_user), not {function!r}.")
    return Dependency(function)


class Node(NamedTuple):
    """One dependency with its own, compiled.

    Args:
        make: Returns the value, or a context manager that does.
        needs: What its parameters are filled with, by name; None is the `Handling`.
    """

    function: Callable[..., Any]
    make: Callable[..., Any]
    needs: tuple[tuple[str, Node | None], ...]
    is_context: bool = False
    is_async_context: bool = False


def find_dependency(parameter: inspect.Parameter, annotation: Any) -> Dependency | None:
    """Return what *parameter* is to be filled with, or None where the client fills it."""
    if isinstance(parameter.default, Dependency):
        return parameter.default
    if get_origin(annotation) is Annotated:
        return next((found for found in get_args(annotation)[1:] if isinstance(found, Dependency)), None)
    return None


def compile_dependency(
    function: Callable[..., Any], names: Mapping[str, Any], path: tuple[Callable[..., Any], ...] = ()
) -> Node:
    """Read what *function* needs, and what that needs.

    Args:
        names: What string annotations may use beside their module's own names.
        path: Who needs it.

    Raises:
        HandlerSignatureError: A parameter can't be filled, it needs itself, or it can't be told from others.
    """
    where = f"dependency {_name(function)} ({locate(function)})"
    if not _has_hash(function):
        raise HandlerSignatureError(
            f"{where}: it has no hash, which tells one dependency from another. Pass a function."
        )
    if function in path:
        circle = " -> ".join(_name(one) for one in (*path, function))
        raise HandlerSignatureError(f"{where}: it depends on itself: {circle}.")
    path = (*path, function)
    needs = tuple(
        (name, None if need is None else compile_dependency(need.function, names, path))
        for name, need in _read_needs(function, where, names).items()
    )
    # What a decorator returns is called as it is: a function under @contextmanager makes no generator.
    called = (
        function if inspect.isroutine(function) or isinstance(function, functools.partial) else type(function).__call__
    )
    if inspect.isgeneratorfunction(called):
        return Node(function, contextlib.contextmanager(function), needs, is_context=True)
    if inspect.isasyncgenfunction(called):
        return Node(function, contextlib.asynccontextmanager(function), needs, is_async_context=True)
    return Node(function, function, needs)


def _has_hash(function: Callable[..., Any]) -> bool:
    try:
        hash(function)
    except TypeError:
        return False
    return True


def _read_needs(function: Callable[..., Any], where: str, names: Mapping[str, Any]) -> dict[str, Dependency | None]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}  # a built-in without a signature is called without arguments
    asking = [parameter for parameter in parameters if parameter.kind not in _REST]
    hints: Mapping[str, Any] = {}
    if any(parameter.annotation is not _EMPTY and not _is_settled(parameter) for parameter in asking):
        hints = read_hints(cast(Any, function).__init__ if inspect.isclass(function) else function, where, names)
    needs: dict[str, Dependency | None] = {}
    for parameter in asking:
        annotation = hints.get(parameter.name)
        need = find_dependency(parameter, annotation)
        if need is not None:
            needs[parameter.name] = need
        elif inspect.isclass(annotation) and issubclass(annotation, Handling):
            needs[parameter.name] = None
        elif parameter.default is _EMPTY:
            raise HandlerSignatureError(
                f"{where}: nothing fills parameter {parameter.name!r}. Give it Depends(...), a default, or the "
                "annotation Handling; flask.request and flask.session are there."
            )
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and parameter.name in needs:
            raise HandlerSignatureError(f"{where}: parameter {parameter.name!r} is filled by name. Remove the '/'.")
    return needs


def _is_settled(parameter: inspect.Parameter) -> bool:
    """Say whether a default alone tells what fills it, so that its annotation need not be read."""
    return isinstance(parameter.default, Dependency)


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


class Injection:
    """The dependencies of one handler, and where in its signature they go.

    Args:
        parameters: The handler's, without ``self``.
        needs: Its dependencies by parameter.
        where: The handler, for the error.
        names: What string annotations may use beside their module's own names.

    Raises:
        HandlerSignatureError: A dependency can't be made, or the parameter takes any number of values.
    """

    def __init__(
        self,
        parameters: typing.Iterable[inspect.Parameter],
        needs: Mapping[str, Dependency],
        where: str,
        names: Mapping[str, Any],
    ) -> None:
        nodes = {name: compile_dependency(need.function, names) for name, need in needs.items()}
        self.nodes = tuple(nodes.values())
        self._slots: list[tuple[Node | None, Any]] = []  # and the default of what the client sends
        self._keywords: list[tuple[str, Node]] = []
        for parameter in parameters:
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                if parameter.name in nodes:
                    self._keywords.append((parameter.name, nodes[parameter.name]))
            elif parameter.kind not in _REST:
                self._slots.append((nodes.get(parameter.name), parameter.default))
            elif parameter.name in nodes:
                raise HandlerSignatureError(f"{where}: '*{parameter.name}' takes the rest, and can't be a dependency.")

    def fill(self, args: tuple[Any, ...], scope: Scope) -> tuple[list[Any], dict[str, Any]]:
        """Return *args* and the dependencies, each in its place, and those that go by name."""
        left, resolve = iter(args), scope.resolve
        # Nothing is left where a connect handler's client sent no auth.
        filled = [next(left, default) if node is None else resolve(node) for node, default in self._slots]
        filled += left
        return filled, {name: resolve(node) for name, node in self._keywords} if self._keywords else {}


class Scope:
    """The dependencies of one event: each made once, and undone in reverse order.

    What few events need is made when it is needed: a loop for coroutines, a stack for what is to be undone.

    Args:
        find_loop: Returns what runs coroutines, all of one event on one loop.
        overrides: What a test puts in the place of a dependency.
    """

    __slots__ = ("_exits", "_find_loop", "_handling", "_loop", "_overrides", "_values")

    def __init__(
        self,
        handling: Handling,
        find_loop: Callable[[Handling], Loop],
        overrides: Mapping[Any, Node] | None = None,
    ) -> None:
        self._handling = handling
        self._find_loop = find_loop
        self._overrides = overrides
        self._values: dict[Callable[..., Any], Any] = {}
        self._exits: contextlib.ExitStack | None = None
        self._loop: Loop | None = None

    @property
    def loop(self) -> Loop:
        """What its coroutines run on."""
        if self._loop is None:
            self._loop = self._find_loop(self._handling)
        return self._loop

    def resolve(self, node: Node) -> Any:
        """Return the value of *node*, made now if it has not been."""
        if self._overrides:
            node = self._overrides.get(node.function, node)
        function, values = node.function, self._values
        if function in values:
            return values[function]
        if node.needs:
            made = node.make(
                **{name: self._handling if need is None else self.resolve(need) for name, need in node.needs}
            )
        else:
            made = node.make()
        if node.is_context or node.is_async_context or type(made) in _UNFINISHED:
            made = self._enter(node, made)
        values[function] = made
        return made

    def _enter(self, node: Node, made: Any) -> Any:
        if type(made) is CoroutineType:
            return self.loop.run(made)
        if self._exits is None:
            self._exits = contextlib.ExitStack()
        if node.is_async_context:
            value = self.loop.run(made.__aenter__())
            self._exits.push(lambda *about: self.loop.run(made.__aexit__(*about)))
            return value
        # A generator that is no context comes through a decorator.
        return self._exits.enter_context(made if node.is_context else contextlib.contextmanager(lambda: made)())

    def close(self, error: BaseException | None) -> None:
        """Resume the generators, the last one first; what they raise beside *error* is logged."""
        try:
            if self._exits is not None:
                self._exits.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
        except KeyboardInterrupt:
            raise
        except BaseException as raised:
            if raised is not error:
                logger.exception("a dependency of %r failed after its yield", self._handling)
        finally:
            if self._loop is not None:
                self._loop.close()


def compile_overrides(overrides: Mapping[Callable[..., Any], Callable[..., Any]]) -> dict[Callable[..., Any], Node]:
    """Return what is to be called in the place of each dependency.

    Raises:
        HandlerSignatureError: One needs what can't be filled.
    """
    names = caller_locals()
    return {function: compile_dependency(other, names) for function, other in overrides.items()}
