"""The pytest plugin, found by itself where the package is installed: the fixture ``framework_client``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from .client import ClientFactory


@pytest.fixture
def framework_client(app: Flask) -> Iterator[ClientFactory]:
    """Make clients of the application that your ``app`` fixture returns: ``ada = framework_client(Chat)``.

    Every client is dropped when the test ends.
    """
    from .client import ClientFactory

    factory = ClientFactory(app)
    yield factory
    factory.close()
