"""A class for each namespace, whose methods are its events, and the function that connects it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contract import Argument, ClientEvent, NamespaceContract, Schema, ServerEvent
from .checks import Checks
from .maps import write_deprecation
from .names import name_methods, name_parameters
from .signatures import SignatureWriter, has_several
from .text import quote, split_lines, write_comment, write_key, write_value


class ClientWriter:
    """Writes the client of one namespace.

    Args:
        name: What it is called, without ``Client``.
        checks: Writes what checks values while the program runs.
    """

    def __init__(self, namespace: NamespaceContract, name: str, signatures: SignatureWriter, checks: Checks) -> None:
        self._namespace = namespace
        self._name = name
        self._signatures = signatures
        self._checks = checks

    def write(self) -> Iterator[str]:
        """Yield the options, the class and the function."""
        yield from self._write_options()
        yield ""
        yield from self._write_class()
        yield ""
        yield from self._write_connect()

    def _write_options(self) -> Iterator[str]:
        yield from write_comment([f"How to connect to {self._namespace.path}."])
        yield f"export interface {self._name}Options extends ClientOptions {{"
        yield "  /** What the server is told at every connection; a function is called for each one. */"
        yield f"  {self._write_auth()};"
        yield "}"

    def _write_auth(self) -> str:
        auth = self._namespace.auth
        if auth is None:
            return "auth?: Provided<object> | undefined"
        provided = f"Provided<{self._signatures.types.write_schema(auth.json_schema)}>"
        return f"auth: {provided}" if auth.required else f"auth?: {provided} | undefined"

    def _write_class(self) -> Iterator[str]:
        name = self._name
        lines = split_lines(self._namespace.description)
        yield from write_comment([*lines, *([""] if lines else []), f"A client of {self._namespace.path}."])
        yield f"export class {name}Client extends NamespaceClient<{name}Types> {{"
        methods = name_methods(self._namespace)
        for event in self._namespace.client_events:
            yield from self._write_method(event, methods[event.name])
            yield ""
        yield f"  constructor(socket: {name}Socket, options: ClientOptions = {{}}) {{"
        yield "    super("
        yield "      socket,"
        yield from _write_shapes({event.name: self._sent_shape(event) for event in self._namespace.client_events})
        yield from _write_shapes({event.name: self._received_shape(event) for event in self._namespace.server_events})
        yield "      options,"
        yield "    );"
        yield "  }"
        yield "}"

    def _write_method(self, event: ClientEvent, method: str) -> Iterator[str]:
        words = name_parameters(argument.name for argument in event.arguments)
        given = [f"...{word}" if one.variadic else word for one, word in zip(event.arguments, words, strict=True)]
        parameters = self._signatures.parameters(event.arguments)
        passed = f"{quote(event.name)}, [{', '.join(given)}]"
        if not _is_variadic(event):
            parameters.append("options?: CallOptions")
            passed += ", options"
        kind, result = ("call", f"Promise<{self._signatures.answer(event)}>")
        if event.stream is not None:
            kind, result = ("stream", f"EventStream<{self._signatures.chunk(event)}>")
        yield from write_comment(_describe(event), "  ")
        yield f"  {write_key(method)}({', '.join(parameters)}): {result} {{"
        yield f"    return this.{kind}({passed});"
        yield "  }"

    def _sent_shape(self, event: ClientEvent) -> list[str]:
        parts = []
        if event.ack is not None:
            parts.append(f"answer: {quote('several' if has_several(event) else 'one' if event.ack else 'none')}")
        parts += _write_defaults(event.arguments)
        return [*parts, *self._checks.arguments(event.arguments), *self._checks.answer(event)]

    def _received_shape(self, event: ServerEvent) -> list[str]:
        return [*self._checks.received(event.arguments), *self._checks.own_answer(event)]

    def _write_connect(self) -> Iterator[str]:
        name, path, auth = self._name, self._namespace.path, self._namespace.auth
        lines = [
            f"Connect to {path} of the server at `url`; an empty one is the page's own.",
            "",
            "It returns at once; what is sent waits for the connection. Clients of one server share a connection.",
        ]
        for error in self._namespace.errors:
            lines += split_lines(f"- `{error.code}` refuses it: {error.description}")
        yield from write_comment(lines)
        options = f"options: {name}Options" if auth is not None and auth.required else f"options: {name}Options = {{}}"
        yield f"export function connect{name}(url: string, {options}): {name}Client {{"
        yield f"  return new {name}Client(connect(url, {quote(path)}, options), options);"
        yield "}"


def _is_variadic(event: ClientEvent) -> bool:
    return any(argument.variadic for argument in event.arguments)


def _describe(event: ClientEvent) -> list[str]:
    more: list[str] = []
    if _is_variadic(event):
        kind = "call" if event.stream is None else "stream"
        more += split_lines(f"With a timeout or a signal: `{kind}({quote(event.name)}, [...], {{ timeout, signal }})`.")
    if event.errors:
        more.append("Its own errors:")
        for error in event.errors:
            more += split_lines(f"- `{error.code}`: {error.description}".removesuffix(": "))
    parts = [split_lines(event.description), more, write_deprecation(event.deprecated)]
    return [line for part in parts if part for line in ("", *part)][1:]


def _write_shapes(shapes: dict[str, list[str]]) -> Iterator[str]:
    """Yield a table of what is known of events; of those of which nothing is, it has no entry."""
    entries = [f"        [{quote(name)}, {{ {', '.join(parts)} }}]," for name, parts in shapes.items() if parts]
    yield from ["      new Map([", *entries, "      ]),"] if entries else ["      new Map(),"]


def _write_defaults(arguments: Sequence[Argument]) -> list[str]:
    """Return what stands for arguments that are left out before one that is given, if that can be."""
    optional = [argument for argument in arguments if not argument.required]
    if len(optional) < 2 or not any("default" in argument.json_schema for argument in optional):
        return []
    first = len(arguments) - len(optional)
    values = [_write_default(argument.json_schema) for argument in optional if not argument.variadic]
    return [f"defaults: {{ first: {first}, values: [{', '.join(values)}] }}"]


def _write_default(schema: Schema) -> str:
    if "default" not in schema:
        return "undefined"
    value = write_value(schema["default"])
    return f"new TextEncoder().encode({value})" if schema.get("format") == "binary" else value
