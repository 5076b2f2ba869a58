"""Which generators there are, by name."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from ..contract import Generator
from ..errors import ContractError

GROUP = "framework.generators"

# Imported when asked for.
_OURS = {
    "asyncapi": "asyncapi",
    "jsonschema": "jsonschema",
    "markdown": "markdown",
    "python": "python",
    "typescript": "typescript",
}


def list_generators() -> list[str]:
    """Return the names of what is installed, sorted."""
    return sorted({*_OURS, *(found.name for found in entry_points(group=GROUP))})


def find_generator(name: str, more: Mapping[str, Generator] | None = None) -> Generator:
    """Return the generator called *name*.

    Args:
        more: Those of the application's plugins, which come first.

    Raises:
        ContractError: There is none, or it can't be imported.
    """
    if more and name in more:
        return more[name]
    if name in _OURS:
        module = importlib.import_module(f".{_OURS[name]}", __package__)
        return cast(Generator, module.render)
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        known = ", ".join(sorted({*list_generators(), *(more or ())}))
        raise ContractError(f"no generator {name!r}. There are: {known}.")
    return _load(found)


def _load(found: EntryPoint) -> Generator:
    try:
        return cast(Generator, found.load())
    except Exception as error:
        source = f"{found.dist.name} {found.dist.version}" if found.dist is not None else found.value
        raise ContractError(
            f"the generator {found.name!r} of {source} can't be imported: {type(error).__name__}: {error}"
        ) from error


def read_options(options: Mapping[str, str], known: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return *options* with the default, which is the first choice, for each that is not given.

    Args:
        known: The choices of each option; none where any text will do, which is then empty by default.

    Raises:
        ContractError: One is not known, or is no choice.
    """
    for name, value in options.items():
        if name not in known:
            there = f"It takes: {', '.join(known)}." if known else "It takes none."
            raise ContractError(f"the generator has no option {name!r}. {there}")
        if known[name] and value not in known[name]:
            raise ContractError(f"the option {name} is {value!r}; it is one of: {', '.join(known[name])}.")
    return {name: options.get(name, next(iter(choices), "")) for name, choices in known.items()}
