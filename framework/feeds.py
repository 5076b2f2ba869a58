"""How the stream of one handler gets to its client, and what is undone when it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from . import signals
from .acks import ERROR_KEY, error_object
from .answers import Answers, encode_error
from .arrivals import EventArrival
from .context import Context
from .errors import EventError
from .failures import Failures
from .running import Runner
from .streaming import AsyncStream, Streams, SyncStream
from .streams import END, STREAM, Chunks

logger = logging.getLogger("framework")


class Feeder:
    """Opens the streams of one application.

    Args:
        extension: The application's ``SocketIO``.
    """

    def __init__(self, extension: Any, runner: Runner, answers: Answers, failures: Failures) -> None:
        self.extension = extension
        self.answers = answers
        self.failures = failures
        self.streams = Streams()
        self._runner = runner

    def reserve(self, event: EventArrival) -> None:
        """Give the stream that answers *event* its id, before the handler does anything.

        Raises:
            EventError: The client has as many streams as it may have.
        """
        event.stream_id = self.streams.reserve(event.sid, self.extension.server.limits.max_streams)

    def release(self, event: EventArrival) -> None:
        """Take it back: there is no stream."""
        self.streams.forget(event.sid, event.stream_id)

    def open(self, event: EventArrival, chunks: Chunks, source: Any, context: Context) -> dict[str, str]:
        """Take what a streaming handler returned, and return the ack that says so.

        Its dependencies and Flask's contexts stay until it ends. It starts when the ack is sent.

        Raises:
            AckError: *source* can't be iterated over.
            EventError: Middleware answered in the handler's place, and the client has as many streams as it may have.
        """
        iterator = chunks.iterate(source)
        if not event.stream_id:
            self.reserve(event)
        server = self.extension.server
        feed = Feed(self, event, chunks, context)
        about = (feed, server.limits.stream_window, event.flow)
        if chunks.is_async:  # its end may not run on the loop, where it would wait for itself
            event.stream = AsyncStream(iterator, self._runner.stream_loop(), *about, server.submit)
        else:
            event.stream = SyncStream(iterator, *about, server.spawn_for(event.sid, event.namespace))
        if not self.streams.add(event.sid, event.stream_id, event.stream):
            event.stream.cancel(left=True)
        elif not server.manager.is_connected(event.sid, event.namespace):
            self.streams.drop(event.sid)  # it left before the id was reserved, so nobody else does
        context.keep()
        return {STREAM: event.stream_id}


class Feed:
    """Where one stream goes: its chunks to the client, its end there too, then what was made for it is undone."""

    def __init__(self, feeder: Feeder, event: EventArrival, chunks: Chunks, context: Context) -> None:
        self._feeder = feeder
        self._event = event
        self._chunks = chunks
        self._context = context
        self._acknowledge: Callable[..., object] | None = None
        self._count = 0
        self._started_s = time.perf_counter()

    def send(self, chunk: Any, acknowledge: Callable[..., object]) -> None:
        """Send one chunk.

        Raises:
            AckError: It is not what the handler declares.
        """
        event, answers = self._event, self._feeder.answers
        encoded = self._chunks.encode(event.event, event.stream_id, chunk, answers.dumps)
        self._acknowledge = acknowledge
        self._count += 1
        answers.send_part(event, encoded, acknowledge)

    def has_room(self) -> bool:
        """Say whether less than half of what may wait to be sent to the client does."""
        server = self._feeder.extension.server
        return bool(server.queued_bytes(self._event.connection.eio_sid) * 2 < server.limits.max_send_queue_bytes)

    def finish(self, error: Exception | None, *, cancelled: bool, left: bool) -> None:
        """Tell the client, unless it has left, and close what was kept open."""
        event, feeder = self._event, self._feeder
        body = self._explain(error) if error is not None else None
        feeder.streams.forget(event.sid, event.stream_id)  # a client that is told may ask for another one at once
        try:
            if self._acknowledge is not None:
                feeder.extension.server.manager.forget_callback(event.sid, self._acknowledge)
            if not left:
                part = {STREAM: event.stream_id, **(body or {END: True})}
                feeder.answers.send_part(event, encode_error(part, [event.event]))
        except Exception:
            logger.exception("the end of a stream could not be sent")
        self._undo(error)
        if signals.stream_ended.receivers:
            code = "left" if left else "cancelled" if cancelled else "ok"
            self._tell(code if body is None else body[ERROR_KEY]["code"])

    def _undo(self, error: Exception | None) -> None:
        event = self._event
        try:
            try:
                event.close_scope(error)
            finally:
                self._context.close(error, save=error is None)
        except Exception as failure:
            self._feeder.failures.mask(failure, event.place, event.known_name)

    def _explain(self, error: Exception) -> dict[str, Any]:
        """Return the error object: the handler's own word, an error handler's, or a masked one."""
        event, failures = self._event, self._feeder.failures
        left: Exception | None = error
        if not isinstance(error, EventError):
            left, _ = failures.ask_error_handlers(error, event.namespace, event.target)
        if left is None:
            left = EventError("internal_error", "The handler failed.")
        if isinstance(left, EventError):
            return error_object(left, event.known_name)
        return failures.mask(left, event.place, event.known_name)

    def _tell(self, code: str) -> None:
        event, extension = self._event, self._feeder.extension
        about = {"namespace": event.namespace, "event": event.known_name, "sid": event.sid}
        duration_s = time.perf_counter() - self._started_s
        signals.notify(
            signals.stream_ended, extension.sender, code=code, chunks=self._count, duration_s=duration_s, **about
        )
