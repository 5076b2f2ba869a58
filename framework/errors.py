"""Every exception of the framework, and nothing else.

The bottom layer: it imports no other module of the package. ``EventError`` is the one that users raise; the others tell
a developer what happened, where, and how to mend it.
"""

from __future__ import annotations

from typing import Any

from socketio.exceptions import TimeoutError as SocketIOTimeoutError


class FrameworkError(Exception):
    """Base of every exception that the framework itself raises."""


class EventError(FrameworkError):
    """Tell the client why its event, or its connection, failed.

    Raised in a handler it becomes the error acknowledgement (or the ``error`` event, when the client asked for none);
    raised in ``on_connect`` it refuses the client with a ``connect_error``. Everything in it reaches the client.

    A subclass can have a ``code`` of its own, and be named in ``@raises``: ``class RoomFull(EventError): code =
    "room_full"``, then ``raise RoomFull(message="No seat left.")``. Without a message it is the docstring's first line.

    Args:
        code: A stable, machine-readable word, e.g. ``"room_full"``; the class's own when left out.
        message: One sentence for a person; the code when left out.
        details: Any JSON-serialisable value; ``None`` leaves it out.
        retry_after: Seconds after which it makes sense to try again; ``None`` leaves it out.

    Raises:
        TypeError: There is no code, or a sentence in its place.
    """

    code: str = ""

    def __init__(
        self,
        code: str | None = None,
        message: str | None = None,
        details: Any = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        self.code = code or type(self).code
        if not self.code:
            raise TypeError(
                f"{type(self).__name__} needs a code: {type(self).__name__}('room_full'), or a class with one."
            )
        if type(self).code and " " in self.code:  # in place of the class's own
            raise TypeError(f"{type(self).__name__} has its code: {type(self).__name__}(message={self.code!r}).")
        self.message = message or (describe_error(type(self)) if type(self).code else "") or self.code
        super().__init__(self.message)
        self.details = details
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), vars(self).copy())

    def __str__(self) -> str:
        return self.message if self.message == self.code else f"{self.code}: {self.message}"


def describe_error(kind: type[EventError]) -> str:
    """Return the first line of the docstring of a class of errors; empty where it has none of its own."""
    return (vars(kind).get("__doc__") or "").strip().partition("\n")[0]


def _revive(kind: type[EventError], attributes: dict[str, Any]) -> EventError:
    error = kind.__new__(kind, attributes["message"])
    vars(error).update(attributes)
    return error


class PayloadError(EventError):
    """What a client sent does not fit the handler; ``__cause__`` is pydantic's error.

    Its details carry field paths and reasons, never the input.
    """

    def __init__(self, message: str, details: Any = None) -> None:
        super().__init__("invalid_payload", message, details)


class AckError(FrameworkError, TypeError):
    """A handler returned something that its return annotation does not allow, or that is no JSON."""


class HandlerSignatureError(FrameworkError, TypeError):
    """A handler or a declared event can't work as it is written; raised when its class is created."""


class HandlerExitError(FrameworkError, RuntimeError):
    """A handler raised something that is no Exception, e.g. ``SystemExit``; ``__cause__`` is what."""


class DuplicateNamespaceError(FrameworkError, ValueError):
    """Two classes claim the same namespace path."""


class ConfigurationError(FrameworkError, ValueError):
    """A setting, an option or the server that serves the application can't work."""


class PluginError(FrameworkError, RuntimeError):
    """A plugin can't be found, ordered, set up or added; ``__cause__`` is what it raised, where it raised something."""


class NotBoundError(FrameworkError, RuntimeError):
    """A declared event was used where it can't know which application to send through."""


class CallTimeoutError(FrameworkError, SocketIOTimeoutError):  # type: ignore[misc]
    """A client did not answer a server-to-client call in time; it may still have handled it."""


class ClientGoneError(CallTimeoutError):
    """The client left before it answered a server-to-client call."""


class AnswerError(FrameworkError, ValueError):
    """A client answered a server-to-client call with something of another type."""


class ContractError(FrameworkError, ValueError):
    """A contract can't be read, or a document can't be written from it."""


class TalkError(FrameworkError):
    """A server can't be talked to from the shell."""


class ScaffoldError(FrameworkError):
    """An application could not be generated from the template."""


class MalformedPacket(FrameworkError):  # noqa: N818 - it names the packet, and never leaves the transport
    """Bytes that are no Socket.IO packet, or over a limit; the connection that sent them is closed."""
