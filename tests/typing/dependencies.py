# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What mypy and pyright know of dependencies, guards and middleware. Checked, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator, Iterator
from typing import Annotated, Any, assert_type

from flask import Flask

from framework import Depends, EventError, Handling, Middleware, Namespace, Proceed, SocketIO, guard, raises, use
from framework.testing import Client, ClientFactory


class User:
    name: str = ""


class Db:
    def __init__(self, user: User = Depends(User)) -> None: ...


def plain() -> User:
    return User()


async def asynchronous() -> User:
    return User()


def awaitable() -> Awaitable[User]:
    return asynchronous()


def iterator() -> Iterator[User]:
    yield User()


def generator() -> Generator[User]:
    yield User()


async def async_iterator() -> AsyncIterator[User]:
    yield User()


async def async_generator() -> AsyncGenerator[User]:
    yield User()


def depends_gives_what_is_filled_in() -> None:
    assert_type(Depends(plain), User)
    assert_type(Depends(asynchronous), User)
    assert_type(Depends(awaitable), User)
    assert_type(Depends(iterator), User)
    assert_type(Depends(generator), User)
    assert_type(Depends(async_iterator), User)
    assert_type(Depends(async_generator), User)
    assert_type(Depends(User), User)
    assert_type(Depends(Db), Db)
    Depends(5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


def is_admin(handling: Handling, user: User = Depends(plain)) -> bool:
    return handling.kind == "connect" or user.name == "ada"


async def is_awake() -> bool:
    return True


def count(handling: Handling, proceed: Proceed) -> Any:
    return proceed()


async def count_async(handling: Handling, proceed: Proceed) -> Any:
    return await proceed()


class Audit(Middleware):
    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        return proceed()

    async def event(self, handling: Handling, proceed: Proceed) -> Any:
        assert_type(handling.args, tuple[Any, ...])
        handling.args = ("other",)
        return await proceed()


class RoomFull(EventError):
    """No seat is left."""

    code = "room_full"


@guard(is_awake)
class Chat(Namespace):
    namespace = "/chat"
    middleware = (Audit(), count)

    @guard(is_admin, code="unauthorized", message="Log in first.")
    def on_connect(self, auth: str | None = None, db: Db = Depends(Db)) -> None: ...

    @guard(is_admin)
    @raises(RoomFull)
    @use(count, count_async, Audit())
    def on_post(self, text: str, user: User = Depends(asynchronous)) -> int:
        return len(text + user.name)

    def on_marked(self, user: Annotated[User, Depends(iterator)], text: str) -> str:
        return user.name + text

    def on_wrong(self, db: Db = Depends(plain)) -> None: ...  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]

    async def before_event(self, handling: Handling) -> None:
        raise RoomFull(message="Full.")

    def after_event(self, handling: Handling, error: Exception | None) -> None: ...


app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat], middleware=[Audit(), count, count_async])
socketio.use(Audit(), count)
socketio.use(Audit)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
guard(True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
raises(KeyError)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@socketio.on("ping")
@guard(is_admin)
@use(count)
def ping(text: str, user: User = Depends(plain)) -> str:
    return user.name + text


def decorators_keep_the_type(framework_client: ClientFactory) -> None:
    assert_type(ping("hi"), str)
    ada = framework_client(Chat)
    assert_type(ada.call(Chat.on_post, "hi"), int)
    ada.call(Chat.on_post, 5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ada.call(Chat.on_post)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    ada.call(Chat.on_marked, "hi")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    Client(app, Chat, overrides={plain: User, is_admin: lambda: True})
    Client(app, Chat, overrides={"plain": User})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
