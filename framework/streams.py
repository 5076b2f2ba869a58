"""What a generator handler sends: chunks in their own type, and the parts of a stream on the wire.

A part is an event of the same name as the one that asked for the stream, with one object: ``{"stream": id, "chunk": ...}``
for each chunk, then ``{"stream": id, "end": true}`` or ``{"stream": id, "error": {...}}``.
"""

from __future__ import annotations

import inspect
from collections import abc
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from .acks import Encoded, Output, UnusableAck, encode_values
from .errors import AckError
from .wire import dump_json


class Started(TypedDict):
    """The ack of an event that is answered by a stream: the id that is in each of its parts."""

    stream: str


_ALWAYS = (abc.Iterator, abc.Generator, abc.AsyncIterator, abc.AsyncGenerator)
_BY_GENERATORS = (*_ALWAYS, abc.Iterable, abc.AsyncIterable)
_ASYNC = (abc.AsyncIterator, abc.AsyncGenerator, abc.AsyncIterable)
_WHOLE = (str, bytes, bytearray, abc.Mapping)  # which could be iterated over, and are not meant to be
STREAM, CHUNK, END = "stream", "chunk", "end"


class Chunks:
    """The chunks of one streaming handler.

    Args:
        annotation: Their type; ``inspect.Signature.empty`` where the handler says nothing.
        is_async: The handler makes them asynchronously.
        names: What string annotations inside the type may refer to, beside their own modules.

    Raises:
        UnusableAck: pydantic can't serialise them.
    """

    def __init__(self, annotation: Any, is_async: bool, names: Mapping[str, Any] | None = None) -> None:
        self.annotation = annotation
        self.is_async = is_async
        self.typed = annotation not in (inspect.Signature.empty, Any, object)
        self._output = Output(tuple[annotation], names) if self.typed else None

    @property
    def schema(self) -> Any:
        """pydantic's core schema of a tuple with one chunk; None where the handler says nothing."""
        return self._output.schema if self._output is not None else None

    def iterate(self, source: Any) -> Any:
        """Return what the handler returned, or middleware in its place, as an iterator.

        Raises:
            AckError: It is none.
        """
        if self.is_async and isinstance(source, abc.AsyncIterable):
            return aiter(source)
        if not self.is_async and isinstance(source, abc.Iterable) and not isinstance(source, _WHOLE):
            return iter(source)
        wanted = "an async iterator" if self.is_async else "an iterator"
        raise AckError(f"a value of type {type(source).__name__} came where {wanted} is to be streamed")

    def encode(self, event: str, stream_id: str, chunk: Any, dumps: Callable[[Any], str] = dump_json) -> Encoded:
        """Write the part that carries *chunk*.

        Args:
            dumps: Writes JSON where there is no annotation; the application may have its own.

        Raises:
            AckError: It is not of the declared type, or is no JSON.
        """
        try:
            text, attachments = self._output.encode((chunk,)) if self._output else encode_values([chunk], dumps)
        except (RecursionError, TypeError, ValueError) as error:  # pydantic's own are ValueErrors
            kind = type(chunk).__name__
            raise AckError(f"yielded a value of type {kind} that can't be sent as declared: {error}") from error
        head = dump_json([event, {STREAM: stream_id}])[:-2]  # without the two that close it
        return Encoded(f'{head},"{CHUNK}":{text[1:-1]}}}]', attachments)


def read_chunks(function: Callable[..., Any], annotation: Any, names: Mapping[str, Any] | None = None) -> Chunks | None:
    """Return what a handler streams; None where it answers at once.

    Args:
        function: A generator function, or one that returns an ``Iterator`` and says so.
        annotation: Its return annotation; ``inspect.Signature.empty`` when it has none.

    Raises:
        UnusableAck: It yields, and its annotation says something else.
    """
    is_async = inspect.isasyncgenfunction(function)
    yields = is_async or inspect.isgeneratorfunction(function)
    origin = get_origin(annotation) or annotation
    if origin not in (_BY_GENERATORS if yields else _ALWAYS):
        if yields and annotation not in (inspect.Signature.empty, Any):
            raise UnusableAck(
                "it yields, so write Iterator[...] with the type of a chunk, AsyncIterator[...] if it is async"
            )
        if not yields:
            return None
    if inspect.iscoroutinefunction(function):
        raise UnusableAck("a stream is made by a generator, or by a plain function that returns one")
    if yields and origin in _BY_GENERATORS and (origin in _ASYNC) != is_async:
        raise UnusableAck("an async generator is an AsyncIterator[...], any other an Iterator[...]")
    chunk = next(iter(get_args(annotation)), inspect.Signature.empty)
    return Chunks(chunk, is_async or origin in _ASYNC, names)
