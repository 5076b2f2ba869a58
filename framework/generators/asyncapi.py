"""AsyncAPI 3.1, as JSON, from the server's point of view: it receives what clients send, and sends what they get.

A namespace is a channel, an event an operation on it, its list of arguments a message. What an acknowledgement carries are
messages of the operation's reply. Ids are made of the event's name alone, so another event never changes them. Schemas are
AsyncAPI's own, which are JSON Schema draft 7.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..contract import Argument, ClientEvent, Contract, DeclaredError, NamespaceContract, Schema, ServerEvent
from ..contract.examples import Examples
from ..errors import ContractError
from .draft7 import to_draft7
from .names import make_key
from .registry import read_options
from .wire import ERROR, REFUSAL, STREAM_ID, STREAM_STARTED, arguments_schema, part_schema, values_schema

VERSION = "3.1.0"
CONTENT_TYPE = "application/json"
CANCEL = ClientEvent(
    name="cancel_stream",
    description="End a stream; acknowledged with whether it was running.",
    arguments=(Argument.model_validate({"name": "stream", "schema": STREAM_ID}),),
    ack=({"type": "boolean"},),
)
_Json = dict[str, Any]
_BINDING = {
    "ws": {
        "method": "GET",
        "query": {
            "type": "object",
            "required": ["EIO", "transport"],
            "properties": {"EIO": {"const": "4"}, "transport": {"const": "websocket"}},
        },
        "bindingVersion": "0.1.0",
    }
}


def render(contract: Contract, options: Mapping[str, str]) -> str:
    """Return the document.

    Args:
        options: ``server``, the address that it is served at, e.g. ``https://chat.example.com``; none by default.

    Raises:
        ContractError: An option is wrong.
    """
    server = read_options(options, {"server": ()})["server"]
    channels = {make_key(namespace.name): _Channel(namespace, contract) for namespace in contract.namespaces}
    document = {
        "asyncapi": VERSION,
        "info": _describe_application(contract),
        "defaultContentType": CONTENT_TYPE,
        "servers": _read_server(server),
        "channels": {name: channel.render() for name, channel in channels.items()},
        "operations": {
            f"{name}.{key}": operation
            for name, channel in channels.items()
            for key, operation in channel.operations.items()
        },
        "components": _list_components(contract, channels),
    }
    return json.dumps(_without_empty(document), indent=2, ensure_ascii=False) + "\n"


def _list_components(contract: Contract, channels: Mapping[str, _Channel]) -> _Json:
    error = to_draft7(values_schema([_refer("schemas", "framework.error")]), _point)
    refusal = _refer("schemas", "framework.refusal")
    return {
        "messages": {
            "error": _message("error", error, [ERROR["examples"]], "The event failed."),
            "refusal": _message("connect_error", refusal, REFUSAL["examples"], "The client is refused."),
        },
        "schemas": {
            **{make_key(name): to_draft7(contract.models[name], _point) for name in sorted(contract.models)},
            "framework.error": to_draft7(ERROR, _point),
            "framework.refusal": to_draft7(REFUSAL, _point),
        },
        "securitySchemes": {
            name: channel.security for name, channel in channels.items() if channel.security is not None
        },
    }


class _Channel:
    """One namespace: its messages, and the operations on them."""

    def __init__(self, namespace: NamespaceContract, contract: Contract) -> None:
        self._namespace = namespace
        self._key = make_key(namespace.name)
        self._examples = Examples(contract.models)
        self.messages: _Json = {}
        self.operations: _Json = {}
        self.security = _secure(namespace)
        sent = list(namespace.client_events)
        if any(event.stream is not None for event in sent) and all(event.name != CANCEL.name for event in sent):
            sent.append(CANCEL)
        if namespace.auth is not None:
            self._add_connect(namespace.auth)
        for event in sent:
            self._add_sent(event)
        for got in namespace.server_events:
            self._add_got(got)
        if sent:
            self._add_failure()

    def render(self) -> _Json:
        return {
            "address": self._namespace.path,
            "title": self._namespace.name,
            **_split(self._namespace.description),
            "messages": self.messages,
            "tags": [{"name": self._namespace.path}],
            "bindings": _BINDING,
        }

    def _add_connect(self, auth: Argument) -> None:
        key = self._add("connect", auth.json_schema, "What a client sends as 'auth' when it connects.", name="CONNECT")
        self.messages["refusal"] = _refer("messages", "refusal")
        about = {"x-errors": _list_errors(self._namespace.errors), "x-guards": list(self._namespace.guards)}
        self._operate("connect", "receive", [key], ["refusal"], summary="Connect.", about=about)

    def _add_sent(self, event: ClientEvent) -> None:
        key = make_key(event.name)
        self._add(f"receive.{key}", arguments_schema(event.arguments), event.description, event=event)
        reply = [*self._add_ack(key, event), self._add_error(key, event)]
        about = {"x-errors": _list_errors(event.errors), "x-guards": list(event.guards)}
        self._operate(f"receive.{key}", "receive", [f"receive.{key}"], reply, event=event, about=about)

    def _add_ack(self, key: str, event: ClientEvent) -> Iterator[str]:
        if event.stream is not None:
            yield self._add(f"started.{key}", values_schema([STREAM_STARTED]), "The stream has begun.", name=event.name)
            about = "One part of the stream, as an event that the client acknowledges: a chunk, the end, or an error."
            yield self._add(f"part.{key}", values_schema([part_schema(event.stream)]), about, name=event.name)
            return
        schema = {"type": "array"} if event.ack is None else values_schema(event.ack, event.ack_rest)
        yield self._add(f"ack.{key}", schema, "The acknowledgement.", name=event.name)

    def _add_error(self, key: str, event: ClientEvent) -> str:
        """Return the message of what may go wrong: the event's own where it declares errors."""
        if not event.errors:
            self.messages["error"] = _refer("messages", "error")
            return "error"
        codes = "\n".join(f"- {error.code}: {error.description}".rstrip(": ") for error in event.errors)
        schema = values_schema([{"$ref": "#/models/framework.error"}])
        self.messages[f"error.{key}"] = {
            **_message(event.name, to_draft7(schema, _point), [_example_error(event)], f"The event failed.\n\n{codes}"),
            "x-errors": _list_errors(event.errors),
        }
        return f"error.{key}"

    def _add_got(self, event: ServerEvent) -> None:
        key = make_key(event.name)
        schema = {"type": "array"} if event.arguments is None else arguments_schema(event.arguments)
        self._add(f"send.{key}", schema, event.description, event=event)
        reply = []
        if event.is_call:
            answer = values_schema([{} if event.answer is None else event.answer])
            reply = [self._add(f"answer.{key}", answer, "What the client answers.", name=event.name)]
        self._operate(f"send.{key}", "send", [f"send.{key}"], reply, event=event)

    def _add_failure(self) -> None:
        self.messages["error"] = _refer("messages", "error")
        summary = "An event that asked for no acknowledgement failed."
        self._operate("failure", "send", ["error"], [], summary=summary)

    def _add(
        self,
        key: str,
        schema: Schema,
        description: str,
        *,
        name: str = "",
        event: ClientEvent | ServerEvent | None = None,
    ) -> str:
        try:
            examples = [self._examples.find(schema)]
        except ContractError:  # nothing fits, or a pattern is too much for us: a document without an example
            examples = []
        payload = to_draft7(schema, _point)
        about = event.name if event is not None else name
        self.messages[key] = {**_message(about, payload, examples, description), **_deprecate(event)}
        return key

    def _operate(
        self,
        key: str,
        action: str,
        messages: Sequence[str],
        reply: Sequence[str],
        *,
        summary: str = "",
        event: ClientEvent | ServerEvent | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        channel = {"$ref": f"#/channels/{self._key}"}

        def refer(names: Sequence[str]) -> list[_Json]:
            return [{"$ref": f"{channel['$ref']}/messages/{name}"} for name in names]

        security = {"$ref": f"#/components/securitySchemes/{self._key}"}
        self.operations[key] = {
            "action": action,
            "channel": channel,
            **({"title": event.name} if event is not None else {}),
            **_split(event.description if event is not None else summary),
            "messages": refer(messages),
            "reply": {"channel": channel, "messages": refer(reply)} if reply else {},
            "security": [security] if self.security is not None else [],
            "tags": [{"name": self._namespace.path}],
            **_deprecate(event),
            **(about or {}),
        }


def _describe_application(contract: Contract) -> _Json:
    tags = [
        {"name": namespace.path, **_split(namespace.description, "description")} for namespace in contract.namespaces
    ]
    return {
        "title": contract.title,
        "version": contract.version,
        "description": contract.description,
        "tags": tags,
    }


def _read_server(address: str) -> _Json:
    if not address:
        return {}
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.netloc:
        raise ContractError(f"the option server is {address!r}; it is an address such as https://chat.example.com.")
    secure = parts.scheme in ("https", "wss")
    path = parts.path.rstrip("/") or "/socket.io"
    about = "Socket.IO's protocol 5 over Engine.IO 4."
    server = {"host": parts.netloc, "pathname": path, "protocol": "wss" if secure else "ws", "description": about}
    return {"main": server}


def _secure(namespace: NamespaceContract) -> _Json | None:
    if namespace.auth is None:
        return None
    asked = "" if namespace.auth.required else " It may be left out."
    return {
        "type": "apiKey",
        "in": "password",
        "description": f"The 'auth' of the Socket.IO client for {namespace.path}, a JSON value.{asked}",
    }


def _message(name: str, payload: Schema, examples: Sequence[Any], description: str = "") -> _Json:
    return {
        "name": name,
        "title": name,
        **_split(description),
        "contentType": CONTENT_TYPE,
        "payload": payload,
        "examples": [{"payload": example} for example in examples if isinstance(example, list | dict)],
    }


def _example_error(event: ClientEvent) -> list[_Json]:
    error = event.errors[0]
    return [{"error": {"code": error.code, "message": error.description or error.code, "event": event.name}}]


def _list_errors(errors: Sequence[DeclaredError]) -> list[_Json]:
    return [{"code": error.code, "description": error.description} for error in errors]


def _deprecate(event: ClientEvent | ServerEvent | None) -> _Json:
    """AsyncAPI has no word for it outside of schemas."""
    return {} if event is None or event.deprecated is None else {"x-deprecated": event.deprecated or True}


def _split(text: str, whole: str = "") -> _Json:
    """Return the first line as the summary, and all of it as the description where there is more."""
    first, _, rest = text.strip().partition("\n")
    if whole:
        return {whole: text} if text else {}
    return {"summary": first, **({"description": text.strip()} if rest else {})} if first else {}


def _refer(kind: str, name: str) -> _Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _point(model: str) -> str:
    return f"#/components/schemas/{make_key(model)}"


def _without_empty(value: Any) -> Any:
    """Leave out what has nothing in it, three levels deep; payloads and examples stay as they are."""
    if not isinstance(value, dict):
        return value
    kept = {"payload", "examples", "schemas"}
    made = {name: item if name in kept else _without_empty(item) for name, item in value.items()}
    return {name: item for name, item in made.items() if name in kept or item not in ({}, [], "")}
