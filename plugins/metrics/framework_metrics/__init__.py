"""Prometheus metrics for an application: the plugin ``metrics``.

`plugin` puts it together; `events` counts what happens, `population` looks at who is there, `labels` keeps the number of
series bounded, `endpoint` shows them to who may see them, `workers` is for several processes.
"""

from __future__ import annotations

from .plugin import Metrics
from .settings import Settings
from .workers import child_exit

__all__ = ["Metrics", "Settings", "child_exit"]
