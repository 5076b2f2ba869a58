"""Rooms: send to some clients of a namespace only.

Clients enter and leave rooms through handlers; a room exists as long as somebody is in it. Every
client is in one room from the start, which has the client's own id, ``request.sid``, as its name.
"""

from typing import Any, cast

from flask import Flask, request

from framework import SocketIO, emit, join_room, leave_room, send

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for this example"
socketio = SocketIO(app)


@socketio.on("join")
def on_join(data: dict[str, str]) -> None:
    username = data["username"]
    room = data["room"]
    join_room(room)
    send(username + " has entered the room.", room=room)


@socketio.on("leave")
def on_leave(data: dict[str, str]) -> None:
    username = data["username"]
    room = data["room"]
    leave_room(room)
    send(username + " has left the room.", room=room)


@socketio.on("whisper")
def on_whisper(data: dict[str, str]) -> None:
    sender = cast(Any, request).sid  # Flask's own types do not know it
    emit("whisper", {"from": sender, "text": data["text"]}, to=data["to"])
