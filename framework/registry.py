"""Who serves what in one application: functions and namespace instances, ready to be called.

Filled at start; an event is one or two look-ups in dictionaries that clients can't reach into.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from .handlers import LIFE_CYCLE, Handler, HandlerTable

ANY = "*"
LONGEST_GUESS = 64


@dataclass(frozen=True, eq=False)
class Target:
    """What one event runs.

    Args:
        handler: None for a namespace that routes its events itself.
        owner: The namespace instance, or None for a function.
        named: It serves any event and takes the name as its first argument.
    """

    handler: Handler | None
    call: Callable[..., Any]
    owner: Any = None
    named: bool = False

    @property
    def place(self) -> str:
        """Where it is, for the log."""
        return f"{self.handler.name} ({self.handler.location})" if self.handler else type(self.owner).__name__

    def known_name(self, event: str) -> str | None:
        """Return the event's name where it is the application's own, None where it is the client's."""
        return event if self.handler is not None and not self.named else None


class Mounted:
    """A namespace instance with its handlers bound.

    Args:
        routes_itself: Its class overrides ``trigger_event``, Flask-SocketIO's seam, and gets every event there.
    """

    def __init__(self, namespace: Any, table: HandlerTable, *, routes_itself: bool) -> None:
        life_cycle = [handler for handler in (table.connect, table.disconnect) if handler is not None]
        self.targets = {
            handler.event: Target(handler, handler.bind(namespace), namespace)
            for handler in (*table.events.values(), *life_cycle)
        }
        self._router = Target(None, namespace.trigger_event, namespace) if routes_itself else None

    def find(self, event: str) -> Target | None:
        return self._router or self.targets.get(event)


class Registry:
    """The handlers of one application."""

    def __init__(self) -> None:
        self._functions: dict[str, dict[str, Target]] = {}
        self._classes: dict[str, Mounted] = {}

    def add_function(self, namespace: str, handler: Handler) -> None:
        """Serve one event with a function; a later one for the same event takes its place."""
        target = Target(handler, handler.function, named=handler.event == ANY)
        self._functions.setdefault(namespace, {})[handler.event] = target

    def add_class(self, path: str, mounted: Mounted) -> None:
        """Serve a namespace."""
        self._classes[path] = mounted

    def serves(self, namespace: str, accepted: Container[str]) -> bool:
        """Say whether clients may join *namespace*; *accepted* are those that need no handler."""
        return namespace in self._classes or namespace in self._functions or accepted == ANY or namespace in accepted

    def find(self, namespace: str, event: str) -> Target | None:
        """Return what serves *event*: function, catch-all function, any namespace's function, class, in this order."""
        for path in (namespace, ANY):
            if functions := self._functions.get(path):
                found = functions.get(event)
                if found is None and event not in LIFE_CYCLE:
                    found = functions.get(ANY)
                if found is not None:
                    return found
        mounted = self._classes.get(namespace)
        return mounted.find(event) if mounted else None

    def find_method(self, namespace: str, event: str) -> Target | None:
        """Return the class's own handler for *event*, whatever its ``trigger_event`` does."""
        mounted = self._classes.get(namespace)
        return mounted.targets.get(event) if mounted else None

    def guess(self, namespace: str, event: str) -> str | None:
        """Return the name of an event of *namespace* that is nearly *event*, if there is one."""
        if len(event) > LONGEST_GUESS:
            return None
        mounted = self._classes.get(namespace)
        known = {*self._functions.get(namespace, ()), *(mounted.targets if mounted else ())} - {*LIFE_CYCLE, ANY}
        return next(iter(difflib.get_close_matches(event, sorted(known), 1)), None)
