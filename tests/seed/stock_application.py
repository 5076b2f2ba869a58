"""A plain Flask-SocketIO application that uses what the guide does not mention.

``test_drop_in.py`` serves it as it is, and once more with the import of ``flask_socketio`` changed
into one of ``framework``: both must do the same. It therefore has no annotations.
"""

import functools
import os
import threading

from flask import Flask, g, request, session
from flask_socketio import (
    Namespace,
    SocketIO,
    call,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
    send,
)

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for tests"
socketio = SocketIO(path="/live/", ping_interval=20, logger=False)


# --- outside of events


@app.route("/login")
def login():
    session["user"] = "ada"
    return "logged in"


@app.route("/emit")
def emit_from_view():
    socketio.emit("from view", {"by": "socketio"})
    emit("from view", {"by": "emit"}, broadcast=True, namespace="/")
    send("from view", broadcast=True, namespace="/")
    return "sent"


@app.route("/thread")
def emit_from_thread():
    thread = threading.Thread(target=socketio.emit, args=("from thread", 1))
    thread.start()
    thread.join()
    return "sent"


# --- the life of a connection


@socketio.on("connect")
def connect():
    session["count"] = 0
    join_room("all")


@socketio.on("disconnect")
def disconnected(reason):
    print(f"disconnected: {reason} {session.get('count')}")


@socketio.on("connect", namespace="/auth")
def connect_with_auth(auth):
    emit("auth", auth)


@socketio.on("kick")
def kick(sid):
    disconnect(sid)
    return "kicked"


@socketio.on("leave")
def leave():
    disconnect()


# --- handlers of every form


def without_wraps(function):
    def wrapped(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapped


def with_wraps(function):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapped


@socketio.on("decorated")
@without_wraps
def decorated(a, b=2):
    return a, b


@socketio.on("wrapped")
@with_wraps
def wrapped_handler(a, b=2):
    return a, b


@socketio.on("first name")
@socketio.on("second name")
def two_names(value="default"):
    return request.event["message"], value


@socketio.event
def named_by_function(*args):
    return len(args), list(args)


class Thing:
    def method(self, value):
        return "method", value

    def __call__(self, value):
        return "instance", value


socketio.on_event("method", Thing().method)
socketio.on_event("instance", Thing())
socketio.on_event("lambda", lambda value: ("lambda", value))
socketio.on_event("partial", functools.partial(lambda fixed, value: (fixed, value), "partial"))


@socketio.on("*", namespace="/any")
def any_event(event, *args):
    return event, list(args)


# --- acks of every form

ACKS = {
    "none": None,
    "list": [1, 2],
    "dict": {"a": 1},
    "one": (1,),
    "empty": (),
    "null": (None,),
    "bytes": b"\x00\xff",
    "zero": 0,
    "text": "",
    "false": False,
    "nested": {"x": [b"bytes", {"y": 1.5}]},
}


@socketio.on("ack")
def ack(name):
    return ACKS[name]


# --- contexts


@socketio.on("context")
def context():
    known = getattr(g, "seen", False)
    g.seen = True
    return {
        "query": request.args.get("q"),
        "header": request.headers.get("X-Test"),
        "namespace": request.namespace,
        "event": request.event["message"],
        "user": session.get("user"),
        "g is fresh": not known,
    }


@socketio.on("count")
def count():
    session["count"] += 1
    return session["count"]


# --- sending


@socketio.on("ask")
def ask():
    return call("question", {"x": 1}, timeout=5)


@socketio.on("ask by socketio")
def ask_by_socketio():
    return socketio.call("question", 7, to=request.sid, timeout=5)


@socketio.on("callback")
def callback():
    emit("question", 1, callback=lambda *args: emit("answered", args))


@socketio.on("rooms")
def use_rooms():
    def mine():
        return sorted(set(rooms()) - {request.sid, "all"})

    join_room("red")
    join_room("blue")
    both = mine()
    leave_room("red")
    emit("to room", "blue", to="blue")
    emit("to room", "red", to="red")
    emit("to rooms", "both", to=["blue", "red"])
    emit("to others", 1, broadcast=True, include_self=False)
    emit("skipped", 1, broadcast=True, skip_sid=[request.sid])
    close_room("blue")
    return both, mine()


@socketio.on("several")
def several():
    emit("tuple", (1, "two", {"three": 3}))
    emit("list", [1, 2])
    emit("nothing")
    emit("null", None)
    send("text")
    send({"j": 1}, json=True)
    socketio.send("text by socketio", to=request.sid)
    socketio.send({"j": 2}, json=True, to=request.sid)
    socketio.emit("with broadcast", 1, to=request.sid)


@socketio.on("background")
def background():
    def work(sid):
        socketio.sleep(0)
        socketio.emit("worked", 1, to=sid)

    socketio.start_background_task(work, request.sid)


@socketio.on("server")
def use_server():
    server = socketio.server
    server.enter_room(request.sid, "by server")
    server.emit("by server", 1, room="by server")
    with server.session(request.sid) as stored:
        stored["k"] = 1
    return server.get_session(request.sid), "by server" in server.rooms(request.sid)


# --- errors


@socketio.on_error("/errors")
def answer_error(error):
    return "handled", str(error)


@socketio.on("fail", namespace="/errors")
def fail():
    raise ValueError("failed")


# --- classes


class Talk(Namespace):
    def __init__(self, path, name):
        super().__init__(path)
        self.name = name

    def on_connect(self, auth=None):
        self.emit("hello", {"auth": auth})

    def on_disconnect(self, reason):
        print(f"left: {self.name} {reason}")

    def on_say(self, data):
        self.emit("to all", data)
        self.send("to room", room=request.sid)
        emit("to me", data)
        return self.name, data

    def on_many(self, *args):
        return list(args)

    @staticmethod
    def on_static(value):
        return value

    @classmethod
    def on_class(cls, value):
        return cls.__name__, value


class Router(Namespace):
    def trigger_event(self, event, *args):
        if event in ("connect", "disconnect"):
            return super().trigger_event(event, *args)
        return "routed", event, list(args[1:])


socketio.on_namespace(Talk("/talk", "talk"))
socketio.on_namespace(Router("/router"))
socketio.init_app(app, cookie="io", http_compression=False, async_mode="threading", ping_timeout=10)


@socketio.on("late", namespace="/late")
def registered_after_init_app():
    return "late"


if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
