"""`framework.transport.engine`: sessions over polling, through the WSGI interface, and frames one by one."""

from __future__ import annotations

import base64
import contextlib
import logging
import socket
import threading
from typing import Any

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Event, Limits, Namespace, SocketIO
from framework.errors import MalformedPacket
from framework.transport import engine
from framework.transport.engine import EngineSocket, parse_frame
from framework.transport.outgoing import Outgoing
from tests.polling_client import PollingClient, serve_websocket, wait_until
from tests.wire.raw import TEXT, build_frame


class Main(Namespace):
    told = Event[str]()

    def on_echo(self, *values):  # type: ignore[no-untyped-def]
        return values

    def on_tell(self, text: str, times: int) -> None:
        for _ in range(times):
            self.told.reply(text)


@pytest.fixture
def app() -> flask.Flask:
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "a key for tests only"
    SocketIO(
        app,
        namespaces=[Main],
        async_mode="threading",
        limits=Limits(max_send_queue_bytes=1000),
        max_http_buffer_size=500,
        cookie="io",
    )
    return app


def server_of(app: flask.Flask) -> Any:
    return app.extensions["socketio"].server


@pytest.fixture
def client(app: flask.Flask) -> PollingClient:
    client = PollingClient(app)
    assert client.join().startswith("0{")
    return client


@pytest.mark.parametrize(
    ("frame", "parsed"),
    [
        ("4", (4, "")),
        ("42[]", (4, "2[]")),
        ("bAAH/", (4, b"\x00\x01\xff")),
        (b"x", (4, b"x")),
        ("3", (3, "")),
        ("1", (1, "")),
    ],
)
def test_frame_is_parsed(frame: str | bytes, parsed: tuple[int, str | bytes]) -> None:
    assert parse_frame(frame) == parsed


@pytest.mark.parametrize("frame", ["", "0{}", "2", "2probe", "7", "9", "x", "b!", "bA", "bé", "\x00", "²"])
def test_frame_that_no_client_sends_is_malformed(frame: str) -> None:
    with pytest.raises(MalformedPacket):
        parse_frame(frame)


@given(st.text() | st.binary())
def test_any_frame_is_parsed_or_malformed(frame: str | bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        parse_frame(frame)


@given(st.binary())
def test_base64_of_any_bytes_is_parsed(data: bytes) -> None:
    assert parse_frame("b" + base64.b64encode(data).decode()) == (4, data)


def test_handshake_tells_the_servers_times_and_limits(app: flask.Flask, client: PollingClient) -> None:
    assert client.handshake["maxPayload"] == 500
    assert client.handshake["pingInterval"] == 25_000
    assert client.handshake["pingTimeout"] == 20_000
    assert client.handshake["upgrades"] == ["websocket"]


@pytest.mark.parametrize("ping_interval", [0.3, 1.5])
def test_interval_below_a_second_is_announced_in_milliseconds(ping_interval: float) -> None:
    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Main], async_mode="threading", ping_interval=ping_interval)
    assert PollingClient(app).handshake["pingInterval"] == ping_interval * 1000


def test_cookie_is_set_when_it_is_asked_for(app: flask.Flask) -> None:
    response = app.test_client().get("/socket.io/?EIO=4&transport=polling")
    assert response.headers["Set-Cookie"].startswith("io=")
    assert "SameSite=Lax" in response.headers["Set-Cookie"]


def test_many_packets_in_one_post_are_all_taken(client: PollingClient) -> None:
    client.post(*(f'42{number}["echo"]' for number in range(30)))
    assert [client.receive() for _ in range(30)] == [f"3{number}[]" for number in range(30)]


@pytest.mark.parametrize("body", ["x" * 501, "9", "\x1e", "42[]", "4\x1e3"])
def test_bad_post_is_answered_with_400_and_ends_the_session(
    app: flask.Flask, client: PollingClient, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.post(body) == 400
    wait_until(lambda: not server_of(app).connections)
    assert client.post("3") == 400
    assert client.get() == 400
    assert len(caplog.text) < 1000
    assert not any(record.exc_info for record in caplog.records)


def test_queue_that_is_full_ends_the_session(
    app: flask.Flask, client: PollingClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.post(f'42["tell","{"x" * 100}",20]')
    wait_until(lambda: not server_of(app).connections)
    assert "reads slowly" in caplog.text
    assert client.get() == 400


def test_queue_has_room_again_when_it_was_read(client: PollingClient) -> None:
    for _ in range(5):
        client.post(f'42["tell","{"x" * 400}",1]')
        assert "xxx" in str(client.receive())


def test_pong_that_answers_no_ping_sets_no_alarm(app: flask.Flask, client: PollingClient) -> None:
    due = server_of(app).eio.timer._due
    before = len(due)
    assert client.post(*["3"] * 200) == 200
    assert len(due) == before


def test_pong_sets_the_next_ping(app: flask.Flask, client: PollingClient) -> None:
    session: EngineSocket = server_of(app).eio.sockets[client.sid]
    session._send_ping()
    assert session.last_ping is not None
    client.post("3")
    assert session.last_ping is None


def test_ping_that_is_not_answered_ends_the_session(app: flask.Flask, client: PollingClient) -> None:
    session: EngineSocket = server_of(app).eio.sockets[client.sid]
    session._time_out()
    wait_until(lambda: not server_of(app).connections)
    assert not session.check_ping_timeout()


def test_closed_session_takes_no_alarm_and_no_packet(app: flask.Flask, client: PollingClient) -> None:
    session: EngineSocket = server_of(app).eio.sockets[client.sid]
    session.close()
    session.close()
    alarms = len(server_of(app).eio.timer._due)
    session._set_alarm(0, session.close)
    session.send_message(Outgoing(["2[]"]))
    assert len(server_of(app).eio.timer._due) == alarms


def test_threads_that_close_one_session_at_the_same_time_end_it_once(app: flask.Flask) -> None:
    server = server_of(app)
    ended: list[str] = []
    forget = server.eio.handlers["disconnect"]
    server.eio.on("disconnect", lambda sid, reason: (ended.append(sid), forget(sid, reason)))
    for _ in range(20):
        session = server.eio.sockets[PollingClient(app).sid]
        threads = [threading.Thread(target=session.close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert len(ended) == len(set(ended)) == 20
    wait_until(lambda: not server.connections and not server.environ)


def test_gevent_websocket_is_refused_and_logged_once(
    app: flask.Flask, client: PollingClient, caplog: pytest.LogCaptureFixture
) -> None:
    app.extensions["socketio"].server.eio.logger.setLevel(logging.ERROR)
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    for _ in range(3):
        response = app.test_client().get(
            "/socket.io/?EIO=4&transport=websocket", headers=upgrade, environ_base={"wsgi.websocket": object()}
        )
        assert response.status_code == 400
    assert caplog.text.count("gevent-websocket") <= 2  # the reason names it twice at most
    assert "is served through gevent-websocket" in caplog.text
    assert list(server_of(app).eio.sockets) == [client.sid]


def test_polling_goes_on_until_a_probe_has_come(app: flask.Flask, client: PollingClient) -> None:
    session: EngineSocket = server_of(app).eio.sockets[client.sid]
    assert not session.upgrading
    assert session.claim_upgrade()
    assert not session.claim_upgrade()
    assert session.upgrading


def test_client_that_reads_nothing_leaves_no_thread_when_it_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CLOSE_GRACE_S", 0.01)
    app = flask.Flask(__name__)
    SocketIO(app, namespaces=[Main], async_mode="threading")
    server = server_of(app)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        raised: list[BaseException] = []
        serving = threading.Thread(target=serve_websocket, args=(app, theirs, raised))
        serving.start()
        ours.sendall(build_frame(TEXT, b"40"))
        wait_until(lambda: server.manager.rooms)
        server.emit("told", "x" * 5_000_000)  # more than the socket takes: the writer waits
        (session,) = server.eio.sockets.values()
        session._time_out()
        serving.join(10)
        assert not serving.is_alive()
        wait_until(lambda: not server.connections)
    assert raised == []
