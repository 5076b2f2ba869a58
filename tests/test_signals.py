"""Signals: what they tell, in which order, and that a failing receiver disturbs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask

from framework import Event, EventError, Namespace, SocketIO, signals
from framework.testing import Client, ConnectRefused

SIGNALS = {value.name: value for value in vars(signals).values() if isinstance(value, NamedSignal)}


class Chat(Namespace):
    namespace = "/chat"

    said = Event[str]()

    def on_connect(self, auth: str | None = None) -> None:
        if auth == "no":
            raise EventError("closed", "Closed.")

    def on_say(self, text: str) -> None:
        self.said.broadcast(text, skip=self.sid)

    def on_boom(self) -> None:
        raise KeyError("secret")


Told = list[tuple[str, Any, dict[str, Any]]]


@pytest.fixture
def told() -> Iterator[Told]:
    """What every signal has told, in order: its name, the sender, the rest."""
    found: Told = []

    def listen(signal: NamedSignal) -> Any:
        def receive(sender: Any, **about: Any) -> None:
            found.append((signal.name, sender, about))

        return signal.connected_to(receive)

    with ExitStack() as stack:
        for signal in SIGNALS.values():
            stack.enter_context(listen(signal))
        yield found


def build() -> Flask:
    app = Flask(__name__)
    SocketIO(app, namespaces=[Chat])
    return app


def test_life_of_a_client_is_told_in_order_with_the_application_as_sender(told: Told) -> None:
    app = build()
    client = Client(app, Chat)
    client.call("say", "hi")
    client.disconnect()
    assert [name for name, _, _ in told] == [
        "namespace-registered",
        "client-connecting",
        "client-connected",
        "event-received",
        "emitted",
        "event-handled",
        "client-disconnected",
    ]
    assert {sender for _, sender, _ in told} == {app}
    about = {name: rest for name, _, rest in told}
    sid = about["client-connected"]["sid"]
    assert about["client-connected"] == {"namespace": "/chat", "sid": sid}
    size_bytes = len('["say","hi"]')
    assert about["event-received"] == {"namespace": "/chat", "event": "say", "sid": sid, "size_bytes": size_bytes}
    assert about["event-handled"].pop("duration_s") > 0
    assert about["event-handled"] == {"namespace": "/chat", "event": "say", "sid": sid}
    assert about["emitted"] == {"namespace": "/chat", "event": "said", "to": None, "skip": [sid]}
    assert about["client-disconnected"] == {"namespace": "/chat", "sid": sid, "reason": "client disconnect"}


@pytest.mark.parametrize(
    ("name", "event", "code", "error"),
    [
        ("boom", "boom", "internal_error", KeyError),
        ("say", "say", "invalid_payload", EventError),
        ("nothing like it", None, "unknown_event", EventError),
    ],
)
def test_failure_is_told_with_its_code_and_what_was_raised(
    told: Told, name: str, event: str | None, code: str, error: type[Exception]
) -> None:
    client = Client(build(), Chat)
    with pytest.raises(EventError):
        client.call(name)
    (about,) = (rest for signal, _, rest in told if signal == "event-failed")
    assert (about["event"], about["code"]) == (event, code)
    assert isinstance(about["error"], error)
    assert not [signal for signal, _, _ in told if signal == "event-handled"]


def test_refusal_is_told_and_no_connect(told: Told) -> None:
    with pytest.raises(ConnectRefused):
        Client(build(), Chat, auth="no")
    names = [name for name, _, _ in told]
    assert names == ["namespace-registered", "client-connecting", "client-refused"]
    assert told[-1][2] == {"namespace": "/chat", "sid": told[1][2]["sid"], "code": "closed", "message": "Closed."}


def test_receiver_that_fails_is_logged_and_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def fail(sender: Any, **extra: Any) -> None:
        raise RuntimeError("the receiver's own")

    def hear(sender: Any, **extra: Any) -> None:
        heard.append(extra["event"])

    with signals.event_received.connected_to(fail), signals.event_received.connected_to(hear):
        Client(build(), Chat).call("say", "hi")
    assert heard == ["say"]
    assert "event-received" in caplog.text
    assert "the receiver's own" in caplog.text


def test_receiver_may_listen_to_one_application(told: Told) -> None:
    mine, other = build(), build()
    heard: list[Any] = []

    def hear(sender: Any, **extra: Any) -> None:
        heard.append(sender)

    with signals.client_connected.connected_to(hear, sender=mine):
        Client(mine, Chat)
        Client(other, Chat)
    assert heard == [mine]


def test_server_tells_when_it_starts_and_stops(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    app = build()
    extension = app.extensions["socketio"]
    connecting: list[bool] = []

    def stop_at_once(sender: Any, **extra: Any) -> None:
        connecting.append(True)
        extension.start_background_task(_stop_when_started, extension)

    with signals.server_starting.connected_to(stop_at_once):
        extension.run(app, port=_free_port(), debug=True, use_reloader=False)
    names = [name for name, _, _ in told]
    assert names[-3:] == ["server-starting", "server-draining", "server-stopped"]
    assert told[-1][2]["host"] == "127.0.0.1"
    assert connecting == [True]


def _stop_when_started(extension: Any) -> None:
    while extension.stop_server is None:
        pass
    extension.stop()


def _free_port() -> int:
    from tests.live import free_port

    return free_port()
