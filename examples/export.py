"""Streams: a report that is sent row by row as fast as its client reads, and a clock that ticks until it is stopped.

Serve it with ``framework --app examples/export run``. ``docs/how-to/stream.md`` shows a client.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from flask import Flask
from pydantic import BaseModel, Field

from framework import EventError, Namespace, SocketIO

YEARS = range(2000, 2100)


class Report(BaseModel):
    year: int
    rows: int = Field(1000, ge=0, le=1_000_000)


class Row(BaseModel):
    number: int
    total: float


class Reports(Namespace):
    """Reports, and what time it is."""

    namespace = "/reports"

    def on_export(self, report: Report) -> Iterator[Row]:
        """Send the rows of a year."""
        if report.year not in YEARS:
            raise EventError("no_such_year", f"There are reports of {YEARS.start} to {YEARS.stop - 1}.")
        total = 0.0
        for number in range(1, report.rows + 1):
            total += number / 2
            yield Row(number=number, total=total)

    async def on_ticks(self, every_s: Annotated[float, Field(gt=0)] = 1.0) -> AsyncIterator[int]:
        """Count until the client has enough."""
        count = 0
        while True:
            await asyncio.sleep(every_s)
            count += 1
            yield count


app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Reports])
