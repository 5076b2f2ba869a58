"""The generated module as a whole: what is the same in all of them, then sections, under the imports that they need."""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic_core import SchemaError

from ...contract import Contract
from .models import list_patterns
from .text import docstring, quote

_COPIED = "# -- copied\n"
_ENGINE, _OTHER_ENGINE = "rust-regex", "python-re"
_RUNTIME = ("common", "blocking", "asynchronous")
_SOCKETIO = "".join(
    f"import socketio.{name}  # type: ignore[import-untyped, unused-ignore]\n" for name in ("exceptions", "packet")
)
_STRING = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#.*')
_DEFINED = re.compile(r"^(?:class|def) (\w+)|^(\w+)(?:: [^=\n]+)? = ", re.MULTILINE)
_WORD = re.compile(r"\b[^\W\d]\w*")
_THIRD_PARTY = ("pydantic", "socketio", "typing_extensions")
_IMPORTS = {  # beside those of the runtime
    "": ("datetime", "decimal", "enum", "uuid"),
    "collections.abc": ("Awaitable", "Callable"),
    "pydantic": ("ConfigDict", "Field"),
    "typing": ("Annotated", "Any", "ClassVar", "Literal", "NamedTuple", "Self", "Unpack"),
    "typing_extensions": ("TypeAliasType", "deprecated"),
}


class Runtime:
    """What is the same in all modules of one flavour.

    Args:
        flavours: The names of its modules, beside ``common``.
        engine: What compiles regular expressions, in pydantic's words.
    """

    def __init__(self, flavours: Iterable[str], engine: str) -> None:
        sources = [_read_source(name) for name in ("common", *flavours)]
        self.text = "\n\n".join(source.partition(_COPIED)[2].strip("\n") + "\n" for source in sources)
        self.text = re.sub(r"  # noqa: .*", "", self.text).replace(_ENGINE, engine)


def render_module(contract: Contract, runtime: Runtime, sections: Iterable[tuple[str, str]]) -> str:
    """Return the module.

    Args:
        sections: Titles and texts; those without text are left out.
    """
    filled = [(title, text) for title, text in sections if text]
    body = "\n\n".join([runtime.text, *(f"# -- {title}\n\n{_space(text)}{text}" for title, text in filled)])
    code = _STRING.sub('""', body)
    public = sorted((name for name in _find_defined(code) if not name.startswith("_")), key=_order)
    names = "".join(f"    {quote(name)},\n" for name in public)
    about = f"Clients of {contract.title} {contract.version}: models, errors, and a class for each namespace."
    head = docstring(f"{about}\n\n{_HOW}", "")
    imports = _render_imports(_find_used(code, body))
    return (
        f"# pyright: standard\n{head}\nfrom __future__ import annotations\n\n{imports}\n__all__ = [\n{names}]\n\n{body}"
    )


_HOW = (
    "Generated from the application's contract by ``framework stubs python``, and to be generated again when that changes;\n"
    "not to be edited. It needs pydantic and python-socketio, as python-socketio[client] for threads and\n"
    "python-socketio[asyncio_client] for asyncio."
)


@functools.cache
def list_reserved() -> frozenset[str]:
    """Return the names that every module may use: no model can have them."""
    found = set(dir(builtins))
    for name in _RUNTIME:
        tree = ast.parse(_read_source(name))
        found |= {*_list_defined(tree), *(name.partition(".")[0] for _, name in _list_imports(tree))}
    return frozenset(found | {name for names in _IMPORTS.values() for name in names})


def choose_patterns(contract: Contract) -> tuple[Callable[[str], bool], str]:
    """Return which of the contract's regular expressions can be checked, and by which of pydantic's engines.

    A server may use Python's, for what the other does not know.
    """
    patterns = set(list_patterns(contract))
    if all(_is_known_to_rust(pattern) for pattern in patterns):
        return _is_known_to_rust, _ENGINE
    if all(_is_known_to_python(pattern) for pattern in patterns):
        return _is_known_to_python, _OTHER_ENGINE
    return _is_known_to_rust, _ENGINE


@functools.cache
def _is_known_to_rust(pattern: str) -> bool:
    try:
        TypeAdapter(Annotated[str, Field(pattern=pattern)])
    except SchemaError:
        return False
    return True


@functools.cache
def _is_known_to_python(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _order(name: str) -> tuple[bool, bool, str]:
    """Return where *name* stands in a list: constants, classes, functions."""
    return not name.isupper(), not name[0].isupper(), name


def _space(text: str) -> str:
    """Return the empty line that comes before a class."""
    return "\n" if text.startswith(("class ", "@", "#")) else ""


@functools.cache
def _read_source(name: str) -> str:
    return resources.files(__name__.rpartition(".")[0]).joinpath("runtime", f"{name}.py").read_text("utf-8")


def _list_defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _list_imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield modules, empty where the module itself is imported, and names."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (("", alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module != "__future__":
            yield from ((str(node.module), alias.name) for alias in node.names)


def _find_defined(code: str) -> Iterator[str]:
    """Yield what *code*, without strings, defines. Parsing it would take most of the time."""
    return (found[1] or found[2] for found in _DEFINED.finditer(code))


def _find_used(code: str, body: str) -> set[str]:
    """Return all words of *code*, and of the types that *body* has as strings."""
    aliases = " ".join(line for line in body.splitlines() if " = TypeAliasType(" in line)
    return {*_WORD.findall(code), *_WORD.findall(aliases)}


def _render_imports(used: set[str]) -> str:
    known = {(module, name) for module, names in _IMPORTS.items() for name in names}
    known |= {found for name in _RUNTIME for found in _list_imports(ast.parse(_read_source(name)))}
    wanted: dict[str, set[str]] = defaultdict(set)
    for module, name in known:
        if name in used:  # not the submodules of socketio, which are there always
            wanted[module].add(name)
    modules = [f"import {name}\n" for name in sorted(wanted.pop("", set()))]
    own = "".join(modules) + "".join(
        _render_from(module, wanted[module]) for module in sorted(wanted) if module not in _THIRD_PARTY
    )
    others = "".join(_render_from(module, wanted[module]) for module in sorted(wanted) if module in _THIRD_PARTY)
    return f"{own}\n{_SOCKETIO}{others}"


def _render_from(module: str, names: set[str]) -> str:
    ordered: Sequence[str] = sorted(names, key=lambda name: (*_order(name)[:2], name.lower()))
    line = f"from {module} import {', '.join(ordered)}\n"
    if len(line) <= 121:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")\n"
