"""What each namespace sends and gets, by event: for the generated clients, and for the official client's own types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contract import ClientEvent, NamespaceContract, ServerEvent
from .signatures import ERROR_ANSWER, SignatureWriter
from .text import WIDTH, split_lines, write_comment, write_key

_CANCEL = "cancel_stream"


class EventMaps:
    """Writes the types of one namespace.

    Args:
        name: What its client is called, without ``Client``.
    """

    def __init__(self, namespace: NamespaceContract, name: str, signatures: SignatureWriter) -> None:
        self._path = namespace.path
        self._name = name
        self._signatures = signatures
        self._sent = namespace.client_events
        self._streams = [event for event in namespace.client_events if event.stream is not None]
        self._received = namespace.server_events

    def write(self) -> Iterator[str]:
        """Yield the declarations, with an empty line after each."""
        yield from self._write_own()
        yield from self._write_official()

    def _write_own(self) -> Iterator[str]:
        path, name = self._path, self._name
        about = {
            "calls": f"What clients of {path} send: arguments, answer, codes of errors.",
            "streams": f"What {path} answers with a stream: arguments, a chunk, codes of errors.",
            "events": f"What clients of {path} get.",
            "questions": f"What {path} asks its clients: arguments, answer.",
        }
        tables = self._tables()
        for key, entries in tables.items():
            if entries:
                yield from self._interface(f"{name}{key.capitalize()}", about[key], entries)
        members = [f"  {key}: {f'{name}{key.capitalize()}' if tables[key] else '{}'};" for key in tables]
        yield from self._interface(f"{name}Types", f"All of {path}.", [*members, f"  socket: {name}Socket;"])

    def _tables(self) -> dict[str, list[str]]:
        tables: dict[str, list[str]] = {"calls": [], "streams": [], "events": [], "questions": []}
        for sent in self._sent:
            tables["calls" if sent.stream is None else "streams"] += self._own_entry(sent)
        for received in self._received:
            tables["questions" if received.is_call else "events"] += self._own_received_entry(received)
        return tables

    def _own_entry(self, event: ClientEvent) -> Iterator[str]:
        signatures = self._signatures
        kind, result = ("CallOf", signatures.answer(event))
        if event.stream is not None:
            kind, result = ("StreamOf", signatures.chunk(event))
        parts = [signatures.arguments(event.arguments), result, *signatures.codes(event.errors)]
        yield from write_comment(write_deprecation(event.deprecated), "  ")
        yield f"  {write_key(event.name)}: {kind}<{', '.join(parts)}>;"

    def _own_received_entry(self, event: ServerEvent) -> Iterator[str]:
        values = self._signatures.values(event)
        if event.is_call:
            values = f"QuestionOf<{values}, {self._signatures.own_answer(event)}>"
        yield from write_comment([*split_lines(event.description), *write_deprecation(event.deprecated)], "  ")
        yield f"  {write_key(event.name)}: {values};"

    def _write_official(self) -> Iterator[str]:
        name, path = self._name, self._path
        form = "in the form that the official client's types take."
        sent = [line for event in self._sent for line in self._official_entry(event)]
        if self._streams and all(event.name != _CANCEL for event in self._sent):
            sent.append(
                f"  {_CANCEL}: (...args: [id: string] | [id: string, ack: (running: boolean) => void]) => void;"
            )
        yield from self._interface(f"{name}ClientToServerEvents", f"What clients of {path} send, {form}", sent)
        received = list(self._official_received())
        yield from self._interface(f"{name}ServerToClientEvents", f"What clients of {path} get, {form}", received)
        yield f"export type {name}Socket = Socket<{name}ServerToClientEvents, {name}ClientToServerEvents>;"
        yield ""

    def _official_entry(self, event: ClientEvent) -> Iterator[str]:
        """Yield the ways to send an event: with and without its ack, which comes last."""
        ack = f"ack: {self._signatures.ack(event)}"
        single = [argument for argument in event.arguments if not argument.variadic]
        needed = sum(argument.required for argument in single)
        forms = [self._signatures.arguments(event.arguments)]
        for count in range(needed, len(single) + 1):
            given = event.arguments if count == len(single) else single[:count]
            forms.append(f"[{', '.join([*self._signatures.given(given), ack])}]")
        yield from write_comment(write_deprecation(event.deprecated), "  ")
        yield from _write_forms(write_key(event.name), forms)

    def _official_received(self) -> Iterator[str]:
        declared = {event.name for event in self._received}
        for event in self._received:
            yield from write_comment(write_deprecation(event.deprecated), "  ")
            yield f"  {write_key(event.name)}: (...args: {self._official_values(event)}) => void;"
        for stream in self._streams:
            if stream.name not in declared:
                part = f"part: StreamPart<{self._signatures.chunk(stream)}>"
                yield f"  {write_key(stream.name)}: ({part}, ack?: () => void) => void;"
        if "error" not in declared:
            yield f"  error: (error: {ERROR_ANSWER}) => void;"

    def _official_values(self, event: ServerEvent) -> str:
        if not event.is_call or event.arguments is None:
            return self._signatures.values(event)
        ack = f"ack: (answer: {self._signatures.own_answer(event)}) => void"
        return f"[{', '.join([*self._signatures.given(event.arguments), ack])}]"

    def _interface(self, name: str, about: str, members: Sequence[str]) -> Iterator[str]:
        yield from write_comment([about])
        yield from [f"export interface {name} {{", *members, "}"] if members else [f"export interface {name} {{}}"]
        yield ""


def write_deprecation(words: str | None) -> list[str]:
    """Return the tag that says what to use in place of what it is at."""
    return [] if words is None else [f"@deprecated {' '.join(words.split())}".rstrip()]


def _write_forms(key: str, forms: Sequence[str]) -> Iterator[str]:
    """Yield a member of an event map, on several lines where it is long."""
    line = f"  {key}: (...args: {' | '.join(forms)}) => void;"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"  {key}: ("
    yield "    ...args:"
    yield from (f"      | {form}" for form in forms)
    yield "  ) => void;"
