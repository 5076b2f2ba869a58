"""Refuses clients when the server is full. Middleware decides, a signal tells who is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from blinker import NamedSignal
from flask import Flask
from framework import EventError, Handling, Middleware, Plugin, Proceed, signals
from pydantic import BaseModel, Field, PositiveInt


class Settings(BaseModel):
    """Each field is a setting: {{ cookiecutter.prefix }} and its name in capitals."""

    max_clients: PositiveInt = Field(1000, description="Clients that may be connected to one process.")


class {{ cookiecutter.class_name }}(Plugin[Settings]):
    """Refuses clients when the server is full."""

    name = "{{ cookiecutter.name }}"
    requires_framework = ">=0.1"

    def init(self, socketio: Any, app: Flask) -> None:
        self.clients: set[tuple[str, str]] = set()

    def middleware(self) -> Iterable[Middleware]:
        return [Doorkeeper(self)]

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        return [(signals.client_connected, self.note_arrival)]

    def note_arrival(self, sender: object, *, namespace: str, sid: str, **extra: object) -> None:
        """Count a client that was accepted."""
        self.clients.add((namespace, sid))


class Doorkeeper(Middleware):
    """Lets clients in while there is room, and notes when they leave."""

    def __init__(self, plugin: {{ cookiecutter.class_name }}) -> None:
        self.plugin = plugin

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        if len(self.plugin.clients) >= self.plugin.settings.max_clients:
            raise EventError("server_full", "The server is full. Try again later.")
        return proceed()

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        self.plugin.clients.discard((handling.namespace, handling.sid))
        return proceed()
