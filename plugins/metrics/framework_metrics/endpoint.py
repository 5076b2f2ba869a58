"""The page that Prometheus reads, and who may."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import flask
from prometheus_client import CollectorRegistry, make_wsgi_app
from werkzeug.wrappers import Response

from .settings import Settings

_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")
_PROXY_FIX = "werkzeug.proxy_fix.orig"
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

CLOSED = "Who may read the metrics is not said: set FRAMEWORK_METRICS_TOKEN or FRAMEWORK_METRICS_NETWORKS."


def build_blueprint(settings: Settings, read: Callable[[], CollectorRegistry]) -> flask.Blueprint:
    """Return the blueprint that serves what *read* returns to who may see it."""
    blueprint = flask.Blueprint("framework_metrics", __name__)

    @blueprint.get(settings.path)
    def metrics() -> Response:
        refusal = _refuse(settings)
        if refusal is not None:
            return refusal
        environ = {**flask.request.environ, "REQUEST_METHOD": "GET"}  # Flask leaves the body out where HEAD was asked
        response = flask.Response.from_app(make_wsgi_app(read()), environ)
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _refuse(settings: Settings) -> flask.Response | None:
    """Return the answer to who may not see the metrics; what is set has to hold, both where both are."""
    if settings.token is not None and not _has_token(settings.token.get_secret_value()):
        return _say(401, "A bearer token is needed.", {"WWW-Authenticate": 'Bearer realm="metrics"'})
    networks: tuple[Any, ...] = settings.networks
    if settings.token is None and not networks:
        if not flask.current_app.debug:
            return _say(403, CLOSED)
        networks = _LOOPBACK
    if networks and not _comes_from(networks, flask.request.environ):
        return _say(403, "Not from here.")
    return None


def _has_token(token: str) -> bool:
    given = flask.request.authorization
    text = given.token if given is not None and given.type == "bearer" else None
    return text is not None and hmac.compare_digest(text.encode(), token.encode())


def _comes_from(networks: tuple[Any, ...], environ: Mapping[str, Any]) -> bool:
    """Say whether the request comes from one of *networks*; the address of a proxy says nothing about that."""
    if _PROXY_FIX not in environ and any(header in environ for header in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:  # a Unix socket
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in networks)


def _say(status: int, text: str, headers: Mapping[str, str] | None = None) -> flask.Response:
    return flask.Response(f"{text}\n", status, headers, mimetype="text/plain")
