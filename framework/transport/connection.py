"""What the server knows of a session, and what it hands over: the two sides between which it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .engine import EngineSocket
from .leading import Run
from .packets import Partial, PlainEvent
from .timer import Alarm

Step = Callable[["Connection", PlainEvent], object]


class Route(Protocol):
    """Where an event goes; what it is gone with is the server's own, made with the first one."""

    run: Run
    is_async: bool
    pace: Any
    step: Step


class Incoming(Protocol):
    """What the server hands over: the dispatcher."""

    def connect(self, sid: str, namespace: str, environ: dict[str, Any], auth: Any) -> dict[str, Any] | None:
        """Run the connect handlers; return None to accept, or what ``connect_error`` carries."""

    def connected(self, sid: str, namespace: str) -> None:
        """Take note that a client was accepted and told so."""

    @property
    def routes(self) -> Mapping[str, Mapping[str, Route]]:
        """Where an event goes, by namespace and name; the same object for the same event, and one for every name."""
        ...

    def compile(self, route: Any) -> Step | None:
        """Return what handles an event of *route* that came as text; None where `event` has to."""
        ...

    def event(
        self, connection: Connection, sid: str, event: PlainEvent, route: Any, values: list[Any] | None, size_bytes: int
    ) -> None:
        """Handle one event; *values* are its decoded arguments when it came with attachments, which *size_bytes* counts."""

    def disconnect(self, sid: str, namespace: str, reason: str) -> None:
        """Run the disconnect handlers."""

    def serves(self, namespace: str) -> bool:
        """Say whether clients may connect to *namespace*."""
        ...


class Connection:
    """One Engine.IO session as Socket.IO sees it.

    Args:
        session: Its session; None for one of Flask-SocketIO's test clients.
        lane: Runs its jobs in order.
    """

    __slots__ = (
        "alarm",
        "connecting",
        "eio_sid",
        "ended",
        "environ",
        "lane",
        "namespaces",
        "partial",
        "session",
        "sids",
    )

    def __init__(self, eio_sid: str, environ: dict[str, Any], session: EngineSocket | None, lane: Any) -> None:
        self.eio_sid = eio_sid
        self.environ = environ
        self.session = session
        self.lane = lane
        self.namespaces: set[str] = set()
        self.sids: dict[str, str] = {}  # of the namespaces that it is connected to
        self.partial: Partial | None = None
        self.alarm: Alarm | None = None  # until it has joined a namespace
        self.connecting = 0
        self.ended: str | None = None

    def stop_alarm(self) -> None:
        """It has joined a namespace, or ended."""
        alarm, self.alarm = self.alarm, None
        if alarm is not None:
            alarm.cancel()


class AtOnce:
    """A lane that runs its jobs where they come: a test's client, which wants no other thread."""

    jobs = None

    def begin(self) -> bool:
        return True

    def end(self) -> None:
        pass

    def put(self, job: Callable[[], object], *, size_bytes: int = 0) -> bool:
        job()
        return True
