"""For every event of the corpus: how a generated client calls it, and what it has to answer.

The same for both flavours: of asyncio's, the calls return what is awaited.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any


def make_everything(module: Any) -> Any:
    inner = module.TestsContractCorpusInner(x=4, label="l")
    page = module.PageInner(items=[inner], total=2)
    return module.Everything(
        when=datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC),
        day=datetime.date(2024, 2, 29),
        at=datetime.time(1, 2, 3),
        lasts=datetime.timedelta(days=1, seconds=3, microseconds=5),
        id=uuid.UUID(int=7),
        price=decimal.Decimal("12345678901234567890.10"),
        colour=module.Colour.class_,
        level=module.Level.HIGH,
        pair=(1, "a"),
        triple=[1, 2, 3],
        pet=module.Dog(good=False),
        tree=module.Tree(name="a", children=[module.Tree(name="b")]),
        page=page,
        pages=module.PagePageInner(items=[page]),
        lookup={"é": inner},
        by_number={-1: "minus one"},
        numbers={1, 2},
        anything={"a": [1, None, {"b": "c"}]},
        nothing=None,
        union="u",
        email_like="a@b",
        some=[1],
        literal=True,
        box=module.Box(width=2),
        options=module.Options(verbose=True),
        tags=["a", "b"],
        point=module.Point(1.5),
    )


def make_calls(module: Any, chat: Any) -> dict[str, tuple[Any, Any]]:
    """Return, by wire name, a function that calls and what comes back."""
    everything = make_everything(module)
    inner = module.TestsContractCorpusInner(x=1, label="one")
    cat, dog = module.Cat(lives=1), module.Dog()
    keywords = module.Keywords(from_="f", class_=2, with_dash="w", größe="g")
    camel = module.Camel(first_name="Ada", date_of_birth=datetime.date(1815, 12, 10))
    file = module.WithBytes(name="n", content=b"\x00\xff", parts=[b"p"])
    return {
        "1st": (lambda: chat.event_1st(), 1),
        "My Event": (lambda: chat.my_event(), "My Event"),
        "__proto__": (lambda: chat.proto(), 1),
        "both": (lambda: chat.both(module.BothInput(value_in=2)), module.BothOutput(value_out=2, doubled=4)),
        "bytes": (
            lambda: chat.bytes_(file, b"\xfe"),
            module.WithBytes(name="n", content=b"\x00\xff\xfe", parts=[b"p", b"\xfe"]),
        ),
        "camel": (lambda: chat.camel(camel), camel),
        "class": (lambda: chat.class_(1, await_=2), 3),
        "close": (lambda: chat.close_(), 1),
        "constructor": (lambda: chat.constructor(), 1),
        "emit": (lambda: chat.emit(), 1),
        "everything": (lambda: chat.everything(everything), everything),
        "größe": (lambda: chat.größe(), "größe"),
        "keywords": (lambda: chat.keywords(keywords), keywords),
        "many": (lambda: chat.many(1, "y", 1.5, 2), (1, "y", [1.5, 2.0])),
        "my event": (lambda: chat.my_event_8322(), "my event"),
        "my-event": (lambda: chat.my_event_3409(), "my-event"),
        "none": (lambda: chat.none(), None),
        "numbers": (lambda: chat.numbers(1, 2, 3), (1, 2, 3)),
        "optional": (lambda: chat.optional(), None),
        "page": (
            lambda: chat.page(module.PageInner(items=[inner], total=9)),
            module.PageTree(items=[module.Tree(name="1")], total=9),
        ),
        "pets": (lambda: chat.pets([cat, dog]), {"0": cat, "1": dog}),
        "then": (lambda: chat.then(), 1),
        "twins": (
            lambda: chat.twins(inner, module.TestsContractCorpusTwinInner(y="y")),
            module.TestsContractCorpusTwinInner(y="y"),
        ),
        "untyped": (lambda: chat.untyped({"b": b"\xff", "l": [None]}), {"b": b"\xff", "l": [None]}),
        "日本語": (lambda: chat.日本語(größe=2), "日本語"),
    }


ELSEWHERE = {"break", "count", "count_slowly", "fail", "make", "old"}
"""Events that have tests of their own."""


def events_made(module: Any) -> list[Any]:
    """What ``make("events")`` sends, in its order."""
    return [
        ("posted", module.TestsContractCorpusInner(x=1)),
        ("moved", (2, "two")),
        ("got_bytes", module.WithBytes(name="b", content=b"\x00\xff")),
        ("my-event", "dashed"),
        ("my event", "spaced"),
        ("old", "old"),
        ("raw", {"any": "thing"}),
        ("nothing", ()),
    ]
