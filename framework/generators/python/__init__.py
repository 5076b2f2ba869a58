"""Python clients, for threads and for asyncio, on python-socketio's: one module with errors, models and classes.

``render`` is the generator. What every module has in it is in ``runtime/``, as Python that is checked with everything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...contract import Contract
from ..registry import read_options
from .clients import ASYNCHRONOUS, BLOCKING, Clients, name_clients
from .models import Models
from .module import Runtime, choose_patterns, list_reserved, render_module

__all__ = ["render"]

_FLAVOURS = {"both": (BLOCKING, ASYNCHRONOUS), "sync": (BLOCKING,), "asyncio": (ASYNCHRONOUS,)}


def render(contract: Contract, options: Mapping[str, str]) -> str:
    """Return the module.

    Args:
        options: ``flavour``: ``both``, ``sync`` for threads, or ``asyncio``.

    Raises:
        ContractError: There are other options, or no such flavour.
    """
    flavours = _FLAVOURS[read_options(options, {"flavour": tuple(_FLAVOURS)})["flavour"]]
    patterns, engine = choose_patterns(contract)
    reserved = {*list_reserved(), *name_clients(contract).values()}
    models = Models(contract, reserved, patterns)
    clients = Clients(contract, models.types, {*reserved, *models.names.values()})
    sections = [
        ("errors", clients.render_errors()),
        ("models", models.render()),
        ("events", clients.render_events()),
        *(("clients for " + flavour.what, clients.render_classes(flavour)) for flavour in flavours),
    ]
    runtime = Runtime([flavour.runtime for flavour in flavours], engine)
    return render_module(contract, runtime, sections)
