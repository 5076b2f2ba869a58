"""Schemas of valibot, from its version 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ...contract import Schema
from .checks import IS_BYTES, Checks, write_limit
from .text import write_key, write_value
from .types import (
    Anything,
    Array,
    Choice,
    Every,
    Field,
    Literals,
    Nothing,
    Object,
    Plain,
    Record,
    Ref,
    Scalar,
    Tuple,
    Type,
)

_PLAIN = {
    "string": "v.string()",
    "number": "v.number()",
    "integer": "integer()",
    "boolean": "v.boolean()",
    "null": "v.null()",
    "bytes": "bytes()",
}


class Valibot(Checks):
    """Schemas of valibot, from its version 1."""

    imports = 'import * as v from "valibot";'
    helpers: ClassVar = {
        "check": (
            "/** A check by a schema that is made when it is first needed. */",
            "function check(make: () => v.GenericSchema): ValueCheck {",
            "  let schema: v.GenericSchema | undefined;",
            "  return (value) => {",
            "    schema ??= make();",
            "    const { issues = [] } = v.safeParse(schema, value);",
            '    return issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message }));',
            "  };",
            "}",
        ),
        "bytes": (IS_BYTES, 'const bytes = () => v.custom<Bytes>(isBytes, "Expected bytes");'),
        "integer": ('const integer = () => v.pipe(v.number(), v.integer("Expected a whole number"));',),
    }

    def declare(self, model: str, schema: Schema) -> Iterator[str]:
        name = self.types.name(model)
        written = self.write(self.read(schema))
        yield f"export const {name}Schema: v.GenericSchema<unknown, {name}> = /* @__PURE__ */ v.lazy(() => {written});"

    def write(self, found: Type) -> str:  # noqa: C901 - one case for each
        match found:
            case Anything():
                return "v.unknown()"
            case Nothing():
                return "v.never()"
            case Plain(kind, limits):
                return _pipe(_PLAIN[kind], limits)
            case Literals(values):
                return _union([_write_literal(value) for value in values])
            case Ref():
                return self._write_ref(found)
            case Array(item, limits):
                return _pipe(f"v.array({self.write(item)})", limits)
            case Tuple(items, needed, rest):
                return self._write_tuple([self.write(item) for item in items], needed, rest)
            case Record():
                return self._write_record(found)
            case Object():
                return self._write_object(found)
            case Choice(members):
                return f"v.union([{', '.join(map(self.write, members))}])"
            case Every(members):
                return f"v.intersect([{', '.join(map(self.write, members))}])"

    def write_arguments(self, found: Tuple) -> str:
        """Return one tuple, whose problems have the path of an item, where its own type does not matter."""
        items = [self.write(item) for item in found.items]
        items[found.needed :] = [f"v.optional({item})" for item in items[found.needed :]]
        if found.rest is None:
            return f"v.strictTuple([{', '.join(items)}])"
        return f"v.tupleWithRest([{', '.join(items)}], {self.write(found.rest)})"

    def _write_tuple(self, items: list[str], needed: int, rest: Type | None) -> str:
        """Return a tuple; where some may be left out, one for each length, as valibot's own does not end early."""
        if rest is not None:
            whole = f"v.tupleWithRest([{', '.join(items)}], {self.write(rest)})"
        else:
            whole = f"v.strictTuple([{', '.join(items)}])"
        shorter = [f"v.strictTuple([{', '.join(items[:count])}])" for count in range(needed, len(items))]
        return _union([*shorter, whole])

    def _write_ref(self, found: Ref) -> str:
        if found.tag is None:
            return self.name(found)
        key, values = found.tag
        fixed = f"v.looseObject({{ {write_key(key, literal=True)}: {self.write(Literals(values))} }})"
        return f"v.intersect([{self.name(found)}, {fixed}])"

    def _write_record(self, found: Record) -> str:
        value = self.write(found.value)
        key = "v.string()" if found.key is None else self.write(self.types.reader.resolve(found.key))
        return f"v.record({key}, {value})"

    def _write_object(self, found: Object) -> str:
        fields = [f"{write_key(one.name, literal=True)}: {self._write_field(one)}" for one in found.fields]
        inner = f"{{ {', '.join(fields)} }}" if fields else "{}"
        if isinstance(found.rest, Nothing):
            return f"v.strictObject({inner})"
        if found.rest is None or isinstance(found.rest, Anything):
            return f"v.looseObject({inner})"
        return f"v.objectWithRest({inner}, {self.write(found.rest)})"

    def _write_field(self, field: Field) -> str:
        return self.write(field.type) if field.required else f"v.optional({self.write(field.type)})"


def _pipe(schema: str, limits: Mapping[str, Any]) -> str:
    tests = [write_limit(name, value) for name, value in limits.items()]
    checks = [f"v.check({test})" for test in tests if test]
    return f"v.pipe({', '.join([schema, *checks])})" if checks else schema


def _write_literal(value: Scalar) -> str:
    return "v.null()" if value is None else f"v.literal({write_value(value)})"


def _union(members: Sequence[str]) -> str:
    return members[0] if len(members) == 1 else f"v.union([{', '.join(members)}])"
