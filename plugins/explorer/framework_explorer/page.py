"""The page over HTTP: its files, what it shows, and what can be downloaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import flask
from flask.typing import ResponseReturnValue

from framework import FrameworkError
from framework.generators import find_generator

from .document import describe, list_all_generators, name_file

if TYPE_CHECKING:
    from .plugin import Explorer

# Everything comes from this server, nothing is inline, and no text becomes markup. 'self' covers the WebSocket.
_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
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


def make_blueprint(explorer: Explorer) -> flask.Blueprint:
    """Return the routes of the page, under the path of the settings."""
    pages = flask.Blueprint("framework_explorer", __name__, url_prefix=explorer.settings.path, static_folder="static")
    views = _Views(explorer)
    pages.add_url_rule("/", view_func=lambda: pages.send_static_file("page.html"), endpoint="show")
    pages.add_url_rule("/page.json", view_func=views.give_page, endpoint="give_page")
    pages.add_url_rule("/contract.json", view_func=views.give_contract, endpoint="give_contract")
    pages.add_url_rule("/stubs/<generator>", view_func=views.give_stubs, endpoint="give_stubs")
    pages.before_request(explorer.access.refuse)
    pages.after_request(_harden)
    return pages


def _harden(response: flask.Response) -> flask.Response:
    response.headers.update(_HEADERS)
    return response


class _Views:
    """The views; they share the plugin. The contract is read for each request: it is complete when one comes."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    def give_page(self) -> ResponseReturnValue:
        """Return what the page shows."""
        path = flask.request.script_root + self._explorer.socketio_path
        told = describe(self._explorer.socketio, path)
        return flask.Response(json.dumps(told, ensure_ascii=False), mimetype="application/json")

    def give_contract(self) -> ResponseReturnValue:
        """Return the contract, as ``framework contract`` writes it."""
        return flask.Response(self._explorer.socketio.contract().to_json(), mimetype="application/json")

    def give_stubs(self, generator: str) -> ResponseReturnValue:
        """Return what a generator makes, as a file; the query has its options."""
        socketio = self._explorer.socketio
        if generator not in list_all_generators(socketio):
            return flask.Response(f"There is no generator {generator!r}.\n", 404, mimetype="text/plain")
        contract = socketio.contract()
        try:
            text = find_generator(generator, socketio.generators)(contract, flask.request.args.to_dict())
        except FrameworkError as error:
            return flask.Response(f"{error}\n", 400, mimetype="text/plain")
        name = name_file(contract, generator)
        kind = "application/json" if name.endswith(".json") else "text/plain"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return flask.Response(text, headers=disposition, mimetype=kind)
