"""What events carry, as TypeScript: arguments, answers, chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contract import Argument, ClientEvent, DeclaredError, Schema, ServerEvent
from .models import TypeWriter
from .names import name_parameters
from .text import quote
from .types import Plain

ERROR_ANSWER = "ErrorAnswer"


class SignatureWriter:
    """Writes what the events of a namespace carry.

    Args:
        types: Writes the types of the values.
    """

    def __init__(self, types: TypeWriter) -> None:
        self.types = types

    def arguments(self, arguments: Sequence[Argument]) -> str:
        """Return the tuple of what is given with an event; undefined may stand where a default is."""
        return f"[{', '.join(self._items(arguments, 'undefined'))}]"

    def parameters(self, arguments: Sequence[Argument]) -> list[str]:
        """Return the parameters of a method."""
        return list(self._items(arguments))

    def given(self, arguments: Sequence[Argument]) -> list[str]:
        """Return the items of a tuple in which nothing is left out."""
        required = [argument.model_copy(update={"required": True}) for argument in arguments]
        return list(self._items(required))

    def values(self, event: ServerEvent) -> str:
        """Return the tuple of what an event of the server carries."""
        return "unknown[]" if event.arguments is None else self.arguments(event.arguments)

    def answer(self, event: ClientEvent) -> str:
        """Return what a call resolves to."""
        if event.ack is None:
            return "unknown"
        if has_several(event):
            return self._several(event.ack, event.ack_rest)
        return self.types.write_schema(event.ack[0]) if event.ack else "void"

    def ack(self, event: ClientEvent) -> str:
        """Return the function that the official client calls with the answer, or with the error."""
        if event.stream is not None:
            return f"(answer: {{ stream: string }} | {ERROR_ANSWER}) => void"
        if event.ack is None:
            return "(...answer: unknown[]) => void"
        if has_several(event):
            return f"(...answer: {self._several(event.ack, event.ack_rest)} | [{ERROR_ANSWER}]) => void"
        if not event.ack:
            return f"(error?: {ERROR_ANSWER}) => void"
        return f"(answer: {self.types.write_union(self.types.write_schema(event.ack[0]), ERROR_ANSWER)}) => void"

    def chunk(self, event: ClientEvent) -> str:
        """Return what a stream yields."""
        return self.types.write_schema(event.stream or {})

    def own_answer(self, event: ServerEvent) -> str:
        """Return what a client answers; where that is null, it may answer nothing."""
        found = self.types.reader.read(event.answer or {})
        return "null | void" if found == Plain("null") else self.types.write(found)

    def codes(self, errors: Sequence[DeclaredError]) -> list[str]:
        """Return the union of the codes of declared errors, if there are some."""
        return [" | ".join(quote(error.code) for error in errors)] if errors else []

    def _items(self, arguments: Sequence[Argument], *others: str) -> Iterator[str]:
        words = name_parameters(argument.name for argument in arguments)
        for argument, word in zip(arguments, words, strict=True):
            written = self.types.write_schema(argument.json_schema)
            if argument.variadic:
                yield f"...{word}: {_list_of(written)}"
            elif argument.required:
                yield f"{word}: {written}"
            else:
                yield f"{word}?: {self.types.write_union(written, *others)}"

    def _several(self, schemas: Sequence[Schema], rest: Schema | None) -> str:
        items = [self.types.write_schema(schema) for schema in schemas]
        if rest is None:
            return f"[{', '.join(items)}]"
        others = _list_of(self.types.write_schema(rest))
        return f"[{', '.join(items)}, ...{others}]" if items else others


def has_several(event: ClientEvent) -> bool:
    """Say whether the answer to *event* is declared as a tuple."""
    return event.ack is not None and (event.ack_rest is not None or len(event.ack) > 1)


def _list_of(written: str) -> str:
    return f"({written})[]" if any(mark in written for mark in " |&") else f"{written}[]"
