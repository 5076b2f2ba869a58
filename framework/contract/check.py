"""Values against the contract: are they what an event takes, or what it answers?

Needs the package ``jsonschema``.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import ContractError
from .model import Argument, ClientEvent, Contract, NamespaceContract, Schema

BINARY = "binary"
_MISSING = "checking values needs jsonschema: pip install 'framework[contract]'."


class Problem(NamedTuple):
    """What is wrong with a value.

    Args:
        path: Where, as the server's own errors name it: ``message.text``.
        type: The JSON Schema keyword that it breaks.
        message: One sentence, without the value.
    """

    path: str
    type: str
    message: str


def find_namespace(contract: Contract, path: str) -> NamespaceContract:
    """Return what *path* promises.

    Raises:
        ContractError: It is not in the contract.
    """
    for namespace in contract.namespaces:
        if namespace.path == path:
            return namespace
    known = [namespace.path for namespace in contract.namespaces]
    raise ContractError(f"there is no namespace {path!r}. {_suggest(path, known)}")


def find_event(namespace: NamespaceContract, name: str) -> ClientEvent:
    """Return an event that clients send.

    Raises:
        ContractError: It is not in the contract.
    """
    for event in namespace.client_events:
        if event.name == name:
            return event
    known = [event.name for event in namespace.client_events]
    raise ContractError(f"{namespace.path} has no event {name!r}. {_suggest(name, known)}")


def _suggest(name: str, known: Sequence[str]) -> str:
    guess = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {guess[0]!r}?" if guess else f"There are: {', '.join(known) or 'none'}."


def check_arguments(contract: Contract, arguments: Sequence[Argument], values: Sequence[Any]) -> list[Problem]:
    """Return what is wrong with *values* as the arguments of an event; nothing where they fit.

    Raises:
        ContractError: ``jsonschema`` is not installed.
    """
    rest = arguments[-1] if arguments and arguments[-1].variadic else None
    fixed = arguments[:-1] if rest is not None else arguments
    problems = [
        Problem(argument.name, "missing", "It is required.") for argument in fixed[len(values) :] if argument.required
    ]
    if rest is None and len(values) > len(fixed):
        count = len(fixed)
        problems.append(Problem("", "too_long", f"Expected at most {count} argument{'' if count == 1 else 's'}."))
    for argument, value in zip(fixed, values, strict=False):
        name = argument.name if len(arguments) > 1 else ""
        problems += _place(name, argument.name, check_value(contract, argument.json_schema, value))
    if rest is not None:
        for index, value in enumerate(values[len(fixed) :]):
            name = f"{rest.name}.{index}"
            problems += _place(name, name, check_value(contract, rest.json_schema, value))
    return problems


def check_ack(contract: Contract, event: ClientEvent, ack: Sequence[Any]) -> list[Problem]:
    """Return what is wrong with *ack* as the arguments of the event's acknowledgement; nothing where they fit.

    Raises:
        ContractError: ``jsonschema`` is not installed.
    """
    if event.ack is None:
        return []
    declared = [Argument(name=f"ack.{index}", json_schema=schema) for index, schema in enumerate(event.ack)]
    if event.ack_rest is not None:
        declared.append(Argument(name="ack", json_schema=event.ack_rest, required=False, variadic=True))
    return check_arguments(contract, declared, ack)


def _place(name: str, alone: str, problems: list[Problem]) -> list[Problem]:
    """Say of which argument they are: *name*, and *alone* for the argument as a whole."""
    return [
        problem._replace(path=".".join(part for part in (name, problem.path) if part) or alone) for problem in problems
    ]


def check_value(contract: Contract, schema: Schema, value: Any) -> list[Problem]:
    """Return what is wrong with *value*; nothing where it fits *schema*.

    Raises:
        ContractError: ``jsonschema`` is not installed.
    """
    validator = _validator_class()({**schema, "models": contract.models})
    errors = sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
    return [
        Problem(".".join(map(str, error.absolute_path)), str(error.validator), _describe(error)) for error in errors
    ]


def _describe(error: Any) -> str:
    expected = error.validator_value
    if error.validator == "type":
        return f"It has to be of type {expected}."
    if error.validator == "required":
        return f"It lacks {', '.join(name for name in expected if name not in error.instance)}."
    if error.validator == "enum":
        return f"It has to be one of: {', '.join(map(repr, expected))}."
    if error.validator == "const":
        return f"It has to be {expected!r}."
    if error.validator in ("anyOf", "oneOf"):
        return "It fits none of the possible types."
    if error.validator == "additionalProperties" and expected is False:
        return "It has a field that is not declared."
    return f"It breaks {error.validator}: {expected!r}."


@functools.cache
def _validator_class() -> Any:
    """Return the validator of JSON Schema, for which bytes are a text of the format ``binary``."""
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import ValidationError
        from jsonschema.validators import extend
    except ImportError as error:
        raise ContractError(_MISSING) from error
    types: Any = Draft202012Validator.TYPE_CHECKER
    usual: Mapping[str, Any] = Draft202012Validator.VALIDATORS

    def check_type(validator: Any, expected: Any, value: Any, schema: Any) -> Iterator[Any]:
        kinds = [expected] if isinstance(expected, str) else expected
        if isinstance(value, bytes | bytearray) and "string" in kinds and schema.get("format") == BINARY:
            return
        if not any(types.is_type(value, kind) for kind in kinds):
            yield ValidationError("another type")

    def check_length(keyword: str) -> Any:
        def check(validator: Any, limit: int, value: Any, schema: Any) -> Iterator[Any]:
            text = bytes(value).decode("latin-1") if isinstance(value, bytes | bytearray) else value
            yield from usual[keyword](validator, limit, text, schema) or ()

        return check

    def check_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
        if isinstance(value, str) and not matches(pattern, value):
            yield ValidationError("another text")

    changed = {
        "type": check_type,
        "minLength": check_length("minLength"),
        "maxLength": check_length("maxLength"),
        "pattern": check_pattern,
    }
    return extend(Draft202012Validator, changed)  # type: ignore[no-untyped-call]


def matches(pattern: str, text: str) -> bool:
    """Say whether *pattern* is found in *text*; one that Python can't read is left to the server.

    Its ``$`` is the end, as for the server; in Python's own it is also before a last newline.
    """
    try:
        return re.search(re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1\\Z", pattern), text) is not None
    except re.error:
        return True
