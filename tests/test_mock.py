"""``framework mock``: a contract without an application, for the official client and for a shell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from framework import Call, Event, EventError, Namespace, SocketIO, raises
from framework.contract import Contract, load_contract
from framework.contract.check import check_ack, check_arguments, check_value, find_event, find_namespace
from framework.errors import ContractError
from framework.mock import STREAMED, create_mock, describe_mock
from framework.talking import Conversation, find_contract
from framework.testing import Client, ClientFactory, ConnectRefused, check_contract

from .contract.corpus import create_app
from .live import LiveServer, child_environment
from .node_client import JavaScript

CONTRACT: Contract = create_app().extensions["socketio"].contract()
NASTY = find_namespace(CONTRACT, "/nasty")


@pytest.fixture
def app() -> Flask:
    return create_mock(CONTRACT, interval_s=0)


@pytest.fixture
def nasty(framework_client: ClientFactory) -> Client:
    return framework_client("/nasty")


# -- in this process


@pytest.mark.parametrize("event", NASTY.client_events, ids=lambda event: event.name)
def test_every_event_is_answered_with_an_example_of_its_type(nasty: Client, event: Any) -> None:
    from framework.contract.examples import example_for

    args = [example_for(argument.json_schema, CONTRACT.models) for argument in event.arguments if argument.required]
    if event.stream is not None:
        chunks = list(nasty.stream(event.name, *args))
        assert len(chunks) == STREAMED
        assert [check_value(CONTRACT, event.stream, chunk) for chunk in chunks] == [[]] * STREAMED
        return
    ack = nasty.call(event.name, *args)
    values = [] if ack is None else list(ack) if isinstance(ack, tuple) else [ack]
    assert check_ack(CONTRACT, event, values) == []


def test_bytes_are_answered_as_bytes(nasty: Client) -> None:
    ack = nasty.call("bytes", {"name": "x", "content": b"\x00"})
    assert isinstance(ack["content"], bytes)
    assert all(isinstance(part, bytes) for part in ack["parts"])
    assert all(isinstance(chunk, bytes) for chunk in nasty.stream("break", 1))


def test_answers_are_the_same_every_time(nasty: Client) -> None:
    assert nasty.call("camel", {"firstName": "a"}) == nasty.call("camel", {"firstName": "b"})


def test_what_the_contract_forbids_is_refused_as_the_framework_does(nasty: Client) -> None:
    with pytest.raises(EventError) as failed:
        nasty.call("page", {"items": [{"x": -1}]})
    assert failed.value.code == "invalid_payload"
    assert failed.value.details == [{"path": "items.0.x", "type": "minimum", "message": "It breaks minimum: 0."}]
    with pytest.raises(EventError, match="Invalid payload: Expected at most 0 arguments."):
        nasty.call("none", 1)


def test_unknown_event_is_answered_with_a_suggestion(nasty: Client) -> None:
    with pytest.raises(EventError, match="unknown_event: No such event. Did you mean 'camel'"):
        nasty.call("camels")


def test_declared_error_comes_when_an_argument_names_it(framework_client: ClientFactory) -> None:
    client = framework_client("/nasty")
    with pytest.raises(EventError, match="room_full: No seat is left"):
        client.call("fail", "room_full")
    assert isinstance(client.call("fail", "another"), int)


def test_declared_error_may_be_named_in_a_field_and_in_auth() -> None:
    class Banned(EventError):
        """You are banned."""

        code = "banned"

    class Bar(Namespace):
        namespace = "/bar"

        @raises(Banned)
        def on_connect(self, auth: dict[str, str]) -> None: ...

        @raises(Banned)
        def on_order(self, what: dict[str, str]) -> None: ...

    mock = create_mock(SocketIO(Flask("bar"), namespaces=[Bar]).contract(), interval_s=0)
    with pytest.raises(ConnectRefused, match="banned: You are banned."):
        Client(mock, "/bar", auth={"token": "banned"})
    client = Client(mock, "/bar", auth={})
    with pytest.raises(EventError, match="banned"):
        client.call("order", {"drink": "banned"})
    client.drop()


def test_auth_is_checked(framework_client: ClientFactory) -> None:
    assert framework_client("/nasty", auth={"token": "x"}).connected
    assert framework_client("/nasty", auth={}).connected  # which python-socketio sends for nothing
    with pytest.raises(ConnectRefused) as refused:
        framework_client("/nasty", auth={"token": 5})
    assert refused.value.code == "invalid_payload"


def test_namespace_without_events_is_served_and_no_other(framework_client: ClientFactory) -> None:
    assert framework_client("/empty").connected
    with pytest.raises(ConnectRefused, match="unknown_namespace"):
        framework_client("/other")


def test_mock_keeps_the_contract_that_it_was_made_from(app: Flask) -> None:
    text = app.test_client().get("/explorer/contract.json").text
    assert load_contract(text) == CONTRACT


def test_mock_needs_neither_plugins_nor_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_MESSAGE_QUEUE", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("FRAMEWORK_ASYNC_MODE", "gevent")
    extension = create_mock(CONTRACT, interval_s=0).extensions["socketio"]
    assert "client_manager" not in extension.server_options
    assert extension.async_mode == "threading"
    assert {info.state for info in extension.plugins.values()} <= {"disabled"}


def test_type_without_an_example_is_named() -> None:
    contract = Contract.model_validate(
        {
            "title": "t",
            "version": "1",
            "namespaces": [
                {"path": "/x", "name": "X", "client_events": [{"name": "never", "ack": [{"enum": []}]}]},
            ],
        }
    )
    with pytest.raises(ContractError, match="/x never: no example found"):
        create_mock(contract)


def test_missing_package_is_named_before_anything_is_served() -> None:
    code = (
        "import sys; sys.modules['jsonschema'] = None\n"
        "from framework.contract import Contract\n"
        "from framework.mock import create_mock\n"
        "create_mock(Contract(title='t', version='1'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "ContractError: checking values needs jsonschema" in done.stderr


def test_description_counts_events() -> None:
    class Chat(Namespace):
        namespace = "/chat"
        posted = Event[str]("")
        sure = Call[bool]("")

        def on_a(self) -> None: ...

        def on_b(self) -> None: ...

    contract = SocketIO(Flask("chat"), namespaces=[Chat]).contract()
    assert describe_mock(contract) == ["/chat: takes 2 events, sends 1 event"]


# -- over the wire


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mock") / "contract.json"
    path.write_text(CONTRACT.to_json())
    return path


class MockServer(LiveServer):
    """``framework mock``, as a process."""

    def __init__(self, contract: Path, *args: str) -> None:
        super().__init__("", cwd=contract.parent)
        self._command = [sys.executable, "-m", "framework", "mock", contract.name, "--port", str(self.port), *args]


@pytest.fixture(scope="module")
def server(file: Path) -> Iterator[MockServer]:
    with MockServer(file, "--interval", "0.05") as server:
        yield server


@pytest.mark.wire
def test_mock_says_what_it_serves_and_where(server: MockServer) -> None:
    log = server.wait_for_log("framework is serving")
    assert f"http://127.0.0.1:{server.port}/" in log
    assert "\n".join(describe_mock(CONTRACT)) in log


@pytest.mark.wire
def test_official_client_talks_to_the_mock(server: MockServer) -> None:
    with JavaScript() as js:
        client = js.connect(server.url, "/nasty", auth={"token": "x"})
        assert client.refused is None
        (ack,) = client.call("bytes", {"name": "x", "content": b"\x00"})
        assert check_ack(CONTRACT, find_event(NASTY, "bytes"), [ack]) == []
        assert isinstance(ack["content"], bytes)
        (error,) = client.call("fail", "room_full")
        assert error["error"]["code"] == "room_full"
        (error,) = client.call("many", "x")
        assert error["error"]["code"] == "invalid_payload"
        assert js.connect(server.url, "/nasty", auth={"token": 1}).refused is not None


@pytest.mark.wire
def test_mock_sends_every_event_of_the_contract_in_turn(server: MockServer) -> None:
    with JavaScript() as js:
        client = js.connect(server.url, "/nasty")
        for declared in NASTY.server_events:
            if declared.is_call:
                continue
            values = client.wait_for(declared.name)[0]
            if declared.arguments is not None:
                assert check_arguments(CONTRACT, declared.arguments, values) == []
        assert client.received("confirm") == []


@pytest.mark.wire
def test_mock_publishes_its_contract_for_the_shell(server: MockServer) -> None:
    assert find_contract(server.url, None, 5) == CONTRACT
    with Conversation(server.url, "/nasty") as talk:
        assert len(list(talk.stream("count", [5]))) == STREAMED


@pytest.mark.wire
def test_pages_of_other_origins_may_connect_only_when_they_are_named(file: Path, server: MockServer) -> None:
    path = "/socket.io/?EIO=4&transport=polling"
    page = {"extraHeaders": {"Origin": "http://localhost:5173"}}
    assert server.get_status(path)[0] == 200
    with JavaScript() as js:
        refused = js.connect(server.url, "/nasty", transports=["polling"], reconnection=False, **page).refused
        assert refused is not None
        with MockServer(file, "--interval", "0", "--origin", "http://localhost:5173") as other:
            assert js.connect(other.url, "/nasty", transports=["polling"], **page).refused is None


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "framework", "mock", *args],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.once
def test_what_can_not_be_served_ends_with_2_and_a_sentence(file: Path, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps({"format": 99, "title": "t", "version": "1"}))
    for args, sentence in {
        ("nowhere.json",): "File 'nowhere.json' does not exist",
        ("old.json",): "old.json is no contract: format: Input should be 1",
        (str(file), "--interval", "soon"): "'soon' is not a valid float",
    }.items():
        done = run(tmp_path, *args)
        assert done.returncode == 2, done.stderr
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.wire
def test_port_that_is_taken_ends_with_2(file: Path, server: MockServer) -> None:
    done = run(file.parent, file.name, "--port", str(server.port))
    assert done.returncode == 2
    assert "can't be listened on: address already in use" in done.stderr


def test_application_that_became_real_keeps_the_contract_that_was_mocked(file: Path) -> None:
    check_contract(create_app(), file)
