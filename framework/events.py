"""Declared events to clients: ``posted = Event[Posted]("doc")`` and calls that a client answers.

A declaration is read once, when its class is created. It is bound to the class (for views, tasks and commands) or to the
instance that serves one application (inside handlers), and sends through that application's ``SocketIO``.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Generic, Protocol, Self, TypeVar, TypeVarTuple, get_args, get_type_hints

import flask
from pydantic import ValidationError

from .acks import Output, UnusableAck
from .callers import Caller, find_caller
from .errors import AnswerError, HandlerSignatureError, NotBoundError
from .handlers import RESERVED_EVENTS, HandlerTable
from .payloads import describe
from .signatures import read_type_variables, render_place, substitute
from .wire import refuse_endless, to_plain

Ts = TypeVarTuple("Ts")
R = TypeVar("R")

_sender: ContextVar[Any] = ContextVar("framework_sender", default=None)

Target = str | Collection[str]
DEFAULT_TIMEOUT_S = 60.0


class Sender(Protocol):
    """What a declared event sends through: an application's ``SocketIO``."""

    def emit(self, event: str, *args: Any, **kwargs: Any) -> None: ...
    def call(self, event: str, *args: Any, **kwargs: Any) -> Any: ...


class Home(Protocol):
    """A namespace instance, as far as a declared event needs it."""

    namespace: str

    @property
    def socketio(self) -> Any: ...


class _Declared:
    """What ``Event`` and ``Call`` share: a name, types, and the way to the application."""

    _result_types = 0

    def __init__(self, doc: str = "", *, name: str | None = None, deprecated: str | None = None) -> None:
        self.doc = doc
        self.deprecated = deprecated
        self.name = name or ""
        self.attribute = ""
        self.location = _locate_caller()
        self._declared_in: type = type(None)
        self._owner: type = type(None)
        self._home: Home | None = None
        self._resolved: tuple[Any, ...] | None = None
        self._output: Output | None = None

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = self.attribute or attribute
        self.name = self.name or attribute
        self._declared_in = self._owner = owner

    def __get__(self, instance: Any, owner: type | None = None) -> Self:
        if instance is None:
            return self
        bound = copy.copy(self)
        bound._home = instance
        vars(instance)[self.attribute] = bound  # found first from now on: this descriptor has no __set__
        return bound

    @property
    def types(self) -> tuple[Any, ...]:
        """The types of its arguments; empty when it was declared without."""
        return self._all_types[self._result_types :]

    @property
    def schema(self) -> Any:
        """pydantic's core schema of the arguments, a tuple's; None where none is declared."""
        return self._output.schema if self._output is not None else None

    @property
    def _all_types(self) -> tuple[Any, ...]:
        return self._resolved if self._resolved is not None else tuple(get_args(vars(self).get("__orig_class__")))

    @property
    def _is_typed(self) -> bool:
        return "__orig_class__" in vars(self)

    def compile(self, owner: type, local_names: Mapping[str, Any]) -> Self:
        """Return this declaration as *owner*'s own, its types resolved and checked.

        Raises:
            HandlerSignatureError: Its name is reserved, or a type can't be sent.
        """
        where = f"{owner.__name__}.{self.attribute} ({self.location})"
        if self.name in RESERVED_EVENTS:
            raise HandlerSignatureError(f"{where}: Socket.IO reserves the event name {self.name!r}. Choose another.")
        if self._resolved is None:
            self._resolved = _resolve(self._all_types, where, self._declared_in, local_names)
        own = self if self._declared_in is owner else copy.copy(self)
        own._owner = owner
        variables = read_type_variables(owner).get(self._declared_in, {})
        own._resolved = tuple(substitute(declared, variables) for declared in self._resolved)
        if self._is_typed:
            own._build(where, local_names)
        return own

    def _build(self, where: str, names: Mapping[str, Any]) -> None:
        self._output = _build_output(self.types, where, names)

    def _send_values(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        try:
            if self._output is not None:
                return self._output.plain(values)
            plain = tuple(to_plain(value) for value in values)
            refuse_endless(plain)
        except ValidationError as error:
            raise TypeError(f"{self._label}: {self._explain(error, len(values))}") from error
        except (RecursionError, TypeError, ValueError) as error:  # pydantic's own are ValueErrors
            raise TypeError(f"{self._label}: a value can't be sent: {error}") from error
        return plain

    def _explain(self, error: ValidationError, count: int) -> str:
        found = error.errors(include_url=False)
        if any(item["type"] in ("missing", "too_long") and len(item["loc"]) < 2 for item in found):
            takes = ", ".join(inspect.formatannotation(declared) for declared in self.types) or "nothing"
            return f"takes {takes}; {count} value{'' if count == 1 else 's'} given"
        return "; ".join(_reason(item["loc"][len(self.types) == 1 :], str(item["msg"])) for item in found[:3])

    @property
    def _label(self) -> str:
        return f"{self._owner.__name__}.{self.attribute}"

    def _find_sender(self) -> tuple[Sender, str]:
        if self._home is not None:
            if self._home.socketio is None:
                raise NotBoundError(f"{self._label}: its namespace is not registered yet. Pass it to SocketIO(...).")
            return self._home.socketio, self._home.namespace
        homes = self._find_homes()
        if len(homes) == 1:
            return homes[0].socketio, homes[0].namespace
        name = self._owner.__name__
        if not homes:
            raise NotBoundError(
                f"{self._label}: no application here serves {name}. Pass SocketIO(app, namespaces=[{name}]), and with "
                "several applications send from within app.app_context()."
            )
        if len({id(home.socketio) for home in homes}) > 1:
            raise NotBoundError(
                f"{self._label}: {len(homes)} applications here serve {name}. Send from within app.app_context()."
            )
        paths = ", ".join(sorted(home.namespace for home in homes))
        raise NotBoundError(f"{self._label} is served more than once ({paths}). Send through the instance you mean.")

    def _find_homes(self) -> list[Any]:
        """Return the instances that serve it: in an application's context or task that application's, elsewhere all."""
        homes = list(getattr(self._owner, "_homes", ()))
        here = flask.current_app.extensions.get("socketio") if flask.has_app_context() else _sender.get()
        return homes if here is None else [home for home in homes if home.socketio is here]


class Event(_Declared, Generic[*Ts]):
    """An event that the server sends to clients, with the types of its arguments.

    ``posted = Event[Posted]("A message was posted.")``, ``typing = Event[str, bool]()``. Its name is the attribute's.
    What is sent is the validated value, in its output schema.

    Args:
        doc: One sentence for the documentation and the generated clients.
        name: The name on the wire, when it is no identifier.
        deprecated: What to use in its place; generated clients and documents say so.
        volatile: What is not worth waiting for, such as a position that is replaced in a moment: a client that reads too
            slowly, for which something waits already, does not get it.
    """

    def __init__(
        self, doc: str = "", *, name: str | None = None, deprecated: str | None = None, volatile: bool = False
    ) -> None:
        super().__init__(doc, name=name, deprecated=deprecated)
        self._options: dict[str, Any] = {"volatile": True} if volatile else {}

    @property
    def volatile(self) -> bool:
        """Whether a client for which something waits already does not get it."""
        return bool(self._options)

    def emit(self, *values: *Ts, to: Target, skip: Target | None = None) -> None:
        """Send to the clients of one or more rooms; a sid is a room with one client.

        Args:
            to: A room, a sid, or several; an empty list reaches nobody.
            skip: A sid or several that get nothing.

        Raises:
            TypeError: A value is not of the declared type.
            NotBoundError: No application here serves the namespace.
        """
        socketio, path = self._find_sender()
        socketio.emit(self.name, self._send_values(values), namespace=path, to=to, skip_sid=skip, **self._options)

    def broadcast(self, *values: *Ts, skip: Target | None = None) -> None:
        """Send to every client of the namespace. Raises like `emit`."""
        socketio, path = self._find_sender()
        socketio.emit(self.name, self._send_values(values), namespace=path, skip_sid=skip, **self._options)

    def reply(self, *values: *Ts) -> None:
        """Send to the client whose event is being handled, and to no other.

        Raises:
            RuntimeError: No event is being handled here, or its client has not joined this namespace.
            TypeError: A value is not of the declared type.
        """
        socketio, path = self._find_sender()
        client = _find_client(socketio, path, self._label)
        socketio.emit(self.name, self._send_values(values), namespace=path, to=client, **self._options)


class Call(_Declared, Generic[R, *Ts]):
    """A call that the server makes and one client answers: ``confirm = Call[bool, Question]("Ask before deleting.")``.

    The first type is the answer's, the rest are the arguments'. Without any, both pass as they come.

    Args:
        doc: One sentence for the documentation and the generated clients.
        name: The name on the wire, when it is no identifier.
        deprecated: What to use in its place; generated clients and documents say so.
    """

    _result_types = 1

    def __init__(self, doc: str = "", *, name: str | None = None, deprecated: str | None = None) -> None:
        super().__init__(doc, name=name, deprecated=deprecated)
        self._answer: Output | None = None

    @property
    def answer_type(self) -> Any:
        """The declared type of the answer; ``Any`` when there is none."""
        return self._all_types[0] if self._is_typed else Any

    @property
    def answer_schema(self) -> Any:
        """pydantic's core schema of a tuple with the answer; None where none is declared."""
        return self._answer.schema if self._answer is not None else None

    def call(self, *values: *Ts, to: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> R:
        """Send to one client and wait for its answer.

        Args:
            to: One sid. A room would have several answers.
            timeout_s: Seconds to wait; 60 by default, as ``socketio.Server.call`` does.

        Raises:
            CallTimeoutError: No answer in time; the client may still have handled it.
            ClientGoneError: The client left meanwhile, or was never there.
            AnswerError: The answer is not of the declared type.
            TypeError: A value is not of the declared type.
        """
        socketio, path = self._find_sender()
        answer = socketio.call(self.name, self._send_values(values), namespace=path, to=to, timeout=timeout_s)
        return self._check(answer)

    def _check(self, answer: Any) -> R:
        if self._answer is None:
            return answer  # type: ignore[no-any-return]
        try:
            return self._answer.check((answer,))[0]  # type: ignore[no-any-return]
        except ValidationError as error:
            found = error.errors(include_url=False)[:3]
            reasons = "; ".join(_reason(item["loc"][1:], describe(item)) for item in found)
            raise AnswerError(f"{self._label} was answered with something else: {reasons}") from error

    def _build(self, where: str, names: Mapping[str, Any]) -> None:
        super()._build(where, names)
        self._answer = _build_output((self.answer_type,), where, names)


def run_for(sender: Any, target: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    """Run *target*, with declared events going through *sender* where no application is current."""
    _sender.set(sender)
    target(*args, **kwargs)


def read_declared(cls: type, local_names: Mapping[str, Any]) -> dict[str, _Declared]:
    """Return the declared events and calls of *cls* by name, inherited ones bound to it.

    Raises:
        HandlerSignatureError: Two have the same name, or one can't be sent.
    """
    found: dict[str, _Declared] = {}
    for attribute in dir(cls):
        declared = _find_declared(cls, attribute)
        if declared is None:
            continue
        own = declared.compile(cls, local_names)
        setattr(cls, attribute, own)
        if own.name in found:
            other = found[own.name].attribute
            raise HandlerSignatureError(
                f"{cls.__name__}.{attribute} ({own.location}): event {own.name!r} is already declared as "
                f"{cls.__name__}.{other}. Give one of them another name=."
            )
        found[own.name] = own
    return found


def refuse_shared_names(cls: type, declared: Mapping[str, _Declared], handlers: HandlerTable) -> None:
    """Refuse a declared event that a client could not tell from the parts of a stream.

    Raises:
        HandlerSignatureError: It has the name of an event that is answered by a stream.
    """
    for name, own in declared.items():
        handler = handlers.events.get(name)
        if handler is not None and handler.chunks is not None:
            raise HandlerSignatureError(
                f"{cls.__name__}.{own.attribute} ({own.location}): {handler.name} ({handler.location}) streams, and the "
                f"parts of its stream are events of the name {name!r}, too. Give one of them another name."
            )


def _find_declared(cls: type, attribute: str) -> _Declared | None:
    """Return what declares *attribute*, passing over the copies that were made for bases."""
    for base in cls.__mro__:
        declared = vars(base).get(attribute)
        if not isinstance(declared, _Declared):
            if attribute in vars(base):
                return None
        elif declared._declared_in is base:
            return declared
    return None


def current_sid(what: str) -> str:
    """Return the sid of the client whose event is being handled.

    Raises:
        RuntimeError: None is; *what* names who asks.
    """
    return _current_caller(what).sid


def _current_caller(what: str) -> Caller:
    caller = find_caller()
    if caller is None:
        raise RuntimeError(f"{what}: no client's event is being handled here. Say the target with to=...")
    return caller


def _find_client(socketio: Any, path: str, what: str) -> str:
    """Return the sid that the client whose event is being handled has on *path*; each namespace knows it by another."""
    sid, here = _current_caller(what)
    if here == path:
        return sid
    manager = socketio.server.manager
    connection = manager.eio_sid_from_sid(sid, here)
    found = manager.sid_from_eio_sid(connection, path) if connection is not None else None
    if found is None:
        raise RuntimeError(f"{what}: the client whose event is being handled has not joined {path!r}.")
    return str(found)


def _build_output(types: tuple[Any, ...], where: str, names: Mapping[str, Any]) -> Output:
    try:
        return Output(tuple.__class_getitem__(types), names)
    except UnusableAck as error:
        described = ", ".join(inspect.formatannotation(declared) for declared in types)
        raise HandlerSignatureError(f"{where}: {described} can't be sent: {error}.") from error


def _resolve(types: tuple[Any, ...], where: str, owner: type, local_names: Mapping[str, Any]) -> tuple[Any, ...]:
    """Resolve types that were declared as strings."""
    module = vars(sys.modules.get(owner.__module__, SimpleNamespace()))
    holder = SimpleNamespace(__annotations__={str(index): declared for index, declared in enumerate(types)})
    try:
        return tuple(get_type_hints(holder, module, dict(local_names), include_extras=True).values())
    except NameError as error:
        raise HandlerSignatureError(
            f"{where}: the type {error.name!r} is not known there. Define it before the class, or write it without quotes."
        ) from error
    except (TypeError, SyntaxError) as error:
        raise HandlerSignatureError(f"{where}: a type can't be read: {error}.") from error


def _reason(location: Collection[int | str], message: str) -> str:
    path = ".".join(str(part) for part in location)
    return f"{path}: {message}" if path else message


def _locate_caller() -> str:
    frame: Any = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__") in ("typing", __name__):
        frame = frame.f_back
    return render_place(frame.f_code.co_filename, frame.f_lineno)
