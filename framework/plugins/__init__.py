"""Plugins: what other distributions, and the application's own ``plugins`` package, add to an application.

`plugin` is what their authors subclass. `discovery` finds them, `order` puts them in order, `settings` reads what the
operator set, `loading` runs them and adds what they give. Nothing here knows ``SocketIO`` but by what it is handed.
"""

from __future__ import annotations

from .loading import PluginInfo, Plugins, only_report
from .plugin import Plugin

__all__ = ["Plugin", "PluginInfo", "Plugins", "only_report"]
