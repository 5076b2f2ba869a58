"""In which order plugins start: after what they require, as `before` and `after` say, otherwise by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .plugin import Plugin


def sort_plugins(plugins: Mapping[str, type[Plugin[Any]]]) -> list[str]:
    """Return the names in the order of their start; without those in a cycle, and those that wait for one."""
    return _place(_read_waits(plugins))


def find_cycle(plugins: Mapping[str, type[Plugin[Any]]]) -> list[str]:
    """Return the names in a cycle, each of which starts after the next, the first again at the end; empty without one."""
    waits = _read_waits(plugins)
    placed = set(_place(waits))
    left = {name: others - placed for name, others in waits.items() if name not in placed}
    return _follow(left) if left else []


def _place(waits: Mapping[str, set[str]]) -> list[str]:
    """Always take the first name that waits for nothing which is not placed."""
    placed: list[str] = []
    while ready := [name for name in waits if name not in placed and waits[name] <= {*placed}]:
        placed.append(min(ready))
    return placed


def _read_waits(plugins: Mapping[str, type[Plugin[Any]]]) -> dict[str, set[str]]:
    """For each name, the names that it waits for."""
    waits = {name: {*plugin._requirements, *plugin.after} & plugins.keys() for name, plugin in plugins.items()}
    for name, plugin in plugins.items():
        for later in plugins.keys() & set(plugin.before):
            waits[later].add(name)
    return waits


def _follow(waits: Mapping[str, set[str]]) -> list[str]:
    """Follow what waits for what until a name comes again; in *waits* everything waits for something in it."""
    path = [min(waits)]
    while (following := min(waits[path[-1]])) not in path:
        path.append(following)
    cycle = path[path.index(following) :]
    first = cycle.index(min(cycle))
    return [*cycle[first:], *cycle[:first], cycle[first]]
