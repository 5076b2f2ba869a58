"""The official JavaScript client and real servers: connect, warning, refresh, end; revocation across processes."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.live import LiveServer, child_environment
from tests.node_client import JavaScript

from .conftest import SECRET
from .test_auth_revocations import Redis, broker, listening

__all__ = ["broker"]

APP = Path(__file__).with_name("live_app.py")
PLUGIN = APP.parent.parent
DEADLINE_S = 15.0

pytestmark = pytest.mark.wire

Serve = Callable[..., LiveServer]


def token(account: str = "ada", *, expires_in_s: float = 600, **claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"sub": account, "iat": now, "exp": int(now + expires_in_s), **claims}, SECRET, algorithm="HS256")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers of the application; settings of the plugin by their lower-case names."""
    running: list[LiveServer] = []

    def start(async_mode: str, **settings: object) -> LiveServer:
        path = os.pathsep.join([child_environment()["PYTHONPATH"], str(PLUGIN)])
        env = {f"FRAMEWORK_AUTH_{name.upper()}": str(value) for name, value in settings.items()}
        env = {"FRAMEWORK_AUTH_JWT_SECRET": SECRET, **env, "PYTHONPATH": path}
        running.append(LiveServer(APP, async_mode=async_mode, script=True, env=env))
        running[-1].start()
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def js() -> Iterator[JavaScript]:
    with JavaScript(timeout_s=DEADLINE_S) as javascript:
        yield javascript


@pytest.fixture(params=["threading", "gevent"])
def mode(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def wait_for_state(server: LiveServer, **wanted: int) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while wanted.items() - (state := json.loads(server.get("/state"))).items():
        assert time.monotonic() < deadline_s, state


def test_client_connects_is_warned_refreshes_and_later_ends(serve: Serve, js: JavaScript, mode: str) -> None:
    server = serve(mode, jwt_leeway_s=0, warn_before_s=30)
    ada = js.connect(server.url, "/chat", auth={"token": token(expires_in_s=6)})
    assert ada.refused is None
    ((warning,),) = ada.wait_for("auth_expiring")
    assert 0 < warning["expires_in_s"] <= 6
    (error,) = ada.call("post", "hi")
    assert error["error"]["code"] == "forbidden"
    assert error["error"]["details"] == {"scopes": ["chat:write"]}
    (ack,) = ada.call("auth_refresh", {"token": token(expires_in_s=9, scope="chat:write")})
    assert ack["expires_at"] > warning["expires_at"]
    assert ada.call("post", "hi") == ["ada: hi"]
    _, (again,) = ada.wait_for("auth_expiring", count=2)
    assert again["expires_at"] == ack["expires_at"]
    assert ada.wait_for("auth_ended") == [[{"reason": "expired"}]]
    assert ada.wait_disconnected() == "io server disconnect"
    assert len(ada.wait_connected()) == 1  # the same connection, all the while
    server.wait_for_log("ada left: server disconnect.")
    wait_for_state(server, clients=0, due=0)


def test_client_without_a_token_or_with_a_bad_one_gets_a_connect_error(serve: Serve, js: JavaScript, mode: str) -> None:
    server = serve(mode)
    for auth in (None, {}, {"token": None}, [1], "s"):
        assert js.connect(server.url, "/chat", auth=auth).refused == {
            "message": "Log in first.",
            "data": {"code": "unauthorized"},
        }
    for bad in ("x", 5, [1], token(expires_in_s=600) + "x", "x" * 900_000):
        assert js.connect(server.url, "/chat", auth={"token": bad}).refused == {
            "message": "The token is not valid.",
            "data": {"code": "unauthorized"},
        }
    expired = js.connect(server.url, "/chat", auth={"token": token(expires_in_s=-60)})
    assert expired.refused is not None
    assert expired.refused["message"] == "The token has expired."
    wait_for_state(server, clients=0, due=0)
    assert "Traceback" not in server.logs


def test_token_may_come_as_a_header(serve: Serve, js: JavaScript) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    ada = js.connect(serve("threading").url, "/chat", extraHeaders=headers)
    assert ada.call("who") == ["ada"]


def test_login_page_and_its_cookie_let_a_client_in(serve: Serve, js: JavaScript, mode: str) -> None:
    server = serve(mode)
    with urllib.request.urlopen(f"{server.url}/login/ada") as response:
        cookie = response.headers["Set-Cookie"].partition(";")[0]
    ada = js.connect(server.url, "/chat", extraHeaders={"Cookie": cookie})
    assert ada.call("who") == ["ada"]
    assert js.connect(server.url, "/chat").refused is not None


def test_many_clients_expire_with_one_task(serve: Serve, js: JavaScript) -> None:
    server = serve("threading", jwt_leeway_s=0, warn_before_s=0)
    shared = token(expires_in_s=8)
    clients = [js.connect(server.url, "/chat", auth={"token": shared}) for _ in range(10)]
    assert [client.wait_for("auth_ended") for client in clients] == [[[{"reason": "expired"}]]] * 10
    assert {client.wait_disconnected() for client in clients} == {"io server disconnect"}
    wait_for_state(server, clients=0, due=0)


def test_revocation_in_one_process_ends_the_client_of_another(
    serve: Serve, js: JavaScript, mode: str, broker: Redis
) -> None:
    here, there = (serve(mode, revocation_url=broker.url) for _ in range(2))
    stolen, own = token(jti="stolen"), token(jti="own")
    eve = js.connect(there.url, "/chat", auth={"token": stolen})
    ada = js.connect(there.url, "/chat", auth={"token": own})
    listening(broker, 1)
    assert here.get("/revoke/stolen") == "revoked"
    assert eve.wait_for("auth_ended") == [[{"reason": "revoked"}]]
    assert eve.wait_disconnected() == "io server disconnect"
    assert ada.call("who") == ["ada"]
    for server in (here, there):
        refused = js.connect(server.url, "/chat", auth={"token": stolen}).refused
        assert refused == {"message": "The token was revoked.", "data": {"code": "unauthorized"}}
    assert js.connect(here.url, "/chat", auth={"token": own}).refused is None


def test_server_with_clients_and_redis_stops_politely(serve: Serve, js: JavaScript, mode: str, broker: Redis) -> None:
    server = serve(mode, revocation_url=broker.url)
    js.connect(server.url, "/chat", auth={"token": token()})
    listening(broker, 1)
    process = server._running()
    server.stop(timeout_s=DEADLINE_S)
    assert process.returncode in (0, -15)
    assert "Traceback" not in server.logs
