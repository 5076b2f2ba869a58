"""A reference to read: one page of Markdown with each namespace, what clients send, what they get, and every model.

Whatever people wrote in docstrings is text on it; anchors are made of names alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..contract import Argument, ClientEvent, Contract, DeclaredError, NamespaceContract, Schema, ServerEvent
from ..contract.examples import Examples
from ..errors import ContractError
from .names import make_key
from .prose import block, code, describe_type, escape, paragraphs, table
from .registry import read_options
from .wire import ERROR, arguments_schema, part_schema, values_schema

_EVERY_EVENT = {
    "invalid_payload": "The arguments don't fit; `details` says where.",
    "unknown_event": "Nobody serves the event.",
    "unauthorized": "Log in first.",
    "forbidden": "This client may not.",
    "rate_limited": "Too often; `retry_after` says when to try again.",
    "timeout": "Somebody did not answer in time.",
    "unavailable": "Not now.",
    "internal_error": "The server failed; the `id` is in its log, too.",
}
_MODEL_BOUNDS = ("title", "description", "default", "deprecated", "examples", "example", "readOnly", "writeOnly")


def render(contract: Contract, options: Mapping[str, str]) -> str:
    """Return the page; it takes no options.

    Raises:
        ContractError: There are options.
    """
    read_options(options, {})
    return "\n\n".join(part for part in _Page(contract).write() if part) + "\n"


class _Page:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._examples = Examples(contract.models)

    def write(self) -> Iterator[str]:
        contract = self._contract
        yield f"# {escape(contract.title)}"
        yield f"Version {escape(contract.version)}."
        yield paragraphs(contract.description)
        yield "\n".join(_list_contents(contract))
        for namespace in contract.namespaces:
            yield from self._write_namespace(namespace)
        yield '<a id="errors"></a>'
        yield "## Errors"
        yield "An event that fails is acknowledged with one object, or tells of it by the event `error`:"
        yield block(ERROR["examples"][0])
        yield "Beside its own errors, every event may be answered with these:"
        yield table(["Code", ""], [[code(name), words] for name, words in _EVERY_EVENT.items()])
        if contract.models:
            yield '<a id="models"></a>'
            yield "## Models"
        for name in sorted(contract.models):
            yield from self._write_model(name, contract.models[name])

    # -- a namespace

    def _write_namespace(self, namespace: NamespaceContract) -> Iterator[str]:
        yield f'<a id="{_anchor(namespace)}"></a>'
        yield f"## {code(namespace.path)}"
        yield paragraphs(namespace.description)
        yield from self._write_connect(namespace)
        if namespace.client_events:
            yield "### Sent by clients"
        for sent in namespace.client_events:
            yield from self._write_sent(namespace, sent)
        if namespace.server_events:
            yield "### Sent by the server"
        for got in namespace.server_events:
            yield from self._write_got(namespace, got)

    def _write_connect(self, namespace: NamespaceContract) -> Iterator[str]:
        if namespace.auth is None and not namespace.guards and not namespace.errors:
            return
        yield "### Connecting"
        if (auth := namespace.auth) is not None:
            asked = "has to be sent" if auth.required else "may be sent"
            yield f"As `auth` {asked}: {describe_type(auth.json_schema)}."
            yield from self._write_example(
                "", {key: value for key, value in auth.json_schema.items() if key != "default"}
            )
        yield _list_guards(namespace.guards)
        yield from _write_errors("A client may be refused:", namespace.errors)

    # -- an event

    def _write_sent(self, namespace: NamespaceContract, event: ClientEvent) -> Iterator[str]:
        yield from _write_head("sent", namespace, event)
        yield _table_arguments(event.arguments)
        yield from self._write_example("", arguments_schema(event.arguments), event.name)
        if event.stream is not None:
            yield f"Answered by a stream. Each chunk: {describe_type(event.stream)}."
            yield from self._write_example("A part of it:", part_schema(event.stream))
        else:
            yield _describe_ack(event)
            if event.ack:
                yield from self._write_example("", values_schema(event.ack, event.ack_rest))
        yield _list_guards(event.guards)
        yield from _write_errors("May fail with:", event.errors)

    def _write_got(self, namespace: NamespaceContract, event: ServerEvent) -> Iterator[str]:
        yield from _write_head("got", namespace, event)
        if event.arguments is None:
            yield "Its arguments are not declared."
        else:
            yield _table_arguments(event.arguments)
            yield from self._write_example("", arguments_schema(event.arguments), event.name)
        if event.is_call:
            yield f"The client answers with one value: {describe_type({} if event.answer is None else event.answer)}."

    def _write_example(self, words: str, schema: Schema, event: str | None = None) -> Iterator[str]:
        """Yield an example, with the event's name in front of its arguments."""
        try:
            value = self._examples.find(schema)
        except ContractError:  # nothing fits, or a pattern is too much for us: a page without an example
            return
        yield words
        yield block(value if event is None else [event, *value])

    # -- a model

    def _write_model(self, name: str, schema: Schema) -> Iterator[str]:
        yield f'<a id="model-{make_key(name)}"></a>'
        yield f"### {code(name)}"
        yield paragraphs(str(schema.get("description", "")))
        fields = schema.get("properties", {})
        if not fields:
            yield _sentence(describe_type({key: value for key, value in schema.items() if key not in _MODEL_BOUNDS}))
            return
        required = schema.get("required", ())
        rows = [
            [code(field), describe_type(inner), "yes" if field in required else "no", _describe_field(inner)]
            for field, inner in fields.items()
        ]
        yield table(["Field", "Type", "Required", ""], rows)
        if schema.get("additionalProperties") is False:
            yield "No other fields."
        elif isinstance(schema.get("additionalProperties"), dict):
            yield f"Any other field: {describe_type(schema['additionalProperties'])}."


def _anchor(namespace: NamespaceContract) -> str:
    return f"namespace-{make_key(namespace.name)}"


def _list_contents(contract: Contract) -> Iterator[str]:
    for namespace in contract.namespaces:
        yield f"- [{code(namespace.path)}](#{_anchor(namespace)})"
    yield "- [Errors](#errors)"
    if contract.models:
        yield "- [Models](#models)"


def _write_head(kind: str, namespace: NamespaceContract, event: ClientEvent | ServerEvent) -> Iterator[str]:
    yield f'<a id="{kind}-{make_key(namespace.name)}-{make_key(event.name)}"></a>'
    yield f"#### {code(event.name)}"
    if event.deprecated is not None:
        yield f"**Deprecated.** {escape(event.deprecated)}".rstrip()
    yield paragraphs(event.description)


def _table_arguments(arguments: Sequence[Argument]) -> str:
    if not arguments:
        return "No arguments."
    rows = [
        [
            code(f"*{argument.name}" if argument.variadic else argument.name),
            describe_type(argument.json_schema),
            "yes" if argument.required else "any number" if argument.variadic else "no",
            _describe_field(argument.json_schema),
        ]
        for argument in arguments
    ]
    return table(["Argument", "Type", "Required", ""], rows)


def _describe_field(schema: Any) -> str:
    if not isinstance(schema, dict):
        return ""
    words = ["**Deprecated.**"] if schema.get("deprecated") else []
    if schema.get("description"):
        words.append(escape(str(schema["description"])))
    if "default" in schema:
        words.append(f"Default: {code(json.dumps(schema['default'], ensure_ascii=False))}.")
    return " ".join(words)


def _describe_ack(event: ClientEvent) -> str:
    if event.ack is None:
        return "Its acknowledgement is not declared."
    types = [describe_type(schema) for schema in event.ack]
    if event.ack_rest is not None:
        types.append(f"any number of {describe_type(event.ack_rest)}")
    if not types:
        return "Acknowledged without a value."
    return f"Acknowledged with: {'; '.join(types)}."


def _list_guards(guards: Sequence[str]) -> str:
    return f"Guarded by {', '.join(code(guard) for guard in guards)}." if guards else ""


def _write_errors(words: str, errors: Sequence[DeclaredError]) -> Iterator[str]:
    if errors:
        yield words
        yield table(["Code", ""], [[code(error.code), escape(error.description)] for error in errors])


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
