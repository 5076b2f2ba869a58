"""`framework.transport.manager`, through a server without a network."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import socketio

from framework import Limits
from framework.errors import AnswerError, ClientGoneError
from framework.transport.manager import (
    Fanout,
    Recipient,
    Waiter,
    is_nobody,
    mix_in,
    read_skip,
    read_target,
    read_values,
)
from framework.transport.outgoing import Outgoing

CLIENTS = 3


class Outbox:
    """What a manager needs of its server: ids, packets, and somewhere to put frames."""

    packet_class = socketio.packet.Packet
    limits = Limits()
    is_direct = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.sockets: dict[str, Any] = {}
        self.eio = self
        self._ids = iter(range(10**9))

    def generate_id(self) -> str:
        return f"sid{next(self._ids)}"

    def send_frames(self, eio_sid: str, outgoing: Outgoing) -> None:
        self.sent.append((str(eio_sid), str(outgoing.frames[0])))


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def manager(outbox: Outbox) -> Fanout:
    manager = Fanout()
    manager.set_server(outbox)
    return manager


def connect(manager: Fanout, eio_sid: str) -> str:
    sid = manager.pre_connect(eio_sid, "/")
    assert sid is not None
    manager.connect(sid, "/")
    return sid


def reached(outbox: Outbox) -> list[str]:
    found = sorted(eio_sid for eio_sid, _ in outbox.sent)
    outbox.sent.clear()
    return found


@pytest.fixture
def tiny_switch_interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_together(*jobs: Callable[[], object]) -> None:
    """Run *jobs* in threads that start at the same moment; raise what one of them raised."""
    barrier = threading.Barrier(len(jobs))
    failures: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        barrier.wait(10)
        try:
            job()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if failures:
        raise failures[0]


@pytest.mark.parametrize("nobody", [[], (), set(), frozenset()])
def test_empty_target_reaches_nobody(manager: Fanout, outbox: Outbox, nobody: Any) -> None:
    connect(manager, "a")
    manager.emit("e", None, "/", room=nobody)
    assert is_nobody(nobody)
    assert reached(outbox) == []


def test_target_may_be_everybody_a_room_a_sid_or_several(manager: Fanout, outbox: Outbox) -> None:
    a, b, _ = (connect(manager, name) for name in "abc")
    manager.enter_room(a, "/", "x")
    manager.enter_room(b, "/", "x")
    manager.enter_room(b, "/", "y")
    for target, expected in ((None, "abc"), ("x", "ab"), (a, "a"), (["x", "y"], "ab"), ((a, b), "ab"), ({"y"}, "b")):
        manager.emit("e", None, "/", room=target)
        assert reached(outbox) == list(expected), target


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_any_collection_of_sids_is_skipped(manager: Fanout, outbox: Outbox, kind: Any) -> None:
    a, b, _ = (connect(manager, name) for name in "abc")
    manager.emit("e", None, "/", skip_sid=kind([a, b]))
    assert reached(outbox) == ["c"]
    manager.emit("e", None, "/", skip_sid=a)
    assert reached(outbox) == ["b", "c"]


def test_unknown_room_and_unknown_namespace_reach_nobody(manager: Fanout, outbox: Outbox) -> None:
    connect(manager, "a")
    manager.emit("e", None, "/", room="nowhere")
    manager.emit("e", None, "/nowhere")
    assert reached(outbox) == []


def test_second_connect_of_a_session_is_refused(manager: Fanout) -> None:
    connect(manager, "a")
    assert manager.pre_connect("a", "/") is None


def test_disconnecting_is_begun_by_one_only(manager: Fanout) -> None:
    sid = connect(manager, "a")
    assert manager.begin_disconnect(sid, "/") == "a"
    assert manager.begin_disconnect(sid, "/") is None
    manager.disconnect(sid, "/")
    assert manager.begin_disconnect(sid, "/") is None
    assert not manager.rooms
    assert not manager.pending_disconnect


@pytest.mark.usefixtures("tiny_switch_interval")
def test_threads_that_disconnect_one_client_at_the_same_time_do_it_once(manager: Fanout) -> None:
    for number in range(100):
        sid = connect(manager, f"client {number}")
        begun: list[Any] = []

        def begin(sid: str = sid, begun: list[Any] = begun) -> None:
            begun.append(manager.begin_disconnect(sid, "/"))

        run_together(begin, begin, begin)
        assert len([eio_sid for eio_sid in begun if eio_sid is not None]) == 1
        manager.disconnect(sid, "/")


@pytest.mark.usefixtures("tiny_switch_interval")
def test_clients_that_come_and_go_at_the_same_time_leave_nothing(manager: Fanout) -> None:
    def come_and_go(name: str) -> None:
        for number in range(60):
            sid = connect(manager, f"{name}{number}")
            assert manager.is_connected(sid, "/")
            manager.enter_room(sid, "/", "room")
            assert sid in dict(manager.get_participants("/", "room"))
            manager.leave_room(sid, "/", "room")
            manager.enter_room(sid, "/", "room")
            assert manager.begin_disconnect(sid, "/")
            manager.disconnect(sid, "/")

    run_together(*[lambda name=name: come_and_go(name) for name in "abcd"])  # type: ignore[misc]
    assert not manager.rooms
    assert not manager.pending_connect
    assert not manager.pending_disconnect


def test_room_of_a_client_that_has_left_is_not_entered(manager: Fanout) -> None:
    manager.enter_room("gone", "/", "room")
    assert not manager.rooms


def test_ack_id_that_was_never_given_out_is_ignored(manager: Fanout) -> None:
    sid = connect(manager, "a")
    answers: list[Any] = []
    manager.emit("e", None, "/", room=sid, callback=lambda *answer: answers.append(answer))
    for ack_id in (0, None, 99):
        manager.trigger_callback(sid, ack_id, [1])
    manager.emit("e", None, "/", room=sid, callback=lambda *answer: answers.append(answer))
    manager.trigger_callback(sid, 1, [1])
    manager.trigger_callback(sid, 2, [2, 3])
    assert answers == [(1,), (2, 3)]


def test_client_that_leaves_wakes_who_waits_for_its_answer(manager: Fanout) -> None:
    sid = connect(manager, "a")
    waiter = Waiter(threading.Event())
    manager.emit("e", None, "/", room=sid, callback=waiter)
    manager.disconnect(sid, "/")
    with pytest.raises(ClientGoneError):
        waiter.wait(10)
    assert not manager.callbacks


def test_waiter_returns_the_answer_or_raises_why_there_is_none() -> None:
    answered, refused, late = (Waiter(threading.Event()) for _ in range(3))
    answered(1, 2)
    refused.refuse(AnswerError("no"))
    assert answered.wait(0) == (1, 2)
    assert late.wait(0) is None
    with pytest.raises(AnswerError):
        refused.wait(0)


def frames(text: str) -> Outgoing:
    return Outgoing([text])


def test_recipient_holds_back_until_it_is_released() -> None:
    recipient = Recipient("a", 100)
    sent: list[Any] = []
    assert recipient.hold(frames("first"))
    assert recipient.hold(frames("second"))
    recipient.release(sent.append)
    assert [outgoing.frames[0] for outgoing in sent] == ["first", "second"]
    assert not recipient.hold(frames("third"))


def test_recipient_for_which_too_much_is_held_is_to_leave() -> None:
    recipient = Recipient("a", 10)
    sent: list[Any] = []
    for _ in range(100):
        assert recipient.hold(frames("12345"))
    recipient.release(sent.append)
    assert len(sent) == 2
    assert recipient.ended


def test_recipient_that_is_to_leave_is_told_only_while_it_is_held() -> None:
    held, released = Recipient("a", 10), Recipient("b", 10)
    released.release(lambda packets: None)
    assert (held.end("why"), held.ended) == (True, "why")
    assert (released.end("why"), released.ended) == (False, "")


def test_recipient_that_was_refused_sends_nothing() -> None:
    recipient = Recipient("a", 100)
    recipient.hold(frames("secret"))
    recipient.drop()
    sent: list[Any] = []
    recipient.release(sent.append)
    assert sent == []


def test_values_targets_and_skips_are_read_in_every_form() -> None:
    assert (read_values(None), read_values((1, 2)), read_values([1, 2])) == ([], [1, 2], [[1, 2]])
    assert (read_target("room"), read_target(("a",)), read_target(None)) == ("room", ["a"], None)
    assert (read_skip(None), read_skip("a"), read_skip(["a"])) == (frozenset(), {"a"}, {"a"})


def test_brokers_manager_gets_what_is_mended_here() -> None:
    class Broker(socketio.PubSubManager):  # type: ignore[misc]
        def _publish(self, data: Any) -> None: ...

    mixed = mix_in(Broker("redis://nowhere"))
    order = [kind.__name__ for kind in type(mixed).__mro__]
    assert order.index("PubSubManager") < order.index("Fanout") < order.index("Manager")
    assert mix_in(mixed) is mixed


def test_participants_of_several_rooms_are_found_whatever_lists_them(manager: Fanout) -> None:
    sids = [connect(manager, f"eio{number}") for number in range(CLIENTS)]
    for sid, room in zip(sids, ("red", "blue", "green"), strict=True):
        manager.basic_enter_room(sid, "/", room)
    for rooms in (["red", "blue"], ("red", "blue")):
        assert {sid for sid, _ in manager.get_participants("/", rooms)} == set(sids[:2])
    assert [sid for sid, _ in manager.get_participants("/", "green")] == sids[2:]
    assert list(manager.get_participants("/", "nobody")) == list(manager.get_participants("/nowhere", None)) == []
