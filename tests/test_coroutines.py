"""``async def`` handlers under gevent: one loop, many greenlets."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest
from flask import Flask

from framework.coroutines import run_beside_greenlets

gevent = pytest.importorskip("gevent")


def test_coroutines_of_several_greenlets_run_side_by_side() -> None:
    app = Flask(__name__)
    inside: list[int] = []

    async def meet(n: int) -> int:
        inside.append(n)
        while len(inside) < 3:  # each waits until all are in
            await asyncio.sleep(0)
        return n

    jobs = [gevent.spawn(run_beside_greenlets, app, meet, (n,)) for n in range(3)]
    gevent.joinall(jobs, timeout=10)
    assert [job.value for job in jobs] == [0, 1, 2]


def test_what_a_coroutine_raises_reaches_the_caller() -> None:
    async def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        run_beside_greenlets(Flask(__name__), fail, ())


def test_cancelled_coroutine_reaches_the_caller() -> None:
    async def cancel() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_beside_greenlets(Flask(__name__), cancel, ())


def test_context_variables_of_the_caller_are_the_coroutines() -> None:
    variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable")
    variable.set("mine")

    async def read() -> Any:
        await asyncio.sleep(0)
        return variable.get()

    assert run_beside_greenlets(Flask(__name__), read, ()) == "mine"
