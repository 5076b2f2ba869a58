"""Render results.json: the tables of RESULTS.md, with ratios within each round, and a plot beside it."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OURS = ("framework threading (gunicorn)", "framework gevent (pywsgi)")
PLAIN_THREADING = "Flask-SocketIO threading (werkzeug)"
PLAIN_GEVENT = "Flask-SocketIO gevent (pywsgi)"
NODE = "Node socket.io + zod"
BASES = (PLAIN_THREADING, PLAIN_GEVENT, NODE)
TITLES = {
    "echo": "Typed event with a typed ack: 16 connections, 4 events on the way each",
    "untyped": "The same without a model",
    "unloaded": "Round trip: one connection, one event on the way",
    "fanout_200": "Broadcast to 200 clients, per delivery",
    "fanout_1000": "Broadcast to 1000 clients, per delivery",
    "beside_slow": "Fast events of 8 clients while 8 others call one that blocks for 20 ms",
    "idle": "1000 idle connections, and connecting them",
}
# goal, case, figure, whose over ours (or ours over whose), the peer, wanted
GOALS = (
    ("typed acked event against plain Flask-SocketIO threading, CPU", "echo", "us_per_event", 0, PLAIN_THREADING, 20.0),
    ("typed acked event against plain Flask-SocketIO gevent, CPU", "echo", "us_per_event", 1, PLAIN_GEVENT, 12.0),
    ("against AsyncServer on uvicorn, CPU", "echo", "us_per_event", 0, "AsyncServer on uvicorn", 6.0),
    ("against AsyncServer on granian, CPU", "echo", "us_per_event", 0, "AsyncServer on granian", 6.0),
    ("against pydantic-socketio on uvicorn, CPU", "echo", "us_per_event", 0, "pydantic-socketio on uvicorn", 6.0),
    ("against Node socket.io + zod, CPU", "echo", "us_per_event", 0, NODE, 1.0),
    ("fan-out to 1000 against Node, CPU per delivery", "fanout_1000", "us_per_event", 0, NODE, 1.25),
    ("fan-out to 1000 against plain gevent, CPU per delivery", "fanout_1000", "us_per_event", 1, PLAIN_GEVENT, 5.0),
    ("idle connection against Node, memory", "idle", "kib", 0, NODE, 2.6),
    ("unloaded round trip p50 against Node", "unloaded", "p50_ms", 0, NODE, 1.0),
    ("p99 of fast events beside slow ones against plain threading", "beside_slow", "p99_ms", 0, PLAIN_THREADING, 10.0),
)
Rows = list[dict[str, Any]]


def median(rows: Rows, case: str, peer: str, figure: str) -> float | None:
    found = [row[figure] for row in rows if row["case"] == case and row["peer"] == peer and figure in row]
    return statistics.median(found) if found else None


def ratio(rows: Rows, case: str, figure: str, peer: str, base: str) -> float | None:
    """Return the median over the rounds of *base*'s figure divided by *peer*'s."""
    by_round: dict[int, dict[str, float]] = {}
    for row in rows:
        if row["case"] == case and figure in row:
            by_round.setdefault(row["round"], {})[row["peer"]] = row[figure]
    found = [each[base] / each[peer] for each in by_round.values() if base in each and each.get(peer)]
    return statistics.median(found) if found else None


def show(value: float | None, form: str = ".3g") -> str:
    return "-" if value is None else format(value, form)


def render_goals(rows: Rows) -> list[str]:
    lines = ["| goal | wanted | measured |", "|---|---|---|"]
    for title, case, figure, ours, base, wanted in GOALS:
        found = ratio(rows, case, figure, OURS[ours], base)
        lines.append(f"| {title} | {wanted:g}x | {show(found)}x |")
    return lines


def render_case(rows: Rows, case: str) -> list[str]:
    found = [row for row in rows if row["case"] == case]
    if not found:
        return []
    figures = [name for name in found[0] if name not in ("round", "case", "peer")]
    main = figures[0]
    heads = ["server", *figures, *(f"x {base}" for base in BASES)]
    lines = [f"## {TITLES[case]}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for peer in dict.fromkeys(row["peer"] for row in found):
        cells = [show(median(rows, case, peer, figure), ".4g") for figure in figures]
        ratios = [show(ratio(rows, case, main, peer, base)) for base in BASES]
        lines.append(f"| {' | '.join([peer, *cells, *ratios])} |")
    return [*lines, ""]


def render(results: dict[str, Any]) -> str:
    machine, rows = results["machine"], results["rows"]
    rounds = len({row["round"] for row in rows})
    packages = ", ".join(f"{name} {found}" for name, found in sorted(machine["packages"].items()))
    head = [
        "# Results",
        "",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}. Python {machine['python']}, Node "
        f"{machine['node']}. {packages}.",
        "",
        f"Medians of {rounds} interleaved round{'' if rounds == 1 else 's'}. `us_per_event` is CPU, user and system, of the "
        "server's process tree, which had one core; the load had the other. The columns with `x` are the median of "
        "the ratios within a round: how many times less the server of the line takes. Figures alone mean little on a "
        f"machine that others use, too; its load average was {machine['load_average']:.1f} when this run began.",
        "",
        "![CPU per typed event](results.svg)",
        "",
        "## Goals",
        "",
        *render_goals(rows),
        "",
    ]
    return "\n".join([*head, *(line for case in TITLES for line in render_case(rows, case))]).rstrip() + "\n"


def plot(rows: Rows, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "results"
    from matplotlib import pyplot

    peers = list(dict.fromkeys(row["peer"] for row in rows if row["case"] == "echo"))
    values = [median(rows, "echo", peer, "us_per_event") or 0 for peer in peers]
    order = sorted(range(len(peers)), key=values.__getitem__, reverse=True)
    figure, axes = pyplot.subplots(figsize=(8, 0.5 + 0.4 * len(peers)))
    colours = ["#3b6fb6" if peers[index].startswith("framework") else "#9aa3ad" for index in order]
    bars = axes.barh([peers[index] for index in order], [values[index] for index in order], color=colours)
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set_xlabel("CPU µs per typed, acked event")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    results = json.loads((HERE / "results.json").read_text())
    (HERE / "RESULTS.md").write_text(render(results))
    plot(results["rows"], HERE / "results.svg")
    print("Wrote RESULTS.md and results.svg.")


if __name__ == "__main__":
    main()
