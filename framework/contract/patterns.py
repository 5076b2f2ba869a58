"""Texts that match a regular expression, short ones first and always the same.

It reads an expression with Python's own parser, walks it once per length, and proposes; who asks has to check, because
what looks around (``(?=...)``, ``\\b``) is passed over.
"""

from __future__ import annotations

import importlib
import re
import string
from collections.abc import Iterator
from typing import Any

MORE = (0, 1, 2, 3, 5, 8, 13, 21, 34, 64)
LONGEST = 10_000
_parser: Any = importlib.import_module("re._parser")
_PLAIN = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_ .:/@" + string.punctuation
_CATEGORIES = {
    "CATEGORY_DIGIT": "1234567890",
    "CATEGORY_NOT_DIGIT": "ab-_ ",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "ab1-_",
    "CATEGORY_WORD": "ab1_",
    "CATEGORY_NOT_WORD": "- .",
}


def propose_texts(pattern: str) -> Iterator[str]:
    """Yield texts that should match *pattern*; none where Python can't read it."""
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError):
        return
    for more in MORE:
        for shift in range(3):
            try:
                yield _Walk(more, shift).write(parsed)
            except OverflowError:
                return


class _Walk:
    """One way through an expression.

    Args:
        more: How often what may be repeated is repeated beyond what it must.
        shift: Which of the characters and branches that are possible is taken.
    """

    def __init__(self, more: int, shift: int) -> None:
        self.more = more
        self.shift = shift
        self.groups: dict[int, str] = {}
        self.written = 0

    def write(self, parsed: Any) -> str:
        """Return the text.

        Raises:
            OverflowError: It would be longer than ``LONGEST``.
        """
        return "".join(self._write_one(str(operation), argument) for operation, argument in parsed)

    def _write_one(self, operation: str, argument: Any) -> str:
        self.written += 1
        if self.written > LONGEST:
            raise OverflowError
        if operation == "LITERAL":
            return chr(argument)
        if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(*argument)
        if operation == "SUBPATTERN":
            group, _, _, inner = argument
            self.groups[group] = self.write(inner)
            return self.groups[group]
        if operation == "BRANCH":
            branches = argument[1]
            return self.write(branches[self.shift % len(branches)])
        if operation == "ATOMIC_GROUP":
            return self.write(argument)
        if operation == "GROUPREF":
            return self.groups.get(argument, "")
        return self._pick(operation, argument)

    def _repeat(self, least: int, most: Any, inner: Any) -> str:
        more, self.more = self.more, min(self.more, 1)  # a repetition in a repetition would be a power
        text = "".join(self.write(inner) for _ in range(min(least + more, int(most))))
        self.more = more
        return text

    def _pick(self, operation: str, argument: Any) -> str:
        """Return one character of a set; nothing for what only looks around."""
        if operation == "ANY":
            found = "ab1"
        elif operation == "NOT_LITERAL":
            found = _PLAIN.replace(chr(argument), "")
        elif operation == "IN":
            found = _read_set(argument)
        else:
            return ""
        return found[self.shift % len(found)] if found else ""


def _read_set(items: Any) -> str:
    found = ""
    negated = False
    for operation, argument in items:
        name = str(operation)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found += chr(argument)
        elif name == "RANGE":
            first, last = argument
            found += "".join(map(chr, range(first, min(last, first + 255) + 1)))
        elif name == "CATEGORY":
            found += _CATEGORIES.get(str(argument).replace("UNI_", "").replace("LOC_", ""), "")
    return "".join(char for char in _PLAIN if char not in found) if negated else found
