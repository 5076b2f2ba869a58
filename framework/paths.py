"""Where in a payload an error is: field names and positions, and ``*`` for whatever the client named itself.

pydantic's locations also carry the keys of dictionaries and of unknown fields, which are the client's words, and the
names of a union's choices, which are no part of the payload. A location is read along the type's core schema, so that
only what the application declared comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .schemas import read_choices, read_definitions, read_fields

Location = Sequence[int | str]
Step = tuple[list[str], Any, Location]

CLIENTS_OWN = "*"


class PathReader:
    """Turns pydantic's locations in values of one type into paths.

    Args:
        schema: The type's core schema.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._definitions = read_definitions(schema)

    def read(self, location: Location) -> list[str]:
        """Return the steps from the whole value to *location*, e.g. ``["items", "0", "name"]``."""
        found = self._follow(self._schema, location)
        return found if found is not None else _anonymous(location)

    def _follow(self, node: Any, location: Location) -> list[str] | None:
        """Return the path to *location* below *node*, or None when *node* has no such place."""
        if not location:
            return []
        for shown, inner, rest in self._steps(node, location):
            below = self._follow(inner, rest) if inner is not None else _anonymous(rest)
            if below is not None:
                return shown + below
        return None

    def _steps(self, node: Any, location: Location) -> Iterator[Step]:
        kind = node["type"]
        if kind == "definition-ref":
            yield [], self._definitions[node["schema_ref"]], location
        elif kind in _WRAPPERS:
            for inner in _WRAPPERS[kind](node):
                yield [], inner, location
        elif kind in _READERS:
            yield from _READERS[kind](node, location)
        elif "items_schema" in node:
            yield from _read_item(node, location)
        elif "values_schema" in node:
            yield from _read_entry(node, location)
        elif "schema" in node:
            yield [], node["schema"], location


def _anonymous(location: Location) -> list[str]:
    return [str(part) if isinstance(part, int) else CLIENTS_OWN for part in location]


def _read_item(node: Any, location: Location) -> Iterator[Step]:
    if isinstance(location[0], int):
        yield [str(location[0])], node.get("items_schema"), location[1:]


def _read_tuple(node: Any, location: Location) -> Iterator[Step]:
    index = location[0]
    if isinstance(index, int):
        items = node["items_schema"]
        variadic = node.get("variadic_item_index")
        if variadic is not None and index >= variadic:
            # Those after the variadic one are counted from the end, which is not known here.
            index = variadic
        yield [str(location[0])], items[index] if index < len(items) else None, location[1:]


def _read_entry(node: Any, location: Location) -> Iterator[Step]:
    if location[1:] == ("[key]",):
        yield [CLIENTS_OWN], None, ()
    else:
        yield [CLIENTS_OWN], node.get("values_schema"), location[1:]


def _read_field(node: Any, location: Location) -> Iterator[Step]:
    for name, field in read_fields(node).items():
        for known in ((name,), *_read_aliases(field)):
            if tuple(location[: len(known)]) == known:
                yield [str(part) for part in known], field["schema"], location[len(known) :]
    yield [CLIENTS_OWN], node.get("extras_schema"), location[1:]


def _read_aliases(field: Mapping[str, Any]) -> Iterator[tuple[int | str, ...]]:
    alias = field.get("validation_alias", [])
    if isinstance(alias, str):
        yield (alias,)
    elif alias and isinstance(alias[0], list):  # AliasChoices
        yield from (tuple(choice) for choice in alias)
        yield from ((choice[0],) for choice in alias)
    elif alias:  # AliasPath
        yield from (tuple(alias), (alias[0],))


def _read_argument(node: Any, location: Location) -> Iterator[Step]:
    """Read one of a named tuple's fields, which pydantic before 2.14 had as the arguments of a call."""
    for index, argument in enumerate(node["fields" if "fields" in node else "arguments_schema"]):
        if location[0] in (index, argument["name"]):
            yield [argument["name"]], argument["schema"], location[1:]


def _read_choice(node: Any, location: Location) -> Iterator[Step]:
    """Leave out the name of the choice; which one it names is found by what fits the rest."""
    choices = read_choices(node)
    named = [choice for tag, choice in choices.items() if str(getattr(tag, "value", tag)) == str(location[0])]
    for inner in named if node["type"] == "tagged-union" and named else choices.values():
        yield [], inner, location[1:]


_READERS: Mapping[str, Callable[[Any, Location], Iterator[Step]]] = {
    "tuple": _read_tuple,
    "model-fields": _read_field,
    "typed-dict": _read_field,
    "dataclass-args": _read_field,
    "named-tuple": _read_argument,
    "arguments": _read_argument,
    "union": _read_choice,
    "tagged-union": _read_choice,
}
_WRAPPERS: Mapping[str, Callable[[Any], Sequence[Any]]] = {
    "chain": lambda node: node["steps"],
    "lax-or-strict": lambda node: (node["lax_schema"], node["strict_schema"]),
    "json-or-python": lambda node: (node["json_schema"], node["python_schema"]),
    "call": lambda node: (node["arguments_schema"],),
}
