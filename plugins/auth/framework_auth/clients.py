"""The clients of this process of whom it is known who they are: their time, its end, and what they are told of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

from framework import EventError

from .clock import Clock
from .identity import Identity
from .revocations import RevocationTable
from .tokens import Proof

EXPIRING, ENDED = "auth_expiring", "auth_ended"
Reason = Literal["expired", "revoked"]


@dataclass(eq=False, slots=True)
class Member:
    """One client of one namespace.

    Args:
        warn_at: When it is to be told that its time ends; None once it was, or where it is not told.
    """

    sid: str
    namespace: str
    proof: Proof
    warn_at: float | None

    @property
    def next_at(self) -> float | None:
        """When something is to happen to it."""
        return self.proof.ends_at if self.warn_at is None else self.warn_at


class Clients:
    """Who is connected, by sid.

    Args:
        socketio: Sends to them and disconnects them.
        table: What is revoked.
        warn_before_s: How long before its end a client is told; 0 is never.
    """

    def __init__(self, socketio: Any, table: RevocationTable, warn_before_s: float) -> None:
        self._socketio = socketio
        self._table = table
        self._warn_before_s = warn_before_s
        self._members: dict[str, Member] = {}
        self._lock = threading.Lock()
        self._clock = Clock(self._ring, socketio.start_background_task, lambda: socketio.server.eio.create_event())

    def __len__(self) -> int:
        return len(self._members)

    def add(self, sid: str, namespace: str, proof: Proof) -> None:
        """Take a client in.

        Raises:
            EventError: What it shows is revoked (``unauthorized``).
        """
        with self._lock:
            member = self._members[sid] = Member(sid, namespace, proof, self._warn_at(proof))
        try:
            self._check(proof)  # after it is known, so that a revocation at this moment finds it
        except EventError:
            self.drop(sid)
            raise
        self._wind(member)

    def renew(self, sid: str, proof: Proof) -> None:
        """Put *proof* in the place of what a client showed before.

        Raises:
            EventError: It is revoked (``unauthorized``), or somebody else's (``forbidden``).
        """
        with self._lock:
            member = self._members.get(sid)
            if member is None:
                raise EventError("unauthorized", "Log in first.")
            if proof.identity.id != member.proof.identity.id:
                raise EventError("forbidden", "The token is somebody else's.")
            self._check(proof)
            member.proof, member.warn_at = proof, self._warn_at(proof)
        self._wind(member)
        if self._table.has(proof):  # revoked meanwhile, by somebody who saw the old one here
            self._end(member, "revoked")

    def drop(self, sid: str) -> None:
        """Forget a client."""
        with self._lock:
            self._members.pop(sid, None)
        self._clock.forget(sid)

    def find(self, sid: str) -> Identity | None:
        """Return who a client is, whether or not that is still valid."""
        member = self._members.get(sid)
        return None if member is None else member.proof.identity

    def check(self, sid: str) -> Identity | None:
        """Return who a client is.

        Raises:
            EventError: It is no longer valid (``unauthorized``).
        """
        member = self._members.get(sid)
        if member is None:
            return None
        proof = member.proof
        self._check(proof)
        return proof.identity

    def end_revoked(self) -> None:
        """Disconnect those whose proof is revoked."""
        for member in list(self._members.values()):
            if self._table.has(member.proof):
                self._end(member, "revoked")

    def stop(self) -> None:
        """End the background task."""
        self._clock.stop()

    def _check(self, proof: Proof) -> None:
        if proof.ends_at is not None and time.time() >= proof.ends_at:
            raise EventError("unauthorized", "The token has expired.")
        if self._table.has(proof):
            raise EventError("unauthorized", "The token was revoked.")

    def _warn_at(self, proof: Proof) -> float | None:
        """Return when to tell a client of its end: in the second half of its time, or it would refresh for ever."""
        expires_at = proof.identity.expires_at
        if proof.ends_at is None or expires_at is None or not self._warn_before_s:
            return None
        now = time.time()
        return max(expires_at - self._warn_before_s, now + (proof.ends_at - now) / 2)

    def _wind(self, member: Member) -> None:
        when = member.next_at
        if when is not None:
            self._clock.set(member.sid, when)
        if when is None or member.sid not in self._members:  # it left meanwhile
            self._clock.forget(member.sid)

    def _ring(self, sid: str, now: float) -> float | None:
        with self._lock:
            member = self._members.get(sid)
            if member is None or member.proof.ends_at is None:
                return None
            expires_at = member.proof.identity.expires_at
            is_over = now >= member.proof.ends_at
            warns = not is_over and member.warn_at is not None and now >= member.warn_at
            if warns:
                member.warn_at = None
            next_at = member.next_at
        if is_over:
            self._end(member, "expired")
            return None
        if warns and expires_at is not None:
            self._send(member, EXPIRING, {"expires_at": expires_at, "expires_in_s": max(0, round(expires_at - now, 3))})
        return next_at

    def _end(self, member: Member, reason: Reason) -> None:
        """Disconnect a client in a task of its own: its disconnect handler may take its time."""
        self._socketio.start_background_task(self._disconnect, member, reason)

    def _disconnect(self, member: Member, reason: Reason) -> None:
        self._send(member, ENDED, {"reason": reason})
        self._socketio.server.disconnect(member.sid, namespace=member.namespace, ignore_queue=True)

    def _send(self, member: Member, event: str, about: dict[str, Any]) -> None:
        # A client is where its sid is: the broker, which may hang, has no part in it.
        self._socketio.emit(event, about, namespace=member.namespace, to=member.sid, ignore_queue=True)
