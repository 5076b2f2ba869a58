# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What mypy and pyright know about streams. Checked, never run.

A wrong line carries an ignore for each checker; a checker that finds it right reports the ignore.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any, assert_type

from pydantic import BaseModel

from framework import Namespace
from framework.testing import ClientFactory, ClientStream


class Row(BaseModel):
    number: int


class Exports(Namespace):
    namespace = "/exports"

    def on_rows(self, first: int) -> Iterator[Row]:
        yield Row(number=first)

    async def on_async_rows(self, first: int = 0) -> AsyncIterator[Row]:
        yield Row(number=first)

    def on_generator(self) -> Generator[str, None, None]:
        yield "text"

    async def on_async_generator(self) -> AsyncGenerator[str, None]:
        yield "text"

    def on_at_once(self) -> int:
        return 1


def a_stream_has_the_type_of_its_chunks(framework_client: ClientFactory) -> None:
    ada = framework_client(Exports)
    assert_type(ada.stream(Exports.on_rows, 1), ClientStream[Row])
    assert_type(ada.stream(Exports.on_async_rows), ClientStream[Row])
    assert_type(ada.stream(Exports.on_generator), ClientStream[str])
    assert_type(ada.stream(Exports.on_async_generator), ClientStream[str])
    assert_type(ada.stream("rows", 1), ClientStream[Any])
    with ada.stream(Exports.on_rows, first=1) as rows:
        assert_type(next(rows), Row)
        assert_type(rows.cancel(), bool)
    for row in ada.stream(Exports.on_async_rows):
        assert_type(row, Row)


def a_stream_takes_what_its_handler_takes(framework_client: ClientFactory) -> None:
    ada = framework_client(Exports)
    ada.stream(Exports.on_rows)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    ada.stream(Exports.on_rows, "1")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ada.stream(Exports.on_at_once)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
