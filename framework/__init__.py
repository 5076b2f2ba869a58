"""The framework for typed real-time applications on Flask and Socket.IO."""

from __future__ import annotations

from .application import SocketIO
from .errors import (
    AnswerError,
    CallTimeoutError,
    ClientGoneError,
    ConfigurationError,
    DuplicateNamespaceError,
    EventError,
    FrameworkError,
    HandlerSignatureError,
    NotBoundError,
)
from .events import Call, Event
from .functions import (
    ConnectionRefusedError,
    call,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
    send,
)
from .handlers import event
from .limits import Limits
from .namespace import Namespace
from .routes import Route

__version__ = "0.1.0"

__all__ = [
    "AnswerError",
    "Call",
    "CallTimeoutError",
    "ClientGoneError",
    "ConfigurationError",
    "ConnectionRefusedError",
    "DuplicateNamespaceError",
    "Event",
    "EventError",
    "FrameworkError",
    "HandlerSignatureError",
    "Limits",
    "Namespace",
    "NotBoundError",
    "Route",
    "SocketIO",
    "call",
    "close_room",
    "disconnect",
    "emit",
    "event",
    "join_room",
    "leave_room",
    "rooms",
    "send",
]
