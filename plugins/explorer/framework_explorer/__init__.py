"""A page that shows an application's events and calls them: the plugin ``explorer``."""

from __future__ import annotations

from .plugin import Explorer
from .settings import Settings

__all__ = ["Explorer", "Settings"]
