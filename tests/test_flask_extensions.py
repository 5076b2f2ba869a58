"""Flask-Login and Flask-SQLAlchemy inside events, in the test's own process; real servers are in `wire/`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import flask_login  # type: ignore[import-untyped]
import pytest
from flask import Flask, copy_current_request_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from framework import EventError, Namespace, SocketIO
from framework.testing import Client
from tests.flask_tools import Store, on

WAIT_S = 10.0
AGENT = {"User-Agent": "a browser"}  # "strong" session protection wants it to stay the same


# -- Flask-Login


class User(flask_login.UserMixin):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.id = name


class Account(Namespace):
    """Who Flask-Login takes the client for."""

    namespace = "/account"
    seen: list[Any] = []  # noqa: RUF012 - the test clears it

    def on_connect(self) -> None:
        self.seen.append(self._who())

    def on_who(self) -> str | None:
        return self._who()

    async def on_who_async(self) -> str | None:
        return self._who()

    def on_login(self, name: str) -> bool:
        return bool(flask_login.login_user(User(name)))

    def on_logout(self) -> str | None:
        flask_login.logout_user()
        return self._who()

    def on_disconnect(self) -> None:
        self.seen.append(self._who())

    def _who(self) -> str | None:
        return flask_login.current_user.get_id()  # type: ignore[no-any-return]


@pytest.fixture
def loaded() -> list[str]:
    """Whom the user loader was asked for."""
    return []


def build_accounts(loaded: list[str], **options: Any) -> Flask:
    Account.seen.clear()
    app = Flask("accounts")
    app.secret_key = "only for tests"
    manager = flask_login.LoginManager(app)
    manager.session_protection = "strong"

    @manager.user_loader
    def load(name: str) -> User:
        loaded.append(name)
        return User(name)

    @app.get("/login/<name>")
    def login(name: str) -> str:
        flask_login.login_user(User(name))
        return "welcome"

    @app.get("/who")
    def who() -> str:
        return str(flask_login.current_user.get_id())

    SocketIO(app, namespaces=[Account], **options)
    return app


def test_user_who_logged_in_over_http_is_current_user_at_connect_in_events_and_at_disconnect(
    loaded: list[str],
) -> None:
    app = build_accounts(loaded)
    browser = app.test_client()
    browser.get("/login/ada", headers=AGENT)
    client = Client(app, Account, flask_client=browser, headers=AGENT)
    assert [client.call("who"), client.call("who_async"), client.call("who")] == ["ada"] * 3
    client.disconnect()
    assert Account.seen == ["ada", "ada"]


def test_user_is_loaded_once_for_each_event(loaded: list[str]) -> None:
    app = build_accounts(loaded)

    @on(app, "twice")
    def twice() -> list[Any]:
        return [flask_login.current_user.get_id() for _ in range(2)]

    browser = app.test_client()
    browser.get("/login/ada", headers=AGENT)
    client = Client(app, flask_client=browser, headers=AGENT)
    loaded.clear()
    assert [client.call("twice"), client.call("twice")] == [["ada", "ada"]] * 2
    assert loaded == ["ada", "ada"]


def test_client_without_a_login_is_anonymous(loaded: list[str]) -> None:
    app = build_accounts(loaded)
    browser = app.test_client()
    browser.get("/login/ada", headers=AGENT)
    ada, stranger = Client(app, Account, flask_client=browser, headers=AGENT), Client(app, Account, headers=AGENT)
    assert [stranger.call("who"), ada.call("who"), stranger.call("who")] == [None, "ada", None]


def test_logout_in_a_handler_is_the_connections(loaded: list[str]) -> None:
    app = build_accounts(loaded)
    browser = app.test_client()
    browser.get("/login/ada", headers=AGENT)
    client = Client(app, Account, flask_client=browser, headers=AGENT)
    assert [client.call("who"), client.call("logout"), client.call("who"), client.call("who_async")] == [
        "ada",
        None,
        None,
        None,
    ]
    assert browser.get("/who", headers=AGENT).text == "ada"


def test_login_in_a_handler_lasts_as_long_as_the_connection(loaded: list[str]) -> None:
    app = build_accounts(loaded)
    client = Client(app, Account, headers=AGENT)
    assert [client.call("login", "bob"), client.call("who"), client.call("who")] == [True, "bob", "bob"]
    assert Client(app, Account, headers=AGENT).call("who") is None


def test_logout_in_a_handler_is_the_browsers_where_the_application_keeps_its_sessions(
    loaded: list[str],
) -> None:
    app = build_accounts(loaded, manage_session=False)
    app.session_interface = Store()
    browser = app.test_client()
    browser.get("/login/ada", headers=AGENT)
    client = Client(app, Account, flask_client=browser, headers=AGENT)
    assert client.call("who") == "ada"
    client.call("logout")
    assert [client.call("who"), browser.get("/who", headers=AGENT).text] == [None, "None"]


# -- Flask-SQLAlchemy


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Author(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


class Library(Namespace):
    """Works with the database in every way that handlers have."""

    namespace = "/library"
    sessions: list[Any] = []  # noqa: RUF012 - the test clears it

    def on_connect(self) -> None:
        self._count()

    def on_count(self) -> int:
        return self._count()

    async def on_count_async(self) -> int:
        return self._count()

    def on_fail(self) -> None:
        self._count()
        raise LookupError("after a query")

    def on_refuse(self) -> None:
        self._count()
        raise EventError("closed", "The library is closed.")

    def on_write(self, title: str) -> list[Any]:
        book = Book(title=title, author=Author(name=f"author of {title}"))
        db.session.add(book)
        db.session.commit()
        return [book.title, book.author.name, len(book.author.books)]  # loaded again, after the commit

    def on_write_half(self, title: str) -> None:
        db.session.add(Book(title=title, author=Author(name="nobody")))
        db.session.flush()

    def on_break(self) -> None:
        db.session.add(Book(title=None, author=Author(name="nobody")))
        db.session.flush()

    def on_mark(self) -> bool:
        before = "mark" in db.session.info
        db.session.info["mark"] = True
        return before

    def on_titles(self) -> Iterator[str]:
        for book in db.session.scalars(db.select(Book).order_by(Book.title)):
            yield f"{book.title} by {book.author.name}"

    def on_disconnect(self) -> None:
        self._count()

    def _count(self) -> int:
        self.sessions.append(db.session())
        return cast(int, db.session.scalar(db.select(db.func.count()).select_from(Book)))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Flask]:
    """With room for one connection in the pool: whoever keeps it stops all the others."""
    Library.sessions.clear()
    app = Flask("library")
    app.secret_key = "only for tests"
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'library.db'}"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}
    db.init_app(app)
    with app.app_context():
        db.create_all()
    SocketIO(app, namespaces=[Library])
    yield app
    with app.app_context():
        db.engine.dispose()


def checked_out(app: Flask) -> int:
    with app.app_context():
        return cast(int, cast(Any, db.engine.pool).checkedout())


@pytest.mark.parametrize("event", ["count", "count_async", "fail", "refuse", "break", "write_half"])
def test_connection_to_the_database_goes_back_to_the_pool_after_each_event(library: Flask, event: str) -> None:
    clients = [Client(library, Library) for _ in range(5)]
    args = ("unfinished",) if event == "write_half" else ()
    for number in range(50):
        clients[number % 5].emit(event, *args)
        assert checked_out(library) == 0
    assert clients[0].call(Library.on_count) == 0


def test_connection_to_the_database_goes_back_to_the_pool_at_connect_and_at_disconnect(library: Flask) -> None:
    for _ in range(5):
        client = Client(library, Library)
        assert checked_out(library) == 0
        client.disconnect()
        assert checked_out(library) == 0
    assert len(Library.sessions) == 10


def test_database_session_of_one_event_is_not_seen_in_the_next(library: Flask) -> None:
    client = Client(library, Library)
    assert [client.call(Library.on_mark) for _ in range(3)] == [False] * 3
    client.call(Library.on_count)
    client.call(Library.on_count_async)
    assert len({id(found) for found in Library.sessions}) == 3  # with that of the connect


def test_objects_of_the_database_work_inside_the_handler(library: Flask) -> None:
    client = Client(library, Library)
    assert client.call(Library.on_write, "Emma") == ["Emma", "author of Emma", 1]
    assert client.call(Library.on_count) == 1


def test_what_a_handler_does_not_commit_is_rolled_back(library: Flask) -> None:
    client = Client(library, Library)
    client.call(Library.on_write_half, "Emma")
    assert client.call(Library.on_count) == 0


def test_database_session_that_failed_does_not_fail_the_next_event(library: Flask) -> None:
    client = Client(library, Library)
    with pytest.raises(EventError, match="internal_error"):
        client.call(Library.on_break)
    assert client.call(Library.on_write, "Emma") == ["Emma", "author of Emma", 1]


def test_database_session_of_a_stream_lasts_until_it_ends(library: Flask) -> None:
    client = Client(library, Library)
    for title in ("Emma", "Persuasion"):
        client.call(Library.on_write, title)
    stream = client.stream(Library.on_titles)
    assert [*stream] == ["Emma by author of Emma", "Persuasion by author of Persuasion"]
    assert checked_out(library) == 0


def test_database_session_in_a_copied_context_is_its_own_and_is_removed(library: Flask) -> None:
    sessions: list[Any] = []

    @on(library, "start")
    def start() -> None:
        @copy_current_request_context
        def work() -> None:
            sessions.append(db.session())
            db.session.scalars(db.select(Book)).all()

        sessions.append(db.session())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(WAIT_S)

    Client(library).call("start")
    assert sessions[0] is not sessions[1]
    assert checked_out(library) == 0
