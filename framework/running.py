"""How the application's own code is run: through its middleware, past its guards, with its dependencies.

Everything that users write is called from here, whether ``def`` or ``async def``; what is no Exception comes out as one.
It needs Flask's context, and knows neither packets nor answers.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from types import CoroutineType
from typing import Any, cast

import flask

from .coroutines import (
    GreenletLoop,
    StreamLoop,
    ThreadLoop,
    find_stream_loop,
    run_beside_greenlets,
    run_coroutine,
    run_layer,
    run_layer_in_greenlet,
)
from .dependencies import Loop, Scope
from .errors import EventError, HandlerExitError
from .handling import Handling
from .middleware import Guard, Onion
from .registry import Target

OVERRIDES = "framework.overrides"


def run_guarded(function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """Call the application's code; what is no Exception comes out as one.

    ``sys.exit()`` in a handler is a mistake, a cancelled task or gevent's Timeout a failure: none of them may end the
    thread that serves the client. An order to the thread itself passes.

    Raises:
        HandlerExitError: *function* raised a BaseException; it is the cause.
    """
    try:
        return function(*args, **keywords)
    except Exception:
        raise
    except BaseException as error:
        raise guard_exit(error) from error


def guard_exit(error: BaseException) -> Exception:
    """Return what comes of *error*, which is no Exception.

    Raises:
        BaseException: *error* itself, where it is an order to the thread.
    """
    if isinstance(error, KeyboardInterrupt | GeneratorExit) or type(error).__name__ == "GreenletExit":
        raise error
    return HandlerExitError(f"it raised {type(error).__name__}, which is no Exception")


class Runner:
    """Runs what users write, in one async mode."""

    def __init__(self, async_mode: str) -> None:
        self._gevent = async_mode == "gevent"
        self._run_coroutine = run_beside_greenlets if self._gevent else run_coroutine
        self._run_layer = run_layer_in_greenlet if self._gevent else run_layer

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a plain or an async function and return what it does."""
        return self._finish(None, run_guarded(function, *args))

    def compile(self, target: Target) -> Callable[[Any], Any]:
        """Return what calls the handler of *target* with a `Handling`, as `invoke` does."""
        has_hooks = target.before is not None or target.after is not None
        return functools.partial(self.invoke if has_hooks else self._invoke, target)

    def wrap(self, onion: Onion, last: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return what takes a `Handling` through the layers of *onion*, the first outermost, to *last*."""
        for layer in reversed(onion):
            step = self._pass_async if layer.is_async else _pass
            last = functools.partial(step, layer.function, last)
        return last

    def _pass_async(self, layer: Callable[..., Any], inner: Callable[[Any], Any], handling: Handling) -> Any:
        return run_guarded(self._run_layer, _current_app(), layer, handling, functools.partial(inner, handling))

    def admit(self, guards: tuple[Guard, ...], handling: Handling) -> None:
        """Ask *guards*, of which there is one at least, the first one first.

        Raises:
            EventError: One of them said no.
        """
        scope = handling.scope or self._open_scope(handling)
        try:
            for guard in guards:
                if not scope.resolve(guard.node):
                    raise EventError(guard.code, guard.message)
        except Exception:
            raise
        except BaseException as error:
            raise guard_exit(error) from error

    def invoke(self, target: Target, handling: Handling) -> Any:
        """Call the handler of *target* between the hooks of its class."""
        if target.before is None and target.after is None:
            return self._invoke(target, handling)
        if target.before is not None:
            self._finish(handling, run_guarded(target.before, handling))
        if target.after is None:
            return self._invoke(target, handling)
        try:
            result = self._invoke(target, handling)
        except Exception as error:
            self._finish(handling, run_guarded(target.after, handling, error))
            raise
        self._finish(handling, run_guarded(target.after, handling, None))
        return result

    def _invoke(self, target: Target, handling: Handling) -> Any:
        injection = target.injection
        try:
            if injection is None:
                result = target.call(*handling.args)
            else:
                args, keywords = injection.fill(handling.args, handling.scope or self._open_scope(handling))
                result = target.call(*args, **keywords)
        except Exception:
            raise
        except BaseException as error:
            raise guard_exit(error) from error
        return result if type(result) is not CoroutineType else self._finish(handling, result)

    def _finish(self, handling: Handling | None, result: Any) -> Any:
        if type(result) is not CoroutineType:
            return result
        scope: Scope | None = handling.scope if handling is not None else None
        if scope is not None and scope.loop.is_used:
            return run_guarded(scope.loop.run, result)
        return run_guarded(self._run_coroutine, _current_app(), result)

    def _open_scope(self, handling: Handling) -> Scope:
        scope = handling.scope = Scope(handling, self._find_loop, handling.environ.get(OVERRIDES))
        return scope

    def _find_loop(self, handling: Handling) -> Loop:
        if handling.awaits_beside and not self._gevent:
            return StreamLoop(self.stream_loop())
        return GreenletLoop(_current_app()) if self._gevent else ThreadLoop()

    def stream_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop of the async streams."""
        return find_stream_loop("gevent" if self._gevent else "threading")


def _pass(layer: Callable[..., Any], inner: Callable[[Any], Any], handling: Handling) -> Any:
    """`run_guarded`, without a call of its own."""
    try:
        return layer(handling, functools.partial(inner, handling))
    except Exception:
        raise
    except BaseException as error:
        raise guard_exit(error) from error


def _current_app() -> flask.Flask:
    return cast(flask.Flask, cast(Any, flask.current_app)._get_current_object())
