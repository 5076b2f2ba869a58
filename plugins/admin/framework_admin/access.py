"""Who may see the dashboard: passwords, sessions, and how often one may try. It knows Flask's request, and no sockets."""

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
from dataclasses import asdict, dataclass

import flask
from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr
from werkzeug.security import check_password_hash

logger = logging.getLogger("framework.admin")

TICKET_S = 60.0
TRIES_PER_ADDRESS = 5
TRIES = 100
WINDOW_S = 60.0
HASHES = ("scrypt:", "pbkdf2:")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class TooManyTries(Exception):  # noqa: N818 - it names what was done
    """Too many wrong passwords; ``retry_after_s`` says when to try again."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many tries; again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class Tries:
    """Bounds how often passwords are tried: by one address, and by all of them together.

    Args:
        per_address: Tries of one address in a window.
        overall: Tries of all addresses in a window; so many entries are kept at most.
    """

    def __init__(
        self,
        per_address: int = TRIES_PER_ADDRESS,
        overall: int = TRIES,
        window_s: float = WINDOW_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_address = per_address
        self._overall = overall
        self._window_s = window_s
        self._clock = clock
        self._tries: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def take(self, address: str) -> tuple[float, str]:
        """Count one try, before the password is looked at; return it for `forgive`.

        Raises:
            TooManyTries: There were too many.
        """
        with self._lock:
            now = self._clock()
            while self._tries and self._tries[0][0] <= now - self._window_s:
                self._tries.popleft()
            same = [at for at, who in self._tries if who == address]
            oldest = same[0] if len(same) >= self._per_address else None
            if oldest is None and len(self._tries) >= self._overall:
                oldest = self._tries[0][0]
            if oldest is not None:
                raise TooManyTries(oldest + self._window_s - now)
            self._tries.append((now, address))
            return now, address

    def forgive(self, taken: tuple[float, str]) -> None:
        """Forget one try: the password was right."""
        with self._lock:
            if taken in self._tries:
                self._tries.remove(taken)


@dataclass(frozen=True)
class Session:
    """Somebody who may see the dashboard.

    Args:
        by: What let them in: ``password``, ``allow`` or ``local``.
        expires_at: Unix seconds.
    """

    id: str
    by: str
    expires_at: float


class Access:
    """Lets people in.

    Args:
        password: None where there is none.
        allow: Asked in a request's context, or None.
        session_s: Seconds that a session lasts.
        clock: Unix seconds.
    """

    def __init__(
        self,
        app: flask.Flask,
        password: SecretStr | None,
        allow: Callable[[], object] | None,
        session_s: float,
        *,
        tries: Tries | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._password = password.get_secret_value() if password is not None else None
        self._allow = allow
        self._session_s = session_s
        self._tries = tries or Tries()
        self._clock = clock
        self._ended: dict[str, float] = {}
        key = app.secret_key or secrets.token_bytes(32)
        # Another password ends the sessions of the one before.
        self._salt = "framework-admin." + hashlib.sha256((self._password or "").encode()).hexdigest()
        self._key = key if isinstance(key, bytes) else str(key).encode()

    @property
    def has_password(self) -> bool:
        """Whether one can log in with a password."""
        return self._password is not None

    @property
    def is_local_only(self) -> bool:
        """Whether nobody was said to be let in, so that it is this machine only."""
        return self._password is None and self._allow is None

    def log_in(self, password: str, address: str) -> Session | None:
        """Return a new session, or None when the password is wrong.

        Raises:
            TooManyTries: There were too many.
        """
        if self._password is None:
            return None
        taken = self._tries.take(address)
        if not _is_password(self._password, password):
            logger.warning("a wrong password from %s", address)
            return None
        self._tries.forgive(taken)
        return self._open("password")

    def admit(self, cookie: str | None) -> Session | None:
        """Return the session of the current request, or None.

        Args:
            cookie: What `seal` gave for ``"session"``.
        """
        if self.is_local_only:
            return self._open("local") if self._app.debug and is_local() else None
        if self._allow is not None and self._asks():
            return self._open("allow")
        return self.unseal("session", cookie) if self.has_password else None

    def is_current(self, session: Session) -> bool:
        """Say whether *session* still counts; ``allow`` is asked again, in the context of a request or an event."""
        if session.expires_at <= self._clock() or session.id in self._ended:
            return False
        return self._asks() if session.by == "allow" else True

    def end(self, session: Session) -> None:
        """Have *session* count no longer in this process."""
        now = self._clock()
        self._ended = {key: at for key, at in self._ended.items() if at > now} | {session.id: session.expires_at}

    def seal(self, kind: str, session: Session) -> str:
        """Return a signed text that stands for *session*; one of another kind does not pass for it.

        Args:
            kind: ``session``, or ``ticket``, which has to be used within a minute.
        """
        sealed_at = self._clock()
        return str(self._signer(kind).dumps({**asdict(session), "sealed_at": sealed_at}))

    def unseal(self, kind: str, text: str | None) -> Session | None:
        """Return the session that *text* stands for, or None when it is forged, of another kind, or over."""
        try:
            found = self._signer(kind).loads(text or "")
            session = Session(found["id"], found["by"], found["expires_at"])
        except (BadData, KeyError, TypeError):
            return None
        if kind == "ticket" and found["sealed_at"] < self._clock() - TICKET_S:
            return None
        return session if self.is_current(session) else None

    def _signer(self, kind: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, f"{self._salt}.{kind}", signer_kwargs={"digest_method": hashlib.sha256})

    def _open(self, by: str) -> Session:
        return Session(secrets.token_urlsafe(12), by, self._clock() + self._session_s)

    def _asks(self) -> bool:
        try:
            return self._allow is not None and bool(self._allow())
        except Exception:
            logger.exception("Admin(allow=...) failed; nobody is let in")
            return False


def is_local() -> bool:
    """Say whether the current request comes from this machine, by one of its own names and through no proxy.

    Another name may be a page's of somebody else, which points to this machine.
    """
    request = flask.request
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip")):
        return False
    host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
    if (host or request.host).strip("[]").lower() not in _LOCAL_NAMES:
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _is_password(expected: str, given: str) -> bool:
    if expected.startswith(HASHES):
        return check_password_hash(expected, given)
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
