"""What a user of Flask and its extensions may rely on inside an event: a real server, the official client.

`tests/test_flask_semantics.py` goes further, in one process; here is what threads, greenlets and cookies may change.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.live import LiveServer
from tests.node_client import JavaScriptSocket
from tests.wire.conftest import DEADLINE_S, Clients

pytestmark = pytest.mark.wire

APP = Path(__file__).with_name("flask_app.py")
StartShop = Callable[..., LiveServer]


@pytest.fixture(scope="module")
def start_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartShop]:
    """Starts each kind of server when a test first asks for it, and keeps it."""
    running: dict[tuple[str, bool], LiveServer] = {}
    with ExitStack() as stack:

        def start(mode: str, *, manage_session: bool = True) -> LiveServer:
            if (mode, manage_session) not in running:
                database = tmp_path_factory.mktemp("shop") / "shop.db"
                env = {"DATABASE": str(database), "MANAGE_SESSION": str(int(manage_session))}
                server = LiveServer(APP, async_mode=mode, script=True, env=env)
                running[mode, manage_session] = stack.enter_context(server)
            return running[mode, manage_session]

        yield start


@pytest.fixture(params=["threading", "gevent"])
def mode(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def shop(start_shop: StartShop, mode: str) -> LiveServer:
    return start_shop(mode)


@pytest.fixture
def own_sessions(start_shop: StartShop, mode: str) -> LiveServer:
    """Where the session is the application's own."""
    return start_shop(mode, manage_session=False)


class Browser:
    """Somebody with cookies, who opens pages and a socket."""

    def __init__(self, js: Clients, server: LiveServer, who: str) -> None:
        self._js, self._server, self._who = js, server, who
        self._jar = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._jar))

    def get(self, path: str) -> str:
        with self._opener.open(self._server.url + path, timeout=DEADLINE_S) as response:
            return response.read().decode()  # type: ignore[no-any-return]

    def connect(self) -> JavaScriptSocket:
        headers = {"X-Agent": "a browser", "Cookie": "; ".join(f"{found.name}={found.value}" for found in self._jar)}
        socket = self._js.connect(self._server.url, "/shop", query={"who": self._who}, extraHeaders=headers)
        assert socket.refused is None
        return socket

    def wait_for_state(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return what the server has noted of this client as soon as it satisfies *condition*."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition(state := json.loads(self.get(f"/state/{self._who}"))):
            assert time.monotonic() < deadline, state
        return state


@pytest.fixture
def open_browser(js: Clients, request: pytest.FixtureRequest) -> Callable[..., Browser]:
    """Makes browsers whose names are this test's only."""
    return lambda server, who="ada": Browser(js, server, f"{who}-{request.node.name.partition('[')[0]}")


OpenBrowser = Callable[..., Browser]


@pytest.mark.parametrize("event", ["look", "look_async"])
def test_request_g_and_current_app_are_there_in_every_event(
    shop: LiveServer, open_browser: OpenBrowser, event: str
) -> None:
    client = open_browser(shop).connect()
    for _ in range(3):
        (seen,) = client.call(event)
        assert seen.pop("who").startswith("ada-")
        assert seen == {
            "sid": client.sid,
            "event": event,
            "namespace": "/shop",
            "path": "/socket.io/",
            "agent": "a browser",
            "address": "127.0.0.1",
            "user": None,
            "g": ["opened"],
            "app": "shop",
            "context": True,
        }


def test_events_that_run_at_the_same_time_see_their_own(shop: LiveServer, open_browser: OpenBrowser) -> None:
    ada, bob = (open_browser(shop, who).connect() for who in ("ada", "bob"))
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            asked = [pool.submit(client.call, "meet", name) for client, name in ((ada, "ada"), (bob, "bob"))]
            for client, name, answer in zip((ada, bob), ("ada", "bob"), asked, strict=True):
                ((_, *after, who),) = answer.result(DEADLINE_S)
                assert after == [name, name, name, client.sid]
                assert who.startswith(f"{name}-")


def test_value_of_a_context_variable_is_of_its_own_event(shop: LiveServer, open_browser: OpenBrowser) -> None:
    clients = [open_browser(shop, f"client{number}").connect() for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        for asked in [pool.submit(client.call, "meet", "ada") for client in clients]:
            asked.result(DEADLINE_S)
    assert [client.call("name") for client in clients * 10] == [["nobody"]] * 20


def test_session_is_forked_once_and_kept_for_the_connection(shop: LiveServer, open_browser: OpenBrowser) -> None:
    browser = open_browser(shop)
    browser.get("/session/color/red")
    first, second = browser.connect(), browser.connect()
    assert first.call("get", "color") == ["red"]
    first.call("put", "color", "blue")
    assert [first.call("get", "color"), second.call("get", "color")] == [["blue"], ["red"]]
    assert browser.get("/session/color") == "red"


def test_session_of_the_application_is_saved_and_shared_with_its_views(
    own_sessions: LiveServer, open_browser: OpenBrowser
) -> None:
    browser = open_browser(own_sessions)
    browser.get("/session/color/red")
    first, second = browser.connect(), browser.connect()
    assert first.call("get", "color") == ["red"]
    first.call("put", "color", "blue")
    assert [second.call("get", "color"), browser.get("/session/color")] == [["blue"], "blue"]


def test_user_who_logged_in_over_http_is_current_user(shop: LiveServer, open_browser: OpenBrowser) -> None:
    browser, stranger = open_browser(shop), open_browser(shop, "stranger").connect()
    browser.get("/login/ada")
    client = browser.connect()
    assert [client.call(event)[0]["user"] for event in ("look", "look_async", "look")] == ["ada"] * 3
    assert [stranger.call(event)[0]["user"] for event in ("look", "look_async")] == [None, None]


def test_logout_in_a_handler_is_the_connections(shop: LiveServer, open_browser: OpenBrowser) -> None:
    browser = open_browser(shop)
    browser.get("/login/ada")
    client = browser.connect()
    assert client.call("logout") == []
    assert [client.call("look")[0]["user"], client.call("look_async")[0]["user"]] == [None, None]
    assert [browser.get("/who"), browser.connect().call("look")[0]["user"]] == ["ada", "ada"]


def test_logout_in_a_handler_is_the_browsers_where_the_application_keeps_its_sessions(
    own_sessions: LiveServer, open_browser: OpenBrowser
) -> None:
    browser = open_browser(own_sessions)
    browser.get("/login/ada")
    client = browser.connect()
    assert client.call("look")[0]["user"] == "ada"
    client.call("logout")
    assert [client.call("look")[0]["user"], browser.get("/who")] == [None, "None"]


def test_copied_context_works_after_the_event(shop: LiveServer, open_browser: OpenBrowser) -> None:
    browser = open_browser(shop)
    browser.get("/login/ada")
    client, other = browser.connect(), open_browser(shop, "other").connect()
    client.call("start", "late")
    client.call("look")
    other.call("look")
    (found,) = client.call("open_gate", "late")
    assert found[:-1] == [client.sid, "start", "late", "shop", None, "ada"]
    assert client.call("look")[0]["user"] == "ada"


def test_contexts_opened_in_a_handler_give_way_to_the_events_own(shop: LiveServer, open_browser: OpenBrowser) -> None:
    client = open_browser(shop).connect()
    assert [client.call("nest") for _ in range(2)] == [[True]] * 2


def test_url_for_goes_by_the_connections_own_host(shop: LiveServer, open_browser: OpenBrowser) -> None:
    client = open_browser(shop).connect()
    assert [client.call("url") for _ in range(2)] == [[["/who", f"{shop.url}/who"]]] * 2


def test_flashed_message_is_read_in_a_later_event(shop: LiveServer, open_browser: OpenBrowser) -> None:
    client = open_browser(shop).connect()
    client.call("flash", "saved")
    assert [client.call("flashed"), client.call("flashed")] == [[["saved"]], [[]]]


def test_teardown_functions_and_signals_run_once_with_what_was_raised(
    shop: LiveServer, open_browser: OpenBrowser
) -> None:
    browser = open_browser(shop)
    client = browser.connect()
    client.call("look")
    client.call("fail")
    client.disconnect()
    state = browser.wait_for_state(lambda state: len(state["torn"]) >= 4)
    assert state["torn"] == [
        ["request", "connect", None],
        ["request", "look", None],
        ["request", "fail", "LookupError"],
        ["request", "disconnect", None],
    ]
    assert ["fail", "LookupError"] in state["app"]
    assert state["signalled"].count("request_tearing_down") == 4


def test_connection_to_the_database_goes_back_to_the_pool_after_each_event(
    shop: LiveServer, open_browser: OpenBrowser
) -> None:
    """The pool has one connection, for which an event waits five seconds at most."""
    browsers = [open_browser(shop, f"client{number}") for number in range(5)]
    clients = [browser.connect() for browser in browsers]
    events = [("orders",), ("orders", "fail"), ("orders", "refuse"), ("orders_async",), ("order", "tea")]

    def use(client: JavaScriptSocket) -> list[Any]:
        return [client.call(*event)[0] for event in events * 2]

    with ThreadPoolExecutor(5) as pool:
        answers = [answer for found in pool.map(use, clients) for answer in found]
    codes = [answer["error"]["code"] for answer in answers if isinstance(answer, dict)]
    assert sorted(codes) == ["closed"] * 10 + ["internal_error"] * 10
    assert "QueuePool" not in shop.logs
    for client in clients:
        client.disconnect()
    browsers[0].wait_for_state(lambda state: state["checked_out"] == 0)
