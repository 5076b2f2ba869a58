"""How ``async def`` handlers run: as Flask's async views do, and under gevent on one event loop beside the others."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any, cast

import flask

AsyncFunction = Callable[..., Coroutine[Any, Any, Any]]


def run_coroutine(app: flask.Flask, function: AsyncFunction, args: tuple[Any, ...]) -> Any:
    """Run *function* to its end with Flask's contexts, in a loop of its own (`flask.Flask.ensure_sync`)."""
    return app.ensure_sync(function)(*args)


class GeventLoop:
    """One asyncio loop in a greenlet, whose waiting lets other greenlets run.

    asyncio knows one running loop per thread, and greenlets share theirs: a loop per handler, as Flask makes them,
    would refuse to start while another handler waits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, app: flask.Flask, function: AsyncFunction, args: tuple[Any, ...]) -> Any:
        """Run *function* to its end; the calling greenlet waits, others go on."""
        from gevent.event import AsyncResult

        result = AsyncResult()
        context = contextvars.copy_context()
        loop = self._start()
        loop.call_soon_threadsafe(functools.partial(_start_task, loop, function, args, result), context=context)
        return result.get()

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                import gevent
                from gevent.selectors import DefaultSelector

                self._loop = asyncio.SelectorEventLoop(cast(Any, DefaultSelector()))
                gevent.spawn(self._loop.run_forever)
            return self._loop


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
