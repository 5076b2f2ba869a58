"""`ClientStream`: what a test iterates over when a handler streams."""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from ..acks import ERROR_KEY
from ..errors import EventError
from ..streams import CHUNK

T = TypeVar("T")


@dataclass(frozen=True)
class Link:
    """What a stream needs of its client.

    Args:
        acknowledge: Sends the ack of a part.
        cancel: Asks the server to end the stream of an id; says whether it was running.
        failures: The exceptions that are masked while it runs.
        closing: Closed when it has ended.
    """

    acknowledge: Callable[[int], object]
    cancel: Callable[[str], bool]
    failures: list[Exception]
    closing: contextlib.ExitStack = field(repr=False)


class ClientStream(Iterator[T], Generic[T]):
    """The chunks of one stream, in the type that the handler declares; what `Client.stream` returns.

    A chunk is acknowledged when it is taken, so a test that does not go on holds the handler back. At the end of a
    ``with`` block what is left is cancelled.

    Args:
        event: The event's name, which its parts have, too.
        read: Turns a chunk into its type.
        timeout_s: Seconds to wait for one part.
    """

    def __init__(self, event: str, read: Callable[[Any], T], link: Link, timeout_s: float) -> None:
        self.event = event
        self.id = ""
        """What the server calls it, for this client."""
        self._read = read
        self._link = link
        self._timeout_s = timeout_s
        self._parts: collections.deque[tuple[dict[str, Any], int | None]] = collections.deque()
        self._arrived = threading.Condition()
        self._lost = False
        self._ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """Return the next chunk.

        Raises:
            EventError: The stream failed; for ``internal_error`` its ``__cause__`` is what the handler raised. Or its
                client has left (``no_end``).
            TimeoutError: No part came in time.
        """
        if self._ended:
            raise StopIteration
        part, ack_id = self._wait()
        if ack_id is not None:
            self._link.acknowledge(ack_id)
        if CHUNK in part:
            return self._read(part[CHUNK])
        self._end()
        if (failure := part.get(ERROR_KEY)) is not None:
            raise EventError(
                failure["code"], failure["message"], failure.get("details"), retry_after=failure.get("retry_after")
            ) from next(iter(self._link.failures), None)
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.cancel()
        self._end()

    def cancel(self) -> bool:
        """Have enough: the handler's generator is closed. What has come already can still be taken.

        Returns:
            Whether it was running.
        """
        return not self._ended and not self._lost and self._link.cancel(self.id)

    def take(self, part: dict[str, Any], ack_id: int | None) -> None:
        """Keep *part*, which has arrived; for the client, not for a test."""
        with self._arrived:
            self._parts.append((part, ack_id))
            self._arrived.notify_all()

    def lose(self) -> None:
        """Take note that nothing more will arrive; for the client, not for a test."""
        with self._arrived:
            self._lost = True
            self._arrived.notify_all()
        self._link.closing.close()

    def _wait(self) -> tuple[dict[str, Any], int | None]:
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._parts or self._lost, timeout=self._timeout_s):
                raise TimeoutError(f"no part of the stream {self.event!r} came in {self._timeout_s} s")
            if self._parts:
                return self._parts.popleft()
        self._end()
        raise EventError("no_end", f"The stream {self.event!r} came to no end: its client has left.")

    def _end(self) -> None:
        self._ended = True
        self._link.closing.close()
