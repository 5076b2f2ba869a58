"""Generated clients for threads, against a live server: values both ways, streams, errors, calls, loss and return."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from framework.contract import load_contract
from tests.contract import corpus
from tests.generators.python import talk
from tests.generators.python_tools import contract_of, load_module, wait_for, write_module
from tests.generators.python_values import ELSEWHERE, events_made, make_calls
from tests.live import ROOT, LiveServer
from tests.test_docs import read_blocks

pytestmark = pytest.mark.wire

WAIT_S = 20.0
FAST = {"reconnect_delay_s": 0.05, "client": {"randomization_factor": 0}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def module(folder: Path) -> Any:
    """The corpus' clients, for threads only."""
    return load_module(write_module(contract_of(corpus.create_app()), folder, "corpus_client", flavour="sync"))


@pytest.fixture(scope="module")
def talking(folder: Path) -> Any:
    """The clients of ``talk.py``."""
    return load_module(write_module(contract_of(talk.create_app()), folder, "talk_client", flavour="sync"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LiveServer("tests.contract.corpus:create_app") as server:
        yield server.url


@pytest.fixture(scope="module")
def talk_url() -> Iterator[str]:
    with LiveServer("tests.generators.python.talk:create_app") as server:
        yield server.url


@pytest.fixture
def nasty(module: Any, url: str) -> Iterator[Any]:
    with module.NastyClient.connect(url) as client:
        yield client


@pytest.fixture
def talker(talking: Any, talk_url: str) -> Iterator[Any]:
    with talking.TalkClient.connect(talk_url, auth=talking.Token(token="talk")) as client:
        yield client


# -- values


def test_every_event_comes_back_as_it_was_promised(module: Any, nasty: Any) -> None:
    calls = make_calls(module, nasty)
    path = next(space for space in contract_of(corpus.create_app()).namespaces if space.path == "/nasty")
    assert {*calls, *ELSEWHERE} == {event.name for event in path.client_events}
    for wire, (call, expected) in calls.items():
        answer = call()
        assert (wire, answer, type(answer)) == (wire, expected, type(expected))


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_every_event_comes_back_over_each_transport(module: Any, url: str, transport: Any) -> None:
    with module.NastyClient.connect(url, transports=[transport]) as client:
        for wire, (call, expected) in make_calls(module, client).items():
            assert (wire, call()) == (wire, expected)


def test_deprecated_event_warns_and_works(nasty: Any) -> None:
    with pytest.warns(DeprecationWarning, match="Use none"):
        assert nasty.old() == 1


def test_every_declared_event_arrives_in_its_type_and_in_order(module: Any, nasty: Any) -> None:
    came: queue.Queue[Any] = queue.Queue()

    def note(name: str) -> Callable[..., None]:
        return lambda *values: came.put((name, values[0] if len(values) == 1 else values))

    nasty.on_posted(note("posted"))
    nasty.on_moved(note("moved"))
    nasty.on_got_bytes(note("got_bytes"))
    nasty.on_my_event(note("my event"))
    nasty.on_my_event_3409(note("my-event"))
    nasty.on_raw(note("raw"))
    nasty.on_nothing(note("nothing"))
    with pytest.warns(DeprecationWarning, match="Use posted"):
        nasty.on_old(note("old"))
    assert nasty.make("events") is None
    expected = events_made(module)
    assert [came.get(timeout=WAIT_S) for _ in expected] == expected


def test_default_that_only_the_server_knows_is_left_to_it(talking: Any, talker: Any) -> None:
    answer = talker.defaults(talking.DefaultsInput(wrong=3))
    assert answer.tags == ["made", "here", "here"]
    assert answer.maybe == [1]
    assert answer.size.width == 7 + 9
    answer = talker.defaults(talking.DefaultsInput(wrong=3, tags=[], maybe=None), talking.Size(width=1), ["x"])
    assert (answer.tags, answer.maybe, answer.size.width) == (["x"], None, 8)
    assert (answer.mood, answer.datetime_, answer.copy_) == (
        talking.Mood.BAD,
        "shadows a module",
        "shadows a method",
    )


def test_field_that_need_not_be_there_is_sent_when_it_is_given(talking: Any, talker: Any) -> None:
    assert talker.secrets(talking.Secrets(name="a")) == ["name"]
    assert talker.secrets(talking.Secrets(name="a", nick=None)) == ["name", "nick"]


def test_value_of_another_type_is_refused_before_it_is_sent(module: Any, nasty: Any) -> None:
    with pytest.raises(ValidationError):
        nasty.many("one")
    with pytest.raises(ValidationError):
        nasty.numbers(1, "two")
    with pytest.raises(ValidationError):
        nasty.page({"items": 1})
    with pytest.raises(ValueError, match="not finite"):
        nasty.untyped(float("nan"))
    with pytest.raises(ValidationError):
        nasty.many(1, "x", float("inf"))


def test_argument_behind_one_that_is_left_out_is_refused(talking: Any, talker: Any) -> None:
    with pytest.raises(TypeError, match="left out"):
        talker.defaults(talking.DefaultsInput(wrong=3), tags=["x"])


# -- errors


def test_declared_error_has_a_class_of_its_own_with_all_that_the_server_says(module: Any, nasty: Any) -> None:
    with pytest.raises(module.RoomFull) as caught:
        nasty.fail("room_full")
    error = caught.value
    assert isinstance(error, module.EventError)
    assert (error.code, error.event, error.details, error.retry_after) == ("room_full", "fail", {"room": 1}, 2.5)
    assert str(error) == "room_full: No seat is left. */"


def test_other_error_is_told_by_its_code(module: Any, nasty: Any) -> None:
    with pytest.raises(module.EventError) as caught:
        nasty.fail("something_else")
    assert (caught.value.code, caught.value.message, caught.value.id) == ("something_else", "As you wish.", None)


def test_answer_that_is_not_what_was_promised_is_an_invalid_answer(folder: Path, url: str) -> None:
    contract = contract_of(corpus.create_app()).to_json().replace('"name": "hello"', '"name": "none"')
    changed = contract.replace('"path": "/",', '"path": "/nasty",', 1).replace('"path": "/nasty",\n      "name": "Nasty"', '"path": "/x",\n      "name": "Nasty"')  # fmt: skip
    other = load_module(write_module(load_contract(changed), folder, "other_client"))
    with other.MainClient.connect(url) as client, pytest.raises(other.InvalidAnswerError, match="none"):
        client._call(other._Event("none", other._Shape(), other._Shape(list[str])), None)


def test_call_that_is_not_answered_in_time_times_out_and_the_next_is_answered(talking: Any, talker: Any) -> None:
    with pytest.raises(talking.CallTimeoutError, match=r"nothing_for: no answer in 0\.1 seconds"):
        talker.nothing_for(1.0, timeout_s=0.1)
    assert talker.nothing_for(0) == "now"


def test_limit_of_all_calls_is_given_when_connecting(talking: Any, talk_url: str) -> None:
    with talking.TalkClient.connect(talk_url, auth=talking.Token(token="talk"), timeout_s=0.1) as client:
        with pytest.raises(talking.CallTimeoutError):
            client.nothing_for(1.0)
        assert client.nothing_for(0.2, timeout_s=WAIT_S) == "now"


# -- connecting


def test_refused_client_gets_the_code_and_its_details(module: Any, talking: Any, url: str, talk_url: str) -> None:
    with pytest.raises(module.ConnectRefused) as caught:
        module.NastyClient.connect(url, auth=module.Auth(token="bad"))
    assert (caught.value.code, caught.value.message) == ("unauthorized", "The token is bad.")
    with pytest.raises(talking.ConnectRefused) as caught:
        talking.TalkClient.connect(talk_url, auth=talking.Token(token="wrong"))
    assert (caught.value.code, caught.value.details, caught.value.retry_after) == (
        "login_required",
        {"token": "wrong"},
        1.5,
    )


def test_auth_of_another_type_is_refused_before_connecting(talking: Any) -> None:
    with pytest.raises(ValidationError):
        talking.TalkClient(talking.Connection("http://127.0.0.1:9"), auth=None)


def test_auth_may_be_a_function_that_is_asked_each_time(talking: Any, talk_url: str) -> None:
    tokens = iter(["talk", "wrong"])
    client = talking.TalkClient(talking.Connection(talk_url), auth=lambda: talking.Token(token=next(tokens)))
    with client:
        assert client.nothing_for(0) == "now"
    with pytest.raises(talking.ConnectRefused):
        client.connection.open()


def test_server_that_is_not_there_is_not_connected(module: Any) -> None:
    with pytest.raises(module.NotConnectedError, match="127.0.0.1:9"):
        module.NastyClient.connect("http://127.0.0.1:9")


def test_client_that_is_not_open_says_so_and_can_be_opened_again(module: Any, url: str) -> None:
    client = module.NastyClient(module.Connection(url))
    with pytest.raises(module.NotConnectedError, match="not connected to /nasty"):
        client.then()
    for _ in range(2):
        with client:
            assert client.then() == 1
            assert client.connected
        assert not client.connected
    with pytest.raises(module.NotConnectedError):
        client.then()


def test_namespaces_share_a_connection_each_with_its_own_auth(talking: Any, talk_url: str) -> None:
    connection = talking.Connection(talk_url)
    talk = talking.TalkClient(connection, auth=talking.Token(token="talk"))
    listen = talking.ListenClient(connection, auth=talking.Token(token="listen"))
    with connection:
        assert (talk.nothing_for(0), listen.hello()) == ("now", "hello")
        with pytest.raises(talking.ClientError, match="is open"):
            talking.ListenClient(connection, auth=talking.Token(token="listen"))
    assert not talk.connected
    assert not listen.connected


def test_one_refused_namespace_refuses_the_connection(talking: Any, talk_url: str) -> None:
    connection = talking.Connection(talk_url)
    talk = talking.TalkClient(connection, auth=talking.Token(token="talk"))
    talking.ListenClient(connection, auth=talking.Token(token="wrong"))
    with pytest.raises(talking.ConnectRefused, match="Not with this token"):
        connection.open()
    assert not talk.connected


def test_connection_takes_one_client_of_a_namespace_and_needs_one(module: Any) -> None:
    connection = module.Connection("http://127.0.0.1:9")
    with pytest.raises(module.ClientError, match="no client"):
        connection.open()
    module.EmptyClient(connection)
    with pytest.raises(module.ClientError, match="has a client of /empty"):
        module.EmptyClient(connection)


# -- streams


def test_stream_gives_its_chunks_in_order(module: Any, nasty: Any) -> None:
    assert [chunk.x for chunk in nasty.count(200)] == list(range(200))
    assert list(nasty.count_slowly(5)) == [0, 1, 2, 3, 4]
    assert list(nasty.count(0)) == []


def test_two_streams_of_one_event_go_side_by_side(nasty: Any) -> None:
    pairs = zip(nasty.count(50), nasty.count(50), strict=True)
    assert all(first == second for first, second in pairs)


def test_stream_that_fails_gives_its_chunks_and_then_the_error(module: Any, nasty: Any) -> None:
    came = []
    with pytest.raises(module.RoomFull):
        for chunk in nasty.break_(20):
            came.append(chunk)
    assert came == [b"x"] * 20


def test_stream_that_can_not_start_raises_when_it_is_iterated_or_entered(module: Any, nasty: Any) -> None:
    with pytest.raises(ValidationError):
        next(nasty.count("many"))
    stream = module.Stream(nasty, module._Event("count", module._Shape(str), module._Shape(int)), None, "many")
    with pytest.raises(module.EventError) as caught:
        stream.__enter__()
    assert caught.value.code == "invalid_payload"


def test_server_is_no_further_than_its_window_and_is_stopped_at_the_exit(talker: Any) -> None:
    before, closed = talker.counts()
    with talker.ticks() as ticks:
        first = next(ticks)
        made, _ = talker.counts()
        assert first == before + 1
        assert made - before <= 1 + 16 + 1
        assert [next(ticks) for _ in range(40)] == list(range(first + 1, first + 41))
    wait_for(lambda: talker.counts()[1] == closed + 1)


def test_leaving_the_loop_stops_the_server(talker: Any) -> None:
    _, closed = talker.counts()
    for number in range(40):  # more than may run at the same time
        for _ in talker.ticks():
            break
        wait_for(lambda number=number: talker.counts()[1] == closed + number + 1)


def test_stream_that_is_not_iterated_holds_nothing_up(talker: Any) -> None:
    with talker.ticks():
        assert talker.nothing_for(0) == "now"


# -- calls from the server


def test_call_of_the_server_is_answered(module: Any, nasty: Any) -> None:
    asked: list[Any] = []

    @nasty.answer_confirm
    def confirm(question: Any) -> bool:
        asked.append(question)
        return question.x == 5

    nasty.answer_pick(lambda: module.Colour.GREEN)
    assert nasty.make("confirm") is True
    assert nasty.make("pick") == "green"
    assert asked == [module.TestsContractCorpusInner(x=5)]


def test_answer_may_hold_bytes(talker: Any) -> None:
    talker.answer_ask(lambda value: value + b"\xff")
    assert talker.ask_me(b"\x00") == b"\x00\xff"


def test_slow_answer_holds_up_no_event(talking: Any, talker: Any, talk_url: str) -> None:
    came: queue.Queue[int] = queue.Queue()
    with talking.TalkClient.connect(talk_url, auth=talking.Token(token="talk")) as other:

        @talker.answer_ask
        def answer(value: bytes) -> bytes:
            other.shout(7)
            return bytes([came.get(timeout=WAIT_S)])

        talker.on_number(came.put)
        assert talker.ask_me(b"") == b"\x07"


def test_answer_of_another_type_or_none_fails_at_the_server_at_once(
    module: Any, nasty: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for answer in (lambda question: "perhaps", lambda question: 1 / 0):
        nasty.answer_confirm(answer)
        with pytest.raises(module.EventError) as caught:
            nasty.make("confirm")
        assert caught.value.code == "internal_error"
        nasty.off(answer)
    assert caplog.text.count("the answer to confirm failed") == 2
    with pytest.raises(module.EventError):
        nasty.make("confirm")


# -- callbacks and threads


def test_events_come_to_callbacks_in_their_order(talker: Any) -> None:
    came: queue.Queue[int] = queue.Queue()
    talker.on_number(came.put)
    talker.flood(500)
    assert [came.get(timeout=WAIT_S) for _ in range(500)] == list(range(500))


def test_callback_may_call_and_its_failure_is_logged(talker: Any, caplog: pytest.LogCaptureFixture) -> None:
    came: queue.Queue[Any] = queue.Queue()
    talker.on_number(lambda number: 1 / 0)
    talker.on_number(lambda number: came.put(talker.echo(b"\xff", number)))
    talker.flood(1)
    assert came.get(timeout=WAIT_S) == (b"\xff", 0)
    assert "a callback of number failed" in caplog.text


def test_callback_that_is_taken_away_is_not_called(talker: Any) -> None:
    came: queue.Queue[Any] = queue.Queue()
    removed = talker.on_number(lambda number: came.put("removed"))
    talker.on_number(came.put)
    talker.off(removed)
    talker.flood(1)
    assert came.get(timeout=WAIT_S) == 0
    assert came.empty()


def test_threads_may_send_bytes_at_the_same_time(talker: Any) -> None:
    def send(number: int) -> bool:
        return bool(talker.echo(bytes([number]) * 1000, number) == (bytes([number]) * 1000, number))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(send, range(200)))


# -- loss and return


def test_lost_connection_fails_what_waits_and_comes_back_with_its_callbacks(talking: Any) -> None:
    life: queue.Queue[Any] = queue.Queue()
    failed: queue.Queue[Any] = queue.Queue()
    numbers: queue.Queue[int] = queue.Queue()
    with LiveServer("tests.generators.python.talk:create_app") as server:
        connection = talking.Connection(server.url, **FAST)
        client = talking.TalkClient(connection, auth=talking.Token(token="talk"))
        client.on_connect(lambda: life.put("there"))
        client.on_disconnect(lambda reason: life.put("gone"))
        client.on_number(numbers.put)
        with client:
            assert life.get(timeout=WAIT_S) == "there"
            stream = client.ticks()
            next(stream)
            threading.Thread(target=lambda: failed.put(_caught(lambda: client.nothing_for(60)))).start()
            server.stop(timeout_s=0.2)
            assert life.get(timeout=WAIT_S) == "gone"
            assert isinstance(failed.get(timeout=WAIT_S), talking.NotConnectedError)
            with pytest.raises(talking.NotConnectedError):
                client.nothing_for(0)
            with pytest.raises(talking.NotConnectedError):
                list(stream)
            server.start()
            assert life.get(timeout=WAIT_S) == "there"
            client.flood(2)
            assert [numbers.get(timeout=WAIT_S) for _ in range(2)] == [0, 1]
            assert next(client.ticks()) == 1
    assert life.get(timeout=WAIT_S) == "gone"


def test_answer_to_a_connection_that_is_gone_is_not_sent_to_the_next(talking: Any) -> None:
    life: queue.Queue[str] = queue.Queue()
    asked, free = threading.Event(), threading.Event()
    with LiveServer("tests.generators.python.talk:create_app") as server:
        client = talking.TalkClient(talking.Connection(server.url, **FAST), auth=talking.Token(token="talk"))
        client.on_connect(lambda: life.put("there"))

        @client.answer_ask
        def answer(value: bytes) -> bytes:
            if value == b"old":
                asked.set()
                free.wait(WAIT_S)
            else:
                free.set()
            return value

        with client:
            assert life.get(timeout=WAIT_S) == "there"
            waiting = threading.Thread(target=lambda: _caught(lambda: client.ask_me(b"old")))
            waiting.start()
            assert asked.wait(WAIT_S)
            server.stop(timeout_s=0.2)
            waiting.join(WAIT_S)
            server.start()
            assert life.get(timeout=WAIT_S) == "there"
            assert client.ask_me(b"new") == b"new"


def test_refusal_while_coming_back_is_told(talking: Any) -> None:
    refused: queue.Queue[Any] = queue.Queue()
    tokens = iter(["talk"])
    with LiveServer("tests.generators.python.talk:create_app") as server:
        connection = talking.Connection(server.url, **FAST)
        client = talking.TalkClient(connection, auth=lambda: talking.Token(token=next(tokens, "expired")))
        client.on_connect_error(refused.put)
        with client:
            server.stop(timeout_s=0.2)
            server.start()
            error = refused.get(timeout=WAIT_S)
            assert (error.code, error.details) == ("login_required", {"token": "expired"})


def test_connection_that_is_not_to_come_back_ends(talking: Any) -> None:
    with LiveServer("tests.generators.python.talk:create_app") as server:
        token = talking.Token(token="talk")
        with talking.TalkClient.connect(server.url, auth=token, reconnect=False) as client:
            server.stop(timeout_s=0.2)
            client.connection.wait()
            assert not client.connected


# -- the documentation


@pytest.mark.docs
def test_clients_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    blocks = read_blocks(ROOT / "docs" / "how-to" / "python-client.md")
    for block in blocks:
        if block.title:
            (tmp_path / block.title).write_text(block.text, "utf-8")
    printed = next(block.text for block in blocks if block.text.startswith("$ python client.py")).partition("\n")[2]
    app = load_module(tmp_path / "chat.py").app
    write_module(contract_of(app), tmp_path, "chat_client")
    with LiveServer("chat", cwd=tmp_path) as server:
        for script, expected in (("client.py", printed), ("async_client.py", "1\n2\nmessage 1\n")):
            command = [sys.executable, "-W", "error", script, server.url]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert (done.stdout, done.stderr) == (expected, "")


def _caught(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except Exception as error:
        return error
    return None
