"""Hold a server under load for long, and look whether it grows: ``python soak.py [--connects N] [--events N] [--only TEXT]``.

Two parts for each server: connections that come, some of which are reset at awkward moments, and acked events over
connections that stay. Memory, threads and descriptors of its process tree are read before, at 10 %, at 50 %, at the end
and once all have left. Writes ``soak.json``, which report.py renders; ends with 1 when something grew or went wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from load import (
    ANSWER,
    CONNECT,
    NAMESPACE,
    PAYLOAD,
    Client,
    Connection,
    Echo,
    TooSlow,
    WrongAnswer,
    client_frame,
    compact,
)
from peers import LOAD_CORE, PEERS, Peer, Process, running

HERE = Path(__file__).parent
NAMES = ("framework threading (gunicorn)", "framework gevent (pywsgi)", "framework asyncio (uvicorn)")
AT_ONCE = 50
GROWTH_KIB = 10 * 1024  # between 10 % and the end
SPARE = 2  # threads and descriptors above the level of before
REST_S = 35.0  # a pool's idle threads end after 30
SHARES = (0.1, 0.5, 1.0)

EVENT = client_frame(f"42{NAMESPACE},1000{compact(['message', PAYLOAD])}")
LEAVE = client_frame(f"41{NAMESPACE},") + b"\x88\x82\0\0\0\0\x03\xe8"  # and a close frame, 1000
ACK = f"43{NAMESPACE},1000{compact([ANSWER])}"
RESET = struct.pack("ii", 1, 0)


class Visitor(Connection):
    """A short connection, taken through its stages one call each, so that a batch of them goes side by side.

    Args:
        fate: One of `FATES`: where it resets the connection.
    """

    def __init__(self, port: int, fate: str) -> None:
        super().__init__(port)
        self.fate = fate

    @property
    def is_here(self) -> bool:
        return self.fileno() >= 0

    def ask(self) -> None:
        """Ask for the upgrade; some are gone in the middle of that."""
        if self.fate == "before the handshake":
            self.socket.sendall(self.request[: len(self.request) // 2])
            self.reset()
        else:
            self.socket.sendall(self.request)

    def enter(self) -> None:
        """Take the answer, and connect to the namespace."""
        self.read_open()
        if self.fate == "after the handshake":
            self.reset()
        elif self.fate == "in a frame":
            self.socket.sendall(CONNECT + EVENT[: len(EVENT) // 2])
            self.reset()
        else:
            self.socket.sendall(CONNECT)

    def talk(self) -> None:
        """Be connected, and send an event."""
        self.read_text("40")
        if self.fate == "connected":
            self.reset()
            return
        self.socket.sendall(EVENT)
        if self.fate == "with an event on the way":
            self.reset()

    def leave(self) -> None:
        """Take the ack, and go in order."""
        if (text := self.read_text("43")) != ACK:
            raise WrongAnswer(text)
        self.socket.sendall(LEAVE)
        with suppress(ConnectionError):
            while self.socket.recv(4096):
                pass
        self.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()


# And how many of 16 have it.
FATES = {
    "none": 10,
    "before the handshake": 1,
    "after the handshake": 1,
    "in a frame": 1,
    "connected": 1,
    "with an event on the way": 2,
}


def visit(port: int, fates: list[str]) -> None:
    """Let one batch come and go."""
    visitors: list[Visitor] = []
    try:
        for fate in fates:
            visitors.append(Visitor(port, fate))
            visitors[-1].ask()
        for stage in (Visitor.enter, Visitor.talk, Visitor.leave):
            for visitor in visitors:
                if visitor.is_here:
                    stage(visitor)
    finally:
        for visitor in visitors:
            visitor.close()


def connects(process: Process, count: int, deadline_s: float) -> Iterator[int]:
    """Let *count* clients come and go; gives how many have, after each batch."""
    chance, names, weights = random.Random(1), list(FATES), list(FATES.values())  # noqa: S311 - a fixed sequence
    done = 0
    while done < count:
        batch = min(AT_ONCE, count - done)
        visit(process.port, chance.choices(names, weights, k=batch))
        done += batch
        if time.perf_counter() > deadline_s:
            raise TooSlow(f"{done} of {count} connects")
        yield done
    check(process)


def events(process: Process, count: int, deadline_s: float) -> Iterator[int]:
    """Have *count* events acked; gives how many are, now and then."""
    clients = [Client(process.port) for _ in range(16)]
    load, done = Echo(clients, 4), 0
    try:
        while done < count:
            step = min(max(count // 100, 1), count - done)
            done += load.send(step, deadline_s - time.perf_counter()).count
            yield done
    finally:
        for client in clients:
            client.close()


def check(process: Process) -> None:
    """Have one client served, after all that."""
    client = Client(process.port)
    Echo([client], 1).send(100, 10)
    client.close()


PARTS: dict[str, Callable[[Process, int, float], Iterator[int]]] = {"connects": connects, "events": events}


def read_point(process: Process, at: str) -> dict[str, Any]:
    return {
        "at": at,
        "memory_kib": process.memory_kib(),
        "threads": process.threads(),
        "descriptors": process.descriptors(),
    }


def settle(process: Process, before: dict[str, Any]) -> dict[str, Any]:
    """Read the last point: when threads and descriptors are back, or when they have had their time for it."""
    deadline_s = time.perf_counter() + REST_S + 10
    while True:
        point = read_point(process, "after")
        if not find_lasting(before, point) or time.perf_counter() > deadline_s:
            return point
        time.sleep(0.5)


def find_lasting(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Name what did not come back to the level of before."""
    return [
        f"{name}: {before[name]} before, {after[name]} after"
        for name in ("threads", "descriptors")
        if after[name] > before[name] + SPARE
    ]


def find_problems(points: list[dict[str, Any]]) -> list[str]:
    by_name = {point["at"]: point for point in points}
    growth = by_name["100 %"]["memory_kib"] - by_name["10 %"]["memory_kib"]
    grown = [f"memory: {growth / 1024:.1f} MiB more at the end than at 10 %"] if growth > GROWTH_KIB else []
    return [*grown, *find_lasting(by_name["before"], by_name["after"])]


def warm_up(process: Process) -> None:
    """Have everything made that is made once: it is no leak. The threads of gunicorn's pool are the most of that."""
    halves = [Visitor(process.port, "before the handshake") for _ in range(2 * AT_ONCE)]
    for half in halves:
        half.socket.sendall(half.request[:-4])
    time.sleep(1)  # each holds a thread, where there are any
    for half in halves:
        half.reset()
    for _ in range(4):
        visit(process.port, ["none"] * AT_ONCE)
    check(process)
    time.sleep(REST_S)


def soak(process: Process, part: str, count: int, limit_s: float) -> Iterator[dict[str, Any]]:
    """Run one part against one server; gives what there is to tell so far."""
    warm_up(process)
    points = [read_point(process, "before")]
    yield {"count": 0, "duration_s": 0.0, "rate": 0.0, "points": points}
    begin_s, left = time.perf_counter(), list(SHARES)
    for done in PARTS[part](process, count, begin_s + limit_s):
        took_s = time.perf_counter() - begin_s
        while left and done >= left[0] * count:
            points.append(read_point(process, f"{left.pop(0) * 100:.0f} %"))
        yield {"count": done, "duration_s": took_s, "rate": done / took_s, "points": points}
    points.append(settle(process, points[0]))
    yield {"points": points, "problems": find_problems(points)}


def run(peer: Peer, part: str, count: int, limit_s: float) -> dict[str, Any]:
    """Return the row of one part with one server; what went wrong is in its ``problems``."""
    row: dict[str, Any] = {"server": peer.name, "part": part, "count": 0, "points": [], "problems": []}
    shown = 0
    try:
        with running(peer) as process:
            for news in soak(process, part, count, limit_s):
                row |= news
                for point in row["points"][shown:]:
                    tell(row, point)
                shown = len(row["points"])
    except Exception as error:
        row["problems"] = [f"{type(error).__name__} after {row['count']} of {count}: {error}"]
    for problem in row["problems"]:
        print(f"{peer.name:32} {part:9} PROBLEM {problem}", flush=True)
    return row


def tell(row: dict[str, Any], point: dict[str, Any]) -> None:
    print(
        f"{row['server']:32} {row['part']:9} {point['at']:>6}  {point['memory_kib'] / 1024:7.1f} MiB  "
        f"{point['threads']:4} threads  {point['descriptors']:4} descriptors  {row['duration_s']:6.0f} s  "
        f"{row['count']:9,} at {row['rate']:,.0f}/s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--connects", type=int, default=200_000, help="0 leaves this part out")
    parser.add_argument("--events", type=int, default=5_000_000, help="0 leaves this part out")
    parser.add_argument("--only", default="", help="servers whose name has this text in it")
    parser.add_argument("--limit", type=float, default=1800, help="seconds that one part may take with one server")
    parser.add_argument("--output", type=Path, default=HERE / "soak.json")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    rows = []
    for peer in PEERS:
        if peer.name not in NAMES or options.only not in peer.name:
            continue
        for part in PARTS:
            if count := getattr(options, part):
                rows.append(run(peer, part, count, options.limit))
                options.output.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"Wrote {options.output}.")
    sys.exit(1 if any(row["problems"] for row in rows) else 0)


if __name__ == "__main__":
    main()
