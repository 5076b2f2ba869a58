"""The settings of the plugin."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr


class Settings(BaseModel):
    """Each field is ``FRAMEWORK_EXPLORER_<FIELD>`` in ``app.config`` or the environment.

    Args:
        enabled: Whether there is an explorer. Where it is not said: in debug, for this machine only.
        path: Where the page is.
        password: What a browser asks for: plain, at least 8 characters, or a hash of ``werkzeug.security``.
    """

    enabled: bool | None = None
    path: str = Field(default="/explorer", pattern=r"^(/[A-Za-z0-9_.~-]+)+$")
    password: Annotated[SecretStr, Field(min_length=8, max_length=1000)] | None = None
