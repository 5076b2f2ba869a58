"""Engine.IO: one session per client over polling and WebSocket, bounded in bytes and in time.

python-engineio's server answers the HTTP requests; its ``Socket`` is replaced by one that closes on malformed frames,
never waits for a queue while it closes, sends from a queue bounded in bytes, and keeps its pings on one shared timer.

Seams used (private names of python-engineio 4.15): ``Server._handle_connect``, ``Server._ok``, ``Server._bad_request``,
``Server._generate_sid_cookie``, ``Server._log_error_once``, ``Server._upgrades``, ``Socket._upgrade_websocket``.
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import engineio
from engineio import exceptions, packet
from engineio.socket import Socket

from ..errors import MalformedPacket
from ..limits import Limits
from .driver import Driver, leave
from .frames import HandshakeError, message_frame, text_frame
from .link import POLICY_VIOLATION, Link, User
from .outgoing import Outgoing
from .takeover import UnsupportedServer, forget_request
from .timer import Alarm, Timer
from .workers import Turn, find_raw_lock

logger = logging.getLogger(__name__)

CLOSE_GRACE_S = 2.0
SLOW_CLIENT = "slow client"  # beside the reasons of engineio.Server.reason
_MAX_LOGGED = 200
_PROBE_ANSWER = text_frame("3probe")
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
        environ: Of the request that opened it.
    """

    def __init__(self, server: EngineServer, sid: str, environ: dict[str, Any] | None = None) -> None:
        # Not the base's: that makes a queue, which a client that only knows WebSocket never needs.
        self.server = server
        self.sid = sid
        self.last_ping: float | None = None
        self.connected = self.upgrading = self.upgraded = self.closing = self.closed = False
        self.session: dict[str, Any] = {}
        self._environ = environ
        self.link: Link | None = None
        # Called with the owner, a message, and where that begins: a bound method costs less than a partial for every event.
        self.receive: Callable[[Any, str | bytes, int, Any], None] = server.handlers["message"]
        self.owner: Any = sid
        self._lock = server.raw_lock()
        self._queue: Any = None
        self._queued_bytes = 0
        self._reading_paused = False
        self._alarm: Alarm | None = None

    @property
    def queue(self) -> Any:
        """What waits for the next poll; also None when there is nothing more to poll for."""
        if self._queue is None:
            self._queue = self.server.create_queue()
        return self._queue

    # -- sending

    def send(self, pkt: Any) -> None:
        """Send one of Engine.IO's own packets; a session that is closed sends none."""
        link = self.link or self._enqueue([pkt], _size(pkt))
        if link is not None:
            link.write(message_frame(pkt.encode()))

    def send_message(self, outgoing: Outgoing) -> None:
        """Send a packet of Socket.IO, its text and its attachments with nothing in between."""
        link = self.link
        if link is None:
            if outgoing.volatile and self._queued_bytes:
                return
            link = self._enqueue(outgoing.packets(), outgoing.size_bytes)
            if link is None:
                return
        if not (outgoing.volatile and link.is_behind):
            link.write(outgoing.wire)

    def _enqueue(self, packets: Sequence[Any], size: int) -> Link | None:
        """Keep packets for the next poll; return the link that they have to go to, where there is one by now."""
        with self._lock:
            if self.closed or self.link is not None:
                return self.link
            fits = self._queued_bytes + size <= self.server.limits.max_send_queue_bytes
            if fits:
                self._queued_bytes += size
                for pkt in packets:
                    self.queue.put(pkt)
        if not fits:
            self._refuse_slow()
        return None

    def _refuse_slow(self) -> None:
        most = self.server.limits.max_send_queue_bytes
        self.refuse(f"more than {most} bytes wait for a client that reads slowly", SLOW_CLIENT)

    @property
    def queued_bytes(self) -> int:
        """What waits to be sent."""
        return self._queued_bytes if self.link is None else self.link.waiting_bytes

    def poll(self) -> list[Any]:
        """Wait for packets to send and return them; none when the session is closed."""
        packets: list[Any] = super().poll()
        with self._lock:
            self._queued_bytes -= sum(_size(pkt) for pkt in packets)
        return packets

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
            self.receive(self.owner, data, 0, None if self.link is None else self.link.leader)
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
            self._reading_paused = True  # the server may wait until it has room for more
            for frame in body.split("\x1e") if body else ():
                self.receive_frame(frame)
                turn.pause()
        except (ValueError, MalformedPacket) as error:
            self.refuse(str(error) if isinstance(error, MalformedPacket) else "undecodable request")
            raise BadPost from error
        finally:
            self._reading_paused = False

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
        is_paused = self._reading_paused or (self.link is not None and self.link.paused)
        if is_paused:  # the answer may have come, and nobody has read it yet
            self._set_alarm(self.server.ping_timeout, self._time_out)
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
        with self._lock:
            self.closed = True
        if self.link is None:
            self.queue.put(None)
        elif not self.link.closed:
            self.link.close()
            self.server.timer.call_later(CLOSE_GRACE_S, self.link.abort)
        self.server.sockets.pop(self.sid, None)
        self.server.handlers["disconnect"](self.sid, reason or self.server.reason.SERVER_DISCONNECT)

    # -- WebSocket

    def _upgrade_websocket(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self.upgraded or self.upgrading:
            return self.server._bad_request("Already upgraded")
        try:
            server = self.server.driver.serve(self, environ)
        except UnsupportedServer as error:
            self.server._log_error_once(str(error), "no-websocket")
            return self.server._bad_request("WebSocket is not available")
        except (HandshakeError, OSError):
            return self.server._bad_request("Invalid WebSocket handshake")
        return leave(server)  # not above: it may raise what is a failure there

    def open_link(self, link: Link) -> User:
        """Take a WebSocket for this session: at once, or when its client has finished the upgrade from polling."""
        if self.connected:
            return Upgrade(self, link)
        self.attach(link)
        return self

    def attach(self, link: Link) -> None:
        """Send over *link* from now on, first what waits for the next poll."""
        with self._lock:
            self.connected = self.upgraded = True
            self.upgrading = False
            waiting, self._queue, self._queued_bytes = self._queue, None, 0
            while waiting is not None and not waiting.empty():
                if (pkt := waiting.get(block=False)) is not None:
                    link.write(message_frame(pkt.encode()))
            self.link = link
        if self._environ is not None:
            forget_request(self._environ)

    def claim_upgrade(self) -> bool:
        """Say whether this probe is the first; until there is one, polling goes on as if nothing had happened."""
        with self._lock:
            if self.upgraded or self.upgrading or self.closed:
                return False
            self.upgrading = True
        self.queue.put(packet.Packet(packet.NOOP))  # ends a poll
        return True

    def take(self, link: Link, message: str | bytes) -> None:
        if self.closed:
            return  # what still comes before the other side has seen the end
        try:
            if type(message) is str and message[:1] == "4":
                self.receive(self.owner, message, 1, link.leader)
            else:
                self.receive_frame(message)
        except MalformedPacket as error:
            link.close(POLICY_VIOLATION)
            self.refuse(str(error))
        except Exception:
            logger.exception("%s: a packet could not be handled", self.sid[:6])
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    def fail(self, link: Link, problem: str) -> None:
        if problem:
            self.refuse(problem)
        else:
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    def overflow(self, link: Link) -> None:
        self._refuse_slow()
        link.abort()

    def ended(self, link: Link) -> None:
        self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)


class Upgrade:
    """A WebSocket that a polling client tries: its probe is echoed, a pending poll ended, the upgrade awaited."""

    __slots__ = ("_alarm", "_claimed", "_done", "_session")

    def __init__(self, session: EngineSocket, link: Link) -> None:
        self._session = session
        self._claimed = self._done = False
        self._alarm = session.server.timer.call_later(session.server.limits.connect_timeout_s, link.abort)

    def take(self, link: Link, message: str | bytes) -> None:
        if not self._claimed and message == "2probe" and self._session.claim_upgrade():
            self._claimed = True
            link.write(_PROBE_ANSWER)
        elif self._claimed and message == "5" and not self._session.closed:
            self._done = True
            self._alarm.cancel()
            self._session.attach(link)
            link.user = self._session
        else:
            link.close()

    def fail(self, link: Link, problem: str) -> None:
        """Nothing: polling goes on."""

    def overflow(self, link: Link) -> None:
        link.abort()

    def ended(self, link: Link) -> None:
        self._alarm.cancel()
        if self._claimed and not self._done:
            self._session.upgrading = False


def _size(pkt: Any) -> int:
    return len(pkt.data) if isinstance(pkt.data, str | bytes) else 0


class EngineServer(engineio.Server):  # type: ignore[misc]
    """Engine.IO's server with sessions of ours.

    Args:
        limits: The bounds on one connection.
        driver: ``auto``, or ``off`` to have a thread serve each WebSocket.
        options: Engine.IO's own options.
    """

    def __init__(self, limits: Limits, *, driver: str = "auto", **options: Any) -> None:
        super().__init__(**options)
        self.limits = limits
        self.start_service_task = False  # the timer does its work
        self.timer = Timer(self.start_background_task, self.create_event)
        self.raw_lock = find_raw_lock()
        self.create_lock: Any = threading.Lock
        if self.async_mode == "gevent":
            from gevent.lock import BoundedSemaphore

            self.create_lock = BoundedSemaphore
        self.driver = Driver(self, driver)

    def create_turn(self) -> Turn:
        """Return what lets other greenlets run during a long stretch of work."""
        return Turn(self.sleep if self.async_mode == "gevent" else None)

    def send_message(self, sid: str, outgoing: Outgoing) -> None:
        """Send a packet of Socket.IO; a client that has gone gets nothing."""
        if (found := self.sockets.get(sid)) is not None:
            found.send_message(outgoing)

    def send_packet(self, sid: str, pkt: Any) -> None:
        if (found := self.sockets.get(sid)) is not None:
            found.send(pkt)

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

    def create_session(self, environ: dict[str, Any]) -> EngineSocket:
        """Return a new session for the client of a request; nobody has been told of it."""
        sid = self.generate_id()
        found = self.sockets[sid] = EngineSocket(self, sid, environ)
        return found

    def _handle_connect(
        self, environ: dict[str, Any], start_response: Any, transport: str, jsonp_index: int | None = None
    ) -> Any:
        found = self.create_session(environ)
        sid = found.sid
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
                if found.link is None:  # there is none
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
