"""How ``async def`` handlers run: as Flask's async views do, and under gevent on one event loop beside the others."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import weakref
from collections.abc import Coroutine
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
