"""The events of a contract, and a class for each namespace and flavour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...contract import Argument, ClientEvent, Contract, DeclaredError, NamespaceContract, ServerEvent
from .models import SHADOWING
from .names import assign_names, make_class_name, make_name
from .text import docstring, quote, sentence, wrap_call, wrap_items
from .types import Types

# Of the classes that generated ones inherit from, and what their own methods use.
_METHODS = {
    *SHADOWING,
    *("classmethod", "close", "connect", "connected", "connection", "deprecated", "off", "open"),
    *("on_connect", "on_connect_error", "on_disconnect"),
}
_PARAMETERS = {"self", "timeout_s"}
_TIMEOUT = "timeout_s: float | None = None"
_CONNECT_ASYNC = "        return cls(AsyncConnection(url, **options), auth=auth)\n"
_CONNECT = """\
        client = cls(Connection(url, **options), auth=auth)
        client.connection.open()
        return client
"""


@dataclass(frozen=True)
class Flavour:
    """What the classes for threads and those for asyncio have different."""

    prefix: str
    """Of every name."""
    what: str
    """In a word."""
    runtime: str
    """The module that has its base classes."""
    is_async: bool


BLOCKING = Flavour("", "threads", "blocking", is_async=False)
ASYNCHRONOUS = Flavour("Async", "asyncio", "asynchronous", is_async=True)


def name_clients(contract: Contract) -> dict[tuple[str, str], str]:
    """Return the name of each class, by its prefix and its namespace."""
    names = assign_names((namespace.name for namespace in contract.namespaces), _make_client_name)
    return {
        (flavour.prefix, name): f"{flavour.prefix}{found}Client"
        for flavour in (BLOCKING, ASYNCHRONOUS)
        for name, found in names.items()
    }


class Clients:
    """Renders what talks to the server.

    Args:
        types: Of the contract's models.
        taken: Names that no class may have.
    """

    def __init__(self, contract: Contract, types: Types, taken: Iterable[str]) -> None:
        self._namespaces = contract.namespaces
        self._types = types
        self._plain = types.without_bounds()
        errors = {error.code: error for error in _list_errors(contract)}
        self._errors = [errors[code] for code in sorted(errors)]
        self._classes = name_clients(contract)
        self._error_names = assign_names(errors, _make_error_name, taken, "Error")
        self._members = {namespace.path: _Members(namespace) for namespace in self._namespaces}
        specs = [f"{namespace.name} {spec}" for namespace in self._namespaces for spec in self._list_specs(namespace)]
        self._specs = assign_names(
            specs, lambda wire: f"_{make_name(wire, 'event')}", {"_errors", "_anything", "_logger"}
        )

    # -- errors

    def render_errors(self) -> str:
        """Return a class for each declared code."""
        if not self._errors:
            return ""
        classes = [
            f"class {self._error_names[error.code]}(EventError):\n"
            + docstring(sentence(error.description) or f"The code ``{error.code}``.", "    ")
            for error in self._errors
        ]
        rows = [f"{quote(error.code)}: {self._error_names[error.code]}" for error in self._errors]
        return "\n\n".join([*classes, wrap_items("_errors.update", "{", rows, "}", "")])

    # -- events

    def _list_specs(self, namespace: NamespaceContract) -> list[str]:
        members = self._members[namespace.path]
        return [*members.asks.values(), *members.hears.values(), *members.answers.values(), "auth"]

    def _spec(self, namespace: NamespaceContract, member: str) -> str:
        return self._specs[f"{namespace.name} {member}"]

    def render_events(self) -> str:
        """Return what each event carries."""
        return "".join(line for namespace in self._namespaces for line in self._render_events(namespace))

    def _render_events(self, namespace: NamespaceContract) -> Iterator[str]:
        members = self._members[namespace.path]
        if namespace.auth is not None:
            yield f"{self._spec(namespace, 'auth')} = {self._shape([namespace.auth.json_schema])}\n"
        for event in namespace.client_events:
            name = self._spec(namespace, members.asks[event.name])
            sends = self._shape_arguments(event.arguments)
            yield self._render_event(name, self._answer_type(event), event.name, sends, self._shape_answer(event))
        for heard in namespace.server_events:
            name = self._spec(namespace, members.answers[heard.name] if heard.is_call else members.hears[heard.name])
            gets = "None" if heard.arguments is None else self._shape_arguments(heard.arguments)
            sends = self._shape([heard.answer if heard.answer is not None else {}] if heard.is_call else [])
            yield self._render_event(name, "Any", heard.name, sends, gets)

    @staticmethod
    def _render_event(name: str, kind: str, wire: str, sends: str, gets: str) -> str:
        return wrap_call(f"{name}: _Event[{kind}] = _Event", [quote(wire), sends, gets], "", "")

    def _shape(self, schemas: Iterable[Any], rest: Any = None) -> str:
        types = [self._types.annotate(schema) for schema in schemas]
        if rest is not None:
            types.append(f"rest={self._types.annotate(rest)}")
        return f"_Shape({', '.join(types)})"

    def _shape_arguments(self, arguments: Sequence[Argument]) -> str:
        rest = next((argument.json_schema for argument in arguments if argument.variadic), None)
        return self._shape((argument.json_schema for argument in arguments if not argument.variadic), rest)

    def _shape_answer(self, event: ClientEvent) -> str:
        if event.stream is not None:
            return self._shape([event.stream])
        return "None" if event.ack is None else self._shape(event.ack, event.ack_rest)

    def _answer_type(self, event: ClientEvent) -> str:
        if event.stream is not None:
            return self._plain.annotate(event.stream)
        if event.ack is None:
            return "Any"
        types = [self._plain.annotate(schema) for schema in event.ack]
        if event.ack_rest is not None:
            rest = self._plain.annotate(event.ack_rest)
            return f"tuple[{', '.join(types)}, *tuple[{rest}, ...]]" if types else f"tuple[{rest}, ...]"
        return "None" if not types else types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"

    # -- classes

    def render_classes(self, flavour: Flavour) -> str:
        """Return the class of each namespace."""
        return "\n\n".join(self._render_class(namespace, flavour) for namespace in self._namespaces)

    def _render_class(self, namespace: NamespaceContract, flavour: Flavour) -> str:
        name = self._classes[flavour.prefix, namespace.name]
        about = namespace.description or f"The namespace ``{namespace.path}``."
        calls = [event.name for event in namespace.server_events if event.is_call]
        text = f"class {name}(_{flavour.prefix}Client):\n{docstring(about, '    ')}\n"
        text += f"    _path = {quote(namespace.path)}\n"
        if calls:
            text += wrap_items("_asks = frozenset", "{", [quote(call) for call in calls], "}", "    ")
        if namespace.auth is not None:
            text += f"    _auth = {self._spec(namespace, 'auth')}\n"
        methods = [
            *self._render_connect(namespace, flavour),
            *(self._render_ask(namespace, event, flavour) for event in namespace.client_events),
            *(self._render_hear(namespace, event, flavour) for event in namespace.server_events),
        ]
        return "\n".join([text, *methods])

    def _render_connect(self, namespace: NamespaceContract, flavour: Flavour) -> Iterator[str]:
        auth = self._render_auth(namespace)
        connection = f"{flavour.prefix}Connection"
        if namespace.auth is not None:
            yield (
                wrap_call("def __init__", ["self", f"via: {connection}", "*", auth], " -> None:", "    ")
                + "        super().__init__(via, auth=auth)\n"
            )
        yield (
            "    @classmethod\n"
            + wrap_call(
                "def connect",
                ["cls", "url: str", "*", auth, "**options: Unpack[ConnectionOptions]"],
                " -> Self:",
                "    ",
            )
            + docstring(_describe_connect(namespace, flavour), "        ")
            + (_CONNECT_ASYNC if flavour.is_async else _CONNECT)
        )

    def _render_auth(self, namespace: NamespaceContract) -> str:
        if namespace.auth is None:
            return "auth: Any = None"
        kind = self._plain.annotate(namespace.auth.json_schema)
        optional = not namespace.auth.required and self._types.allows_null(namespace.auth.json_schema)
        if kind == "Any":
            return "auth: Any = None" if optional else "auth: Any"
        plain = kind.removesuffix(" | None")
        both = f"{plain} | Callable[[], {kind}]{' | None' if plain != kind else ''}"
        return f"auth: {both} = None" if optional else f"auth: {both}"

    def _render_ask(self, namespace: NamespaceContract, event: ClientEvent, flavour: Flavour) -> str:
        name = self._members[namespace.path].asks[event.name]
        parameters, given = self._render_parameters(event.arguments)
        is_stream = event.stream is not None
        kind = self._answer_type(event)
        returns = f"{flavour.prefix}Stream[{kind}]" if is_stream else kind
        head = "async def" if flavour.is_async and not is_stream else "def"
        variadic = any(argument.variadic for argument in event.arguments)
        signature = ["self", *parameters, *([] if variadic else ["*"]), _TIMEOUT]
        text = _deprecate(event.deprecated) + wrap_call(f"{head} {name}", signature, f" -> {returns}:", "    ")
        text += docstring(self._describe_ask(event, name), "        ")
        spec = self._spec(namespace, name)
        if is_stream:
            return text + wrap_call(
                f"return {flavour.prefix}Stream", ["self", spec, "timeout_s", *given], "", "        "
            )
        before = "" if kind == "None" else "return "
        wait = "await " if flavour.is_async else ""
        return text + wrap_call(f"{before}{wait}self._call", [spec, "timeout_s", *given], "", "        ")

    def _render_parameters(self, arguments: Sequence[Argument]) -> tuple[list[str], list[str]]:
        names = assign_names(
            (argument.name for argument in arguments), lambda wire: make_name(wire, "argument"), _PARAMETERS
        )
        parameters, given = [], []
        for argument in arguments:
            name, schema = names[argument.name], argument.json_schema
            kind = self._plain.annotate(schema)
            if argument.variadic:
                parameters.append(f"*{name}: {kind}")
                given.append(f"*{name}")
                continue
            given.append(name)
            if argument.required:
                parameters.append(f"{name}: {kind}")
                continue
            default = self._types.express(schema, schema["default"]) if "default" in schema else None
            if default is None or default.endswith((")", "]", "}")):  # made once, and shared by all calls
                parameters.append(f"{name}: {kind} | _Unset = UNSET" if kind != "Any" else f"{name}: Any = UNSET")
            else:
                parameters.append(f"{name}: {kind} = {default}")
        return parameters, given

    def _describe_ask(self, event: ClientEvent, name: str) -> str:
        text = event.description.strip() or f"Send ``{event.name}``."
        if name != event.name and event.description.strip():
            text += f"\n\nSends ``{event.name}``."
        if event.errors:
            found = (f"    {self._error_names[error.code]}: {sentence(error.description)}" for error in event.errors)
            text += "\n\nRaises:\n" + "\n".join(line.rstrip(": ") for line in found)
        return text

    def _render_hear(self, namespace: NamespaceContract, event: ServerEvent, flavour: Flavour) -> str:
        members = self._members[namespace.path]
        values = (
            "..."
            if event.arguments is None
            else f"[{', '.join(self._plain.annotate(argument.json_schema) for argument in event.arguments)}]"
        )
        if event.is_call:
            answer = self._plain.annotate(event.answer if event.answer is not None else {})
            both = f"{answer} | Awaitable[{answer}]" if flavour.is_async and answer != "Any" else answer
            name, kind, verb, given = members.answers[event.name], f"Callable[{values}, {both}]", "_reply", "answer"
            text = f"Answer ``{event.name}`` with what *answer* returns."
        else:
            name, kind, verb, given = members.hears[event.name], f"Callable[{values}, _T]", "_hear", "callback"
            text = f"Call *callback* when ``{event.name}`` comes."
        text = f"{text}\n\n{event.description.strip()}".strip()
        return (
            _deprecate(event.deprecated)
            + wrap_call(f"def {name}", ["self", f"{given}: {kind}"], f" -> {kind}:", "    ")
            + docstring(text, "        ")
            + f"        return self.{verb}({self._spec(namespace, name)}, {given})\n"
        )


class _Members:
    """The names of the methods of one namespace's class, by event."""

    def __init__(self, namespace: NamespaceContract) -> None:
        asks = [event.name for event in namespace.client_events]
        hears = [event.name for event in namespace.server_events if not event.is_call]
        answers = [event.name for event in namespace.server_events if event.is_call]
        self.asks = assign_names(asks, lambda wire: make_name(wire, "event"), _METHODS)
        taken = {*_METHODS, *self.asks.values()}
        self.hears = assign_names(hears, lambda wire: f"on_{make_name(wire, 'event').rstrip('_')}", taken)
        self.answers = assign_names(
            answers, lambda wire: f"answer_{make_name(wire, 'event').rstrip('_')}", {*taken, *self.hears.values()}
        )


def _make_client_name(name: str) -> str:
    made = make_class_name(name, "Namespace")
    return f"{made}Namespace" if made.startswith(ASYNCHRONOUS.prefix) else made


def _make_error_name(code: str) -> str:
    return make_class_name(make_name(code, "error"), "Error")


def _list_errors(contract: Contract) -> Iterator[DeclaredError]:
    """Yield the declared errors, the last one of a code being the one that counts."""
    events = [event for namespace in contract.namespaces for event in namespace.client_events]
    yield from reversed([error for event in events for error in event.errors])


def _describe_connect(namespace: NamespaceContract, flavour: Flavour) -> str:
    how = (
        "Return a client that connects by ``async with``, or when it is awaited."
        if flavour.is_async
        else "Connect, and return the client when it is in its namespace."
    )
    codes = "".join(f"\n    ``{error.code}``: {sentence(error.description)}".rstrip(": ") for error in namespace.errors)
    refused = f"\n\nIt may be refused with these codes, and others:\n{codes}" if codes else ""
    return f"{how} Raises like ``open()`` of its connection.{refused}"


def _deprecate(instead: str | None) -> str:
    return "" if instead is None else f"    @deprecated({quote(instead or 'Deprecated.')})\n"
