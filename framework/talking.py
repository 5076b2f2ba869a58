"""One client of a running server, for the shell: python-socketio's own, with the answers read as this framework gives them.

Needs python-socketio's client: ``requests`` and ``websocket-client``.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import queue
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import socketio

from .acks import ERROR_KEY
from .contract import Contract, load_contract
from .errors import AnswerError, CallTimeoutError, ContractError, EventError, TalkError
from .handlers import CANCEL_STREAM
from .streams import CHUNK, STREAM
from .wire import RefusedValue, load_json

PUBLISHED_AT = "explorer/contract.json"
_LARGEST_CONTRACT = 50_000_000
_OVER_HTTP = {"ws": "http", "wss": "https"}


Received = tuple[str, tuple[Any, ...]] | None


class Conversation:
    """A connection to one namespace of a server.

    Args:
        url: Of the server; what is after the host is Socket.IO's own path, ``/socket.io`` by default.
        namespace: Its path.
        auth: Sent at connect; None sends nothing.
        timeout_s: Seconds for the connect, for each answer and for each part of a stream.

    Raises:
        TalkError: The server can't be reached, or *url* is none.
        EventError: It refused the client.
    """

    def __init__(self, url: str, namespace: str, *, auth: Any = None, timeout_s: float = 5.0) -> None:
        self.namespace = namespace
        self.timeout_s = timeout_s
        self._events: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._acks: queue.SimpleQueue[tuple[int, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._asked = 0
        self._refused: Any = None
        self._client = socketio.Client(reconnection=False, handle_sigint=False, request_timeout=timeout_s)
        self._client.on("*", self._take, namespace=namespace)
        self._client.on("connect_error", self._note_refusal, namespace=namespace)
        self._client.on("disconnect", self._note_end, namespace=namespace)
        self._connect(url, auth)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the server."""
        self._client.disconnect()

    def call(self, event: str, args: Sequence[Any]) -> list[Any]:
        """Send an event and return the arguments of its ack.

        Raises:
            EventError: It was answered with an error.
            CallTimeoutError: It was not answered in time.
            TalkError: The server ended the connection.
        """
        self._asked += 1
        asked = self._asked
        self._send(event, args, callback=lambda *ack: self._acks.put((asked, ack)))
        ack = self._wait_for_ack(asked, event)
        if len(ack) == 1 and (failure := read_error(ack[0])) is not None:
            raise failure
        return ack

    def stream(self, event: str, args: Sequence[Any]) -> Iterator[Any]:
        """Send an event that is answered by a stream, and yield its chunks as they come.

        Raises:
            EventError: It was answered with an error, or failed later.
            AnswerError: It was answered at once.
            CallTimeoutError: A part did not come in time.
            TalkError: The server ended the connection.
        """
        ack = self.call(event, args)
        started = ack[0].get(STREAM) if len(ack) == 1 and isinstance(ack[0], dict) else None
        if started is None:
            raise AnswerError(f"{event!r} was answered at once; it is no stream.")
        ended = False
        try:
            for name, values in self.listen(timeout_s=self.timeout_s):
                part = values[0] if name == event and values and isinstance(values[0], dict) else {}
                if part.get(STREAM) != started:
                    continue
                if CHUNK in part:
                    yield part[CHUNK]
                    continue
                ended = True
                if (failure := read_error({ERROR_KEY: part.get(ERROR_KEY)})) is not None:
                    raise failure
                return
            raise CallTimeoutError(f"the stream of {event!r} sent nothing for {self.timeout_s:g} s.")
        finally:
            if not ended and self._client.connected:
                self._send(CANCEL_STREAM, [started])

    def emit(self, event: str, args: Sequence[Any], wait_s: float) -> None:
        """Send an event without asking for an ack, and wait for an ``error`` event that may come back.

        Raises:
            EventError: One came in *wait_s* seconds.
            TalkError: The server ended the connection.
        """
        self._send(event, args)
        for name, values in self.listen(until_s=time.monotonic() + wait_s):
            if name == ERROR_KEY and values and (failure := read_error(values[0])) is not None:
                raise failure

    def listen(
        self, *, timeout_s: float | None = None, until_s: float | None = None
    ) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield events as they come: their names and their arguments.

        Args:
            timeout_s: Seconds without an event after which it ends.
            until_s: When it ends, by the monotonic clock.

        Raises:
            TalkError: The server ended the connection.
        """
        while True:
            wait_s = timeout_s if until_s is None else until_s - time.monotonic()
            if wait_s is not None and wait_s <= 0:
                return
            try:
                found = self._events.get(timeout=wait_s)
            except queue.Empty:
                return
            if found is None:
                raise self._ended()
            yield found

    def _connect(self, url: str, auth: Any) -> None:
        base, path = _split(url)
        try:
            self._client.connect(
                base,
                namespaces=[self.namespace],
                auth=auth,
                socketio_path=path,
                wait_timeout=max(1, round(self.timeout_s)),
            )
        except socketio.exceptions.ConnectionError as error:
            self._client.shutdown()
            if isinstance(self._refused, dict):
                raise _read_refusal(self._refused) from error
            raise TalkError(f"no Socket.IO server answers at {base} with the path /{path}/.") from error

    def _send(self, event: str, args: Sequence[Any], **options: Any) -> None:
        try:
            self._client.emit(event, tuple(args), namespace=self.namespace, **options)
        except socketio.exceptions.SocketIOError as error:
            raise self._ended() from error

    def _wait_for_ack(self, asked: int, event: str) -> list[Any]:
        deadline_s = time.monotonic() + self.timeout_s
        while True:
            try:
                found = self._acks.get(timeout=max(0, deadline_s - time.monotonic()))
            except queue.Empty:
                raise CallTimeoutError(f"no answer to {event!r} in {self.timeout_s:g} s.") from None
            if found is None:
                raise self._ended()
            number, ack = found
            if number == asked:  # the others came too late
                return list(ack)

    def _ended(self) -> TalkError:
        return TalkError(f"the server ended the connection to {self.namespace}.")

    def _take(self, event: str, *args: Any) -> None:
        self._events.put((event, args))

    def _note_refusal(self, data: Any = None) -> None:
        self._refused = data  # a text where the server was not reached

    def _note_end(self, *reason: Any) -> None:
        self._events.put(None)
        self._acks.put(None)


def _complete(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def _split(url: str) -> tuple[str, str]:
    """Return the server's address and Socket.IO's path there.

    Raises:
        TalkError: *url* is none.
    """
    try:
        parts = urllib.parse.urlsplit(_complete(url))
        if parts.port == 0 or not parts.hostname:
            raise ValueError("it names no server")
    except ValueError as error:
        raise TalkError(f"{url!r} is no URL of a server: {error}.") from error
    return urllib.parse.urlunsplit(parts._replace(path="", fragment="")), parts.path.strip("/") or "socket.io"


def read_error(value: Any) -> EventError | None:
    """Return the failure that an ack's argument tells, or None; the id of the server's log is in its message."""
    inner = value.get(ERROR_KEY) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(inner, dict) or "code" not in inner:
        return None
    message = str(inner.get("message") or "") + (f" (id {inner['id']})" if "id" in inner else "")
    return EventError(str(inner["code"]), message, inner.get("details"), retry_after=inner.get("retry_after"))


def _read_refusal(payload: dict[str, Any]) -> EventError:
    told = payload.get("data")
    data = told if isinstance(told, dict) else {}
    return EventError(str(data.get("code", "refused")), str(payload.get("message", "")), data.get("details"))


def find_contract(url: str, source: str | None, timeout_s: float) -> Contract | None:
    """Return the contract to check against; None where none is named and the server publishes none.

    Args:
        source: A file or a URL. None looks where the explorer plugin publishes it.

    Raises:
        ContractError: *source* can't be read, or is no contract.
    """
    if source is None:
        with contextlib.suppress(ContractError):
            return _fetch_contract(_publishing_place(url), timeout_s)
        return None
    if "://" in source:
        return _fetch_contract(source, timeout_s)
    try:
        return load_contract(Path(source).read_bytes(), source)
    except OSError as error:
        raise ContractError(f"{source} can't be read: {error.strerror}.") from error


def _publishing_place(url: str) -> str:
    scheme, _, rest = _complete(url).partition("://")
    return f"{_OVER_HTTP.get(scheme, scheme)}://{rest.partition('/')[0]}/{PUBLISHED_AT}"


def _fetch_contract(place: str, timeout_s: float) -> Contract:
    try:
        with urllib.request.urlopen(place, timeout=timeout_s) as answer:  # noqa: S310 - a person named it
            text = answer.read(_LARGEST_CONTRACT)
    except urllib.error.HTTPError as error:
        with error:
            raise ContractError(f"{place} can't be read: {error.code} {error.reason}.") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ContractError(f"{place} can't be read: {error}.") from error
    return load_contract(text, place)


def read_argument(text: str) -> Any:
    """Return what an argument on the command line stands for: JSON, ``@file`` as bytes, anything else as text.

    Raises:
        TalkError: The file can't be read; it starts like JSON and is none; it looks like an option.
    """
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_bytes()
        except OSError as error:
            raise TalkError(
                f"{text[1:]} can't be read: {error.strerror}. A text that starts with @ goes in quotes: '\"@...\"'."
            ) from error
    try:
        return load_json(text)
    except RefusedValue as error:
        raise TalkError(f"{text[:100]!r} can't be sent: {error}.") from error
    except json.JSONDecodeError as error:
        if text.startswith(("{", "[", '"')):
            raise TalkError(f"{text[:100]!r} starts like JSON and is none: {error}.") from None
        if text.startswith("--"):
            raise TalkError(
                f"there is no option {text}. A text that starts with -- goes in quotes: '\"--...\"'."
            ) from None
        return text


def render_value(value: Any) -> str:
    """Return *value* as one line of JSON; bytes as ``{"base64": "..."}``."""
    return json.dumps(value, ensure_ascii=False, default=_render_bytes)


def _render_bytes(value: Any) -> dict[str, str]:
    if isinstance(value, bytes | bytearray):
        return {"base64": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} is no JSON")
