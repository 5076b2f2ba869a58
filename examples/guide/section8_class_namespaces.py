"""Class-based namespaces: the handlers of one path as the methods of one class.

The event ``my_event`` is handled by the method ``on_my_event``; ``on_connect`` and
``on_disconnect`` follow a client's connection. The path is given to the constructor here, as plain
Flask-SocketIO does it. A class can also name it itself: see ``examples/chat.py``.
"""

from typing import Any

from flask import Flask

from framework import Namespace, SocketIO, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for this example"
socketio = SocketIO(app)


class MyCustomNamespace(Namespace):
    def on_connect(self) -> None:
        print(f"connected to {self.namespace}")

    def on_disconnect(self) -> None:
        print(f"disconnected from {self.namespace}")

    def on_my_event(self, data: Any) -> None:
        emit("my_response", data)


socketio.on_namespace(MyCustomNamespace("/test"))
