"""From what a client sent to what a handler takes: one validator per handler, built when its class is created.

The validator is pydantic's for ``tuple[Literal[event], *parameters]``, so that a text event is checked in one pass
straight from the wire. Errors carry paths and reasons; the input itself never leaves this module.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, get_args

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, SchemaError, core_schema

from .errors import PayloadError
from .exact import compile_endless
from .paths import PathReader
from .schemas import UNUSABLE, build_adapter, may_hold_floats
from .wire import RefusedValue, load_json

MAX_DETAILS = 20
MAX_PROBLEMS = 1000
OWN_REASON = "Value error"
_PYDANTICS_OWN = frozenset(get_args(core_schema.ErrorType))
# Messages of pydantic that quote the input, said without it.
_REWORDED = {
    "union_tag_invalid": "Input tag does not match any of the expected tags: {expected_tags}",
    "timezone_offset": "Timezone offset of {tz_expected} required",
}
# What a number that is out of range has in its text; it may also stand in a string. Looking for one letter is fast.
_HUGE = re.compile("[0-9](?:[eE][+]?[0-9]{3}|[0-9]{199})").search
_EXPONENT = re.compile("e[+]?[0-9]{3}").search
_MANY_DIGITS = re.compile("[0-9]{200}").search


class Parameter(NamedTuple):
    """One argument of an event, as the handler declares it.

    Args:
        annotation: Any type that pydantic validates; ``Any`` where the handler says nothing.
        default: ``inspect.Parameter.empty`` when the client has to send it.
        variadic: It takes the rest of the arguments.
    """

    name: str
    annotation: Any
    default: Any = inspect.Parameter.empty
    variadic: bool = False

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty and not self.variadic


class UnusableType(Exception):  # noqa: N818 - turned into a HandlerSignatureError by who knows the place
    """pydantic can't build a validator for a parameter; ``advice`` says why, where it isn't the type itself."""

    def __init__(self, parameter: Parameter, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter
        unknown = reason.startswith("Unable to generate pydantic-core schema")
        self.advice = ". Use a model, a dataclass or a TypedDict." if unknown else f": {reason.rstrip('.')}."


class Payload:
    """The arguments of one event: a validator for the wire text and for decoded values.

    Args:
        event: The event's name, which the wire text starts with.
        parameters: In the order of the arguments; the variadic one last.
        names: What string annotations inside the types may refer to, beside their own modules.

    Raises:
        UnusableType: A parameter's annotation is nothing that pydantic validates.
    """

    def __init__(self, event: str, parameters: Sequence[Parameter], names: Mapping[str, Any] | None = None) -> None:
        self.event = event
        self.parameters = tuple(parameters)
        adapter = _adapter(event, self.parameters, names)
        self._validator: Any = adapter.validator
        self.schema = adapter.core_schema
        self._floats = may_hold_floats(adapter.core_schema)
        self._is_endless = compile_endless(adapter.core_schema) if self._floats else None
        self._paths = PathReader(adapter.core_schema)

    def parse_json(self, text: str) -> tuple[Any, ...]:
        """Turn the event's JSON text, ``["event", ...]``, into the handler's arguments.

        Raises:
            PayloadError: *text* does not match.
            json.JSONDecodeError: *text* is no JSON.
        """
        if self._floats and self._is_endless is None and _may_be_endless(text):
            _refuse_text(text)
        try:
            values: tuple[Any, ...] = self._validator.validate_json(text)
        except ValidationError as error:
            if self._floats and _may_be_endless(text):
                _refuse_text(text)
            if error.error_count() == 1 and _is_text(error.errors(include_url=False)[0]):
                _refuse_text(text)
                raise PayloadError("Invalid payload: nested too deep, or a number is out of range.") from error
            raise self._explain(error) from error
        if self._is_endless is not None and self._is_endless(values):
            _refuse_text(text)
        return values[1:]

    def parse_values(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Turn decoded arguments, which may hold bytes, into the handler's arguments.

        Raises:
            PayloadError: They do not match.
        """
        try:
            return self._validator.validate_python((self.event, *values))[1:]  # type: ignore[no-any-return]
        except ValidationError as error:
            raise self._explain(error) from error

    def _explain(self, error: ValidationError) -> PayloadError:
        count = error.error_count()
        if count > MAX_PROBLEMS:  # listing them would cost more than finding them
            return PayloadError(f"Invalid payload: more than {MAX_PROBLEMS} problems.")
        details = [
            {"path": self._path(item["loc"]), "type": item["type"], "message": self._message(item)}
            for item in error.errors(include_url=False)[:MAX_DETAILS]
        ]
        first = ": ".join(part for part in (details[0]["path"], details[0]["message"]) if part)
        more = f" (and {count - 1} more)" if count > 1 else ""
        return PayloadError(f"Invalid payload: {first}{more}.", details)

    def _path(self, location: Sequence[int | str]) -> str:
        """Name a parameter by its name, where there are several; what is in it by field names and positions."""
        if not location or not isinstance(location[0], int):
            return ""
        index = location[0] - 1
        parameter = self.parameters[min(index, len(self.parameters) - 1)]
        rest = self._paths.read(location)[1:]
        if parameter.variadic:
            rest.insert(0, str(index - len(self.parameters) + 1))
        if len(self.parameters) > 1 or not rest or parameter.variadic:
            rest.insert(0, parameter.name)
        return ".".join(rest)

    def _message(self, item: Any) -> str:
        if not item["loc"] and item["type"] == "too_long":
            return f"Expected at most {_count(len(self.parameters))}"
        return describe(item)


def _is_text(item: Any) -> bool:
    """Say whether it is the whole text that is no JSON, not the text of a ``Json[...]`` in it."""
    return not item["loc"] and item["type"] == "json_invalid"


def _count(number: int) -> str:
    return f"{number} argument{'' if number == 1 else 's'}"


def describe(item: Any) -> str:
    """Return the reason of one of pydantic's errors, without any part of the input.

    A validator's own ``ValueError`` or ``PydanticCustomError`` is the application's word to its client and passes,
    unless it repeats the input.
    """
    kind, message, context = item["type"], str(item["msg"]), item.get("ctx", {})
    if kind == "assertion_error":
        return OWN_REASON
    if kind == "value_error" or kind not in _PYDANTICS_OWN:
        message = message.removeprefix("Value error, ")
        told = [value for value in context.values() if isinstance(value, str) and len(value) > 2]
        repeated = _repeats(message.casefold(), item["input"]) or any(value in str(item["input"]) for value in told)
        return OWN_REASON if repeated else message
    if kind in _REWORDED:
        return _REWORDED[kind].format_map(context)
    for key in ("error", "encoding_error"):  # the words of a parser about what it has read
        if key in context:
            return message.removesuffix(str(context[key])).rstrip(" ,:")
    return message


def _repeats(message: str, value: Any) -> bool:
    """Say whether a part of *value* stands in *message*; what is shorter than three characters does not count."""
    if isinstance(value, dict):
        return any(_repeats(message, part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(_repeats(message, part) for part in value)
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return value is not None and any(
        len(part) > 2 and part.casefold() in message for part in (text.strip(), repr(text)[1:-1])
    )


def _may_be_endless(text: str) -> bool:
    if "NaN" in text or "Infinity" in text:
        return True
    if _EXPONENT(text) is None and "E" not in text:
        return len(text) > 200 and _MANY_DIGITS(text) is not None
    return _HUGE(text) is not None


def _refuse_text(text: str) -> None:
    """Tell text that is no JSON (the caller closes the connection) from JSON that can't be used (it answers).

    Raises:
        json.JSONDecodeError: *text* is no JSON.
        PayloadError: It is, with something that can't be passed on.
    """
    try:
        load_json(text)
    except RefusedValue as error:
        raise PayloadError(f"Invalid payload: {error}.") from error


def _adapter(
    event: str, parameters: Sequence[Parameter], names: Mapping[str, Any] | None
) -> TypeAdapter[tuple[Any, ...]]:
    try:
        return build_adapter(Annotated[Any, _Arguments(event, parameters)], names)
    except SchemaError as error:  # says what, and not where
        *others, last = parameters
        for parameter in others:
            _adapter(event, [parameter], names)
        raise UnusableType(last, str(error).splitlines()[-1].strip()) from error


class _Arguments:
    """Makes pydantic build the tuple's schema, with the defaults and the variadic rest that a ``tuple[...]`` lacks."""

    def __init__(self, event: str, parameters: Sequence[Parameter]) -> None:
        self.event = event
        self.parameters = parameters

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        items = [self._item(parameter, handler) for parameter in self.parameters]
        rest = len(items) if self.parameters and self.parameters[-1].variadic else None
        return core_schema.tuple_schema([core_schema.literal_schema([self.event]), *items], variadic_item_index=rest)

    def _item(self, parameter: Parameter, handler: GetCoreSchemaHandler) -> CoreSchema:
        try:
            schema = handler.generate_schema(parameter.annotation)
        except UNUSABLE as error:
            raise UnusableType(parameter, str(error).splitlines()[0]) from error
        if parameter.default is inspect.Parameter.empty:
            return schema
        return core_schema.with_default_schema(schema, default=parameter.default)


def too_deep() -> PayloadError:
    """Return what a client is told whose lists and objects are nested deeper than the limit."""
    return PayloadError("Invalid payload: nested too deep.")
