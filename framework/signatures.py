"""What a function's signature promises: parameters and return type, with strings, generics and local names resolved.

Read once, when a handler is registered. Every refusal names the handler, its place and the way out.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import os
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

from pydantic.fields import FieldInfo

from .errors import HandlerSignatureError
from .payloads import Parameter

Variables = Mapping[Any, Any]
_NO_DEFAULT = inspect.Parameter.empty
_CREATORS = ("abc", "types", "typing", "flask_socketio", "socketio", __package__)


def caller_locals(module: str | None = None) -> Mapping[str, Any]:
    """Return the local names where a class or a function is being defined; empty at the top of a module.

    Args:
        module: Where it is defined; the frames above it belong to who helps to create it.
    """
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name != "__init_subclass__" and _defines(frame.f_globals.get("__name__", ""), module):
            return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
        frame = frame.f_back
    return {}


def _defines(name: str, module: str | None) -> bool:
    return name == module or (module is None and name.partition(".")[0] not in _CREATORS)


def locate(function: Callable[..., Any]) -> str:
    """Return ``file:line`` of *function*, the file relative to the working directory when it is below it."""
    code = getattr(find_definition(function), "__code__", None)
    return "built in" if code is None else render_place(code.co_filename, code.co_firstlineno)


def render_place(path: str, line: int) -> str:
    """Return ``file:line``, the file relative to the working directory when it is below it."""
    try:
        short = os.path.relpath(path)
    except ValueError:  # another drive
        short = path
    return f"{path if short.startswith('..') else short}:{line}"


def find_definition(function: Any) -> Any:
    """Return what was written as ``def``, below decorators and partials."""
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial | functools.partialmethod):
        function = inspect.unwrap(function.func)
    return function if inspect.isroutine(function) else type(function).__call__


def read_signature(bound: Callable[..., Any], where: str) -> inspect.Signature:
    """Return the signature of *bound*, which takes the event's arguments and no other.

    Raises:
        HandlerSignatureError: It is a method without ``self``.
    """
    bare = find_definition(bound)
    try:
        return inspect.signature(bound)
    except ValueError as error:
        if isinstance(bare, types.FunctionType | types.MethodType):
            raise HandlerSignatureError(
                f"{where}: a method takes 'self' first. Add it, or use @staticmethod."
            ) from error
        rest = inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)
        return inspect.Signature([rest])  # a built-in without a signature takes what comes


def read_hints(
    function: Callable[..., Any], where: str, local_names: Mapping[str, Any], owner: type | None = None
) -> dict[str, Any]:
    """Return the annotations of *function*, strings resolved.

    Args:
        local_names: The locals where it is defined, or where a class that inherits it is.
        owner: The class that defines it, whose attributes may be meant too.

    Raises:
        HandlerSignatureError: A name in them is not known, or one can't be read.
    """
    bare = find_definition(function)
    if not getattr(bare, "__annotations__", None):
        return {}
    visible = _visible_names(bare, local_names, vars(owner) if owner else {})
    try:
        return typing.get_type_hints(bare, localns=visible, include_extras=True)
    except NameError as error:
        raise HandlerSignatureError(
            f"{where}: the annotation name {error.name!r} is not known there. Import it at module level "
            "(not under TYPE_CHECKING), or define it before the class."
        ) from error
    except (TypeError, SyntaxError, AttributeError) as error:
        raise HandlerSignatureError(f"{where}: an annotation can't be read: {error}.") from error


def _visible_names(function: Any, local_names: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """Return what comes before the names of the function's module: its locals, and what the module does not have."""
    known = getattr(function, "__globals__", {})
    is_local = "<locals>" in function.__qualname__
    return {
        name: value
        for names, first in ((members, False), (local_names, is_local))
        for name, value in names.items()
        if first or (name not in known and not hasattr(builtins, name))
    }


def read_parameters(
    declared: Collection[inspect.Parameter], annotations: Mapping[str, Any], where: str
) -> list[Parameter]:
    """Return the parameters that an event's arguments fill; a keyword-only one with a default keeps it.

    Raises:
        HandlerSignatureError: One can't be filled by position.
    """
    takes_rest = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in declared)
    return [
        Parameter(
            parameter.name,
            annotations.get(parameter.name, Any),
            parameter.default,
            parameter.kind is inspect.Parameter.VAR_POSITIONAL,
        )
        for parameter in declared
        if _is_filled(parameter, where, takes_rest)
    ]


def _is_filled(parameter: inspect.Parameter, where: str, takes_rest: bool) -> bool:
    if parameter.kind is inspect.Parameter.VAR_KEYWORD and takes_rest:
        return False  # a wrapper that passes on what comes; nothing comes by name
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        raise HandlerSignatureError(
            f"{where}: '**{parameter.name}' can't be filled: an event's arguments have positions, not names. "
            "Take a TypedDict or a model."
        )
    if isinstance(parameter.default, FieldInfo):
        raise HandlerSignatureError(
            f"{where}: the default of parameter {parameter.name!r} is a Field(...), which only models read. "
            f"Write {parameter.name}: Annotated[..., Field(...)], and the default after it."
        )
    if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
        return True
    if parameter.default is _NO_DEFAULT:
        raise HandlerSignatureError(
            f"{where}: parameter {parameter.name!r} is keyword-only, but an event's arguments have positions. "
            "Move it before the '*'."
        )
    return False


def read_type_variables(cls: type) -> dict[type, Variables]:
    """Return what *cls* puts in for the type variables of each of its bases: ``class Users(Crud[User])``."""
    found: dict[type, Variables] = {}
    for base, variables in _generic_bases(cls, {}):
        found[base] = {**variables, **found.get(base, {})}
    return found


def _generic_bases(cls: type, known: Variables) -> Iterator[tuple[type, Variables]]:
    for generic in vars(cls).get("__orig_bases__", cls.__bases__):
        base = typing.get_origin(generic) or generic
        arguments = [substitute(argument, known) for argument in typing.get_args(generic)]
        names = getattr(base, "__parameters__", ())
        variables = dict(zip(names, arguments, strict=True)) if len(names) == len(arguments) else {}
        yield base, variables
        yield from _generic_bases(base, variables)


def substitute(annotation: Any, variables: Variables) -> Any:
    """Return *annotation* with type variables replaced by what stands for them."""
    if isinstance(annotation, TypeVar):
        return variables.get(annotation, annotation)
    names = getattr(annotation, "__parameters__", ())
    if not any(name in variables for name in names) or _is_bare_class(annotation):
        return annotation
    return annotation[tuple(variables.get(name, name) for name in names)]


def _is_bare_class(annotation: Any) -> bool:
    """Tell ``Box`` from ``Box[T]``; a generic model's own ``Page[T]`` is ``Page`` itself, and read as ``Page[T]``."""
    if not isinstance(annotation, type) or typing.get_origin(annotation):
        return False
    return not hasattr(annotation, "__pydantic_generic_metadata__")
