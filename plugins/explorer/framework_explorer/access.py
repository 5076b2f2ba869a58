"""Who may see the page. It knows Flask's request, and nothing of what the page shows."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable

import flask
from pydantic import SecretStr
from werkzeug.security import check_password_hash

logger = logging.getLogger("framework.explorer")

HASHES = ("scrypt:", "pbkdf2:")
TRIES_PER_ADDRESS = 5
TRIES = 100
WINDOW_S = 60.0
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


class Access:
    """Lets people in. A browser sends the password with each request, as HTTP's Basic authentication.

    Args:
        password: None where there is none.
        allow: Asked in the context of each request, or None.
        local_only: Whether it is for this machine, where neither is said.
        clock: Seconds.
    """

    def __init__(
        self,
        password: SecretStr | None,
        allow: Callable[[], object] | None,
        *,
        local_only: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._password = password.get_secret_value() if password is not None else None
        self._allow = allow
        self._local_only = local_only
        self._failures = _Failures(clock)
        self._key = secrets.token_bytes(32)
        self._known = b""  # a hash is slow to check; what was right is known by a fast one

    def refuse(self) -> flask.Response | None:
        """Return the answer to who may not see the page, None for who may."""
        if self._allow is not None and self._asks():
            return None
        if self._password is not None:
            return self._refuse_without_password(self._password)
        if self._allow is not None:
            return _say(403, "This page is not for you.")
        if self._local_only and not is_local():
            return _say(
                403,
                "This page is for the machine that the application runs on, by the name localhost. "
                "FRAMEWORK_EXPLORER_PASSWORD or FRAMEWORK_EXPLORER_ENABLED opens it.",
            )
        return None

    def _refuse_without_password(self, expected: str) -> flask.Response | None:
        given = flask.request.authorization
        password = given.password if given is not None and given.type == "basic" else None
        ask = {"WWW-Authenticate": 'Basic realm="explorer", charset="UTF-8"'}
        if password is None:
            return _say(401, "This page has a password.", ask)
        address = flask.request.remote_addr or ""
        wait_s = self._failures.wait_s(address)
        if wait_s > 0:
            return _say(429, "Too many wrong passwords.", {"Retry-After": str(int(wait_s) + 1)})
        if self._is_right(expected, password):
            return None
        self._failures.add(address)
        logger.warning("a wrong password from %s", address)
        return _say(401, "This is not the password.", ask)

    def _is_right(self, expected: str, given: str) -> bool:
        mark = hmac.digest(self._key, given.encode("utf-8", "replace"), hashlib.sha256)
        if hmac.compare_digest(mark, self._known):
            return True
        if not _is_password(expected, given):
            return False
        self._known = mark
        return True

    def _asks(self) -> bool:
        try:
            return self._allow is not None and bool(self._allow())
        except Exception:
            logger.exception("Explorer(allow=...) failed; nobody is let in")
            return False


class _Failures:
    """Remembers wrong passwords: at most so many, for so long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at: deque[tuple[float, str]] = deque(maxlen=TRIES)
        self._lock = threading.Lock()

    def add(self, address: str) -> None:
        with self._lock:
            self._at.append((self._clock(), address))

    def wait_s(self, address: str) -> float:
        """Return for how long *address* has to wait; zero where it may try."""
        with self._lock:
            now = self._clock()
            recent = [(at, who) for at, who in self._at if at > now - WINDOW_S]
            same = [at for at, who in recent if who == address]
            if len(same) >= TRIES_PER_ADDRESS:
                return same[-TRIES_PER_ADDRESS] + WINDOW_S - now
            return recent[0][0] + WINDOW_S - now if len(recent) >= TRIES else 0.0


def is_local() -> bool:
    """Say whether the current request comes from this machine, by one of its own names and through no proxy.

    Another name may be a page's of somebody else, which points to this machine.
    """
    request = flask.request
    if any(name in request.headers for name in _FORWARDED):
        return False
    name, _, port = request.host.rpartition(":")
    host = name if name and not port.endswith("]") else request.host
    if host.strip("[]").lower() not in _LOCAL_NAMES:
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:  # a Unix socket
        return False


def _is_password(expected: str, given: str) -> bool:
    if expected.startswith(HASHES):
        return check_password_hash(expected, given)
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _say(status: int, text: str, headers: dict[str, str] | None = None) -> flask.Response:
    return flask.Response(f"{text}\n", status, headers, mimetype="text/plain")
