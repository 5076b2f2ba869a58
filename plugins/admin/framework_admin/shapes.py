"""What the page is sent and what it asks for: the payloads of the dashboard's own namespace."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

MAX_TEXT = 200

Kind = Literal["connect", "refused", "disconnect", "event", "emit", "action"]


def clip(value: object, longest: int = MAX_TEXT) -> str:
    """Return *value* as a text that can be sent, cut where it is too long."""
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class Entry(BaseModel):
    """One line of the log. Of payloads there is the size, never the content.

    Args:
        id: Counts up.
        at: Unix seconds.
        event: The declared name; empty for one that nobody declares.
        sid: Who sent it, or whom it is about.
        to: Whom the server sent it to; empty for everybody.
        code: ``ok``, ``handled`` or the error's code.
        duration_ms: How long it took to handle.
        size_bytes: Of its packet.
        detail: The type of an unexpected exception, the reason of a disconnect, or what an action did.
    """

    id: int
    at: float
    kind: Kind
    namespace: str
    event: str = ""
    sid: str = ""
    to: str = ""
    code: str = ""
    duration_ms: float | None = None
    size_bytes: int | None = None
    detail: str = ""


class Counter(BaseModel):
    """How often an event came since somebody began to look.

    Args:
        total_ms: All durations together.
    """

    namespace: str
    event: str
    handled: int
    failed: int
    total_ms: float


class Client(BaseModel):
    """A client of one namespace.

    Args:
        rooms: Without its own sid.
        connected_at: Unix seconds.
        queued_bytes: What waits to be sent to it.
    """

    namespace: str
    sid: str
    rooms: list[str]
    transport: str
    address: str
    user_agent: str
    connected_at: float
    queued_bytes: int


class Room(BaseModel):
    """A room and how many clients of this process are in it."""

    namespace: str
    name: str
    clients: int


class Served(BaseModel):
    """A namespace and how many clients of this process are in it."""

    path: str
    clients: int


class Known(BaseModel):
    """An event that is served or declared, as `framework routes` lists it."""

    namespace: str
    direction: str
    event: str
    arguments: str
    ack: str
    description: str


class Totals(BaseModel):
    """Counted over this process.

    Args:
        connections: Connections of these clients; each may have joined several namespaces.
        clients: Clients of namespaces, listed or not.
        rooms: Rooms, listed or not.
        events: Events since somebody began to look.
        failed: Those that were answered with an error.
        emits: What the server sent since then; one for a broadcast.
        p95_ms: Of the last 1,000 events.
    """

    connections: int
    clients: int
    rooms: int
    events: int
    failed: int
    emits: int
    p95_ms: float | None


class Batch(BaseModel):
    """What changed since the batch before.

    Args:
        number: Counts up; a page that misses one asks for everything.
        at: Unix seconds.
        skipped: Entries that were too many to be sent.
        gone: Namespace and sid of clients that are no longer listed.
        rooms: None where nothing changed.
        namespaces: Likewise.
    """

    number: int
    at: float
    entries: list[Entry]
    skipped: int
    changed: list[Client]
    gone: list[tuple[str, str]]
    rooms: list[Room] | None
    namespaces: list[Served] | None
    counters: list[Counter]
    totals: Totals


class Snapshot(BaseModel):
    """Everything, as of batch *number*."""

    number: int
    at: float
    application: str
    process: str
    actions: bool
    expires_at: float
    entries: list[Entry]
    clients: list[Client]
    rooms: list[Room]
    namespaces: list[Served]
    events: list[Known]
    counters: list[Counter]
    totals: Totals


class Ticket(BaseModel):
    """What a page connects with; it gets it over HTTP."""

    ticket: str = Field(max_length=2000)


class Search(BaseModel):
    """Look for clients, also among those that are not listed."""

    words: str = Field(min_length=1, max_length=MAX_TEXT)


class Emit(BaseModel):
    """Send an event from the server.

    Args:
        args: Its arguments, any JSON.
        to: A room or a sid; None is everybody in the namespace.
    """

    namespace: str
    event: str = Field(min_length=1, max_length=MAX_TEXT)
    args: list[Any] = Field(default_factory=list, max_length=20)
    to: str | None = None


class RoomChange(BaseModel):
    """Put a client in a room, or take it out."""

    namespace: str
    sid: str
    room: str = Field(min_length=1, max_length=MAX_TEXT)


class Goodbye(BaseModel):
    """Disconnect a client from a namespace."""

    namespace: str
    sid: str
