"""What the page shows, as data: the contract, with an example for everything that is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from framework import SocketIO
from framework.contract import ClientEvent, Contract, NamespaceContract, Schema, ServerEvent
from framework.contract.examples import Examples
from framework.errors import ContractError
from framework.generators import list_generators

EXTENSIONS = {
    "asyncapi": "asyncapi.json",
    "jsonschema": "schema.json",
    "markdown": "md",
    "python": "py",
    "typescript": "ts",
}


def describe(socketio: SocketIO, socketio_path: str) -> dict[str, Any]:
    """Return what the page is told.

    Args:
        socketio_path: Where a browser finds Socket.IO.
    """
    contract = socketio.contract()
    examples = Examples(contract.models)
    told: dict[str, Any] = contract.model_dump(mode="json")
    for served, namespace in zip(told["namespaces"], contract.namespaces, strict=True):
        _add_examples(served, namespace, examples)
    return {
        "contract": told,
        "generators": list_all_generators(socketio),
        "socketio_path": socketio_path,
    }


def list_all_generators(socketio: SocketIO) -> list[str]:
    """Return the names of the generators that are installed and of those that plugins bring, sorted."""
    return sorted({*list_generators(), *socketio.generators})


def name_file(contract: Contract, generator: str) -> str:
    """Return the name of the file that a generator's text is saved in."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in contract.title.lower())
    return f"{'-'.join(words.split()) or 'application'}.{EXTENSIONS.get(generator, 'txt')}"


def _add_examples(served: dict[str, Any], namespace: NamespaceContract, examples: Examples) -> None:
    served["examples"] = {"auth": _find_auth(namespace, examples)}
    for told, client_event in zip(served["client_events"], namespace.client_events, strict=True):
        told["examples"] = _of_client_event(client_event, examples)
    for told, server_event in zip(served["server_events"], namespace.server_events, strict=True):
        told["examples"] = _of_server_event(server_event, examples)


def _find_auth(namespace: NamespaceContract, examples: Examples) -> Any:
    """Return what a client may send; its default would say nothing."""
    if namespace.auth is None:
        return None
    return _find({key: value for key, value in namespace.auth.json_schema.items() if key != "default"}, examples)


def _of_client_event(event: ClientEvent, examples: Examples) -> dict[str, Any]:
    return {
        "arguments": _find_all((argument.json_schema for argument in event.arguments), examples),
        "ack": _find_all(event.ack or (), examples),
        "stream": None if event.stream is None else _find(event.stream, examples),
    }


def _of_server_event(event: ServerEvent, examples: Examples) -> dict[str, Any]:
    return {
        "arguments": _find_all((argument.json_schema for argument in event.arguments or ()), examples),
        "answer": None if event.answer is None else _find(event.answer, examples),
    }


def _find_all(schemas: Iterable[Schema], examples: Examples) -> list[Any] | None:
    """Return an example for each, or None where one of them has none."""
    try:
        return [examples.find(schema) for schema in schemas]
    except ContractError:
        return None


def _find(schema: Schema, examples: Examples) -> Any:
    found = _find_all((schema,), examples)
    return found[0] if found else None
