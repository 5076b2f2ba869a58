"""Reading signatures: what handlers' tests don't reach. The forms of a handler are in test_handlers."""

import functools
import os
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import pytest
from pydantic import BaseModel

from framework.errors import HandlerSignatureError
from framework.signatures import (
    caller_locals,
    find_definition,
    locate,
    read_hints,
    read_parameters,
    read_signature,
    read_type_variables,
    render_place,
    substitute,
)

S = TypeVar("S")
T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T]


class Box(Generic[T]):
    pass


def plain(first: int, *rest: "str") -> "list[int]":
    return [first]


async def later() -> None: ...


def test_hints_are_resolved_with_strings_or_without() -> None:
    assert read_hints(plain, "plain", {}) == {"first": int, "rest": str, "return": list[int]}
    assert read_hints(functools.partial(plain, 1), "plain", {})["first"] is int
    assert read_hints(lambda first: first, "it", {}) == {}
    assert read_hints(print, "print", {}) == {}


def test_a_local_name_of_elsewhere_does_not_hide_a_name_of_the_module() -> None:
    def local(page: "Page[int]", own: "Mine") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    def of_module(page: "Page[int]") -> None: ...

    of_module.__qualname__ = "of_module"
    assert read_hints(of_module, "it", {"Page": list})["page"] == Page[int]
    assert read_hints(local, "it", {"Page": list, "Mine": int}) == {"page": list[int], "own": int, "return": type(None)}


def test_a_syntax_error_in_an_annotation_is_refused() -> None:
    def broken(first: "int)") -> None: ...  # type: ignore[syntax]  # noqa: F722

    with pytest.raises(HandlerSignatureError, match=r"^it: an annotation can't be read: "):
        read_hints(broken, "it", {})


def test_parameters_are_read_in_their_order() -> None:
    parameters = read_parameters(read_signature(plain, "plain").parameters.values(), {"first": int}, "plain")
    assert [(parameter.name, parameter.annotation, parameter.variadic) for parameter in parameters] == [
        ("first", int, False),
        ("rest", Any, True),
    ]
    assert [parameter.required for parameter in parameters] == [True, False]


def test_a_definition_is_found_below_partials_and_wrappers() -> None:
    @functools.wraps(plain)
    def wrapper(*args: Any) -> Any:
        return plain(*args)

    class Callable_:  # noqa: N801
        def __call__(self) -> None: ...

    assert find_definition(functools.partial(functools.partial(wrapper, 1), 2)) is plain
    assert find_definition(Callable_()) is Callable_.__call__


def test_a_place_is_relative_where_that_is_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate(plain).startswith(f"tests{os.sep}test_signatures.py:")
    assert render_place("/elsewhere/chat.py", 3) == "/elsewhere/chat.py:3"

    def other_drive(path: str) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", other_drive)
    assert render_place("D:/chat.py", 3) == "D:/chat.py:3"


def test_the_locals_of_the_caller_are_found() -> None:
    mine = 1
    assert caller_locals()["mine"] == mine
    assert caller_locals(__name__)["mine"] == mine
    assert caller_locals("nowhere") == {}


def test_type_variables_are_followed_through_bases() -> None:
    class One(Generic[T]): ...

    class Two(One[list[S]], Generic[S, T]): ...

    class Three(Two[int, str]): ...

    class Bare(Two): ...  # type: ignore[type-arg]

    found = read_type_variables(Three)
    assert found[Two] == {S: int, T: str}
    assert found[One] == {T: list[int]}
    assert read_type_variables(Bare)[One] == {T: list[S]}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (T, int),
        (S, S),
        (int, int),
        (list[T], list[int]),
        (dict[str, T | None], dict[str, int | None]),
        (Annotated[T, "note"], Annotated[int, "note"]),
        (Callable[[T], S], Callable[[int], S]),
        (Page[T], Page[int]),
        (Page[S], Page[S]),
        (Box[T], Box[int]),
        (Box, Box),
        (list[Box[T]], list[Box[int]]),
    ],
    ids=repr,
)
def test_type_variables_are_replaced(annotation: Any, expected: Any) -> None:
    assert substitute(annotation, {T: int}) == expected
