"""A dashboard of an application's clients, rooms and events: the plugin ``admin``."""

from __future__ import annotations

from .plugin import Admin
from .settings import Settings

__all__ = ["Admin", "Settings"]
