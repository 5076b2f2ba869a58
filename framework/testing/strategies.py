"""Values for a contract's schemas, as strategies of Hypothesis: those that fit, and arguments of events that do not.

Needs the package ``hypothesis``. Written for the schemas that a contract has (draft 2020-12, with ``prefixItems``); what is
drawn by kind is checked against the whole schema, so that a keyword which is not known here costs time and no truth.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ..contract import Argument, Contract, Schema
from ..contract.check import BINARY, check_arguments, check_value, matches
from ..contract.validity import is_valid
from ..contract.walk import read_ref

MARKER = "fuzzed-5d2c"
"""A text in what is broken on purpose, to be looked for in what comes back."""
DEPTH = 4
WIDTH = 5
SPAN = 10_000
"""How far from zero, or from its bound, a number without bounds is drawn: a handler may count up to it."""
_LONGEST = 30
_TOO_DEEP = 100

Strategy = SearchStrategy[Any]
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=_LONGEST)
_ZONES = st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30))])


def _write_duration(value: datetime.timedelta) -> str:
    minutes, seconds = divmod(value.seconds, 60)
    return f"P{value.days}DT{minutes}M{seconds}S"


_LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=10)
_HOSTS = st.builds("{}.example".format, _LABELS)
_IPV4, _IPV6 = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)

_FORMATS: dict[str, Strategy] = {
    "date-time": st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2100, 1, 1), timezones=_ZONES).map(
        datetime.datetime.isoformat
    ),
    "date": st.dates(datetime.date(1970, 1, 2), datetime.date(2100, 1, 1)).map(datetime.date.isoformat),
    "time": st.times(timezones=_ZONES).map(datetime.time.isoformat),
    "duration": st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=999)).map(_write_duration),
    "uuid": st.uuids().map(str),
    **{f"uuid{version}": st.uuids(version=version).map(str) for version in (1, 2, 3, 4, 5)},
    "email": st.builds("{}@{}".format, _LABELS, _HOSTS),
    "name-email": st.builds("{} <{}@{}>".format, _LABELS, _LABELS, _HOSTS),
    "hostname": _HOSTS,
    "uri": st.builds("https://{}/{}".format, _HOSTS, _LABELS),
    "path": _LABELS,
    "regex": _LABELS,
    "base64url": st.sampled_from(["", "YQ==", "-_8="]),
    **dict.fromkeys(["ipv4", "ipv4network", "ipv4interface"], _IPV4),
    **dict.fromkeys(["ipv6", "ipv6network", "ipv6interface"], _IPV6),
    **dict.fromkeys(["ipvanyaddress", "ipvanynetwork", "ipvanyinterface"], _IPV4 | _IPV6),
}


def valid_values(contract: Contract, schema: Schema) -> Strategy:
    """Return values that fit *schema*: JSON values, and bytes where it has the format ``binary``.

    Texts of a format (dates, UUIDs, addresses ...) are of that format. Numbers without bounds are near zero.
    """
    return _Builder(contract.models).build(schema, DEPTH).filter(lambda value: not check_value(contract, schema, value))


def valid_arguments(contract: Contract, arguments: Sequence[Argument]) -> Strategy:
    """Return lists of values that an event with *arguments* takes, with and without those that it does not need."""
    rest = arguments[-1] if arguments and arguments[-1].variadic else None
    fixed = [valid_values(contract, one.json_schema) for one in arguments if one is not rest]
    least = sum(one.required for one in arguments)
    more = st.just([]) if rest is None else st.lists(valid_values(contract, rest.json_schema), max_size=WIDTH)
    full = st.builds(lambda first, others: [*first, *others], st.tuples(*fixed), more)
    shorter = [st.tuples(*fixed[:count]).map(list) for count in range(least, len(fixed))]
    return st.one_of(full, *shorter)


@st.composite
def broken_arguments(draw: DrawFn, contract: Contract, arguments: Sequence[Argument]) -> list[Any]:
    """Draw lists of values of which the contract says that an event with *arguments* does not take them."""
    values = draw(valid_arguments(contract, arguments))
    way = draw(st.sampled_from(["another", "fewer", "more"]))
    if way == "another" and values:
        index = draw(st.integers(0, len(values) - 1))
        values = [*values[:index], draw(_spoilt(values[index])), *values[index + 1 :]]
    elif way == "fewer" and values:
        values = values[: draw(st.integers(0, len(values) - 1))]
    else:
        values = [*values, draw(_junk())]
    assume(check_arguments(contract, arguments, values))
    return list(values)


def can_be_broken(arguments: Sequence[Argument]) -> bool:
    """Say whether there is anything that an event with *arguments* does not take."""
    return not arguments or not arguments[-1].variadic or any(_says_something(one.json_schema) for one in arguments)


def _says_something(schema: Schema) -> bool:
    return bool(schema.keys() - {"title", "description", "default", "examples", "deprecated"})


def _junk() -> Strategy:
    texts = st.builds(lambda text: f"{MARKER}{text}", _TEXT)
    deep: Any = []
    for _ in range(_TOO_DEEP):
        deep = [deep]
    return st.one_of(
        texts,
        st.sampled_from(
            [None, True, -1, 0.5, 10**30, -(10**30), [], {}, [MARKER], {MARKER: MARKER}, MARKER * 200, deep]
        ),
        st.just(MARKER.encode()),
    )


def _spoilt(value: Any) -> Strategy:
    """Return values like *value* with one part, or the whole, replaced, taken out or added."""
    ways: list[Strategy] = [_junk()]
    if isinstance(value, dict):
        for name, item in value.items():
            rest = {key: other for key, other in value.items() if key != name}
            ways.append(st.just(rest))
            ways.append(_spoilt(item).map(functools.partial(_put, rest, name)))
        ways.append(_junk().map(functools.partial(_put, value, MARKER)))
    elif isinstance(value, list):
        ways.append(_junk().map(lambda junk: [*value, junk]))
        for index, item in enumerate(value[:WIDTH]):
            ways.append(_spoilt(item).map(functools.partial(_exchange, value, index)))
    return st.one_of(ways)


def _put(fields: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**fields, name: value}


def _exchange(values: Sequence[Any], index: int, value: Any) -> list[Any]:
    return [*values[:index], value, *values[index + 1 :]]


class _Builder:
    """Builds strategies for schemas, each model's once for each depth.

    Args:
        models: What references lead to.
    """

    def __init__(self, models: Mapping[str, Schema]) -> None:
        self._models = models
        self._built: dict[tuple[str, int], Strategy] = {}

    def build(self, schema: Any, depth: int) -> Strategy:
        """Return values of *schema*, with models in models down to *depth*, and as few as can be below."""
        if schema is False:
            return st.nothing()
        if not isinstance(schema, dict):
            return self._anything(depth)
        for keyword in ("const", "enum"):
            if keyword in schema:
                return st.sampled_from([schema[keyword]] if keyword == "const" else schema[keyword])
        if (name := read_ref(schema)) is not None:
            return self._build_model(name, depth)
        if "discriminator" in schema and "mapping" in schema["discriminator"]:
            return self._build_tagged(schema["discriminator"], depth)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._build_choice(schema, schema[keyword], depth)
        if "allOf" in schema:
            return self._build_all(schema, depth)
        return self._build_kind(schema, depth)

    def _build_model(self, name: str, depth: int) -> Strategy:
        key = (name, depth)
        if key not in self._built:
            self._built[key] = st.deferred(lambda: self.build(self._models.get(name, False), max(depth - 1, 0)))
        return self._built[key]

    def _build_tagged(self, discriminator: Mapping[str, Any], depth: int) -> Strategy:
        tag = discriminator["propertyName"]
        return st.one_of(
            [
                self.build({"$ref": target} if isinstance(target, str) else target, depth).map(
                    functools.partial(self._tag, tag, value)
                )
                for value, target in discriminator["mapping"].items()
            ]
        )

    def _tag(self, tag: str, text: str, value: Any) -> Any:
        return {tag: text, **value} if isinstance(value, dict) else value

    def _build_choice(self, schema: Schema, choices: Sequence[Schema], depth: int) -> Strategy:
        about = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf")}
        kinds = {choice.get("type"): choice for choice in choices}
        if kinds.keys() >= {"number", "string"} and "pattern" in kinds["string"]:
            others = [choice for choice in choices if choice.get("type") not in ("number", "string")]
            return st.one_of(
                _decimals(kinds["number"], kinds["string"]), *(self.build(other, depth) for other in others)
            )
        if depth == 0:  # those that lead no further, if there are such
            choices = [choice for choice in choices if not _leads_on(choice)] or choices
        return st.one_of([self.build({**about, **choice}, depth) for choice in choices])

    def _build_all(self, schema: Schema, depth: int) -> Strategy:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            while (name := read_ref(part)) is not None:
                part = {**self._models.get(name, {}), **{key: part[key] for key in part if key != "$ref"}}
            for key, value in part.items():
                known = merged.get(key)
                if isinstance(known, dict) and isinstance(value, dict):
                    value = {**known, **value}
                elif isinstance(known, list) and isinstance(value, list):
                    value = [*known, *value]
                merged[key] = value
        return self.build(merged, depth)

    def _build_kind(self, schema: Schema, depth: int) -> Strategy:
        kinds = schema.get("type") or _guess_kind(schema)
        if kinds is None:
            return self._anything(depth)
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return st.one_of([self._kinds()[kind](schema, depth) for kind in kinds])

    def _kinds(self) -> dict[str, Callable[[Schema, int], Strategy]]:
        return {
            "null": lambda schema, depth: st.none(),
            "boolean": lambda schema, depth: st.booleans(),
            "integer": lambda schema, depth: _integers(schema),
            "number": lambda schema, depth: _integers(schema) | _numbers(schema),
            "string": self._strings,
            "array": self._arrays,
            "object": self._objects,
        }

    def _anything(self, depth: int) -> Strategy:
        simple = st.none() | st.booleans() | st.integers(-SPAN, SPAN) | _TEXT
        if depth == 0:
            return simple
        names = st.text("abcdefgh", min_size=1, max_size=8)
        return st.recursive(
            simple | st.floats(-SPAN, SPAN),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
            max_leaves=5,
        )

    def _strings(self, schema: Schema, depth: int) -> Strategy:
        if schema.get("contentMediaType") == "application/json":
            return self.build(schema.get("contentSchema", True), max(depth - 1, 0)).map(json.dumps)
        return _texts(schema)

    def _arrays(self, schema: Schema, depth: int) -> Strategy:
        first = schema.get("prefixItems", ())
        least = schema.get("minItems", 0)
        most = schema.get("maxItems", max(least, len(first)) + WIDTH)
        items = schema.get("items", True)
        if items is False:
            most = min(most, len(first))
        if depth == 0 and _leads_on(items):
            most = max(least, len(first))
        fixed = st.integers(min(least, len(first)), min(most, len(first))).flatmap(
            lambda count: st.tuples(*(self.build(inner, depth) for inner in first[:count]))
        )
        if most <= len(first):
            return fixed.map(list)
        unique = _identify if schema.get("uniqueItems") else None
        more = st.lists(
            self.build(items, depth),
            min_size=max(0, least - len(first)),
            max_size=min(most - len(first), max(0, least - len(first)) + WIDTH),
            unique_by=unique,
        )
        if not first:
            return more
        return st.tuples(*(self.build(inner, depth) for inner in first)).flatmap(
            lambda values: more.map(lambda others: [*values, *others])
        )

    def _objects(self, schema: Schema, depth: int) -> Strategy:
        fields = schema.get("properties", {})
        needed = set(schema.get("required", ()))
        required = {name: self.build(fields.get(name, True), depth) for name in sorted(needed)}
        optional = {
            name: self.build(inner, depth)
            for name, inner in fields.items()
            if name not in needed and inner is not False and not (depth == 0 and _leads_on(inner))
        }
        declared = st.fixed_dictionaries(required, optional=optional)
        others = self._others(schema, depth)
        if others is None:
            return declared
        return st.builds(lambda more, known: {**more, **known}, others, declared)

    def _others(self, schema: Schema, depth: int) -> Strategy | None:
        """Return fields by names that are not declared; None where there should be none."""
        patterns = schema.get("patternProperties", {})
        rest = schema.get("additionalProperties", False)
        least = max(0, schema.get("minProperties", 0) - len(schema.get("properties", {})))
        most = min(schema.get("maxProperties", least + WIDTH), least + WIDTH)
        names = schema.get("propertyNames", True)
        if depth == 0 and least == 0:
            return None
        kinds = [
            st.dictionaries(_matching(pattern), self.build(inner, depth), min_size=least, max_size=most)
            for pattern, inner in patterns.items()
        ]
        if rest is not False and not kinds:
            name = _TEXT if names is True else self.build({"type": "string", **names}, depth)
            kinds.append(st.dictionaries(name, self.build(rest, depth), min_size=least, max_size=most))
        return st.one_of(kinds) if kinds else None


def _leads_on(schema: Any) -> bool:
    """Say whether *schema* refers to a model, itself or in a part."""
    if isinstance(schema, dict):
        return "$ref" in schema or any(_leads_on(value) for value in schema.values())
    return isinstance(schema, list) and any(map(_leads_on, schema))


def _guess_kind(schema: Schema) -> str | None:
    for kind, keywords in {
        "object": {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"},
        "array": {"items", "prefixItems", "minItems", "maxItems"},
        "string": {"pattern", "format", "minLength", "maxLength"},
        "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    }.items():
        if keywords & schema.keys():
            return kind
    return None


def _identify(value: Any) -> Any:
    return repr(float(value)) if isinstance(value, int) and not isinstance(value, bool) else repr(value)


def _integers(schema: Schema) -> Strategy:
    step = schema.get("multipleOf", 1)
    step = int(step) if float(step).is_integer() else 1
    least, most = _bounds(schema)
    first, last = -(-least // step), most // step
    if last < first:
        return st.nothing()
    return st.integers(int(first), int(last)).map(lambda count: count * step)


def _numbers(schema: Schema) -> Strategy:
    least, most = _bounds(schema)
    if (step := schema.get("multipleOf")) is not None:
        return st.integers(int(-(-least // step)), int(most // step)).map(lambda count: count * step)
    return st.floats(
        least,
        most,
        exclude_min=least == schema.get("exclusiveMinimum"),
        exclude_max=most == schema.get("exclusiveMaximum"),
        allow_subnormal=False,
    )


def _decimals(number: Schema, text: Schema) -> Strategy:
    """Return decimals, as numbers and as texts, with as many places as the pattern of the text allows."""

    def write(value: float, places: int) -> str:
        return f"{value:.{places}f}"

    bare = {key: value for key, value in number.items() if key != "multipleOf"}
    written = st.builds(write, _integers(bare) | _numbers(bare), st.integers(0, 3))
    fitting = written.filter(lambda found: matches(text["pattern"], found) and is_valid(float(found), bare, {}))
    return fitting | fitting.map(float)


def _bounds(schema: Schema) -> tuple[Any, Any]:
    lower = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    upper = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
    least = max(lower) if lower else min([-SPAN, *(value - SPAN for value in upper)])
    most = min(upper) if upper else max(SPAN, least + SPAN)
    return least, most


def _texts(schema: Schema) -> Strategy:
    least = schema.get("minLength", 0)
    most = min(schema.get("maxLength", least + _LONGEST), least + _LONGEST)
    if "pattern" in schema:
        return _matching(schema["pattern"]).filter(
            lambda text: least <= len(text) <= schema.get("maxLength", len(text))
        )
    form = schema.get("format")
    if form == BINARY:
        return st.binary(min_size=least, max_size=most)
    if form in _FORMATS:
        return _FORMATS[form]
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=most)


def _matching(pattern: str) -> Strategy:
    characters = st.characters(codec="utf-8")
    return st.from_regex(pattern, alphabet=characters).filter(lambda text: matches(pattern, text))
