"""From handlers and declared events to the contract."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from ..errors import describe_error
from ..events import Call
from ..handlers import CANCEL_STREAM, Handler, HandlerTable, read_handlers
from ..middleware import Guard, read_class_guards
from .model import (
    ENUM_NAMES,
    REF_PREFIX,
    Argument,
    ClientEvent,
    Contract,
    DeclaredError,
    NamespaceContract,
    Schema,
    ServerEvent,
)

ANY = "*"
DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
WHOLE_NUMBER = r"^-?(0|[1-9][0-9]*)$"
_Key = tuple[Any, ...]


class _Schemas(GenerateJsonSchema):
    """pydantic's generator, for which what has no JSON Schema is anything, and bytes are attachments."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:
        return {}

    def emit_warning(self, kind: Any, detail: str) -> None:
        pass

    def field_is_required(self, field: Any, total: bool) -> bool:
        """What is sent has its fields, those with a default too."""
        if self.mode == "serialization" and field["type"] != "typed-dict-field":
            return not field.get("serialization_exclude")
        return super().field_is_required(field, total)

    def bytes_schema(self, schema: Any) -> Schema:
        found: Schema = {"type": "string", "format": "binary"}
        self.update_with_validations(found, schema, self.ValidationsMapping.bytes)
        return found

    def decimal_schema(self, schema: Any) -> Schema:
        """A text that is sent for a decimal has to be a number; both ways it says what it is."""
        found = super().decimal_schema(schema)
        (found["anyOf"][-1] if "anyOf" in found else found)["format"] = "decimal"
        for choice in found.get("anyOf", ()):
            if choice.get("type") == "string":
                choice["pattern"] = _decimal_pattern(schema.get("max_digits"), schema.get("decimal_places"))
        return found

    def dict_schema(self, schema: Any) -> Schema:
        """Keys are texts, those of a dictionary by number too."""
        found = super().dict_schema(schema)
        if schema.get("keys_schema", {}).get("type") == "int":
            found["propertyNames"] = {"pattern": WHOLE_NUMBER}
        return found

    def tagged_union_schema(self, schema: Any) -> Schema:
        """A client has to send the tag, even where it is a field with a default."""
        found = super().tagged_union_schema(schema)
        if self.mode == "validation" and "discriminator" in found:
            found["required"] = [found["discriminator"]["propertyName"]]
        return found

    def enum_schema(self, schema: Any) -> Schema:
        """Tell the members' names, too, so that a generated enumeration has them."""
        return {**super().enum_schema(schema), ENUM_NAMES: [member.name for member in schema["members"]]}


def _decimal_pattern(digits: int | None, places: int | None) -> str:
    """Return what the text of a decimal looks like; with a number of digits alone, that of a whole one."""
    if digits is None:
        return DECIMAL if places is None else rf"^[+-]?[0-9]+(\.[0-9]{{0,{places}}})?$"
    whole = digits - (places or 0)
    fraction = rf"(\.[0-9]{{0,{places}}})?" if places is not None else ""
    return rf"^[+-]?0*[0-9]{{1,{whole}}}{fraction}$" if whole > 0 else rf"^[+-]?0*\.[0-9]{{1,{places}}}$"


class _Types:
    """Collects the types of a contract, so that all of them are named together."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[_Key, JsonSchemaMode], Any] = {}
        self._found: Mapping[Any, Schema] = {}
        self.models: dict[str, Schema] = {}

    def want(self, key: _Key, mode: JsonSchemaMode, core_schema: Any) -> None:
        self._wanted[key, mode] = core_schema

    def generate(self) -> None:
        generator = _Schemas(ref_template=REF_PREFIX + "{model}")
        inputs: list[tuple[_Key, JsonSchemaMode, Any]] = [
            (key, mode, schema) for (key, mode), schema in self._wanted.items()
        ]
        found, models = generator.generate_definitions(inputs)
        self._found = found
        self.models = {name: models[name] for name in sorted(models)}

    def items(self, key: _Key, mode: JsonSchemaMode) -> tuple[list[Schema], Schema | None]:
        """Return the schemas of a tuple's items, and that of the rest, if there may be more."""
        schema = self._found[key, mode]
        first = list(schema.get("prefixItems", ()))
        rest = schema.get("items")
        return first, rest if isinstance(rest, dict) else None


class _Reader:
    """Reads one application; the schemas come when all types are known."""

    def __init__(self, namespaces: Iterable[Any], functions: Iterable[tuple[str, Handler]]) -> None:
        self._types = _Types()
        self._functions: dict[str, dict[str, Handler]] = {}
        for path, handler in functions:
            if path != ANY and handler.event != ANY:
                self._functions.setdefault(path, {})[handler.event] = handler
        self._classes = {
            str(namespace.namespace): namespace
            for namespace in namespaces
            if getattr(type(namespace), "in_contract", True)
        }

    def read(self, title: str, version: str, description: str) -> Contract:
        paths = sorted({*self._functions, *self._classes})
        for path in paths:
            self._want(path)
        self._types.generate()
        names = _name_all(paths, self._classes)
        read = tuple(self._read(path, names[path]) for path in paths)
        return Contract(
            title=title, version=version, description=description, namespaces=read, models=self._types.models
        )

    # -- first round: which types there are

    def _want(self, path: str) -> None:
        for handler in self._handlers(path):
            key = (path, handler.event)
            self._types.want((*key, "arguments"), "validation", handler.payload.schema)
            if handler.chunks is not None and handler.chunks.schema is not None:
                self._types.want((*key, "stream"), "serialization", handler.chunks.schema)
            elif handler.chunks is None and handler.ack.schema is not None:
                self._types.want((*key, "ack"), "serialization", handler.ack.schema)
        for declared in self._declared(path):
            key = (path, declared.name)
            if declared.schema is not None:
                self._types.want((*key, "emit"), "serialization", declared.schema)
            if isinstance(declared, Call) and declared.answer_schema is not None:
                self._types.want((*key, "answer"), "validation", declared.answer_schema)

    def _handlers(self, path: str) -> Iterator[Handler]:
        """Yield what serves *path*, ``connect`` too; a function before a method of the same event."""
        functions = self._functions.get(path, {})
        table = self._table(path)
        served = {
            **{handler.event: handler for handler in (table.connect, table.disconnect) if handler is not None},
            **table.events,
            **functions,
        }
        for event in sorted(served):
            if event != "disconnect" and not _ends_streams(served[event]):
                yield served[event]

    def _table(self, path: str) -> HandlerTable:
        namespace = self._classes.get(path)
        if namespace is None:
            return HandlerTable()
        return getattr(type(namespace), "_handlers", None) or read_handlers(type(namespace))

    def _declared(self, path: str) -> list[Any]:
        declared = getattr(type(self._classes.get(path)), "_declared", {})
        return [declared[name] for name in sorted(declared)]

    # -- second round: what they are called

    def _read(self, path: str, name: str) -> NamespaceContract:
        cls = type(self._classes[path]) if path in self._classes else None
        guards = read_class_guards(cls) if cls is not None else ()
        handlers = {handler.event: handler for handler in self._handlers(path)}
        connect = handlers.pop("connect", None)
        auth = self._arguments(path, connect)[:1] if connect is not None else ()
        return NamespaceContract(
            path=path,
            name=name,
            description=_own_doc(cls),
            auth=auth[0] if auth else None,
            errors=_read_errors(connect, guards),
            guards=_names(guards, connect),
            client_events=tuple(self._read_event(path, handler, guards) for handler in handlers.values()),
            server_events=tuple(self._read_declared(path, declared) for declared in self._declared(path)),
        )

    def _read_event(self, path: str, handler: Handler, guards: tuple[Guard, ...]) -> ClientEvent:
        ack, rest = self._ack(path, handler)
        return ClientEvent(
            name=handler.event,
            description=handler.doc,
            arguments=self._arguments(path, handler),
            ack=ack,
            ack_rest=rest,
            stream=self._stream(path, handler),
            errors=_read_errors(handler, guards),
            guards=_names(guards, handler),
            deprecated=getattr(handler.function, "__deprecated__", None),
        )

    def _arguments(self, path: str, handler: Handler) -> tuple[Argument, ...]:
        (_, *schemas), rest = self._types.items((path, handler.event, "arguments"), "validation")
        parameters = handler.payload.parameters
        if rest is not None:
            schemas.append(rest)
        return tuple(
            Argument(name=parameter.name, json_schema=schema, required=parameter.required, variadic=parameter.variadic)
            for parameter, schema in zip(parameters, schemas, strict=True)
        )

    def _ack(self, path: str, handler: Handler) -> tuple[tuple[Schema, ...] | None, Schema | None]:
        if handler.chunks is not None or not handler.ack.typed:
            return None, None
        if handler.ack.schema is None:
            return (), None
        schemas, rest = self._types.items((path, handler.event, "ack"), "serialization")
        return tuple(schemas), rest

    def _stream(self, path: str, handler: Handler) -> Schema | None:
        if handler.chunks is None:
            return None
        if handler.chunks.schema is None:
            return {}
        return self._types.items((path, handler.event, "stream"), "serialization")[0][0]

    def _read_declared(self, path: str, declared: Any) -> ServerEvent:
        arguments: tuple[Argument, ...] | None = None
        key = (path, declared.name)
        if declared.schema is not None:
            schemas, _ = self._types.items((*key, "emit"), "serialization")
            arguments = tuple(
                Argument(name=f"value{index or ''}", json_schema=schema) for index, schema in _count_from_two(schemas)
            )
        answer = None
        if isinstance(declared, Call) and declared.answer_schema is not None:
            answer = self._types.items((*key, "answer"), "validation")[0][0]
        return ServerEvent(
            name=declared.name,
            description=declared.doc,
            arguments=arguments,
            answer=answer,
            is_call=isinstance(declared, Call),
            deprecated=declared.deprecated,
        )


def read_contract(
    namespaces: Iterable[Any],
    functions: Iterable[tuple[str, Handler]],
    *,
    title: str,
    version: str = "0.0.0",
    description: str = "",
) -> Contract:
    """Return the contract of namespace instances and of functions (path, handler).

    Catch-all handlers, classes with ``in_contract = False`` and the event that ends a stream are no part of it.
    """
    return _Reader(namespaces, functions).read(title=title, version=version, description=description)


def _ends_streams(handler: Handler) -> bool:
    """Say whether it is the framework's own, by which clients say that they have enough."""
    return handler.event == CANCEL_STREAM and getattr(handler.function, "__name__", "") == f"_{CANCEL_STREAM}"


def _count_from_two(schemas: list[Schema]) -> Iterator[tuple[int, Schema]]:
    """Yield 0, 2, 3 ... : ``value``, ``value2``, ``value3``."""
    for index, schema in enumerate(schemas):
        yield (index + 1 if index else 0), schema


def _read_errors(handler: Handler | None, guards: tuple[Guard, ...]) -> tuple[DeclaredError, ...]:
    found: dict[str, str] = {}
    for guard in (*guards, *(handler.guards if handler is not None else ())):
        found.setdefault(guard.code, guard.message)
    for error in handler.raises if handler is not None else ():
        found[error.code] = describe_error(error)
    return tuple(DeclaredError(code=code, description=found[code]) for code in sorted(found))


def _names(guards: tuple[Guard, ...], handler: Handler | None) -> tuple[str, ...]:
    return tuple(guard.name for guard in (*guards, *(handler.guards if handler is not None else ())))


def _own_doc(cls: type | None) -> str:
    """Return a class's docstring, not one that it inherits."""
    return inspect.cleandoc(vars(cls).get("__doc__") or "") if cls is not None else ""


def _name_all(paths: Iterable[str], classes: Mapping[str, Any]) -> dict[str, str]:
    """Name each path after its class, else after itself; the second of one name gets its path's, too."""
    names: dict[str, str] = {}
    for path in paths:
        words = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", path)) or "Main"
        name = type(classes[path]).__name__ if path in classes else words
        if name in names.values():
            name += words
        number = 2
        while name in names.values():
            name, number = f"{name}{number}", number + 1
        names[path] = name
    return names
