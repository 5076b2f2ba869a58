"""pydantic-socketio's AsyncServer on uvicorn: ``typed_peer.py PORT``."""

from __future__ import annotations

import asyncio
import sys

import socketio
import uvicorn
from chat import Message, post
from pydantic_socketio import AsyncServer

server = AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(server)


@server.on("connect", namespace="/chat")
async def connect(sid: str, environ: dict) -> None:
    pass


@server.on("message", namespace="/chat")
async def message(sid: str, data: Message) -> dict:
    return post(data).model_dump()


@server.on("broadcast", namespace="/chat")
async def broadcast(sid: str, data: Message) -> dict:
    posted = post(data).model_dump()
    await server.emit("posted", posted, namespace="/chat")
    return posted


@server.on("slow", namespace="/chat")
async def slow(sid: str, data: Message) -> dict:
    await asyncio.sleep(0.02)
    return post(data).model_dump()


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
