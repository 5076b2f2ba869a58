"""The end of a client's time: the warning, the new token, the disconnect."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import flask
import pytest
from flask import Flask
from framework_auth import Auth, Identity
from framework_auth.clock import Clock
from framework_auth.testing import make_token
from framework_auth.tokens import Proof
from hypothesis import given
from hypothesis import strategies as st

from framework import EventError, Namespace
from framework.signals import client_disconnected, emitted
from framework.testing import Client, ConnectRefused

from .conftest import Chat, Lobby, MakeApp, plugin_of

Connect = Callable[..., Client]
DEADLINE_S = 10.0


@contextmanager
def disconnects(app: Flask) -> Iterator[Callable[[str], str]]:
    """Give a function that waits for the end of a client, and returns the reason."""
    gone: dict[str, str] = {}
    changed = threading.Condition()

    def note(sender: Flask, *, sid: str, reason: str, **extra: object) -> None:
        with changed:
            gone[sid] = reason
            changed.notify_all()

    def wait(sid: str) -> str:
        with changed:
            assert changed.wait_for(lambda: sid in gone, DEADLINE_S)
            return gone[sid]

    with client_disconnected.connected_to(note, sender=app):
        yield wait


def answered(client: Client, event: str, *args: object) -> EventError:
    with pytest.raises(EventError) as raised:
        client.call(event, *args)
    return raised.value


def test_client_is_warned_told_and_disconnected(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(jwt_leeway_s=0, warn_before_s=60)
    with disconnects(app) as wait:
        ada = connect(app, auth={"token": make_token(app, "ada", expires_in_s=4)})
        sid, identity = ada.sid, plugin_of(app).find_identity(ada.sid)
        assert identity is not None
        warning = ada.wait_for("auth_expiring")
        assert warning["expires_at"] == identity.expires_at
        assert 0 <= warning["expires_in_s"] <= 4
        assert ada.call(Chat.on_who) == "ada"
        assert ada.wait_for("auth_ended", timeout_s=DEADLINE_S) == {"reason": "expired"}
        assert wait(sid) == "server disconnect"
    assert len(ada.received("auth_expiring")) == 1
    assert not ada.connected
    assert len(plugin_of(app)._clients) == 0


def test_warning_during_the_connect_comes_after_it(make_app: MakeApp, connect: Connect) -> None:
    warned = threading.Event()

    class Slow(Namespace):
        namespace = "/slow"

        def on_connect(self) -> None:
            assert warned.wait(DEADLINE_S)

    def note(sender: Flask, *, event: str, **extra: object) -> None:
        if event == "auth_expiring":
            warned.set()

    app = make_app(Auth, Slow)
    with emitted.connected_to(note, sender=app):
        ada = connect(app, Slow, auth={"token": make_token(app, "ada", expires_in_s=2)})
    assert ada.connected
    assert len(ada.received("auth_expiring")) == 1


def test_short_token_is_warned_of_in_the_second_half_of_its_time(make_app: MakeApp) -> None:
    clients = plugin_of(make_app(warn_before_s=600))._clients
    now = time.time()
    short = Proof(Identity(id="ada", expires_at=int(now) + 100), None, 0, int(now) + 100)
    at = clients._warn_at(short)
    assert at is not None
    assert now + 49 < at < now + 51
    long = Proof(Identity(id="ada", expires_at=int(now) + 6000), None, 0, int(now) + 6000)
    assert clients._warn_at(long) == int(now) + 5400


def test_no_warning_where_it_is_switched_off(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(jwt_leeway_s=0, warn_before_s=0)
    ada = connect(app, auth={"token": make_token(app, "ada", expires_in_s=2)})
    ada.wait_for("auth_ended", timeout_s=DEADLINE_S)
    assert ada.received("auth_expiring") == []


def test_event_is_checked_where_the_clock_is_late(app: Flask, connect: Connect) -> None:
    ada = connect(app, auth={"token": make_token(app, "ada")})
    plugin_of(app).close()  # no clock any more
    member = plugin_of(app)._clients._members[ada.sid]
    member.proof = replace(member.proof, ends_at=time.time())
    for event in ("who", "nope", "auth_refresh"):
        error = answered(ada, event, {"token": make_token(app, "ada")})
        assert (error.code, error.message) == ("unauthorized", "The token has expired.")


def test_identity_of_the_application_may_end_earlier(make_app: MakeApp, connect: Connect) -> None:
    def shorten(identity: Identity) -> Identity:
        return identity.model_copy(update={"expires_at": int(time.time()) + 1})

    app = make_app(Auth(identify=shorten))
    ada = connect(app, auth={"token": make_token(app, "ada")})
    assert ada.wait_for("auth_ended", timeout_s=DEADLINE_S) == {"reason": "expired"}


# -- refresh


def test_new_token_is_taken_without_a_new_connection(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(jwt_leeway_s=0)
    ada = connect(app, auth={"token": make_token(app, "ada", expires_in_s=6)})
    ada.wait_for("auth_expiring", timeout_s=DEADLINE_S)
    sid = ada.sid
    assert answered(ada, "post", "hi").code == "forbidden"
    ack = ada.call("auth_refresh", {"token": make_token(app, "ada", scopes=["chat:write"], expires_in_s=600)})
    identity = plugin_of(app).find_identity(sid)
    assert identity is not None
    assert ack == {"expires_at": identity.expires_at}
    assert ada.call(Chat.on_post, "hi") == "hi"
    assert ada.sid == sid


def test_refreshed_client_is_warned_again_and_ends_later(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(jwt_leeway_s=0, warn_before_s=60)
    ada = connect(app, auth={"token": make_token(app, "ada", expires_in_s=600)})
    assert ada.call("auth_refresh", {"token": make_token(app, "ada", expires_in_s=2)})
    assert ada.wait_for("auth_expiring")
    assert ada.wait_for("auth_ended", timeout_s=DEADLINE_S) == {"reason": "expired"}


def test_token_of_somebody_else_is_forbidden_and_changes_nothing(app: Flask, connect: Connect) -> None:
    ada = connect(app, auth={"token": make_token(app, "ada")})
    error = answered(ada, "auth_refresh", {"token": make_token(app, "bob")})
    assert (error.code, error.message) == ("forbidden", "The token is somebody else's.")
    assert ada.call(Chat.on_who) == "ada"


def test_bad_token_does_not_end_the_client(app: Flask, connect: Connect) -> None:
    ada = connect(app, auth={"token": make_token(app, "ada")})
    assert answered(ada, "auth_refresh", {"token": "x"}).message == "The token is not valid."
    expired = make_token(app, "ada", expires_in_s=-60)
    assert answered(ada, "auth_refresh", {"token": expired}).message == "The token has expired."
    payloads: list[object] = [None, 5, "x", [], {}, {"token": 5}, {"token": None}]
    for payload in payloads:
        assert answered(ada, "auth_refresh", payload).code == "invalid_payload"
    assert answered(ada, "auth_refresh").code == "invalid_payload"
    assert ada.call(Chat.on_who) == "ada"


def test_client_that_nobody_knows_has_nothing_to_refresh(app: Flask, connect: Connect) -> None:
    guest = connect(app, Lobby)
    assert answered(guest, "auth_refresh", {"token": make_token(app, "ada")}).code == "unauthorized"
    assert guest.call(Lobby.on_who) is None


def test_refresh_may_have_another_name_or_none(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(refresh_event="renew")
    ada = connect(app, auth={"token": make_token(app, "ada")})
    assert ada.call("renew", {"token": make_token(app, "ada")})["expires_at"] > time.time()
    assert answered(ada, "auth_refresh", {"token": "x"}).code == "unknown_event"
    app = make_app(refresh_event="")
    assert answered(connect(app, Lobby), "auth_refresh", {"token": "x"}).code == "unknown_event"


def test_refresh_is_listed_among_the_routes(app: Flask) -> None:
    (route,) = [route for route in app.extensions["socketio"].routes() if route.event == "auth_refresh"]
    assert (route.namespace, route.arguments, route.ack) == ("*", "refresh: Refresh", "Refreshed")
    assert route.handler.endswith("Auth.refresh")


def test_refresh_event_opens_no_namespace(app: Flask, connect: Connect) -> None:
    with pytest.raises(ConnectRefused) as raised:
        connect(app, "/nowhere")
    assert raised.value.code == "unknown_namespace"


def test_identify_is_asked_again_at_refresh(make_app: MakeApp, connect: Connect) -> None:
    asked: list[str] = []

    def note(identity: Identity) -> Identity:
        asked.append(flask.request.path + identity.id)
        return identity

    app = make_app(Auth(identify=note))
    ada = connect(app, auth={"token": make_token(app, "ada")})
    ada.call("auth_refresh", {"token": make_token(app, "ada")})
    assert asked == ["/socket.io/ada"] * 2


# -- the clock


class Task:
    """Runs the clock's task step by step, with a time of the test's own."""

    def __init__(self, ring: Callable[[str, float], float | None]) -> None:
        self.time = 0.0
        self.started = 0
        self.clock = Clock(ring, self._start, threading.Event, lambda: self.time)

    def _start(self, run: Callable[..., object], *args: object) -> None:
        self.started += 1

    def pass_to(self, when: float) -> float | None:
        self.time = when
        return self.clock._ring_due()


def test_clock_rings_in_order_and_ends_when_nothing_is_left() -> None:
    rung: list[tuple[str, float]] = []
    task = Task(lambda key, now: rung.append((key, now)))
    for key, when in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        task.clock.set(key, when)
    assert task.started == 1
    assert task.pass_to(1.5) == 0.5
    assert task.pass_to(5.0) is None
    assert rung == [("a", 1.5), ("b", 5.0), ("c", 5.0)]
    task.clock.set("d", 9.0)
    assert task.started == 2


def test_clock_forgets_and_changes() -> None:
    rung: list[str] = []
    task = Task(lambda key, now: rung.append(key))
    task.clock.set("a", 1.0)
    task.clock.set("b", 1.0)
    task.clock.set("c", 9.0)
    task.clock.set("a", 5.0)
    task.clock.set("c", 2.0)
    task.clock.forget("b")
    assert task.pass_to(3.0) == 2.0
    assert rung == ["c"]
    assert task.pass_to(5.0) is None
    assert rung == ["c", "a"]


def test_clock_rings_again_when_it_is_told_to() -> None:
    task = Task(lambda key, now: now + 1 if now < 3 else None)
    task.clock.set("a", 1.0)
    assert task.pass_to(1.0) == 1.0
    assert task.pass_to(3.0) is None


def test_clock_tries_again_after_a_ring_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    rung: list[str] = []

    def ring(key: str, now: float) -> None:
        rung.append(key)
        if len(rung) < 3:
            raise RuntimeError(key)

    task = Task(ring)
    task.clock.set("a", 1.0)
    task.clock.set("b", 2.0)
    assert task.pass_to(3.0) == 5.0
    assert task.pass_to(8.0) is None
    assert rung == ["a", "b", "a", "b"]
    assert caplog.text.count("could not be handled") == 2


def test_clock_holds_little_of_clients_that_left() -> None:
    task = Task(lambda key, now: None)
    task.clock.set("stays", 1e9)
    for number in range(5000):
        task.clock.set(str(number), 1e6 + number)
        task.clock.forget(str(number))
        task.clock.set("stays", 1e9 + number)
    assert len(task.clock) == 1
    assert len(task.clock._heap) <= 65


def test_clock_stops_with_clients_left() -> None:
    task = Task(lambda key, now: None)
    task.clock.set("a", 1e9)
    task.clock.stop()
    assert task.pass_to(0.0) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9)), max_size=30), st.integers(0, 9))
def test_clock_rings_exactly_for_those_whose_time_has_come(steps: list[tuple[str, int | None]], now: int) -> None:
    rung: list[str] = []
    task = Task(lambda key, when: rung.append(key))
    due: dict[str, int] = {}
    for key, when in steps:
        if when is None:
            task.clock.forget(key)
            due.pop(key, None)
        else:
            task.clock.set(key, when)
            due[key] = when
    left = task.pass_to(now)
    assert sorted(rung) == sorted(key for key, when in due.items() if when <= now)
    later = [when - now for when in due.values() if when > now]
    assert left == (min(later) if later else None)


def test_one_task_serves_all_clients(make_app: MakeApp, connect: Connect) -> None:
    app = make_app()
    started: list[Any] = []
    clock = plugin_of(app)._clients._clock
    start_task = clock._start_task

    def count(*args: Any) -> Any:
        started.append(args)
        return start_task(*args)

    clock._start_task = count
    for _ in range(20):
        connect(app, auth={"token": make_token(app, "ada")})
    assert len(started) == 1
