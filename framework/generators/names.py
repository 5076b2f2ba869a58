"""Keys for names of any kind, each made of its own name alone: the same in every document."""

from __future__ import annotations

import hashlib
import re


def make_key(name: str) -> str:
    """Return *name* with only letters, digits, dots, dashes and underscores of ASCII; a hash tells the changed ones apart."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return plain if plain == name and plain else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
