"""For tests of applications: tokens that the application accepts."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import flask
import jwt

from .plugin import Auth
from .tokens import OneKey, read_keys


def make_token(
    app: flask.Flask,
    identity_id: str,
    *,
    scopes: Iterable[str] = (),
    expires_in_s: float = 3600,
    private_key: str | None = None,
    **claims: Any,
) -> str:
    """Return a token as *app* expects it: ``framework_client(Chat, auth={"token": make_token(app, "ada")})``.

    Args:
        identity_id: The ``id`` of the identity.
        scopes: Its scopes.
        expires_in_s: Negative for one that has expired.
        private_key: The other half of ``FRAMEWORK_AUTH_JWT_PUBLIC_KEY``, as PEM.
        claims: More of them, or others in the place of those made here; None leaves one out.

    Raises:
        ValueError: There is nothing to sign with.
    """
    settings = app.extensions["socketio"].plugin(Auth).settings
    keys = read_keys(settings)
    if not isinstance(keys, OneKey) or (private_key is None and settings.jwt_secret is None):
        raise ValueError("make_token signs with FRAMEWORK_AUTH_JWT_SECRET, or with private_key= for a public key.")
    now = time.time()
    made = {
        settings.jwt_id_claim: identity_id,
        settings.jwt_scopes_claim: " ".join(scopes),
        "iat": int(now),
        "exp": int(now + expires_in_s),
        "iss": settings.jwt_issuer,
        "aud": next(iter(settings.jwt_audience), None),
    }
    content = {name: value for name, value in {**made, **claims}.items() if value is not None}
    return jwt.encode(content, private_key or keys.key, algorithm=keys.algorithms[0])
