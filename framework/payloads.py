"""From what a client sent to what a handler takes: one validator per handler, built when its class is created.

The validator is pydantic's for ``tuple[Literal[event], *parameters]``, so that a text event is checked in one pass
straight from the wire. Errors carry paths and reasons; the input itself never leaves this module.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import CoreSchema, core_schema

from .errors import PayloadError
from .schemas import is_open, read_names
from .wire import RefusedValue, load_json

MAX_DETAILS = 20
_CONFIG = ConfigDict(allow_inf_nan=False)


@dataclass(frozen=True)
class Parameter:
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
    """pydantic can't build a validator for a parameter."""

    def __init__(self, parameter: Parameter, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter


class Payload:
    """The arguments of one event: a validator for the wire text and for decoded values.

    Args:
        event: The event's name, which the wire text starts with.
        parameters: In the order of the arguments; the variadic one last.

    Raises:
        UnusableType: A parameter's annotation is nothing that pydantic validates.
    """

    def __init__(self, event: str, parameters: Sequence[Parameter]) -> None:
        self.event = event
        self.parameters = tuple(parameters)
        adapter = _adapter(event, self.parameters)
        self._validator = adapter.validator
        self._open = is_open(adapter.core_schema)
        self._names = read_names(adapter.core_schema) | {parameter.name for parameter in self.parameters}

    def parse_json(self, text: str) -> tuple[Any, ...]:
        """Turn the event's JSON text, ``["event", ...]``, into the handler's arguments.

        Raises:
            PayloadError: *text* does not match.
            json.JSONDecodeError: *text* is no JSON.
        """
        try:
            if self._open:
                load_json(text)
            return self._validator.validate_json(text)[1:]
        except RefusedValue as error:
            raise PayloadError(f"Invalid payload: {error}.") from error
        except ValidationError as error:
            if error.errors(include_url=False, include_context=False)[0]["type"] == "json_invalid":
                raise _explain_json(text) from error
            raise self._explain(error) from error

    def parse_values(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Turn decoded arguments, which may hold bytes, into the handler's arguments.

        Raises:
            PayloadError: They do not match.
        """
        try:
            return self._validator.validate_python((self.event, *values))[1:]
        except ValidationError as error:
            raise self._explain(error) from error

    def _explain(self, error: ValidationError) -> PayloadError:
        found = error.errors(include_url=False)
        details = [
            {"path": self._path(item["loc"]), "type": item["type"], "message": self._message(item)}
            for item in found[:MAX_DETAILS]
        ]
        first = ": ".join(part for part in (details[0]["path"], details[0]["message"]) if part)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return PayloadError(f"Invalid payload: {first}{more}.", details)

    def _path(self, loc: Sequence[int | str]) -> str:
        if not loc or not isinstance(loc[0], int):
            return ""
        index = loc[0] - 1
        parameter = self.parameters[min(index, len(self.parameters) - 1)]
        rest = [str(part) if isinstance(part, int) or part in self._names else "*" for part in loc[1:]]
        if parameter.variadic:
            rest.insert(0, str(index - len(self.parameters) + 1))
        if len(self.parameters) > 1 or not rest or parameter.variadic:
            rest.insert(0, parameter.name)
        return ".".join(rest)

    def _message(self, item: Any) -> str:
        if not item["loc"] and item["type"] == "too_long":
            return f"Expected at most {_count(len(self.parameters))}"
        return describe(item)


def _count(number: int) -> str:
    return f"{number} argument{'' if number == 1 else 's'}"


def describe(item: Any) -> str:
    """Return the reason of one of pydantic's errors, without any part of the input.

    A validator's own ``ValueError`` is the application's word to its client and passes, unless it repeats the input.
    """
    message, context = str(item["msg"]), item.get("ctx", {})
    if item["type"] == "union_tag_invalid":
        return f"Input tag does not match any of the expected tags: {context['expected_tags']}"
    for key in ("error", "encoding_error"):
        if key in context and item["type"] not in ("value_error", "assertion_error"):
            return message.removesuffix(str(context[key])).rstrip(" ,:")
    if item["type"] == "assertion_error" or (item["type"] == "value_error" and _repeats(message, item["input"])):
        return "Value error"
    return message.removeprefix("Value error, ")


def _repeats(message: str, value: Any) -> bool:
    if isinstance(value, dict):
        return any(_repeats(message, part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return any(_repeats(message, part) for part in value)
    if isinstance(value, bytes):
        return value.decode(errors="replace") in message or repr(value) in message
    return value is not None and str(value) in message


def _explain_json(text: str) -> Exception:
    """Tell text that is no JSON (the caller closes the connection) from JSON that can't be used (it answers)."""
    try:
        load_json(text)
    except json.JSONDecodeError as error:
        return error
    except RefusedValue as error:
        return PayloadError(f"Invalid payload: {error}.")
    return PayloadError("Invalid payload: nested too deep, or a number is out of range.")


def _adapter(event: str, parameters: Sequence[Parameter]) -> TypeAdapter[tuple[Any, ...]]:
    return TypeAdapter(Annotated[Any, _Arguments(event, parameters)], config=_CONFIG)


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
        except (PydanticUserError, TypeError, NameError) as error:
            raise UnusableType(parameter, str(error).splitlines()[0]) from error
        if parameter.default is inspect.Parameter.empty:
            return schema
        return core_schema.with_default_schema(schema, default=parameter.default)
