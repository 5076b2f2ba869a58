"""What the tests of Flask's semantics share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask
from flask.sessions import SecureCookieSession, SessionInterface
from flask.wrappers import Request

F = TypeVar("F", bound=Callable[..., Any])


def on(app: Flask, event: str) -> Callable[[F], F]:
    """Serve *event* on ``/`` with a function of the test."""
    return cast(Callable[[F], F], app.extensions["socketio"].on(event))


class StoredSession(SecureCookieSession):
    key = "the only one"


class Store(SessionInterface):
    """Keeps one session in the process, and counts."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.opened: list[str] = []
        self.saved = 0

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        self.opened.append(request.path)
        return StoredSession(self.kept)

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        response.headers["X-Saved"] = "yes"
        self.saved += 1
        self.kept = dict(session)
