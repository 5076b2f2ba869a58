"""A contract made by hand, whose every text tries to break out of where it is written."""

from __future__ import annotations

from framework.contract import Argument, ClientEvent, Contract, DeclaredError, NamespaceContract, Schema, ServerEvent

HOSTILE = (
    '*/ broken(); /* " \' ` ${broken()} \\ \\" </script> <!-- \u2028\u2029\u202e\ud800\x00\r\n'
    "@ts-expect-error\n// @ts-ignore\n/// <reference types='broken' />\n\"\"\" ''' {@link broken} %s {0}"
)
_TEXT: Schema = {"type": "string"}


def hostile_contract() -> Contract:
    """Return it. All names are odd, too; some are the same once they are identifiers."""
    names = [
        HOSTILE,
        "",
        "a b",
        "a-b",
        "a_b",
        "call",
        "call_",
        "default",
        "hasOwnProperty",
        "new",
        "on",
        "options",
        "socket",
        "toString",
        "__proto__",
        "💥",
    ]
    return Contract(
        title=HOSTILE,
        version=HOSTILE,
        description=HOSTILE,
        namespaces=(
            _namespace("/a", "Client", names),
            _namespace("/b", "client", names[1:]),
            _namespace("/c", "Socket", []),
            _namespace(f"/{HOSTILE}", "X Y", names[:1]),
            _namespace("/d", "X-Y", []),
        ),
        models=_models(names),
    )


def _namespace(path: str, name: str, events: list[str]) -> NamespaceContract:
    arguments = tuple(
        Argument(name=name, schema={**_TEXT, "default": HOSTILE, "description": HOSTILE}, required=False)
        for name in ("options", "ack", "a b", "a_b", "await", "1", "", "this", "été")
    )
    everything: Schema = {"$ref": "#/models/Everything"}
    return NamespaceContract(
        path=path,
        name=name,
        description=HOSTILE,
        auth=Argument(name="auth", schema={"const": HOSTILE}),
        errors=(DeclaredError(code=HOSTILE, description=HOSTILE),),
        client_events=tuple(
            ClientEvent(
                name=event,
                description=HOSTILE,
                arguments=arguments,
                ack=(everything,),
                errors=(DeclaredError(code=HOSTILE, description=HOSTILE),),
                deprecated=HOSTILE,
            )
            for event in sorted(events)
        ),
        server_events=tuple(
            ServerEvent(name=event, description=HOSTILE, arguments=arguments[:2], deprecated=HOSTILE)
            for event in sorted(events)
        ),
    )


def _models(names: list[str]) -> dict[str, Schema]:
    every: Schema = {"type": "object", "properties": {}}
    models: dict[str, Schema] = {"Everything": every}
    titles = [*names, "Error", "Promise", "Record", "Socket", "Map", "EventError", "Key", "Chat", "string", "type"]
    for number, title in enumerate(titles):
        models[title] = {"title": title, **_KINDS[number % len(_KINDS)], "description": HOSTILE}
    every["properties"] = {title: {"$ref": f"#/models/{title}", "description": HOSTILE} for title in titles}
    return dict(sorted(models.items()))


_KINDS: list[Schema] = [
    {"type": "object", "properties": {HOSTILE: {**_TEXT, "default": HOSTILE, "pattern": HOSTILE}}},
    {"enum": [HOSTILE, 1, None, True, -1.5]},
    {"enum": [HOSTILE, "b"], "x-enum-varnames": ["__proto__", HOSTILE], "type": "string"},
    {"type": "object", "additionalProperties": {"$ref": "#/models/Everything"}},
    {"type": "object", "propertyNames": {"enum": ["a", HOSTILE]}, "additionalProperties": {"type": "integer"}},
    {"type": "array", "prefixItems": [_TEXT, {"type": "number"}], "minItems": 1, "maxItems": 2},
    {"type": "array", "prefixItems": [_TEXT], "items": {"type": "integer"}, "minItems": 1},
    {"type": "array", "prefixItems": [], "maxItems": 0},
    {"anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"anyOf": [_TEXT, {"type": "null"}]}}]},
    {
        "allOf": [
            {"$ref": "#/models/Everything"},
            {"type": "object", "properties": {"more": True}, "required": ["more"]},
        ]
    },
    {"type": "object", "properties": {"a": _TEXT}, "additionalProperties": False},
    {"type": "object", "properties": {"a": _TEXT}, "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"__proto__": _TEXT}, "additionalProperties": True, "required": ["__proto__"]},
    {"type": "object", "additionalProperties": False},
    {"type": "object", "patternProperties": {"^a": {"type": "boolean"}}, "additionalProperties": False},
    {"type": "string", "minLength": 1, "maxLength": 5, "pattern": r"^[a-z]+\.(?:x|y){1,3}$"},
    {"type": "integer", "minimum": -5, "exclusiveMaximum": 1e30, "multipleOf": 2},
    {"not": {}},
    {"enum": []},
    {"oneOf": []},
]
