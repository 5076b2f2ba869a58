"""What is taken back: at once here, and in every other process through Redis."""

from __future__ import annotations

import logging
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from framework_auth import Auth, Identity, RevocationError
from framework_auth.revocations import Revocation, RevocationTable
from framework_auth.testing import make_token
from framework_auth.tokens import Proof
from hypothesis import given
from hypothesis import strategies as st

from framework import EventError, PluginError, SocketIO
from framework.testing import Client, ConnectRefused
from tests.live import HOST, accepts_connections, free_port

from .conftest import SECRET, Chat, Lobby, MakeApp, plugin_of

Connect = Callable[..., Client]
DEADLINE_S = 15.0


class Redis:
    """A Redis of the tests' own, which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed"
        options = [
            "--port",
            str(self.port),
            "--bind",
            HOST,
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        deadline_s = time.monotonic() + DEADLINE_S
        while not accepts_connections(HOST, self.port):
            assert time.monotonic() < deadline_s, "redis-server does not listen"
            assert self._process.poll() is None, "redis-server has ended"

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)  # in case a test left it asleep
            self._process.terminate()
            self._process.wait(DEADLINE_S)
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def client(self) -> Any:
        return redis.Redis.from_url(self.url, decode_responses=True)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Redis]:
    made = Redis(tmp_path)
    made.start()
    yield made
    made.stop()


def refused(connect: Connect, app: Flask, token: str) -> tuple[str, str]:
    with pytest.raises(ConnectRefused) as raised:
        connect(app, Lobby, auth={"token": token})
    return raised.value.code, raised.value.message


def listening(broker: Redis, processes: int) -> None:
    """Return when so many applications hear of revocations."""
    deadline_s = time.monotonic() + DEADLINE_S
    with broker.client() as client:
        while client.pubsub_numsub("framework-auth:revoked")[0][1] < processes:
            assert time.monotonic() < deadline_s, "nobody listens"


# -- in one process


def test_revoked_token_ends_its_clients_and_lets_nobody_in(app: Flask, connect: Connect) -> None:
    first, second = make_token(app, "ada", jti="t1"), make_token(app, "ada", jti="t2")
    ada, other = connect(app, auth={"token": first}), connect(app, auth={"token": second})
    plugin_of(app).revoke(token_id="t1")
    assert ada.wait_for("auth_ended") == {"reason": "revoked"}
    assert refused(connect, app, first) == ("unauthorized", "The token was revoked.")
    assert other.call(Chat.on_who) == "ada"


def test_revoked_identity_ends_all_its_clients_and_no_others(app: Flask, connect: Connect) -> None:
    token = make_token(app, "ada", iat=int(time.time()) - 5)
    ada, again = connect(app, auth={"token": token}), connect(app, Lobby, auth={"token": token})
    bob = connect(app, auth={"token": make_token(app, "bob")})
    plugin_of(app).revoke(identity_id="ada")
    assert ada.wait_for("auth_ended") == again.wait_for("auth_ended") == {"reason": "revoked"}
    assert refused(connect, app, token) == ("unauthorized", "The token was revoked.")
    assert bob.call(Chat.on_who) == "bob"


def test_token_that_is_issued_after_the_revocation_is_good(app: Flask, connect: Connect) -> None:
    plugin_of(app).revoke(identity_id="ada", before=int(time.time()))
    assert connect(app, auth={"token": make_token(app, "ada")}).call(Chat.on_who) == "ada"
    assert refused(connect, app, make_token(app, "ada", iat=None))[1] == "The token was revoked."


def test_event_of_a_revoked_client_is_unauthorized_at_once(app: Flask, connect: Connect) -> None:
    auth = plugin_of(app)
    ada = connect(app, auth={"token": make_token(app, "ada", jti="t1")})
    auth._table.add(Revocation(token_id="t1", before=0, until=time.time() + 60))  # before anybody is disconnected
    with pytest.raises(EventError) as raised:
        ada.call(Chat.on_who)
    assert (raised.value.code, raised.value.message) == ("unauthorized", "The token was revoked.")


def test_revoked_token_refreshes_nobody(app: Flask, connect: Connect) -> None:
    ada = connect(app, auth={"token": make_token(app, "ada", jti="t1")})
    plugin_of(app).revoke(token_id="t2")
    with pytest.raises(EventError, match="revoked"):
        ada.call("auth_refresh", {"token": make_token(app, "ada", jti="t2")})
    assert ada.call(Chat.on_who) == "ada"


@pytest.mark.parametrize(
    ("url", "host"),
    [("valkey://cache:1/0", "cache"), ("redis://valkey:1/0", "valkey"), ("rediss://cache:1", "cache")],
)
def test_address_of_redis_or_valkey_is_taken_as_it_is(make_app: MakeApp, url: str, host: str) -> None:
    channel = plugin_of(make_app(revocation_url=url))._channel
    assert channel is not None
    assert channel._client.connection_pool.connection_kwargs["host"] == host


@pytest.mark.parametrize("about", [{}, {"token_id": "t", "identity_id": "ada"}], ids=str)
def test_revoke_takes_a_token_or_an_identity(app: Flask, about: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="one of token_id= and identity_id="):
        plugin_of(app).revoke(**about)


def proof(identity_id: str, token_id: str | None, since: float) -> Proof:
    return Proof(Identity(id=identity_id), token_id, since, None)


@given(
    st.lists(st.tuples(st.sampled_from(["t", "a"]), st.sampled_from("xyz"), st.integers(1, 9))),
    st.sampled_from("xyz"),
    st.none() | st.sampled_from("xyz"),
    st.integers(0, 10),
)
def test_table_knows_exactly_what_was_revoked(
    steps: list[tuple[str, str, int]], identity_id: str, token_id: str | None, since: int
) -> None:
    table, until = RevocationTable(), time.time() + 600
    for kind, name, before in steps:
        found = {"token_id": name} if kind == "t" else {"identity_id": name}
        table.add(Revocation(**found, before=before, until=until))
    expected = any(
        name == token_id if kind == "t" else name == identity_id and since < before for kind, name, before in steps
    )
    assert table.has(proof(identity_id, token_id, since)) is expected


def test_revocation_outlives_the_leeway_of_its_token(app: Flask, connect: Connect) -> None:
    token = make_token(app, "ada", jti="t1", expires_in_s=-5)
    assert connect(app, auth={"token": token}).call(Chat.on_who) == "ada"
    plugin_of(app).revoke(token_id="t1", until=time.time() - 5)
    plugin_of(app)._table._pruned_at = 0.0
    plugin_of(app).revoke(token_id="t2")
    assert refused(connect, app, token)[1] == "The token was revoked."


def test_table_forgets_what_is_over() -> None:
    table = RevocationTable()
    now = time.time()
    for number in range(100):
        table.add(Revocation(token_id=str(number), before=now, until=now - 1))
        table.add(Revocation(identity_id=str(number), before=now, until=now - 1))
    table._pruned_at = 0.0
    table.add(Revocation(token_id="new", before=now, until=now + 60))
    assert len(table) == 1
    assert table.has(proof("ada", "new", 0))


# -- through Redis


def test_other_processes_hear_of_it(make_app: MakeApp, connect: Connect, broker: Redis) -> None:
    here, there = make_app(revocation_url=broker.url), make_app(revocation_url=broker.url)
    token = make_token(here, "ada", jti="t1")
    ada = connect(there, auth={"token": token})
    listening(broker, 1)
    plugin_of(here).revoke(token_id="t1")
    assert ada.wait_for("auth_ended", timeout_s=DEADLINE_S) == {"reason": "revoked"}
    assert refused(connect, there, token) == ("unauthorized", "The token was revoked.")


def test_redis_of_the_message_queue_is_used(connect: Connect, broker: Redis, make_app: MakeApp) -> None:
    app = make_app(revocation_url=broker.url.replace("redis://", "valkey://"))
    assert plugin_of(app)._channel is not None
    queued = Flask("queued")
    queued.config.update(FRAMEWORK_AUTH_JWT_SECRET=SECRET, FRAMEWORK_MESSAGE_QUEUE=broker.url)
    SocketIO(queued, namespaces=[Chat], plugins=[Auth])
    assert plugin_of(queued)._channel is not None


def test_process_that_starts_later_knows_it(make_app: MakeApp, connect: Connect, broker: Redis) -> None:
    here = make_app(revocation_url=broker.url)
    plugin_of(here).revoke(token_id="t1")
    later = make_app(revocation_url=broker.url)
    assert refused(connect, later, make_token(later, "ada", jti="t1"))[1] == "The token was revoked."
    assert connect(later, auth={"token": make_token(later, "ada", jti="t2")}).call(Chat.on_who) == "ada"


def test_what_was_revoked_while_redis_was_away_is_known_afterwards(
    make_app: MakeApp, connect: Connect, broker: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(revocation_url=broker.url)
    ada = connect(app, auth={"token": make_token(app, "ada", jti="t1")})
    listening(broker, 1)
    with logs("revocations of other processes are not heard") as logged:
        broker.stop()
        assert logged.wait(DEADLINE_S)
    assert ada.call(Chat.on_who) == "ada"
    bob = connect(app, auth={"token": make_token(app, "bob", jti="t2")})
    with pytest.raises(RevocationError, match="in this process only"):
        plugin_of(app).revoke(token_id="t2")
    assert bob.wait_for("auth_ended") == {"reason": "revoked"}
    broker.start()
    revocation = Revocation(token_id="t1", before=time.time(), until=time.time() + 600)
    with broker.client() as client:  # by a process that reached Redis before this one did
        client.zadd("framework-auth:revocations", {revocation.model_dump_json(): revocation.until})
    assert ada.wait_for("auth_ended", timeout_s=DEADLINE_S) == {"reason": "revoked"}
    assert caplog.text.count("are not heard") == 1


@contextmanager
def logs(text: str) -> Iterator[threading.Event]:
    """Give an event that is set as soon as *text* is logged."""
    seen = threading.Event()

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in record.getMessage():
                seen.set()

    handler = Watch()
    logging.getLogger("framework.auth").addHandler(handler)
    yield seen
    logging.getLogger("framework.auth").removeHandler(handler)


def test_redis_that_hangs_later_is_noticed_and_heard_again(make_app: MakeApp, connect: Connect, broker: Redis) -> None:
    here, there = make_app(revocation_url=broker.url), make_app(revocation_url=broker.url)
    ada = connect(there, auth={"token": make_token(there, "ada", jti="t1")})
    listening(broker, 1)
    with logs("are not heard: Redis fails") as failed:
        broker.signal(signal.SIGSTOP)
        assert failed.wait(DEADLINE_S)
    with logs("Redis is back") as back:
        broker.signal(signal.SIGCONT)
        assert back.wait(DEADLINE_S)
    plugin_of(here).revoke(token_id="t1")
    assert ada.wait_for("auth_ended", timeout_s=DEADLINE_S) == {"reason": "revoked"}


def test_process_that_never_reached_redis_lets_nobody_in(make_app: MakeApp, connect: Connect, broker: Redis) -> None:
    app = make_app(revocation_url=broker.url)
    token = make_token(app, "ada")
    broker.stop()
    with pytest.raises(ConnectRefused) as raised:
        connect(app, auth={"token": token})
    assert (raised.value.code, raised.value.data["retry_after"]) == ("unavailable", 2.0)
    broker.start()
    assert connect(app, auth={"token": token}).call(Chat.on_who) == "ada"


def test_redis_that_hangs_does_not_hang_events(make_app: MakeApp, connect: Connect) -> None:
    with socket.create_server((HOST, 0)) as silent:
        app = make_app(revocation_url=f"redis://{HOST}:{silent.getsockname()[1]}/0")
        with pytest.raises(ConnectRefused) as raised:
            connect(app, auth={"token": make_token(app, "ada")})
        assert raised.value.code == "unavailable"
        channel = plugin_of(app)._channel
        assert channel is not None
        channel._is_loaded = True  # it was reached once
        ada = connect(app, auth={"token": make_token(app, "ada")})
        assert ada.call(Chat.on_who) == "ada"
        with pytest.raises(RevocationError):
            plugin_of(app).revoke(identity_id="ada")


def test_nonsense_on_the_channel_is_logged_and_ignored(
    make_app: MakeApp, connect: Connect, broker: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(revocation_url=broker.url)
    ada = connect(app, auth={"token": make_token(app, "ada", jti="t1")})
    listening(broker, 1)
    with broker.client() as client:
        client.publish("framework-auth:revoked", "what?")
        client.publish("framework-auth:revoked", '{"token_id": 5}')
    channel = plugin_of(app)._channel
    assert channel is not None
    channel.tell(Revocation(token_id="t1", before=0, until=time.time() + 60))
    assert ada.wait_for("auth_ended", timeout_s=DEADLINE_S) == {"reason": "revoked"}
    assert caplog.text.count("what came as a revocation is none") == 2


def test_redis_forgets_what_is_over(make_app: MakeApp, broker: Redis) -> None:
    auth = plugin_of(make_app(revocation_url=broker.url))
    auth.revoke(token_id="old", until=time.time() - 60)
    auth.revoke(token_id="new")
    with broker.client() as client:
        (kept,) = client.zrange("framework-auth:revocations", 0, -1)
    assert Revocation.model_validate_json(kept).token_id == "new"


def test_applications_with_prefixes_of_their_own_share_a_redis(
    make_app: MakeApp, connect: Connect, broker: Redis
) -> None:
    chat = make_app(revocation_url=broker.url, revocation_prefix="chat")
    shop = make_app(revocation_url=broker.url, revocation_prefix="shop")
    plugin_of(chat).revoke(identity_id="ada")
    old = make_token(shop, "ada", iat=1)
    assert connect(shop, auth={"token": old}).call(Chat.on_who) == "ada"
    assert refused(connect, chat, old)[1] == "The token was revoked."


def test_address_that_is_no_redis_is_refused(make_app: MakeApp) -> None:
    with pytest.raises(PluginError, match="FRAMEWORK_AUTH_REVOCATION_URL is no address of Redis"):
        make_app(revocation_url="http://user:secret@example.org")


def test_gevent_that_has_patched_nothing_and_redis_do_not_go_together() -> None:
    app = Flask("chat")
    app.config.update(FRAMEWORK_AUTH_JWT_SECRET=SECRET, FRAMEWORK_AUTH_REVOCATION_URL="redis://127.0.0.1:1")
    with pytest.raises(PluginError, match="would stop all greenlets"):
        SocketIO(app, namespaces=[Chat], plugins=[Auth], async_mode="gevent")


def test_message_queue_that_is_no_redis_is_said_to_carry_no_revocations(caplog: pytest.LogCaptureFixture) -> None:
    app = Flask("chat")
    app.config.update(FRAMEWORK_AUTH_JWT_SECRET=SECRET, FRAMEWORK_MESSAGE_QUEUE="amqp://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="Kombu"):  # which is not installed here
        SocketIO(app, namespaces=[Chat], plugins=[Auth])
    assert "what is revoked is known in one process only: set FRAMEWORK_AUTH_REVOCATION_URL" in caplog.text
