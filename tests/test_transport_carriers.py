"""`framework.transport.carriers`: what goes along with an emit, in one process and through a broker."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import socketio
from flask import Flask

from framework import Carrier, Emission, Event, Namespace, Plugin, PluginError, Proceed, SocketIO
from framework.testing import Client
from framework.transport.manager import mix_in


class Broker(socketio.PubSubManager):  # type: ignore[misc]
    """One process's end of a broker; its messages are kept until they are delivered."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.published: list[dict[str, Any]] = []

    def initialize(self) -> None:
        """Listen to nothing: `deliver` brings what others publish."""

    def _publish(self, data: dict[str, Any]) -> None:
        self.published.append(data)

    def deliver(self, message: dict[str, Any]) -> None:
        self._handle_emit(message)


class Chat(Namespace):
    namespace = "/chat"
    posted = Event[str]()

    def on_join(self, room: str) -> None:
        self.join(room)


class Note(Carrier):
    """Writes down what it sees, and sends its name along."""

    def __init__(self, name: str, seen: list[Any]) -> None:
        self.name = name
        self.seen = seen

    def emit(self, emission: Emission, proceed: Proceed) -> None:
        self.seen.append((self.name, "emit", repr(emission)))
        emission.metadata[self.name] = "was here"
        proceed()
        self.seen.append((self.name, "emitted"))

    def deliver(self, emission: Emission, proceed: Proceed) -> None:
        self.seen.append((self.name, "deliver", repr(emission), dict(emission.metadata)))
        proceed()
        self.seen.append((self.name, "delivered"))


class Process(NamedTuple):
    """One process with a client."""

    socketio: SocketIO
    client: Client
    broker: Broker

    def emit(self, text: str = "hi", **options: Any) -> None:
        self.socketio.emit("posted", text, namespace="/chat", **options)

    @property
    def received(self) -> list[str]:
        return self.client.received(Chat.posted)


def start(*carriers: Carrier, broker: Broker | None = None) -> Process:
    """Start a process with these carriers."""

    class Carrying(Plugin):
        name = "carrying"

        def carriers(self) -> tuple[Carrier, ...]:
            return carriers

    app, broker = Flask(__name__), broker or Broker()
    socketio = SocketIO(app, namespaces=[Chat], plugins=[Carrying], client_manager=broker)
    return Process(socketio, Client(app, Chat), broker)


def test_carriers_are_around_an_emit_the_first_outermost() -> None:
    seen: list[Any] = []

    class Carrying(Plugin):
        name = "carrying"

        def carriers(self) -> list[Carrier]:
            return [Note("a", seen), Note("b", seen), Carrier()]

    app = Flask(__name__)
    socketio = SocketIO(app, namespaces=[Chat], plugins=[Carrying])
    client = Client(app, Chat)
    socketio.emit("posted", "hi", namespace="/chat", to=[client.sid])
    text = f"<Emission /chat 'posted' to=['{client.sid}']>"
    assert seen == [("a", "emit", text), ("b", "emit", text), ("b", "emitted"), ("a", "emitted")]
    assert client.received(Chat.posted) == ["hi"]
    assert socketio.plugins["carrying"].adds == {"carriers": ("Note", "Note", "Carrier")}


def test_what_a_carrier_raises_reaches_who_emits_and_nothing_is_sent() -> None:
    class Refuse(Carrier):
        def emit(self, emission: Emission, proceed: Proceed) -> None:
            raise ValueError("no")

    a = start(Refuse())
    with pytest.raises(ValueError, match="no"):
        a.emit()
    assert (a.received, a.broker.published) == ([], [])


def test_metadata_travel_to_the_carriers_of_the_other_process() -> None:
    seen: list[Any] = []
    a, b = start(Note("a", []), Note("b", [])), start(Note("c", seen))
    a.emit()
    (message,) = a.broker.published
    assert message["metadata"] == {"a": "was here", "b": "was here"}
    b.broker.deliver(message)
    assert seen == [("c", "deliver", "<Emission /chat 'posted' to=None>", message["metadata"]), ("c", "delivered")]
    assert (a.received, b.received) == (["hi"], ["hi"])


@pytest.mark.parametrize("carriers", [[], [Carrier()]])
def test_message_without_metadata_is_the_one_that_flask_socketio_sends(carriers: list[Carrier]) -> None:
    a = start(*carriers)
    a.emit()
    keys = {"method", "event", "data", "binary", "namespace", "room", "skip_sid", "callback", "host_id"}
    assert a.broker.published[0].keys() == keys


def test_only_messages_of_the_emit_itself_carry_its_metadata() -> None:
    a = start(Note("a", []))
    a.emit()
    a.socketio.server.manager.close_room("room", "/chat")
    a.socketio.server.manager.disconnect("elsewhere", "/chat")
    assert ["metadata" in message for message in a.broker.published] == [True, False, False]


def test_processes_with_and_without_carriers_understand_each_other() -> None:
    seen: list[Any] = []
    a, b = start(Note("a", seen)), start()
    a.emit("from a")
    b.emit("from b")
    seen.clear()
    b.broker.deliver(a.broker.published[0])
    a.broker.deliver(b.broker.published[0])
    assert (a.received, b.received) == (["from a", "from b"], ["from b", "from a"])
    assert seen[0] == ("a", "deliver", "<Emission /chat 'posted' to=None>", {})


@pytest.mark.parametrize("metadata", [None, 5, "text", ["a"], {"a": 5, "b": None, "c": {"d": "e"}}])
def test_metadata_that_are_no_texts_are_dropped(metadata: object) -> None:
    seen: list[Any] = []
    a, b = start(), start(Note("b", seen))
    a.emit()
    b.broker.deliver({**a.broker.published[0], "metadata": metadata})
    assert seen[0][-1] == {}
    assert b.received == ["hi"]


def test_carriers_are_told_of_a_delivery_only_where_it_reaches_somebody() -> None:
    seen: list[Any] = []
    a, b = start(), start(Note("b", seen))
    for to in ("lobby", ["lobby", "garden"], "garden", b.client.sid):
        a.emit(to=to)
    for message in a.broker.published:
        b.broker.deliver(message)
    assert [entry[2] for entry in seen if entry[1] == "deliver"] == [f"<Emission /chat 'posted' to='{b.client.sid}'>"]
    seen.clear()
    b.client.call(Chat.on_join, "lobby")
    for message in [*a.broker.published, {**a.broker.published[0], "namespace": "/elsewhere"}]:
        b.broker.deliver(message)
    assert [entry[2] for entry in seen if entry[1] == "deliver"] == [
        "<Emission /chat 'posted' to='lobby'>",
        "<Emission /chat 'posted' to=['lobby', 'garden']>",
        f"<Emission /chat 'posted' to='{b.client.sid}'>",
    ]


@pytest.mark.parametrize("options", [{}, {"ignore_queue": True}])
def test_an_emit_to_clients_of_the_same_process_is_no_delivery(options: dict[str, Any]) -> None:
    seen: list[Any] = []
    a = start(Note("a", seen))
    a.emit(**options)
    assert [entry[1] for entry in seen] == ["emit", "emitted"]
    assert a.received == ["hi"]
    assert bool(a.broker.published) is not bool(options)


def test_emit_through_another_application_meanwhile_does_not_carry_the_metadata() -> None:
    inner = start()

    class Nested(Broker):
        def _publish(self, data: dict[str, Any]) -> None:
            inner.emit()
            super()._publish(data)

    outer = start(Note("a", []), broker=Nested())
    outer.emit()
    assert "metadata" in outer.broker.published[0]
    assert "metadata" not in inner.broker.published[0]


def test_manager_gets_its_relay_once() -> None:
    mixed = mix_in(Broker())
    assert [kind.__name__ for kind in type(mixed).__mro__][1] == "Relay"
    assert mix_in(mixed) is mixed


def test_what_is_no_carrier_is_an_error() -> None:
    class Wrong(Plugin):
        name = "wrong"

        def carriers(self) -> Any:
            return [Carrier]

    app = Flask(__name__)
    app.testing = True
    with pytest.raises(
        PluginError, match=r"Wrong.carriers\(\) gave .* it gives Carrier instances. Did you mean Carrier\(\)"
    ):
        SocketIO(app, plugins=[Wrong])
