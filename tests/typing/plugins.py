"""Claims about types: what a plugin is and what an application gives of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, assert_type

import click
from blinker import NamedSignal
from flask import Blueprint, Flask
from pydantic import BaseModel

from framework import Middleware, Namespace, Plugin, PluginInfo, SocketIO, signals
from framework.plugins.plugin import NoSettings


class Settings(BaseModel):
    timeout_s: int = 30


class Presence(Plugin[Settings]):
    name = "presence"
    requires = ("auth>=1.0",)
    before = ()
    after = ("metrics",)
    essential = False

    def init(self, socketio: SocketIO, app: Flask) -> None:
        assert_type(self.settings, Settings)
        assert_type(self.settings.timeout_s, int)
        assert_type(self.app, Flask)

    def middleware(self) -> Iterable[Middleware]:
        return [Middleware()]

    def namespaces(self) -> Iterable[type[Namespace] | Namespace]:
        return [Namespace]

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        return [(signals.client_connected, print)]

    def blueprints(self) -> Iterable[Blueprint]:
        return []

    def commands(self) -> Iterable[click.Command]:
        return []


class Plain(Plugin):
    name = "plain"


app = Flask(__name__)
socketio = SocketIO(app, plugins=[Presence, Plain()])
assert_type(socketio.plugin(Presence), Presence)
assert_type(socketio.plugin(Presence).settings, Settings)
assert_type(socketio.plugin(Plain).settings, NoSettings)
assert_type(socketio.plugins, Mapping[str, PluginInfo])

SocketIO(app, plugins=[5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


class Wrong(Presence):
    def namespaces(self) -> Iterable[Any]:
        return [self.settings.timeout]  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
