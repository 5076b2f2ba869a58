from __future__ import annotations

import pytest
from flask import Flask
from framework import Namespace, SocketIO
from framework.testing import ClientFactory, ConnectRefused

from {{ cookiecutter.package }} import {{ cookiecutter.class_name }}


class Lobby(Namespace):
    namespace = "/lobby"

    def on_hello(self) -> str:
        return "hello"


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config["{{ cookiecutter.prefix }}MAX_CLIENTS"] = 1
    app.testing = True
    SocketIO(app, namespaces=[Lobby], plugins=[{{ cookiecutter.class_name }}])
    return app


def test_client_is_let_in_while_there_is_room(framework_client: ClientFactory) -> None:
    assert framework_client(Lobby).call(Lobby.on_hello) == "hello"


def test_client_is_refused_when_the_server_is_full(framework_client: ClientFactory) -> None:
    framework_client(Lobby)
    with pytest.raises(ConnectRefused) as refused:
        framework_client(Lobby)
    assert refused.value.code == "server_full"


def test_client_that_leaves_makes_room(framework_client: ClientFactory) -> None:
    framework_client(Lobby).disconnect()
    assert framework_client(Lobby).connected
