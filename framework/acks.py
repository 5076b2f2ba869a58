"""What goes back to the caller: the handler's value(s) in its output schema, or one error object, and nothing else.

Both become a JSON array of ack arguments with the attachments that travel beside it.
"""

from __future__ import annotations

import functools
import inspect
import json
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Never, NoReturn, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema

from .errors import AckError, EventError
from .exact import Check, compile_checks
from .schemas import (
    UNUSABLE,
    build_adapter,
    find_unserialisable,
    first_item_fields,
    may_hold_bytes,
    may_hold_floats,
    may_hold_keys,
)
from .wire import check_finite, dump_json, holds_bytes, refuse_endless, take_bytes, to_plain

ERROR_KEY = "error"
_ERROR_MARK = f'"{ERROR_KEY}":{{'
_NO_VALUE = (None, types.NoneType, NoReturn, Never)


class Encoded(NamedTuple):
    """A JSON array as text, and the bytes that its placeholders stand for."""

    text: str
    attachments: list[bytes]


NOTHING = Encoded("[]", [])
# A named tuple in half the time.
_new_encoded: Callable[[tuple[str, list[bytes]]], Encoded] = functools.partial(tuple.__new__, Encoded)


class UnusableAck(Exception):  # noqa: N818 - turned into a HandlerSignatureError by who knows the place
    """A return annotation can't be an acknowledgement."""


class Output:
    """Checks values against their types and writes them in those types' output schema (aliases, computed fields).

    Args:
        types: ``tuple[...]`` of any types that pydantic serialises.
        names: What string annotations inside the types may refer to, beside their own modules.

    Raises:
        UnusableAck: pydantic can't serialise one of them.
    """

    def __init__(self, types: Any, names: Mapping[str, Any] | None = None) -> None:
        try:
            adapter: TypeAdapter[Any] = build_adapter(types, names)
        except UNUSABLE as error:
            raise UnusableAck(_explain_unusable(error)) from error
        self.schema = adapter.core_schema
        if kind := find_unserialisable(self.schema):
            _refuse_without_json_schema(adapter, kind)
        self._validator = adapter.validator
        self.serializer = adapter.serializer
        self._binary = may_hold_bytes(self.schema)
        self._floats = may_hold_floats(self.schema)
        self.holds_keys = may_hold_keys(self.schema)
        self.checks = compile_checks(self.schema)
        """What says of each value that `serializer` writes it as it is; None where only asking that tells."""

    def check(self, values: Sequence[Any]) -> Any:
        """Return *values* validated, as a tuple.

        Raises:
            pydantic.ValidationError: One is of another type.
        """
        return self._validator.validate_python(values)

    def encode(self, values: Sequence[Any]) -> Encoded:
        """Validate *values* and write them as a JSON array, their bytes apart.

        Raises:
            pydantic.ValidationError: One is of another type.
            TypeError, ValueError: One is no JSON.
        """
        checked = self._validator.validate_python(values)
        if self.checks is not None and all(check(value) for check, value in zip(self.checks, checked, strict=True)):
            return Encoded(self.serializer.to_json(checked, by_alias=True).decode(), [])
        if self._binary:
            attachments: list[bytes] = []
            plain = take_bytes(self.serializer.to_python(checked, by_alias=True, warnings="error"), attachments)
            if attachments:
                return Encoded(dump_json(plain), attachments)
        text = self.serializer.to_json(checked, by_alias=True, warnings="error")
        if self._floats:
            if b"null" in text:  # what pydantic writes for a number that is not finite
                refuse_endless(self.serializer.to_python(checked, by_alias=True))
            check_finite(text)
        return Encoded(text.decode(), [])

    def plain(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Validate *values* and return them as JSON values with bytes kept, as a broker or a packet takes them.

        Raises:
            pydantic.ValidationError: One is of another type.
            TypeError, ValueError: One is no JSON.
        """
        checked = self._validator.validate_python(values)
        if self._binary or self._floats:
            plain = self.serializer.to_python(checked, by_alias=True, warnings="error")
            if self._floats:
                refuse_endless(plain)
            if self._binary and holds_bytes(plain):
                return tuple(to_plain(plain))
        return tuple(self.serializer.to_python(checked, mode="json", by_alias=True, warnings="error"))


class _Schemas(GenerateJsonSchema):
    """A default that is no JSON is no reason to refuse the type."""

    def emit_warning(self, kind: Any, detail: str) -> None:
        pass


def _refuse_without_json_schema(adapter: TypeAdapter[Any], kind: str) -> None:
    """Refuse a type with a part that may be no JSON, unless that part only checks what another one writes.

    pydantic gives a class as such (``type[int]``) the schema of anything, but can't write one.
    """
    try:
        if kind != "is-subclass":
            adapter.json_schema(mode="serialization", schema_generator=_Schemas)
            return
    except PydanticInvalidForJsonSchema:
        pass
    raise UnusableAck(f"JSON has no value for a part of it ({kind})")


def _explain_unusable(error: Exception) -> str:
    reason = str(error).splitlines()[0].partition(". Set `arbitrary_types_allowed")
    return reason[0].rstrip(".") + ("; use a model, a dataclass or a TypedDict" if reason[1] else "")


class Ack:
    """The acknowledgement of one handler, read from its return annotation once.

    A ``tuple[...]`` is several ack arguments, ``None`` is none, no annotation passes what the handler returned. A named
    tuple is one argument, and so is a union in which a tuple is one of the choices.

    Args:
        annotation: ``inspect.Signature.empty`` when the handler has none.
        names: What string annotations inside it may refer to, beside their own modules.

    Raises:
        UnusableAck: It can't be serialised, or could be taken for an error.
    """

    def __init__(self, annotation: Any = inspect.Signature.empty, names: Mapping[str, Any] | None = None) -> None:
        self.annotation = annotation
        bare = _strip(annotation)
        self.typed = bare not in (inspect.Signature.empty, Any, object)
        self.several = get_origin(bare) is tuple or bare is tuple
        self._output: Output | None = None
        self.write_exact: Callable[[Any], bytes | None] = _write_nothing
        """Writes a value that is exactly as declared as a JSON array; returns None for any other, which `encode` knows."""
        self._may_look_like_error = True
        if self.typed and bare not in _NO_VALUE:
            self._output = Output(annotation if self.several else tuple[annotation], names)
            if ERROR_KEY in first_item_fields(self._output.schema):
                raise UnusableAck(
                    "it has a top-level field 'error', which is how a client tells a failure; rename the field or nest it"
                )
            self._may_look_like_error = self._output.holds_keys
            if self._output.checks is not None and not self.several:
                self.write_exact = _compile_writer(self._output.checks[0], self._output.serializer)

    @property
    def schema(self) -> Any:
        """pydantic's core schema of the arguments, a tuple's; None where there is none, or none is declared."""
        return self._output.schema if self._output is not None else None

    def encode(self, value: Any, dumps: Callable[[Any], str] = dump_json) -> Encoded:
        """Write what the handler returned.

        Args:
            dumps: Writes JSON where there is no annotation; the application may have its own.

        Raises:
            AckError: It is not what the annotation says, is no JSON, or looks like the error object.
        """
        try:
            if (text := self.write_exact(value)) is not None:  # nor has it keys that look like an error
                return _new_encoded((text.decode(), []))
            if self._output is not None:
                encoded = self._output.encode(value if self.several else (value,))
            else:
                encoded = self._encode_plain(value, dumps)
        except ValidationError as error:
            raise AckError(self._explain(value, error)) from error
        except (RecursionError, TypeError, ValueError) as error:  # pydantic's own are ValueErrors
            raise AckError(f"returned a value that can't be sent: {error}") from error
        if self._may_look_like_error and _ERROR_MARK in encoded.text and _is_error(encoded.text):
            raise AckError("returned an object like the one that tells a failure; raise framework.EventError instead")
        return encoded

    def _encode_plain(self, value: Any, dumps: Callable[[Any], str]) -> Encoded:
        if value is None:
            return NOTHING
        if self.typed:
            raise AckError(f"returned {type(value).__name__} where {_name(self.annotation)} is annotated")
        return encode_values(list(value) if isinstance(value, tuple) else [value], dumps)

    def _explain(self, value: Any, error: ValidationError) -> str:
        reasons = "; ".join(_reason(item, self.several) for item in error.errors(include_url=False)[:3])
        return f"returned {type(value).__name__} where {_name(self.annotation)} is annotated: {reasons}"


def _write_nothing(value: Any) -> None:
    return None


def _compile_writer(is_exact: Check, serializer: Any) -> Callable[[Any], bytes | None]:
    to_json = serializer.to_json

    def write(value: Any) -> bytes | None:
        return to_json((value,), by_alias=True) if is_exact(value) else None

    return write


def encode_values(values: list[Any], dumps: Callable[[Any], str] = dump_json) -> Encoded:
    """Write *values* as they come, bytes apart.

    Raises:
        TypeError, ValueError: One of them is no JSON.
    """
    attachments: list[bytes] = []
    try:
        return Encoded(dumps(take_bytes(values, attachments)), attachments)
    except RecursionError:
        raise ValueError("nested too deep to be sent") from None


def error_object(error: EventError, event: str | None, *, error_id: str | None = None) -> dict[str, Any]:
    """Return the one object that a failure is: in the ack, in the ``error`` event, and in ``connect_error``'s data.

    Args:
        event: The declared name of the event that failed; None where the name is the client's own.
        error_id: Also in the server's log, beside what really happened.
    """
    body: dict[str, Any] = {"code": error.code, "message": error.message, "event": event}
    for key, value in (("details", error.details), ("retry_after", error.retry_after), ("id", error_id)):
        if value is not None:
            body[key] = value
    return {ERROR_KEY: body}


def _strip(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _name(annotation: Any) -> str:
    return inspect.formatannotation(annotation)


def _reason(item: Any, several: bool) -> str:
    path = ".".join(str(part) for part in item["loc"][0 if several else 1 :])
    return f"{path}: {item['msg']}" if path else str(item["msg"])


def _is_error(text: str) -> bool:
    """Say whether the first argument of an ack, by accident, tells a client that it failed."""
    first = json.loads(text)[0]
    found = first.get(ERROR_KEY) if isinstance(first, dict) else None
    return isinstance(found, dict) and "code" in found
