"""What checks values while the program runs: where, and within which limits. The libraries are modules of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from ...contract import Argument, ClientEvent, Schema, ServerEvent
from .models import TypeWriter
from .signatures import has_several
from .text import quote, write_value
from .types import Anything, Array, Plain, Ref, Tuple, Type

# What means the same in Rust's expressions, which pydantic uses, and in JavaScript's with the flag u.
_COMMON_PATTERN = re.compile(
    r"""(?: [^\\\[\](){}*+?|.] | \\[.^$*+?()\[\]{}|/\\]
          | \[ \^? (?: [^\\\[\]&~-] | \w-\w | \\[\]\[\\^.$*+?(){}|/-] )+ -? \]
          | \((?:\?:)? | \) | \| | [*+?] | \{\d+(?:,\d*)?\} )*""",
    re.VERBOSE,
)
_SIGNS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
_LENGTHS = {
    "minLength": (">=", "characters"),
    "maxLength": ("<=", "characters"),
    "minItems": (">=", "items"),
    "maxItems": ("<=", "items"),
}
IS_BYTES = "const isBytes = (value: unknown) => value instanceof ArrayBuffer || value instanceof Uint8Array;"


class Checks:
    """Writes no checks; those of the libraries extend it.

    Args:
        types: Knows the models and their names.
    """

    imports: ClassVar[str] = ""
    """The import of the library."""
    helpers: ClassVar[dict[str, tuple[str, ...]]] = {}
    """The lines of the functions that what is written here calls, by their names."""

    def __init__(self, types: TypeWriter) -> None:
        self.types = types
        self.read = types.reader.read

    def declare(self, model: str, schema: Schema) -> Iterator[str]:
        """Yield the declaration of the schema of a model."""
        return iter(())

    def write(self, found: Type) -> str:
        """Return an expression; empty where nothing is checked."""
        return ""

    def write_arguments(self, found: Tuple) -> str:
        """Return an expression for what is given with an event."""
        return self.write(Array(found.rest) if found.rest is not None and not found.items else found)

    def arguments(self, arguments: Sequence[Argument]) -> list[str]:
        """Return the entry that checks what is given with an event."""
        single = tuple(self.read(argument.json_schema) for argument in arguments if not argument.variadic)
        rest = next((self.read(argument.json_schema) for argument in arguments if argument.variadic), None)
        needed = sum(argument.required for argument in arguments)
        written = self.write_arguments(Tuple(single, needed, rest))
        entry = [f"checkArgs: check(() => {written})"] if written else []
        if not entry or len(arguments) < 2:
            return entry
        return [f"names: {write_value([argument.name for argument in arguments])}", *entry]

    def received(self, arguments: Sequence[Argument] | None) -> list[str]:
        """Return the entry that checks what an event carries; more than is declared may come with it."""
        if not arguments:
            return []
        items = tuple(self.read(argument.json_schema) for argument in arguments)
        return self._entry("checkArgs", Tuple(items, len(items), Anything()))

    def answer(self, event: ClientEvent) -> list[str]:
        """Return the entry that checks an answer, or a chunk of a stream."""
        if event.stream is not None:
            return self._entry("checkAnswer", self.read(event.stream))
        items = tuple(self.read(schema) for schema in event.ack or ())
        if has_several(event):
            rest = self.read(event.ack_rest) if event.ack_rest is not None else None
            written = self.write_arguments(Tuple(items, len(items), rest))
            return [f"checkAnswer: check(() => {written})"] if written else []
        return self._entry("checkAnswer", items[0]) if items else []

    def own_answer(self, event: ServerEvent) -> list[str]:
        """Return the entry that checks what a client answers; nothing may stand for null."""
        found = self.read(event.answer) if event.answer is not None else Anything()
        return [] if found == Plain("null") else self._entry("checkAnswer", found)

    def name(self, found: Ref) -> str:
        """Return what the schema of a model is called."""
        return f"{self.types.name(found.name)}Schema"

    def _entry(self, key: str, found: Type) -> list[str]:
        if isinstance(found, Anything) or not (written := self.write(found)):
            return []
        return [f"{key}: check(() => {written})"]


def write_limit(name: str, value: Any) -> str:
    """Return a function that tests a limit, and what to say where it does not hold; nothing where it is not tested.

    Lengths of texts are counted in characters, as the server does, not in halves of pairs.
    """
    if name in _LENGTHS:
        sign, unit = _LENGTHS[name]
        count = "[...value].length" if unit == "characters" else "value.length"
        words = f"Expected at {'least' if sign == '>=' else 'most'} {value} {unit}"
        return f"(value) => {count} {sign} {value}, {quote(words)}"
    if name in _SIGNS:
        limit = f"{_SIGNS[name]} {write_value(value)}"
        return f"(value) => value {limit}, {quote(f'Expected a number {limit}')}"
    if name == "pattern" and _COMMON_PATTERN.fullmatch(str(value)):
        return f'(value) => new RegExp({quote(str(value))}, "u").test(value), {quote(f"Expected a match of {value}")}'
    return ""
