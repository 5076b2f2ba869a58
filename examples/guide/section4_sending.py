"""Sending: answer a client with ``send`` and ``emit``, and learn that the answer arrived.

``send`` sends the nameless events ``message`` and ``json``, ``emit`` any other. Inside a handler
both go to the client whose event is being handled, in the namespace it was sent to; ``namespace=``
chooses another one, which the client must have joined as well. A tuple is several arguments. With
``callback=`` the client acknowledges, and the arguments of its ack are those of the callback.
"""

from typing import Any

from flask import Flask

from framework import SocketIO, emit, send

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for this example"
socketio = SocketIO(app)


def ack(*args: Any) -> None:
    print(f"message was received! {args}")


@socketio.on("message")
def handle_message(message: str) -> None:
    send(message)


@socketio.on("json")
def handle_json(json: Any) -> None:
    send(json, json=True)


@socketio.on("my event")
def handle_my_custom_event(json: Any) -> None:
    emit("my response", json, callback=ack)


@socketio.on("connect", namespace="/chat")
def chat_connect() -> None:
    """Let clients into ``/chat``; the handlers of ``/relay`` send there."""


@socketio.on("message", namespace="/relay")
def relay_message(message: str) -> None:
    send(message, namespace="/chat")


@socketio.on("my event", namespace="/relay")
def relay_my_custom_event(json: Any) -> None:
    emit("my response", ("foo", "bar", json), namespace="/chat")
