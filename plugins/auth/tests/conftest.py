"""An application with the plugin, and what signs tokens for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask
from framework_auth import Auth, Identity, current_identity, login_required, optional_identity, scopes

from framework import Depends, Namespace, SocketIO, guard
from framework.testing import Client, ClientFactory

SECRET = "a secret of the tests, 32 bytes or more"


@guard(login_required)
class Chat(Namespace):
    """Only for those who have logged in."""

    namespace = "/chat"

    def on_who(self, me: Identity = Depends(current_identity)) -> str:
        return me.id

    @guard(scopes("chat:write"))
    def on_post(self, text: str) -> str:
        return text

    @guard(scopes("chat:write", "chat:admin", "chat:read"))
    def on_purge(self) -> None:
        pass


class Lobby(Namespace):
    """Open to everybody."""

    namespace = "/lobby"

    def on_who(self, me: Identity | None = Depends(optional_identity)) -> str | None:
        return None if me is None else me.id


class Pair:
    """A key of a pair, as PEM."""

    def __init__(self, private: Any) -> None:
        self.private: str = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = private.public_key()
        self.public: str = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="session")
def rsa_pair() -> Pair:
    return Pair(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="session")
def other_pairs() -> dict[str, Pair]:
    """By the algorithm that goes with them."""
    return {
        "ES256": Pair(ec.generate_private_key(ec.SECP256R1())),
        "ES384": Pair(ec.generate_private_key(ec.SECP384R1())),
        "EdDSA": Pair(ed25519.Ed25519PrivateKey.generate()),
    }


MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app() -> Iterator[MakeApp]:
    """Makes applications with `Chat` and `Lobby`; settings of the plugin by their lower-case names."""
    made: list[Flask] = []

    def make(auth: Auth | type[Auth] = Auth, *namespaces: type[Namespace], **settings: Any) -> Flask:
        app = Flask("chat")
        app.testing = True
        app.secret_key = "only for tests"
        if not {"jwt_public_key", "jwt_jwks_url"} & settings.keys():
            settings = {"jwt_secret": SECRET, **settings}
        app.config.update({f"FRAMEWORK_AUTH_{name.upper()}": value for name, value in settings.items()})
        SocketIO(app, namespaces=[Chat, Lobby, *namespaces], plugins=[auth])
        made.append(app)
        return app

    yield make
    for app in made:
        plugin_of(app).close()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """With a secret, and everything else as it is by default."""
    return make_app()


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Connects clients of any application, and drops them when the test ends."""
    made: list[ClientFactory] = []

    def open_client(app: Flask, namespace: Any = Chat, **options: Any) -> Client:
        made.append(ClientFactory(app))
        return made[-1](namespace, **options)

    yield open_client
    for factory in made:
        factory.close()


def plugin_of(app: Flask) -> Auth:
    auth: Auth = app.extensions["socketio"].plugin(Auth)
    return auth
