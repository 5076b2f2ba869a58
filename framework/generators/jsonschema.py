"""JSON Schema 2020-12: one document with a definition for each model and for what each event carries.

``$defs`` has the models by their names, and beside them

- ``<Namespace>.auth``: what a client connects with,
- ``<Namespace>.<event>.arguments``, ``.ack`` and ``.stream`` of what clients send: two lists, and one chunk,
- ``<Namespace>.<event>.values`` and ``.answer`` of what they get: a list, and one value,
- ``framework.error`` and ``framework.refusal``: what a failed event is acknowledged with, and a refused client is told.

Bytes are ``{"type": "string", "format": "binary"}``; they travel beside the JSON, as attachments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ..contract import ClientEvent, Contract, NamespaceContract, Schema, ServerEvent
from ..contract.walk import map_refs
from .registry import read_options
from .wire import ERROR, REFUSAL, arguments_schema, values_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render(contract: Contract, options: Mapping[str, str]) -> str:
    """Return the document; it takes no options.

    Raises:
        ContractError: There are options.
    """
    read_options(options, {})
    definitions: dict[str, Any] = {name: contract.models[name] for name in sorted(contract.models)}
    for namespace in contract.namespaces:
        for name, schema in _define(namespace):
            while name in definitions:
                name += "_"  # a model of this name was here before
            definitions[name] = schema
    definitions |= {"framework.error": ERROR, "framework.refusal": REFUSAL}
    document = {
        "$schema": DIALECT,
        "title": f"{contract.title} {contract.version}",
        "description": contract.description,
        "$defs": {name: map_refs(schema, _point) for name, schema in definitions.items()},
    }
    if not contract.description:
        del document["description"]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _point(name: str) -> str:
    """Return a reference to a definition, a URI's fragment."""
    return "#/$defs/" + quote(name.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@-._")


def _define(namespace: NamespaceContract) -> Iterator[tuple[str, Schema]]:
    if namespace.auth is not None:
        about = {"title": f"{namespace.path}: auth"}
        yield f"{namespace.name}.auth", {**namespace.auth.json_schema, **about}
    for sent in namespace.client_events:
        for part, schema in _define_sent(sent):
            yield f"{namespace.name}.{sent.name}.{part}", _describe(namespace, sent, part, schema)
    for got in namespace.server_events:
        for part, schema in _define_got(got):
            yield f"{namespace.name}.{got.name}.{part}", _describe(namespace, got, part, schema)


def _define_sent(event: ClientEvent) -> Iterator[tuple[str, Schema]]:
    yield "arguments", arguments_schema(event.arguments)
    if event.ack is not None:
        yield "ack", values_schema(event.ack, event.ack_rest)
    if event.stream is not None:
        yield "stream", event.stream


def _define_got(event: ServerEvent) -> Iterator[tuple[str, Schema]]:
    yield "values", {"type": "array"} if event.arguments is None else arguments_schema(event.arguments)
    if event.answer is not None:
        yield "answer", event.answer


def _describe(namespace: NamespaceContract, event: ClientEvent | ServerEvent, part: str, schema: Schema) -> Schema:
    about: Schema = {"title": f"{namespace.path} {event.name}: {part}"}
    lines = [event.description] if event.description else []
    if event.deprecated is not None:
        about["deprecated"] = True
        lines.append(f"Deprecated. {event.deprecated}".rstrip())
    if isinstance(event, ClientEvent) and part == "ack":
        lines += [f"Or an error {error.code}: {error.description}".rstrip(": ") for error in event.errors]
    if lines:
        about["description"] = "\n\n".join(lines)
    return {**about, **{key: value for key, value in schema.items() if key not in about}}
