"""The page over HTTP: log in, the page itself, tickets for its connection, log out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import flask
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from .access import Session, TooManyTries

if TYPE_CHECKING:
    from .plugin import Admin

COOKIE = "framework_admin"
MAX_PASSWORD = 1000

# Everything comes from this server, nothing is inline. 'self' covers the WebSocket.
_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


def make_blueprint(admin: Admin) -> flask.Blueprint:
    """Return the routes of the page, under the path of the settings."""
    pages = flask.Blueprint(
        "framework_admin",
        __name__,
        url_prefix=admin.settings.path,
        static_folder="static",
        template_folder="templates",
    )
    views = _Views(admin)
    pages.add_url_rule("/", view_func=views.show, endpoint="show")
    pages.add_url_rule("/login", view_func=views.log_in, endpoint="log_in", methods=["POST"])
    pages.add_url_rule("/logout", view_func=views.log_out, endpoint="log_out", methods=["POST"])
    pages.add_url_rule("/ticket", view_func=views.give_ticket, endpoint="give_ticket", methods=["POST"])
    pages.before_request(_refuse_other_sites)
    pages.after_request(_harden)
    return pages


def _refuse_other_sites() -> ResponseReturnValue | None:
    """Refuse what the page of another site has a browser send; programs that are no browsers don't say."""
    request = flask.request
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return "This was sent from the page of another site.\n", 403, {"Content-Type": "text/plain"}
    return None


def _harden(response: flask.Response) -> flask.Response:
    response.headers.update(_HEADERS)
    return response


class _Views:
    """The views; they share the plugin."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def show(self) -> ResponseReturnValue:
        """Return the dashboard, or the form to log in, or why there is neither."""
        session = self._session()
        if session is not None:
            return self._render("dashboard", 200)
        if self._admin.access.has_password:
            return self._render("login", 200)
        return self._render("refused", 403)

    def log_in(self) -> ResponseReturnValue:
        """Take the password and set a cookie."""
        password = flask.request.form.get("password", "")[:MAX_PASSWORD]
        try:
            session = self._admin.access.log_in(password, flask.request.remote_addr or "")
        except TooManyTries as error:
            wait_s = math.ceil(error.retry_after_s)
            problem = f"Too many wrong passwords. Try again in {wait_s} seconds."
            return self._render("login", 429, problem, {"Retry-After": str(wait_s)})
        if session is None:
            return self._render("login", 403, "This is not the password.")
        response = flask.redirect(flask.url_for(".show"), 303)
        self._set_cookie(response, self._admin.access.seal("session", session), self._admin.settings.session_s)
        return response

    def log_out(self) -> ResponseReturnValue:
        """End the session, here and for its pages that are open."""
        access = self._admin.access
        session = access.unseal("session", flask.request.cookies.get(COOKIE))
        if session is not None:
            access.end(session)
            self._admin.monitor.end(session)
        response = flask.redirect(flask.url_for(".show"), 303)
        self._set_cookie(response, "", 0)
        return response

    def give_ticket(self) -> ResponseReturnValue:
        """Return what the page connects with."""
        session = self._session()
        if session is None:
            return {"error": "unauthorized"}, 401
        return {"ticket": self._admin.access.seal("ticket", session)}

    def _session(self) -> Session | None:
        return self._admin.access.admit(flask.request.cookies.get(COOKIE))

    def _set_cookie(self, response: Response, value: str, max_age_s: int) -> None:
        path = flask.request.script_root + self._admin.settings.path + "/"
        response.set_cookie(
            COOKIE,
            value,
            max_age=max_age_s,
            path=path,
            secure=flask.request.is_secure,
            httponly=True,
            samesite="Strict",
        )

    def _render(
        self, state: str, status: int, problem: str = "", headers: dict[str, str] | None = None
    ) -> ResponseReturnValue:
        admin = self._admin
        text = flask.render_template(
            "framework_admin/page.html",
            state=state,
            problem=problem,
            application=admin.app.name,
            namespace=admin.settings.namespace,
            socketio_path=flask.request.script_root + admin.socketio_path,
            can_log_out=admin.access.has_password,
        )
        return text, status, headers or {}
