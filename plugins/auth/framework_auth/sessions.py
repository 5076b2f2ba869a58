"""Who a client is where it shows no token: Flask-Login's user, or what the application put into the session."""

from __future__ import annotations

import importlib
import sys
import time

import flask

from .identity import Identity
from .settings import Settings
from .tokens import Proof

FLASK_LOGIN = "flask_login"


def can_read_session(settings: Settings) -> bool:
    """Say whether a session may tell who a client is; Flask-Login may be set up later than the plugin."""
    return bool(settings.session_key) or (settings.flask_login and FLASK_LOGIN in sys.modules)


def read_session(settings: Settings) -> Proof | None:
    """Return who the session of the connection belongs to, or None."""
    if settings.flask_login and hasattr(flask.current_app, "login_manager"):
        user = importlib.import_module(FLASK_LOGIN).current_user
        if user.is_authenticated:
            return _prove(user.get_id(), FLASK_LOGIN)
    if settings.session_key and (found := flask.session.get(settings.session_key)) is not None:
        return _prove(found, "session")
    return None


def _prove(account: object, source: str) -> Proof:
    return Proof(Identity(id=str(account), source=source), None, time.time(), None)
