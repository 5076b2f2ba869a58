"""Rate limits for events and connects: per connection, event, user and address; in memory or in Redis."""

from __future__ import annotations

from .limiter import rate_limited
from .marks import limit
from .plugin import RateLimit
from .settings import Settings

__all__ = ["RateLimit", "Settings", "limit", "rate_limited"]
