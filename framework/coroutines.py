"""How ``async def`` handlers run: as Flask's async views do, and under gevent on one event loop beside the others."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, cast

import flask

AsyncFunction = Callable[..., Coroutine[Any, Any, Any]]


def run_coroutine(app: flask.Flask, function: AsyncFunction, args: tuple[Any, ...]) -> Any:
    """Run *function* to its end with Flask's contexts, in a loop of its own (`flask.Flask.ensure_sync`)."""
    return app.ensure_sync(function)(*args)


# One per hub, which is one per thread that runs greenlets.
_loops: weakref.WeakKeyDictionary[Any, asyncio.AbstractEventLoop] = weakref.WeakKeyDictionary()


def run_beside_greenlets(app: flask.Flask, function: AsyncFunction, args: tuple[Any, ...]) -> Any:
    """Run *function* to its end on the thread's own loop; the calling greenlet waits, others go on.

    asyncio knows one running loop per thread, and greenlets share theirs: a loop per handler, as Flask makes them, would
    refuse to start while another handler waits. So there is one, in a greenlet, whose waiting lets other greenlets run.
    """
    from gevent.event import AsyncResult

    result: Any = AsyncResult()
    loop = _gevent_loop()
    start = functools.partial(_start_task, loop, function, args, result)
    loop.call_soon_threadsafe(start, context=contextvars.copy_context())
    return result.get()


def _gevent_loop() -> asyncio.AbstractEventLoop:
    import gevent
    from gevent.selectors import DefaultSelector

    hub = gevent.get_hub()
    loop = _loops.get(hub)
    if loop is None:
        loop = _loops[hub] = asyncio.SelectorEventLoop(cast(Any, DefaultSelector()))
        gevent.spawn(loop.run_forever)
    return loop


def _start_task(loop: asyncio.AbstractEventLoop, function: AsyncFunction, args: tuple[Any, ...], result: Any) -> None:
    task = loop.create_task(function(*args))
    task.add_done_callback(functools.partial(_finish, result))


def _finish(result: Any, task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        result.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        result.set_exception(error)
    else:
        result.set(task.result())
