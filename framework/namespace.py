"""`Namespace`, the class that users subclass. What it promises is documented on the class, in the order of a connection's life."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import flask_socketio

from .errors import NotBoundError
from .events import DEFAULT_TIMEOUT_S, current_sid, read_declared, refuse_shared_names
from .handlers import HandlerTable, caller_locals, read_handlers
from .handling import Handling
from .middleware import AnyMiddleware


class Namespace(flask_socketio.Namespace):
    """Events that belong together, served on one path.

    **Connect.** ``on_connect(self, auth: Auth)`` sees what the client sent as ``auth``, validated; with no parameter it
    sees nothing. Returning ``False`` or raising anything refuses the client, with a typed ``connect_error``. What it
    emits reaches the client after it is connected.

    **Events.** ``on_<event>(self, ...)`` serves ``<event>``; `event` names those that are no identifier. The
    parameters are the event's arguments, validated by pydantic; without annotation they pass as they come. One
    client's events run one after another, clients side by side.

    **Acks.** What a handler returns, in the output schema of its return annotation. A tuple is several arguments.

    **Streams.** A generator, ``-> Iterator[Chunk]`` or async, sends its chunks to the client as fast as that acknowledges
    them. It is closed when the client leaves or emits ``cancel_stream`` with the stream's id.

    **Emits.** Declare what clients receive: ``posted = Event[Posted]("doc")``, then ``self.posted.emit(value, to=room)``.

    **Rooms.** `join`, `leave`, `rooms`, `room_size`, `close_room`.

    **Errors.** ``raise EventError("room_full", "...")`` answers with that code. Anything else that is raised is logged
    with an id and answered with ``internal_error`` and the same id. ``on_error(self, error)``, a hook, no event, sees it
    first: it may raise an `EventError` in its place, or return an ack. ``error(self, exc)`` is Flask-SocketIO's name for it.

    **Around it all.** `before_event` and `after_event`; the attribute ``middleware``; `guard`, `use` and `raises`.

    **Disconnect.** ``on_disconnect(self, reason: str)`` runs once; its rooms are still there. When the client leaves it
    runs after its last event, when the server disconnects it before `disconnect` returns.

    **Testing.** ``framework_client(Chat)`` is a client in the test's process; see `framework.testing`.

    Args:
        namespace: The path to serve, where it is not the class's own ``namespace``.
    """

    namespace: str = "/"
    """The path. Must start with a slash."""

    in_contract: ClassVar[bool] = True
    """Whether generated clients and documents have it; a tool's own namespace is nobody's to build on."""

    middleware: ClassVar[Sequence[AnyMiddleware]] = ()
    """What goes around each connect, event and disconnect of this namespace, inside the application's own."""

    # What this class serves and declares, read when it is created; private, since a user's names are on the same class.
    _handlers: ClassVar[HandlerTable] = HandlerTable()
    _declared: ClassVar[Mapping[str, Any]] = {}
    _homes: ClassVar[weakref.WeakSet[Namespace]] = weakref.WeakSet()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        local_names = caller_locals(cls.__module__)
        cls._homes = weakref.WeakSet()
        cls._declared = read_declared(cls, local_names)
        cls._handlers = read_handlers(cls, local_names)
        refuse_shared_names(cls, cls._declared, cls._handlers)

    def __init__(self, namespace: str | None = None) -> None:
        super().__init__(namespace or type(self).namespace)
        self.socketio: Any = None

    def _set_socketio(self, socketio: Any) -> None:
        self.socketio = socketio
        type(self)._homes.add(self)

    def before_event(self, handling: Handling) -> Any:
        """Called before the handler of an event, when its payload is valid; what it raises is the answer.

        It may be ``async def``. ``handling.args`` are what the handler takes, and may be changed.
        """

    def after_event(self, handling: Handling, error: Exception | None) -> Any:
        """Called after the handler of an event, before the client has its answer; what it raises is the answer.

        It may be ``async def``. It is not called where the handler was not: for an unknown event, a payload that does not
        fit, a guard or a `before_event` that refused.

        Args:
            error: What the handler raised, or None.
        """

    @property
    def sid(self) -> str:
        """The id of the client whose event is being handled; it is a room that only this client is in."""
        return current_sid(f"{type(self).__name__}.sid")

    def join(self, room: str, sid: str | None = None) -> None:
        """Put a client in a room: the one whose event is being handled, or *sid*."""
        self._server.enter_room(sid or self.sid, room, namespace=self.namespace)

    def leave(self, room: str, sid: str | None = None) -> None:
        """Take a client out of a room: the one whose event is being handled, or *sid*. It may not be in it."""
        self._server.leave_room(sid or self.sid, room, namespace=self.namespace)

    def rooms(self, sid: str | None = None, namespace: str | None = None) -> list[str]:
        """Return the rooms that a client is in, its own sid among them."""
        return list(self._server.rooms(sid or self.sid, namespace=namespace or self.namespace))

    def room_size(self, room: str) -> int:
        """Return how many clients of this process are in *room*."""
        return sum(1 for _ in self._server.manager.get_participants(self.namespace, [room]))

    def disconnect(self, sid: str | None = None, namespace: str | None = None) -> None:
        """Disconnect a client from this namespace: the one whose event is being handled, or *sid*."""
        self._server.disconnect(sid or self.sid, namespace=namespace or self.namespace)

    def call(
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        ignore_queue: bool = False,
    ) -> Any:
        """Send an undeclared event to one client and return its ack; `Call` is the typed way.

        Args:
            to: The sid, as is *sid*.
            timeout: Seconds to wait; 60 by default, where Flask-SocketIO's namespaces wait for ever.

        Raises:
            CallTimeoutError: No ack in time.
            ClientGoneError: The client left meanwhile.
        """
        path = namespace or self.namespace
        return self._server.call(event, data, to=to or sid, namespace=path, timeout=timeout, ignore_queue=ignore_queue)

    def _cancel_stream(self, stream: str) -> bool:
        """End a stream before its end; acknowledged with whether it was running."""
        return bool(self._socketio.dispatch.streams.cancel(self.sid, stream))

    def trigger_event(self, event: str, *args: Any) -> Any:
        """Dispatch one event; Flask-SocketIO's seam for classes that route events themselves.

        Args:
            event: Its name.
            args: The sid, then the arguments as the client sent them.
        """
        return self._socketio.dispatch.run_method(self, event, *args)

    @property
    def _socketio(self) -> Any:
        if self.socketio is None:
            raise NotBoundError(f"{type(self).__name__} is not registered. Pass it to SocketIO(..., namespaces=[...]).")
        return self.socketio

    @property
    def _server(self) -> Any:
        return self._socketio.server
