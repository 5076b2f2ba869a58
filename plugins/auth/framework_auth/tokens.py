"""From a token that a client sent to who it is: keys with the algorithms that go with them, and the claims.

What is wrong with a token is in the log, by its name; the client learns whether it has expired, and no more. Nobody is
shown the token.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from framework import EventError, PluginError

from .identity import Identity
from .settings import Settings

logger = logging.getLogger("framework.auth")

MAX_TOKEN_CHARS = 16_384
JWKS_TIMEOUT_S = 5.0
MIN_RSA_BITS = 2048

_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512", "secp256k1": "ES256K"}
_PUBLIC = frozenset({*_RSA, *_CURVES.values(), "EdDSA"})
_PREFIX = "FRAMEWORK_AUTH_"


@dataclass(frozen=True)
class Proof:
    """What is known of a client.

    Args:
        token_id: The token's ``jti``, if it has one.
        since: When it was issued, in seconds since 1970; 0 where a token does not say.
        ends_at: Until when it is good, the leeway included; None is for ever.
    """

    identity: Identity
    token_id: str | None
    since: float
    ends_at: float | None


class Keys(Protocol):
    """Where the key for a token comes from."""

    def find(self, token: str) -> tuple[Any, Sequence[str]]:
        """Return a key, and the algorithms that it may be used with."""
        ...


@dataclass(frozen=True)
class OneKey:
    """The same key for every token."""

    key: Any
    algorithms: tuple[str, ...]

    def find(self, token: str) -> tuple[Any, Sequence[str]]:
        return self.key, self.algorithms


class KeySet:
    """The keys that the issuer publishes; an unknown one makes it look again, at most every 30 s.

    Args:
        algorithms: What is accepted; empty is what each key says of itself.
    """

    def __init__(self, url: str, algorithms: tuple[str, ...]) -> None:
        self._client = jwt.PyJWKClient(url, timeout=JWKS_TIMEOUT_S)
        self._algorithms = frozenset(algorithms or _PUBLIC)

    def find(self, token: str) -> tuple[Any, Sequence[str]]:
        try:
            key = self._client.get_signing_key_from_jwt(token)
        except jwt.PyJWKClientConnectionError as error:
            logger.error("the keys at %s can't be fetched: %s", self._client.uri, error)
            raise EventError("unavailable", "Try again later.", retry_after=JWKS_TIMEOUT_S) from error
        own = {key.algorithm_name} & _PUBLIC  # a shared secret in a public place is none
        return key, sorted(own & self._algorithms)


def read_keys(settings: Settings) -> Keys | None:
    """Return what verifies tokens; None where there are none to expect.

    Raises:
        PluginError: The keys, or the algorithms, can't work.
    """
    given = [name for name in ("jwt_secret", "jwt_public_key", "jwt_jwks_url") if getattr(settings, name)]
    if len(given) > 1:
        names = " and ".join(_PREFIX + name.upper() for name in given)
        raise PluginError(f"{names} are both set. A token is verified in one way; remove the others.")
    if settings.jwt_secret:
        return _read_secret(settings.jwt_secret.get_secret_value(), settings.jwt_algorithms)
    if settings.jwt_public_key:
        return _read_public_key(settings.jwt_public_key, settings.jwt_algorithms)
    if settings.jwt_jwks_url:
        return _read_key_set(settings.jwt_jwks_url, settings.jwt_algorithms)
    return None


def _read_secret(secret: str, algorithms: tuple[str, ...]) -> OneKey:
    if "-----BEGIN" in secret or secret.startswith(("ssh-", "ecdsa-")):
        raise PluginError(
            f"{_PREFIX}JWT_SECRET holds a key of a pair, which is no secret. Put the public one into {_PREFIX}JWT_PUBLIC_KEY."
        )
    chosen = _choose(algorithms, ("HS256",), tuple(_SECRET_BYTES), "a secret")
    needed, found = max(_SECRET_BYTES[name] for name in chosen), len(secret.encode())
    if found < needed:
        raise PluginError(
            f"{_PREFIX}JWT_SECRET has {found} bytes; {', '.join(chosen)} needs {needed} or more (RFC 7518, 3.2). "
            f"Make one: python -c 'import secrets; print(secrets.token_urlsafe({needed}))'."
        )
    return OneKey(secret, chosen)


def _read_public_key(text: str, algorithms: tuple[str, ...]) -> OneKey:
    if "PRIVATE KEY" in text:
        raise PluginError(
            f"{_PREFIX}JWT_PUBLIC_KEY holds a private key. Only the issuer needs it; put the public one here."
        )
    try:
        key = load_pem_public_key(text.replace("\\n", "\n").strip().encode())  # one line, as environments like it
    except Exception as error:
        raise PluginError(f"{_PREFIX}JWT_PUBLIC_KEY is no public key as PEM ('-----BEGIN PUBLIC KEY-----').") from error
    kind, known = _describe_key(key)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise PluginError(f"{_PREFIX}JWT_PUBLIC_KEY has {key.key_size} bits; RSA needs {MIN_RSA_BITS} or more.")
    return OneKey(key, _choose(algorithms, known[:1], known, kind))


def _describe_key(key: Any) -> tuple[str, tuple[str, ...]]:
    """Return the kind of a public key, and the algorithms that go with it."""
    if isinstance(key, rsa.RSAPublicKey):
        return "an RSA key", _RSA
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return f"a key on {key.curve.name}", (_CURVES[key.curve.name],)
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return "an Edwards key", ("EdDSA",)
    raise PluginError(f"{_PREFIX}JWT_PUBLIC_KEY is of a kind that no token is signed with: {type(key).__name__}.")


def _read_key_set(url: str, algorithms: tuple[str, ...]) -> KeySet:
    _choose(algorithms, (), tuple(sorted(_PUBLIC)), "public keys")
    if not url.startswith(("https://", "http://")):
        raise PluginError(
            f"{_PREFIX}JWT_JWKS_URL is {url!r}; it is an address, e.g. 'https://login.example/keys.json'."
        )
    return KeySet(url, algorithms)


def _choose(asked: tuple[str, ...], default: tuple[str, ...], known: tuple[str, ...], kind: str) -> tuple[str, ...]:
    for name in asked:
        if name not in known:
            raise PluginError(
                f"{_PREFIX}JWT_ALGORITHMS has {name!r}, which does not go with {kind}. There are: {', '.join(known)}."
            )
    return asked or default


class Verifier:
    """Turns tokens into who their clients are."""

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._settings = settings
        self._decode = functools.partial(
            jwt.decode,
            audience=settings.jwt_audience or None,
            issuer=settings.jwt_issuer,
            leeway=settings.jwt_leeway_s,
            options={"require": ["exp", settings.jwt_id_claim]},
        )

    def verify(self, token: object) -> Proof:
        """Return who *token* is for.

        Args:
            token: Whatever the client sent as one.

        Raises:
            EventError: It is not valid, or no longer (``unauthorized``), or the issuer's keys can't be fetched
                (``unavailable``).
        """
        try:
            if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARS:
                raise ValueError("no text, or too long")
            key, algorithms = self._keys.find(token)
            return self._read(self._decode(token, key=key, algorithms=algorithms))
        except EventError:
            raise
        except jwt.ExpiredSignatureError as error:
            raise EventError("unauthorized", "The token has expired.") from error
        except Exception as error:  # a signed token may still hold anything, and an unsigned one even more
            logger.info("a token was refused: %s", type(error).__name__)
            raise EventError("unauthorized", "The token is not valid.") from error

    def _read(self, claims: Mapping[str, Any]) -> Proof:
        expires_at = int(claims["exp"])
        identity = Identity(
            id=_read_id(claims[self._settings.jwt_id_claim]),
            scopes=_read_scopes(claims.get(self._settings.jwt_scopes_claim)),
            claims=claims,
            expires_at=expires_at,
        )
        since = float(claims.get("iat") or 0)
        return Proof(identity, claims.get("jti"), since, expires_at + self._settings.jwt_leeway_s)


def _read_id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("the claim with the id is neither text nor a whole number")
    return str(value)


def _read_scopes(value: object) -> frozenset[str]:
    names = value.split() if isinstance(value, str) else value or ()
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ValueError("the claim with the scopes is neither a text nor a list of texts")
    return frozenset(names)
