"""Receiving: text, JSON and events of your own, with one argument, several, and an ack.

A handler is found by the name of the event and the namespace it was sent to. Clients that call
``socket.send(...)`` send the event ``message``; any other name is as good, spaces included. What a
handler returns is the ack of a client that asked for one, a tuple being several values.

The same name, ``my event``, is handled differently in each namespace here.
"""

from typing import Any

from flask import Flask

from framework import SocketIO

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for this example"
socketio = SocketIO(app)


@socketio.on("message")
def handle_message(message: str) -> None:
    print("received message: " + message)


@socketio.on("json")
def handle_json(json: Any) -> None:
    print("received json: " + str(json))


@socketio.on("my event")
def handle_my_custom_event(json: Any) -> tuple[str, int]:
    print("received json: " + str(json))
    return "one", 2


@socketio.on("my event", namespace="/several")
def handle_several_arguments(arg1: str, arg2: str, arg3: str) -> None:
    print("received args: " + arg1 + arg2 + arg3)


@socketio.on("my event", namespace="/test")
def handle_my_custom_namespace_event(json: Any) -> None:
    print("received json in /test: " + str(json))


def my_function_handler(data: Any) -> None:
    print("received data in /function: " + str(data))


socketio.on_event("my event", my_function_handler, namespace="/function")
