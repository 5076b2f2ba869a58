"""What ``framework.transport`` relies on in python-engineio and python-socketio beyond their documentation.

One test per seam: after an upgrade that moved one, its test fails and says which.
"""

from __future__ import annotations

import inspect

import engineio
import engineio.socket
import pytest
import socketio
from engineio import packet as engine_packet
from socketio import manager, packet

from framework import Limits
from framework.transport.engine import EngineServer, EngineSocket
from framework.transport.manager import Fanout
from framework.transport.server import Server

SEAMS: list[tuple[type, str, list[str]]] = [
    (engineio.Server, "_handle_connect", ["self", "environ", "start_response", "transport", "jsonp_index"]),
    (engineio.Server, "_ok", ["self", "packets", "headers", "jsonp_index"]),
    (engineio.Server, "_bad_request", ["self", "message"]),
    (engineio.Server, "_generate_sid_cookie", ["self", "sid", "attributes"]),
    (engineio.Server, "_log_error_once", ["self", "message", "message_key"]),
    (engineio.Server, "_upgrades", ["self", "sid", "transport"]),
    (engineio.Server, "send_packet", ["self", "sid", "pkt"]),
    (engineio.Server, "disconnect", ["self", "sid"]),
    (engineio.Server, "generate_id", ["self"]),
    (engineio.Server, "start_background_task", ["self", "target", "args", "kwargs"]),
    (engineio.Server, "create_event", ["self", "args", "kwargs"]),
    (engineio.socket.Socket, "__init__", ["self", "server", "sid"]),
    (engineio.socket.Socket, "_upgrade_websocket", ["self", "environ", "start_response"]),
    (engineio.socket.Socket, "handle_get_request", ["self", "environ", "start_response"]),
    (engineio.socket.Socket, "handle_post_request", ["self", "environ"]),
    (engineio.socket.Socket, "poll", ["self"]),
    (engineio.socket.Socket, "send", ["self", "pkt"]),
    (engineio.socket.Socket, "schedule_ping", ["self"]),
    (engineio.socket.Socket, "check_ping_timeout", ["self"]),
    (engineio.socket.Socket, "close", ["self", "wait", "abort", "reason"]),
    (socketio.Server, "_engineio_server_class", ["self"]),
    (socketio.Server, "_handle_eio_connect", ["self", "eio_sid", "environ"]),
    (socketio.Server, "_handle_eio_message", ["self", "eio_sid", "data"]),
    (socketio.Server, "_handle_eio_disconnect", ["self", "eio_sid", "reason"]),
    (socketio.Server, "_handle_connect", ["self", "eio_sid", "namespace", "data"]),
    (socketio.Server, "_handle_disconnect", ["self", "eio_sid", "namespace", "reason"]),
    (socketio.Server, "_handle_ack", ["self", "eio_sid", "namespace", "id", "data"]),
    (socketio.Server, "_send_packet", ["self", "eio_sid", "pkt"]),
    (socketio.Server, "_send_eio_packet", ["self", "eio_sid", "eio_pkt"]),
    (socketio.Server, "disconnect", ["self", "sid", "namespace", "ignore_queue"]),
    (manager.Manager, "pre_connect", ["self", "eio_sid", "namespace"]),
    (manager.Manager, "connect", ["self", "sid", "namespace"]),
    (manager.Manager, "is_connected", ["self", "sid", "namespace"]),
    (manager.Manager, "pre_disconnect", ["self", "sid", "namespace"]),
    (manager.Manager, "basic_disconnect", ["self", "sid", "namespace", "kwargs"]),
    (manager.Manager, "basic_enter_room", ["self", "sid", "namespace", "room", "eio_sid"]),
    (manager.Manager, "basic_leave_room", ["self", "sid", "namespace", "room"]),
    (manager.Manager, "get_participants", ["self", "namespace", "room"]),
    (manager.Manager, "get_rooms", ["self", "sid", "namespace"]),
    (manager.Manager, "sid_from_eio_sid", ["self", "eio_sid", "namespace"]),
    (manager.Manager, "eio_sid_from_sid", ["self", "sid", "namespace"]),
    (manager.Manager, "trigger_callback", ["self", "sid", "id", "data"]),
    (manager.Manager, "_generate_ack_id", ["self", "sid", "callback"]),
    (manager.Manager, "can_disconnect", ["self", "sid", "namespace"]),
]


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [pytest.param(*seam, id=f"{seam[0].__module__}.{seam[0].__name__}.{seam[1]}") for seam in SEAMS],
)
def test_method_takes_what_is_passed_to_it(owner: type, name: str, parameters: list[str]) -> None:
    seam = getattr(owner, name, None)
    assert seam is not None, f"{owner.__module__}.{owner.__name__}.{name} is gone"
    assert list(inspect.signature(seam).parameters) == parameters, f"{owner.__name__}.{name} has changed"


class Deaf:
    """A dispatcher that serves nothing."""

    def serves(self, namespace: str) -> bool:
        return False


def build_server() -> Server:
    return Server(Deaf(), Limits(), ordered=True, async_mode="threading")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    ["handlers", "sockets", "ping_interval", "ping_timeout", "ping_interval_grace_period", "max_http_buffer_size", "cookie",
     "start_service_task", "reason", "async_mode", "transports"],
)  # fmt: skip
def test_engineio_server_has_the_attribute(name: str) -> None:
    assert hasattr(build_server().eio, name), f"engineio.Server.{name} is gone"


@pytest.mark.parametrize(
    "name", ["environ", "manager", "manager_initialized", "packet_class", "async_handlers", "eio", "reason"]
)
def test_socketio_server_has_the_attribute(name: str) -> None:
    assert hasattr(build_server(), name), f"socketio.Server.{name} is gone"


@pytest.mark.parametrize(
    "name", ["queue", "closed", "closing", "connected", "upgrading", "upgraded", "last_ping", "sid"]
)
def test_engineio_socket_has_the_attribute(name: str) -> None:
    upstream = engineio.socket.Socket(build_server().eio, "sid")
    assert hasattr(upstream, name), f"engineio.Socket.{name} is gone"


@pytest.mark.parametrize("name", ["rooms", "callbacks", "pending_connect", "pending_disconnect"])
def test_manager_has_the_attribute(name: str) -> None:
    assert hasattr(manager.Manager(), name), f"socketio.Manager.{name} is gone"


@pytest.mark.parametrize(
    "name", ["CLIENT_DISCONNECT", "SERVER_DISCONNECT", "PING_TIMEOUT", "TRANSPORT_CLOSE", "TRANSPORT_ERROR"]
)
def test_reason_is_named(name: str) -> None:
    assert isinstance(getattr(engineio.Server.reason, name), str)


def test_packet_types_have_their_numbers() -> None:
    names = ("OPEN", "CLOSE", "PING", "PONG", "MESSAGE", "UPGRADE", "NOOP")
    assert [getattr(engine_packet, name) for name in names] == list(range(7))
    names = ("CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK")
    assert [getattr(packet, name) for name in names] == list(range(7))


def test_ours_are_used_in_place_of_upstreams() -> None:
    server = build_server()
    assert isinstance(server.eio, EngineServer)
    assert isinstance(server.manager, Fanout)
    handlers = server.eio.handlers
    assert handlers["connect"].__func__ is Server._handle_eio_connect
    assert handlers["message"].__func__ is Server._handle_eio_message
    assert handlers["disconnect"].__func__ is Server._handle_eio_disconnect


def test_none_in_the_queue_ends_a_poll() -> None:
    session = EngineSocket(build_server().eio, "sid")
    session.queue.put(None)
    assert session.poll() == []


def test_none_behind_packets_ends_the_poll_after_them() -> None:
    session = EngineSocket(build_server().eio, "sid")
    session.send(engine_packet.Packet(engine_packet.NOOP))
    session.queue.put(None)
    assert [found.packet_type for found in session.poll()] == [engine_packet.NOOP]
    assert session.poll() == []


def test_callback_counter_is_under_id_0() -> None:
    fanout = Fanout()
    assert fanout._generate_ack_id("sid", print) == 1
    assert set(fanout.callbacks["sid"]) == {0, 1}


def test_brokers_manager_calls_super_for_its_own_clients() -> None:
    source = inspect.getsource(socketio.PubSubManager._handle_emit)
    assert "super().emit(" in source, "PubSubManager._handle_emit no longer calls Manager.emit"


def test_flask_socketios_test_client_replaces_the_seam_that_is_watched() -> None:
    from flask_socketio import SocketIOTestClient

    assert "_send_eio_packet" in inspect.getsource(SocketIOTestClient) or "_send_packet" in inspect.getsource(
        SocketIOTestClient
    )
