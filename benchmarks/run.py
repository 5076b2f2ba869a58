"""Run the comparison: every server in turn, in rounds, so that what disturbs the machine disturbs all of them.

``python run.py [--rounds N] [--seconds S] [--only TEXT] [--case NAME] [--merge]``; writes ``results.json``, which
report.py renders.
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
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from load import Client, Echo, Fanout, Load
from peers import CORES, LOAD_CORE, PEERS, SERVER_CORE, Peer, Process, running

HERE = Path(__file__).parent
PACKAGES = (
    "flask", "flask-socketio", "python-socketio", "python-engineio", "pydantic", "gevent", "gunicorn", "uvicorn",
    "uvloop", "granian", "pydantic-socketio", "sio-asyncapi", "picows",
)  # fmt: skip
STARTS = 5

Figures = dict[str, float]
Row = dict[str, Any]
Case = Callable[[Peer, float], Figures]


def measure(process: Process, load: Load, seconds: float, warm_up_s: float | None = None) -> Figures:
    """Return the figures of one run: CPU of the server's process tree per event, rate, latency."""
    result = load.run(process.peer.warm_up_s if warm_up_s is None else warm_up_s, seconds, process.cpu_s)
    return {
        "us_per_event": result.us_per_event,
        "rate": result.rate,
        "p50_ms": result.percentile(50),
        "p99_ms": result.percentile(99),
        "load_cpu": result.own_cpu,
    }


def connect(process: Process, count: int) -> list[Client]:
    return [Client(process.port) for _ in range(count)]


def close(clients: list[Client]) -> None:
    for client in clients:
        client.close()


def typed(process: Process, clients: list[Client], window: int) -> Echo:
    return Echo(clients, window, answer=process.peer.answer)


def echo(process: Process, seconds: float) -> Figures:
    return measure(process, typed(process, connect(process, 16), 4), seconds)


def untyped(process: Process, seconds: float) -> Figures:
    """Events without a model and typed ones, in turns and from one server, so that their ratio means something."""
    clients = connect(process, 16)
    without, with_model = Echo(clients, 4, event="untyped"), typed(process, clients, 4)
    for load in (without, with_model):
        load.run(0, process.peer.warm_up_s)
    runs = [measure(process, load, seconds / 2, 0.1) for load in (without, with_model) * 2]
    figures = {name: statistics.mean(run[name] for run in runs[::2]) for name in runs[0]}
    typed_us = statistics.mean(run["us_per_event"] for run in runs[1::2])
    return figures | {"typed_us": typed_us, "typed_by_untyped": typed_us / figures["us_per_event"]}


def unloaded(process: Process, seconds: float) -> Figures:
    """The round trip of one client, after others have warmed the server: compilers at run time want many events."""
    others = connect(process, 16)
    typed(process, others, 4).run(0, process.peer.warm_up_s)
    close(others)
    return measure(process, typed(process, connect(process, 1), 1), seconds, 0.5)


def fanout_200(process: Process, seconds: float) -> Figures:
    return measure(process, Fanout(connect(process, 200), answer=process.peer.answer), seconds)


def fanout_1000(process: Process, seconds: float) -> Figures:
    return measure(process, Fanout(connect(process, 1000), answer=process.peer.answer), seconds)


def beside_slow(process: Process, seconds: float) -> Figures:
    """Fast events of 8 clients while 8 others call one that blocks for 20 ms."""
    fast = typed(process, connect(process, 8), 1)
    number = next(number for number, peer in enumerate(PEERS) if peer is process.peer)
    slow = subprocess.Popen(  # noqa: S603 - a process of its own, so that it does not hold this one up
        [sys.executable, __file__, "--slow-clients", str(number), str(process.port), str(seconds + 30)],
        stdout=subprocess.DEVNULL,
    )
    try:
        time.sleep(0.5)
        return measure(process, fast, seconds)
    finally:
        slow.kill()
        slow.wait()


def send_slowly(peer: Peer, port: int, seconds: float) -> None:
    Echo([Client(port) for _ in range(8)], 1, event="slow", answer=peer.answer).run(0, seconds)


def idle(process: Process, seconds: float) -> Figures:
    """Memory and threads of 1000 connections that do nothing, and what a connect costs."""
    first = connect(process, 50)
    time.sleep(0.5)
    before_kib, before_threads, before_s = process.memory_kib(), process.threads(), process.cpu_s()
    started = time.perf_counter()
    clients = connect(process, 1000)
    took = time.perf_counter() - started
    cpu_s = process.cpu_s() - before_s
    time.sleep(1.5)
    figures = {
        "kib": (process.memory_kib() - before_kib) / 1000,
        "threads": (process.threads() - before_threads) / 1000,
        "connects_per_s": 1000 / took,
        "us_per_connect": cpu_s / 1000 * 1e6,
    }
    close([*first, *clients])
    return figures


def gil(process: Process, seconds: float) -> Figures:
    """Typed events while a thread of the server is busy with Python code; the server may use every core."""
    first = connect(process, 1)
    Echo(first, 1, event="burn", answer=process.peer.answer).send(1, 10)
    figures = measure(process, typed(process, connect(process, 16), 4), seconds)
    return {name: figures[name] for name in ("rate", "p50_ms", "p99_ms", "load_cpu")}


def import_start(peer: Peer, seconds: float) -> Figures:
    """How long it takes until the server has imported everything, and until it listens; the first start only warms."""
    starts = [read_start(peer) for _ in range(1 + STARTS)][1:]
    return {name: statistics.median(each[name] for each in starts) for name in starts[0]}


def read_start(peer: Peer) -> Figures:
    with running(peer) as process:
        if process.import_s is None:
            raise RuntimeError("it did not tell when it had imported everything")
        return {
            "start_ms": process.start_s * 1000,
            "import_ms": process.import_s * 1000,
            "start_cpu_ms": process.cpu_s() * 1000,
        }


def served(measured: Callable[[Process, float], Figures], cores: Iterable[int] = (SERVER_CORE,)) -> Case:
    """Return a case that has its server started for it."""

    def case(peer: Peer, seconds: float) -> Figures:
        with running(peer, cores) as process:
            return measured(process, seconds)

    return case


CASES: dict[str, Case] = {
    "echo": served(echo),
    "untyped": served(untyped),
    "unloaded": served(unloaded),
    "fanout_200": served(fanout_200),
    "fanout_1000": served(fanout_1000),
    "beside_slow": served(beside_slow),
    "gil": served(gil, CORES),
    "idle": served(idle),
    "import_start": import_start,
}


def run_all(peers: list[Peer], cases: list[str], rounds: int, seconds: float) -> Iterator[Row]:
    """Run every case with every peer, round by round; a peer that fails is left out, and told."""
    for number in range(rounds):
        for case in cases:
            for peer in peers:
                if case not in peer.cases:
                    continue
                begin = f"{number + 1}/{rounds} {case:12} {peer.name:44}"
                try:
                    figures = CASES[case](peer, seconds)
                except Exception as error:
                    print(f"{begin} FAILED: {type(error).__name__}: {error}", flush=True)
                    continue
                finally:
                    gc.collect()
                shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
                print(f"{begin} {shown}", flush=True)
                yield {"round": number, "case": case, "peer": peer.name, **figures}


def merge(old: list[Row], new: list[Row]) -> list[Row]:
    """Replace what was measured again. Its rounds count on, so that nothing is compared across two runs."""
    again = {(row["case"], row["peer"]) for row in new}
    next_round = 1 + max((row["round"] for row in old), default=-1)
    kept = [row for row in old if (row["case"], row["peer"]) not in again]
    return kept + [{**row, "round": row["round"] + next_round} for row in new]


def describe_python() -> str:
    """Return the interpreter's version and how it is built, which makes a quarter of what our events cost."""
    is_shared = "libpython" in Path("/proc/self/maps").read_text()
    linked = "libpython as a shared library" if is_shared else "libpython inside"
    return f"{platform.python_version()} ({platform.python_compiler()}, {linked})"


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
        "python": describe_python(),
        "node": node,
        "system": platform.platform(),
        "packages": versions | manifest,
        "load_average": os.getloadavg()[0],
    }


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each server is measured in each case")
    parser.add_argument("--only", default="", help="servers whose name has this text in it; several with commas")
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--merge", action="store_true", help="keep what the file has of other cases and servers")
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    parser.add_argument("--slow-clients", nargs=3, metavar=("PEER", "PORT", "SECONDS"), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CORE})
    if options.slow_clients:
        number, port, seconds = options.slow_clients
        send_slowly(PEERS[int(number)], int(port), float(seconds))
        return
    wanted = [word for word in options.only.split(",") if word]
    peers = [peer for peer in PEERS if not wanted or any(word in peer.name for word in wanted)]
    machine, began_s = describe_machine(), time.perf_counter()
    rows: list[Row] = []
    try:
        rows.extend(run_all(peers, options.case or list(CASES), options.rounds, options.seconds))
    except KeyboardInterrupt:
        print("Stopped; what was measured is kept.")
    if options.merge and options.output.exists():
        rows = merge(json.loads(options.output.read_text())["rows"], rows)
    options.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(f"Wrote {options.output} after {(time.perf_counter() - began_s) / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
