"""The list of events that `framework routes` prints: what is served, what is declared, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from .events import Call
from .handlers import DISCONNECT, Handler, read_handlers
from .middleware import Guard, read_class_guards
from .payloads import Parameter

FROM_CLIENT: Literal["client to server"] = "client to server"
TO_CLIENT: Literal["server to client"] = "server to client"


@dataclass(frozen=True, order=True)
class Route:
    """One event of one namespace.

    Args:
        direction: ``client to server`` or ``server to client``.
        arguments: As a signature has them, e.g. ``room: str, limit: int = 50``.
        ack: The type of the acknowledgement, ``stream of`` and a type where it streams; empty when there is none, or
            none is declared.
        guards: What has to let it through, the class's own first.
        raises: The codes of the errors that it declares.
        handler: Class and method, or module and function, that serves or declares it.
        location: ``file:line``.
        description: The first line of its docstring.
        run: Where its handler asks to be run, ``inline`` or ``pool``; empty where that follows the time that it takes.
    """

    namespace: str
    direction: str
    event: str
    arguments: str
    ack: str
    guards: tuple[str, ...]
    raises: tuple[str, ...]
    handler: str
    location: str
    description: str
    run: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_routes(namespaces: Iterable[Any], functions: Iterable[tuple[str, Handler]]) -> list[Route]:
    """Return the routes of namespace instances and of functions (path, handler)."""
    latest = {(path, handler.event): handler for path, handler in functions}
    namespaces = [*namespaces]
    guards = {str(namespace.namespace): read_class_guards(type(namespace)) for namespace in namespaces}
    found = [_read_handler(path, handler, guards.get(path, ())) for (path, _), handler in latest.items()]
    for namespace in namespaces:
        found += _read_class(namespace)
    return sorted(found)


def _read_class(namespace: Any) -> Iterator[Route]:
    path = str(namespace.namespace)
    table = getattr(type(namespace), "_handlers", None) or read_handlers(type(namespace))
    for handler in (table.connect, table.disconnect, *table.events.values()):
        if handler is not None:
            yield _read_handler(path, handler, read_class_guards(type(namespace)))
    for declared in getattr(type(namespace), "_declared", {}).values():
        arguments = ", ".join(render_type(kind) for kind in declared.types)
        ack = render_type(declared.answer_type) if isinstance(declared, Call) else ""
        name = f"{type(namespace).__name__}.{declared.attribute}"
        doc = _first_line(declared.doc)
        yield Route(path, TO_CLIENT, declared.name, arguments, ack, (), (), name, declared.location, doc)


def _read_handler(path: str, handler: Handler, around: tuple[Guard, ...] = ()) -> Route:
    arguments = ", ".join(_render_parameter(parameter) for parameter in handler.payload.parameters)
    guards = () if handler.event == DISCONNECT else tuple(guard.name for guard in (*around, *handler.guards))
    codes = tuple(error.code for error in handler.raises)
    ack, doc = _render_ack(handler), _first_line(handler.doc)
    about = (arguments, ack, guards, codes, handler.name, handler.location, doc)
    return Route(path, FROM_CLIENT, handler.event, *about, run=handler.run or "")


def _render_ack(handler: Handler) -> str:
    if handler.chunks is not None:
        return f"stream of {render_type(handler.chunks.annotation)}" if handler.chunks.typed else "stream"
    return render_type(handler.ack.annotation) if handler.ack.typed else ""


def _render_parameter(parameter: Parameter) -> str:
    text = f"*{parameter.name}" if parameter.variadic else parameter.name
    if parameter.annotation is not Any:
        text += f": {render_type(parameter.annotation)}"
    if not parameter.required and not parameter.variadic:
        text += f" = {parameter.default!r}"
    return text


def render_type(annotation: Any) -> str:
    """Return a type as a person writes it: without modules, and without the constraints of ``Annotated``."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return render_type(args[0])
    if origin in (Union, UnionType):
        return " | ".join(render_type(arg) for arg in args)
    if origin is Literal:
        return f"Literal[{', '.join(repr(arg) for arg in args)}]"
    if origin is not None:
        return f"{_name(origin)}[{', '.join(render_type(arg) for arg in args)}]"
    if isinstance(annotation, list):  # the arguments of a Callable
        return f"[{', '.join(render_type(arg) for arg in annotation)}]"
    return "None" if annotation is NoneType else "..." if annotation is ... else _name(annotation)


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", None) or kind).replace("typing.", "")


def _first_line(doc: str) -> str:
    return doc.strip().partition("\n")[0]
