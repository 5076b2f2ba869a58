"""What a token has to be to be believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa, x25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from framework_auth import Settings
from framework_auth.testing import make_token
from framework_auth.tokens import MAX_TOKEN_CHARS, KeySet, Verifier, read_keys
from hypothesis import given
from hypothesis import strategies as st

from framework import EventError, PluginError

from .conftest import SECRET, Pair

NOW = int(time.time())
DAY_S = 86_400  # longer than the tests that may run between this line and those below


def verifier(**settings: Any) -> Verifier:
    if not {"jwt_public_key", "jwt_jwks_url"} & settings.keys():
        settings = {"jwt_secret": SECRET, **settings}
    made = Settings(**settings)
    keys = read_keys(made)
    assert keys is not None
    return Verifier(keys, made)


def sign(key: str = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
    content = {"sub": "ada", "exp": NOW + DAY_S, **claims}
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, key, algorithm=algorithm, headers=headers)


def refusal(token: object, made: Verifier | None = None) -> str:
    """Return the message that the client gets."""
    with pytest.raises(EventError) as raised:
        (made or verifier()).verify(token)
    assert raised.value.code == "unauthorized"
    assert raised.value.details is None
    return raised.value.message


def forge(header: dict[str, Any], claims: Any, key: bytes | None = None) -> str:
    """Return a token as somebody writes it who does not use a library."""

    def encode(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    text = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    signature = b"" if key is None else hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{encode(signature)}"


def test_good_token_says_who_it_is_for_and_what_they_may() -> None:
    proof = verifier().verify(sign(scope="chat:read chat:write", jti="t1", iat=NOW, team="blue"))
    assert proof.identity.id == "ada"
    assert proof.identity.scopes == {"chat:read", "chat:write"}
    assert proof.identity.expires_at == NOW + DAY_S
    assert proof.identity.source == "jwt"
    assert proof.identity.claims["team"] == "blue"
    assert (proof.token_id, proof.since) == ("t1", NOW)


def test_scopes_may_be_a_list_in_a_claim_of_another_name() -> None:
    made = verifier(jwt_scopes_claim="scp", jwt_id_claim="uid")
    identity = made.verify(sign(scp=["a", "b"], uid=7)).identity
    assert (identity.id, identity.scopes) == ("7", frozenset({"a", "b"}))


@pytest.mark.parametrize("scope", [5, [1], {"a": "b"}, [None]])
def test_token_whose_scopes_are_none_is_not_valid(scope: object) -> None:
    assert refusal(sign(scope=scope)) == "The token is not valid."


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "ES384", "EdDSA"])
def test_each_kind_of_public_key_verifies_what_its_other_half_signs(
    algorithm: str, rsa_pair: Pair, other_pairs: dict[str, Pair]
) -> None:
    pair = other_pairs.get(algorithm, rsa_pair)
    asked = (algorithm,) if algorithm == "PS512" else ()
    made = verifier(jwt_public_key=pair.public, jwt_algorithms=asked)
    assert made.verify(sign(pair.private, algorithm)).identity.id == "ada"


def test_public_key_on_one_line_is_understood(rsa_pair: Pair) -> None:
    made = verifier(jwt_public_key=rsa_pair.public.replace("\n", "\\n"))
    assert made.verify(sign(rsa_pair.private, "RS256")).identity.id == "ada"


def test_token_signed_with_the_public_key_as_a_secret_is_not_valid(rsa_pair: Pair) -> None:
    made = verifier(jwt_public_key=rsa_pair.public)
    forged = forge({"alg": "HS256", "typ": "JWT"}, {"sub": "root", "exp": NOW + DAY_S}, rsa_pair.public.encode())
    assert refusal(forged, made) == "The token is not valid."


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS384", "HS512", "RS256", "x", None, 5], ids=repr)
def test_token_of_another_algorithm_is_not_valid(algorithm: object) -> None:
    claims = {"sub": "root", "exp": NOW + DAY_S}
    assert refusal(forge({"alg": algorithm}, claims)) == "The token is not valid."
    assert refusal(forge({"alg": algorithm}, claims, SECRET.encode())) == "The token is not valid."


def test_only_algorithms_that_are_asked_for_are_accepted(rsa_pair: Pair) -> None:
    made = verifier(jwt_public_key=rsa_pair.public)
    assert refusal(sign(rsa_pair.private, "RS512"), made) == "The token is not valid."


def test_expired_token_is_said_to_be_expired() -> None:
    assert refusal(sign(exp=NOW - 60)) == "The token has expired."


def test_expired_token_with_a_wrong_signature_is_only_not_valid() -> None:
    assert refusal(sign("another secret of 32 bytes or more", exp=NOW - 60)) == "The token is not valid."


def test_leeway_keeps_a_token_good_for_so_much_longer() -> None:
    now = int(time.time())
    proof = verifier(jwt_leeway_s=120).verify(sign(exp=now - 60))
    assert proof.ends_at == now + 60
    assert proof.identity.expires_at == now - 60


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        pytest.param({"nbf": NOW + DAY_S}, id="nbf of tomorrow"),
        pytest.param({"iat": NOW + DAY_S}, id="iat of tomorrow"),
        {"iat": "soon"},
        {"exp": "soon"},
        {"exp": 1e999},
        {"exp": [1]},
        {"jti": 5},
        {"aud": "another"},
    ],
    ids=str,
)
def test_token_with_such_claims_is_not_valid(claims: dict[str, Any]) -> None:
    assert refusal(sign_anything(claims)) == "The token is not valid."


def sign_anything(claims: dict[str, Any]) -> str:
    content = {"sub": "ada", "exp": NOW + DAY_S, **claims}
    return forge(
        {"alg": "HS256"}, {name: value for name, value in content.items() if value is not None}, SECRET.encode()
    )


def test_audience_and_issuer_have_to_be_those_that_are_configured() -> None:
    made = verifier(jwt_audience="chat, admin", jwt_issuer="https://login.example")
    good: dict[str, Any] = {"aud": ["shop", "admin"], "iss": "https://login.example"}
    assert made.verify(sign(**good)).identity.id == "ada"
    for wrong in ({"aud": "shop"}, {"aud": None}, {"iss": "https://evil.example"}, {"iss": None}, {"iss": 5}):
        assert refusal(sign_anything(good | wrong), made) == "The token is not valid."


@pytest.mark.parametrize("position", [0, 1, 2])
def test_token_that_was_tampered_with_is_not_valid(position: int) -> None:
    parts = sign().split(".")
    parts[position] = ("B" if parts[position][0] == "A" else "A") + parts[position][1:]
    assert refusal(".".join(parts)) == "The token is not valid."


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "x" * (MAX_TOKEN_CHARS + 1),
        "x" * 1_000_000,
        "\ud800",
        "\0",
        "ä.ö.ü",
        5,
        None,
        [],
        {},
        b"x",
        True,
    ],
    ids=repr,
)
def test_what_is_no_token_is_not_valid(token: object) -> None:
    assert refusal(token) == "The token is not valid."


def test_deeply_nested_header_is_not_valid() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 11_000).decode()
    assert refusal(f"{header}.e30.e30") == "The token is not valid."


def test_log_names_what_is_wrong_and_never_the_token(caplog: pytest.LogCaptureFixture) -> None:
    token = sign(aud="another")
    with caplog.at_level(logging.INFO, "framework.auth"):
        refusal(token)
    assert caplog.messages == ["a token was refused: InvalidAudienceError"]
    assert token not in caplog.text


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_claims = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("sub", "exp", "iat", "nbf", "jti", "scope", "aud", "iss"), _json),
)


@given(claims=_claims)
def test_token_with_any_signed_claims_gives_an_identity_or_unauthorized(claims: dict[str, Any]) -> None:
    token = forge({"alg": "HS256"}, claims, SECRET.encode())
    try:
        proof = verifier().verify(token)
    except EventError as error:
        outcome: object = error.code
    else:
        outcome = proof.identity.id
    assert outcome in ("unauthorized", claims.get("sub"))


@given(header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jku", "x"]), _json), claims=_json)
def test_unsigned_token_of_any_shape_is_unauthorized(header: dict[str, Any], claims: object) -> None:
    assert refusal(forge(header, claims)) == "The token is not valid."


# -- keys


def plugin_error(**settings: Any) -> str:
    with pytest.raises(PluginError) as raised:
        read_keys(Settings(**settings))
    return str(raised.value)


def test_short_secret_is_refused_with_the_length_it_needs() -> None:
    assert plugin_error(jwt_secret="changeme") == (
        "FRAMEWORK_AUTH_JWT_SECRET has 8 bytes; HS256 needs 32 or more (RFC 7518, 3.2). "
        "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'."
    )
    assert "HS512 needs 64 or more" in plugin_error(jwt_secret=SECRET, jwt_algorithms=["HS512"])


def test_two_keys_are_refused(rsa_pair: Pair) -> None:
    assert plugin_error(jwt_secret=SECRET, jwt_public_key=rsa_pair.public) == (
        "FRAMEWORK_AUTH_JWT_SECRET and FRAMEWORK_AUTH_JWT_PUBLIC_KEY are both set. "
        "A token is verified in one way; remove the others."
    )


def test_key_of_a_pair_as_secret_is_refused(rsa_pair: Pair) -> None:
    assert plugin_error(jwt_secret=rsa_pair.public) == (
        "FRAMEWORK_AUTH_JWT_SECRET holds a key of a pair, which is no secret. "
        "Put the public one into FRAMEWORK_AUTH_JWT_PUBLIC_KEY."
    )


def test_private_key_as_public_key_is_refused(rsa_pair: Pair) -> None:
    error = plugin_error(jwt_public_key=rsa_pair.private)
    assert (
        error == "FRAMEWORK_AUTH_JWT_PUBLIC_KEY holds a private key. Only the issuer needs it; put the public one here."
    )


def test_key_of_a_kind_that_signs_nothing_is_refused() -> None:
    error = plugin_error(jwt_public_key=Pair(x25519.X25519PrivateKey.generate()).public)
    assert "is of a kind that no token is signed with" in error


@pytest.mark.parametrize("value", [True, 1.5, ["ada"]], ids=repr)
def test_id_that_is_neither_text_nor_a_whole_number_is_not_valid(value: object) -> None:
    assert refusal(sign(uid=value), verifier(jwt_id_claim="uid")) == "The token is not valid."


def test_what_is_no_pem_is_refused() -> None:
    assert "is no public key as PEM" in plugin_error(jwt_public_key="ssh-rsa AAAA")


def test_small_rsa_key_is_refused() -> None:
    small = Pair(rsa.generate_private_key(65537, 1024))
    error = plugin_error(jwt_public_key=small.public)
    assert error == "FRAMEWORK_AUTH_JWT_PUBLIC_KEY has 1024 bits; RSA needs 2048 or more."


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256"])
def test_algorithm_that_does_not_go_with_the_key_is_refused(algorithm: str, rsa_pair: Pair) -> None:
    assert plugin_error(jwt_public_key=rsa_pair.public, jwt_algorithms=algorithm) == (
        f"FRAMEWORK_AUTH_JWT_ALGORITHMS has {algorithm!r}, which does not go with an RSA key. "
        "There are: RS256, RS384, RS512, PS256, PS384, PS512."
    )


def test_none_is_no_algorithm_of_a_secret() -> None:
    assert "does not go with a secret" in plugin_error(jwt_secret=SECRET, jwt_algorithms=("none",))


def test_address_of_keys_that_is_none_is_refused() -> None:
    assert "it is an address" in plugin_error(jwt_jwks_url="file:///etc/passwd")
    assert "does not go with public keys" in plugin_error(jwt_jwks_url="https://x.example", jwt_algorithms="HS256")


# -- keys that the issuer publishes


class Issuer:
    """A server that publishes keys."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                content = json.dumps({"keys": issuer.keys}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys.json"

    def publish(self, pair: Pair, kid: str, algorithm: str) -> None:
        made = jwt.get_algorithm_by_name(algorithm).to_jwk(load_pem_public_key(pair.public.encode()), as_dict=True)
        self.keys.append({**made, "kid": kid, "use": "sig", "alg": algorithm})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.stop()


def test_published_keys_verify_by_their_id(issuer: Issuer, rsa_pair: Pair, other_pairs: dict[str, Pair]) -> None:
    issuer.publish(rsa_pair, "old", "RS256")
    issuer.publish(other_pairs["ES256"], "new", "ES256")
    made = verifier(jwt_jwks_url=issuer.url)
    assert made.verify(sign(rsa_pair.private, "RS256", {"kid": "old"})).identity.id == "ada"
    assert made.verify(sign(other_pairs["ES256"].private, "ES256", {"kid": "new"})).identity.id == "ada"
    assert refusal(sign(rsa_pair.private, "RS512", {"kid": "old"}), made) == "The token is not valid."
    assert issuer.asked == 1


def test_unknown_key_ids_do_not_make_it_ask_the_issuer_again_and_again(issuer: Issuer, rsa_pair: Pair) -> None:
    issuer.publish(rsa_pair, "old", "RS256")
    made = verifier(jwt_jwks_url=issuer.url)
    for number in range(20):
        refusal(sign(rsa_pair.private, "RS256", {"kid": f"made up {number}"}), made)
    assert issuer.asked <= 2


def test_secret_among_published_keys_is_no_key(issuer: Issuer) -> None:
    published = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    issuer.keys.append({"kty": "oct", "k": published, "kid": "s", "alg": "HS256", "use": "sig"})
    assert refusal(sign(headers={"kid": "s"}), verifier(jwt_jwks_url=issuer.url)) == "The token is not valid."


def test_issuer_that_does_not_answer_is_unavailable(issuer: Issuer, rsa_pair: Pair) -> None:
    made = verifier(jwt_jwks_url=issuer.url)
    issuer.stop()
    with pytest.raises(EventError) as raised:
        made.verify(sign(rsa_pair.private, "RS256", {"kid": "old"}))
    assert (raised.value.code, raised.value.retry_after) == ("unavailable", 5.0)


def test_published_keys_can_be_bounded_to_some_algorithms(issuer: Issuer, rsa_pair: Pair) -> None:
    issuer.publish(rsa_pair, "old", "RS256")
    made = verifier(jwt_jwks_url=issuer.url, jwt_algorithms="ES256")
    assert refusal(sign(rsa_pair.private, "RS256", {"kid": "old"}), made) == "The token is not valid."
    assert isinstance(made._keys, KeySet)


# -- tokens for tests


def test_make_token_makes_what_the_application_expects(make_app: Any, connect: Any, rsa_pair: Pair) -> None:
    app = make_app(jwt_public_key=rsa_pair.public, jwt_audience="chat", jwt_issuer="me", jwt_scopes_claim="scp")
    token = make_token(app, "ada", scopes=["chat:write"], private_key=rsa_pair.private)
    assert connect(app, auth={"token": token}).call("post", "hi") == "hi"
    with pytest.raises(ValueError, match="private_key="):
        make_token(app, "ada")


def test_nothing_warns_of_a_key_that_was_accepted() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        verifier().verify(sign())
    assert caught == []
