"""Streams on their way to clients: pulled while the client keeps up, closed when it leaves or has enough.

A chunk is sent when fewer than the window of them are unacknowledged. No thread waits for a client: a sync generator is
resumed by the ack that makes room, wherever there is a thread; an async one runs on the loop beside the handlers.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol

from .errors import EventError, HandlerExitError
from .running import run_guarded

logger = logging.getLogger("framework")

Job = Callable[[], object]


class Feed(Protocol):
    """What a stream does with what it makes."""

    def send(self, chunk: Any, acknowledge: Callable[..., object]) -> None:
        """Send one chunk; *acknowledge* is called when the client has it."""

    def has_room(self) -> bool:
        """Say whether little enough waits to be sent to the client."""
        ...

    def finish(self, error: Exception | None, *, cancelled: bool, left: bool) -> None:
        """Tell the client how it ended, unless it has *left*, and undo what was made for the stream."""


class Stream:
    """One stream to one client.

    Args:
        window: Chunks that may be unacknowledged.
        flow: Where Flask's contexts of the event are; whatever the handler does runs in it.
        spawn: Runs a job somewhere else.
    """

    def __init__(self, feed: Feed, window: int, flow: contextvars.Context, spawn: Callable[[Job], object]) -> None:
        self._feed = feed
        self._window = window
        self._unacknowledged = 0
        self._flow = flow
        self._spawn = spawn
        self._lock = threading.Lock()
        self._left = False
        self._cancelled = False
        self._on_ack = self._acknowledge  # one object, by which it is found again

    def start(self) -> None:
        """Begin; the client knows the stream's id."""
        raise NotImplementedError

    def cancel(self, *, left: bool = False) -> None:
        """End it before its end.

        Args:
            left: The client is gone, and need not be told.
        """
        self._left = self._left or left
        self._cancelled = True
        self._wake()

    def _acknowledge(self, *answer: Any) -> None:
        """Make room for one more chunk."""
        with self._lock:
            self._unacknowledged -= 1
        self._wake()

    def _may_send(self) -> bool:
        """Say whether the next chunk may go out; if not, an ack is still to come, and wakes it."""
        waiting = self._unacknowledged
        return waiting == 0 or (waiting < self._window and self._feed.has_room())

    def _wake(self) -> None:
        raise NotImplementedError

    def _finish(self, error: Exception | None) -> None:
        self._feed.finish(error, cancelled=self._cancelled, left=self._left)


class SyncStream(Stream):
    """Pulls a sync iterator, one job at a time."""

    def __init__(self, source: Iterator[Any], *about: Any) -> None:
        super().__init__(*about)
        self._source = source
        self._started = False
        self._running = False
        self._done = False

    def start(self) -> None:
        self._started = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._running or not self._has_work():
                return
            self._running = True
        try:
            self._spawn(self._work)
        except BaseException:
            self._running = False  # the next ack tries again
            raise

    def _has_work(self) -> bool:
        return self._started and not self._done and (self._cancelled or self._may_send())

    def _work(self) -> None:
        try:
            self._flow.run(self._pull)
        finally:
            with self._lock:
                self._running = False
        self._wake()  # for what came meanwhile

    def _pull(self) -> None:
        while self._take_turn():
            try:
                if self._cancelled:
                    return self._end(None)
                chunk = run_guarded(next, self._source)
                if not self._cancelled:
                    self._feed.send(chunk, self._on_ack)
            except StopIteration:
                return self._end(None)
            except Exception as error:
                return self._end(error)
            except BaseException as error:
                self._end(_as_exception(error))
                raise
        return None

    def _take_turn(self) -> bool:
        with self._lock:
            if not self._has_work():
                return False
            self._unacknowledged += 1
            return True

    def _end(self, error: Exception | None) -> None:
        self._done = True
        close = getattr(self._source, "close", None)
        try:
            if close is not None:
                run_guarded(close)
        except Exception:
            logger.exception("a stream failed while it was closed")
        finally:
            self._finish(error)


class AsyncStream(Stream):
    """Pulls an async iterator on an event loop."""

    def __init__(self, source: AsyncIterator[Any], loop: asyncio.AbstractEventLoop, *about: Any) -> None:
        super().__init__(*about)
        self._source = source
        self._loop = loop
        self._room: asyncio.Event | None = None
        self._task: asyncio.Task[Exception | None] | None = None
        self._closing = False

    def start(self) -> None:
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._pump(), context=self._flow)
        self._task.add_done_callback(self._end, context=contextvars.Context())

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        if self._task is None or self._room is None:
            return  # it has not begun, and looks when it does
        self._room.set()
        if self._cancelled and not self._closing:
            self._closing = True  # again would disturb its cleaning up
            self._task.cancel()

    async def _pump(self) -> Exception | None:
        """Send until the end; return what went wrong."""
        self._room = asyncio.Event()
        try:
            while await self._take_turn():
                chunk = await anext(self._source)
                if not self._cancelled:
                    self._feed.send(chunk, self._on_ack)
        except StopAsyncIteration:
            return None
        except asyncio.CancelledError as error:
            return None if self._cancelled else _as_exception(error)
        except BaseException as error:
            return _as_exception(error)
        else:
            return None
        finally:
            self._closing = True
            await self._close()

    async def _take_turn(self) -> bool:
        assert self._room is not None  # noqa: S101 - made before
        while not self._cancelled and not self._may_send():
            self._room.clear()
            await self._room.wait()
        with self._lock:
            self._unacknowledged += 1
        return not self._cancelled

    async def _close(self) -> None:
        close = getattr(self._source, "aclose", None)
        try:
            if close is not None:
                await close()
        except BaseException:  # a SystemExit would end the loop, and every stream with it
            logger.exception("a stream failed while it was closed")

    def _end(self, task: asyncio.Task[Exception | None]) -> None:
        error = None if task.cancelled() else task.result()
        self._spawn(lambda: self._flow.run(self._finish, error))  # not here: its dependencies are undone on this loop


def _as_exception(error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    found = HandlerExitError(f"it raised {type(error).__name__}, which is no Exception")
    found.__cause__ = error
    return found


class _Held:
    """The streams of one client."""

    def __init__(self) -> None:
        self.ids = itertools.count(1)
        self.running: dict[str, Stream | None] = {}


class Streams:
    """The streams that run, by client; the ids of each client's are counted from 1, and say nothing of others."""

    def __init__(self) -> None:
        self._clients: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Count those that run, or are about to."""
        with self._lock:
            return sum(len(held.running) for held in self._clients.values())

    def reserve(self, sid: str, most: int) -> str:
        """Return the id of a new stream of a client.

        Raises:
            EventError: It has *most* already.
        """
        with self._lock:
            held = self._clients.setdefault(sid, _Held())
            if len(held.running) >= most:
                raise EventError("too_many_streams", f"At most {most} streams at the same time.")
            stream_id = str(next(held.ids))
            held.running[stream_id] = None
            return stream_id

    def add(self, sid: str, stream_id: str, stream: Stream) -> bool:
        """Note a stream before it starts; False when its client has left meanwhile."""
        with self._lock:
            held = self._clients.get(sid)
            if held is None or stream_id not in held.running:
                return False
            held.running[stream_id] = stream
            return True

    def forget(self, sid: str, stream_id: str) -> None:
        """Drop a stream that has ended."""
        with self._lock:
            if held := self._clients.get(sid):
                held.running.pop(stream_id, None)

    def cancel(self, sid: str, stream_id: str) -> bool:
        """End a stream at its client's wish; False when it is over, or was never there."""
        with self._lock:
            held = self._clients.get(sid)
            stream = held.running.get(stream_id) if held is not None else None
        if stream is not None:
            stream.cancel()
        return stream is not None

    def drop(self, sid: str) -> None:
        """End what runs for a client that has left."""
        with self._lock:
            held = self._clients.pop(sid, None)
        for stream in held.running.values() if held is not None else ():
            if stream is not None:
                with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                    stream.cancel(left=True)
