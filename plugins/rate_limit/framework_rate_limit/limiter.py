"""What is counted for whom: the scopes, what is kept of a connection, and the refusal."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import flask
from blinker import NamedSignal
from limits import RateLimitItem

from framework import EventError, Handling
from framework.signals import notify

from .buckets import Buckets, Strategy
from .rates import Rates, render_rate
from .stores import MemoryStore

Per = Literal["connection", "user", "address"]
Scope = Literal["connection", "event", "user", "address", "connects"]

rate_limited = NamedSignal("rate-limited", "An event or a connect was refused because of its rate.")

IPV6_NETWORK_BITS = 64
LATENESS_S = 0.001

_KEY = "framework.rate_limit"


@dataclass(frozen=True, eq=False)
class Rule:
    """Rates for one thing that is counted.

    Args:
        name: What is counted; a part of its keys.
        scope: What receivers of the signal are told.
        per: Who is counted apart.
    """

    name: str
    scope: Scope
    rates: Rates
    per: Per


class Charge(NamedTuple):
    """A rule, and the bucket that it counts in for one client."""

    rule: Rule
    buckets: Buckets
    key: str


class Connection:
    """What is kept of one connection, in its WSGI request, so that it goes when the connection does.

    Args:
        address: An IPv4 address or an IPv6 network, or None where the server tells none.
    """

    __slots__ = ("address", "buckets", "users")

    def __init__(self, buckets: Buckets, address: str | None) -> None:
        self.buckets = buckets
        self.address = address
        self.users: dict[str, str] = {}  # by namespace


class Limiter:
    """Counts what clients do, and refuses what is too much.

    Args:
        app: The sender of the signal.
        rules: What every event is counted by, and with the scope ``connects`` every connect.
        strategy: Of the buckets of connections.
        shared: The buckets of addresses and users.
        user: Returns the id of the user whose event or connect is being handled, or None.
    """

    def __init__(
        self,
        app: flask.Flask,
        rules: Iterable[Rule],
        strategy: Strategy,
        shared: Buckets,
        user: Callable[[], object],
    ) -> None:
        every = [rule for rule in rules if rule.rates]
        self._events = sorted((rule for rule in every if rule.scope != "connects"), key=_is_shared)
        self._connects = [rule for rule in every if rule.scope == "connects"]
        self._counts_users = any(rule.per == "user" for rule in every)
        self._app = app
        self._strategy: Strategy = strategy
        self._shared = shared
        self._user = user
        self._marked: dict[str, tuple[Rule, ...]] = {}  # by handler, learned when its first event comes

    # -- what is handled

    def admit_connect(self, handling: Handling) -> None:
        """Count a connect.

        Raises:
            EventError: There were too many.
        """
        self._spend(handling, self._charges(self._connects, handling), ())

    def admit_event(self, handling: Handling) -> None:
        """Count an event, known or not.

        Raises:
            EventError: There were too many.
        """
        self._spend(handling, self._charges(self._events, handling), self._marked.get(_place(handling), ()))

    def admit_marked(self, handling: Handling, rule: Rule) -> None:
        """Count what a decorator limits.

        Raises:
            EventError: There were too many.
        """
        if rule.per == "user":
            self._ask_user(handling)
        place = _place(handling)
        marked = self._marked.get(place, ())
        if rule not in marked:
            marked = self._marked[place] = (*marked, rule)
        others = (*marked, *(self._events if handling.kind == "event" else self._connects))
        self._spend(handling, self._charges([rule], handling), others)

    def note_user(self, handling: Handling) -> None:
        """Ask who the client is, unless that is known; after an event only where every event is counted by user."""
        if self._counts_users or handling.kind == "connect":
            self._ask_user(handling)

    def _ask_user(self, handling: Handling) -> None:
        users = self._find_connection().users
        if handling.namespace not in users:
            user = self._user()
            if user is not None:
                users[handling.namespace] = str(user)

    def forget_user(self, handling: Handling) -> None:
        """Take note that a client has left a namespace."""
        self._find_connection().users.pop(handling.namespace, None)

    # -- buckets

    def _charges(self, rules: Iterable[Rule], handling: Handling) -> Iterator[Charge]:
        connection = self._find_connection()
        for rule in rules:
            subject = self._find_subject(rule.per, connection, handling)
            if subject is not None:
                yield Charge(rule, self._shared, f"{rule.per}:{rule.name}:{subject}")
            elif rule.scope == "event":
                # One bucket for every name that nobody serves: the client chose it.
                name = f"{handling.namespace} {handling.event}" if handling.known else "?"
                yield Charge(rule, connection.buckets, f"{rule.name}:{name}")
            else:
                yield Charge(rule, connection.buckets, f"{rule.per}:{rule.name}")

    def _find_subject(self, per: Per, connection: Connection, handling: Handling) -> str | None:
        """Return what is counted apart beside connections; None where it is the connection."""
        if per == "address":
            return connection.address
        return connection.users.get(handling.namespace) if per == "user" else None

    def _find_connection(self) -> Connection:
        environ = flask.request.environ
        found = environ.get(_KEY)
        if found is None:
            made = Connection(Buckets(self._strategy, MemoryStore()), _read_address(flask.request.remote_addr))
            found = environ.setdefault(_KEY, made)
        return found  # type: ignore[no-any-return]

    def _spend(self, handling: Handling, charges: Iterable[Charge], others: Iterable[Rule]) -> None:
        passed: list[Charge] = []
        for charge in charges:
            passed.append(charge)
            for rate in charge.rule.rates:
                if not charge.buckets.hit(rate, charge.key):
                    left = [*passed, *charges, *self._charges(others, handling)]
                    raise self._refuse(handling, charge.rule, rate, left)

    def _refuse(self, handling: Handling, rule: Rule, rate: RateLimitItem, charges: Iterable[Charge]) -> EventError:
        """Return the refusal; it says when every bucket has room again, not only the one that had none."""
        waits = [one.buckets.wait_s(each, one.key) for one in charges for each in one.rule.rates]
        retry_after = math.ceil((max(waits) + LATENESS_S) * 1000) / 1000
        is_known = handling.kind == "event" and handling.known
        notify(
            rate_limited,
            self._app,
            namespace=handling.namespace,
            event=handling.event if is_known else None,
            sid=handling.sid,
            limit=render_rate(rate),
            scope=rule.scope,
            retry_after=retry_after,
        )
        what = "connects" if handling.kind == "connect" else "events"
        return EventError("rate_limited", f"Too many {what}. Try again in {retry_after} s.", retry_after=retry_after)


def _place(handling: Handling) -> str:
    """Return what stands for the marks on one handler; never a text of the client's."""
    return handling.handler or handling.namespace  # nobody's event has only the marks of a class, on a path of its own


def _is_shared(rule: Rule) -> bool:
    return rule.per != "connection"


def _read_address(text: str | None) -> str | None:
    """Return what one subscriber has: an IPv4 address, or the network of an IPv6 address."""
    try:
        address = ipaddress.ip_address((text or "").partition("%")[0])
    except ValueError:
        return text or None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
    return str(address)
