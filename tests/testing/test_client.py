"""The test kit's client: what a test can do with it, and what it tells a test that is wrong."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, request
from pydantic import BaseModel, ConfigDict, Field, computed_field

from framework import Call, ConfigurationError, Event, EventError, Namespace, SocketIO
from framework.testing import Client, ClientFactory, ConnectRefused


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(validation_alias="inName", serialization_alias="outName")
    born: datetime = datetime(1815, 12, 10, tzinfo=UTC)
    photo: bytes = b""

    @computed_field
    def initial(self) -> str:
        return self.name[:1]


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Office(Namespace):
    namespace = "/office"

    seen = Event[Person]()
    moved = Event[str, Point]()
    agreed = Call[Person, Person, int]()

    def on_connect(self, auth: dict[str, str] | None = None) -> None:
        if auth and "refuse" in auth:
            raise EventError("closed", "We are closed.", {"until": 9})

    def on_meet(self, person: Person) -> Person:
        self.seen.broadcast(person)
        return person

    def on_move(self, name: str, to: Point, *, quiet: bool = False) -> tuple[str, Point]:
        self.moved.broadcast(name, to, skip=self.sid)
        return name, to

    def on_agree(self, other: str) -> str:
        return self.agreed.call(Person(inName="Ada"), 3, to=other).name

    def on_headers(self) -> list[str]:
        return [request.headers["X-Team"], request.args["q"]]

    def on_boom(self) -> None:
        raise ZeroDivisionError("the real reason")

    def on_nothing(self) -> None: ...

    def on_maybe(self) -> Person | None:
        return None

    def on_go(self) -> None:
        self.disconnect()

    async def on_wait(self, n: int) -> int:
        return n


class Cellar(Namespace):
    namespace = "/cellar"


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    SocketIO(app, namespaces=[Office, Cellar])
    return app


def test_models_go_in_under_input_names_and_come_back_as_models(framework_client: ClientFactory) -> None:
    ada, bob = framework_client(Office), framework_client(Office)
    person = Person(inName="Grace", photo=b"\x00\xff")
    assert ada.call(Office.on_meet, person) == person
    assert bob.received(Office.seen) == ada.received(Office.seen) == [person]


def test_several_arguments_come_as_a_tuple(framework_client: ClientFactory) -> None:
    ada, bob = framework_client(Office), framework_client(Office)
    assert ada.call(Office.on_move, "ada", Point(1, 2)) == ("ada", Point(1, 2))
    assert ada.call(Office.on_move, name="ada", to=Point(3)) == ("ada", Point(3))
    assert bob.received(Office.moved) == [("ada", Point(1, 2)), ("ada", Point(3, 0))]
    assert ada.received(Office.moved) == []


def test_by_name_everything_is_plain_json(framework_client: ClientFactory) -> None:
    ada = framework_client(Office)
    answer = ada.call("meet", {"inName": "Ada"})
    assert (answer["outName"], answer["initial"]) == ("Ada", "A")
    assert ada.received("seen")[0]["born"] == "1815-12-10T00:00:00Z"
    assert ada.call("nothing") is None


def test_nothing_none_and_async_come_as_declared(framework_client: ClientFactory) -> None:
    ada = framework_client(Office)
    ada.call(Office.on_nothing)
    assert ada.call(Office.on_maybe) is None
    assert ada.call(Office.on_wait, 3) == 3


def test_clear_forgets_what_came(framework_client: ClientFactory) -> None:
    ada = framework_client(Office)
    ada.call("meet", {"inName": "Ada"})
    ada.emit("unknown")
    assert (len(ada.received(Office.seen)), len(ada.errors)) == (1, 1)
    ada.clear()
    assert (ada.received(Office.seen), ada.errors) == ([], [])


def test_answer_is_typed_both_ways(framework_client: ClientFactory) -> None:
    ada, bob = framework_client(Office), framework_client(Office)
    asked: list[Any] = []

    def agree(person: Person, count: int) -> Person:
        asked.append((person.name, count))
        return Person(inName="Bob")

    bob.answer(Office.agreed, agree)
    assert ada.call(Office.on_agree, bob.sid) == "Bob"
    assert asked == [("Ada", 3)]


def test_wrong_answer_is_not_taken_for_the_declared_type(framework_client: ClientFactory) -> None:
    ada, bob = framework_client(Office), framework_client(Office)
    bob.answer(Office.agreed, lambda person, count: 5)  # type: ignore[arg-type,return-value]
    with pytest.raises(EventError) as caught:
        ada.call(Office.on_agree, bob.sid)
    assert caught.value.code == "internal_error"
    assert "answered with something else" in str(caught.value.__cause__)


def test_call_without_an_answer_tells_the_test_what_to_write(framework_client: ClientFactory) -> None:
    ada, bob = framework_client(Office), framework_client(Office)
    with pytest.raises(EventError) as caught:
        ada.call(Office.on_agree, bob.sid)
    assert "client.answer" in str(caught.value.__cause__)


def test_refused_connect_says_why(framework_client: ClientFactory) -> None:
    with pytest.raises(ConnectRefused) as caught:
        framework_client(Office, auth={"refuse": "please"})
    assert (caught.value.code, caught.value.message, caught.value.details) == ("closed", "We are closed.", {"until": 9})
    assert caught.value.data == {"code": "closed", "details": {"until": 9}}


def test_failed_handler_shows_the_test_what_it_raised(framework_client: ClientFactory) -> None:
    with pytest.raises(EventError) as caught:
        framework_client(Office).call(Office.on_boom)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_headers_and_query_reach_the_request(framework_client: ClientFactory) -> None:
    client = framework_client(Office, headers={"X-Team": "core"}, query_string="?q=5")
    assert client.call(Office.on_headers) == ["core", "5"]


def test_server_disconnect_is_seen_and_later_calls_are_refused(framework_client: ClientFactory) -> None:
    ada = framework_client(Office)
    ada.emit(Office.on_go)
    assert not ada.connected
    with pytest.raises(RuntimeError, match="not connected to /office"):
        ada.call(Office.on_nothing)
    with pytest.raises(RuntimeError, match="not connected"):
        ada.emit("nothing")
    ada.disconnect()


def test_one_connection_can_join_several_namespaces(framework_client: ClientFactory) -> None:
    ada = framework_client(Office)
    below = framework_client(Cellar, via=ada)
    assert ada.connected
    assert below.connected
    assert ada.sid != below.sid
    ada.drop()
    assert not ada.connected
    assert not below.connected


def test_rooms_do_not_name_the_clients_own(framework_client: ClientFactory, app: Flask) -> None:
    ada = framework_client(Office)
    app.extensions["socketio"].server.enter_room(ada.sid, "lobby", namespace="/office")
    assert ada.rooms() == {"lobby"}


def test_wait_for_gets_what_a_background_task_sends(framework_client: ClientFactory, app: Flask) -> None:
    ada = framework_client(Office)
    app.extensions["socketio"].start_background_task(Office.moved.broadcast, "x", Point(1))
    assert ada.wait_for(Office.moved) == ("x", Point(1))


def test_wait_for_gives_up_with_the_name(framework_client: ClientFactory) -> None:
    with pytest.raises(TimeoutError, match="no 'moved' came"):
        framework_client(Office).wait_for(Office.moved, timeout_s=0.01)


def test_wrong_targets_are_named(framework_client: ClientFactory) -> None:
    class Elsewhere(Namespace):
        namespace = "/elsewhere"

        def on_x(self) -> None: ...

    with pytest.raises(ConfigurationError, match="Elsewhere is not served here"):
        framework_client(Elsewhere)
    with pytest.raises(ConfigurationError, match="on_x is no handler on /office"):
        framework_client(Office).call(Elsewhere.on_x)
    with pytest.raises(ConfigurationError, match="has no SocketIO"):
        Client(Flask(__name__))


def test_two_applications_in_one_test_do_not_mix(app: Flask) -> None:
    other = Flask("other")
    SocketIO(other, namespaces=[Office])
    ada, bob = Client(app, Office), Client(other, Office)
    ada.call("meet", {"inName": "Ada"})
    assert (len(ada.received(Office.seen)), bob.received(Office.seen)) == (1, [])


def test_fixture_drops_its_clients(app: Flask) -> None:
    factory = ClientFactory(app)
    factory(Office)
    factory.close()
    server = app.extensions["socketio"].server
    assert server.connections == {}
    assert dict(server.eio.sockets) == {}
    assert server.manager.rooms.get("/office", {}) == {}


def test_sessions_of_flask_socketios_own_client_work_beside(app: Flask) -> None:
    upstream = app.extensions["socketio"].test_client(app, namespace="/office")
    assert upstream.emit("wait", 3, namespace="/office", callback=True) == 3
