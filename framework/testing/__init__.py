"""The test kit: clients in the test's own process, typed by the handlers that they call.

``client.call(Chat.on_post, message)`` runs the handler before it returns and gives the ack, so a test never sleeps.
Everything that a real client's packets pass is passed here: parsing, validation, contexts, acks, rooms, the manager.
"""

from __future__ import annotations

from .client import Client, ClientFactory, ConnectRefused

__all__ = ["Client", "ClientFactory", "ConnectRefused"]
