"""What every test leaves as it found it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def log_settings() -> Iterator[None]:
    """Undo what a server that was started in this process has said about its log."""
    loggers = [logging.getLogger(name) for name in ("framework", "framework.events", "werkzeug")]
    before = [(logger, logger.level, [*logger.handlers], logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate
