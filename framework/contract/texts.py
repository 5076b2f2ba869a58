"""Texts for a schema of strings: of its format, for its pattern, of its length."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator

from .model import Schema
from .patterns import propose_texts

COUNT = 12
WORD = "text"

# By format, the first, second ... of them. A UUID tells its version.
_FORMATS: dict[str, Callable[[int], str]] = {
    "base64": lambda n: f"dGV4d{string.ascii_uppercase[n]}==",
    "base64url": lambda n: f"dGV4d{string.ascii_uppercase[n]}==",
    "binary": lambda n: _count("bytes", n),
    "byte": lambda n: f"dGV4d{string.ascii_uppercase[n]}==",
    "color": lambda n: f"#00{n:02x}ff",
    "date": lambda n: f"2026-01-{n + 1:02d}",
    "date-time": lambda n: f"2026-01-{n + 1:02d}T12:00:00Z",
    "decimal": lambda n: f"{n + 1}.5",
    "directory-path": lambda n: _count("folder", n),
    "duration": lambda n: f"PT{n + 1}H",
    "email": lambda n: f"{_count('ada', n)}@example.com",
    "file-path": lambda n: f"{_count('file', n)}.txt",
    "hostname": lambda n: f"{_count('host', n)}.example.com",
    "idn-email": lambda n: f"{_count('ada', n)}@example.com",
    "ipv4": lambda n: f"192.0.2.{n + 1}",
    "ipv4interface": lambda n: f"192.0.2.{n + 1}/24",
    "ipv4network": lambda n: f"192.0.{n + 2}.0/24",
    "ipv6": lambda n: f"2001:db8::{n + 1:x}",
    "ipv6interface": lambda n: f"2001:db8::{n + 1:x}/64",
    "ipv6network": lambda n: f"2001:db8:{n + 1:x}::/64",
    "ipvanyaddress": lambda n: f"192.0.2.{n + 1}",
    "ipvanyinterface": lambda n: f"192.0.2.{n + 1}/24",
    "ipvanynetwork": lambda n: f"192.0.{n + 2}.0/24",
    "json-pointer": lambda n: f"/{_count('field', n)}",
    "json-string": lambda n: str(n + 1),
    "multi-host-uri": lambda n: f"scheme://{_count('host', n)}.example.com/",
    "name-email": lambda n: f"Ada <{_count('ada', n)}@example.com>",
    "password": lambda n: _count("secret", n),
    "path": lambda n: f"{_count('file', n)}.txt",
    "regex": lambda n: f"^a{{{n + 1}}}$",
    "time": lambda n: f"12:{n:02d}:00Z",
    "uri": lambda n: f"https://example.com/{n or ''}",
    "uri-reference": lambda n: f"/{_count('page', n)}",
    "uuid": lambda n: _uuid(4, n),
    **{f"uuid{version}": (lambda n, version=version: _uuid(version, n)) for version in range(1, 9)},  # type: ignore[misc]
}


def propose(schema: Schema) -> Iterator[str]:
    """Yield texts for *schema*; one of another format than the schema's is never among them, if the format is known."""
    write = _FORMATS.get(schema.get("format", ""))
    if write is not None:
        yield from map(write, range(COUNT))
    if "pattern" in schema:
        yield from propose_texts(schema["pattern"])
    if write is not None and schema["format"] not in ("binary", "password"):
        return
    if schema.get("contentEncoding") == "base64":
        yield from map(_FORMATS["base64"], range(COUNT))
    if schema.get("contentMediaType") == "application/json":
        yield from map(str, range(COUNT))
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if least > len(WORD) or (most is not None and most < len(WORD)):
        yield from _of_length(least, most)
    yield from (_count(WORD, n) for n in range(COUNT))


def _of_length(least: int, most: int | None) -> Iterator[str]:
    length = max(least, len(WORD) if most is None else min(len(WORD), most))
    yield (WORD * (length // len(WORD) + 1))[:length]
    for first in string.ascii_lowercase:
        yield (first + WORD * (length // len(WORD) + 1))[:length]


def _count(word: str, number: int) -> str:
    """Return *word*, then its second with a 2 behind it, and so on."""
    return f"{word}{number + 1}" if number else word


def _uuid(version: int, number: int) -> str:
    return f"12345678-0000-{version}000-8000-{number + 1:012x}"
