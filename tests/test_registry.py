"""Who serves what: one route for each name, known before an event comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import flask_socketio
import pytest
from flask import Flask

from framework import Depends, Namespace, SocketIO, event, guard
from framework.middleware import Proceed, use
from framework.registry import Route


def passes(handling: Any, proceed: Proceed) -> Any:
    return proceed()


async def passes_later(handling: Any, proceed: Proceed) -> Any:
    return await proceed()


async def later() -> int:
    return 1


async def opened_later() -> AsyncIterator[int]:
    yield 1


def needs_later(number: int = Depends(later)) -> int:
    return number


class Awaited:
    async def __call__(self) -> bool:
        return True


class Chat(Namespace):
    namespace = "/chat"

    def on_post(self, text: str) -> str:
        return text

    @event(run="pool")
    def on_report(self) -> None: ...

    async def on_async(self) -> None: ...

    def on_stream(self) -> Iterator[int]:
        yield 1

    def on_depending(self, number: int = Depends(needs_later)) -> None: ...

    def on_opening(self, number: int = Depends(opened_later)) -> None: ...

    def on_plainly_depending(self, number: int = Depends(lambda: 1)) -> None: ...

    @guard(Awaited())
    def on_guarded(self) -> None: ...

    @guard(lambda: True)
    def on_plainly_guarded(self) -> None: ...

    @use(passes_later)
    def on_within(self) -> None: ...

    @use(passes)
    def on_plainly_within(self) -> None: ...


@pytest.fixture
def socketio() -> SocketIO:
    return SocketIO(Flask("chat"), namespaces=[Chat, "/accepted"])


def find(socketio: SocketIO, name: str, namespace: str = "/chat") -> Route:
    assert socketio.dispatch is not None
    return socketio.dispatch.routes[namespace][name]


def test_a_name_has_one_route(socketio: SocketIO) -> None:
    route = find(socketio, "post")
    assert route is find(socketio, "post")
    assert (route.name, route.is_known, route.is_wrapped, route.is_async, route.run) == (
        "Chat.on_post",
        True,
        False,
        False,
        None,
    )
    assert find(socketio, "report").run == "pool"


def test_names_and_paths_that_nobody_serves_share_a_route(socketio: SocketIO) -> None:
    assert find(socketio, "x") is find(socketio, "y")
    assert find(socketio, "x", "/accepted") is find(socketio, "post", "/any")
    assert find(socketio, "x").target is None
    assert not find(socketio, "x").is_known


def test_what_the_transport_notes_stays(socketio: SocketIO) -> None:
    assert find(socketio, "post").pace is None
    find(socketio, "post").pace = "fast"
    assert find(socketio, "post").pace == "fast"


@pytest.mark.parametrize("name", ["connect", "disconnect"])
def test_the_life_cycle_is_no_event_even_of_a_function_for_any(socketio: SocketIO, name: str) -> None:
    socketio.on("*", namespace="/chat")(lambda name, *args: None)
    assert find(socketio, name).target is None
    assert find(socketio, "other").target is not None


@pytest.mark.parametrize(
    ("name", "is_async"),
    [
        ("post", False),
        ("async", True),
        ("stream", True),
        ("depending", True),
        ("opening", True),
        ("plainly_depending", False),
        ("guarded", True),
        ("plainly_guarded", False),
        ("within", True),
        ("plainly_within", False),
    ],
)
def test_what_waits_on_an_event_loop_is_known(socketio: SocketIO, name: str, is_async: bool) -> None:
    assert find(socketio, name).is_async == is_async


def test_hooks_that_are_async_are_known() -> None:
    class Hooked(Namespace):
        namespace = "/hooked"

        async def after_event(self, handling: Any, error: Exception | None) -> None: ...

        def on_post(self) -> None: ...

    assert find(SocketIO(Flask("chat"), namespaces=[Hooked]), "post", "/hooked").is_async


def test_middleware_that_comes_later_is_seen(socketio: SocketIO) -> None:
    before = find(socketio, "post")
    socketio.use(passes)
    assert find(socketio, "post").is_wrapped
    assert find(socketio, "x").is_wrapped
    assert not find(socketio, "post").is_async
    socketio.use(passes_later)
    assert find(socketio, "post").is_async
    assert find(socketio, "x", "/accepted").is_async
    assert not before.is_wrapped


def test_handlers_that_come_later_are_seen(socketio: SocketIO) -> None:
    assert find(socketio, "later").target is None

    @socketio.on("later", namespace="/chat", run="inline")
    def on_later() -> None: ...

    assert find(socketio, "later").run == "inline"
    assert find(socketio, "post", "/more").target is None

    class More(Namespace):
        def on_post(self) -> None: ...

    socketio.on_namespace(More("/more"))
    assert find(socketio, "post", "/more").is_known


def test_functions_for_any_event_and_any_namespace_have_a_route(socketio: SocketIO) -> None:
    socketio.on("ping", namespace="*")(lambda: "pong")
    socketio.on("*", namespace="/functions")(lambda name, *args: name)
    assert find(socketio, "ping", "/accepted") is find(socketio, "ping", "/any")
    assert find(socketio, "ping").is_known
    assert find(socketio, "x", "/functions") is find(socketio, "y", "/functions")
    assert find(socketio, "x", "/functions").one_pass is False
    assert find(socketio, "x", "/functions").is_known is False


def test_a_class_that_serves_a_star_serves_nothing_else_with_it() -> None:
    class Star(Namespace):
        namespace = "/star"

        @event("*")
        def star(self) -> int:
            return 1

    socketio = SocketIO(Flask("star"), namespaces=[Star])
    assert find(socketio, "*", "/star").is_known
    assert find(socketio, "x", "/star").target is None


def test_a_class_that_routes_its_events_itself_waits_where_one_of_its_handlers_does() -> None:
    class Router(flask_socketio.Namespace):  # type: ignore[misc]
        def trigger_event(self, event: str, *args: Any) -> Any: ...

        def on_post(self) -> None: ...

    class Later(Router):
        async def on_more(self) -> None: ...

    socketio = SocketIO(Flask("router"))
    socketio.on_namespace(Router("/plain"))
    socketio.on_namespace(Later("/later"))
    assert find(socketio, "post", "/plain") is not find(socketio, "x", "/plain")
    assert [find(socketio, "x", path).is_async for path in ("/plain", "/later")] == [False, True]
