"""For both flavours: what can go wrong, how values are written and read, what an event is."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, Literal, TypedDict, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

# -- copied

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class ClientError(Exception):
    """Base of all that these clients raise, beside pydantic's ValidationError for a value that can't be sent."""


class EventError(ClientError):
    """The server answered with an error.

    Each declared code has a class of its own below; ``code`` tells the others apart.

    Attributes:
        code: A stable word for programs.
        message: A sentence for a person.
        event: The event's name on the wire; None where nobody serves it, and for a refused connection.
        details: What the server says beside it; for ``invalid_payload`` a list of ``{"path", "type", "message"}``.
        retry_after: Seconds after which it makes sense to try again, or None.
        id: Where it is in the server's log, or None.
    """

    def __init__(self, code: str, message: str = "", more: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        given = more or {}
        self.code = code
        self.message = message
        self.event: str | None = given.get("event")
        self.details: Any = given.get("details")
        self.retry_after = None if given.get("retry_after") is None else float(given["retry_after"])
        self.id: str | None = given.get("id")


class ConnectRefused(EventError):  # noqa: N818 - as python-socketio says it
    """The server did not let the client in."""


class NotConnectedError(ClientError, ConnectionError):
    """The server can't be reached, or the connection was lost before the answer; the event may have been handled."""


class CallTimeoutError(ClientError, TimeoutError):
    """The server did not answer in time; the event may still be handled."""


class InvalidAnswerError(ClientError, ValueError):
    """The server sent something of another type: this module was generated from another version of its contract."""


class ConnectionOptions(TypedDict, total=False):
    """How to connect; all of it may be left out."""

    timeout_s: float
    """How long a call waits for its answer; 60 by default. Each call may say its own."""
    connect_timeout_s: float
    """How long connecting may take; 10 by default."""
    path: str
    """Where the server listens for Socket.IO; ``socket.io`` by default."""
    transports: Sequence[Literal["polling", "websocket"]]
    """Polling, then an upgrade to WebSocket by default."""
    headers: Mapping[str, str]
    """Sent with the HTTP requests."""
    reconnect: bool
    """Whether a lost connection is made again; True by default. Not one that the server ended."""
    reconnect_attempts: int
    """How often; 0, the default, is for ever."""
    reconnect_delay_s: float
    """The wait before the first attempt, which doubles each time; 1 by default."""
    reconnect_delay_max_s: float
    """The longest wait; 5 by default."""
    client: Mapping[str, Any]
    """More arguments for python-socketio's client: ``ssl_verify``, ``http_session``, ``logger`` ..."""


class _Unset:
    """Left to the server, which has a default of its own for it."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


class _Model(BaseModel):
    model_config = ConfigDict(
        populate_by_name=True, allow_inf_nan=False, regex_engine="rust-regex", protected_namespaces=()
    )


class _PartialModel(_Model):
    """Leaves out, when it is sent, what was not given and has a default that only the server knows.

    Those fields are in ``_left_out``: name, name on the wire, and whether it may be sent as null.
    """

    _left_out: ClassVar[tuple[tuple[str, str, bool], ...]] = ()

    @model_serializer(mode="wrap")
    def _leave_out(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = dump(self)
        for name, wire, nullable in self._left_out:
            if name not in self.model_fields_set or (not nullable and getattr(self, name) is None):
                written.pop(wire, None)
                written.pop(name, None)
        return written


class _Shape:
    """The types of a list of values: the arguments of an event, or of its answer.

    Args:
        types: Of the first ones.
        rest: Of any number of further ones; None where there may be none.
    """

    def __init__(self, *types: Any, rest: Any = None) -> None:
        self._adapters = [_adapt(found) for found in types]
        self._rest = None if rest is None else _adapt(rest)

    def write(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return *values* as they travel; those at the end that are unset are left out.

        Raises:
            TypeError: One is unset, and a later one is not.
            pydantic.ValidationError: One is of another type.
        """
        given = list(values)
        while given and given[-1] is UNSET:
            given.pop()
        if UNSET in given:
            raise TypeError("an argument is left out, and one behind it is not")
        written = []
        for value, adapter in zip(given, self._each(len(given)), strict=False):
            checked = adapter.validate_python((value,))
            written.append(_plain(adapter.dump_python(checked, by_alias=True, warnings=False)[0]))
        return tuple(written)

    def read(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return *values*, as they came, in their types.

        Raises:
            pydantic.ValidationError: One is of another type.
        """
        came = [*values, *[None] * (len(self._adapters) - len(values))]
        adapters = self._each(len(came))
        return tuple(adapter.validate_python((value,))[0] for value, adapter in zip(came, adapters, strict=False))

    @property
    def is_one(self) -> bool:
        """Whether it is one value, neither more nor less."""
        return len(self._adapters) == 1 and self._rest is None

    @property
    def is_none(self) -> bool:
        """Whether it is no value."""
        return not self._adapters and self._rest is None

    def _each(self, count: int) -> list[TypeAdapter[Any]]:
        more = count - len(self._adapters)
        return [*self._adapters, *([self._rest] * more if self._rest is not None else [])]


class _Event(Generic[_T]):
    """One event, and what it carries.

    Args:
        name: On the wire.
        sends: What this side sends.
        gets: What it gets: the answer, the chunks of a stream, or the values; None where nothing is known of it.
    """

    def __init__(self, name: str, sends: _Shape, gets: _Shape | None) -> None:
        self.name = name
        self._sends = sends
        self._gets = gets

    def write(self, *values: Any) -> tuple[Any, ...]:
        """Return *values* as they travel. Raises like `_Shape.write`."""
        return self._sends.write(values)

    def read(self, values: Sequence[Any]) -> _T:
        """Return what came: nothing, the one value, or all of them as a tuple.

        Raises:
            InvalidAnswerError: It is of another type.
        """
        found = self.read_all(values)
        if self._gets is None:
            return cast(_T, None if not found else found[0] if len(found) == 1 else found)
        return cast(_T, None if self._gets.is_none else found[0] if self._gets.is_one else found)

    def read_all(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return what came, as a tuple. Raises like `read`."""
        if self._gets is None:
            return tuple(values)
        try:
            return self._gets.read(values)
        except ValidationError as error:
            raise InvalidAnswerError(
                f"{self.name}: the server sent something else than it promised: {error}"
            ) from error


_errors: dict[str, type[EventError]] = {}
_anything: TypeAdapter[Any] = TypeAdapter(Any)


def _adapt(found: Any) -> TypeAdapter[Any]:
    """Return what checks and writes a tuple of one value; built when it is used."""
    config = ConfigDict(allow_inf_nan=False, regex_engine="rust-regex", defer_build=True)
    one: Any = tuple.__class_getitem__((found,))
    return TypeAdapter(one, config=config)


def _plain(value: Any) -> Any:
    """Return *value* as JSON values, with its bytes kept: they travel as attachments."""
    if value is None or type(value) in (str, bool, int):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Mapping):
        return {_plain_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite, and JSON has no such number")
    return _anything.dump_python(value, mode="json")


def _plain_key(key: Any) -> str:
    return key if type(key) is str else str(next(iter(_anything.dump_python({key: None}, mode="json"))))


def _check_ack(ack: Sequence[Any]) -> None:
    """Raise the error that an acknowledgement is, if it is one."""
    body = ack[0].get("error") if len(ack) == 1 and isinstance(ack[0], dict) else None
    if isinstance(body, dict) and "code" in body:
        raise _read_error(body)


def _read_error(body: dict[str, Any]) -> EventError:
    code = str(body.get("code"))
    return _errors.get(code, EventError)(code, str(body.get("message", "")), body)


def _read_refusal(payload: Any) -> ConnectRefused | None:
    """Return why a namespace was refused; None where its server was not even reached."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict) or "code" not in data:
        return None
    return ConnectRefused(str(data["code"]), str(payload.get("message", "")), data)


def _write_auth(auth: Any, shape: _Shape) -> Callable[[], Any]:
    """Return what makes the ``auth`` of a connection, new each time where *auth* is a function."""
    if callable(auth):
        return lambda: shape.write((auth(),))[0]
    written = shape.write((auth,))[0]
    return lambda: written


class _LeftError(Exception):
    """The connection that asked is gone: there is nobody to acknowledge."""
