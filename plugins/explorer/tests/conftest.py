"""An application in the test's own process, with the explorer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from framework_explorer import Explorer

from framework import SocketIO
from tests.contract.corpus import Empty, Nasty

Build = Callable[..., Flask]


class Browser(FlaskClient):
    """Reads each answer to its end, so that no file stays open."""

    def open(self, *args: Any, **options: Any) -> Any:
        return super().open(*args, **{"buffered": True, **options})


@pytest.fixture
def build() -> Build:
    """Make an application: ``build(Explorer(), debug=False, EXPLORER_ENABLED=True)``."""

    def make(explorer: Explorer | type[Explorer] = Explorer, *, debug: bool = True, **settings: Any) -> Flask:
        app = Flask("corpus")
        app.test_client_class = Browser
        app.debug = debug
        app.secret_key = "for tests"
        app.config["FRAMEWORK_STRICT_PLUGINS"] = True
        app.config.update({f"FRAMEWORK_{name}": value for name, value in settings.items()})
        SocketIO(app, namespaces=[Nasty, Empty], plugins=[explorer])
        return app

    return make
