"""What is different between two schemas, and what that means where values go in and where they come out.

Going in, a value of the old schema has to fit the new one; coming out, a value of the new schema has to be one that the old
one told of. A difference that this module can't judge is risky, never safe. Fields that neither schema names are not
considered: nobody sends them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from .alternatives import ANY, BYTES, KEYWORDS, UNCLEAR, Alternative, read_alternatives
from .changes import Severity
from .constraints import (
    Difference,
    compare_bound,
    compare_defaults,
    compare_numbers,
    compare_sizes,
    compare_texts,
    write_value,
)
from .model import Schema
from .validity import Models, identity, is_valid
from .walk import find_refs

_LARGER = frozenset({("integer", "number")})
_WORDS = {ANY: "anything", "array": "a list", "boolean": "true or false", "null": "null", "string": "a text"}
_HANDLED = frozenset({"enum"}).union(*KEYWORDS.values())


def compare_schemas(old: Any, new: Any, old_models: Models, new_models: Models) -> list[Difference]:
    """Return what is different; nothing for two schemas that allow the same.

    Args:
        old_models: What references in *old* lead to.
        new_models: Likewise in *new*.
    """
    return SchemaComparison(old_models, new_models).compare(old, new)


class SchemaComparison:
    """Compares schemas of two contracts.

    Args:
        old_models: What references in old schemas lead to.
        new_models: Likewise in new ones.
    """

    def __init__(self, old_models: Models, new_models: Models) -> None:
        self._old_models = old_models
        self._new_models = new_models
        self._open: set[tuple[str, str]] = set()
        self._changed = _find_changed(old_models, new_models)

    def compare(self, old: Any, new: Any) -> list[Difference]:
        """Return what is different between *old* and *new*."""
        return list(dict.fromkeys(self._compare(old, new, "")))

    # -- what may be one of several

    def _compare(self, old: Any, new: Any, path: str) -> Iterator[Difference]:
        if self._is_same(old, new):
            return
        pair = (json.dumps(old, sort_keys=True, default=repr), json.dumps(new, sort_keys=True, default=repr))
        if pair in self._open:  # a model that holds itself: what is different in it is being found
            return
        self._open.add(pair)
        try:
            before = read_alternatives(old, self._old_models)
            after = read_alternatives(new, self._new_models)
            if len(before) == len(after) == 1:
                yield from self._compare_pair(before[0], after[0], path)
            else:
                yield from self._compare_several(before, after, path)
        finally:
            self._open.discard(pair)

    def _is_same(self, old: Any, new: Any) -> bool:
        """Say whether both are written alike, and so is all that they refer to."""
        return _is_equal(old, new) and self._changed.isdisjoint(find_refs(old))

    def _compare_several(
        self, before: Sequence[Alternative], after: Sequence[Alternative], path: str
    ) -> Iterator[Difference]:
        pairs, gone, come = _pair(before, after)
        several = len(before) > 1 or len(after) > 1
        for old, new in pairs:
            name = f"{path}<{new.name}>" if several and new.name else path
            yield from self._compare_pair(old, new, name)
        if len(gone) == len(come) == 1 and ANY not in (gone[0].kind, come[0].kind):
            yield from self._compare_pair(gone[0], come[0], path)
            return
        for old in gone:
            if not any(self._fits(old, new, "coming_in") for new in after):
                yield _removed(old, path)
        for new in come:
            if not any(self._fits(old, new, "going_out") for old in before):
                yield _added(new, path)

    def _fits(self, old: Alternative, new: Alternative, direction: str) -> bool:
        return all(getattr(found, direction) == "safe" for found in self._compare_pair(old, new, ""))

    # -- one against one

    def _compare_pair(self, old: Alternative, new: Alternative, path: str) -> Iterator[Difference]:
        if old.kind == new.kind == UNCLEAR:
            if not self._is_same(old.schema, new.schema):
                yield _unclear(path)
        elif UNCLEAR in (old.kind, new.kind):
            yield _unclear(path)
        elif old.kind != new.kind:
            yield from self._compare_kinds(old, new, path)
        elif "enum" in old.schema or "enum" in new.schema:
            yield from self._compare_values(old.schema, new.schema, path)
        else:
            yield from self._compare_constraints(old, new, path)

    def _compare_kinds(self, old: Alternative, new: Alternative, path: str) -> Iterator[Difference]:
        message = f"It is {_describe(new)}, and was {_describe(old)}."
        if (old.kind, new.kind) in _LARGER or new.kind == ANY:
            yield Difference("type_widened", path, message, "safe", "breaking")
        elif (new.kind, old.kind) in _LARGER or old.kind == ANY:
            yield Difference("type_narrowed", path, message, "breaking", "safe")
        else:
            yield Difference("type_changed", path, message, "breaking", "breaking")
            return
        if ANY in (old.kind, new.kind):
            return
        if "enum" in old.schema or "enum" in new.schema:
            yield from self._compare_values(old.schema, new.schema, path)
        else:
            yield from self._compare_constraints(old, new, path)

    def _compare_values(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        """Compare where one of the two, or both, are a list of values."""
        known = old.get("enum", ())
        kept = new.get("enum", ())
        if "enum" in old:
            for value in known:
                if not is_valid(value, new, self._new_models):
                    yield Difference(
                        "value_removed", path, f"{write_value(value)} is no longer allowed.", "breaking", "safe"
                    )
        else:
            message = f"Only {', '.join(map(write_value, kept))} {'is' if len(kept) == 1 else 'are'} allowed now."
            yield Difference("values_closed", path, message, "breaking", "safe")
        if "enum" in new:
            for value in kept:
                if not is_valid(value, old, self._old_models):
                    yield Difference("value_added", path, f"{write_value(value)} is possible now.", "safe", "breaking")
        else:
            yield Difference("values_opened", path, "It is no longer one of a few values.", "safe", "breaking")
        if any(old.get(key) != new.get(key) for key in {*old, *new} - _HANDLED):
            yield _unclear(path)

    def _compare_constraints(self, old: Alternative, new: Alternative, path: str) -> Iterator[Difference]:
        kind = new.kind
        compare = {
            "array": self._compare_arrays,
            "object": self._compare_objects,
            "string": compare_texts,
            "integer": compare_numbers,
            "number": compare_numbers,
        }.get(kind, compare_sizes)
        yield from compare(old.schema, new.schema, path)
        others = {*old.schema, *new.schema} - _HANDLED
        if any(old.schema.get(key) != new.schema.get(key) for key in others):
            yield _unclear(path)

    # -- lists

    def _compare_arrays(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        fixed = max(len(old.get("prefixItems", ())), len(new.get("prefixItems", ())))
        for index in range(fixed):
            before, after = _item(old, index), _item(new, index)
            if before is not False and after is not False:
                yield from self._compare(before, after, f"{path}[{index}]")
        before, after = _item(old, fixed), _item(new, fixed)
        if before is not False and after is not False:
            yield from self._compare(before, after, f"{path}[]")
        yield from compare_bound(old.get("minItems", 0), new.get("minItems", 0), "items", path, lower=True)
        yield from compare_bound(_most_items(old), _most_items(new), "items", path, lower=False)
        if bool(old.get("uniqueItems")) != bool(new.get("uniqueItems")):
            if new.get("uniqueItems"):
                yield Difference("items_unique", path, "Its items have to be different now.", "risky", "safe")
            else:
                yield Difference("items_repeated", path, "Its items may be the same now.", "safe", "risky")

    # -- objects

    def _compare_objects(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        before, after = _fields(old), _fields(new)
        for name in sorted({*before, *after}):
            place = f"{path}.{name}"
            if name not in after:
                yield from self._compare_removed(name, old, new, place)
            elif name not in before:
                yield from self._compare_added(name, old, new, place)
            else:
                yield from self._compare_field(name, old, new, place)
        yield from self._compare_rest(old, new, path)
        yield from self._compare_names(old, new, path)
        yield from compare_bound(old.get("minProperties", 0), new.get("minProperties", 0), "fields", path, lower=True)
        yield from compare_bound(old.get("maxProperties"), new.get("maxProperties"), "fields", path, lower=False)

    def _compare_field(self, name: str, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        was, is_now = name in old.get("required", ()), name in new.get("required", ())
        if is_now and not was:
            yield Difference("field_required", path, "It has to be there now.", "breaking", "safe")
        if was and not is_now:
            yield Difference("field_optional", path, "It may be missing now.", "safe", "breaking")
        before, after = _fields(old)[name], _fields(new)[name]
        yield from self._compare(before, after, path)
        if not is_now and not was:
            yield from compare_defaults(before, after, path)

    def _compare_removed(self, name: str, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        rest = _rest(new)
        going_out: Severity = "breaking" if name in old.get("required", ()) else "risky"
        if rest is False:
            yield Difference("field_removed", path, "It is gone, and refused when it is sent.", "breaking", going_out)
        elif rest is True:
            yield Difference("field_removed", path, "It is gone, and passed over when it is sent.", "risky", going_out)
        else:
            yield Difference("field_removed", path, "It is gone, and taken for one of the others.", "risky", going_out)
            yield from self._compare(_fields(old)[name], rest, path)

    def _compare_added(self, name: str, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        rest = _rest(old)
        going_out: Severity = "risky" if rest is False else "safe"
        if name in new.get("required", ()):
            yield Difference("field_added", path, "It is new, and has to be there.", "breaking", going_out)
        else:
            yield Difference("field_added", path, "It is new, and may be left out.", "safe", going_out)
        if isinstance(rest, dict):
            yield from self._compare(rest, _fields(new)[name], path)

    def _compare_rest(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        before, after = _rest(old), _rest(new)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self._compare(before, after, f"{path}.*")
            return
        was, is_now = (2 * rest if isinstance(rest, bool) else 1 for rest in (before, after))
        known = bool(old.get("properties")) and bool(new.get("properties"))
        if is_now < was:
            bad: Severity = "risky" if known and before is True else "breaking"
            message = "Other fields are refused now." if after is False else "Other fields are checked now."
            yield Difference("others_narrowed", f"{path}.*", message, bad, "safe")
        elif is_now > was:
            bad = "safe" if known and after is True else "risky" if known else "breaking"
            yield Difference("others_widened", f"{path}.*", "Other fields are possible now.", "safe", bad)

    def _compare_names(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        before, after = old.get("patternProperties", {}), new.get("patternProperties", {})
        if set(before) != set(after):
            message = "The names of its fields follow another pattern."
            yield Difference("names_changed", f"{path}.*", message, "risky", "risky")
        for pattern in sorted({*before} & {*after}):
            yield from self._compare(before[pattern], after[pattern], f"{path}.*")
        if "propertyNames" not in old and "propertyNames" not in new:
            return
        names = [{"type": "string", **schema.get("propertyNames", {})} for schema in (old, new)]
        for found in self._compare(names[0], names[1], f"{path}.*"):
            yield replace(found, what="names_changed", message=f"The names of its fields: {found.message}")


def _find_changed(old_models: Models, new_models: Models) -> frozenset[str]:
    """Return the models that are not written alike, or refer to one that is not, by way of others too."""
    names = {*old_models, *new_models}
    changed = {name for name in names if not _is_equal(old_models.get(name), new_models.get(name))}
    refs = {name: frozenset(find_refs(old_models[name])) for name in names - changed}
    while more := {name for name, found in refs.items() if name not in changed and not changed.isdisjoint(found)}:
        changed |= more
    return frozenset(changed)


def _is_equal(old: Any, new: Any) -> bool:
    return bool(old == new) and identity(old) == identity(new)


def _pair(
    before: Sequence[Alternative], after: Sequence[Alternative]
) -> tuple[list[tuple[Alternative, Alternative]], list[Alternative], list[Alternative]]:
    """Return which of the old goes with which of the new: by value, by tag, by model, by kind; and those left over."""
    gone, come = list(before), list(after)
    pairs: list[tuple[Alternative, Alternative]] = []
    rules: list[Callable[[Alternative], Any]] = [
        lambda found: (found.kind, json.dumps(found.schema, sort_keys=True, default=repr)),
        lambda found: found.tag or None,
        lambda found: _family(found.name) or None,
        lambda found: None if found.tag else (found.kind, "enum" in found.schema),
        lambda found: None if found.tag else found.kind,
    ]
    for rule in rules:
        for old in list(gone):
            mark = rule(old)
            new = next((found for found in come if mark is not None and rule(found) == mark), None)
            if new is not None and old.kind == new.kind:
                pairs.append((old, new))
                gone.remove(old)
                come.remove(new)
    return pairs, gone, come


def _family(name: str) -> str:
    return name.removesuffix("-Input").removesuffix("-Output")


def _removed(found: Alternative, path: str) -> Difference:
    if "enum" in found.schema and found.kind != "null":
        message = f"{', '.join(map(write_value, found.schema['enum']))} is no longer allowed."
        return Difference("value_removed", path, message, "breaking", "safe")
    what = "null_removed" if found.kind == "null" else "type_removed"
    return Difference(what, path, f"It can't be {_describe(found)} any more.", "breaking", "safe")


def _added(found: Alternative, path: str) -> Difference:
    if "enum" in found.schema and found.kind != "null":
        message = f"{', '.join(map(write_value, found.schema['enum']))} is possible now."
        return Difference("value_added", path, message, "safe", "breaking")
    what = "null_added" if found.kind == "null" else "type_added"
    return Difference(what, path, f"It may be {_describe(found)} now.", "safe", "breaking")


def _unclear(path: str) -> Difference:
    return Difference("constraint_changed", path, "It is checked in another way.", "risky", "risky")


# -- parts of a schema


def _item(schema: Schema, index: int) -> Any:
    """Return what the item at *index* is; False where there is none."""
    first = schema.get("prefixItems", ())
    most = schema.get("maxItems")
    if most is not None and index >= most:
        return False
    return first[index] if index < len(first) else schema.get("items", True)


def _most_items(schema: Schema) -> int | None:
    bounds = [schema["maxItems"]] if "maxItems" in schema else []
    if schema.get("items") is False:
        bounds.append(len(schema.get("prefixItems", ())))
    return min(bounds, default=None)


def _fields(schema: Schema) -> dict[str, Any]:
    """Return the fields that are named, with what they are."""
    return {**{name: _rest(schema) for name in schema.get("required", ())}, **schema.get("properties", {})}


def _rest(schema: Schema) -> Any:
    """Return what a field is that has no schema of its own: True for anything, False for none."""
    rest = schema.get("additionalProperties", True)
    return True if rest == {} else rest


def _describe(found: Alternative) -> str:
    if found.name:
        return found.name
    if found.kind == BYTES:
        return BYTES
    if "enum" in found.schema and found.kind != "null":
        return " or ".join(map(write_value, found.schema["enum"]))
    return _WORDS.get(found.kind) or f"{'an' if found.kind[0] in 'aeiou' else 'a'} {found.kind}"
