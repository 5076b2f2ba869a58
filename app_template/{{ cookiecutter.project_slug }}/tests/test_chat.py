from collections.abc import Callable

import pytest
from framework import EventError
from framework.testing import Client, ClientFactory, ConnectRefused

from {{ cookiecutter.project_slug }}.models import MAX_TEXT, Hello, Message, Presence, Typing
from {{ cookiecutter.project_slug }}.namespaces.chat import Chat

Arrive = Callable[..., Client]


@pytest.fixture
def arrive(framework_client: ClientFactory) -> Arrive:
    """Connect somebody by name."""
    return lambda name, key="": framework_client(Chat, auth=Hello(name=name, key=key))


def test_people_in_a_room_get_what_is_posted(arrive: Arrive) -> None:
    ada, bob = arrive("Ada"), arrive("Bob")
    ada.call(Chat.on_join, "lobby")
    bob.call(Chat.on_join, "lobby")
    posted = ada.call(Chat.on_post, Message(room="lobby", text="hi"))
    assert (posted.name, posted.text) == ("Ada", "hi")
    assert bob.received(Chat.posted) == ada.received(Chat.posted) == [posted]


def test_nobody_else_gets_what_is_posted(arrive: Arrive) -> None:
    ada, eve = arrive("Ada"), arrive("Eve")
    ada.call(Chat.on_join, "lobby")
    eve.call(Chat.on_join, "elsewhere")
    ada.call(Chat.on_post, Message(room="lobby", text="hi"))
    assert eve.received(Chat.posted) == []


def test_who_joins_sees_who_is_there_and_the_last_messages(arrive: Arrive) -> None:
    ada, bob = arrive("Ada"), arrive("Bob")
    ada.call(Chat.on_join, "lobby")
    for text in "1234":
        ada.call(Chat.on_post, Message(room="lobby", text=text))
    room = bob.call(Chat.on_join, "Lobby")
    assert (room.room, room.people) == ("lobby", ["Ada", "Bob"])
    assert [posted.text for posted in room.messages] == ["2", "3", "4"]
    assert ada.received(Chat.joined) == [Presence(room="lobby", name="Bob")]
    assert ada.call(Chat.on_people, "lobby") == ["Ada", "Bob"]


def test_joining_twice_changes_nothing(arrive: Arrive) -> None:
    ada = arrive("Ada")
    assert ada.call(Chat.on_join, "lobby") == ada.call(Chat.on_join, "lobby")


def test_the_others_see_who_leaves(arrive: Arrive) -> None:
    ada, bob = arrive("Ada"), arrive("Bob")
    for client in (ada, bob):
        client.call(Chat.on_join, "lobby")
    ada.call(Chat.on_leave, "lobby")
    ada.call(Chat.on_join, "lobby")
    ada.disconnect()
    assert bob.received(Chat.left) == [Presence(room="lobby", name="Ada")] * 2


def test_the_others_see_who_is_writing(arrive: Arrive) -> None:
    ada, bob = arrive("Ada"), arrive("Bob")
    for client in (ada, bob):
        client.call(Chat.on_join, "lobby")
    ada.emit(Chat.on_typing, "lobby")
    ada.emit(Chat.on_typing, "lobby", False)
    assert [typing.active for typing in bob.received(Chat.typing)] == [True, False]
    assert bob.received(Chat.typing)[0] == Typing(room="lobby", name="Ada", active=True)
    assert ada.received(Chat.typing) == []


def test_a_name_is_taken_until_its_owner_leaves(arrive: Arrive) -> None:
    ada = arrive("Ada")
    with pytest.raises(ConnectRefused) as refused:
        arrive("ada")
    assert refused.value.code == "name_taken"
    ada.disconnect()
    arrive("ada")


def test_the_same_client_gets_its_name_back(arrive: Arrive) -> None:
    bob = arrive("Bob")
    before = arrive("Ada", "secret")
    for client in (bob, before):
        client.call(Chat.on_join, "lobby")
    after = arrive("Ada", "secret")
    assert after.call(Chat.on_join, "lobby").people == ["Bob", "Ada"]
    assert bob.received(Chat.left) == [Presence(room="lobby", name="Ada")]


@pytest.mark.parametrize("auth", [None, {}, {"name": ""}, {"name": " "}, {"name": "a" * 25}, {"name": "A\u202eda"}])
def test_who_has_no_proper_name_is_refused(framework_client: ClientFactory, auth: dict[str, str] | None) -> None:
    with pytest.raises(ConnectRefused) as refused:
        framework_client(Chat, auth=auth)
    assert refused.value.code == "invalid_payload"


def test_a_text_that_is_too_long_is_refused_with_the_reason(arrive: Arrive) -> None:
    ada = arrive("Ada")
    ada.call(Chat.on_join, "lobby")
    too_long = Message.model_construct(room="lobby", text="a" * (MAX_TEXT + 1))
    with pytest.raises(EventError) as failed:
        ada.call(Chat.on_post, too_long)
    assert failed.value.code == "invalid_payload"
    assert [detail["path"] for detail in failed.value.details] == ["text"]


def test_only_who_is_in_a_room_can_do_something_there(arrive: Arrive) -> None:
    ada, bob = arrive("Ada"), arrive("Bob")
    bob.call(Chat.on_join, "lobby")
    with pytest.raises(EventError, match="not_in_room"):
        ada.call(Chat.on_post, Message(room="lobby", text="hi"))
    with pytest.raises(EventError, match="not_in_room"):
        ada.call(Chat.on_people, "lobby")
    with pytest.raises(EventError, match="not_in_room"):
        ada.call(Chat.on_leave, "lobby")
    ada.emit(Chat.on_typing, "lobby")
    assert [error.code for error in ada.errors] == ["not_in_room"]


def test_a_room_that_is_full_lets_nobody_in(arrive: Arrive) -> None:
    ada, bob, eve = (arrive(name) for name in ("Ada", "Bob", "Eve"))
    ada.call(Chat.on_join, "lobby")
    bob.call(Chat.on_join, "lobby")
    with pytest.raises(EventError, match="room_full"):
        eve.call(Chat.on_join, "lobby")
    bob.call(Chat.on_leave, "lobby")
    assert eve.call(Chat.on_join, "lobby").people == ["Ada", "Eve"]


def test_nobody_is_in_more_rooms_than_allowed(arrive: Arrive) -> None:
    ada = arrive("Ada")
    for room in ("one", "two"):
        ada.call(Chat.on_join, room)
    with pytest.raises(EventError, match="too_many_rooms"):
        ada.call(Chat.on_join, "three")
