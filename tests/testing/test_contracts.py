"""`check_contract` and `check_server`: who still keeps what was promised, and who does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from flask import Flask
from pydantic import Field

from framework import Event, Namespace, SocketIO
from framework.contract import Contract
from framework.errors import ContractError, TalkError
from framework.testing import check_contract, check_server

from ..contract.corpus import create_app
from ..live import LiveServer, free_port

OLD = """
from typing import Annotated

from flask import Flask
from pydantic import BaseModel, Field
from framework import Event, EventError, Namespace, SocketIO


class Auth(BaseModel):
    token: str


class Chat(Namespace):
    namespace = "/chat"
    posted = Event[str]("Posted.")

    def on_connect(self, auth: Auth) -> None:
        if auth.token != "right":
            raise EventError("unauthorized", "Wrong token.")

    def on_post(self, text: Annotated[str, Field(max_length=100)]) -> int:
        calls.append(text)
        return len(calls)

    def on_all(self, *texts: str) -> None:
        calls.extend(texts)

    def on_calls(self) -> int:
        return len(calls)

    def on_any(self, *values) -> None: ...


calls = []


def create_app(published=True):
    app = Flask("chat")
    socketio = SocketIO(app, namespaces=[Chat])

    @app.get("/explorer/contract.json")
    def contract():
        return (socketio.contract().to_json(), {"Content-Type": "application/json"}) if published else ("", 404)

    return app
"""
NEW = OLD.replace("max_length=100", "max_length=10").replace("on_calls", "on_count")
RIGHT = {"token": "right"}


class Chat(Namespace):
    namespace = "/chat"
    posted = Event[str]("Posted.")

    def on_post(self, text: Annotated[str, Field(max_length=100)]) -> int:
        return 1


class Narrow(Namespace):
    namespace = "/chat"
    posted = Event[int]("Posted.")

    def on_post(self, text: Annotated[str, Field(max_length=10)]) -> int:
        return 1


class Wide(Namespace):
    namespace = "/chat"
    posted = Event[str]("Posted.")
    typing = Event[str]("Typing.")

    def on_post(self, text: Annotated[str, Field(max_length=200)], room: str = "lobby") -> int:
        return 1

    def on_more(self) -> None: ...


def serve(*namespaces: Any) -> Flask:
    app = Flask("chat")
    SocketIO(app, namespaces=namespaces)
    return app


def promise(*namespaces: Any) -> Contract:
    contract: Contract = serve(*namespaces).extensions["socketio"].contract()
    return contract


# -- the application


def test_application_keeps_its_own_contract(tmp_path: Path) -> None:
    contract: Contract = create_app().extensions["socketio"].contract()
    check_contract(create_app(), contract)
    (tmp_path / "contract.json").write_text(contract.to_json())
    check_contract(create_app(), tmp_path / "contract.json")
    check_contract(create_app(), str(tmp_path / "contract.json"))


def test_application_that_only_adds_keeps_the_contract() -> None:
    check_contract(serve(Wide), promise(Chat))


def test_everything_that_breaks_is_listed() -> None:
    with pytest.raises(AssertionError) as failed:
        check_contract(serve(Narrow), promise(Chat))
    first, *rest = str(failed.value).splitlines()
    assert first == "The application does not keep the contract:"
    assert len(rest) == 2
    assert {line.partition(" argument")[0] for line in rest} == {"/chat post", "/chat posted"}


def test_namespace_that_is_gone_breaks() -> None:
    with pytest.raises(AssertionError, match="/chat: The namespace is gone"):
        check_contract(serve(), promise(Chat))


def test_file_that_is_no_contract_is_refused(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text("{}")
    with pytest.raises(ContractError, match="contract.json is no contract"):
        check_contract(serve(Chat), tmp_path / "contract.json")
    with pytest.raises(ContractError, match=r"nowhere.json can't be read: No such file"):
        check_contract(serve(Chat), tmp_path / "nowhere.json")


# -- a running server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contracts")
    (folder / "old.py").write_text(OLD)
    (folder / "new.py").write_text(NEW)
    return folder


@pytest.fixture(scope="module")
def promised(folder: Path) -> Contract:
    scope: dict[str, Any] = {"__name__": "old"}
    exec(compile(OLD, "old.py", "exec"), scope)
    contract: Contract = scope["create_app"]().extensions["socketio"].contract()
    return contract


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[dict[str, LiveServer]]:
    apps = {
        "old": "old:create_app",
        "new": "new:create_app",
        "quiet": "old:create_app(False)",
        "other": "new:create_app(False)",
    }
    started = {name: LiveServer(app, cwd=folder) for name, app in apps.items()}
    try:
        for server in started.values():
            server.start()
        yield started
    finally:
        for server in started.values():
            server.stop(0.5)


@pytest.mark.wire
@pytest.mark.parametrize("name", ["old", "quiet"])
def test_server_keeps_its_contract(servers: dict[str, LiveServer], promised: Contract, name: str) -> None:
    check_server(servers[name].url, promised, auth=RIGHT)


@pytest.mark.wire
def test_what_a_server_publishes_is_compared(
    servers: dict[str, LiveServer], promised: Contract, tmp_path: Path
) -> None:
    url = servers["new"].url
    (tmp_path / "contract.json").write_text(promised.to_json())
    with pytest.raises(AssertionError) as failed:
        check_server(url, tmp_path / "contract.json", auth=RIGHT)
    first, *rest = str(failed.value).splitlines()
    assert first == f"{url} does not keep the contract:"
    assert any(line.startswith("/chat post argument text") for line in rest)
    assert any(line.startswith("/chat calls") for line in rest)


@pytest.mark.wire
def test_events_of_a_server_that_publishes_nothing_are_looked_for(
    servers: dict[str, LiveServer], promised: Contract
) -> None:
    with pytest.raises(AssertionError) as failed:
        check_server(servers["other"].url, promised, auth=RIGHT)
    (problem,) = str(failed.value).splitlines()[1:]
    assert problem.startswith("/chat calls: unknown_event: No such event.")


@pytest.mark.wire
def test_no_handler_runs_when_events_are_looked_for(servers: dict[str, LiveServer], promised: Contract) -> None:
    from framework.talking import Conversation

    with Conversation(servers["quiet"].url, "/chat", auth=RIGHT) as talk:
        before = talk.call("calls", [])
        check_server(servers["quiet"].url, promised, auth=RIGHT)
        assert talk.call("calls", []) == before


@pytest.mark.wire
@pytest.mark.parametrize(
    ("auth", "reason"), [(None, "invalid_payload: "), ({"token": "x"}, "unauthorized: Wrong token.")]
)
def test_client_that_is_refused_is_told(
    servers: dict[str, LiveServer], promised: Contract, auth: Any, reason: str
) -> None:
    with pytest.raises(AssertionError, match=f"/chat: a client was refused: {reason}"):
        check_server(servers["old"].url, promised, auth=auth)


@pytest.mark.wire
def test_namespace_that_a_server_does_not_serve_is_told(servers: dict[str, LiveServer]) -> None:
    class Other(Namespace):
        namespace = "/other"

    with pytest.raises(AssertionError, match="/other: a client was refused: unknown_namespace"):
        check_server(servers["quiet"].url, promise(Other))


@pytest.mark.wire
def test_event_that_takes_more_than_promised_is_told(servers: dict[str, LiveServer]) -> None:
    class Less(Namespace):
        namespace = "/chat"

        def on_connect(self, auth: dict[str, str]) -> None: ...

        def on_any(self) -> None: ...

    with pytest.raises(AssertionError, match="/chat any: it takes more arguments than promised"):
        check_server(servers["quiet"].url, promise(Less), auth=RIGHT)


def test_server_that_is_not_there_is_no_failure_of_the_contract() -> None:
    with pytest.raises(TalkError, match="no Socket.IO server answers"):
        check_server(f"http://127.0.0.1:{free_port()}", promise(Chat))
