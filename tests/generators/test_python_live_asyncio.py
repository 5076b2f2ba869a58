"""Generated clients for asyncio, against a live server: what those for threads do, and what is asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.contract import corpus
from tests.generators.python import talk
from tests.generators.python_tools import contract_of, load_module, write_module
from tests.generators.python_values import ELSEWHERE, events_made, make_calls
from tests.live import LiveServer

pytestmark = pytest.mark.wire

WAIT_S = 20.0
FAST = {"reconnect_delay_s": 0.05, "client": {"randomization_factor": 0}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def module(folder: Path) -> Any:
    """The corpus' clients, for asyncio only."""
    return load_module(write_module(contract_of(corpus.create_app()), folder, "corpus_client", flavour="asyncio"))


@pytest.fixture(scope="module")
def talking(folder: Path) -> Any:
    """The clients of ``talk.py``."""
    return load_module(write_module(contract_of(talk.create_app()), folder, "talk_client", flavour="asyncio"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LiveServer("tests.contract.corpus:create_app") as server:
        yield server.url


@pytest.fixture(scope="module")
def talk_url() -> Iterator[str]:
    with LiveServer("tests.generators.python.talk:create_app") as server:
        yield server.url


@pytest.fixture
def run(module: Any, url: str) -> Callable[[Callable[[Any], Awaitable[None]]], None]:
    """Run a function with a client of the corpus that is connected."""

    async def with_client(main: Callable[[Any], Awaitable[None]]) -> None:
        async with module.AsyncNastyClient.connect(url) as client:
            await main(client)

    return lambda main: asyncio.run(with_client(main))


@pytest.fixture
def run_talk(talking: Any, talk_url: str) -> Callable[[Callable[[Any], Awaitable[None]]], None]:
    """Run a function with a client of ``talk.py`` that is connected."""

    async def with_client(main: Callable[[Any], Awaitable[None]]) -> None:
        async with talking.AsyncTalkClient.connect(talk_url, auth=talking.Token(token="talk")) as client:
            await main(client)

    return lambda main: asyncio.run(with_client(main))


async def wait_for(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """Return when *condition* holds; it is asked again and again."""
    async with asyncio.timeout(WAIT_S):
        while not await condition():
            await asyncio.sleep(0.01)


async def get(came: asyncio.Queue[Any]) -> Any:
    async with asyncio.timeout(WAIT_S):
        return await came.get()


# -- values


def test_every_event_comes_back_as_it_was_promised(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        calls = make_calls(module, nasty)
        path = next(space for space in contract_of(corpus.create_app()).namespaces if space.path == "/nasty")
        assert {*calls, *ELSEWHERE} == {event.name for event in path.client_events}
        for wire, (call, expected) in calls.items():
            answer = await call()
            assert (wire, answer, type(answer)) == (wire, expected, type(expected))

    run(main)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_every_event_comes_back_over_each_transport(module: Any, url: str, transport: Any) -> None:
    async def main() -> None:
        async with module.AsyncNastyClient.connect(url, transports=[transport]) as client:
            for wire, (call, expected) in make_calls(module, client).items():
                assert (wire, await call()) == (wire, expected)

    asyncio.run(main())


def test_calls_go_side_by_side(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        assert await asyncio.gather(*(nasty.optional(number) for number in range(50))) == list(range(50))

    run(main)


def test_every_declared_event_arrives_in_its_type_and_in_order(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        came: asyncio.Queue[Any] = asyncio.Queue()

        def note(name: str) -> Callable[..., None]:
            return lambda *values: came.put_nowait((name, values[0] if len(values) == 1 else values))

        async def posted(value: Any) -> None:
            await asyncio.sleep(0)
            await came.put(("posted", value))

        nasty.on_posted(posted)
        nasty.on_moved(note("moved"))
        nasty.on_got_bytes(note("got_bytes"))
        nasty.on_my_event(note("my event"))
        nasty.on_my_event_3409(note("my-event"))
        nasty.on_raw(note("raw"))
        nasty.on_nothing(note("nothing"))
        with pytest.warns(DeprecationWarning, match="Use posted"):
            nasty.on_old(note("old"))
        assert await nasty.make("events") is None
        expected = events_made(module)
        assert [await get(came) for _ in expected] == expected

    run(main)


def test_value_of_another_type_is_refused_before_it_is_sent(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        with pytest.raises(ValidationError):
            await nasty.many("one")

    run(main)


# -- errors


def test_errors_have_their_classes(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        with pytest.raises(module.RoomFull) as caught:
            await nasty.fail("room_full")
        assert (caught.value.details, caught.value.retry_after) == ({"room": 1}, 2.5)
        with pytest.raises(module.EventError, match="other: As you wish"):
            await nasty.fail("other")

    run(main)


def test_call_that_is_not_answered_in_time_times_out_and_the_next_is_answered(talking: Any, run_talk: Any) -> None:
    async def main(talker: Any) -> None:
        with pytest.raises(talking.CallTimeoutError, match=r"nothing_for: no answer in 0\.1 seconds"):
            await talker.nothing_for(1.0, timeout_s=0.1)
        assert await talker.nothing_for(0) == "now"

    run_talk(main)


def test_call_that_is_cancelled_is_forgotten(talking: Any, run_talk: Any) -> None:
    async def main(talker: Any) -> None:
        waiting = asyncio.ensure_future(talker.nothing_for(0.5))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await talker.nothing_for(0) == "now"
        assert talker._waiting == set()

    run_talk(main)


# -- connecting


def test_refused_client_gets_the_code_and_its_details(talking: Any, talk_url: str) -> None:
    async def main() -> None:
        with pytest.raises(talking.ConnectRefused) as caught:
            await talking.AsyncTalkClient.connect(talk_url, auth=talking.Token(token="wrong"))
        assert (caught.value.code, caught.value.details) == ("login_required", {"token": "wrong"})

    asyncio.run(main())


def test_client_that_is_awaited_is_connected_until_it_is_closed(module: Any, url: str) -> None:
    async def main() -> None:
        client = await module.AsyncNastyClient.connect(url)
        assert await client.then() == 1
        await client.close()
        with pytest.raises(module.NotConnectedError):
            await client.then()

    asyncio.run(main())


def test_server_that_is_not_there_is_not_connected(module: Any) -> None:
    async def main() -> None:
        with pytest.raises(module.NotConnectedError, match="127.0.0.1:9"):
            await module.AsyncNastyClient.connect("http://127.0.0.1:9")

    asyncio.run(main())


def test_namespaces_share_a_connection_each_with_its_own_auth(talking: Any, talk_url: str) -> None:
    async def main() -> None:
        connection = talking.AsyncConnection(talk_url)
        talk = talking.AsyncTalkClient(connection, auth=talking.Token(token="talk"))
        listen = talking.AsyncListenClient(connection, auth=lambda: talking.Token(token="listen"))
        async with connection:
            assert (await talk.nothing_for(0), await listen.hello()) == ("now", "hello")

    asyncio.run(main())


# -- streams


def test_stream_gives_its_chunks_in_order(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        assert [chunk.x async for chunk in nasty.count(200)] == list(range(200))
        assert [chunk async for chunk in nasty.count_slowly(5)] == [0, 1, 2, 3, 4]
        assert [chunk async for chunk in nasty.count(0)] == []

    run(main)


def test_stream_that_fails_gives_its_chunks_and_then_the_error(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        came = []
        with pytest.raises(module.RoomFull):
            async for chunk in nasty.break_(20):
                came.append(chunk)
        assert came == [b"x"] * 20

    run(main)


def test_server_is_no_further_than_its_window_and_is_stopped_at_the_exit(run_talk: Any) -> None:
    async def main(talker: Any) -> None:
        before, closed = await talker.counts()
        async with talker.ticks() as ticks:
            first = await anext(ticks)
            made, _ = await talker.counts()
            assert first == before + 1
            assert made - before <= 1 + 16 + 1
            assert [await anext(ticks) for _ in range(40)] == list(range(first + 1, first + 41))

        async def is_closed() -> bool:
            return bool((await talker.counts())[1] == closed + 1)

        await wait_for(is_closed)

    run_talk(main)


def test_leaving_the_loop_stops_the_server(run_talk: Any) -> None:
    async def main(talker: Any) -> None:
        _, closed = await talker.counts()
        for number in range(40):  # more than may run at the same time
            async for _ in talker.ticks():
                break

            async def is_closed(number: int = number) -> bool:
                return bool((await talker.counts())[1] == closed + number + 1)

            await wait_for(is_closed)

    run_talk(main)


# -- calls from the server, and callbacks


def test_call_of_the_server_is_answered_by_functions_and_coroutine_functions(module: Any, run: Any) -> None:
    async def main(nasty: Any) -> None:
        @nasty.answer_confirm
        async def confirm(question: Any) -> bool:
            await asyncio.sleep(0)
            return bool(question.x == 5)

        nasty.answer_pick(lambda: module.Colour.GREEN)
        assert await nasty.make("confirm") is True
        assert await nasty.make("pick") == "green"

    run(main)


def test_answer_of_another_type_or_none_fails_at_the_server_at_once(
    module: Any, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(nasty: Any) -> None:
        with pytest.raises(module.EventError):
            await nasty.make("confirm")
        nasty.answer_confirm(lambda question: "perhaps")
        with pytest.raises(module.EventError) as caught:
            await nasty.make("confirm")
        assert caught.value.code == "internal_error"

    run(main)
    assert "the answer to confirm failed" in caplog.text


def test_events_come_to_callbacks_in_their_order_and_one_that_fails_is_logged(
    run_talk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(talker: Any) -> None:
        came: asyncio.Queue[int] = asyncio.Queue()

        async def fail(number: int) -> None:
            if number == 0:
                raise ValueError(number)

        async def put(number: int) -> None:
            await came.put((await talker.echo(b"\xff", number))[1])

        talker.on_number(fail)
        talker.on_number(put)
        removed = talker.on_number(lambda number: came.put_nowait(-1))
        talker.off(removed)
        await talker.flood(100)
        assert [await get(came) for _ in range(100)] == list(range(100))

    run_talk(main)
    assert caplog.text.count("a callback of number failed") == 1


# -- loss and return


def test_lost_connection_fails_what_waits_and_comes_back_with_its_callbacks(talking: Any) -> None:
    async def main(server: LiveServer) -> None:
        life: asyncio.Queue[str] = asyncio.Queue()
        numbers: asyncio.Queue[int] = asyncio.Queue()
        asked, free = asyncio.Event(), asyncio.Event()
        connection = talking.AsyncConnection(server.url, **FAST)
        client = talking.AsyncTalkClient(connection, auth=talking.Token(token="talk"))
        client.on_connect(lambda: life.put_nowait("there"))
        client.on_disconnect(lambda reason: life.put_nowait("gone"))
        client.on_number(numbers.put_nowait)

        @client.answer_ask
        async def answer(value: bytes) -> bytes:
            if value == b"old":
                asked.set()
                await free.wait()
            free.set()
            return value

        async with client:
            assert await get(life) == "there"
            stream = client.ticks()
            await anext(stream)
            waiting = asyncio.ensure_future(client.ask_me(b"old"))
            async with asyncio.timeout(WAIT_S):
                await asked.wait()
            await asyncio.to_thread(server.stop, 0.2)
            assert await get(life) == "gone"
            with pytest.raises(talking.NotConnectedError):
                await waiting
            with pytest.raises(talking.NotConnectedError):
                await client.nothing_for(0)
            with pytest.raises(talking.NotConnectedError):
                async for _ in stream:
                    pass
            await asyncio.to_thread(server.start)
            assert await get(life) == "there"
            assert await client.ask_me(b"new") == b"new"
            await client.flood(2)
            assert [await get(numbers) for _ in range(2)] == [0, 1]
        assert await get(life) == "gone"

    with LiveServer("tests.generators.python.talk:create_app") as server:
        asyncio.run(main(server))


def test_refusal_while_coming_back_is_told(talking: Any) -> None:
    async def main(server: LiveServer) -> None:
        refused: asyncio.Queue[Any] = asyncio.Queue()
        tokens = iter(["talk"])
        connection = talking.AsyncConnection(server.url, **FAST)
        client = talking.AsyncTalkClient(connection, auth=lambda: talking.Token(token=next(tokens, "expired")))
        client.on_connect_error(refused.put_nowait)
        async with client:
            await asyncio.to_thread(server.stop, 0.2)
            await asyncio.to_thread(server.start)
            assert (await get(refused)).code == "login_required"

    with LiveServer("tests.generators.python.talk:create_app") as server:
        asyncio.run(main(server))
