"""Schemas of zod, from its version 4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ...contract import Schema
from .checks import IS_BYTES, Checks, write_limit
from .text import write_key, write_value
from .types import (
    Anything,
    Array,
    Choice,
    Every,
    Literals,
    Nothing,
    Object,
    Plain,
    Record,
    Ref,
    Tuple,
    Type,
)

_PLAIN = {
    "string": "z.string()",
    "number": "z.number()",
    "integer": "integer()",
    "boolean": "z.boolean()",
    "null": "z.null()",
    "bytes": "bytes()",
}


class Zod(Checks):
    """Schemas of zod, from its version 4."""

    imports = 'import * as z from "zod";'
    helpers: ClassVar = {
        "check": (
            "/** A check by a schema that is made when it is first needed. */",
            "function check(make: () => z.ZodType): ValueCheck {",
            "  let schema: z.ZodType | undefined;",
            "  return (value) => {",
            "    schema ??= make();",
            "    const found = schema.safeParse(value);",
            "    if (found.success) return [];",
            '    return found.error.issues.map(({ path, message }) => ({ path: path.map(String).join("."), message }));',
            "  };",
            "}",
        ),
        "bytes": (IS_BYTES, 'const bytes = () => z.custom<Bytes>(isBytes, "Expected bytes");'),
        "integer": ('const integer = () => z.number().refine(Number.isInteger, "Expected a whole number");',),
    }

    def declare(self, model: str, schema: Schema) -> Iterator[str]:
        name = self.types.name(model)
        yield f"export const {name}Schema: z.ZodType<{name}> = /* @__PURE__ */ z.lazy(() => {self.write(self.read(schema))});"

    def write(self, found: Type) -> str:  # noqa: C901 - one case for each
        match found:
            case Anything():
                return "z.unknown()"
            case Nothing():
                return "z.never()"
            case Plain(kind, limits):
                return _PLAIN[kind] + _write_limits(limits)
            case Literals(values):
                return f"z.literal({write_value(list(values))})"
            case Ref():
                return self._write_ref(found)
            case Array(item, limits):
                return f"z.array({self.write(item)})" + _write_limits(limits)
            case Tuple(items, needed, rest):
                inner = [
                    self.write(item) + (".optional()" if index >= needed else "") for index, item in enumerate(items)
                ]
                return f"z.tuple([{', '.join(inner)}]{f', {self.write(rest)}' if rest is not None else ''})"
            case Record():
                return self._write_record(found)
            case Object():
                return self._write_object(found)
            case Choice(members):
                return f"z.union([{', '.join(map(self.write, members))}])"
            case Every(members):
                *others, last = map(self.write, members)
                return "".join(f"z.intersection({one}, " for one in others) + last + ")" * len(others)

    def _write_ref(self, found: Ref) -> str:
        if found.tag is None:
            return self.name(found)
        key, values = found.tag
        fixed = f"z.looseObject({{ {write_key(key, literal=True)}: {self.write(Literals(values))} }})"
        return f"z.intersection({self.name(found)}, {fixed})"

    def _write_record(self, found: Record) -> str:
        value = self.write(found.value)
        if found.key is None:
            return f"z.record(z.string(), {value})"
        return f"z.partialRecord({self.write(self.types.reader.resolve(found.key))}, {value})"

    def _write_object(self, found: Object) -> str:
        fields = [
            f"{write_key(one.name, literal=True)}: {self.write(one.type)}{'' if one.required else '.optional()'}"
            for one in found.fields
        ]
        inner = f"{{ {', '.join(fields)} }}" if fields else "{}"
        if isinstance(found.rest, Nothing):
            return f"z.strictObject({inner})"
        if found.rest is None or isinstance(found.rest, Anything):
            return f"z.looseObject({inner})"
        return f"z.object({inner}).catchall({self.write(found.rest)})"


def _write_limits(limits: Mapping[str, Any]) -> str:
    tests = [write_limit(name, value) for name, value in limits.items()]
    return "".join(f".refine({test})" for test in tests if test)
