"""Engine.IO: one session per client over polling and WebSocket, bounded in bytes and in time.

python-engineio's server answers the HTTP requests; its ``Socket`` is replaced by one that closes on malformed frames,
never waits for a queue while it closes, sends from a queue bounded in bytes, and keeps its pings on one shared timer.

Seams used (private names of python-engineio 4.15): ``Server._handle_connect``, ``Server._ok``, ``Server._bad_request``,
``Server._generate_sid_cookie``, ``Server._log_error_once``, ``Server._upgrades``, ``Socket._upgrade_websocket``.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import engineio
from engineio import exceptions, packet
from engineio.socket import Socket
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import ProtocolError

from ..errors import MalformedPacket
from ..limits import Limits
from .timer import Alarm, Timer
from .websocket import UnsupportedServer, WebSocket
from .workers import Turn

logger = logging.getLogger(__name__)

CLOSE_GRACE_S = 2.0
SLOW_CLIENT = "slow client"  # beside the reasons of engineio.Server.reason
_MAX_LOGGED = 200
_FROM_CLIENT = {str(kind): kind for kind in (packet.CLOSE, packet.PONG, packet.MESSAGE, packet.UPGRADE, packet.NOOP)}


def parse_frame(frame: str | bytes) -> tuple[int, str | bytes]:
    """Return the type of an Engine.IO frame and what it carries.

    Raises:
        MalformedPacket: It is none that a client sends.
    """
    if isinstance(frame, bytes):
        return packet.MESSAGE, frame
    if frame[:1] == "b":
        try:
            return packet.MESSAGE, base64.b64decode(frame[1:], validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedPacket("undecodable base64") from error
    kind = _FROM_CLIENT.get(frame[:1])
    if kind is None:
        raise MalformedPacket("unknown Engine.IO packet type")
    return kind, frame[1:]


class BadPost(exceptions.EngineIOError):  # type: ignore[misc]
    """A polling request that is answered with 400, its session closed."""


class EngineSocket(Socket):  # type: ignore[misc]
    """One Engine.IO session.

    Args:
        server: The `EngineServer` that it belongs to.
        sid: Its Engine.IO id; never shown to other clients.
    """

    connected: bool
    upgrading: bool
    upgraded: bool
    closing: bool
    closed: bool
    last_ping: float | None

    def __init__(self, server: EngineServer, sid: str) -> None:
        super().__init__(server, sid)
        self.websocket: WebSocket | None = None
        self._lock = threading.Lock()
        self._queued_bytes = 0
        self._reading_paused = False
        self._alarm: Alarm | None = None

    # -- sending

    def send(self, pkt: Any) -> None:
        """Queue one packet; a session that is closed takes none."""
        self.send_all((pkt,))

    def send_all(self, packets: Sequence[Any]) -> None:
        """Queue packets that belong together (a text and its attachments), with nothing in between."""
        if self.closed:
            return
        size = sum(_size(pkt) for pkt in packets)
        with self._lock:
            fits = self._queued_bytes + size <= self.server.limits.max_send_queue_bytes
            if fits:
                self._queued_bytes += size
                for pkt in packets:
                    self.queue.put(pkt)
        if not fits:
            self.refuse(
                f"more than {self.server.limits.max_send_queue_bytes} bytes wait for a client that reads slowly",
                SLOW_CLIENT,
            )
            if self.websocket:
                self.websocket.abort()

    @property
    def queued_bytes(self) -> int:
        """What waits to be sent."""
        return self._queued_bytes

    def poll(self) -> list[Any]:
        """Wait for packets to send and return them; none when the session is closed."""
        packets: list[Any] = super().poll()
        self._sent(packets)
        return packets

    def _sent(self, packets: Sequence[Any]) -> None:
        with self._lock:
            self._queued_bytes -= sum(_size(pkt) for pkt in packets)

    # -- receiving

    def receive_frame(self, frame: str | bytes) -> None:
        """Take one frame from the client.

        Raises:
            MalformedPacket: It follows no protocol, or is over a limit.
        """
        kind, data = parse_frame(frame)
        if kind == packet.PONG:
            if self.last_ping is not None:  # an answer to none of our pings starts no new one
                self._schedule_ping()
        elif kind == packet.MESSAGE:
            self._reading_paused = True  # the server may wait until it has room for more
            try:
                self.server.handlers["message"](self.sid, data)
            finally:
                self._reading_paused = False
        elif kind == packet.CLOSE:
            self.close(wait=False, abort=True, reason=self.server.reason.CLIENT_DISCONNECT)

    def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take the packets of a polling request, however many they are: the request's size bounds them.

        Raises:
            BadPost: The request is too large, or something in it is malformed.
        """
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            if not 0 <= length <= self.server.max_http_buffer_size:
                raise MalformedPacket("the request is too large")
            body = environ["wsgi.input"].read(length).decode()
            turn = self.server.create_turn()
            for frame in body.split("\x1e") if body else ():
                self.receive_frame(frame)
                turn.pause()
        except (ValueError, MalformedPacket) as error:
            self.refuse(str(error) if isinstance(error, MalformedPacket) else "undecodable request")
            raise BadPost from error

    def refuse(self, problem: str, reason: str | None = None) -> None:
        """Close the session over something that its client did; one line of log says what.

        Args:
            reason: What ``on_disconnect`` is told; ``transport error`` by default.
        """
        logger.warning("%s: connection closed: %s", self.sid[:6], problem)
        self.close(wait=False, abort=True, reason=reason or self.server.reason.TRANSPORT_ERROR)

    # -- life

    def schedule_ping(self) -> None:
        """Start the heartbeat."""
        if self._alarm is None:
            self._schedule_ping()

    def _schedule_ping(self) -> None:
        self.last_ping = None
        self._set_alarm(self.server.ping_interval, self._send_ping)

    def _send_ping(self) -> None:
        self.last_ping = time.time()
        self._set_alarm(self.server.ping_timeout, self._time_out)
        self.send(packet.Packet(packet.PING))

    def _time_out(self) -> None:
        if self._reading_paused:  # the answer may have come, and nobody has read it yet
            self._set_alarm(self.server.ping_timeout, self._time_out)
        elif self.server.closes_in_place:
            self.server.start_background_task(self.close, False, False, self.server.reason.PING_TIMEOUT)
        else:
            self.close(wait=False, reason=self.server.reason.PING_TIMEOUT)

    def _set_alarm(self, delay_s: float, action: Any) -> None:
        with self._lock:
            if self._alarm is not None:
                self._alarm.cancel()
            if not self.closing:
                self._alarm = self.server.timer.call_later(delay_s, action)

    def check_ping_timeout(self) -> bool:
        """Say whether the session is open; the timer ends it when a ping is not answered."""
        return not self.closed

    def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """End the session and forget it; never waits, whatever *wait* says."""
        with self._lock:
            if self.closed or self.closing:
                return
            self.closing = True
            if self._alarm is not None:
                self._alarm.cancel()
        if not abort:
            self.send(packet.Packet(packet.CLOSE))
        self.closed = True
        self.queue.put(None)
        self.server.sockets.pop(self.sid, None)
        if self.websocket is not None:
            self.server.timer.call_later(CLOSE_GRACE_S, self.websocket.abort)
        self.server.handlers["disconnect"](self.sid, reason or self.server.reason.SERVER_DISCONNECT)

    # -- WebSocket

    def _upgrade_websocket(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self.upgraded or self.upgrading:
            return self.server._bad_request("Already upgraded")
        try:
            websocket = WebSocket(
                environ, self.server.max_http_buffer_size, self.server.create_lock, self.server.create_turn()
            )
        except UnsupportedServer as error:
            self.server._log_error_once(str(error), "no-websocket")
            return self.server._bad_request("WebSocket is not available")
        except (ProtocolError, OSError):
            return self.server._bad_request("Invalid WebSocket handshake")
        try:
            self._serve(websocket)
        finally:
            websocket.release()
        if websocket.server == "gunicorn":
            raise StopIteration  # how gunicorn's workers are told that the socket is not theirs any more
        if websocket.server == "werkzeug":
            raise ConnectionError  # likewise Werkzeug's server
        return []

    def _serve(self, websocket: WebSocket) -> None:
        if self.connected and not self._probe(websocket):
            websocket.close()
            return
        self.connected = self.upgraded = True
        self.websocket = websocket
        writer = self.server.start_background_task(self._write, websocket)
        self._read(websocket)
        if websocket.problem:
            self.refuse(websocket.problem)
        self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        websocket.abort()
        writer.join()

    def _probe(self, websocket: WebSocket) -> bool:
        """Move from polling to *websocket*: a probe is echoed, a pending poll ended, the upgrade awaited."""
        alarm = self.server.timer.call_later(self.server.limits.connect_timeout_s, websocket.abort)
        try:
            return websocket.receive() == "2probe" and self._claim_upgrade() and self._upgrade(websocket)
        finally:
            alarm.cancel()

    def _claim_upgrade(self) -> bool:
        """Say whether this probe is the first; until there is one, polling goes on as if nothing had happened."""
        with self._lock:
            if self.upgraded or self.upgrading:
                return False
            self.upgrading = True
            return True

    def _upgrade(self, websocket: WebSocket) -> bool:
        try:
            websocket.send("3probe")
            self.queue.put(packet.Packet(packet.NOOP))
            self.upgraded = websocket.receive() == "5" and not self.closed
        except OSError:
            self.upgraded = False
        finally:
            self.upgrading = False
        return bool(self.upgraded)

    def _read(self, websocket: WebSocket) -> None:
        while (frame := websocket.receive()) is not None:
            if self.closed:
                continue  # what still comes before the other side has seen the end
            try:
                self.receive_frame(frame)
            except MalformedPacket as error:
                self.refuse(str(error))
                websocket.close(CloseReason.POLICY_VIOLATION)
            except Exception:
                logger.exception("%s: a packet could not be handled", self.sid[:6])
                return

    def _write(self, websocket: WebSocket) -> None:
        with contextlib.suppress(exceptions.QueueEmpty, OSError):
            while packets := super().poll():
                try:
                    for pkt in packets:
                        websocket.send(pkt.encode())
                finally:
                    self._sent(packets)
        websocket.close()
        self.server.timer.call_later(CLOSE_GRACE_S, websocket.abort)


def _size(pkt: Any) -> int:
    return len(pkt.data) if isinstance(pkt.data, str | bytes) else 0


class EngineServer(engineio.Server):  # type: ignore[misc]
    """Engine.IO's server with sessions of ours.

    Args:
        limits: The bounds on one connection.
        options: Engine.IO's own options.
    """

    def __init__(self, limits: Limits, **options: Any) -> None:
        super().__init__(**options)
        self.limits = limits
        self.start_service_task = False  # the timer does its work
        self.closes_in_place = (
            False  # whether on_disconnect runs in the thread that closes, which is then not the timer's
        )
        self.timer = Timer(self.start_background_task, self.create_event)
        self.create_lock: Any = threading.Lock
        if self.async_mode == "gevent":
            from gevent.lock import BoundedSemaphore

            self.create_lock = BoundedSemaphore

    def create_turn(self) -> Turn:
        """Return what lets other greenlets run during a long stretch of work."""
        return Turn(self.sleep if self.async_mode == "gevent" else None)

    def send_all(self, sid: str, packets: Sequence[Any]) -> None:
        """Send packets that belong together; a client that has gone gets nothing."""
        if (found := self.sockets.get(sid)) is not None:
            found.send_all(packets)

    def send_packet(self, sid: str, pkt: Any) -> None:
        self.send_all(sid, (pkt,))

    def disconnect(self, sid: str | None = None) -> None:
        """Close one session, or all of them."""
        for found in [self.sockets.get(sid)] if sid is not None else list(self.sockets.values()):
            if found is not None:
                found.close(reason=self.reason.SERVER_DISCONNECT)

    def handle_request(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one HTTP request; one for a session that ended a moment ago is a bad request."""
        try:
            return super().handle_request(environ, start_response)
        except KeyError as error:
            if error.args not in (("Session not found",), ("Session is disconnected",)):
                raise
            answer = self._bad_request("Invalid session")
            start_response(answer["status"], answer["headers"])
            return [answer["response"]]

    def _handle_connect(
        self, environ: dict[str, Any], start_response: Any, transport: str, jsonp_index: int | None = None
    ) -> Any:
        sid = self.generate_id()
        found = self.sockets[sid] = EngineSocket(self, sid)
        interval_s = self.ping_interval + self.ping_interval_grace_period
        handshake = {
            "sid": sid,
            "upgrades": self._upgrades(sid, transport),
            "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(interval_s * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
        found.send(packet.Packet(packet.OPEN, handshake))
        try:
            self.handlers["connect"](sid, environ)
        except BaseException:
            self.sockets.pop(sid, None)
            raise
        found.schedule_ping()
        if transport == "websocket":
            try:
                return found._upgrade_websocket(environ, start_response)
            finally:
                found.close(abort=True, reason=self.reason.TRANSPORT_CLOSE)
        found.connected = True
        return self._ok(found.poll(), headers=self._cookie_headers(sid), jsonp_index=jsonp_index)

    def _cookie_headers(self, sid: str) -> list[tuple[str, str]] | None:
        if not self.cookie:
            return None
        named = {"name": self.cookie, "path": "/", "SameSite": "Lax"}
        attributes = self.cookie if isinstance(self.cookie, dict) else named
        return [("Set-Cookie", self._generate_sid_cookie(sid, attributes))]

    def _log_error_once(self, message: str, message_key: str) -> None:
        if message_key == "bad-sid":
            message += "; it has ended, or is another worker's: serve with one worker, or send a client to the same one"
        super()._log_error_once(message[:_MAX_LOGGED], message_key)
