"""The servers that are compared: how each is started, and which work it does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parent
SERVERS = HERE / "servers"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Peer:
    """One server.

    Args:
        command: ``PORT`` stands for the port.
        untyped: It also serves the event without a model.
    """

    name: str
    command: tuple[str, ...]
    untyped: bool = False
    ours: bool = False

    def start_command(self, port: int) -> list[str]:
        return [str(port) if word == "PORT" else word for word in self.command]


def _python(script: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, str(SERVERS / script), "PORT", *words)


PEERS = (
    Peer("framework threading (gunicorn)", _python("ours.py"), untyped=True, ours=True),
    Peer("framework threading (werkzeug)", _python("ours.py", "werkzeug"), untyped=True, ours=True),
    Peer("framework gevent (pywsgi)", _python("ours.py", "gevent"), untyped=True, ours=True),
    Peer("Flask-SocketIO threading (werkzeug)", _python("plain.py"), untyped=True),
    Peer("Flask-SocketIO gevent (pywsgi)", _python("plain.py", "gevent"), untyped=True),
    Peer("AsyncServer on uvicorn", _python("asgi.py", "uvicorn"), untyped=True),
    Peer("AsyncServer on granian", _python("asgi.py", "granian"), untyped=True),
    Peer("pydantic-socketio on uvicorn", _python("typed_peer.py")),
    Peer("Node socket.io + zod", ("node", str(SERVERS / "node.mjs"), "PORT"), untyped=True),
)


class Process:
    """A server that runs, with its children.

    Args:
        cpu: The core that it may use.
    """

    def __init__(self, peer: Peer, cpu: int) -> None:
        self.port = _free_port()
        started = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            ["taskset", "-c", str(cpu), *peer.start_command(self.port)],
            cwd=SERVERS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(HERE.parent), "FLASK_DEBUG": "0", "NODE_ENV": "production"},
        )
        self._wait()
        self.start_s = time.perf_counter() - started

    def _wait(self) -> None:
        deadline = time.perf_counter() + 20
        while time.perf_counter() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._process.args} ended with {self._process.returncode}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError(f"{self._process.args} does not listen")

    def tree(self) -> list[psutil.Process]:
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_s(self) -> float:
        """Seconds of CPU, user and system, of the whole tree so far."""
        total = 0.0
        for process in self.tree():
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / _TICKS
        return total

    def pss_kib(self) -> int:
        """KiB of memory, shared pages divided among those that share them."""
        return sum(process.memory_full_info().pss for process in self.tree()) // 1024

    def threads(self) -> int:
        return sum(process.num_threads() for process in self.tree())

    def stop(self) -> None:
        tree = self.tree()
        for process in reversed(tree):
            process.kill()
        psutil.wait_procs(tree, timeout=5)
        self._process.wait(timeout=5)


@contextmanager
def running(peer: Peer, cpu: int = 0) -> Iterator[Process]:
    """Start a server and end it afterwards."""
    process = Process(peer, cpu)
    try:
        yield process
    finally:
        process.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
