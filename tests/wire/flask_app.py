"""A shop with Flask-Login and Flask-SQLAlchemy, its HTTP side and its events; a script as ``app.py``.

``DATABASE`` is the file; ``MANAGE_SESSION=0`` leaves the session to Flask, kept in the process as server-side
sessions are.
"""

from __future__ import annotations

import os

if os.environ["FRAMEWORK_ASYNC_MODE"] == "gevent":
    from gevent import monkey

    monkey.patch_all()

import contextvars
import logging
import threading
import uuid
from typing import Any

import flask
from flask import Flask, copy_current_request_context, g, request, session
from flask.sessions import SecureCookieSession, SessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user  # type: ignore[import-untyped]
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from framework import EventError, Handling, Namespace, SocketIO

WAIT_S = 20.0
name_of: contextvars.ContextVar[str] = contextvars.ContextVar("name_of", default="nobody")
torn: dict[str, list[Any]] = {}
signalled: dict[str, list[str]] = {}
late: dict[str, Any] = {}
gates: dict[str, threading.Event] = {}
arrived = threading.Barrier(2)


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Order(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class User(UserMixin):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.id = name


class StoredSession(SecureCookieSession):
    key = ""


class ServerSide(SessionInterface):
    """Keeps sessions in this process; the cookie is a key."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def open_session(self, app: Flask, request: flask.Request) -> StoredSession:
        key = request.cookies.get("shop", "") or uuid.uuid4().hex
        found = StoredSession(self.kept.get(key, {}))
        found.key = key
        return found

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        self.kept[session.key] = dict(session)
        response.set_cookie("shop", session.key)


def gate(name: str) -> threading.Event:
    return gates.setdefault(name, threading.Event())


class Shop(Namespace):
    """What it sees of Flask."""

    namespace = "/shop"

    def before_event(self, handling: Handling) -> None:
        g.opened = handling.event

    def on_connect(self) -> None:
        session.setdefault("visits", 0)

    def on_look(self) -> dict[str, Any]:
        return self._look()

    async def on_look_async(self) -> dict[str, Any]:
        return self._look()

    def on_meet(self, name: str) -> list[Any]:
        """Return, when two clients are here at the same time, what this one sees afterwards."""
        g.name = session["name"] = name
        before = name_of.get()
        name_of.set(name)
        arrived.wait(WAIT_S)
        return [before, name_of.get(), g.name, session["name"], request.sid, request.args.get("who")]  # type: ignore[attr-defined]

    def on_name(self) -> str:
        return name_of.get()

    def on_put(self, key: str, value: str) -> None:
        session[key] = value

    def on_get(self, key: str) -> Any:
        return session.get(key)

    def on_start(self, name: str) -> None:
        """Start a thread, or a greenlet, that goes on when its gate is opened, after the event."""
        session["started"] = g.name = name

        @copy_current_request_context
        def work() -> None:
            assert gate(name).wait(WAIT_S)
            about: Any = request
            found = [about.sid, about.event["message"], session["started"], flask.current_app.name, g.get("name")]
            late[name] = [*found, current_user.get_id(), db.session.query(Order).count()]
            db.session.remove()
            gate(f"{name} is done").set()

        self.socketio.start_background_task(work)

    def on_open_gate(self, name: str) -> list[Any]:
        gate(name).set()
        assert gate(f"{name} is done").wait(WAIT_S)
        return late[name]  # type: ignore[no-any-return]

    def on_nest(self) -> bool:
        before = self._look()
        with app.app_context():
            assert "opened" not in g
        with app.test_request_context("/elsewhere"):
            assert request.path == "/elsewhere"
        assert app.test_client().get("/who").text == "None"
        return self._look() == before

    def on_url(self) -> list[str]:
        return [flask.url_for("who"), flask.url_for("who", _external=True)]

    def on_flash(self, text: str) -> None:
        flask.flash(text)

    def on_flashed(self) -> list[str]:
        return flask.get_flashed_messages()  # type: ignore[return-value]

    def on_fail(self) -> None:
        raise LookupError("fail")

    def on_logout(self) -> None:
        logout_user()

    def on_order(self, text: str) -> int:
        order = Order(text=text)
        db.session.add(order)
        db.session.commit()
        return order.id

    def on_orders(self, then: str = "") -> int:
        count: int = db.session.query(Order).count()
        if then == "fail":
            raise LookupError(then)
        if then == "refuse":
            raise EventError("closed", "The shop is closed.")
        return count

    async def on_orders_async(self) -> int:
        return db.session.query(Order).count()  # type: ignore[no-any-return]

    def on_disconnect(self) -> None:
        db.session.query(Order).count()

    def _look(self) -> dict[str, Any]:
        about: Any = request
        return {
            "sid": about.sid,
            "event": about.event["message"],
            "namespace": about.namespace,
            "path": about.path,
            "agent": about.headers.get("X-Agent"),
            "who": about.args.get("who"),
            "address": about.remote_addr,
            "user": current_user.get_id(),
            "g": sorted(name for name in g if not name.startswith("_")),
            "app": flask.current_app.name,
            "context": flask.has_request_context(),
        }


app = Flask("shop")
app.config["SECRET_KEY"] = "a key for tests only"
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.environ['DATABASE']}"
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5}
if os.environ.get("MANAGE_SESSION") == "0":
    app.session_interface = ServerSide()
db.init_app(app)
with app.app_context():
    db.create_all()
LoginManager(app).user_loader(User)
socketio = SocketIO(app, namespaces=[Shop], manage_session=os.environ.get("MANAGE_SESSION") != "0")


def is_event() -> bool:
    return hasattr(request, "event")


def who_is_served() -> str:
    return request.args.get("who", "?")


@app.teardown_request
def note_request(error: BaseException | None) -> None:
    if is_event():
        about: Any = request
        torn.setdefault(who_is_served(), []).append(["request", about.event["message"], error and type(error).__name__])


@app.teardown_appcontext
def note_app(error: BaseException | None) -> None:
    if g.get("opened"):
        torn.setdefault("app", []).append([g.opened, error and type(error).__name__])


def note_signal(name: str) -> Any:
    def receive(sender: Any, **about: Any) -> None:
        if flask.has_request_context() and is_event():
            signalled.setdefault(who_is_served(), []).append(name)

    return receive


receivers = {name: note_signal(name) for name in ("request_tearing_down", "appcontext_tearing_down")}
for found, receiver in receivers.items():
    getattr(flask, found).connect(receiver, app)


@app.get("/login/<name>")
def login(name: str) -> str:
    login_user(User(name))
    return "welcome"


@app.get("/who")
def who() -> str:
    return str(current_user.get_id())


@app.get("/session/<key>/<value>")
def put(key: str, value: str) -> str:
    session[key] = value
    return "put"


@app.get("/session/<key>")
def get(key: str) -> str:
    return str(session.get(key))


@app.get("/state/<who>")
def state(who: str) -> dict[str, Any]:
    pool: Any = db.engine.pool
    return {
        "torn": torn.get(who, []),
        "app": torn.get("app", []),
        "signalled": signalled.get(who, []),
        "checked_out": pool.checkedout(),
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    socketio.run(app, port=int(os.environ["PORT"]))
