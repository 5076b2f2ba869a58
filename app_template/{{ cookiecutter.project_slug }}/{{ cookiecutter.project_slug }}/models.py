"""What travels between the page and the server."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

MAX_NAME = 24
MAX_ROOM = 32
MAX_TEXT = 500


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Only characters that can be seen are allowed")
    return text


PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME),
    AfterValidator(_check_printable),
]
RoomName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=MAX_ROOM),
    AfterValidator(_check_printable),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)]


class Hello(BaseModel):
    """How a client introduces itself when it connects."""

    name: PersonName
    key: str = Field(
        default="",
        max_length=64,
        description="A secret of the client. With the same one it gets its name back after a broken connection.",
    )


class Message(BaseModel):
    """What somebody wants to say in a room."""

    room: RoomName
    text: Text


class Posted(BaseModel):
    """What somebody said."""

    id: int
    room: str
    name: str
    text: str
    at: datetime


class Presence(BaseModel):
    """Somebody came into a room, or left it."""

    room: str
    name: str


class Typing(BaseModel):
    """Somebody started or stopped writing."""

    room: str
    name: str
    active: bool


class Room(BaseModel):
    """A room as it is for somebody who enters."""

    room: str
    people: list[str]
    messages: list[Posted]
