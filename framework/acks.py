"""What goes back to the caller: the handler's value(s) in its output schema, or one error object, and nothing else.

Both become a JSON array of ack arguments with the attachments that travel beside it.
"""

from __future__ import annotations

import inspect
import types
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError

from .errors import AckError, EventError
from .schemas import find_unserialisable, may_hold_bytes, top_level_fields
from .wire import check_finite, dump_json, take_bytes, to_plain

ERROR_KEY = "error"


class Encoded(NamedTuple):
    """A JSON array as text, and the bytes that its placeholders stand for."""

    text: str
    attachments: list[bytes]


NOTHING = Encoded("[]", [])


class UnusableAck(Exception):  # noqa: N818 - turned into a HandlerSignatureError by who knows the place
    """A return annotation can't be an acknowledgement."""


class Output:
    """Checks a value against a type and writes it in that type's output schema (aliases, computed fields).

    Args:
        annotation: Any type that pydantic serialises.

    Raises:
        UnusableAck: pydantic can't serialise it.
    """

    def __init__(self, annotation: Any) -> None:
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=_config(annotation))
        except (PydanticUserError, TypeError, NameError) as error:
            raise UnusableAck(str(error).splitlines()[0]) from error
        if kind := find_unserialisable(adapter.core_schema):
            raise UnusableAck(f"JSON has no value for a part of it ({kind})")
        self.schema = adapter.core_schema
        self._validator = adapter.validator
        self._serializer = adapter.serializer
        self._binary = may_hold_bytes(adapter.core_schema)

    def check(self, value: Any) -> Any:
        """Return *value* validated.

        Raises:
            pydantic.ValidationError: It is of another type.
        """
        return self._validator.validate_python(value)

    def encode(self, value: Any) -> Encoded:
        """Validate *value* and write it as JSON text, its bytes apart.

        Raises:
            pydantic.ValidationError: It is of another type.
            PydanticSerializationError, ValueError: It is no JSON.
        """
        checked = self._validator.validate_python(value)
        if self._binary:
            attachments: list[bytes] = []
            plain = take_bytes(self._serializer.to_python(checked, by_alias=True), attachments)
            return Encoded(dump_json(plain), attachments)
        return Encoded(check_finite(self._serializer.to_json(checked, by_alias=True)).decode(), [])

    def plain(self, value: Any) -> Any:
        """Validate *value* and return it as JSON values with bytes kept, as a broker or a packet takes it."""
        checked = self._validator.validate_python(value)
        if self._binary:
            return to_plain(self._serializer.to_python(checked, by_alias=True))
        return self._serializer.to_python(checked, mode="json", by_alias=True)


def _config(annotation: Any) -> ConfigDict | None:
    """Numbers that are not finite are refused; a model brings its own configuration and takes none."""
    adapter_takes_none = hasattr(annotation, "__pydantic_core_schema__") or hasattr(annotation, "__pydantic_config__")
    typed_dict_or_dataclass = hasattr(annotation, "__dataclass_fields__") or hasattr(annotation, "__total__")
    return None if adapter_takes_none or typed_dict_or_dataclass else ConfigDict(allow_inf_nan=False)


class Ack:
    """The acknowledgement of one handler, read from its return annotation once.

    A ``tuple[...]`` is several ack arguments, ``None`` is none, no annotation passes what the handler returned.

    Args:
        annotation: ``inspect.Signature.empty`` when the handler has none.

    Raises:
        UnusableAck: It can't be serialised, or could be taken for an error.
    """

    def __init__(self, annotation: Any = inspect.Signature.empty) -> None:
        self.annotation = annotation
        bare = _strip(annotation)
        self.several = get_origin(bare) is tuple or bare is tuple
        self.typed = annotation is not inspect.Signature.empty
        self._output = Output(annotation) if self.typed and bare not in (None, types.NoneType) else None
        if self._output and ERROR_KEY in top_level_fields(self._output.schema):
            raise UnusableAck(
                "it has a top-level field 'error', which is how a client tells a failure; rename the field or nest it"
            )

    def encode(self, value: Any) -> Encoded:
        """Write what the handler returned.

        Raises:
            AckError: It is not what the annotation says, is no JSON, or looks like the error object.
        """
        try:
            if self._output:
                text, attachments = self._output.encode(value)
                return Encoded(text if self.several else f"[{text}]", attachments)
            return self._encode_plain(value)
        except ValidationError as error:
            reasons = "; ".join(f"{_loc(item)}{item['msg']}" for item in error.errors(include_url=False)[:3])
            raise AckError(f"returned {type(value).__name__}, not {_name(self.annotation)}: {reasons}") from error
        except (PydanticSerializationError, ValueError) as error:
            raise AckError(f"returned a value that can't be sent: {error}") from error

    def _encode_plain(self, value: Any) -> Encoded:
        if value is None:
            return NOTHING
        if self.typed:
            raise AckError(f"returned {type(value).__name__}, but is annotated with None")
        values = list(value) if isinstance(value, tuple) else [value]
        if values and isinstance(values[0], dict) and set(values[0]) == {ERROR_KEY}:
            if isinstance(values[0][ERROR_KEY], dict) and "code" in values[0][ERROR_KEY]:
                raise AckError("returned the error object; raise framework.EventError instead")
        return encode_values(values)


def encode_values(values: list[Any]) -> Encoded:
    """Write *values* as they come, bytes apart.

    Raises:
        TypeError, ValueError: One of them is no JSON.
    """
    attachments: list[bytes] = []
    return Encoded(dump_json(take_bytes(values, attachments)), attachments)


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


def _loc(item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"])
    return f"{path}: " if path else ""
