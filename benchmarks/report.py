"""Render results.json: the tables of RESULTS.md, with ratios within each round, and a plot beside it.

soak.json is rendered as well when there is one. What is written by hand is in NOTES.md, and ends RESULTS.md.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
THREADING, WERKZEUG = "framework threading (gunicorn)", "framework threading (werkzeug)"
GEVENT, ASYNCIO = "framework gevent (pywsgi)", "framework asyncio (uvicorn)"
STOCK_THREADING, STOCK_GEVENT = "framework threading, no driver (werkzeug)", "framework gevent, no driver (pywsgi)"
OURS = (THREADING, GEVENT, ASYNCIO)
PLAIN_THREADING, PLAIN_GUNICORN = "Flask-SocketIO threading (werkzeug)", "Flask-SocketIO threading (gunicorn)"
PLAIN_GEVENT = "Flask-SocketIO gevent (pywsgi)"
UVICORN, GRANIAN, PYDANTIC = "AsyncServer on uvicorn", "AsyncServer on granian", "pydantic-socketio on uvicorn"
NODE, NEST = "Node socket.io + zod", "NestJS + ValidationPipe"
BASES = (PLAIN_THREADING, PLAIN_GEVENT, NODE)
TITLES = {
    "echo": "Typed event with a typed ack: 16 connections, 4 events on the way each",
    "untyped": "The same without a model, and typed ones from the same server in turns",
    "unloaded": "Round trip: one connection, one event on the way",
    "fanout_200": "Broadcast to 200 clients, per delivery",
    "fanout_1000": "Broadcast to 1000 clients, per delivery",
    "beside_slow": "Fast events of 8 clients while 8 others call one that blocks for 20 ms",
    "gil": "Typed events while a thread of the server is busy with Python code",
    "idle": "1000 idle connections, and connecting them",
    "import_start": "From the start of the process until it has imported, and until it listens",
}
LOAD_BOUND = 0.9  # of a core: from there on the rate is the load's
HIGHER_IS_BETTER = frozenset({"rate", "connects_per_s"})
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Goal:
    """A line of the table of goals.

    Args:
        ours: The servers that have to reach it, a line for each.
        wanted: At most this, or with *times* at least that.
        bases: What each of *ours* is compared with; one for all of them, or none where *figure* itself counts.
        times: How many times less than the base, where it is a share of the base otherwise.
    """

    title: str
    case: str
    figure: str
    ours: tuple[str, ...]
    wanted: float
    bases: tuple[str, ...] = ()
    times: bool = False
    unit: str = ""

    def pairs(self) -> list[tuple[str, str | None]]:
        bases: tuple[str | None, ...] = self.bases or (None,)
        return list(zip(self.ours, bases * len(self.ours) if len(bases) == 1 else bases, strict=True))

    def measure(self, rows: Rows, ours: str, base: str | None) -> list[float]:
        """Return what each round gave."""
        if base is None:
            return [row[self.figure] for row in find(rows, self.case, ours)]
        upper, lower = (base, ours) if self.times else (ours, base)
        return ratios(rows, self.case, self.figure, upper, lower)

    def is_met(self, measured: float) -> bool:
        return measured >= self.wanted if self.times else measured <= self.wanted


def _cpu(title: str, ours: tuple[str, ...], wanted: float, *bases: str, case: str = "echo") -> Goal:
    return Goal(title, case, "us_per_event", ours, wanted, bases, times=True)


# As in the design: the same goals in the same order.
GOALS = (
    _cpu("CPU of a typed event against Flask-SocketIO threading on the same server", (WERKZEUG, THREADING), 20,
         PLAIN_THREADING, PLAIN_GUNICORN),
    _cpu("CPU of a typed event against Flask-SocketIO gevent", (GEVENT,), 12, PLAIN_GEVENT),
    _cpu("The same without our driver", (STOCK_THREADING, STOCK_GEVENT), 5, PLAIN_THREADING, PLAIN_GEVENT),
    _cpu(f"CPU of a typed event against {UVICORN}", OURS, 6, UVICORN),
    _cpu(f"CPU of a typed event against {GRANIAN}", OURS, 6, GRANIAN),
    _cpu(f"CPU of a typed event against {PYDANTIC}", OURS, 6, PYDANTIC),
    _cpu(f"CPU of a typed event against {NEST}", OURS, 3, NEST),
    Goal(f"CPU of a typed event, as a share of {NODE}", "echo", "us_per_event", OURS, 1.0, (NODE,)),
    _cpu(f"CPU of a delivery to 1000 clients against {NODE}", OURS, 1.25, NODE, case="fanout_1000"),
    _cpu("CPU of a delivery to 1000 clients against Flask-SocketIO gevent", OURS, 5, PLAIN_GEVENT, case="fanout_1000"),
    Goal("Memory of an idle connection", "idle", "kib", OURS, 10, unit=" KiB"),
    Goal("Threads of an idle connection", "idle", "threads", OURS, 0.01),
    Goal(f"Unloaded round trip, p50, as a share of {NODE}", "unloaded", "p50_ms", OURS, 1.0, (NODE,)),
    Goal("p99 of fast events beside slow ones, as a share of Flask-SocketIO threading", "beside_slow", "p99_ms", OURS,
         0.1, (PLAIN_THREADING,)),
    Goal("A typed event as a share of an untyped one", "untyped", "typed_by_untyped", OURS, 1.0),
    Goal("Import, as a share of Flask-SocketIO on the same server", "import_start", "import_ms", (WERKZEUG, GEVENT),
         1.15, (PLAIN_THREADING, PLAIN_GEVENT)),
    Goal("Import and start, as a share of Flask-SocketIO on the same server", "import_start", "start_ms",
         (WERKZEUG, GEVENT), 1.15, (PLAIN_THREADING, PLAIN_GEVENT)),
)  # fmt: skip


def find(rows: Rows, case: str, peer: str) -> Rows:
    return [row for row in rows if row["case"] == case and row["peer"] == peer]


def median(rows: Rows, case: str, peer: str, figure: str) -> float | None:
    found = [row[figure] for row in find(rows, case, peer) if figure in row]
    return statistics.median(found) if found else None


def ratios(rows: Rows, case: str, figure: str, upper: str, lower: str) -> list[float]:
    """Return *upper*'s figure divided by *lower*'s, for each round that has both."""
    over = {row["round"]: row[figure] for row in find(rows, case, upper)}
    under = {row["round"]: row[figure] for row in find(rows, case, lower) if row[figure]}
    return [over[number] / under[number] for number in over if number in under]


def show(value: float | None, form: str = ".3g") -> str:
    return "-" if value is None else format(value, form)


def render_goals(rows: Rows) -> Iterator[str]:
    yield "| goal | server | wanted | measured | rounds | |"
    yield "|---|---|---|---|---|---|"
    for goal in GOALS:
        sign, unit = (">=", "x") if goal.times else ("<=", goal.unit)
        for ours, base in goal.pairs():
            found = goal.measure(rows, ours, base)
            begin = f"| {goal.title} | {ours} | {sign} {goal.wanted:g}{unit}"
            if not found:
                yield f"{begin} | - | - | not measured |"
                continue
            measured = statistics.median(found)
            verdict = "met" if goal.is_met(measured) else "**missed**"
            yield f"{begin} | {measured:.3g}{unit} | {min(found):.3g} to {max(found):.3g} | {verdict} |"
    yield "| What is added to an event | in process | <= 6 µs | see the notes | - | |"


def render_case(rows: Rows, case: str) -> Iterator[str]:
    found = [row for row in rows if row["case"] == case]
    if not found:
        return
    figures = [name for name in found[0] if name not in ("round", "case", "peer")]
    heads = ["server", *figures, *(f"x {base}" for base in BASES)]
    yield from (f"## {TITLES[case]}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads))
    for peer in dict.fromkeys(row["peer"] for row in found):
        cells = [show(median(rows, case, peer, figure), ".4g") for figure in figures]
        if (median(rows, case, peer, "load_cpu") or 0) >= LOAD_BOUND:
            cells[figures.index("rate")] += "*"
        times = [show(find_times(rows, case, figures[0], peer, base)) for base in BASES]
        yield f"| {' | '.join([peer, *cells, *times])} |"
    yield ""


def find_times(rows: Rows, case: str, figure: str, peer: str, base: str) -> float | None:
    """Return how many times better than *base* a peer is, as the median over the rounds."""
    pair = (peer, base) if figure in HIGHER_IS_BETTER else (base, peer)
    found = ratios(rows, case, figure, *pair)
    return statistics.median(found) if found else None


def render_soak(rows: Rows) -> Iterator[str]:
    yield from ("## Held under load", "")
    yield "| server | part | count | per second | at | MiB | threads | descriptors | problems |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        problems = "; ".join(row["problems"]) or "none"
        begin = f"| {row['server']} | {row['part']} | {row['count']:,} | {row.get('rate', 0):,.0f} |"
        if not row["points"]:
            yield f"{begin} | | | | {problems} |"
        for point in row["points"]:
            memory = f"{point['memory_kib'] / 1024:.1f}"
            is_last = point is row["points"][-1]
            yield (
                f"{begin} {point['at']} | {memory} | {point['threads']} | {point['descriptors']} | "
                f"{problems if is_last else ''} |"
            )
            begin = "| | | | |"
    yield ""


def render(results: dict[str, Any], soak: Rows, notes: str) -> str:
    machine, rows = results["machine"], results["rows"]
    rounds = max(Counter((row["case"], row["peer"]) for row in rows).values(), default=0)
    packages = ", ".join(f"{name} {found}" for name, found in sorted(machine["packages"].items()))
    lines = [
        "# Results",
        "",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}. Python {machine['python']}, Node "
        f"{machine['node']}. {packages}.",
        "",
        f"Medians of {rounds} interleaved round{'' if rounds == 1 else 's'}. `us_per_event` is CPU, user and system, of the "
        "server's process tree, which had one core; the load had the other. The columns with `x` are the median of "
        "the ratios of the first figure within a round: how many times better the server of the line is. A rate with "
        f"`*` is the load's, which was busy for {LOAD_BOUND:.0%} of the time or more: read its CPU. Figures alone mean "
        "little on a machine that others use, too; its load average was "
        f"{machine['load_average']:.1f} when this run began.",
        "",
        "![CPU per typed event](results.svg)",
        "",
        "## Goals",
        "",
        "`measured` is the median over the rounds, `rounds` the lowest and the highest of them.",
        "",
        *render_goals(rows),
        "",
        *(line for case in TITLES for line in render_case(rows, case)),
        *(render_soak(soak) if soak else ()),
    ]
    return "\n".join(lines).rstrip() + "\n\n" + notes


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
    soak = HERE / "soak.json"
    soaked = json.loads(soak.read_text()) if soak.exists() else []
    (HERE / "RESULTS.md").write_text(render(results, soaked, (HERE / "NOTES.md").read_text()))
    plot(results["rows"], HERE / "results.svg")
    print("Wrote RESULTS.md and results.svg.")


if __name__ == "__main__":
    main()
