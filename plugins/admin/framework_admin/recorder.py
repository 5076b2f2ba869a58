"""What happens in an application, taken from its signals while somebody looks; without that it costs nothing."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import flask
from blinker import NamedSignal

from framework import EventError, signals

from .shapes import Counter, Entry, Kind, clip

MAX_ENTRIES = 500
MAX_ENTRIES_PER_BATCH = 200
_MEASURED = 1000
_SHOWN_TARGETS = 3

# Of the event that this thread handles: who sent it, and its size.
_arrived: ContextVar[tuple[str, int]] = ContextVar("arrived", default=("", 0))


@dataclass
class _Count:
    handled: int = 0
    failed: int = 0
    total_ms: float = 0.0


class Recorder:
    """The last entries of the log, and how often each event came.

    Args:
        hidden: Paths of the dashboard itself, which is not watched.
    """

    def __init__(self, app: flask.Flask, hidden: Collection[str]) -> None:
        self._app = app
        self._hidden = frozenset(hidden)
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._receivers: tuple[tuple[NamedSignal, Callable[..., None]], ...] = (
            (signals.client_connected, self._on_connected),
            (signals.client_refused, self._on_refused),
            (signals.client_disconnected, self._on_disconnected),
            (signals.event_received, self._on_received),
            (signals.event_handled, self._on_handled),
            (signals.event_failed, self._on_failed),
            (signals.emitted, self._on_emitted),
        )
        self._forget()

    def _forget(self) -> None:
        self._recent: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._new: list[Entry] = []
        self._skipped = 0
        self._counts: dict[tuple[str, str], _Count] = {}
        self._changed: set[tuple[str, str]] = set()
        self._durations: deque[float] = deque(maxlen=_MEASURED)
        self.events = self.failed = self.emits = 0

    def start(self) -> None:
        """Begin with nothing, and listen."""
        with self._lock:
            self._forget()
        for signal, receiver in self._receivers:
            signal.connect(receiver, sender=self._app, weak=False)

    def stop(self) -> None:
        """Listen no longer."""
        for signal, receiver in self._receivers:
            signal.disconnect(receiver)  # with a sender blinker would keep it in the list

    # -- reading

    def take(self) -> tuple[list[Entry], int, list[Counter]]:
        """Return the entries since the last call, how many more there were, and the counters that changed."""
        with self._lock:
            entries, skipped = self._new, self._skipped
            counters = [self._render(key) for key in sorted(self._changed)]
            self._new, self._skipped, self._changed = [], 0, set()
        return entries, skipped, counters

    def recent(self) -> list[Entry]:
        """Return the last entries, oldest first, without those that `take` has yet to give."""
        with self._lock:
            waiting = self._new[0].id if self._new else None
            return [entry for entry in self._recent if waiting is None or entry.id < waiting]

    def counters(self) -> list[Counter]:
        """Return every counter."""
        with self._lock:
            return [self._render(key) for key in sorted(self._counts)]

    def p95_ms(self) -> float | None:
        """Return what 95 of 100 of the last events did not exceed; None before the first."""
        with self._lock:
            measured = sorted(self._durations)
        return round(measured[int(len(measured) * 0.95)], 3) if measured else None

    def _render(self, key: tuple[str, str]) -> Counter:
        count = self._counts[key]
        return Counter(
            namespace=key[0],
            event=key[1],
            handled=count.handled,
            failed=count.failed,
            total_ms=round(count.total_ms, 3),
        )

    # -- writing

    def note(self, kind: Kind, namespace: str, **about: Any) -> None:
        """Add an entry to the log."""
        with self._lock:
            if not self._is_full():
                self._add(kind, namespace, **about)

    def _is_full(self) -> bool:
        """Say whether there are enough entries for one batch; then one more is only counted."""
        if len(self._new) < MAX_ENTRIES_PER_BATCH:
            return False
        self._skipped += 1
        return True

    def _add(self, kind: Kind, namespace: str, **about: Any) -> None:
        entry = Entry(id=next(self._ids), at=time.time(), kind=kind, namespace=clip(namespace), **about)
        self._recent.append(entry)
        self._new.append(entry)

    def _on_connected(self, sender: Any, *, namespace: str, sid: str, **extra: Any) -> None:
        if namespace not in self._hidden:
            self.note("connect", namespace, sid=sid, code="ok")

    def _on_refused(self, sender: Any, *, namespace: str, sid: str, code: Any, **extra: Any) -> None:
        if namespace not in self._hidden:
            self.note("refused", namespace, sid=sid, code=clip(code or "refused"))

    def _on_disconnected(self, sender: Any, *, namespace: str, sid: str, reason: Any, **extra: Any) -> None:
        if namespace not in self._hidden:
            self.note("disconnect", namespace, sid=sid, detail=clip(reason))

    def _on_received(self, sender: Any, *, sid: str, size_bytes: int, **extra: Any) -> None:
        _arrived.set((sid, size_bytes))

    def _on_handled(
        self, sender: Any, *, namespace: str, event: str | None, sid: str, duration_s: float, **extra: Any
    ) -> None:
        self._note_event(namespace, event, sid, duration_s * 1000, "ok", "")

    def _on_failed(
        self,
        sender: Any,
        *,
        namespace: str,
        event: str | None,
        sid: str,
        duration_s: float,
        code: str,
        error: Exception,
        **extra: Any,
    ) -> None:
        detail = "" if isinstance(error, EventError) else type(error).__name__
        self._note_event(namespace, event, sid, duration_s * 1000, code, detail)

    def _note_event(
        self, namespace: str, event: str | None, sid: str, duration_ms: float, code: str, detail: str
    ) -> None:
        if namespace in self._hidden:
            return
        of, size_bytes = _arrived.get()
        with self._lock:
            self._count((namespace, event or ""), duration_ms, failed=code != "ok")
            if self._is_full():
                return
            self._add(
                "event",
                namespace,
                event=clip(event or ""),
                sid=sid,
                code=clip(code),
                detail=clip(detail),
                duration_ms=round(duration_ms, 3),
                size_bytes=size_bytes if of == sid else None,
            )

    def _count(self, key: tuple[str, str], duration_ms: float, *, failed: bool) -> None:
        count = self._counts.setdefault(key, _Count())
        count.failed += failed
        count.handled += not failed
        count.total_ms += duration_ms
        self.events += 1
        self.failed += failed
        self._durations.append(duration_ms)
        self._changed.add(key)

    def _on_emitted(self, sender: Any, *, namespace: str, event: str, to: Any, **extra: Any) -> None:
        if namespace in self._hidden:
            return
        with self._lock:
            self.emits += 1
            if not self._is_full():
                self._add("emit", namespace, event=clip(event), to=render_target(to))


def render_target(to: Any) -> str:
    """Return whom an event was sent to, for people; empty for everybody."""
    if to is None:
        return ""
    if isinstance(to, str) or not isinstance(to, Collection):
        return clip(to)
    first = ", ".join(clip(one) for one in itertools.islice(to, _SHOWN_TARGETS))
    return f"{first} and {len(to) - _SHOWN_TARGETS} more" if len(to) > _SHOWN_TARGETS else first
