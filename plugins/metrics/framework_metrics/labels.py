"""Values of labels: bounded, however many names an application or its clients think of."""

from __future__ import annotations

import threading
from collections.abc import Iterable

OTHER = "other"
UNKNOWN = "unknown"
_MAX_LENGTH = 100


class Names:
    """Turns names into values of one label, of which there are at most *limit* and those that are known.

    Args:
        limit: How many names are taken as they come; later ones are ``other``.
        known: Names that always have a value of their own.
    """

    def __init__(self, limit: int, known: Iterable[str] = ()) -> None:
        self._known = frozenset(known)
        self._seen: set[str] = set()
        self._limit = limit
        self._lock = threading.Lock()

    def know(self, name: str) -> None:
        """Give *name* a value of its own from now on."""
        with self._lock:
            self._known = self._known | {name}

    @property
    def known(self) -> frozenset[str]:
        """The names that always have a value of their own."""
        return self._known

    def label(self, name: object) -> str:
        """Return the value for *name*; ``unknown`` for what is no name."""
        if not isinstance(name, str):
            return UNKNOWN
        if name in self._known or name in self._seen:
            return name
        if len(self._seen) >= self._limit or len(name) > _MAX_LENGTH:
            return OTHER
        with self._lock:
            if len(self._seen) < self._limit:
                self._seen.add(name)
            return name if name in self._seen else OTHER
