"""This framework: the async mode and the server come from the command line."""

from __future__ import annotations

import sys
import time

if "gevent" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

from chat import Message, Posted, post
from flask import Flask

from framework import Event, Namespace, SocketIO


class Chat(Namespace):
    namespace = "/chat"

    posted = Event[Posted]("What was said.")

    def on_message(self, message: Message) -> Posted:
        return post(message)

    def on_untyped(self, message):
        return {"id": 1, "room": message["room"], "author": message["author"], "length": len(message["text"])}

    def on_broadcast(self, message: Message) -> Posted:
        posted = post(message)
        self.posted.broadcast(posted)
        return posted

    def on_slow(self, message: Message) -> Posted:
        time.sleep(0.02)
        return post(message)


app = Flask(__name__)
app.config["SECRET_KEY"] = "benchmark"
socketio = SocketIO(app, namespaces=[Chat], async_mode="gevent" if "gevent" in sys.argv else "threading")

if __name__ == "__main__":
    if "werkzeug" in sys.argv:
        import logging

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        from werkzeug.serving import make_server

        make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
    else:
        socketio.run(app, port=int(sys.argv[1]))
