"""How ``async def`` handlers run: as Flask's async views do, and under gevent on one event loop beside the others."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import flask

# One per hub, which is one per thread that runs greenlets.
_loops: weakref.WeakKeyDictionary[Any, asyncio.AbstractEventLoop] = weakref.WeakKeyDictionary()
_tasks: set[asyncio.Task[None]] = set()  # a loop holds its tasks weakly


def run_coroutine(app: flask.Flask, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run *coroutine* to its end with Flask's contexts, in a loop of its own (`flask.Flask.ensure_sync`)."""
    return app.ensure_sync(_await)(coroutine)


async def _await(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine


def run_beside_greenlets(app: flask.Flask, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run *coroutine* to its end on the thread's own loop; the calling greenlet waits, others go on.

    asyncio knows one running loop per thread, and greenlets share theirs: a loop per handler, as Flask makes them, would
    refuse to start while another handler waits. So there is one, in a greenlet, whose waiting lets other greenlets run.
    """
    from gevent.event import AsyncResult

    result: Any = AsyncResult()
    loop = _gevent_loop()
    start = functools.partial(_start_task, loop, coroutine, result)
    loop.call_soon_threadsafe(start, context=contextvars.copy_context())
    return result.get()


class ThreadLoop:
    """One event loop for all that one event awaits, so that what its dependencies open its handler can use.

    Made when the first coroutine comes; an async handler alone is run as Flask runs its views.
    """

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    @property
    def is_used(self) -> bool:
        return self._runner is not None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run *coroutine* to its end, in Flask's contexts."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(coroutine, context=contextvars.copy_context())

    def close(self) -> None:
        """End the loop, and what still runs on it."""
        if self._runner is not None:
            self._runner.close()


class GreenletLoop:
    """The same under gevent, where one loop serves all events."""

    def __init__(self, app: flask.Flask) -> None:
        self._app = app

    @property
    def is_used(self) -> bool:
        return False  # an async handler finds the same loop by itself

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return run_beside_greenlets(self._app, coroutine)

    def close(self) -> None:
        pass


_background: asyncio.AbstractEventLoop | None = None
_background_lock = threading.Lock()


def find_stream_loop(async_mode: str) -> asyncio.AbstractEventLoop:
    """Return the loop that async streams run on: gevent's own, or one in a thread that is made when first needed."""
    global _background
    if async_mode == "gevent":
        return _gevent_loop()
    with _background_lock:
        if _background is None:
            _background = asyncio.new_event_loop()
            threading.Thread(target=_background.run_forever, name="framework-streams", daemon=True).start()
        return _background


def _forget_stream_loop() -> None:
    """In a process that was forked the loop's thread is missing."""
    global _background, _background_lock
    _background, _background_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_stream_loop)


async def _catch(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, BaseException | None]:
    """Return what comes of *coroutine*; asyncio itself would let a SystemExit end the loop."""
    try:
        return await coroutine, None
    except BaseException as error:
        return None, error


class StreamLoop:
    """Where an async stream and its dependencies run, on the threads' side."""

    is_used = True

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run *coroutine* to its end on the loop; the calling thread waits."""
        result, error = asyncio.run_coroutine_threadsafe(_catch(coroutine), self._loop).result()
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        pass


def run_layer(app: flask.Flask, function: Callable[..., Any], handling: Any, proceed: Callable[[], Any]) -> Any:
    """Run async middleware; what it goes around runs in the calling thread, where no loop is in the way."""
    from asgiref.sync import sync_to_async  # which Flask imports for the first coroutine, too

    async def layer() -> Any:
        return await function(handling, sync_to_async(functools.partial(_call, proceed), thread_sensitive=True))

    return app.ensure_sync(layer)()


def run_layer_in_greenlet(
    app: flask.Flask, function: Callable[..., Any], handling: Any, proceed: Callable[[], Any]
) -> Any:
    """Run async middleware on the hub's loop; what it goes around runs in a greenlet of its own."""

    async def proceed_beside() -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        gevent.spawn(contextvars.copy_context().run, _resolve, loop, future, proceed)
        return await future

    import gevent

    return run_beside_greenlets(app, function(handling, proceed_beside))


def _resolve(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], work: Callable[[], Any]) -> None:
    try:
        result = _call(work)
    except BaseException as error:
        loop.call_soon_threadsafe(_settle, future.set_exception, error)
    else:
        loop.call_soon_threadsafe(_settle, future.set_result, result)


def _call(work: Callable[[], Any]) -> Any:
    """Call *work*; a StopIteration, which no future can hold, comes out as it does of a coroutine."""
    try:
        return work()
    except StopIteration as error:
        raise RuntimeError("it raised StopIteration") from error


def _settle(settle: Callable[[Any], None], outcome: Any) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):  # who waited was cancelled
        settle(outcome)


def _gevent_loop() -> asyncio.AbstractEventLoop:
    import gevent
    from gevent.selectors import DefaultSelector

    class Selector(DefaultSelector):
        """Waits with no loop running, since what the other greenlets run meanwhile is not in it."""

        def select(self, timeout: float | None = None) -> Any:
            asyncio._set_running_loop(None)
            try:
                return super().select(timeout)
            finally:
                asyncio._set_running_loop(loop)

    hub = gevent.get_hub()
    found = _loops.get(hub)
    if found is not None:
        return found
    loop = _loops[hub] = asyncio.SelectorEventLoop(Selector())
    gevent.spawn(loop.run_forever)
    return loop


def _start_task(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], result: Any) -> None:
    task = loop.create_task(_hand_over(coroutine, result))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _hand_over(coroutine: Coroutine[Any, Any, Any], result: Any) -> None:
    """Give *result* whatever comes of *coroutine*; asyncio itself would let a SystemExit end the loop."""
    try:
        result.set(await coroutine)
    except BaseException as error:
        result.set_exception(error)
