"""Real servers, the official JavaScript client, and Redis, which these tests start themselves."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import Flask
from framework_rate_limit import RateLimit
from framework_rate_limit.buckets import FallibleBuckets, Strategy
from framework_rate_limit.rates import parse_rates
from framework_rate_limit.settings import Settings, build_buckets
from framework_rate_limit.stores import RedisStore

from framework import EventError, Namespace, SocketIO
from framework.testing import Client
from tests.live import HOST, LiveServer, accepts_connections, child_environment, free_port
from tests.node_client import run_node

HERE = Path(__file__).parent
PACKAGE = HERE.parent
STRATEGIES: list[Strategy] = ["fixed-window", "moving-window", "sliding-window-counter"]
OFF = {"per_connection": "", "connects_per_address": ""}
DEADLINE_S = 15.0


def serve(async_mode: str, **settings: str) -> LiveServer:
    path = os.pathsep.join([str(PACKAGE), child_environment()["PYTHONPATH"]])
    given = {f"FRAMEWORK_RATE_LIMIT_{name.upper()}": value for name, value in settings.items()}
    return LiveServer(HERE / "limited_app.py", async_mode=async_mode, script=True, env={"PYTHONPATH": path, **given})


def run_client(what: str, *servers: LiveServer) -> dict[str, Any]:
    return run_node(str(HERE / "limited.cjs"), what, *(server.url for server in servers))


class Redis:
    """A Redis of one test."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", HOST, "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + DEADLINE_S
        while not accepts_connections(HOST, self.port):
            assert self._process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline, "redis-server does not listen"

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def redis() -> Iterator[Redis]:
    server = Redis()
    server.start()
    yield server
    server.stop()


# -- the official client


@pytest.mark.wire
@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_client_that_waits_as_long_as_it_is_told_gets_through(async_mode: str, strategy: str) -> None:
    with serve(async_mode, per_connection="3/second", strategy=strategy) as server:
        found = run_client("post", server)
    assert found["passed"][0] >= 3
    assert found["refused"]["code"] == "rate_limited"
    assert found["refused"]["retry_after"] > 0
    assert found["again"] is None


@pytest.mark.wire
@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_a_decorated_event_refuses_and_lets_through_again(async_mode: str) -> None:
    with serve(async_mode) as server:
        found = run_client("marked", server)
    assert (found["refused"]["code"], found["refused"]["event"]) == ("rate_limited", "marked")
    assert found["again"] is None


@pytest.mark.wire
@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
def test_a_connect_behind_a_proxy_is_refused_by_the_clients_own_address(async_mode: str) -> None:
    with serve(async_mode, connects_per_address="3/second") as server:
        found = run_client("connect", server)
    assert found["passed"][0] >= 3
    assert found["refused"]["code"] == "rate_limited"
    assert found["refused"]["message"].startswith("Too many connects.")
    assert found["again"] is None


# -- Redis


@pytest.mark.wire
@pytest.mark.parametrize("async_mode", ["threading", "gevent"])
@pytest.mark.parametrize("scope", ["per_user", "per_address"])
def test_two_processes_share_a_limit(redis: Redis, async_mode: str, scope: str) -> None:
    settings = {"storage_url": redis.url, "strategy": "moving-window", scope: "5/3 seconds"}
    with serve(async_mode, **settings) as one, serve(async_mode, **settings) as other:
        found = run_client("post", one, other)
    assert all(0 < passed < 5 for passed in found["passed"])
    assert found["refused"]["code"] == "rate_limited"
    assert found["again"] is None


@pytest.mark.wire
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_wait_is_true_with_redis_too(redis: Redis, strategy: str) -> None:
    with serve("threading", storage_url=redis.url, strategy=strategy, per_user="3/second") as server:
        assert run_client("post", server)["again"] is None


class Chat(Namespace):
    def on_post(self, text: str) -> str:
        return text


def build(redis: Redis, **settings: str) -> Flask:
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="for tests only")
    given: dict[str, Any] = {**OFF, "per_user": "2/month", "storage_url": redis.url, **settings}
    SocketIO(app, namespaces=[Chat], plugins=[RateLimit(user=lambda: flask.request.headers["User"], **given)])
    return app


def post(client: Client) -> str:
    try:
        client.call("post", "hi")
    except EventError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_applications_share_a_limit(redis: Redis, strategy: str) -> None:
    first, second = (Client(build(redis, strategy=strategy), headers={"User": "ada"}) for _ in range(2))
    assert [post(first), post(second), post(second), post(first)] == ["ok", "ok", "rate_limited", "rate_limited"]


def test_the_broker_is_the_store_where_nothing_else_is_said(redis: Redis) -> None:
    queue = {"FRAMEWORK_MESSAGE_QUEUE": redis.url}
    assert isinstance(build_buckets(Settings(), queue, None, "threading"), FallibleBuckets)
    assert isinstance(build_buckets(Settings(), {}, redis.url, "threading"), FallibleBuckets)
    assert not isinstance(build_buckets(Settings(storage_url="memory://"), queue, None, "threading"), FallibleBuckets)
    assert not isinstance(build_buckets(Settings(), {}, "amqp://localhost", "threading"), FallibleBuckets)


def test_events_of_a_connection_ask_no_redis(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    app = build(redis, per_user="", per_connection="2/month")
    redis.stop()
    client = Client(app, headers={"User": "ada"})
    assert [post(client) for _ in range(3)] == ["ok", "ok", "rate_limited"]
    assert caplog.messages == []


@pytest.mark.parametrize(("policy", "code"), [("allow", "ok"), ("refuse", "unavailable")])
def test_a_dead_redis_is_logged_once_and_used_again_when_it_is_back(
    redis: Redis, caplog: pytest.LogCaptureFixture, policy: str, code: str
) -> None:
    client = Client(build(redis, on_storage_failure=policy), headers={"User": "ada"})
    assert post(client) == "ok"
    redis.stop()
    assert {post(client) for _ in range(20)} == {code}
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the store of the rate limits does not answer (ConnectionError: ")
    redis.start()
    with caplog.at_level(logging.WARNING):
        deadline = time.monotonic() + DEADLINE_S
        while post(client) != "rate_limited":
            assert time.monotonic() < deadline, caplog.text
    assert caplog.messages[1:] == ["the store of the rate limits answers again."]


@pytest.mark.parametrize(("policy", "code"), [("allow", "ok"), ("refuse", "unavailable")])
def test_a_hanging_redis_does_not_hang_every_event(
    redis: Redis, caplog: pytest.LogCaptureFixture, policy: str, code: str
) -> None:
    # With a wait for each event this test would take more than the limit for a whole test.
    client = Client(build(redis, on_storage_failure=policy, storage_timeout_s="0.5"), headers={"User": "ada"})
    redis.send(signal.SIGSTOP)
    assert {post(client) for _ in range(1000)} == {code}
    assert [message for message in caplog.messages if "TimeoutError" in message] == caplog.messages
    assert len(caplog.messages) == 1
    redis.send(signal.SIGCONT)


def test_a_store_that_failed_is_asked_by_one_client_after_each_pause(redis: Redis) -> None:
    now = [0.0]
    real = build_buckets(Settings(storage_url=redis.url), {}, None, "threading")
    assert isinstance(real.store, RedisStore)
    buckets = FallibleBuckets("fixed-window", real.store, "allow", lambda: now[0])
    (rate,) = parse_rates("1/month")
    redis.stop()
    assert buckets.hit(rate, "ada")
    assert not buckets._take_turn()
    now[0] = 1.0
    assert [buckets._take_turn() for _ in range(3)] == [True, False, False]
    assert buckets.wait_s(rate, "ada") == 0
