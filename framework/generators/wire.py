"""What travels, as schemas: lists of arguments and acknowledgements, the error object, the parts of a stream.

Used by the generators of documents; what it says is `docs/reference/wire-format.md` in JSON Schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..contract import Argument, Schema

ERROR: Schema = {
    "title": "Error",
    "description": "Why an event failed: the one argument of its acknowledgement, or of the event 'error'.",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "event"],
            "properties": {
                "code": {"type": "string", "description": "A stable word for programs."},
                "message": {"type": "string", "description": "A sentence for a person."},
                "event": {"type": ["string", "null"], "description": "The event; null where nobody serves it."},
                "details": {"description": "More, as the code has it; where a payload is invalid, a list of problems."},
                "retry_after": {"type": "number", "description": "Seconds."},
                "id": {"type": "string", "description": "Is in the server's log, too."},
            },
        }
    },
    "examples": [
        {
            "error": {
                "code": "invalid_payload",
                "message": "Invalid payload: text: Field required.",
                "event": "post",
                "details": [{"path": "text", "type": "missing", "message": "Field required"}],
            }
        }
    ],
}
REFUSAL: Schema = {
    "title": "Refusal",
    "description": "Why a client was refused: what 'connect_error' tells.",
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string", "description": "A sentence for a person."},
        "data": {
            "type": "object",
            "required": ["code"],
            "properties": {
                "code": {"type": "string", "description": "A stable word for programs."},
                "details": {},
                "retry_after": {"type": "number", "description": "Seconds."},
                "id": {"type": "string", "description": "Is in the server's log, too."},
            },
        },
    },
    "examples": [{"message": "Log in first.", "data": {"code": "unauthorized"}}],
}
STREAM_ID: Schema = {
    "type": "string",
    "description": "The stream's id, for its parts and for 'cancel_stream'.",
    "examples": ["7"],
}
STREAM_STARTED: Schema = {
    "title": "Stream started",
    "type": "object",
    "required": ["stream"],
    "properties": {"stream": STREAM_ID},
    "examples": [{"stream": "7"}],
}


def arguments_schema(arguments: Sequence[Argument]) -> Schema:
    """Return the schema of a list of *arguments*, with their names as titles."""
    first = [argument for argument in arguments if not argument.variadic]
    rest = next((argument for argument in arguments if argument.variadic), None)
    least = max((number for number, argument in enumerate(first, 1) if argument.required), default=0)
    schema = values_schema([_name(argument) for argument in first], None if rest is None else _name(rest))
    schema["minItems"] = least
    return schema


def values_schema(schemas: Sequence[Schema], rest: Schema | None = None) -> Schema:
    """Return the schema of a list of exactly these values, and of any number of *rest* behind them."""
    schema: Schema = {"type": "array"}
    if schemas:
        schema["prefixItems"] = list(schemas)
    schema["items"] = False if rest is None else rest
    schema["minItems"] = len(schemas)
    if rest is None:
        schema["maxItems"] = len(schemas)
    return schema


def part_schema(chunk: Schema) -> Schema:
    """Return the schema of one part of a stream: a chunk, the end, or an error."""

    def part(name: str, what: Any) -> Schema:
        return {"type": "object", "required": ["stream", name], "properties": {"stream": STREAM_ID, name: what}}

    return {"oneOf": [part("chunk", chunk), part("end", {"const": True}), part("error", ERROR["properties"]["error"])]}


def _name(argument: Argument) -> Schema:
    return {"title": argument.name, **argument.json_schema}
