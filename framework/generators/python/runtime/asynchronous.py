"""The flavour for asyncio, on ``socketio.AsyncClient``."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
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

_AC = TypeVar("_AC", bound=Callable[..., object])


class AsyncConnection:
    """One connection to the server, for one client of each namespace.

    Make the clients on it, then open it: by ``async with`` or ``await connection.open()``. A connection that is lost is
    made again by python-socketio, with the same callbacks; what waits for an answer then fails with `NotConnectedError`, and
    so does what is called before the connection is there again.

    It belongs to one event loop. Callbacks, functions or coroutine functions, run one after another in a task of their
    own, in the order in which their events came, and may call the server. The answers to the server's calls run in a task
    each; where the server asks in a handler of the same client, it takes no other event of that client until it has the
    answer.

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
        self._sio = _AsyncSocket(
            reconnection=options.get("reconnect", True),
            reconnection_attempts=options.get("reconnect_attempts", 0),
            reconnection_delay=options.get("reconnect_delay_s", 1.0),
            reconnection_delay_max=options.get("reconnect_delay_max_s", 5.0),
            **{"handle_sigint": False, **options.get("client", {})},
        )
        self._drop = self._sio.eio.handlers["disconnect"]
        self._sio.eio.on("disconnect", self._dropped)
        self._callbacks = _AsyncCallbacks()
        self._clients: dict[str, _AsyncClient] = {}
        self._is_open = False

    async def open(self) -> None:
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
            auth, namespaces = self._sio.first_auth, list(self._clients)
            await self._sio.connect(self.url, auth=auth, namespaces=namespaces, **self._connect)
        except socketio.exceptions.ConnectionError as error:
            refused = next((client._refusal for client in self._clients.values() if client._refusal), None)
            raise refused or NotConnectedError(f"{self.url}: {error}") from error
        self._is_open = True

    async def close(self) -> None:
        """Leave all namespaces, and end. It can be opened again."""
        self._is_open = False
        await self._sio.shutdown()
        await self._sio.shutdown()  # it may have been connecting again at that moment

    async def wait(self) -> None:
        """Return when the connection has ended for good: closed, ended by the server, or not made again."""
        await self._sio.wait()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _dropped(self, reason: str) -> None:
        await self._drop(reason)
        for client in self._clients.values():  # python-socketio tells only those that were all connected
            if client.connected:
                client._left(reason)

    def _add(self, client: _AsyncClient, auth: Callable[[], Any]) -> None:
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


class _AsyncClient:
    _path: ClassVar[str]
    _asks: ClassVar[frozenset[str]] = frozenset()
    _auth: ClassVar[_Shape] = _Shape(Any)

    def __init__(self, via: AsyncConnection, *, auth: Any = None) -> None:
        self.connection = via
        self._refusal: ConnectRefused | None = None
        self._session: object | None = None  # another one for each time it joins
        self._waiting: set[asyncio.Future[tuple[Any, ...]]] = set()
        self._streams: dict[tuple[str, str], AsyncStream[Any]] = {}
        self._callbacks: dict[str, list[tuple[_Event[Any], Callable[..., object]]]] = {}
        self._answers: dict[str, tuple[_Event[Any], Callable[..., Any]]] = {}
        via._add(self, _write_auth(auth, self._auth))

    @property
    def connected(self) -> bool:
        """Whether it is in its namespace now."""
        return self._session is not None

    async def close(self) -> None:
        """End the connection, also for others that share it."""
        await self.connection.close()

    async def __aenter__(self) -> Self:
        await self.connection.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    def on_connect(self, callback: Callable[[], _T]) -> Callable[[], _T]:
        """Call *callback* each time the namespace was joined: the first time, and after each loss."""
        return self._hear(_async_life("connect"), callback)

    def on_disconnect(self, callback: Callable[[str], _T]) -> Callable[[str], _T]:
        """Call *callback* each time the namespace was left, with the reason."""
        return self._hear(_async_life("disconnect"), callback)

    def on_connect_error(self, callback: Callable[[ConnectRefused], _T]) -> Callable[[ConnectRefused], _T]:
        """Call *callback* each time the server did not let the client in, which python-socketio goes on to try."""
        return self._hear(_async_life("connect_error"), callback)

    def off(self, callback: Callable[..., object]) -> None:
        """Never call *callback* again, whatever it was registered for."""
        for name, found in self._callbacks.items():
            self._callbacks[name] = [item for item in found if item[1] is not callback]
        for name in [name for name, (_, answer) in self._answers.items() if answer is callback]:
            del self._answers[name]

    # -- what it sends

    async def _call(self, event: _Event[_T], timeout_s: float | None, *values: Any) -> _T:
        ack = await self._ask(event, values, timeout_s)
        _check_ack(ack)
        return event.read(ack)

    async def _ask(
        self,
        event: _Event[Any],
        values: tuple[Any, ...],
        timeout_s: float | None,
        taken: Callable[[tuple[Any, ...]], object] | None = None,
    ) -> tuple[Any, ...]:
        """Send an event and return its acknowledgement; *taken* gets it before anything else arrives."""
        written = event.write(*values)
        if self._session is None:
            raise NotConnectedError(f"{event.name}: not connected to {self._path}")
        reply: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

        def take(*ack: Any) -> None:
            if taken is not None:
                taken(ack)
            if not reply.done():  # else nobody waits any more
                reply.set_result(ack)

        limit_s = self.connection.timeout_s if timeout_s is None else timeout_s
        self._waiting.add(reply)
        try:
            await self._emit(event.name, written, take)
            return await asyncio.wait_for(reply, limit_s)
        except TimeoutError as error:
            raise CallTimeoutError(f"{event.name}: no answer in {limit_s:g} seconds") from error
        finally:
            self._waiting.discard(reply)

    async def _emit(self, name: str, written: tuple[Any, ...], taken: Callable[..., object] | None = None) -> None:
        try:
            await self.connection._sio.emit(name, written, namespace=self._path, callback=taken)
        except socketio.exceptions.BadNamespaceError as error:
            raise NotConnectedError(f"{name}: not connected to {self._path}") from error

    # -- what it gets, in the order of arrival

    def _hear(self, event: _Event[Any], callback: _AC) -> _AC:
        self._callbacks[event.name] = [*self._callbacks.get(event.name, ()), (event, callback)]
        return callback

    def _reply(self, event: _Event[Any], answer: _AC) -> _AC:
        self._answers[event.name] = (event, answer)
        return answer

    def _joined(self) -> None:
        self._session = object()
        self._tell("connect", ())

    def _refused(self, payload: Any = None) -> None:
        self._refusal = _read_refusal(payload)
        if self._refusal is not None:
            self._tell("connect_error", (self._refusal,))

    def _left(self, reason: str) -> None:
        self._session = None
        streams = list(self._streams.values())
        self._streams.clear()
        for reply in self._waiting:
            if not reply.done():
                reply.set_exception(NotConnectedError(f"the connection was lost: {reason}"))
        for stream in streams:
            stream._lose(NotConnectedError(f"the connection was lost: {reason}"))
        self._tell("disconnect", (reason,))

    async def _receive(self, name: str, *values: Any) -> tuple[Any, ...]:
        session = self._session
        part = values[0] if len(values) == 1 and isinstance(values[0], dict) else {}
        stream = self._streams.get((name, str(part.get("stream"))))
        if stream is not None:
            await stream._take(part)
        elif name in self._asks:
            values = await self._answer(name, values)
        else:
            self._tell(name, values)
        if session is not self._session:
            raise _LeftError
        return values if name in self._asks else ()

    async def _answer(self, name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        event, answer = self._answers.get(name, (None, None))
        if event is None or answer is None:
            return ({"error": {"code": "unknown_event", "message": "The client does not answer it.", "event": name}},)
        try:
            result = answer(*event.read_all(values))
            return event.write(await result if inspect.isawaitable(result) else result)
        except Exception:
            _logger.exception("the answer to %s failed", name)
            return ({"error": {"code": "internal_error", "message": "The client failed.", "event": name}},)

    def _tell(self, name: str, values: tuple[Any, ...]) -> None:
        for event, callback in self._callbacks.get(name, ()):
            self.connection._callbacks.add(event, callback, values)


class AsyncStream(Generic[_T]):
    """What the server sends bit by bit, as an asynchronous iterator.

    It starts when it is iterated or entered, which raises what a call would. A chunk is acknowledged when it is taken,
    and the server stops when some are not. Leaving the ``async with`` block, or ``close()``, makes it end at once;
    leaving the loop alone makes it end when the event loop finds the time.

    Iterating raises `EventError` where the server fails, and `NotConnectedError` where the connection is lost.
    """

    def __init__(self, client: _AsyncClient, event: _Event[_T], timeout_s: float | None, *values: Any) -> None:
        self._client = client
        self._event = event
        self._timeout_s = timeout_s
        self._values = values
        self._id: str | None = None
        self._started = False
        self._over = False
        self._error: Exception | None = None
        self._chunks: deque[tuple[Any, asyncio.Event]] = deque()
        self._news = asyncio.Event()
        self._cancelling: asyncio.Task[None] | None = None

    async def __aiter__(self) -> AsyncIterator[_T]:
        try:
            while True:
                try:
                    chunk = await anext(self)
                except StopAsyncIteration:
                    return
                yield chunk
        finally:
            await self.close()

    async def __anext__(self) -> _T:
        await self._start()
        while not self._chunks and not self._over:
            self._news.clear()
            await self._news.wait()
        if not self._chunks:
            error, self._error = self._error, None
            raise error or StopAsyncIteration
        chunk, taken = self._chunks.popleft()
        taken.set()
        try:
            return self._event.read((chunk,))
        except InvalidAnswerError:
            await self.close()
            raise

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Make the server stop; what was not taken is dropped. Does nothing when it is over."""
        running = not self._over
        self._end(None)
        if running and self._id is not None:
            await self._cancel(self._id)

    async def _start(self) -> None:
        if self._started or self._over:
            return
        self._started = True
        try:
            _check_ack(await self._client._ask(self._event, self._values, self._timeout_s, self._begin))
        except BaseException:
            await self.close()
            raise
        if self._id is None:
            await self.close()
            raise InvalidAnswerError(f"{self._event.name}: the server answered with no stream")

    def _begin(self, ack: tuple[Any, ...]) -> None:
        if len(ack) == 1 and isinstance(ack[0], dict) and "stream" in ack[0]:
            self._id = str(ack[0]["stream"])
            self._client._streams[self._event.name, self._id] = self
            if self._over:  # nobody waited for it so long
                self._cancelling = asyncio.ensure_future(self._cancel(self._id))

    async def _cancel(self, stream_id: str) -> None:
        if self._client._streams.pop((self._event.name, stream_id), None) is not None:
            with contextlib.suppress(NotConnectedError):
                await self._client._emit("cancel_stream", (stream_id,))

    async def _take(self, part: dict[str, Any]) -> None:
        """Keep a part; return when its chunk was taken, and may be acknowledged."""
        if self._over:
            return
        self._news.set()
        if "chunk" in part:
            taken = asyncio.Event()
            self._chunks.append((part["chunk"], taken))
            await taken.wait()
        else:
            self._over = True
            self._error = _read_error(part["error"]) if "error" in part else None
            self._client._streams.pop((self._event.name, str(part["stream"])), None)

    def _lose(self, error: Exception) -> None:
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._over, self._error = True, error
        for _, taken in self._chunks:
            taken.set()
        self._chunks.clear()
        self._news.set()


class _AsyncSocket(socketio.AsyncClient):  # type: ignore[misc, unused-ignore]
    """Sends to each namespace its own ``auth``, and forgets who asked when its connection is gone."""

    def __init__(self, **options: Any) -> None:
        self.auths: dict[str, Callable[[], Any]] = {}
        super().__init__(**options)
        self._start = self.eio.start_background_task
        self.eio.start_background_task = self._start_task

    def first_auth(self) -> Any:
        """Return what python-socketio would send to all namespaces."""
        return next(iter(self.auths.values()))() if len(self.auths) == 1 else None

    async def _send_packet(self, pkt: Any) -> None:
        if pkt.packet_type == socketio.packet.CONNECT and len(self.auths) > 1:
            pkt.data = self.auths[pkt.namespace]() or {}
        await super()._send_packet(pkt)

    def _start_task(self, target: Callable[..., Awaitable[object]], *args: Any, **kwargs: Any) -> Any:
        return self._start(self._run, target, args, kwargs)

    async def _run(
        self, target: Callable[..., Awaitable[object]], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        with contextlib.suppress(_LeftError):
            await target(*args, **kwargs)


class _AsyncCallbacks:
    """Runs callbacks one after another in a task of its own, which starts with the first."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[_Event[Any], Callable[..., object], tuple[Any, ...]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, event: _Event[Any], callback: Callable[..., object], values: tuple[Any, ...]) -> None:
        self._jobs.append((event, callback, values))
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        while self._jobs:
            event, callback, values = self._jobs.popleft()
            try:
                result = callback(*event.read_all(values))
                if inspect.isawaitable(result):
                    await result
            except Exception:
                _logger.exception("a callback of %s failed", event.name)


def _async_life(name: str) -> _Event[Any]:
    return _Event(name, _Shape(), None)
