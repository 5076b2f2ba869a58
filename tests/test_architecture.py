"""Imports run one way, from the surface down: lazy and typing-only ones too, and in no circle.

``LAYERS`` is the order, from the ground. A module may import those of lower layers; within one layer only modules of one
package may, and not in a circle. A new module gets its place here.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import framework

PACKAGE = Path(framework.__file__).parent
ROOT = "framework"

LAYERS: list[tuple[str, set[str]]] = [
    ("what can go wrong, and what is told", {"errors", "signals", "version"}),
    ("bounds, values and schemas", {"limits", "wire", "schemas"}),
    ("places in a payload, and what is exactly as declared", {"exact", "paths"}),
    ("what comes in and what goes out", {"payloads", "acks"}),
    ("what a function promises", {"signatures"}),
    ("one connect, event or disconnect", {"handling"}),
    ("what is filled in, and what decides", {"dependencies"}),
    ("what goes around a handler", {"middleware"}),
    ("what a handler sends bit by bit", {"streams"}),
    ("what a class serves", {"handlers"}),
    ("who is being served", {"callers"}),
    ("what a class sends", {"events"}),
    ("what a user subclasses and calls", {"namespace", "functions"}),
    ("bytes, sockets and loops", {"transport"}),
    ("Flask around one event, and who serves it", {"context", "coroutines", "registry"}),
    ("how the application's code is run", {"running"}),
    ("streams on their way", {"streaming"}),
    ("what has arrived", {"arrivals"}),
    ("what goes back", {"answers"}),
    ("what a client is told of a failure", {"failures"}),
    ("how a stream gets to its client", {"feeds"}),
    ("how clients come and go", {"life_cycle"}),
    ("the straight way of an event", {"straight"}),
    ("the path of one event", {"dispatch"}),
    ("what is promised", {"contract"}),
    ("what is listed, and what is run", {"clients", "routes", "serving"}),
    ("what others add", {"plugins"}),
    ("what it is told to be", {"options"}),
    ("the extension", {"application"}),
    ("the public names", {ROOT}),
    ("from a contract to a text", {"contract_cli", "generators"}),
    ("talking to a server", {"talking"}),
    ("a server without an application", {"mock"}),
    ("tests and templates", {"testing", "scaffold"}),
    ("files to go on from", {"generate"}),
    ("the command line", {"cli"}),
    ("python -m framework", {"__main__"}),
]
HEIGHT = {part: height for height, (_, parts) in enumerate(LAYERS) for part in parts}


def find_modules() -> dict[str, Path]:
    """Every module of the package by its dotted name below ``framework``."""
    found = {}
    for path in sorted(path for path in PACKAGE.rglob("*.py") if "plugin_template" not in path.parts):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found[".".join(parts) or ROOT] = path
    return found


MODULES = find_modules()


def part_of(module: str) -> str:
    """The entry of the table that *module* belongs to: itself, or its package."""
    return module.partition(".")[0]


def read_imports(module: str) -> Iterator[str]:
    """Every module of the package that *module* imports, wherever in its code."""
    path = MODULES[module]
    package = ("" if module == ROOT else module).split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    here = [part for part in package if part]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from (resolve(name[1:]) for name in names if name[0] == ROOT)
        elif isinstance(node, ast.ImportFrom):
            named = (node.module or "").split(".") if node.module else []
            if node.level:
                base = here[: len(here) - node.level + 1] + named
            elif named[:1] == [ROOT]:
                base = named[1:]
            else:
                continue
            yield from (resolve([*base, alias.name]) for alias in node.names)


def resolve(parts: list[str]) -> str:
    """The module that a dotted name is, or is in."""
    while parts and ".".join(parts) not in MODULES:
        parts = parts[:-1]
    return ".".join(parts) or ROOT


IMPORTS = {module: {found for found in read_imports(module) if found != module} for module in MODULES}


def test_every_module_has_its_place_in_the_table() -> None:
    assert {part_of(module) for module in MODULES} == set(HEIGHT)
    assert sum(len(parts) for _, parts in LAYERS) == len(HEIGHT)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_is_below_it(module: str) -> None:
    height = HEIGHT[part_of(module)]
    upward = {
        found for found in IMPORTS[module] if HEIGHT[part_of(found)] >= height and part_of(found) != part_of(module)
    }
    assert upward == set()


def test_no_imports_run_in_a_circle() -> None:
    within = {module: {found for found in IMPORTS[module] if found != part_of(module)} for module in MODULES}
    assert list(graphlib.TopologicalSorter(within).static_order())


def test_what_a_class_promises_knows_neither_flask_nor_sockets() -> None:
    ground = [module for module in MODULES if HEIGHT[part_of(module)] <= HEIGHT["handlers"]]
    for module in ground:
        for node in ast.walk(ast.parse(MODULES[module].read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {name.partition(".")[0] for name in names}.isdisjoint({"flask", "flask_socketio", "engineio"}), (
                module
            )


def test_the_reader_of_imports_sees_lazy_and_typing_only_ones() -> None:
    assert "testing.client" in IMPORTS["testing.plugin"]
    assert {"errors", "limits", "transport.timer"} <= IMPORTS["transport.engine"]
    assert "application" in IMPORTS[ROOT]
