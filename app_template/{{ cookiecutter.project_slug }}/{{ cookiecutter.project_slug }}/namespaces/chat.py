"""The namespace ``/chat``."""

from typing import cast

from flask import current_app
from framework import Event, Namespace

from ..lobby import Lobby
from ..models import Hello, Message, Posted, Presence, Room, RoomName, Typing


class Chat(Namespace):
    """Rooms where people talk. Connect with a name, join rooms, talk in those you are in."""

    namespace = "/chat"

    posted = Event[Posted]("Somebody said something in a room you are in.")
    joined = Event[Presence]("Somebody came into a room you are in.")
    left = Event[Presence]("Somebody left a room you are in.")
    typing = Event[Typing]("Somebody in a room you are in started or stopped writing.")

    def on_connect(self, auth: Hello) -> None:
        """Come in with a name; refused with ``name_taken`` while somebody else has it."""
        stale = lobby().find_stale(auth.name, auth.key)
        if stale:
            self.disconnect(stale)
        lobby().arrive(self.sid, auth.name, auth.key)

    def on_disconnect(self, reason: str) -> None:
        """Tell the rooms of this client that it is gone."""
        for presence in lobby().depart(self.sid):
            self.left.emit(presence, to=presence.room, skip=self.sid)

    def on_join(self, room: RoomName) -> Room:
        """Enter a room; acknowledged with who is in it and what was said last."""
        lobby().enter(self.sid, room)
        self.join(room)
        entered = lobby().look(self.sid, room)
        name = lobby().name_in(self.sid, room)
        self.joined.emit(Presence(room=room, name=name), to=room, skip=self.sid)
        return entered

    def on_leave(self, room: RoomName) -> None:
        """Leave a room."""
        presence = lobby().leave(self.sid, room)
        self.leave(room)
        self.left.emit(presence, to=room)

    def on_post(self, message: Message) -> Posted:
        """Say something in a room you are in; everybody in it gets it, you too."""
        posted = lobby().post(self.sid, message.room, message.text)
        self.posted.emit(posted, to=message.room)
        return posted

    def on_typing(self, room: RoomName, active: bool = True) -> None:
        """Show the others that you are writing, or no longer are."""
        name = lobby().name_in(self.sid, room)
        self.typing.emit(Typing(room=room, name=name, active=active), to=room, skip=self.sid)

    def on_people(self, room: RoomName) -> list[str]:
        """Ask who is in a room you are in."""
        return lobby().look(self.sid, room).people


def lobby() -> Lobby:
    """Return the lobby of the application that serves this client."""
    return cast(Lobby, current_app.extensions["lobby"])
