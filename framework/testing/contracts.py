"""An application, or a running server, against a contract that was stored before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask

from ..contract import ClientEvent, Contract, load_contract
from ..contract.diff import compare
from ..errors import ContractError, EventError, FrameworkError
from ..talking import Conversation, find_contract
from .client import _find_extension

BREAKING = "breaking"


def check_contract(app: flask.Flask, contract: Contract | str | Path) -> None:
    """Check that *app* still keeps *contract*: that nothing was changed which breaks those who rely on it.

    Args:
        contract: What was promised, or the file that it is in (``framework contract -o contract.json``).

    Raises:
        AssertionError: Something breaks; every such change is in the message.
        ContractError: The file can't be read, or is no contract.
    """
    _refuse_breaks(_load(contract), _find_extension(app).contract(), "The application")


def check_server(url: str, contract: Contract | str | Path, *, auth: Any = None, timeout_s: float = 5.0) -> None:
    """Check that a running server keeps *contract*.

    What it publishes is compared as `check_contract` does; the explorer plugin publishes a contract. Where it publishes none,
    each event that takes a limited number of arguments is sent one too many, to find out whether it is there; a handler
    that keeps the contract does not get to see it. In both cases a client connects to each namespace.

    Args:
        url: As for ``framework call``.
        contract: What was promised, or the file that it is in.
        auth: What is sent to the namespaces that read it.
        timeout_s: Seconds for each answer.

    Raises:
        AssertionError: Something breaks, a client is refused, or an event is not there.
        ContractError: The file can't be read, or is no contract.
        TalkError: The server can't be reached.
    """
    promised = _load(contract)
    published = find_contract(url, None, timeout_s)
    problems: list[str] = []
    for namespace in promised.namespaces:
        sent = None if namespace.auth is None else auth
        try:
            with Conversation(url, namespace.path, auth=sent, timeout_s=timeout_s) as talk:
                if published is None:
                    problems += [_probe(talk, namespace.path, event) for event in namespace.client_events]
        except EventError as error:
            problems.append(f"{namespace.path}: a client was refused: {error}")
    if found := [problem for problem in problems if problem]:
        raise AssertionError("\n".join([f"{url} does not keep the contract:", *found]))
    if published is not None:
        _refuse_breaks(promised, published, url)


def _load(contract: Contract | str | Path) -> Contract:
    if isinstance(contract, Contract):
        return contract
    try:
        return load_contract(Path(contract).read_bytes(), contract)
    except OSError as error:
        raise ContractError(f"{contract} can't be read: {error.strerror}.") from error


def _refuse_breaks(old: Contract, new: Contract, who: str) -> None:
    broken = [change for change in compare(old, new) if change.severity == BREAKING]
    if broken:
        told = [f"{change.where}: {change.message}" for change in broken]
        raise AssertionError("\n".join([f"{who} does not keep the contract:", *told]))


def _probe(talk: Conversation, path: str, event: ClientEvent) -> str:
    """Return what is wrong with an event that is sent one argument too many; nothing where it is refused for that."""
    if event.arguments and event.arguments[-1].variadic:
        return ""
    try:
        talk.call(event.name, [None] * (len(event.arguments) + 1))
    except EventError as error:
        return f"{path} {event.name}: {error}" if error.code in ("unknown_event", "internal_error") else ""
    except FrameworkError as error:
        return f"{path} {event.name}: {error}"
    return f"{path} {event.name}: it takes more arguments than promised."
