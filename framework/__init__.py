"""The framework for typed real-time applications on Flask and Socket.IO."""

from __future__ import annotations

from .application import SocketIO
from .clients import ClientInfo
from .dependencies import Depends
from .errors import (
    AnswerError,
    CallTimeoutError,
    ClientGoneError,
    ConfigurationError,
    ContractError,
    DuplicateNamespaceError,
    EventError,
    FrameworkError,
    HandlerSignatureError,
    NotBoundError,
    PluginError,
    TalkError,
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
from .handling import Handling
from .limits import Limits
from .middleware import Middleware, Proceed, guard, raises, use
from .namespace import Namespace
from .plugins import Plugin, PluginInfo
from .routes import Route
from .transport.carriers import Carrier, Emission
from .version import __version__ as __version__

__all__ = [
    "AnswerError",
    "Call",
    "CallTimeoutError",
    "Carrier",
    "ClientGoneError",
    "ClientInfo",
    "ConfigurationError",
    "ConnectionRefusedError",
    "ContractError",
    "Depends",
    "DuplicateNamespaceError",
    "Emission",
    "Event",
    "EventError",
    "FrameworkError",
    "HandlerSignatureError",
    "Handling",
    "Limits",
    "Middleware",
    "Namespace",
    "NotBoundError",
    "Plugin",
    "PluginError",
    "PluginInfo",
    "Proceed",
    "Route",
    "SocketIO",
    "TalkError",
    "call",
    "close_room",
    "disconnect",
    "emit",
    "event",
    "guard",
    "join_room",
    "leave_room",
    "raises",
    "rooms",
    "send",
    "use",
]
