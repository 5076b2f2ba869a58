"""A chat with doors: members come in, admins close rooms, and who did what is written down.

Serve it with ``framework --app examples/guarded run`` and list its guards with
``framework --app examples/guarded routes``. A client says who it is by its ``auth``: ``{"token": "token-of-ada"}``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from pydantic import BaseModel, Field

from framework import Depends, Event, EventError, Handling, Middleware, Namespace, Proceed, SocketIO, guard, raises, use

SEATS = 2


@dataclass(frozen=True)
class Member:
    name: str
    is_admin: bool = False


MEMBERS = {"token-of-ada": Member("Ada", is_admin=True), "token-of-bob": Member("Bob"), "token-of-eve": Member("Eve")}
present: dict[str, Member] = {}
closed: set[str] = set()
journal: list[str] = []


class Auth(BaseModel):
    token: str


class Line(BaseModel):
    room: str = Field(max_length=64)
    text: str = Field(max_length=2000)


class Said(BaseModel):
    by: str
    text: str


class RoomFull(EventError):
    """No seat is left."""

    code = "room_full"


class RoomClosed(EventError):
    """The room is closed."""

    code = "room_closed"


class Count(Middleware):
    """Counts what each client sends, served or not, and forgets it when it leaves."""

    def __init__(self) -> None:
        self.events: dict[str, int] = {}

    def event(self, handling: Handling, proceed: Proceed) -> object:
        self.events[handling.sid] = self.events.get(handling.sid, 0) + 1
        return proceed()

    def disconnect(self, handling: Handling, proceed: Proceed) -> object:
        self.events.pop(handling.sid, None)
        return proceed()


def member(handling: Handling) -> Member:
    """Who the client is; known since it connected."""
    return present[handling.sid]


def notes(member: Member = Depends(member)) -> Iterator[list[str]]:
    """Lines for the journal, which are written down when the event is over, and only if it went well."""
    lines: list[str] = []
    yield lines
    journal.extend(f"{member.name} {line}" for line in lines)


def is_admin(member: Member = Depends(member)) -> bool:
    return member.is_admin


async def refuse_closed(handling: Handling, proceed: Proceed) -> object:
    """Around a handler whose first argument is a room, or has one."""
    room = getattr(handling.args[0], "room", handling.args[0])
    if room in closed:
        raise RoomClosed(details={"room": room})
    return await proceed()


class Chat(Namespace):
    """Rooms for members."""

    namespace = "/chat"

    said = Event[Said]("Somebody said something in a room you are in.")

    def on_connect(self, auth: Auth) -> None:
        found = MEMBERS.get(auth.token)
        if found is None:
            raise EventError("unauthorized", "Members only.")
        present[self.sid] = found

    def on_disconnect(self) -> None:
        present.pop(self.sid)

    @raises(RoomFull, RoomClosed)
    @use(refuse_closed)
    def on_join(self, room: str) -> int:
        """Take a seat; acknowledged with how many are taken."""
        if self.room_size(room) == SEATS:
            raise RoomFull(details={"room": room})
        self.join(room)
        return self.room_size(room)

    @raises(RoomClosed)
    @use(refuse_closed)
    def on_say(self, line: Line, member: Member = Depends(member)) -> None:
        self.said.emit(Said(by=member.name, text=line.text), to=line.room)

    @guard(is_admin, message="Only for admins.")
    def on_close(self, room: str, notes: list[str] = Depends(notes)) -> None:
        """Send everybody out, and let nobody in."""
        closed.add(room)
        self.close_room(room)
        notes.append(f"closed {room}")


count = Count()
app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat], middleware=[count])
