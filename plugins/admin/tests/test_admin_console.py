"""The dashboard's own namespace: what it shows of clients, rooms and events, and what it lets an operator do."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask
from framework_admin.recorder import MAX_ENTRIES, MAX_ENTRIES_PER_BATCH

from framework import EventError, SocketIO
from framework.testing import Client, ConnectRefused

from .conftest import Chat, admin_of

PASSWORD = "correct horse"


def update(app: Flask, console: Client) -> Any:
    """Have the dashboard look now, and return the batch that came of it."""
    console.clear()
    admin_of(app).monitor.update()
    (batch,) = console.received("batch")
    return batch


# -- what it shows


def test_page_gets_everything_when_it_comes(build: Any, watch: Any) -> None:
    app = build()
    ada = Client(app, Chat, headers={"User-Agent": "Firefox"})
    ada.call(Chat.on_enter, "lobby")

    seen = watch(app).call("watch")

    (client,) = seen["clients"]
    assert (client["namespace"], client["sid"], client["rooms"]) == ("/chat", ada.sid, ["lobby"])
    assert client["user_agent"] == "Firefox"
    assert seen["rooms"] == [{"namespace": "/chat", "name": "lobby", "clients": 1}]
    assert seen["namespaces"] == [{"path": "/chat", "clients": 1}]
    assert {(known["event"], known["direction"]) for known in seen["events"]} >= {
        ("say", "client to server"),
        ("said", "server to client"),
    }
    assert seen["totals"]["clients"] == seen["totals"]["connections"] == 1
    assert seen["application"] == "shop"


def test_events_come_with_code_time_and_size_and_never_with_their_payload(build: Any, watch: Any) -> None:
    app = build()
    console = watch(app)
    ada = Client(app, Chat)
    ada.call(Chat.on_say, "a secret")
    with pytest.raises(EventError):
        ada.call("break")
    with pytest.raises(EventError):
        ada.call("say", {"a": "secret"})
    with pytest.raises(EventError):
        ada.call("a secret name")

    batch = update(app, console)

    events = [entry for entry in batch["entries"] if entry["kind"] == "event"]
    assert [(entry["event"], entry["code"], entry["detail"]) for entry in events] == [
        ("say", "ok", ""),
        ("break", "internal_error", "ValueError"),
        ("say", "invalid_payload", ""),
        ("", "unknown_event", ""),
    ]
    assert all(entry["duration_ms"] > 0 and entry["sid"] == ada.sid for entry in events)
    assert events[0]["size_bytes"] == len('["say","a secret"]')
    assert "secret" not in str(batch)


def test_connects_refusals_emits_and_disconnects_are_in_the_log(build: Any, watch: Any) -> None:
    app = build()
    console = watch(app)
    with pytest.raises(ConnectRefused):
        Client(app, Chat, auth="no")
    ada = Client(app, Chat)
    ada.call(Chat.on_say, "hi")
    app.extensions["socketio"].emit("x", namespace="/chat", to=["r1", "r2", "r3", "r4", "r5"])
    ada.disconnect()

    entries = update(app, console)["entries"]

    assert [(entry["kind"], entry["event"], entry["to"], entry["code"]) for entry in entries] == [
        ("refused", "", "", "closed"),
        ("connect", "", "", "ok"),
        ("emit", "said", "", ""),
        ("event", "say", "", "ok"),
        ("emit", "x", "r1, r2, r3 and 2 more", ""),
        ("disconnect", "", "", ""),
    ]
    assert entries[-1]["detail"] == "client disconnect"


def test_batch_has_only_what_changed(build: Any, watch: Any) -> None:
    app = build()
    ada, bob = Client(app, Chat), Client(app, Chat)
    console = watch(app)

    assert update(app, console)["changed"] == []
    ada.call(Chat.on_enter, "lobby")
    bob.disconnect()
    batch = update(app, console)

    assert [client["sid"] for client in batch["changed"]] == [ada.sid]
    assert len(batch["gone"]) == 1
    assert batch["rooms"] == [{"namespace": "/chat", "name": "lobby", "clients": 1}]
    assert update(app, console)["rooms"] is None


def test_snapshot_and_batches_fit_together(build: Any, watch: Any) -> None:
    app = build()
    console = watch(app)
    ada = Client(app, Chat)
    ada.call(Chat.on_say, "before")
    update(app, console)
    ada.call(Chat.on_say, "between")

    snapshot = console.call("watch")
    batch = update(app, console)

    assert batch["number"] == snapshot["number"] + 1
    ids = [entry["id"] for entry in (*snapshot["entries"], *batch["entries"])]
    assert ids == sorted(set(ids))
    assert snapshot["totals"]["events"] == batch["totals"]["events"] == 2


def test_counters_say_how_often_each_event_came(build: Any, watch: Any) -> None:
    app = build()
    console = watch(app)
    ada = Client(app, Chat)
    for _ in range(3):
        ada.call(Chat.on_say, "hi")
    with pytest.raises(EventError):
        ada.call("say", 1)

    (counter,) = update(app, console)["counters"]

    assert (counter["namespace"], counter["event"]) == ("/chat", "say")
    assert (counter["handled"], counter["failed"]) == (3, 1)
    assert counter["total_ms"] > 0


def test_more_than_can_be_shown_is_counted(build: Any, watch: Any) -> None:
    app = build()
    console = watch(app)
    ada = Client(app, Chat)
    for _ in range(MAX_ENTRIES_PER_BATCH):
        ada.call(Chat.on_enter, "r")

    batch = update(app, console)

    assert len(batch["entries"]) == MAX_ENTRIES_PER_BATCH
    assert batch["skipped"] == 1
    assert batch["totals"]["events"] == MAX_ENTRIES_PER_BATCH


def test_log_keeps_the_last_entries_only(build: Any, watch: Any) -> None:
    app = build()
    console = watch(app)
    recorder = admin_of(app).monitor.recorder
    for _ in range(5):
        for _ in range(MAX_ENTRIES_PER_BATCH):
            recorder.note("action", "/chat")
        update(app, console)

    assert len(console.call("watch")["entries"]) == MAX_ENTRIES


def test_list_of_clients_is_bounded_and_the_totals_count_all(build: Any, watch: Any) -> None:
    app = build(ADMIN_MAX_CLIENTS=2)
    clients = [Client(app, Chat) for _ in range(4)]
    console = watch(app)
    seen = console.call("watch")

    assert [client["sid"] for client in seen["clients"]] == [client.sid for client in clients[:2]]
    assert seen["totals"]["clients"] == 4
    clients[0].disconnect()
    batch = update(app, console)
    assert [client["sid"] for client in batch["changed"]] == [clients[2].sid]


def test_client_that_is_not_listed_is_found(build: Any, watch: Any) -> None:
    app = build(ADMIN_MAX_CLIENTS=1)
    Client(app, Chat)
    ada = Client(app, Chat, headers={"User-Agent": "Firefox"})
    ada.call(Chat.on_enter, "Lobby")
    console = watch(app)

    for words in (ada.sid, "lobby", "firefox"):
        assert [client["sid"] for client in console.call("find", {"words": words})] == [ada.sid]
    assert console.call("find", {"words": "nobody"}) == []
    assert console.call("find", {"words": "_admin"}) == []


def test_dashboard_does_not_show_itself(build: Any, watch: Any) -> None:
    app = build()
    console, other = watch(app), watch(app)
    other.call("watch")

    batch = update(app, console)

    assert batch["entries"] == batch["changed"] == batch["counters"] == []
    assert batch["totals"]["clients"] == batch["totals"]["connections"] == 0
    assert all(known["namespace"] == "/chat" for known in console.call("watch")["events"])


def test_two_pages_see_the_same(build: Any, watch: Any) -> None:
    app = build()
    first, second = watch(app), watch(app)
    Client(app, Chat)

    batch = update(app, first)

    assert second.received("batch")[-1] == batch


def test_page_is_updated_by_itself(build: Any, watch: Any) -> None:
    app = build(ADMIN_INTERVAL_S=0.1)

    assert watch(app).wait_for("batch")["number"] == 2


def test_who_comes_again_begins_with_an_empty_log(build: Any, watch: Any) -> None:
    app = build()
    console = watch(app)
    ada = Client(app, Chat)
    ada.call(Chat.on_say, "hi")
    console.disconnect()
    assert not admin_of(app).monitor.is_running
    ada.call(Chat.on_say, "nobody looks")

    seen = watch(app).call("watch")

    assert seen["entries"] == []
    assert seen["totals"]["events"] == 0


def test_session_that_is_over_is_disconnected(build: Any, watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = build(ADMIN_SESSION_S=1)
    console = watch(app)
    monitor = admin_of(app).monitor
    monkeypatch.setattr(monitor, "_clock", lambda: 1e12)

    monitor.update()

    assert not console.connected
    assert not monitor.is_running


# -- what it does


def test_emit_reaches_a_room(build: Any, watch: Any) -> None:
    app = build()
    ada, bob = Client(app, Chat), Client(app, Chat)
    ada.call(Chat.on_enter, "lobby")

    reached = watch(app).call("emit", {"namespace": "/chat", "event": "notice", "args": ["hi", 2], "to": "lobby"})

    assert reached == 1
    assert ada.received("notice") == [("hi", 2)]
    assert bob.received("notice") == []


def test_emit_without_a_target_reaches_everybody_in_the_namespace(build: Any, watch: Any) -> None:
    app = build()
    ada, bob = Client(app, Chat), Client(app, Chat)

    assert watch(app).call("emit", {"namespace": "/chat", "event": "notice"}) == 2
    assert ada.received("notice") == bob.received("notice") == [()]


def test_client_is_put_in_a_room_taken_out_and_disconnected(build: Any, watch: Any) -> None:
    app = build()
    ada = Client(app, Chat)
    console = watch(app)
    change = {"namespace": "/chat", "sid": ada.sid, "room": "lobby"}

    console.call("join", change)
    assert ada.rooms() == {"lobby"}
    console.call("leave", change)
    assert ada.rooms() == set()
    console.call("disconnect client", {"namespace": "/chat", "sid": ada.sid})
    assert not ada.connected


def test_actions_are_in_both_logs_without_their_payload(
    build: Any, watch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "framework.admin")
    app = build()
    console = watch(app)
    console.call("emit", {"namespace": "/chat", "event": "notice", "args": ["a secret"]})

    batch = update(app, console)

    (action,) = [entry for entry in batch["entries"] if entry["kind"] == "action"]
    assert (action["event"], action["detail"]) == ("notice", "emitted to 0")
    assert "did on /chat: 'emitted to 0'" in caplog.text
    assert "secret" not in caplog.text + str(batch)


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("emit", {"namespace": "/nowhere", "event": "x"}, "unknown_namespace"),
        ("emit", {"namespace": "/_admin", "event": "batch"}, "unknown_namespace"),
        ("emit", {"namespace": "/chat", "event": "connect"}, "reserved_name"),
        ("emit", {"namespace": "/chat", "event": ""}, "invalid_payload"),
        ("emit", {"namespace": "/chat", "event": "x", "args": "no list"}, "invalid_payload"),
        ("join", {"namespace": "/chat", "sid": "nobody", "room": "r"}, "unknown_client"),
        ("leave", {"namespace": "/chat", "sid": "nobody", "room": "r"}, "unknown_client"),
        ("join", {"namespace": "/chat", "sid": "ADA", "room": ""}, "invalid_payload"),
        ("join", {"namespace": "/chat", "sid": "ADA", "room": "BOB"}, "reserved_name"),
        ("leave", {"namespace": "/chat", "sid": "ADA", "room": "ADA"}, "reserved_name"),
        ("disconnect client", {"namespace": "/chat", "sid": "nobody"}, "unknown_client"),
        ("disconnect client", {"namespace": "/_admin", "sid": "nobody"}, "unknown_client"),
    ],
)
def test_action_that_makes_no_sense_is_refused(build: Any, watch: Any, event: str, payload: Any, code: str) -> None:
    app = build()
    sids = {"ADA": Client(app, Chat).sid, "BOB": Client(app, Chat).sid}
    console = watch(app)

    with pytest.raises(EventError) as raised:
        console.call(
            event, {key: sids.get(value, value) if isinstance(value, str) else value for key, value in payload.items()}
        )

    assert raised.value.code == code


@pytest.mark.parametrize("event", ["emit", "join", "leave", "disconnect client"])
def test_outside_of_debug_it_only_shows(build: Any, watch: Any, event: str) -> None:
    app = build(debug=False, ADMIN_ENABLED=True, ADMIN_PASSWORD=PASSWORD)
    ada = Client(app, Chat)
    console = watch(app, PASSWORD)

    with pytest.raises(EventError, match="FRAMEWORK_ADMIN_ACTIONS=true") as raised:
        console.call(event, {"namespace": "/chat", "sid": ada.sid, "room": "r", "event": "x"})

    assert raised.value.code == "forbidden"
    assert ada.connected
    assert ada.rooms() == set()
    assert console.call("watch")["actions"] is False


def test_outside_of_debug_it_acts_when_it_is_told_to(build: Any, watch: Any) -> None:
    app = build(debug=False, ADMIN_ENABLED=True, ADMIN_PASSWORD=PASSWORD, ADMIN_ACTIONS=True)

    assert watch(app, PASSWORD).call("emit", {"namespace": "/chat", "event": "x"}) == 0


def test_actions_can_be_switched_off_in_debug(build: Any, watch: Any) -> None:
    console = watch(build(ADMIN_ACTIONS=False))

    with pytest.raises(EventError, match="forbidden"):
        console.call("emit", {"namespace": "/chat", "event": "x"})


def test_session_that_is_over_shows_and_does_nothing(build: Any, watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = build()
    console = watch(app)
    monkeypatch.setattr(admin_of(app).access, "_clock", lambda: 1e12)

    for event, payload in (("watch", []), ("find", [{"words": "x"}]), ("emit", [{"namespace": "/chat", "event": "x"}])):
        with pytest.raises(EventError, match="unauthorized"):
            console.call(event, *payload)


def test_rooms_that_are_no_text_are_shown(build: Any, watch: Any) -> None:
    app = build()
    ada = Client(app, Chat)
    socketio: SocketIO = app.extensions["socketio"]
    socketio.server.enter_room(ada.sid, 7, namespace="/chat")
    socketio.server.enter_room(ada.sid, "x" * 500, namespace="/chat")

    seen = watch(app).call("watch")

    assert seen["clients"][0]["rooms"] == ["7", "x" * 199 + "…"]
