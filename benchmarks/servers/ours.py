"""This framework: ``ours.py PORT [werkzeug|gevent|asyncio]``, gunicorn without; see `PEERS` for the environment."""

from __future__ import annotations

import sys
import time

if "gevent" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

from chat import Message, Posted, burn, post
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

    def on_burn(self, message: Message) -> Posted:
        burn()
        return post(message)


app = Flask(__name__)
app.config["SECRET_KEY"] = "benchmark"
socketio = SocketIO(app, namespaces=[Chat], async_mode="gevent" if "gevent" in sys.argv else "threading")

if __name__ == "__main__":
    print("imported", flush=True)
    if "werkzeug" in sys.argv:
        import logging

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        from werkzeug.serving import make_server

        make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
    elif "asyncio" in sys.argv:
        socketio.run(app, port=int(sys.argv[1]), server="asyncio")
    else:
        socketio.run(app, port=int(sys.argv[1]))
