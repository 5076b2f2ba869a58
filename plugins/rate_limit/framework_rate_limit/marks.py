"""`limit`, the decorator for one handler or one namespace."""

from __future__ import annotations

import inspect
import logging
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import flask

from framework import ConfigurationError, Handling, PluginError, guard

from .limiter import Per, Rule
from .plugin import RateLimit
from .rates import Rates, parse_rates

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("framework.rate_limit")

_warned: weakref.WeakSet[flask.Flask] = weakref.WeakSet()


def limit(rates: str, *, per: Per = "connection") -> Callable[[F], F]:
    """Limit one event, or on ``on_connect`` the connects; on a `Namespace` class both, counted together.

    It is a guard: asked before the payload is read, in its place among the others. It needs the plugin `RateLimit`, and
    none of its settings.

    Args:
        rates: ``5/second``, or several: ``5/second; 60/minute``.
        per: Who is counted apart: each ``connection``, each ``user`` or each ``address``. A client without a user or an
            address is counted by its connection.

    Raises:
        ConfigurationError: *rates* or *per* is something else. When an event comes, for the log: the plugin is not loaded.
    """
    found = _read(rates, per)

    def mark(target: F) -> F:
        name = getattr(target, "__qualname__", type(target).__name__)
        where = f"{getattr(target, '__module__', '')}.{name}"
        return guard(_make_check(where, inspect.isclass(target), found, per, f"limit({rates!r}, per={per!r})"))(target)

    return mark


def _read(rates: str, per: Per) -> Rates:
    if per not in get_args(Per):
        raise ConfigurationError(f"@limit(per={per!r}): it is one of {', '.join(get_args(Per))}.")
    try:
        found = parse_rates(rates) if isinstance(rates, str) else ()
    except ValueError as error:
        raise ConfigurationError(f"@limit({rates!r}): {error}.") from error
    if not found:
        raise ConfigurationError(f"@limit({rates!r}): it takes a rate, e.g. @limit('5/second').")
    return found


def _make_check(where: str, is_class: bool, rates: Rates, per: Per, label: str) -> Callable[[Handling], bool]:
    rules: dict[str, Rule] = {}

    def check(handling: Handling) -> bool:
        plugin = _find_plugin(where)
        if plugin is not None:
            # A handler that several classes inherit is counted for each of them.
            name = where if is_class else f"{where} {handling.handler}"
            rule = rules.get(name) or rules.setdefault(name, Rule(name, per, rates, per))
            plugin.limiter.admit_marked(handling, rule)
        return True

    check.__name__ = label
    return check


def _find_plugin(where: str) -> RateLimit | None:
    """Return the application's plugin, or None where the operator has switched it off.

    Raises:
        ConfigurationError: It is not there for another reason.
    """
    app: Any = flask.current_app
    socketio = app.extensions["socketio"]
    try:
        plugin: RateLimit = socketio.plugin(RateLimit)
    except PluginError as error:
        info = socketio.plugins.get(RateLimit.name)
        if info is None or info.state != "disabled":
            raise ConfigurationError(f"{where} has a @limit, and {str(error).rstrip('.')}.") from error
        _warn(app._get_current_object(), where)
        return None
    return plugin


def _warn(app: flask.Flask, where: str) -> None:
    if app not in _warned:
        _warned.add(app)
        logger.warning("%s has a @limit, and nothing is limited: the plugin rate_limit is disabled.", where)
