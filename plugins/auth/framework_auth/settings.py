"""What the operator can set: each field is ``FRAMEWORK_AUTH_<FIELD>`` in ``app.config`` or the environment."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, NonNegativeFloat, PositiveFloat, SecretStr

from framework.handlers import RESERVED_EVENTS


def _split(value: Any) -> Any:
    """Return the parts of a text with commas; anything else is left to the field."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_event(name: str) -> str:
    if name in RESERVED_EVENTS or name == "*":
        raise ValueError("Socket.IO reserves this name")
    return name


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Settings(BaseModel):
    """The settings of `Auth`. At most one of ``jwt_secret``, ``jwt_public_key`` and ``jwt_jwks_url`` is set."""

    jwt_secret: SecretStr | None = None
    """Verifies HS256, HS384 or HS512; at least as many bytes as the hash has: 32, 48 or 64."""
    jwt_public_key: str | None = None
    """A public key as PEM: RSA (2048 bits or more), an elliptic curve or Ed25519."""
    jwt_jwks_url: str | None = None
    """Where the issuer publishes its public keys, as JSON Web Key Set; fetched at the first token and kept 300 s."""
    jwt_algorithms: Names = ()
    """What is accepted; a list, or a text with commas. Default: HS256 for a secret, RS256 for RSA, else the key's own."""
    jwt_audience: Names = ()
    """Who a token has to be for, any of these. A token that names an audience is refused where this is empty."""
    jwt_issuer: str | None = None
    """Who it has to be from; not looked at when unset."""
    jwt_leeway_s: NonNegativeFloat = Field(10.0, le=300)
    """How far the clocks of the issuer and of this machine may be apart; tokens are good for so much longer."""
    jwt_id_claim: str = Field("sub", min_length=1)
    """The claim that is the identity's ``id``."""
    jwt_scopes_claim: str = Field("scope", min_length=1)
    """The claim with its scopes: a text with spaces, or a list."""
    flask_login: bool = True
    """Without a token, ask Flask-Login, where the application uses it."""
    session_key: str | None = Field(None, min_length=1)
    """Without a token, take ``session[...]`` as the identity's ``id``."""
    required: bool = False
    """Refuse every client of whom nobody knows who it is."""
    public_namespaces: Names = ()
    """Paths that stay open nevertheless; a list, or a text with commas."""
    warn_before_s: NonNegativeFloat = 60.0
    """How long before its end a client gets ``auth_expiring``, in the second half of its time at the earliest; 0 is never."""
    refresh_event: Annotated[str, AfterValidator(_check_event)] = "auth_refresh"
    """The event that takes a new token, on every namespace; empty is none."""
    revocation_url: SecretStr | None = None
    """The Redis that tells all processes what is revoked. Default: that of ``FRAMEWORK_MESSAGE_QUEUE``, if it is one."""
    revocation_prefix: str = Field("framework-auth", min_length=1)
    """Begins the names of what is kept there; applications that share a Redis need one each."""
    revocation_ttl_s: PositiveFloat = 30 * 86400.0
    """How long a revocation is remembered, unless `Auth.revoke` is told; the longest life of a token."""
