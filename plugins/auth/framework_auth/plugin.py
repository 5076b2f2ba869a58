"""`Auth`, the plugin: what a client shows at connect becomes an `Identity`, which each of its events is checked against."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import flask
from blinker import NamedSignal
from pydantic import BaseModel, SecretStr

from framework import EventError, Handling, Middleware, Plugin, PluginError, Proceed
from framework.limits import find_setting
from framework.signals import client_disconnected, client_refused, server_stopped

from .clients import Clients
from .identity import Identity
from .revocations import RedisChannel, Revocation, RevocationTable
from .sessions import can_read_session, read_session
from .settings import Settings
from .tokens import Proof, Verifier, read_keys

logger = logging.getLogger("framework.auth")

_REDIS = ("redis://", "rediss://", "unix://")


class Refresh(BaseModel):
    """A new token, in the place of the one that ends."""

    token: SecretStr


class Refreshed(BaseModel):
    """Until when the client may stay, in seconds since 1970; null where nothing ends it."""

    expires_at: int | None


class Auth(Plugin[Settings]):
    """Who a client is: JWT and Flask-Login, at connect, for every event, until it expires or is revoked.

    Args:
        identify: Takes the `Identity` that was read and returns it, or one of your own class with more in it; None
            refuses the client with ``unauthorized``. It is called at connect and at refresh, in Flask's context, and may
            raise an `EventError`.
        settings: Fields of `Settings`.
    """

    name = "auth"
    essential = True

    def __init__(self, *, identify: Callable[[Identity], Identity | None] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._identify = identify
        self._verifier: Verifier | None = None
        self._channel: RedisChannel | None = None

    def init(self, socketio: Any, app: flask.Flask) -> None:
        keys = read_keys(self.settings)
        if keys is None and not can_read_session(self.settings):
            raise PluginError(
                "nothing tells who a client is. Set FRAMEWORK_AUTH_JWT_SECRET, FRAMEWORK_AUTH_JWT_PUBLIC_KEY or "
                "FRAMEWORK_AUTH_JWT_JWKS_URL for tokens; import flask_login, or set FRAMEWORK_AUTH_SESSION_KEY, for sessions"
            )
        self._verifier = Verifier(keys, self.settings) if keys is not None else None
        self._table = RevocationTable()
        self._clients = Clients(socketio, self._table, self.settings.warn_before_s)
        self._channel = self._open_channel(socketio, app)
        if self.settings.refresh_event:
            socketio.on_event(self.settings.refresh_event, self._make_refresh(), namespace="*")

    def middleware(self) -> Iterable[Middleware]:
        return (_Identify(self),)

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        return (
            (client_disconnected, self._on_gone),
            (client_refused, self._on_gone),
            (server_stopped, lambda app, **extra: self.close()),
        )

    # -- for applications

    def revoke(
        self,
        *,
        token_id: str | None = None,
        identity_id: str | None = None,
        before: float | None = None,
        until: float | None = None,
    ) -> None:
        """Take back one token, or all of an identity: its clients are told and disconnected, in every process.

        Args:
            token_id: The token's ``jti``.
            identity_id: `Identity.id`: every token of it that was issued before *before* (``iat``; a token without one
                counts as old), and every client that came with its session before.
            before: Seconds since 1970, now by default. Most issuers write whole seconds: to issue a new token right
                after, pass ``int(time.time())``.
            until: The end of what it is about, in seconds since 1970: the token's ``exp``. It is forgotten after that and
                the leeway. Default: now and ``FRAMEWORK_AUTH_REVOCATION_TTL_S``.

        Raises:
            TypeError: Neither a token nor an identity is named, or both.
            RevocationError: Redis could not be told; this process knows it.
        """
        if (token_id is None) == (identity_id is None):
            raise TypeError("revoke takes one of token_id= and identity_id=.")
        now = time.time()
        end = now + self.settings.revocation_ttl_s if until is None else until
        revocation = Revocation(
            token_id=token_id,
            identity_id=identity_id,
            before=now if before is None else before,
            until=end + self.settings.jwt_leeway_s,
        )
        self._take([revocation])
        if self._channel is not None:
            self._channel.tell(revocation)

    def find_identity(self, sid: str) -> Identity | None:
        """Return who a client of this process is, by its sid; None where that is not known."""
        return self._clients.find(sid)

    def close(self) -> None:
        """End the background tasks; the server does it when it stops. The next client starts them again."""
        self._clients.stop()
        if self._channel is not None:
            self._channel.stop()

    # -- inside

    def _open_channel(self, socketio: Any, app: flask.Flask) -> RedisChannel | None:
        given = self.settings.revocation_url
        queue = socketio.server_options.get("message_queue") or find_setting(app.config, "MESSAGE_QUEUE") or ""
        url = given.get_secret_value() if given else str(queue)
        if url.startswith("valkey"):
            url = "redis" + url.removeprefix("valkey")
        if not url:
            return None
        if not url.startswith(_REDIS):
            if given:
                raise PluginError(
                    "FRAMEWORK_AUTH_REVOCATION_URL is no address of Redis, e.g. 'redis://localhost:6379/0'"
                )
            logger.warning(
                "what is revoked is known in one process only: set FRAMEWORK_AUTH_REVOCATION_URL to a Redis."
            )
            return None
        if importlib.util.find_spec("redis") is None:
            raise PluginError(
                "revocations go through Redis, and its client is not installed: pip install 'framework-auth[redis]'"
            )
        if socketio.async_mode == "gevent" and not _is_patched():
            raise PluginError(
                "revocations go through Redis, which would stop all greenlets. Start with 'framework run --async-mode "
                "gevent', or call gevent.monkey.patch_all() before anything else is imported"
            )
        return RedisChannel(url, self.settings.revocation_prefix, self._take)

    def _take(self, revocations: list[Revocation]) -> None:
        for revocation in revocations:
            self._table.add(revocation)
        if revocations:
            self._clients.end_revoked()

    def _on_gone(self, app: flask.Flask, *, sid: str, **extra: object) -> None:
        self._clients.drop(sid)

    def _make_refresh(self) -> Callable[[Refresh], Refreshed]:
        def auth_refresh(refresh: Refresh) -> Refreshed:
            """Go on with a new token of the same identity, on the same connection."""
            if self._verifier is None:
                raise EventError("forbidden", "Tokens are not used here.")
            sid: str = getattr(flask.request, "sid")  # noqa: B009 - Flask's own type does not know it
            proof = self._make_known(self._verifier.verify(refresh.token.get_secret_value()))
            self._clients.renew(sid, proof)
            flask.g.identity = proof.identity
            return Refreshed(expires_at=proof.identity.expires_at)

        auth_refresh.__qualname__ = "Auth.refresh"  # as `framework routes` shows it
        return auth_refresh

    def _authenticate(self, handling: Handling) -> Proof | None:
        """Return who the client is, or None where it shows nothing.

        Raises:
            EventError: What it shows is not valid, or it has to show something (``unauthorized``).
        """
        if self._channel is not None:
            self._channel.start(self.socketio.start_background_task, self.socketio.server.eio.create_event)
            self._channel.require()
        token = _find_token(handling.args) if self._verifier is not None else None
        if token is not None and self._verifier is not None:
            return self._make_known(self._verifier.verify(token))
        proof = read_session(self.settings)
        if proof is not None:
            return self._make_known(proof)
        if self.settings.required and handling.namespace not in self.settings.public_namespaces:
            raise EventError("unauthorized", "Log in first.")
        return None

    def _make_known(self, proof: Proof) -> Proof:
        """Let the application say what it knows of the identity."""
        if self._identify is None:
            return proof
        found = self._identify(proof.identity)
        if found is None:
            raise EventError("unauthorized", "Log in first.")
        if not isinstance(found, Identity):
            raise TypeError(f"Auth(identify=...) returned {type(found).__name__}; it returns an Identity, or None.")
        ends_at = proof.ends_at
        if found.expires_at != proof.identity.expires_at:
            ends_at = None if found.expires_at is None else float(found.expires_at)
        return replace(proof, identity=found, ends_at=ends_at)


class _Identify(Middleware):
    """Puts who the client is into ``flask.g.identity``."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._clients = auth._clients

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        proof = self._auth._authenticate(handling)
        flask.g.identity = None
        if proof is None:
            return proceed()
        self._clients.add(handling.sid, handling.namespace, proof)
        flask.g.identity = proof.identity
        verdict: Any = False
        try:
            verdict = proceed()
        finally:
            if verdict is False:
                self._clients.drop(handling.sid)
        return verdict

    def event(self, handling: Handling, proceed: Proceed) -> Any:
        flask.g.identity = self._clients.check(handling.sid)
        return proceed()

    def disconnect(self, handling: Handling, proceed: Proceed) -> Any:
        flask.g.identity = self._clients.find(handling.sid)
        return proceed()


def _find_token(args: tuple[Any, ...]) -> object:
    """Return what the client sent as a token, whatever it is: in ``auth``, else in a header; None where it sent none."""
    sent = args[0] if args else None
    if isinstance(sent, Mapping) and (token := sent.get("token")) is not None:
        return token
    scheme, _, credentials = flask.request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _is_patched() -> bool:
    from gevent import monkey

    return bool(monkey.is_module_patched("socket"))
