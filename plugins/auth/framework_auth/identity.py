"""`Identity`, who a client is, and how handlers and guards ask for it.

It is found in ``flask.g.identity``, where the plugin's middleware puts it for every connect, event and disconnect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import flask
from pydantic import BaseModel, ConfigDict, Field

from framework import Depends, EventError, PluginError

_MISSING = object()


class Identity(BaseModel):
    """Who a client is.

    Subclass it for fields of your own, and say how they are filled: ``Auth(identify=...)``.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(min_length=1)
    """The account: the token's ``sub``, or what Flask-Login or the session says."""
    scopes: frozenset[str] = frozenset()
    """What it may do, e.g. ``chat:write``."""
    claims: Mapping[str, Any] = Field(default_factory=dict, repr=False)
    """Everything in the token; empty without one."""
    expires_at: int | None = None
    """When it ends, in seconds since 1970; None where it does not."""
    source: str = "jwt"
    """``jwt``, ``flask_login`` or ``session``."""


IdentityT = TypeVar("IdentityT", bound=Identity)


def optional_identity() -> Identity | None:
    """Return who the client is, or None: ``me: Identity | None = Depends(optional_identity)``.

    Raises:
        PluginError: The plugin is not loaded.
    """
    found = flask.g.get("identity", _MISSING)
    if found is _MISSING:
        raise PluginError(
            "nobody said who the client is: plugin auth is not loaded. Pass it: SocketIO(plugins=[Auth])."
        )
    return cast("Identity | None", found)


def current_identity(identity: Identity | None = Depends(optional_identity)) -> Identity:
    """Return who the client is: ``me: Identity = Depends(current_identity)``.

    Raises:
        EventError: Nobody knows (``unauthorized``).
    """
    if identity is None:
        raise EventError("unauthorized", "Log in first.")
    return identity


def login_required(identity: Identity = Depends(current_identity)) -> bool:
    """Let only those in of whom it is known who they are: ``@guard(login_required)``."""
    return True


_typed: dict[type[Identity], Callable[..., Any]] = {}


def identity_of(cls: type[IdentityT]) -> Callable[..., IdentityT]:
    """Return a dependency that gives an `Identity` of your own class: ``me: Member = Depends(identity_of(Member))``.

    It is the same function for the same class, so that a test can put another in its place. When it is called it raises
    a `TypeError` where ``Auth(identify=...)`` made something else of the client.
    """

    def typed_identity(identity: Identity = Depends(current_identity)) -> IdentityT:
        if not isinstance(identity, cls):
            raise TypeError(
                f"the client is {type(identity).__name__}, not {cls.__name__}. Auth(identify=...) makes one of the other."
            )
        return identity

    typed_identity.__name__ = typed_identity.__qualname__ = f"identity_of({cls.__name__})"
    return cast("Callable[..., IdentityT]", _typed.setdefault(cls, typed_identity))


def scopes(*needed: str) -> Callable[..., bool]:
    """Return a guard for those who have all of these scopes: ``@guard(scopes("chat:write"))``.

    Others get ``forbidden`` with ``{"scopes": [...]}``, the missing ones in the order given; who is not known at all gets
    ``unauthorized``.

    Raises:
        TypeError: No scope is named, or one is no text.
    """
    if not needed or not all(isinstance(name, str) and name for name in needed):
        raise TypeError(f"scopes takes names, e.g. scopes('chat:write'), not {needed!r}.")

    def check(identity: Identity = Depends(current_identity)) -> bool:
        if missing := [name for name in needed if name not in identity.scopes]:
            raise EventError("forbidden", "You may not do that.", {"scopes": missing})
        return True

    check.__name__ = check.__qualname__ = f"scopes({', '.join(map(repr, needed))})"
    return check
