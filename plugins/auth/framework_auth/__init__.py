"""Who a client is: from a JSON Web Token, Flask-Login or the session; at connect, for every event, until it expires.

`Auth` is the plugin. Handlers ask for `current_identity`, guards are `login_required` and `scopes`.
"""

from __future__ import annotations

from .identity import Identity, current_identity, identity_of, login_required, optional_identity, scopes
from .plugin import Auth
from .revocations import RevocationError
from .settings import Settings

__all__ = [
    "Auth",
    "Identity",
    "RevocationError",
    "Settings",
    "current_identity",
    "identity_of",
    "login_required",
    "optional_identity",
    "scopes",
]
