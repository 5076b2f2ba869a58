"""The settings of the plugin."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, PositiveInt, SecretStr

_PATH = r"^(/[A-Za-z0-9_.~-]+)+$"


class Settings(BaseModel):
    """Each field is ``FRAMEWORK_ADMIN_<FIELD>`` in ``app.config`` or the environment.

    Args:
        enabled: Whether there is a dashboard; only in debug by default.
        password: What to log in with: plain, at least 8 characters, or a hash of ``werkzeug.security``. Without one, and
            without ``Admin(allow=...)``, the dashboard is for this machine only, and only in debug.
        username: Asked for by the official Admin UI, beside the password.
        actions: Whether who is logged in may emit, join, leave and disconnect; only in debug by default.
        path: Where the page is.
        namespace: What the page connects to.
        official: Whether the official Socket.IO Admin UI may connect; it needs a password.
        official_namespace: What the official Admin UI connects to.
        session_s: Seconds after which one has to log in again; at most a day.
        interval_s: Seconds between two updates of the page.
        max_clients: Clients that are listed; the totals count all.
    """

    enabled: bool | None = None
    password: Annotated[SecretStr, Field(min_length=8, max_length=1000)] | None = None
    username: str = Field(default="admin", min_length=1)
    actions: bool | None = None
    path: str = Field(default="/admin", pattern=_PATH)
    namespace: str = Field(default="/_admin", pattern=_PATH)
    official: bool = False
    official_namespace: str = Field(default="/admin", pattern=_PATH)
    session_s: PositiveInt = Field(default=3600, le=86_400)
    interval_s: float = Field(default=0.5, ge=0.1, le=60)
    max_clients: PositiveInt = Field(default=1000, le=10_000)
