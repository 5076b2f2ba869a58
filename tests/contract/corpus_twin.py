"""A model that has its name from another module's, on purpose."""

from __future__ import annotations

from pydantic import BaseModel


class Inner(BaseModel):
    """The other one."""

    y: str
