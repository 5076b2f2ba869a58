"""The test kit: clients in the test's own process, typed by the handlers that they call.

``client.call(Chat.on_post, message)`` runs the handler before it returns and gives the ack, so a test never sleeps;
``client.stream(Chat.on_export)`` iterates over a stream.
Everything that a real client's packets pass is passed here: parsing, validation, contexts, acks, rooms, the manager.

``check_contract``, ``check_server`` and ``fuzz`` look at the whole of what an application promises. They need the extra
``testing``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .client import Client, ClientFactory, ConnectRefused
from .stream import ClientStream

if TYPE_CHECKING:
    from .contracts import check_contract, check_server
    from .fuzzing import fuzz

__all__ = ["Client", "ClientFactory", "ClientStream", "ConnectRefused", "check_contract", "check_server", "fuzz"]


def __getattr__(name: str) -> Any:
    """Import what needs more packages when it is asked for."""
    if name in ("check_contract", "check_server"):
        from . import contracts

        return getattr(contracts, name)
    if name == "fuzz":
        try:
            from .fuzzing import fuzz
        except ModuleNotFoundError as error:
            raise ImportError(f"fuzz needs {error.name}: pip install 'framework[testing]'.") from error
        return fuzz
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
