"""The contract's own data, frozen. Types in it are JSON Schemas of the 2020-12 draft.

References in them are ``#/models/<name>``, into `Contract.models`. What a client sends is described by the schema that
validates it, what it gets by the schema that it is written in, so one class can be two models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import ContractError

Schema = dict[str, Any]
FORMAT: Literal[1] = 1
REF_PREFIX = "#/models/"
# Beside the values of an enumeration, the names of its members, in their order.
ENUM_NAMES = "x-enum-varnames"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True, extra="forbid")


class Argument(_Frozen):
    """One argument of an event.

    Bytes are ``{"type": "string", "format": "binary"}`` and travel as Socket.IO's attachments.
    """

    name: str
    """The parameter's name; ``value``, ``value2`` ... for a declared event."""
    json_schema: Schema = Field(validation_alias="schema", serialization_alias="schema")
    """What it is."""
    required: bool = True
    """Whether the client has to send it; the default is in the schema."""
    variadic: bool = False
    """Whether it stands for any number of arguments of this type."""


class DeclaredError(_Frozen):
    """An error that an event may be answered with, beside those that every event may."""

    code: str
    """As in the error object."""
    description: str = ""
    """The first line of its docstring."""


class ClientEvent(_Frozen):
    """An event that clients send."""

    name: str
    """On the wire."""
    description: str = ""
    """The handler's docstring."""
    arguments: tuple[Argument, ...] = ()
    """In their order."""
    ack: tuple[Schema, ...] | None = None
    """The arguments of the acknowledgement; empty where it is an acknowledgement without value, None where the handler
    does not say."""
    ack_rest: Schema | None = None
    """What any number of further arguments of the acknowledgement are, as ``tuple[int, ...]`` declares it."""
    stream: Schema | None = None
    """What its chunks are, where it is answered by a stream."""
    errors: tuple[DeclaredError, ...] = ()
    """What ``@raises`` and the guards declare."""
    guards: tuple[str, ...] = ()
    """What has to let it through."""
    deprecated: str | None = None
    """What to use in its place; empty where nothing is said; None where it is not deprecated."""


class ServerEvent(_Frozen):
    """An event that clients get."""

    name: str
    """On the wire."""
    description: str = ""
    """As declared."""
    arguments: tuple[Argument, ...] | None = ()
    """In their order; None where nothing is declared about them."""
    answer: Schema | None = None
    """What the client answers, where it is a call."""
    is_call: bool = False
    """Whether the client has to answer."""
    deprecated: str | None = None
    """As for `ClientEvent`."""


class NamespaceContract(_Frozen):
    """What one path promises."""

    path: str
    """With its slash."""
    name: str
    """The class's name; unique in the contract."""
    description: str = ""
    """The class's docstring."""
    auth: Argument | None = None
    """What a client sends as ``auth``; None where nothing is read."""
    errors: tuple[DeclaredError, ...] = ()
    """Why it may be refused, as far as it is declared."""
    guards: tuple[str, ...] = ()
    """What has to let a client in."""
    client_events: tuple[ClientEvent, ...] = ()
    """By name."""
    server_events: tuple[ServerEvent, ...] = ()
    """By name."""


class Contract(_Frozen):
    """What an application promises to its clients, and they to it."""

    format: Literal[1] = FORMAT
    """The version of this form; a reader refuses one that it does not know."""
    title: str
    """The application's name, or the setting ``FRAMEWORK_CONTRACT_TITLE``."""
    version: str
    """The setting ``FRAMEWORK_CONTRACT_VERSION``; ``0.0.0`` by default."""
    description: str = ""
    """The setting ``FRAMEWORK_CONTRACT_DESCRIPTION``."""
    namespaces: tuple[NamespaceContract, ...] = ()
    """By path."""
    models: dict[str, Schema] = {}
    """What the schemas refer to, by name."""

    def to_json(self) -> str:
        """Return it as JSON: two spaces deep, every key there, the same for the same application."""
        return self.model_dump_json(indent=2) + "\n"


Generator = Callable[[Contract, Mapping[str, str]], str]
"""Turns a contract and options into the text of one file."""


def load_contract(text: str | bytes, where: str | Path = "the contract") -> Contract:
    """Read a contract from JSON.

    Args:
        where: Its file, for the error.

    Raises:
        ContractError: It is none, or of a form that this version does not know.
    """
    try:
        return Contract.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        problem = f"{path}: {first['msg']}" if path else first["msg"]
        raise ContractError(
            f"{where} is no contract: {problem}. 'framework contract' writes one; its format is {FORMAT}."
        ) from error
