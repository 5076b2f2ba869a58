"""What a new contract means for clients that were made for an old one.

Clients are old, the server is new: what they send goes into new schemas, what they get was told of by old ones. The schemas
themselves are compared by `schema_diff`; this module knows namespaces and events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .changes import Change, Severity, Side, is_breaking, order_changes, render_json, render_markdown, render_text
from .constraints import Difference, compare_defaults
from .model import Argument, ClientEvent, Contract, DeclaredError, NamespaceContract, ServerEvent
from .schema_diff import SchemaComparison

__all__ = ["Change", "Severity", "Side", "compare", "is_breaking", "render_json", "render_markdown", "render_text"]

Event = ClientEvent | ServerEvent


def compare(old: Contract, new: Contract) -> list[Change]:
    """Return every difference that matters to a client, the worst first; none for a contract and itself.

    Descriptions, titles, examples and the contract's own title and version don't matter.
    """
    return order_changes(list(_Comparison(old, new).compare()))


class _Comparison:
    def __init__(self, old: Contract, new: Contract) -> None:
        self._old = {namespace.path: namespace for namespace in old.namespaces}
        self._new = {namespace.path: namespace for namespace in new.namespaces}
        self._sent = SchemaComparison(old.models, new.models)

    def compare(self) -> Iterator[Change]:
        for path in sorted({*self._old, *self._new}):
            if path not in self._new:
                yield _sent(
                    "breaking", "namespace_removed", path, "The namespace is gone; connecting to it is refused."
                )
            elif path not in self._old:
                yield _sent("safe", "namespace_added", path, "The namespace is new.")
            else:
                yield from self._compare_namespace(self._old[path], self._new[path])

    def _compare_namespace(self, old: NamespaceContract, new: NamespaceContract) -> Iterator[Change]:
        yield from self._compare_auth(old.auth, new.auth, f"{new.path} auth")
        yield from _compare_guards(old.guards, new.guards, f"{new.path} connect")
        yield from _compare_errors(old.errors, new.errors, f"{new.path} connect")
        # What the class as a whole got is told once, not for each of its events.
        shared = _Shared(old, new)
        yield from self._compare_sent(old, new, shared)
        yield from self._compare_got(old, new)

    def _compare_auth(self, old: Argument | None, new: Argument | None, where: str) -> Iterator[Change]:
        if old is None and new is not None:
            if new.required:
                yield _sent("breaking", "auth_added", where, "Clients have to send 'auth' now.")
            else:
                yield _sent("safe", "auth_added", where, "Clients may send 'auth' now.")
        elif old is not None and new is None:
            yield _sent("safe", "auth_removed", where, "'auth' is no longer read.")
        elif old is not None and new is not None:
            if new.required and not old.required:
                yield _sent("breaking", "auth_required", where, "Clients have to send 'auth' now.")
            elif old.required and not new.required:
                yield _sent("safe", "auth_optional", where, "'auth' may be left out now.")
            yield from self._compare_in(old.json_schema, new.json_schema, where)

    # -- events that clients send

    def _compare_sent(self, old: NamespaceContract, new: NamespaceContract, shared: _Shared) -> Iterator[Change]:
        before = {event.name: event for event in old.client_events}
        after = {event.name: event for event in new.client_events}
        renamed = _find_renamed(before, after)
        for name in sorted({*before, *after}):
            where = f"{new.path} {name}"
            if name in renamed:
                message = f"The event is called {renamed[name]!r} now."
                yield _sent("breaking", "event_renamed", where, message)
            elif name not in after:
                yield _sent("breaking", "event_removed", where, "The event is gone, and answered with unknown_event.")
            elif name not in before:
                if name not in renamed.values():
                    yield _sent("safe", "event_added", where, "The event is new.")
            else:
                yield from self._compare_sent_event(before[name], after[name], where, shared)

    def _compare_sent_event(self, old: ClientEvent, new: ClientEvent, where: str, shared: _Shared) -> Iterator[Change]:
        yield from self._compare_taken(old.arguments, new.arguments, where)
        yield from self._compare_answers(old, new, where)
        yield from _compare_guards(old.guards, shared.leave_guards(old, new), where)
        yield from _compare_errors(old.errors, shared.leave_errors(old, new), where)
        yield from _compare_deprecation(old, new, where, "clients")

    def _compare_taken(self, old: Sequence[Argument], new: Sequence[Argument], where: str) -> Iterator[Change]:
        """Compare arguments by their places, as they travel."""
        for index in range(max(len(old), len(new))):
            before, after = _argument(old, index), _argument(new, index)
            if before is None and after is not None:
                yield _argument_added(after, f"{where} argument {after.name}")
            elif before is not None and after is None:
                place = f"{where} argument {before.name}"
                yield _sent("breaking", "argument_removed", place, "It is gone; an event that has it is refused.")
            elif before is not None and after is not None:
                yield from self._compare_argument(before, after, f"{where} argument {after.name}")

    def _compare_argument(self, old: Argument, new: Argument, where: str) -> Iterator[Change]:
        if old.name != new.name:
            yield _sent("safe", "argument_renamed", where, f"It was called {old.name!r}; its place is the same.")
        if old.variadic and not new.variadic:
            yield _sent("breaking", "argument_single", where, "It stands for one argument now, not for any number.")
        elif new.variadic and not old.variadic:
            yield _sent("safe", "argument_variadic", where, "It stands for any number of arguments now.")
        if new.required and not old.required:
            yield _sent("breaking", "argument_required", where, "It has to be sent now.")
        elif old.required and not new.required:
            yield _sent("safe", "argument_optional", where, "It may be left out now.")
        yield from self._compare_in(old.json_schema, new.json_schema, where)
        if not old.required and not new.required:
            for found in compare_defaults(old.json_schema, new.json_schema, ""):
                yield _sent(found.coming_in, found.what, where, found.message)

    def _compare_answers(self, old: ClientEvent, new: ClientEvent, where: str) -> Iterator[Change]:
        if (old.stream is None) != (new.stream is None):
            is_now = "a stream" if new.stream is not None else "one acknowledgement"
            yield _got("breaking", "answer_changed", where, f"It is answered by {is_now} now.")
        elif old.stream is not None:
            yield from self._compare_out(old.stream, new.stream, f"{where} stream")
        else:
            yield from self._compare_acks(old, new, f"{where} ack")

    def _compare_acks(self, old: ClientEvent, new: ClientEvent, where: str) -> Iterator[Change]:
        if old.ack is None or new.ack is None:
            if old.ack is not new.ack:
                state = "is declared now, and was not" if old.ack is None else "is no longer declared"
                yield _got(
                    "risky", "ack_declared" if old.ack is None else "ack_undeclared", where, f"Its type {state}."
                )
            return
        count, was = len(new.ack), len(old.ack)
        if count < was:
            yield _got("breaking", "ack_fewer", where, f"It has {count} of {was} values left.")
        elif count > was and old.ack_rest is None:
            severity: Severity = "safe" if was == 0 else "breaking" if was == 1 else "risky"
            yield _got(severity, "ack_more", where, f"It has {count} values, and had {was}.")
        for index in range(min(count, was)):
            place = where if count == was == 1 and old.ack_rest is None else f"{where}[{index}]"
            yield from self._compare_out(old.ack[index], new.ack[index], place)
        yield from self._compare_ack_rest(old, new, where)

    def _compare_ack_rest(self, old: ClientEvent, new: ClientEvent, where: str) -> Iterator[Change]:
        if old.ack_rest is not None and new.ack is not None and old.ack is not None:
            for index in range(len(old.ack), len(new.ack)):
                yield from self._compare_out(old.ack_rest, new.ack[index], f"{where}[{index}]")
        if old.ack_rest is None and new.ack_rest is not None:
            yield _got("breaking", "ack_more", where, "It may have any number of further values now.")
        elif old.ack_rest is not None and new.ack_rest is None:
            yield _got("breaking", "ack_fewer", where, "It has no further values any more.")
        elif old.ack_rest is not None:
            yield from self._compare_out(old.ack_rest, new.ack_rest, f"{where}[]")

    # -- events that clients get

    def _compare_got(self, old: NamespaceContract, new: NamespaceContract) -> Iterator[Change]:
        before = {event.name: event for event in old.server_events}
        after = {event.name: event for event in new.server_events}
        renamed = _find_renamed(before, after)
        for name in sorted({*before, *after}):
            where = f"{new.path} {name}"
            if name in renamed:
                yield _got("breaking", "event_renamed", where, f"The event is called {renamed[name]!r} now.")
            elif name not in after:
                yield _got("breaking", "event_removed", where, "The event is no longer sent.")
            elif name not in before:
                yield from _added_to_get(after[name], where, name in renamed.values())
            else:
                yield from self._compare_got_event(before[name], after[name], where)

    def _compare_got_event(self, old: ServerEvent, new: ServerEvent, where: str) -> Iterator[Change]:
        if old.arguments is None or new.arguments is None:
            if old.arguments is not new.arguments:
                state = "are declared now, and were not" if old.arguments is None else "are no longer declared"
                what = "arguments_declared" if old.arguments is None else "arguments_undeclared"
                yield _got("risky", what, where, f"Its arguments {state}.")
        else:
            yield from self._compare_given(old.arguments, new.arguments, where)
        if new.is_call and not old.is_call:
            yield _got("breaking", "answer_wanted", where, "It has to be answered now.")
        elif old.is_call and not new.is_call:
            yield _got("safe", "answer_unwanted", where, "It is no longer answered.")
        elif old.is_call:
            yield from self._compare_in({} if old.answer is None else old.answer, new.answer or {}, f"{where} answer")
        yield from _compare_deprecation(old, new, where, "servers")

    def _compare_given(self, old: Sequence[Argument], new: Sequence[Argument], where: str) -> Iterator[Change]:
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                place = f"{where} argument {new[index].name}"
                yield _got("risky", "argument_added", place, "It is new; a client that counts its arguments fails.")
            elif index >= len(new):
                yield _got("breaking", "argument_removed", f"{where} argument {old[index].name}", "It is gone.")
            else:
                place = f"{where} argument {new[index].name}"
                yield from self._compare_out(old[index].json_schema, new[index].json_schema, place)

    # -- schemas

    def _compare_in(self, old: Any, new: Any, where: str) -> Iterator[Change]:
        for found in self._sent.compare(old, new):
            yield _sent(found.coming_in, found.what, _join(where, found), found.message)

    def _compare_out(self, old: Any, new: Any, where: str) -> Iterator[Change]:
        for found in self._sent.compare(old, new):
            yield _got(found.going_out, found.what, _join(where, found), found.message)


class _Shared:
    """What all of a namespace's events got at once."""

    def __init__(self, old: NamespaceContract, new: NamespaceContract) -> None:
        self._guards = {*new.guards} - {*old.guards}
        self._codes = {error.code for error in new.errors} - {error.code for error in old.errors}

    def leave_guards(self, old: ClientEvent, new: ClientEvent) -> list[str]:
        return [guard for guard in new.guards if guard in old.guards or guard not in self._guards]

    def leave_errors(self, old: ClientEvent, new: ClientEvent) -> list[DeclaredError]:
        known = {error.code for error in old.errors}
        return [error for error in new.errors if error.code in known or error.code not in self._codes]


def _join(where: str, found: Difference) -> str:
    return f"{where}{found.path}"


def _sent(severity: Severity, what: str, where: str, message: str) -> Change:
    return Change(severity, what, where, "clients", message)


def _got(severity: Severity, what: str, where: str, message: str) -> Change:
    return Change(severity, what, where, "servers", message)


def _argument(arguments: Sequence[Argument], index: int) -> Argument | None:
    """Return what is at a place; a variadic one is at all that follow."""
    if index < len(arguments):
        return arguments[index]
    return arguments[-1] if arguments and arguments[-1].variadic else None


def _argument_added(argument: Argument, where: str) -> Change:
    if argument.required:
        return _sent("breaking", "argument_added", where, "It is new, and has to be sent.")
    return _sent("safe", "argument_added", where, "It is new, and may be left out.")


def _added_to_get(event: ServerEvent, where: str, is_renamed: bool) -> Iterator[Change]:
    if event.is_call:
        yield _got("risky", "event_added", where, "The call is new; old clients don't answer it.")
    elif not is_renamed:
        yield _got("safe", "event_added", where, "The event is new; old clients don't listen to it.")


def _find_renamed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Return the events that went with the one that came in their place: it differs in nothing but its name."""

    def mark(event: Event) -> str:
        return event.model_copy(update={"name": ""}).model_dump_json()

    gone = {name: mark(event) for name, event in before.items() if name not in after}
    come = {name: mark(event) for name, event in after.items() if name not in before}
    marks = [*gone.values(), *come.values()]
    return {
        name: other
        for name, found in gone.items()
        for other, there in come.items()
        if found == there and marks.count(found) == 2
    }


def _compare_guards(old: Sequence[str], new: Sequence[str], where: str) -> Iterator[Change]:
    for guard in new:
        if guard not in old:
            severity: Severity = "risky" if old else "breaking"
            yield _sent(severity, "guard_added", where, f"{guard} has to let it through now.")
    for guard in old:
        if guard not in new:
            yield _sent("safe", "guard_removed", where, f"{guard} is no longer asked.")


def _compare_errors(old: Sequence[DeclaredError], new: Sequence[DeclaredError], where: str) -> Iterator[Change]:
    before, after = {error.code for error in old}, {error.code for error in new}
    for code in sorted(after - before):
        yield _got("risky", "error_added", where, f"It may fail with {code} now.")
    for code in sorted(before - after):
        yield _got("risky", "error_removed", where, f"It no longer declares to fail with {code}.")


def _compare_deprecation(old: Event, new: Event, where: str, who: Side) -> Iterator[Change]:
    if old.deprecated is None and new.deprecated is not None:
        message = f"It is deprecated. {new.deprecated}".strip()
        yield Change("safe", "deprecated", where, who, message)
