"""Names for Python: of classes, and of what is in them. The same wire names get the same names, in any order."""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def make_name(wire: str, kind: str) -> str:
    """Return *wire* as a name for a function, a parameter or a field.

    Args:
        kind: What it begins with where it would begin with a digit, and is where nothing is left.
    """
    if _is_name(wire) and wire == wire.lower() and not wire.startswith("_"):
        return wire
    text = _clean(_WORDS.sub("_", unicodedata.normalize("NFKC", wire))).lower()
    return _finish(re.sub("_+", "_", text).strip("_"), f"{kind}_", kind)


def make_class_name(name: str, kind: str) -> str:
    """Return *name* as a name for a class: words that begin with a capital, without anything between them."""
    words = _clean(unicodedata.normalize("NFKC", name)).split("_")
    return _finish("".join(word[:1].upper() + word[1:] for word in words), kind, kind)


def make_member_name(value: object) -> str:
    """Return a name for the member of an enumeration that nobody has named."""
    text = make_name(str(value), "value").upper()
    return text if _is_name(text) else "VALUE"


def assign_names(
    wires: Iterable[str], make: Callable[[str], str], taken: Iterable[str] = (), ending: str = "_"
) -> dict[str, str]:
    """Return a name of its own for each of *wires*.

    What is a name already keeps it. Of others that would get the same, the first in the alphabet does; the rest get a
    part of the hash of their wire name, so that theirs do not depend on how many there are.

    Args:
        make: Makes a name.
        taken: Names that none may have.
        ending: What a name gets that is taken.
    """
    used = set(taken)
    found: dict[str, str] = {}
    for wire in sorted(set(wires), key=lambda wire: (make(wire) != wire, wire)):
        name = make(wire)
        if name in used and name not in found.values():
            name += ending
        if name in used:
            name = _tell_apart(name.rstrip("_"), wire, used)
        used.add(name)
        found[wire] = name
    return found


def _tell_apart(name: str, wire: str, used: set[str]) -> str:
    digest = hashlib.sha256(wire.encode()).hexdigest()
    return next(
        f"{name}_{digest[:length]}" for length in range(4, len(digest)) if f"{name}_{digest[:length]}" not in used
    )


def _clean(text: str) -> str:
    return "".join(letter if f"a{letter}".isidentifier() else "_" for letter in text)


def _finish(text: str, before: str, instead: str) -> str:
    name = text or instead
    if not name.isidentifier():
        name = f"{before}{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text) and unicodedata.normalize("NFKC", text) == text
