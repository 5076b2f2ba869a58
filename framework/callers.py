"""Who is being served: the client whose connect, event or disconnect is being handled where it is asked."""

from __future__ import annotations

from typing import Any, NamedTuple

import flask
from flask import globals as flask_globals

# Flask's own and private; without it, its proxy says the same.
_request_variable: Any = vars(flask_globals).get("_cv_request")


class Caller(NamedTuple):
    """One of them, as a namespace knows it."""

    sid: str
    namespace: str


def find_caller() -> Caller | None:
    """Return who is being served here, or None; Flask's request knows it, too, but would have to be made for that."""
    context = _request_variable.get(None) if _request_variable is not None else None
    caller: Any = getattr(context, "caller", None)
    if caller is not None:
        return Caller(*caller)
    if not flask.has_request_context() or (sid := getattr(flask.request, "sid", None)) is None:
        return None
    return Caller(str(sid), getattr(flask.request, "namespace", None) or "/")
