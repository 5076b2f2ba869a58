"""`Handling`: one connect, event or disconnect, as middleware, guards and dependencies see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

Kind = Literal["connect", "event", "disconnect"]
Came = tuple[tuple[Any, ...] | None, bool]
LONGEST_NAME = 64


class Handling:
    """What is being handled: made for it, gone with it.

    Flask's ``request``, ``session`` and ``g`` are there; ``g`` is the place for what middleware wants to hand on.
    """

    __slots__ = (
        "_args",
        "_load",
        "environ",
        "event",
        "handler",
        "is_changed",
        "kind",
        "known",
        "namespace",
        "scope",
        "sid",
        "wants_ack",
    )

    kind: Kind
    """``connect``, ``event`` or ``disconnect``."""
    namespace: str
    """The path."""
    event: str
    """The event's name as the client sent it, whatever that is; for the other kinds their own."""
    sid: str
    """The client."""
    known: bool
    """Whether `event` is a name that the application serves; what is not known must not become a label or a key."""
    handler: str
    """Where it goes, for people: ``Chat.on_post``; empty where nobody serves it."""
    wants_ack: bool
    """Whether the client asked for an answer."""

    def __init__(
        self,
        kind: Kind,
        namespace: str,
        event: str,
        sid: str,
        load: Callable[[Any], tuple[Any, ...]],
        *,
        known: bool = True,
        handler: str = "",
        wants_ack: bool = False,
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self.event = event
        self.sid = sid
        self.known = known
        self.handler = handler
        self.wants_ack = wants_ack
        self.environ: Mapping[str, Any] = {}  # the connection's; the dispatcher's
        self.scope: Any = None  # the dependencies made so far; the dispatcher's
        self._load = load
        self._args: tuple[Any, ...] | None = None
        self.is_changed = False  # somebody has set `args`; for the dispatcher

    @property
    def awaits_beside(self) -> bool:
        """Whether its coroutines run on the loop of the async streams; for the dispatcher."""
        return False

    @property
    def args(self) -> tuple[Any, ...]:
        """The arguments; set it to change them.

        Middleware of the application and of a namespace, and guards, see them as they came, before and after
        ``proceed()``, and what they set is validated. Middleware of a handler and ``before_event`` see what the handler
        will take, and what they set goes there as it is. At connect it is what the client sent as ``auth``, if anything;
        at disconnect the reason.

        Raises:
            EventError: They hold what can't be passed on, e.g. ``NaN``; leave it to become the answer.
        """
        if self._args is None:
            self._args = self._load(self)
        return self._args

    @args.setter
    def args(self, args: tuple[Any, ...]) -> None:
        self._args = tuple(args)
        self.is_changed = True

    def settle(self, args: tuple[Any, ...]) -> Came:
        """Take *args* as what was validated, and return what `restore` goes back to."""
        came = (self._args, self.is_changed)
        self._args, self.is_changed = args, False
        return came

    def restore(self, came: Came) -> None:
        """Have the arguments as they came again, for what is around: it may look at them, or proceed once more."""
        self._args, self.is_changed = came

    def __repr__(self) -> str:
        name = self.event if self.known else self.event[:LONGEST_NAME]  # the client's own may be of any length
        return f"<Handling {self.kind} {self.namespace} {name!r} sid={self.sid}>"
