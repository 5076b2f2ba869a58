"""Run the comparison: every server in turn, in rounds, so that what disturbs the machine disturbs all of them.

``python run.py [--rounds N] [--only TEXT] [--case NAME] [--seconds S]``; writes ``results.json``, which report.py renders.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from load import Client, Echo, Fanout, Result
from peers import PEERS, Peer, Process, running

HERE = Path(__file__).parent
PACKAGES = (
    "flask", "flask-socketio", "python-socketio", "python-engineio", "pydantic", "gevent", "gunicorn", "uvicorn",
    "granian", "pydantic-socketio",
)  # fmt: skip
Figures = dict[str, float]


def measure(process: Process, load: Echo | Fanout, seconds: float) -> Figures:
    """Return the figures of one run: CPU of the server's process tree per event, rate, latency."""
    before = [0.0]

    def start() -> None:
        before[0] = process.cpu_s()

    result: Result = load.run(min(2.0, seconds / 2), seconds, start)
    cpu_s = process.cpu_s() - before[0]
    return {
        "us_per_event": cpu_s / result.count * 1e6,
        "rate": result.rate,
        "p50_ms": result.percentile(50),
        "p99_ms": result.percentile(99),
        "load_cpu": result.own_cpu,
    }


def connect(process: Process, count: int) -> list[Client]:
    return [Client(process.port) for _ in range(count)]


def echo(process: Process, seconds: float) -> Figures:
    return measure(process, Echo(connect(process, 16), 4), seconds)


def untyped(process: Process, seconds: float) -> Figures:
    return measure(process, Echo(connect(process, 16), 4, event="untyped"), seconds)


def unloaded(process: Process, seconds: float) -> Figures:
    return measure(process, Echo(connect(process, 1), 1), seconds)


def fanout_200(process: Process, seconds: float) -> Figures:
    return measure(process, Fanout(connect(process, 200)), seconds)


def fanout_1000(process: Process, seconds: float) -> Figures:
    return measure(process, Fanout(connect(process, 1000)), seconds)


def beside_slow(process: Process, seconds: float) -> Figures:
    """Fast events of 8 clients while 8 others call one that blocks for 20 ms."""
    fast = Echo(connect(process, 8), 1)
    slow = subprocess.Popen(  # noqa: S603 - a process of its own, so that it does not hold this one up
        [sys.executable, __file__, "--slow-clients", str(process.port), str(seconds + 4)], stdout=subprocess.DEVNULL
    )
    try:
        return measure(process, fast, seconds)
    finally:
        slow.wait(timeout=30)


def idle(process: Process, seconds: float) -> Figures:
    """Memory and threads of 1000 connections that do nothing, and what a connect costs."""
    first = connect(process, 50)
    time.sleep(0.5)
    before_kib, before_threads, before_s = process.pss_kib(), process.threads(), process.cpu_s()
    started = time.perf_counter()
    clients = connect(process, 1000)
    took = time.perf_counter() - started
    cpu_s = process.cpu_s() - before_s
    time.sleep(1.5)
    figures = {
        "kib": (process.pss_kib() - before_kib) / 1000,
        "threads": (process.threads() - before_threads) / 1000,
        "connects_per_s": 1000 / took,
        "us_per_connect": cpu_s / 1000 * 1e6,
        "start_ms": process.start_s * 1000,
    }
    for client in [*first, *clients]:
        client.close()
    return figures


CASES: dict[str, Callable[[Process, float], Figures]] = {
    "echo": echo,
    "untyped": untyped,
    "unloaded": unloaded,
    "fanout_200": fanout_200,
    "fanout_1000": fanout_1000,
    "beside_slow": beside_slow,
    "idle": idle,
}


def run_all(peers: list[Peer], cases: list[str], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Run every case with every peer, round by round."""
    rows = []
    for number in range(rounds):
        for case in cases:
            for peer in peers:
                if case == "untyped" and not peer.untyped:
                    continue
                try:
                    with running(peer) as process:
                        figures = CASES[case](process, seconds)
                except Exception as error:
                    print(f"{case:12} {peer.name:40} FAILED: {type(error).__name__}: {error}", flush=True)
                    continue
                gc.collect()
                shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
                print(f"{number + 1}/{rounds} {case:12} {peer.name:40} {shown}", flush=True)
                rows.append({"round": number, "case": case, "peer": peer.name, **figures})
    return rows


def describe_machine() -> dict[str, Any]:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "",
    )
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except Exception:
            versions[name] = "-"
    manifest = json.loads((HERE / "package.json").read_text())["dependencies"]
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "node": node,
        "system": platform.platform(),
        "packages": versions | manifest,
        "load_average": os.getloadavg()[0],
    }


def send_slowly(port: int, seconds: float) -> None:
    Echo([Client(port) for _ in range(8)], 1, event="slow").run(0.5, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", default="", help="servers whose name has this text in it; several with commas")
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    parser.add_argument("--slow-clients", nargs=2, metavar=("PORT", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.slow_clients:
        send_slowly(int(options.slow_clients[0]), float(options.slow_clients[1]))
        return
    wanted = [word for word in options.only.split(",") if word]
    peers = [peer for peer in PEERS if not wanted or any(word in peer.name for word in wanted)]
    machine = describe_machine()
    rows = run_all(peers, options.case or list(CASES), options.rounds, options.seconds)
    options.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(f"Wrote {options.output}; median of {statistics.median([row['round'] for row in rows] or [0]) + 1:g} rounds.")


if __name__ == "__main__":
    main()
