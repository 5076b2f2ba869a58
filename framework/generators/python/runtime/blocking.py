"""The flavour for threads, on ``socketio.Client``."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar, Unpack

import socketio.exceptions  # type: ignore[import-untyped, unused-ignore]
import socketio.packet  # type: ignore[import-untyped, unused-ignore]

from .common import (
    _T,
    CallTimeoutError,
    ClientError,
    ConnectionOptions,
    ConnectRefused,
    InvalidAnswerError,
    NotConnectedError,
    _check_ack,
    _Event,
    _LeftError,
    _logger,
    _read_error,
    _read_refusal,
    _Shape,
    _write_auth,
)

# -- copied

_C = TypeVar("_C", bound=Callable[..., object])


class Connection:
    """One connection to the server, for one client of each namespace.

    Make the clients on it, then open it: by ``with`` or ``open()``. A connection that is lost is made again by
    python-socketio, with the same callbacks; what waits for an answer then fails with `NotConnectedError`, and so does what is
    called before the connection is there again.

    It may be used from several threads. Callbacks run one after another in one thread, in the order in which their
    events came, and may call the server. The answers to the server's calls run in a thread each; where the server asks
    in a handler of the same client, it takes no other event of that client until it has the answer.

    Args:
        url: The server's, without a path.
        options: See `ConnectionOptions`.
    """

    def __init__(self, url: str, **options: Unpack[ConnectionOptions]) -> None:
        self.url = url
        self.timeout_s = options.get("timeout_s", 60.0)
        self._connect = {
            "headers": dict(options.get("headers", {})),
            "transports": list(options["transports"]) if "transports" in options else None,
            "socketio_path": options.get("path", "socket.io"),
            "wait_timeout": options.get("connect_timeout_s", 10.0),
        }
        self._sio = _Socket(
            reconnection=options.get("reconnect", True),
            reconnection_attempts=options.get("reconnect_attempts", 0),
            reconnection_delay=options.get("reconnect_delay_s", 1.0),
            reconnection_delay_max=options.get("reconnect_delay_max_s", 5.0),
            **{"handle_sigint": False, **options.get("client", {})},
        )
        self._turns = _Turns(self._sio.eio)
        self._drop = self._sio.eio.handlers["disconnect"]
        self._sio.eio.on("disconnect", self._dropped)
        self._callbacks = _Callbacks()
        self._clients: dict[str, _Client] = {}
        self._is_open = False

    def open(self) -> None:
        """Connect, and return when all clients are in their namespaces. Does nothing when it is open.

        Raises:
            ConnectRefused: The server does not let one of them in.
            NotConnectedError: The server can't be reached.
        """
        if self._is_open:
            return
        if not self._clients:
            raise ClientError("the connection has no client: make one on it before it is opened.")
        for client in self._clients.values():
            client._refusal = None
        try:
            self._sio.connect(self.url, auth=self._sio.first_auth, namespaces=list(self._clients), **self._connect)
        except socketio.exceptions.ConnectionError as error:
            refused = next((client._refusal for client in self._clients.values() if client._refusal), None)
            raise refused or NotConnectedError(f"{self.url}: {error}") from error
        self._is_open = True

    def close(self) -> None:
        """Leave all namespaces, and end. It can be opened again."""
        self._is_open = False
        self._sio.shutdown()
        self._sio.shutdown()  # it may have been connecting again at that moment
        self._callbacks.stop()

    def wait(self) -> None:
        """Return when the connection has ended for good: closed, ended by the server, or not made again."""
        self._sio.wait()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _dropped(self, reason: str) -> None:
        self._drop(reason)
        for client in self._clients.values():  # python-socketio tells only those that were all connected
            if client.connected:
                client._left(reason)

    def _add(self, client: _Client, auth: Callable[[], Any]) -> None:
        path = client._path
        if self._is_open:
            raise ClientError(f"the connection is open: make the client of {path} before.")
        if path in self._clients:
            raise ClientError(f"the connection has a client of {path} already.")
        self._clients[path] = client
        self._sio.auths[path] = auth
        self._sio.on("connect", client._joined, namespace=path)
        self._sio.on("connect_error", client._refused, namespace=path)
        self._sio.on("disconnect", client._left, namespace=path)
        self._sio.on("*", client._receive, namespace=path)


class _Client:
    _path: ClassVar[str]
    _asks: ClassVar[frozenset[str]] = frozenset()
    _auth: ClassVar[_Shape] = _Shape(Any)

    def __init__(self, via: Connection, *, auth: Any = None) -> None:
        self.connection = via
        self._refusal: ConnectRefused | None = None
        self._session: object | None = None  # another one for each time it joins
        self._waiting: set[Future[tuple[Any, ...]]] = set()
        self._streams: dict[tuple[str, str], Stream[Any]] = {}
        self._callbacks: dict[str, list[tuple[_Event[Any], Callable[..., object]]]] = {}
        self._answers: dict[str, tuple[_Event[Any], Callable[..., Any]]] = {}
        self._lock = threading.RLock()
        via._add(self, _write_auth(auth, self._auth))

    @property
    def connected(self) -> bool:
        """Whether it is in its namespace now."""
        return self._session is not None

    def close(self) -> None:
        """End the connection, also for others that share it."""
        self.connection.close()

    def __enter__(self) -> Self:
        self.connection.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def on_connect(self, callback: Callable[[], _T]) -> Callable[[], _T]:
        """Call *callback* each time the namespace was joined: the first time, and after each loss."""
        return self._hear(_life("connect"), callback)

    def on_disconnect(self, callback: Callable[[str], _T]) -> Callable[[str], _T]:
        """Call *callback* each time the namespace was left, with the reason."""
        return self._hear(_life("disconnect"), callback)

    def on_connect_error(self, callback: Callable[[ConnectRefused], _T]) -> Callable[[ConnectRefused], _T]:
        """Call *callback* each time the server did not let the client in, which python-socketio goes on to try."""
        return self._hear(_life("connect_error"), callback)

    def off(self, callback: Callable[..., object]) -> None:
        """Never call *callback* again, whatever it was registered for."""
        with self._lock:
            for name, found in self._callbacks.items():
                self._callbacks[name] = [item for item in found if item[1] is not callback]
            for name in [name for name, (_, answer) in self._answers.items() if answer is callback]:
                del self._answers[name]

    # -- what it sends

    def _call(self, event: _Event[_T], timeout_s: float | None, *values: Any) -> _T:
        ack = self._wait(event, self._ask(event, values), timeout_s)
        _check_ack(ack)
        return event.read(ack)

    def _ask(
        self, event: _Event[Any], values: tuple[Any, ...], taken: Callable[[tuple[Any, ...]], object] | None = None
    ) -> Future[tuple[Any, ...]]:
        """Send an event, and return what becomes its acknowledgement; *taken* gets it before anything else arrives."""
        written = event.write(*values)
        reply: Future[tuple[Any, ...]] = Future()

        def take(*ack: Any) -> None:
            if taken is not None:
                taken(ack)
            with contextlib.suppress(InvalidStateError):  # nobody waits any more
                reply.set_result(ack)

        with self._lock:
            self._check_connected(event.name)
            self._waiting.add(reply)
        reply.add_done_callback(self._waiting.discard)
        self._emit(event.name, written, take)
        return reply

    def _wait(self, event: _Event[Any], reply: Future[tuple[Any, ...]], timeout_s: float | None) -> tuple[Any, ...]:
        limit_s = self.connection.timeout_s if timeout_s is None else timeout_s
        try:
            return reply.result(limit_s)
        except TimeoutError as error:
            if reply.cancel():
                raise CallTimeoutError(f"{event.name}: no answer in {limit_s:g} seconds") from error
            return reply.result()  # it came, or failed, at the last moment
        except BaseException:
            reply.cancel()
            raise

    def _emit(self, name: str, written: tuple[Any, ...], taken: Callable[..., object] | None = None) -> None:
        try:
            self.connection._sio.emit(name, written, namespace=self._path, callback=taken)
        except socketio.exceptions.BadNamespaceError as error:
            raise NotConnectedError(f"{name}: not connected to {self._path}") from error

    def _check_connected(self, name: str) -> None:
        if self._session is None:
            raise NotConnectedError(f"{name}: not connected to {self._path}")

    # -- what it gets, in the order of arrival

    def _hear(self, event: _Event[Any], callback: _C) -> _C:
        with self._lock:
            self._callbacks[event.name] = [*self._callbacks.get(event.name, ()), (event, callback)]
        return callback

    def _reply(self, event: _Event[Any], answer: _C) -> _C:
        self._answers[event.name] = (event, answer)
        return answer

    def _joined(self) -> None:
        with self._lock:
            self._session = object()
        self._tell("connect", ())

    def _refused(self, payload: Any = None) -> None:
        self._refusal = _read_refusal(payload)
        if self._refusal is not None:
            self._tell("connect_error", (self._refusal,))

    def _left(self, reason: str) -> None:
        with self._lock:
            self._session = None
            waiting, streams = list(self._waiting), list(self._streams.values())
            self._streams.clear()
        for reply in waiting:
            with contextlib.suppress(InvalidStateError):
                reply.set_exception(NotConnectedError(f"the connection was lost: {reason}"))
        for stream in streams:
            stream._lose(NotConnectedError(f"the connection was lost: {reason}"))
        self._tell("disconnect", (reason,))

    def _receive(self, name: str, *values: Any) -> tuple[Any, ...]:
        session = self._session
        part = values[0] if len(values) == 1 and isinstance(values[0], dict) else {}
        stream = self._streams.get((name, str(part.get("stream"))))
        if stream is not None:
            stream._take(part)
        elif name in self._asks:
            self.connection._turns.leave()
            values = self._answer(name, values)
        else:
            self._tell(name, values)
        if session is not self._session:
            raise _LeftError
        return values if name in self._asks else ()

    def _answer(self, name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        event, answer = self._answers.get(name, (None, None))
        if event is None or answer is None:
            return ({"error": {"code": "unknown_event", "message": "The client does not answer it.", "event": name}},)
        try:
            return event.write(answer(*event.read_all(values)))
        except Exception:
            _logger.exception("the answer to %s failed", name)
            return ({"error": {"code": "internal_error", "message": "The client failed.", "event": name}},)

    def _tell(self, name: str, values: tuple[Any, ...]) -> None:
        for event, callback in self._callbacks.get(name, ()):
            self.connection._callbacks.add(event, callback, values)


class Stream(Generic[_T]):
    """What the server sends bit by bit, as an iterator.

    It starts when it is iterated or entered, which raises what a call would. A chunk is acknowledged when it is taken,
    and the server stops when some are not. Leaving the loop or the ``with`` block, or ``close()``, makes it end.

    Iterating raises `EventError` where the server fails, and `NotConnectedError` where the connection is lost.
    """

    def __init__(self, client: _Client, event: _Event[_T], timeout_s: float | None, *values: Any) -> None:
        self._client = client
        self._event = event
        self._timeout_s = timeout_s
        self._values = values
        self._id: str | None = None
        self._started = False
        self._over = False
        self._error: Exception | None = None
        self._chunks: deque[tuple[Any, threading.Event]] = deque()
        self._news = threading.Condition(threading.RLock())

    def __iter__(self) -> Iterator[_T]:
        try:
            while True:
                try:
                    chunk = next(self)
                except StopIteration:
                    return
                yield chunk
        finally:
            self.close()

    def __next__(self) -> _T:
        self._start()
        with self._news:
            self._news.wait_for(lambda: self._chunks or self._over)
            if not self._chunks:
                error, self._error = self._error, None
                raise error or StopIteration
            chunk, taken = self._chunks.popleft()
        taken.set()
        try:
            return self._event.read((chunk,))
        except InvalidAnswerError:
            self.close()
            raise

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Make the server stop; what was not taken is dropped. Does nothing when it is over."""
        with self._news:
            running = not self._over
            self._over, self._error = True, None
            self._drop_chunks()
            self._news.notify_all()
        if running and self._id is not None:
            self._cancel(self._id)

    def _start(self) -> None:
        with self._news:
            if self._started or self._over:
                return
            self._started = True
        try:
            reply = self._client._ask(self._event, self._values, self._begin)
            _check_ack(self._client._wait(self._event, reply, self._timeout_s))
        except BaseException:
            self.close()
            raise
        if self._id is None:
            self.close()
            raise InvalidAnswerError(f"{self._event.name}: the server answered with no stream")

    def _begin(self, ack: tuple[Any, ...]) -> None:
        if len(ack) == 1 and isinstance(ack[0], dict) and "stream" in ack[0]:
            stream_id = str(ack[0]["stream"])
            with self._news:
                self._id = stream_id
                self._client._streams[self._event.name, stream_id] = self
                if self._over:  # nobody waited for it so long
                    self._cancel(stream_id)

    def _cancel(self, stream_id: str) -> None:
        if self._client._streams.pop((self._event.name, stream_id), None) is not None:
            with contextlib.suppress(NotConnectedError):
                self._client._emit("cancel_stream", (stream_id,))

    def _take(self, part: dict[str, Any]) -> None:
        """Keep a part; return when its chunk was taken, and may be acknowledged."""
        taken = threading.Event()
        with self._news:
            if self._over:
                return
            if "chunk" in part:
                self._chunks.append((part["chunk"], taken))
            else:
                self._over = True
                self._error = _read_error(part["error"]) if "error" in part else None
                self._client._streams.pop((self._event.name, str(part["stream"])), None)
                taken.set()
            self._news.notify_all()
        self._client.connection._turns.leave()
        taken.wait()

    def _lose(self, error: Exception) -> None:
        with self._news:
            self._over, self._error = True, error
            self._drop_chunks()
            self._news.notify_all()

    def _drop_chunks(self) -> None:
        for _, taken in self._chunks:
            taken.set()
        self._chunks.clear()


class _Socket(socketio.Client):  # type: ignore[misc, unused-ignore]
    """Sends the parts of a packet without another in between, and to each namespace its own ``auth``."""

    def __init__(self, **options: Any) -> None:
        self.auths: dict[str, Callable[[], Any]] = {}
        self._sending = threading.RLock()
        super().__init__(**options)

    def first_auth(self) -> Any:
        """Return what python-socketio would send to all namespaces."""
        return next(iter(self.auths.values()))() if len(self.auths) == 1 else None

    def _send_packet(self, pkt: Any) -> None:
        if pkt.packet_type == socketio.packet.CONNECT and len(self.auths) > 1:
            pkt.data = self.auths[pkt.namespace]() or {}
        with self._sending:
            super()._send_packet(pkt)


class _Turns:
    """Has what arrives handled in its order, although Engine.IO starts a thread for each message."""

    def __init__(self, eio: Any) -> None:
        self._eio = eio
        self._start = eio.start_background_task
        self._last = threading.Event()
        self._last.set()
        self._mine = threading.local()
        eio.start_background_task = self._start_in_turn

    def leave(self) -> None:
        """Let the next message be handled; for who is about to wait for something."""
        self._mine.turn.set()

    def _start_in_turn(self, target: Callable[..., object], *args: Any, **kwargs: Any) -> Any:
        if target is not self._eio.handlers.get("message"):
            return self._start(target, *args, **kwargs)
        before, self._last = self._last, threading.Event()
        return self._start(self._run, before, self._last, target, args)

    def _run(
        self, before: threading.Event, turn: threading.Event, target: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        before.wait()
        self._mine.turn = turn
        try:
            target(*args)
        except _LeftError:
            pass
        finally:
            turn.set()


class _Callbacks:
    """Runs callbacks one after another in a thread of its own, which starts with the first."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[_Event[Any], Callable[..., object], tuple[Any, ...]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, event: _Event[Any], callback: Callable[..., object], values: tuple[Any, ...]) -> None:
        with self._lock:
            self._jobs.put((event, callback, values))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread when it has done what is there."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            event, callback, values = job
            try:
                callback(*event.read_all(values))
            except Exception:
                _logger.exception("a callback of %s failed", event.name)


def _life(name: str) -> _Event[Any]:
    return _Event(name, _Shape(), None)
