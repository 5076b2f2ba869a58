"""The models of every Python server here, so that all do the same work."""

from __future__ import annotations

import threading

from pydantic import BaseModel, Field


class Message(BaseModel):
    room: str = Field(max_length=64)
    text: str = Field(max_length=2000)
    tags: list[str] = Field(max_length=8)
    ts: float
    author: str = Field(max_length=64)


class Posted(BaseModel):
    id: int
    room: str
    author: str
    length: int


def post(message: Message) -> Posted:
    return Posted(id=1, room=message.room, author=message.author, length=len(message.text))


def burn() -> None:
    """Keep a thread of this process busy with Python code, for as long as it lives."""
    threading.Thread(target=_count, daemon=True).start()


def _count() -> None:
    number = 0
    while True:
        number = (number * 31 + 7) % 1_000_003
