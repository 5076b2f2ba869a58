"""What changed between two contracts, and how it is told: as text, JSON or Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["breaking", "risky", "safe"]
Side = Literal["clients", "servers"]
SEVERITIES: tuple[Severity, ...] = ("breaking", "risky", "safe")
_TITLES = {"breaking": "Breaking", "risky": "Risky", "safe": "Safe"}
_MESSAGES_OF: dict[str, str] = {"clients": "what old clients send", "servers": "what old clients get"}


@dataclass(frozen=True)
class Change:
    """One difference between an old and a new contract.

    Args:
        severity: ``breaking``: old clients fail with the new server. ``risky``: they may, as far as a contract can tell.
            ``safe``: they don't.
        what: A stable word, e.g. ``field_removed``.
        where: The namespace, the event, and the place in it, e.g. ``/chat post argument message.text``.
        who: Whose messages it is about: ``clients`` for what old clients send to the new server, ``servers`` for what the
            new server sends to old clients.
        message: One sentence.
    """

    severity: Severity
    what: str
    where: str
    who: Side
    message: str


def order_changes(changes: Sequence[Change]) -> list[Change]:
    """Return *changes* without repetitions, the worst first, then by place."""
    return sorted(
        dict.fromkeys(changes),
        key=lambda found: (SEVERITIES.index(found.severity), found.where, found.what, found.message),
    )


def is_breaking(changes: Sequence[Change]) -> bool:
    """Say whether old clients fail with the new server."""
    return any(change.severity == "breaking" for change in changes)


def render_text(changes: Sequence[Change]) -> str:
    """Return a line for each of *changes*, and how many there are."""
    lines = [f"{change.severity:8}  {_place(change)}  {change.message} [{change.what}]" for change in changes]
    return "\n".join([*lines, "", _count(changes)] if lines else ["No changes."]) + "\n"


def render_json(changes: Sequence[Change]) -> str:
    """Return a list of objects with the fields of `Change`."""
    return json.dumps([asdict(change) for change in changes], indent=2, ensure_ascii=False) + "\n"


def render_markdown(changes: Sequence[Change]) -> str:
    """Return a table for each severity, for a comment on a pull request; safe changes are folded."""
    parts = [f"### Contract: {_count(changes)}" if changes else "### Contract: no changes"]
    for severity in SEVERITIES:
        found = [change for change in changes if change.severity == severity]
        if not found:
            continue
        rows = [
            f"| {_code(_place(change))} | {_escape(change.message)} | {_MESSAGES_OF[change.who]} |" for change in found
        ]
        table = "\n".join(["| Where | What | About |", "| --- | --- | --- |", *rows])
        title = f"{_TITLES[severity]} ({len(found)})"
        if severity == "safe":
            parts.append(f"<details><summary>{title}</summary>\n\n{table}\n\n</details>")
        else:
            parts.append(f"**{title}**\n\n{table}")
    return "\n\n".join(parts) + "\n"


def _place(change: Change) -> str:
    return change.where or "the application"


def _count(changes: Sequence[Change]) -> str:
    counts = {severity: sum(change.severity == severity for change in changes) for severity in SEVERITIES}
    return ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)


def _code(text: str) -> str:
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}".replace("|", r"\|")


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>()#!|~&$@])", r"\\\1", " ".join(text.split()))
