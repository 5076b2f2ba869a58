"""The application: `create_app` puts settings, pages and namespaces together."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from framework import SocketIO

from .lobby import Lobby
from .namespaces.chat import Chat
from .settings import load_settings
from .web import pages


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Build the application.

    Args:
        config: Settings that win over those of the environment; tests pass some.
    """
    app = Flask(__name__)
    settings = load_settings(app, config)
    app.extensions["lobby"] = Lobby(settings)
    app.register_blueprint(pages)
    SocketIO(app, namespaces=[Chat])
    return app
