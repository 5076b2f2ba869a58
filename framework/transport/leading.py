"""One thread (or greenlet) reads from all clients and runs their quick handlers: the leader.

A leader whose handler blocks is replaced: another one reads on, and the old one ends with its handler. What it had read and
not handled is the new one's; the events of the client whose handler blocks queue in that client's lane. A handler is the only
place in which a leader may be replaced, so nothing else needs to know of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Literal

from .link import Link

logger = logging.getLogger(__name__)

SLOW_S = 0.0005
STUCK_S = 0.005  # after which a leader is replaced
MAX_MESSAGES = 64  # of one client, before the others have their turn

Run = Literal["inline", "pool"] | None

# A slow run counts for four quick ones: three of them close together send a handler to the pool, one alone, which may be the
# system's doing, does not. From there it comes back for a trial, after twice as many runs each time that it fails, and of
# which none was so long that it would have stopped all clients until the leader was replaced.
_PENALTY, _LIMIT = 4, 12
_FIRST_TRIAL, _LAST_TRIAL = 64, 8192


class Pace:
    """Where the handler of one event runs: in the leader while it is quick, below 0.5 ms; in the pool otherwise.

    Args:
        run: ``inline`` or ``pool`` to decide by hand; None to measure.
    """

    __slots__ = ("_left", "_trial", "debt", "inline", "measured")

    def __init__(self, run: Run = None) -> None:
        self.measured = run is None
        self.inline = run != "pool"
        self.debt = 0  # what slow runs have left
        self._left = 0  # runs in the pool until the next trial
        self._trial = _FIRST_TRIAL

    def note(self, duration_s: float) -> None:
        """Take note of a run in the leader; a quick one is nothing to tell while there is no debt."""
        if duration_s > SLOW_S:
            self.block()
        elif self.debt:
            self.debt -= 1
            if not self.debt:
                self._trial = _FIRST_TRIAL

    def block(self) -> None:
        """Take note of a run that is slow, or blocks at this moment."""
        if self.measured and self.inline:
            self.debt += _PENALTY
            if self.debt >= _LIMIT:
                self.inline = False
                self._left = self._trial
                self._trial = min(self._trial * 2, _LAST_TRIAL)

    def pool(self, duration_s: float) -> None:
        """Take note of a run in the pool."""
        if not self.measured or self.inline:
            return
        if duration_s > STUCK_S:
            self._left = self._trial
            return
        self._left -= 1
        if self._left <= 0:
            self.debt = _LIMIT - 1
            self.inline = True


class Leader:
    """Whoever leads at the moment.

    Args:
        watch: Called before a handler when nobody watches the leader; None where nobody has to.
        can_be_replaced: Another one can lead while its handler blocks; else it runs no handler that is not declared for it.

    ``running`` holds when the handler that it runs began. Who takes that out, the leader at its end or who replaces the
    leader, has decided whether it still leads: taking an element out of a list is one step, with or without a lock.
    """

    __slots__ = (
        "can_be_replaced",
        "deposed",
        "lane",
        "link",
        "pace",
        "running",
        "since_s",
        "thread",
        "watch",
        "watched",
    )

    def __init__(self, watch: Callable[[], None] | None = None, *, can_be_replaced: bool = True) -> None:
        self.can_be_replaced = can_be_replaced
        self.deposed = False
        self.link: Link | None = None
        self.lane: Any = None  # whose turn it has: its client's, while it hands on what that sent
        self.pace: Pace | None = None
        self.running: list[float] = []
        self.since_s = 0.0  # when its last handler began
        self.thread = 0
        self.watch = watch
        self.watched = watch is None

    def run(self, pace: Pace, lane: Any, step: Callable[[Any, Any], object], whose: Any, about: Any) -> bool:
        """Call *step* with the last two here if it is quick and nothing of its client waits or runs; say whether it has been.

        Then it is this leader's turn until it is done with the client.
        """
        if not pace.inline or (pace.measured and not self.can_be_replaced):
            return False
        if self.lane is not lane:
            if not lane.begin():
                return False
            self.lane = lane
        elif lane.jobs:
            return False
        # `begin`, the step and `end`, without a call for each: this is done for every event.
        self.pace = pace
        self.since_s = since_s = time.monotonic()
        self.running.append(since_s)
        if not self.watched:
            self._call_watch()
        try:
            step(whose, about)
        except BaseException:
            logger.exception("a job failed")
        try:
            self.running.pop()
        except IndexError:
            self.deposed = True
        duration_s = time.monotonic() - since_s
        if duration_s > SLOW_S or pace.debt:
            pace.note(duration_s)
        return True

    def begin(self) -> None:
        """Note that something of the application's starts, which no pace is kept of."""
        self.pace = None
        self.since_s = time.monotonic()
        self.running.append(self.since_s)
        if not self.watched:
            self._call_watch()

    def _call_watch(self) -> None:
        self.watched = True
        if self.watch is not None:
            self.watch()

    def end(self) -> None:
        """Note that it has ended."""
        try:
            self.running.pop()
        except IndexError:  # somebody else has it, who leads now
            self.deposed = True

    def depose(self) -> bool:
        """Take the lead away while a handler runs; False when none does."""
        try:
            self.running.pop()
        except IndexError:
            return False
        if self.pace is not None:
            self.pace.block()
        return True

    def leave_lane(self) -> None:
        """Give back the turn of the client whose messages were handed on."""
        lane, self.lane = self.lane, None
        if lane is not None:
            lane.end()


def advance(leader: Leader, link: Link) -> bool:
    """Hand on what *link* has received, up to 64 messages.

    Returns:
        False when the leader was replaced meanwhile, and may touch nothing any more.
    """
    backlog = link.backlog
    if not backlog:
        return True
    leader.link = link
    link.leader = leader
    link.cork()
    try:
        for _ in range(MAX_MESSAGES):
            received = backlog.popleft()
            if type(received) is str:  # nearly always; a call less
                link.user.take(link, received)
            else:
                link.hand_on(received)
            if leader.deposed:
                return False
            if not backlog:
                link.backlog = None  # a connection that is idle has none
                break
            if link.paused:
                break
    finally:
        leader.leave_lane()
    link.leader = leader.link = None
    link.uncork()
    return True


def release(leader: Leader) -> Link | None:
    """Free the link at which a deposed leader stands; return it when something of it is left to hand on."""
    link = leader.link
    if link is None:
        return None
    if link.leader is leader:
        link.leader = None
    link.uncork()
    return link if link.backlog else None
