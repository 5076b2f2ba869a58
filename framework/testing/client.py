"""`Client`: what a test holds instead of a browser."""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar, TypeVarTuple, cast, overload

import flask
from flask.testing import EnvironBuilder, FlaskClient

from ..acks import ERROR_KEY
from ..dependencies import compile_overrides
from ..errors import CallTimeoutError, ConfigurationError, EventError, FrameworkError
from ..events import Call, Event
from ..handlers import CANCEL_STREAM, Handler
from ..namespace import Namespace
from ..running import OVERRIDES
from ..streams import STREAM
from ..transport import packets
from .mirror import read_output, to_input
from .session import Received, Session
from .stream import ClientStream, Link

N = TypeVar("N", bound=Namespace)
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DEFAULT_TIMEOUT_S = 5.0


class ConnectRefused(EventError):  # noqa: N818 - what happened to the client
    """The server refused the client: ``code``, ``message``, ``details`` and the whole ``data`` say why."""

    def __init__(self, payload: Any) -> None:
        payload = payload if isinstance(payload, dict) else {"message": str(payload)}
        self.data = payload.get("data")
        data = self.data if isinstance(self.data, dict) else {}
        super().__init__(str(data.get("code", "refused")), str(payload.get("message", "")), data.get("details"))


class Client:
    """One client of one namespace, in the test's process.

    Handlers run in the test's thread, before `call` and `emit` return. What they send to any client of the test is
    there then, too.

    Args:
        app: The Flask application, with its ``SocketIO``.
        namespace: The class to connect to, or a path.
        auth: What a real client passes as ``auth``; models are sent as JSON.
        headers: Of the HTTP request that opens the connection.
        query_string: Likewise.
        address: Of the client, as ``request.remote_addr`` has it; 127.0.0.1 by default, as Flask's own test client's.
        flask_client: Its cookies are sent, so that its session is the client's.
        via: Another client whose connection is shared, as a browser shares one for all namespaces.
        overrides: For this client, what is called in the place of a dependency or a guard's function:
            ``{current_user: lambda: ada}``. They are the connection's, so those of *via* count where it is given.

    Raises:
        ConnectRefused: The server refused it.
        ConfigurationError: *overrides* and *via* are both given.
        HandlerSignatureError: What is to be called in the place of a dependency takes what can't be filled.
    """

    def __init__(
        self,
        app: flask.Flask,
        namespace: type[Namespace] | str = "/",
        *,
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        query_string: str | Mapping[str, str] | None = None,
        address: str = "127.0.0.1",
        flask_client: FlaskClient | None = None,
        via: Client | None = None,
        overrides: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> None:
        if via is not None and overrides:
            raise ConfigurationError("overrides are the connection's: give them to the client that 'via' names.")
        self._extension = _find_extension(app)
        self.namespace = self._find_path(namespace)
        self.sid = ""
        self.errors: list[EventError] = []
        """What came as ``error`` events: failures of events that asked for no ack."""
        self._refusal: ConnectRefused | None = None
        self._acks: dict[int, Any] = {}
        self._events: list[tuple[str, list[Any]]] = []
        self._answers: dict[str, Callable[..., Any]] = {}
        self._streams: dict[str, ClientStream[Any]] = {}
        self._opening: ClientStream[Any] | None = None
        self._last_id = 0
        self._arrived = self._extension.server.eio.create_event()
        self._members: dict[str, Client] = via._members if via else {}
        self._members[self.namespace] = self
        if via is None:
            environ = _build_environ(app, headers, query_string, flask_client) | {"REMOTE_ADDR": address}
            environ[OVERRIDES] = compile_overrides(overrides or {})
            self._session = Session(self._extension.server, environ, self._route)
        else:
            self._session = via._session
        self._connect(auth)

    # -- calling and sending

    @overload
    def call(
        self, handler: Callable[Concatenate[N, P], Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    def call(self, handler: Callable[Concatenate[N, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def call(self, handler: str, /, *args: Any) -> Any: ...
    def call(self, handler: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Send an event and return its ack, in the type that the handler declares.

        Args:
            handler: The method, ``Chat.on_post``, or an event's name; by name the ack comes as decoded JSON.
            args: The event's arguments.

        Raises:
            EventError: The event was answered with an error. For ``internal_error`` its ``__cause__`` is what the
                handler raised, unless an error handler of the application took it.
            RuntimeError: The client is not connected.
            TypeError: The handler streams.
        """
        compiled = self._find_handler(handler)
        if compiled is not None and compiled.chunks is not None:
            raise TypeError(f"{compiled.name} streams: iterate over client.stream(...).")
        name = handler if isinstance(handler, str) else compiled.event if compiled else ""
        self._last_id += 1
        failures = self._send(name, self._last_id, _positional(compiled, args, kwargs))
        if self._last_id not in self._acks:
            raise EventError(
                "no_ack", f"{name!r} was not answered: the client left meanwhile, or unknown events are ignored."
            )
        ack = self._acks.pop(self._last_id)
        if failure := _read_error(ack):
            raise failure from next(iter(failures), None)
        return _read_ack(compiled if not isinstance(handler, str) else None, ack)

    @overload
    def emit(self, handler: Callable[Concatenate[N, P], Any], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
    @overload
    def emit(self, handler: str, /, *args: Any) -> None: ...
    def emit(self, handler: Any, /, *args: Any, **kwargs: Any) -> None:
        """Send an event without asking for an ack; a failure arrives in `errors`.

        Raises:
            RuntimeError: The client is not connected.
        """
        compiled = self._find_handler(handler)
        name = handler if isinstance(handler, str) else compiled.event if compiled else ""
        self._send(name, None, _positional(compiled, args, kwargs))

    @overload
    def stream(
        self, handler: Callable[Concatenate[N, P], Iterator[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> ClientStream[T]: ...
    @overload
    def stream(
        self, handler: Callable[Concatenate[N, P], AsyncIterator[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> ClientStream[T]: ...
    @overload
    def stream(self, handler: str, /, *args: Any) -> ClientStream[Any]: ...
    def stream(self, handler: Any, /, *args: Any, **kwargs: Any) -> ClientStream[Any]:
        """Send an event that is answered by a stream, and return what to iterate over.

        Args:
            handler: The method, ``Chat.on_export``, or an event's name; by name the chunks come as decoded JSON.
            args: The event's arguments.

        Raises:
            EventError: The event was answered with an error.
            RuntimeError: The client is not connected.
            TypeError: The event was answered at once.
        """
        compiled = self._find_handler(handler)
        name = handler if isinstance(handler, str) else compiled.event if compiled else ""
        chunks = compiled.chunks if compiled is not None else None
        typed = chunks.annotation if chunks is not None and chunks.typed else Any
        closing = contextlib.ExitStack()
        failures = closing.enter_context(self._extension.dispatch.failures.watch())
        link = Link(self._acknowledge, self._cancel, failures, closing)
        stream: ClientStream[Any] = ClientStream(name, lambda chunk: read_output(typed, chunk), link, DEFAULT_TIMEOUT_S)
        self._opening = stream
        try:
            started = self.call(name, *_positional(compiled, args, kwargs))
            if not stream.id:
                raise TypeError(f"{name!r} was answered at once, with {started!r}; it is no stream")
        except BaseException:
            closing.close()
            raise
        finally:
            self._opening = None
        return stream

    def disconnect(self) -> None:
        """Leave the namespace, as a client does that says goodbye; nothing happens when it has left."""
        if self.connected:
            self._session.send_packet(packets.DISCONNECT, self.namespace, None, None)
            self._leave()

    def drop(self) -> None:
        """Lose the connection, with all its namespaces, as a client does whose network fails."""
        self._session.close(abort=True, reason=self._extension.server.reason.TRANSPORT_CLOSE)
        for member in self._members.values():
            member._leave()

    # -- what came

    @overload
    def received(self, event: Event[T]) -> list[T]: ...  # pyright: ignore[reportOverlappingOverload]
    @overload
    def received(self, event: Event[*Ts]) -> list[tuple[*Ts]]: ...  # type: ignore[overload-cannot-match]
    @overload
    def received(self, event: str) -> list[Any]: ...
    def received(self, event: Any) -> list[Any]:
        """Return what has come of *event* since the start or the last `clear`, oldest first.

        Args:
            event: A declared event; one argument comes as its value, several as a tuple. By name, decoded JSON.
        """
        name = event if isinstance(event, str) else event.name
        types = () if isinstance(event, str) else event.types
        return [_read_values(types, values) for found, values in self._events if found == name]

    @overload
    def wait_for(self, event: Event[T], *, timeout_s: float = DEFAULT_TIMEOUT_S) -> T: ...  # pyright: ignore[reportOverlappingOverload]
    @overload
    def wait_for(self, event: Event[*Ts], *, timeout_s: float = DEFAULT_TIMEOUT_S) -> tuple[*Ts]: ...  # type: ignore[overload-cannot-match]
    @overload
    def wait_for(self, event: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Any: ...
    def wait_for(self, event: Any, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Any:
        """Return the first of *event* that has come, waiting for one that a background task sends.

        Raises:
            TimeoutError: None came in *timeout_s* seconds (5 by default).
        """
        deadline_s = time.monotonic() + timeout_s
        while not (found := self.received(event)):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not self._arrived.wait(timeout=left_s):
                name = event if isinstance(event, str) else event.name
                raise TimeoutError(f"no {name!r} came in {timeout_s} s")
            self._arrived.clear()
        return found[0]

    def clear(self) -> None:
        """Forget what has come so far, errors included."""
        self._events.clear()
        self.errors.clear()

    def answer(self, call: Call[R, *Ts], answer: Callable[[*Ts], R]) -> None:
        """Answer a server-to-client call with what *answer* returns, from now on."""
        types = call.types
        self._answers[call.name] = lambda *values: cast(Any, answer)(*_typed(types, values))

    def ignore(self, call: Call[Any, *tuple[Any, ...]]) -> None:
        """Let a server-to-client call run into its timeout, without the wait."""
        self._answers[call.name] = _never

    @property
    def connected(self) -> bool:
        """Whether the client is in the namespace."""
        return bool(self.sid)

    def rooms(self) -> set[str]:
        """Return the rooms that the client is in, besides its own sid."""
        return set(self._extension.server.manager.get_rooms(self.sid, self.namespace)) - {self.sid}

    # -- inside

    def _find_path(self, namespace: type[Namespace] | str) -> str:
        if isinstance(namespace, str):
            return namespace
        paths = [path for path, mounted in self._extension.namespaces.items() if type(mounted) is namespace]
        if len(paths) != 1:
            many = f"is served on {', '.join(sorted(paths))}: name the path" if paths else "is not served here"
            raise ConfigurationError(f"{namespace.__name__} {many}.")
        return str(paths[0])

    def _find_handler(self, handler: Any) -> Handler | None:
        if isinstance(handler, str):
            return None
        name = getattr(handler, "__name__", "")
        mounted = self._extension.namespaces.get(self.namespace)
        table = getattr(type(mounted), "_handlers", None)
        events = table.events.values() if table else ()
        found: Handler | None = next((known for known in events if known.attribute == name), None)
        if found is None:
            raise ConfigurationError(f"{getattr(handler, '__qualname__', handler)} is no handler on {self.namespace}.")
        return found

    def _connect(self, auth: Any) -> None:
        sent = None if auth is None else to_input(auth)
        self._session.send_packet(packets.CONNECT, self.namespace, None, sent)
        if self._refusal is not None:
            raise self._refusal

    def _send(self, name: str, ack_id: int | None, args: tuple[Any, ...]) -> list[Exception]:
        if not self.connected:
            raise RuntimeError(f"this client is not connected to {self.namespace}")
        payload = [name, *(to_input(value) for value in args)]
        with self._extension.dispatch.failures.watch() as failures:
            self._session.send_packet(packets.EVENT, self.namespace, ack_id, payload)
        return failures  # type: ignore[no-any-return]

    def _route(self, received: Received) -> None:
        if member := self._members.get(received.namespace):
            member._take(received)

    def _take(self, received: Received) -> None:
        if received.kind == packets.CONNECT:
            self.sid = received.payload["sid"]
        elif received.kind == packets.CONNECT_ERROR:
            self._refusal = ConnectRefused(received.payload)
        elif received.kind == packets.DISCONNECT:
            self._leave()
        elif received.kind in (packets.ACK, packets.BINARY_ACK) and received.ack_id is not None:
            self._acks[received.ack_id] = received.payload
            self._open(received.ack_id, received.payload)
        elif received.kind in (packets.EVENT, packets.BINARY_EVENT):
            self._take_event(received)

    def _take_event(self, received: Received) -> None:
        name, *values = received.payload
        part = values[0] if values and isinstance(values[0], dict) else {}
        stream = self._streams.get(str(part.get(STREAM)))
        if stream is not None and stream.event == name:
            stream.take(part, received.ack_id)
        elif received.ack_id is not None and (name in self._answers or STREAM not in part):
            self._answer(name, values, received.ack_id)
        elif name == ERROR_KEY and (failure := _read_error(values)):
            self.errors.append(failure)
        else:
            self._events.append((name, values))
            self._arrived.set()

    def _open(self, ack_id: int, ack: Any) -> None:
        """Take what comes under the id that *ack* names from now on, if a stream was asked for."""
        started = ack[0] if ack else None
        if self._opening is not None and ack_id == self._last_id and isinstance(started, dict) and STREAM in started:
            self._opening.id = started[STREAM]
            self._streams[self._opening.id] = self._opening

    def _acknowledge(self, ack_id: int) -> None:
        if self.connected:
            self._session.send_packet(packets.ACK, self.namespace, ack_id, [])

    def _cancel(self, stream_id: str) -> bool:
        return self.connected and bool(self.call(CANCEL_STREAM, stream_id))

    def _leave(self) -> None:
        self.sid = ""
        for stream in self._streams.values():
            stream.lose()

    def _answer(self, name: str, values: list[Any], ack_id: int) -> None:
        if name not in self._answers:
            raise UnansweredCall(f"the server called {name!r}, and the test said no answer: client.answer(..., ...)")
        answer = to_input(self._answers[name](*values))
        self._session.send_packet(packets.ACK, self.namespace, ack_id, [answer])


class UnansweredCall(FrameworkError, AssertionError):  # noqa: N818 - it names the call
    """The server called a test's client for which no answer was given."""


class ClientFactory:
    """Makes clients of one application and disconnects them at the end; what the fixture gives.

    Takes the arguments of `Client` without the application.
    """

    def __init__(self, app: flask.Flask) -> None:
        self._app = app
        self._clients: list[Client] = []

    def __call__(self, namespace: type[Namespace] | str = "/", **options: Any) -> Client:
        client = Client(self._app, namespace, **options)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Drop every client that was made."""
        for client in self._clients:
            client.drop()


def _find_extension(app: flask.Flask) -> Any:
    if "socketio" not in app.extensions:
        raise ConfigurationError("this application has no SocketIO: SocketIO(app) or socketio.init_app(app).")
    return app.extensions["socketio"]


def _build_environ(
    app: flask.Flask,
    headers: Mapping[str, str] | None,
    query_string: str | Mapping[str, str] | None,
    flask_client: FlaskClient | None,
) -> dict[str, Any]:
    if isinstance(query_string, str):
        query_string = query_string.removeprefix("?")
    builder = EnvironBuilder(app, path="/socket.io/", query_string=query_string, headers=dict(headers or {}))
    environ = builder.get_environ()
    builder.close()
    if flask_client is not None:
        flask_client._add_cookies_to_wsgi(environ)
    return {**environ, "flask.app": app}


def _positional(handler: Handler | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the event's arguments in their order; dependencies are none."""
    if not kwargs or handler is None:
        return args
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = handler.payload.parameters
    bound = inspect.Signature(
        [
            inspect.Parameter(parameter.name, inspect.Parameter.VAR_POSITIONAL)
            if parameter.variadic
            else inspect.Parameter(parameter.name, kind, default=parameter.default)
            for parameter in parameters
        ]
    ).bind_partial(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def _read_error(ack: Any) -> EventError | None:
    body = ack[0] if isinstance(ack, list) and len(ack) == 1 else None
    inner = body.get(ERROR_KEY) if isinstance(body, dict) and len(body) == 1 else None
    if not isinstance(inner, dict) or "code" not in inner:
        return None
    return EventError(inner["code"], inner.get("message"), inner.get("details"), retry_after=inner.get("retry_after"))


def _read_ack(handler: Handler | None, ack: list[Any]) -> Any:
    if handler is not None and handler.ack.typed:
        if handler.ack.several:
            return read_output(handler.ack.annotation, ack)
        return read_output(handler.ack.annotation, ack[0]) if ack else None
    return None if not ack else ack[0] if len(ack) == 1 else tuple(ack)


def _read_values(types: tuple[Any, ...], values: list[Any]) -> Any:
    typed = _typed(types, values)
    return typed[0] if len(typed) == 1 else typed


def _typed(types: tuple[Any, ...], values: Any) -> tuple[Any, ...]:
    if not types:
        return tuple(values)
    result: tuple[Any, ...] = read_output(tuple[types], values)  # type: ignore[valid-type]
    return result


def _never(*values: Any) -> Any:
    raise CallTimeoutError("the client does not answer")
