"""``async def`` handlers under gevent: one loop, many greenlets; and the loop of the streams."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from framework import coroutines
from framework.coroutines import StreamLoop, find_stream_loop, run_beside_greenlets, run_coroutine
from tests.live import ROOT

gevent = pytest.importorskip("gevent")


def in_a_thread(body: Callable[[], Any]) -> Any:
    """Run *body* in a thread with a hub of its own, and end its loop, so that the next test has none."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(body())
        except BaseException as error:
            outcome.append(error)
        loop = coroutines._gevent_loop()
        loop.call_soon_threadsafe(loop.stop)
        while loop.is_running():
            gevent.sleep(0.001)
        loop.close()
        gevent.get_hub().destroy(destroy_loop=True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def run(coroutine: Any) -> Any:
    return in_a_thread(lambda: run_beside_greenlets(Flask(__name__), coroutine))


def test_coroutines_of_several_greenlets_run_side_by_side() -> None:
    inside: list[int] = []

    async def meet(n: int) -> int:
        inside.append(n)
        while len(inside) < 3:  # each waits until all are in
            await asyncio.sleep(0)
        return n

    def body() -> list[int]:
        jobs = [gevent.spawn(run_beside_greenlets, Flask(__name__), meet(n)) for n in range(3)]
        gevent.joinall(jobs, timeout=10)
        return [job.value for job in jobs]

    assert in_a_thread(body) == [0, 1, 2]


def test_other_greenlets_may_run_loops_of_their_own_meanwhile() -> None:
    async def value(n: int) -> int:
        await asyncio.sleep(0)
        return n

    def body() -> tuple[int, int]:
        app = Flask(__name__)
        first = run_beside_greenlets(app, value(1))
        return first, run_coroutine(app, value(2))  # what an async view of Flask does

    assert in_a_thread(body) == (1, 2)


def test_what_a_coroutine_raises_reaches_the_caller() -> None:
    async def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        run(fail())


def test_cancelled_coroutine_reaches_the_caller() -> None:
    async def cancel() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(cancel())


def test_context_variables_of_the_caller_are_the_coroutines() -> None:
    variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable")

    async def read() -> Any:
        await asyncio.sleep(0)
        return variable.get()

    def body() -> Any:
        variable.set("mine")
        return run_beside_greenlets(Flask(__name__), read())

    assert in_a_thread(body) == "mine"


def test_exit_in_a_coroutine_reaches_the_caller_and_the_loop_goes_on() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def value() -> int:
        return 4

    def body() -> int:
        with pytest.raises(SystemExit):
            run_beside_greenlets(Flask(__name__), leave())
        return run_beside_greenlets(Flask(__name__), value())

    assert in_a_thread(body) == 4


# -- the loop of the streams


def test_what_awaits_beside_the_streams_gives_its_result_or_raises() -> None:
    loop = StreamLoop(find_stream_loop("threading"))

    async def answer(value: BaseException | int) -> int:
        await asyncio.sleep(0)
        if isinstance(value, BaseException):
            raise value
        return value

    assert loop.run(answer(7)) == 7
    for error in (ValueError("no"), SystemExit(), KeyboardInterrupt(), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            loop.run(answer(error))
    assert loop.is_used
    loop.close()
    assert find_stream_loop("threading").is_running()


def test_the_loop_of_the_streams_is_one_and_its_thread_ends_with_the_process() -> None:
    assert find_stream_loop("threading") is find_stream_loop("threading")
    (thread,) = [found for found in threading.enumerate() if found.name == "framework-streams"]
    assert thread.daemon


FORKED = """
import asyncio, os
from framework.coroutines import StreamLoop, find_stream_loop

async def answer():
    return os.getpid()

assert StreamLoop(find_stream_loop("threading")).run(answer()) == os.getpid()
child = os.fork()
if child == 0:
    os._exit(0 if StreamLoop(find_stream_loop("threading")).run(answer()) == os.getpid() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_process_that_was_forked_has_a_loop_of_its_own() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
