"""Calls of the generated clients of the corpus that a type checker has to refuse, and types that it has to find.

An ignore that nothing needs is an error, so each of them is a claim.
"""

from __future__ import annotations

import datetime
from typing import Any, assert_type

from corpus_client import (
    AsyncNastyClient,
    AsyncStream,
    Auth,
    BothInput,
    BothOutput,
    Camel,
    Cat,
    Colour,
    Connection,
    Dog,
    EmptyClient,
    Everything,
    Keywords,
    Level,
    MainClient,
    NastyClient,
    Options,
    PageInner,
    PageTree,
    Point,
    RoomFull,
    Stream,
    TestsContractCorpusInner,
    TestsContractCorpusTwinInner,
    Tree,
    WithBytes,
)


def answers_have_their_types(nasty: NastyClient, main: MainClient, everything: Everything) -> None:
    assert_type(nasty.both(BothInput(value_in=1)), BothOutput)
    assert_type(nasty.many(1), tuple[int, str, list[float]])
    assert_type(nasty.numbers(1, 2), tuple[int, ...])
    assert_type(nasty.optional(), int | None)
    assert_type(nasty.page(PageInner(items=[])), PageTree)
    assert_type(nasty.pets([Cat(), Dog()]), dict[str, Cat | Dog])
    assert_type(nasty.untyped(object()), Any)
    assert_type(main.hello("you"), list[str])
    assert_type(nasty.count(3), Stream[TestsContractCorpusInner])
    for chunk in nasty.break_(1):
        assert_type(chunk, bytes)
    with nasty.count_slowly(1) as numbers:
        assert_type(next(numbers), int)
    with NastyClient.connect("url", auth=Auth(token="t"), timeout_s=1.0, transports=["websocket"]) as connected:
        assert_type(connected, NastyClient)
    assert_type(nasty.everything(everything), Everything)
    assert_type(everything.colour, Colour)
    assert_type(everything.level, Level)
    assert_type(everything.pair, tuple[int, str])
    assert_type(everything.pet, Cat | Dog)
    assert_type(everything.by_number, dict[int, str])
    assert_type(everything.numbers, set[int])
    assert_type(everything.point, Point)
    assert_type(everything.tree.children, list[Tree])
    assert_type(everything.when, datetime.datetime)
    assert_type(everything.options.limit, int | None)
    tags: list[str] = everything.tags
    tags.sort()


async def asyncio_has_the_same(nasty: AsyncNastyClient) -> None:
    assert_type(await nasty.both(BothInput(value_in=1)), BothOutput)
    assert_type(nasty.count(3), AsyncStream[TestsContractCorpusInner])
    async for chunk in nasty.break_(1):
        assert_type(chunk, bytes)
    async with AsyncNastyClient.connect("url") as connected:
        assert_type(connected, AsyncNastyClient)
    assert_type(await AsyncNastyClient.connect("url"), AsyncNastyClient)

    @nasty.answer_confirm
    async def confirm(question: TestsContractCorpusInner) -> bool:
        return question.x > 1

    @nasty.answer_confirm  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def wrong(question: TestsContractCorpusInner) -> str:
        return ""

    await nasty.many("one")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async for _ in nasty.count("ten"):  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        pass


def wrong_calls_are_refused(nasty: NastyClient, empty: EmptyClient) -> None:
    nasty.no_such_event()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    nasty.many()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    nasty.many("one")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.many(1, "x", "y")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.none(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    nasty.both(BothOutput(value_out=1, doubled=2))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.twins(TestsContractCorpusTwinInner(y=""), TestsContractCorpusTwinInner(y=""))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.count("ten")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.then(timeout_s="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.fail("x").upper()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    NastyClient.connect("url", auth={"token": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    NastyClient.connect("url", timeout="1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    NastyClient("url")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    empty.post()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def wrong_models_are_refused() -> None:
    Camel()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Camel(first_name=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Camel(first_name="Ada", date_of_birth=datetime.date(1815, 12, 10))
    Keywords(from_="f", class_=1, with_dash="d")
    Keywords(from_="f")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Cat(kind="dog")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Options(verbose=True, limit="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    WithBytes(name="n", content="text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PageInner(items=[Tree(name="t")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Point("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def callbacks_are_checked(nasty: NastyClient) -> None:
    def two(number: int, text: str) -> int:
        return number

    def one(number: int) -> None: ...

    def question(question: TestsContractCorpusInner) -> bool:
        return True

    nasty.on_moved(two)
    nasty.on_moved(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.on_posted(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.on_raw(two)
    nasty.answer_confirm(question)
    nasty.answer_confirm(two)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    nasty.answer_pick(lambda: "green")  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    nasty.answer_pick(lambda: Colour.GREEN)
    nasty.on_disconnect(lambda reason: assert_type(reason, str))


def errors_have_their_attributes(connection: Connection) -> None:
    try:
        NastyClient(connection, auth=lambda: Auth(token="t")).fail("x")
    except RoomFull as error:
        assert_type(error.code, str)
        assert_type(error.retry_after, float | None)
