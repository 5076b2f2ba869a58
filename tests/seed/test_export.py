"""Streams: ``examples/export.py`` tested in-process, and served to the JavaScript client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from examples import export
from examples.export import Report, Reports, Row
from framework import EventError
from framework.testing import ClientFactory
from tests.live import LiveServer
from tests.node_client import JavaScript

pytestmark = pytest.mark.seed


@pytest.fixture
def app() -> Flask:
    return export.app


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer("examples/export") as live:
        yield live


def test_the_rows_come_in_order_and_in_their_type(framework_client: ClientFactory) -> None:
    rows = list(framework_client(Reports).stream(Reports.on_export, Report(year=2026, rows=50)))
    assert rows[:2] == [Row(number=1, total=0.5), Row(number=2, total=1.5)]
    assert len(rows) == 50


def test_a_year_without_a_report_ends_the_stream_with_the_error(framework_client: ClientFactory) -> None:
    stream = framework_client(Reports).stream(Reports.on_export, Report(year=1999))
    with pytest.raises(EventError, match="There are reports of 2000 to 2099") as failed:
        next(stream)
    assert failed.value.code == "no_such_year"


def test_the_clock_ticks_until_it_is_stopped(framework_client: ClientFactory) -> None:
    with framework_client(Reports).stream(Reports.on_ticks, 0.001) as ticks:
        assert [next(ticks) for _ in range(3)] == [1, 2, 3]


def test_a_client_that_acknowledges_gets_all_and_one_that_does_not_gets_the_window(
    server: LiveServer, js: JavaScript, transports: list[str]
) -> None:
    ada, bob = (js.connect(server.url, "/reports", transports=transports) for _ in range(2))
    ada.answer("export")
    assert ada.call("export", {"year": 2026, "rows": 30}) == [{"stream": "1"}]
    assert bob.call("export", {"year": 2026, "rows": 30}) == [{"stream": "1"}]
    assert ada.wait_for("export", 31)[-1] == [{"stream": "1", "end": True}]
    assert len(bob.wait_for("export", 16)) == 16
    assert bob.call("cancel_stream", "1") == [True]
    assert bob.wait_for("export", 17)[-1] == [{"stream": "1", "end": True}]


def test_the_clock_is_stopped_by_its_client(server: LiveServer, js: JavaScript, transports: list[str]) -> None:
    ada = js.connect(server.url, "/reports", transports=transports)
    ada.answer("ticks")
    [started] = ada.call("ticks", 0.001)
    assert [part["chunk"] for [part] in ada.wait_for("ticks", 20)[:20]] == list(range(1, 21))
    assert ada.call("cancel_stream", started["stream"]) == [True]
    assert ada.call("cancel_stream", started["stream"]) == [False]
