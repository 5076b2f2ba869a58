"""A server that answers from a contract, so that front ends can start before there is a back end.

It takes what the contract allows, refuses the rest as the framework does, and answers with examples of the declared types.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import flask

from .application import SocketIO
from .contract import Argument, ClientEvent, Contract, DeclaredError, NamespaceContract, Schema
from .contract.check import BINARY, Problem, check_arguments, check_value
from .contract.examples import example_for
from .contract.walk import read_ref
from .errors import ContractError, EventError, PayloadError
from .signals import client_connected
from .talking import PUBLISHED_AT

STREAMED = 3
_WAYS = ("allOf", "anyOf", "oneOf")


def create_mock(contract: Contract, *, interval_s: float = 5.0, origins: str | list[str] | None = None) -> flask.Flask:
    """Return an application that serves *contract*.

    A text argument with the code of a declared error, as a whole or as a field, makes an event answer with that error, so
    that front ends can try those, too; in ``auth`` it refuses the client.

    Args:
        interval_s: Seconds between the events that the server sends to everybody, one after another; 0 sends none.
        origins: Pages of other origins that may connect; none by default, ``"*"`` for all.

    Raises:
        ContractError: The package ``jsonschema`` is missing, or a type has no example.
    """
    app = flask.Flask("mock", static_folder=None)
    # Neither a broker nor plugins: those of the application that is stood in for may be around.
    app.config.update(FRAMEWORK_DISABLED_PLUGINS="*", FRAMEWORK_MESSAGE_QUEUE="", FRAMEWORK_ASYNC_MODE="threading")
    paths = [namespace.path for namespace in contract.namespaces]
    socketio = SocketIO(app, namespaces=paths, cors_allowed_origins=origins)
    app.add_url_rule(f"/{PUBLISHED_AT}", "contract", lambda: (contract.to_json(), {"Content-Type": "application/json"}))
    samples = _Samples(contract)
    for namespace in contract.namespaces:
        _serve(socketio, contract, namespace, samples)
    if interval_s > 0:
        _send_events(app, socketio, contract, samples, interval_s)
    return app


class _Samples:
    """Examples as they travel: with bytes where the contract has bytes.

    Raises:
        ContractError: The package ``jsonschema`` is missing.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        check_value(contract, {}, None)

    def find(self, schema: Schema, where: str) -> Any:
        """Return an example for *schema*.

        Raises:
            ContractError: There is none.
        """
        try:
            return self._with_bytes(schema, example_for(schema, self._contract.models))
        except ContractError as error:
            raise ContractError(f"{where}: {error}") from error

    def find_all(self, arguments: Iterable[Argument], where: str) -> tuple[Any, ...]:
        return tuple(self.find(argument.json_schema, where) for argument in arguments)

    def _with_bytes(self, schema: Any, value: Any) -> Any:
        if not isinstance(schema, dict):
            return value
        if (name := read_ref(schema)) is not None:
            return self._with_bytes(self._contract.models[name], value)
        for way in (way for keyword in _WAYS for way in schema.get(keyword, ())):
            if not check_value(self._contract, way, value):
                value = self._with_bytes(way, value)
                break
        if isinstance(value, str):
            return value.encode() if schema.get("format") == BINARY else value
        if isinstance(value, list):
            first = schema.get("prefixItems", ())
            schemas = itertools.chain(first, itertools.repeat(schema.get("items")))
            return [self._with_bytes(inner, item) for inner, item in zip(schemas, value, strict=False)]
        if isinstance(value, dict):
            fields, rest = schema.get("properties", {}), schema.get("additionalProperties")
            return {name: self._with_bytes(fields.get(name, rest), item) for name, item in value.items()}
        return value


def _serve(socketio: SocketIO, contract: Contract, namespace: NamespaceContract, samples: _Samples) -> None:
    if namespace.auth is not None:
        socketio.on_event("connect", _make_connect(contract, namespace, namespace.auth), namespace.path)
    for event in namespace.client_events:
        where = f"{namespace.path} {event.name}"
        make = _make_call if event.stream is None else _make_stream
        socketio.on_event(event.name, make(contract, event, samples, where), namespace.path)


def _make_connect(contract: Contract, namespace: NamespaceContract, auth: Argument) -> Callable[..., None]:
    def connect(value: Any = None) -> None:
        if value in (None, {}) and not auth.required:
            return
        _refuse(check_arguments(contract, [auth], [value]))
        _fail_as_told(namespace.errors, (value,))

    return connect


def _make_call(contract: Contract, event: ClientEvent, samples: _Samples, where: str) -> Callable[..., Any]:
    answer = tuple(samples.find(schema, where) for schema in event.ack or ())

    def handle(*args: Any) -> Any:
        _take(contract, event, args)
        return answer

    return handle


def _make_stream(contract: Contract, event: ClientEvent, samples: _Samples, where: str) -> Callable[..., Any]:
    chunk = samples.find(event.stream or {}, where)

    def handle(*args: Any) -> Iterator[Any]:
        _take(contract, event, args)
        return itertools.repeat(chunk, STREAMED)

    return handle


def _take(contract: Contract, event: ClientEvent, args: tuple[Any, ...]) -> None:
    """Let arguments through that fit.

    Raises:
        EventError: They do not, or they name one of the event's errors.
    """
    _refuse(check_arguments(contract, event.arguments, args))
    _fail_as_told(event.errors, args)


def _fail_as_told(errors: Iterable[DeclaredError], args: tuple[Any, ...]) -> None:
    texts = {
        text for arg in args for text in (arg.values() if isinstance(arg, dict) else [arg]) if isinstance(text, str)
    }
    for error in errors:
        if error.code in texts:
            raise EventError(error.code, error.description or None)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        path, _, message = problems[0]
        details = [problem._asdict() for problem in problems]
        raise PayloadError(f"Invalid payload: {': '.join(part for part in (path, message) if part)}", details)


def _send_events(
    app: flask.Flask, socketio: SocketIO, contract: Contract, samples: _Samples, interval_s: float
) -> None:
    """Send every event of the contract in turn, from the first client on."""
    plan = [
        (namespace.path, event.name, samples.find_all(event.arguments or (), f"{namespace.path} {event.name}"))
        for namespace in contract.namespaces
        for event in namespace.server_events
        if not event.is_call
    ]
    started = threading.Lock()

    def send() -> None:
        for path, name, values in itertools.cycle(plan):
            socketio.server.sleep(interval_s)
            socketio.emit(name, values, namespace=path)

    def start(sender: Any, **about: Any) -> None:  # in the process that has the clients, which a server may fork
        if plan and started.acquire(blocking=False):
            socketio.start_background_task(send)

    client_connected.connect(start, sender=app, weak=False)


def describe_mock(contract: Contract) -> list[str]:
    """Return one line for each namespace: its path, and how many events it takes and sends."""
    return [_describe(namespace) for namespace in contract.namespaces]


def _describe(namespace: NamespaceContract) -> str:
    sends = sum(not event.is_call for event in namespace.server_events)
    return f"{namespace.path}: takes {_count(len(namespace.client_events))}, sends {_count(sends)}"


def _count(number: int) -> str:
    return f"{number} event{'' if number == 1 else 's'}"
