"""Who is here, who is in which room, and what was said last.

Kept in the memory of this process. With several processes each has a lobby of its own: move it to storage that they
share before you start a second one.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Lock

from framework import EventError

from .models import Posted, Presence, Room
from .settings import Settings


@dataclass(frozen=True)
class _Person:
    name: str
    key: str


@dataclass
class _Room:
    messages: deque[Posted]
    people: dict[str, str] = field(default_factory=dict)  # sid -> name, in the order of arrival


class Lobby:
    """People by their sid, and rooms by their name. Clients are served side by side, so every method takes the lock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._people: dict[str, _Person] = {}
        self._rooms: dict[str, _Room] = {}
        self._ids = count(1)
        self._lock = Lock()

    def find_stale(self, name: str, key: str) -> str | None:
        """Return the sid of the same client's earlier connection, when the server has not noticed its end yet."""
        with self._lock:
            mine = (sid for sid, person in self._people.items() if key and person == _Person(name, key))
            return next(mine, None)

    def arrive(self, sid: str, name: str, key: str) -> None:
        """Give this client its name.

        Raises:
            EventError: ``name_taken``.
        """
        with self._lock:
            if any(person.name.casefold() == name.casefold() for person in self._people.values()):
                raise EventError("name_taken", "Somebody here already has this name. Pick another one.")
            self._people[sid] = _Person(name, key)

    def depart(self, sid: str) -> list[Presence]:
        """Take this client out of everything, and return the rooms that it left."""
        with self._lock:
            rooms = [name for name, room in self._rooms.items() if sid in room.people]
            left = [self._leave(sid, room) for room in rooms]
            self._people.pop(sid, None)
            return left

    def enter(self, sid: str, room: str) -> None:
        """Put this client into a room, which is made if need be; entering twice changes nothing.

        Raises:
            EventError: ``room_full``, or ``too_many_rooms`` for this client.
        """
        with self._lock:
            found = self._rooms.get(room) or _Room(deque(maxlen=self._settings.messages_kept))
            if sid not in found.people:
                self._check_space(sid, found)
                found.people[sid] = self._people[sid].name
                self._rooms[room] = found

    def look(self, sid: str, room: str) -> Room:
        """Return a room as it is now, for somebody who is in it.

        Raises:
            EventError: ``not_in_room``.
        """
        with self._lock:
            found = self._find_room(sid, room)
            return Room(room=room, people=list(found.people.values()), messages=list(found.messages))

    def leave(self, sid: str, room: str) -> Presence:
        """Take this client out of a room; the last one takes the room along.

        Raises:
            EventError: ``not_in_room``.
        """
        with self._lock:
            self._find_room(sid, room)
            return self._leave(sid, room)

    def post(self, sid: str, room: str, text: str) -> Posted:
        """Keep what this client says in a room.

        Raises:
            EventError: ``not_in_room``.
        """
        with self._lock:
            found = self._find_room(sid, room)
            posted = Posted(id=next(self._ids), room=room, name=found.people[sid], text=text, at=datetime.now(UTC))
            found.messages.append(posted)
            return posted

    def name_in(self, sid: str, room: str) -> str:
        """Return the name of this client, which has to be in the room.

        Raises:
            EventError: ``not_in_room``.
        """
        with self._lock:
            return self._find_room(sid, room).people[sid]

    def _check_space(self, sid: str, room: _Room) -> None:
        if len(room.people) >= self._settings.people_per_room:
            raise EventError("room_full", f"This room is full: {self._settings.people_per_room} people are in it.")
        if sum(sid in other.people for other in self._rooms.values()) >= self._settings.rooms_per_person:
            raise EventError("too_many_rooms", "You are in too many rooms. Leave one first.")

    def _find_room(self, sid: str, room: str) -> _Room:
        found = self._rooms.get(room)
        if found is None or sid not in found.people:
            raise EventError("not_in_room", "You are not in this room. Join it first.")
        return found

    def _leave(self, sid: str, room: str) -> Presence:
        people = self._rooms[room].people
        name = people.pop(sid)
        if not people:
            del self._rooms[room]
        return Presence(room=room, name=name)
