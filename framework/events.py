"""Declared events to clients: ``posted = Event[Posted]("doc")`` and calls that a client answers.

A declaration is read once, when its class is created. It is bound to the class (for views, tasks and commands) or to the
instance that serves one application (inside handlers), and sends through that application's ``SocketIO``.
"""

from __future__ import annotations

import copy
import os
import sys
import typing
from collections.abc import Collection, Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, TypeVarTuple

import flask
from pydantic import ValidationError

from .acks import Output, UnusableAck
from .errors import AnswerError, HandlerSignatureError, NotBoundError
from .handlers import RESERVED_EVENTS
from .payloads import describe
from .wire import to_plain

if TYPE_CHECKING:
    from typing_extensions import Self

Ts = TypeVarTuple("Ts")
R = TypeVar("R")

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

    def __init__(self, doc: str = "", *, name: str | None = None) -> None:
        self.doc = doc
        self.name = name or ""
        self.attribute = ""
        self.location = _locate_caller()
        self._owner: Any = None
        self._home: Home | None = None
        self._output: Output | None = None

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute
        self.name = self.name or attribute
        self._owner = owner

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
        return tuple(getattr(self, "__orig_class__", SimpleNamespace(__args__=())).__args__[self._result_types :])

    def compile(self, owner: type, local_names: Mapping[str, Any]) -> _Declared:
        """Return this declaration as *owner*'s own, its types resolved and checked.

        Raises:
            HandlerSignatureError: Its name is reserved, or a type can't be sent.
        """
        own = self if self._owner is owner else copy.copy(self)
        own._owner = owner
        where = f"{owner.__name__}.{self.attribute} ({self.location})"
        if self.name in RESERVED_EVENTS:
            raise HandlerSignatureError(f"{where}: Socket.IO reserves the event name {self.name!r}. Choose another.")
        own._read_types(where, owner, local_names)
        return own

    def _read_types(self, where: str, owner: type, local_names: Mapping[str, Any]) -> None:
        if hasattr(self, "__orig_class__"):
            types = _resolve(self.types, where, owner, local_names)
            self._output = _build(tuple[types] if types else tuple[()], where)  # type: ignore[valid-type]

    def _send_values(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._output is None:
            return tuple(to_plain(value) for value in values)
        try:
            return tuple(self._output.plain(values))
        except ValidationError as error:
            reasons = "; ".join(f"{_path(item)}: {item['msg']}" for item in error.errors(include_url=False)[:3])
            raise TypeError(f"{self._label}: {reasons}") from error

    @property
    def _label(self) -> str:
        return f"{getattr(self._owner, '__name__', '?')}.{self.attribute}"

    def _find_sender(self) -> tuple[Sender, str]:
        if self._home is not None:
            if self._home.socketio is None:
                raise NotBoundError(f"{self._label}: its namespace is not registered yet. Pass it to SocketIO(...).")
            return self._home.socketio, self._home.namespace
        homes = list(self._find_homes())
        if len(homes) == 1:
            return homes[0].socketio, homes[0].namespace
        if homes:
            paths = ", ".join(sorted(home.namespace for home in homes))
            raise NotBoundError(f"{self._label} is served more than once ({paths}). Send through the instance you mean.")
        name = getattr(self._owner, "__name__", "?")
        raise NotBoundError(
            f"{self._label}: no application here serves {name}. Pass SocketIO(app, namespaces=[{name}]), and with "
            "several applications send from within app.app_context()."
        )

    def _find_homes(self) -> Iterator[Any]:
        homes = list(getattr(self._owner, "_homes", ()))
        if flask.has_app_context():
            here = flask.current_app.extensions.get("socketio")
            if own := [home for home in homes if home.socketio is here]:
                return iter(own)
        return iter(homes)


class Event(_Declared, Generic[*Ts]):
    """An event that the server sends to clients, with the types of its arguments.

    ``posted = Event[Posted]("A message was posted.")``, ``typing = Event[str, bool]()``. Its name is the attribute's.
    What is sent is the validated value, in its output schema.

    Args:
        doc: One sentence for the documentation and the generated clients.
        name: The name on the wire, when it is no identifier.
    """

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
        socketio.emit(self.name, self._send_values(values), namespace=path, to=to, skip_sid=skip)

    def broadcast(self, *values: *Ts, skip: Target | None = None) -> None:
        """Send to every client of the namespace. Raises like `emit`."""
        socketio, path = self._find_sender()
        socketio.emit(self.name, self._send_values(values), namespace=path, skip_sid=skip)

    def reply(self, *values: *Ts) -> None:
        """Send to the client whose event is being handled, and to no other.

        Raises:
            RuntimeError: No event is being handled here.
            TypeError: A value is not of the declared type.
        """
        socketio, path = self._find_sender()
        socketio.emit(self.name, self._send_values(values), namespace=path, to=current_sid(self._label))


class Call(_Declared, Generic[R, *Ts]):
    """A call that the server makes and one client answers: ``confirm = Call[bool, Question]("Ask before deleting.")``.

    The first type is the answer's, the rest are the arguments'. Without any, both pass as they come.

    Args:
        doc: One sentence for the documentation and the generated clients.
        name: The name on the wire, when it is no identifier.
    """

    _result_types = 1

    def __init__(self, doc: str = "", *, name: str | None = None) -> None:
        super().__init__(doc, name=name)
        self._answer: Output | None = None

    @property
    def answer_type(self) -> Any:
        """The declared type of the answer; ``Any`` when there is none."""
        return getattr(self, "__orig_class__", SimpleNamespace(__args__=(Any,))).__args__[0]

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
            return self._answer.check(answer)  # type: ignore[no-any-return]
        except ValidationError as error:
            reasons = "; ".join(f"{_path(item)}: {describe(item)}" for item in error.errors(include_url=False)[:3])
            raise AnswerError(f"{self._label} was answered with something else: {reasons}") from error

    def _read_types(self, where: str, owner: type, local_names: Mapping[str, Any]) -> None:
        super()._read_types(where, owner, local_names)
        if hasattr(self, "__orig_class__"):
            self._answer = _build(_resolve((self.answer_type,), where, owner, local_names)[0], where)


def read_declared(cls: type, local_names: Mapping[str, Any]) -> dict[str, _Declared]:
    """Return the declared events and calls of *cls* by name, inherited ones bound to it.

    Raises:
        HandlerSignatureError: Two have the same name, or one can't be sent.
    """
    found: dict[str, _Declared] = {}
    for attribute in dir(cls):
        declared = next((vars(base)[attribute] for base in cls.__mro__ if attribute in vars(base)), None)
        if not isinstance(declared, _Declared):
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


def current_sid(what: str) -> str:
    """Return the sid of the client whose event is being handled.

    Raises:
        RuntimeError: None is; *what* names who asks.
    """
    sid = getattr(flask.request, "sid", None) if flask.has_request_context() else None
    if sid is None:
        raise RuntimeError(f"{what}: no client's event is being handled here. Say the target with to=...")
    return str(sid)


def _build(annotation: Any, where: str) -> Output:
    try:
        return Output(annotation)
    except UnusableAck as error:
        raise HandlerSignatureError(f"{where}: {annotation} can't be sent: {error}.") from error


def _resolve(types: tuple[Any, ...], where: str, owner: type, local_names: Mapping[str, Any]) -> tuple[Any, ...]:
    """Resolve types that were declared as strings."""
    module = vars(sys.modules.get(owner.__module__, SimpleNamespace()))
    holder = SimpleNamespace(__annotations__={str(index): declared for index, declared in enumerate(types)})
    try:
        return tuple(typing.get_type_hints(holder, module, dict(local_names), include_extras=True).values())
    except NameError as error:
        raise HandlerSignatureError(f"{where}: the type {error.name!r} is not known there.") from error


def _path(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"]) or "the value"


def _locate_caller() -> str:
    frame: Any = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__") in ("typing", __name__):
        frame = frame.f_back
    path = os.path.relpath(frame.f_code.co_filename)
    return f"{frame.f_code.co_filename if path.startswith('..') else path}:{frame.f_lineno}"
