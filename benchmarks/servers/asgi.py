"""python-socketio's AsyncServer, for uvicorn and granian: ``asgi.py PORT uvicorn|granian``."""

from __future__ import annotations

import asyncio
import sys

import socketio
from chat import Message, post

server = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(server)


@server.event(namespace="/chat")
async def connect(sid, environ):
    pass


@server.event(namespace="/chat")
async def message(sid, data):
    return post(Message.model_validate(data)).model_dump()


@server.event(namespace="/chat")
async def untyped(sid, data):
    return {"id": 1, "room": data["room"], "author": data["author"], "length": len(data["text"])}


@server.event(namespace="/chat")
async def broadcast(sid, data):
    posted = post(Message.model_validate(data)).model_dump()
    await server.emit("posted", posted, namespace="/chat")
    return posted


@server.event(namespace="/chat")
async def slow(sid, data):
    await asyncio.sleep(0.02)
    return post(Message.model_validate(data)).model_dump()


if __name__ == "__main__":
    port = int(sys.argv[1])
    if sys.argv[2] == "granian":
        from granian import Granian

        Granian("asgi:app", "127.0.0.1", port, interface="asgi", loop="uvloop", log_enabled=False).serve()
    else:
        import uvicorn

        uvicorn.run(app, port=port, log_level="error", access_log=False)
