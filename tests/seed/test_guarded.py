"""Guards, dependencies and middleware: ``examples/guarded.py`` tested in-process, and served to the JavaScript client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from examples import guarded
from examples.guarded import Chat, Line, Member, Said
from framework import EventError
from framework.testing import Client, ClientFactory, ConnectRefused
from tests.live import LiveServer
from tests.node_client import JavaScript

pytestmark = pytest.mark.seed


@pytest.fixture
def app() -> Iterator[Flask]:
    yield guarded.app
    guarded.closed.clear()
    guarded.journal.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer("examples/guarded") as live:
        yield live


def enter(framework_client: ClientFactory, name: str, **options: object) -> Client:
    return framework_client(Chat, auth={"token": f"token-of-{name}"}, **options)


def code(client: Client, *call: object) -> str:
    with pytest.raises(EventError) as refused:
        client.call(*call)
    return refused.value.code


def test_who_is_no_member_stays_outside(framework_client: ClientFactory) -> None:
    with pytest.raises(ConnectRefused) as refused:
        enter(framework_client, "mallory")
    assert refused.value.code == "unauthorized"


def test_what_is_said_carries_the_name_that_the_server_knows(framework_client: ClientFactory) -> None:
    ada, bob = enter(framework_client, "ada"), enter(framework_client, "bob")
    bob.call(Chat.on_join, "lobby")
    ada.call(Chat.on_say, Line(room="lobby", text="hi"))
    assert bob.received(Chat.said) == [Said(by="Ada", text="hi")]


def test_a_third_one_finds_no_seat(framework_client: ClientFactory) -> None:
    names = ("ada", "bob")
    assert [enter(framework_client, name).call(Chat.on_join, "attic") for name in names] == [1, 2]
    assert code(enter(framework_client, "eve"), Chat.on_join, "attic") == "room_full"


def test_only_an_admin_closes_a_room_and_it_is_written_down(framework_client: ClientFactory) -> None:
    ada, bob = enter(framework_client, "ada"), enter(framework_client, "bob")
    assert code(bob, Chat.on_close, "lobby") == "forbidden"
    assert guarded.journal == []
    ada.call(Chat.on_close, "lobby")
    assert guarded.journal == ["Ada closed lobby"]
    assert code(bob, Chat.on_join, "lobby") == "room_closed"
    assert code(bob, Chat.on_say, Line(room="lobby", text="hi")) == "room_closed"


def test_a_test_may_be_somebody_else(framework_client: ClientFactory) -> None:
    boss = Member("Boss", is_admin=True)
    bob = enter(framework_client, "bob", overrides={guarded.member: lambda: boss})
    bob.call(Chat.on_close, "cellar")
    assert guarded.journal == ["Boss closed cellar"]


def test_unknown_events_count_until_the_client_leaves(framework_client: ClientFactory) -> None:
    eve = enter(framework_client, "eve")
    sid = eve.sid
    assert code(eve, "no such event") == "unknown_event"
    assert code(eve, "join", 5) == "invalid_payload"
    assert guarded.count.events[sid] == 2
    eve.disconnect()
    assert sid not in guarded.count.events


def test_the_javascript_client_meets_the_same_doors(server: LiveServer, js: JavaScript, transports: list[str]) -> None:
    room = f"of {transports[0]}"
    ada, bob, mallory = (
        js.connect(server.url, "/chat", transports=transports, auth={"token": f"token-of-{name}"})
        for name in ("ada", "bob", "mallory")
    )
    assert mallory.refused == {"message": "Members only.", "data": {"code": "unauthorized"}}
    assert bob.call("join", room) == [1]
    assert bob.call("close", room)[0]["error"]["message"] == "Only for admins."
    assert ada.call("say", {"room": room, "text": "hi"}) == []
    assert bob.wait_for("said") == [[{"by": "Ada", "text": "hi"}]]
    assert ada.call("close", room) == []
    assert bob.call("join", room)[0]["error"] == {
        "code": "room_closed",
        "message": "The room is closed.",
        "event": "join",
        "details": {"room": room},
    }
