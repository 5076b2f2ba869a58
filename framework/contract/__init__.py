"""The contract of an application: what clients may send and what they get, as data.

It is read once from the handlers and the declared events, can be stored as JSON, and is all that a generator gets to see.
"""

from __future__ import annotations

from .model import (
    Argument,
    ClientEvent,
    Contract,
    DeclaredError,
    Generator,
    NamespaceContract,
    Schema,
    ServerEvent,
    load_contract,
)
from .read import read_contract

__all__ = [
    "Argument",
    "ClientEvent",
    "Contract",
    "DeclaredError",
    "Generator",
    "NamespaceContract",
    "Schema",
    "ServerEvent",
    "load_contract",
    "read_contract",
]
