"""The servers that are compared: how each is started, and which work it does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from load import ANSWER, compact

HERE = Path(__file__).parent
SERVERS = HERE / "servers"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
_TICKS = os.sysconf("SC_CLK_TCK")

COMMON = frozenset({"echo", "unloaded", "fanout_200", "fanout_1000", "beside_slow", "idle"})
ALL = COMMON | {"untyped"}
STARTS, BURNS = frozenset({"import_start"}), frozenset({"gil"})
STOCK = {"FRAMEWORK_DRIVER": "off"}  # typed dispatch on the stock transport


@dataclass(frozen=True)
class Peer:
    """One server.

    Args:
        command: ``{port}`` stands for the port.
        cases: Those that it takes part in.
        env: Besides the variables of the benchmark itself.
        acks_text: It acks a string of JSON where the others ack an object.
        warm_up_s: How long it is loaded before it is measured: V8 takes thousands of events to compile a gateway.
    """

    name: str
    command: tuple[str, ...]
    cases: frozenset[str] = ALL
    env: Mapping[str, str] = field(default_factory=dict)
    acks_text: bool = False
    warm_up_s: float = 1.5

    @property
    def answer(self) -> Any:
        """What it has to ack a typed event with."""
        return compact(ANSWER) if self.acks_text else ANSWER

    def start_command(self, port: int) -> list[str]:
        return [word.replace("{port}", str(port)) for word in self.command]


def _python(script: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, str(SERVERS / script), "{port}", *words)


_GUNICORN = "-m gunicorn --worker-class gthread --threads 1200 --bind 127.0.0.1:{port} --log-level error plain:app"

PEERS = (
    Peer("framework threading (gunicorn)", _python("ours.py"), ALL | STARTS | BURNS),
    Peer("framework threading (werkzeug)", _python("ours.py", "werkzeug"), ALL | STARTS),
    Peer("framework gevent (pywsgi)", _python("ours.py", "gevent"), ALL | STARTS),
    Peer("framework asyncio (uvicorn)", _python("ours.py", "asyncio"), ALL | STARTS | BURNS),
    Peer("framework threading, no driver (werkzeug)", _python("ours.py", "werkzeug"), ALL, STOCK),
    Peer("framework gevent, no driver (pywsgi)", _python("ours.py", "gevent"), ALL, STOCK),
    Peer("Flask-SocketIO threading (werkzeug)", _python("plain.py"), ALL | STARTS | BURNS),
    Peer("Flask-SocketIO threading (gunicorn)", (sys.executable, *_GUNICORN.split()), frozenset({"echo"})),
    Peer("Flask-SocketIO gevent (pywsgi)", _python("plain.py", "gevent"), ALL | STARTS),
    Peer("AsyncServer on uvicorn", _python("asgi.py", "uvicorn")),
    Peer("AsyncServer on granian", _python("asgi.py", "granian")),
    Peer("pydantic-socketio on uvicorn", _python("typed_peer.py"), COMMON),
    Peer("sio-asyncapi threading (werkzeug)", _python("sio_asyncapi_peer.py"), acks_text=True),
    Peer("sio-asyncapi gevent (pywsgi)", _python("sio_asyncapi_peer.py", "gevent"), acks_text=True),
    Peer("Node socket.io + zod", ("node", str(SERVERS / "node.mjs"), "{port}"), warm_up_s=4),
    Peer("NestJS + ValidationPipe", ("node", str(SERVERS / "nest.mjs"), "{port}"), warm_up_s=4),
    Peer("(bound) picows with pydantic", _python("bound.py", "pydantic"), frozenset({"echo"})),
    Peer("(bound) picows, frames only", _python("bound.py"), frozenset({"echo", "fanout_200", "fanout_1000"})),
)


class Process:
    """A server that runs, with its children.

    Args:
        cores: Those that it may use.

    Raises:
        RuntimeError: It does not listen; its last output is in the message.
    """

    def __init__(self, peer: Peer, cores: Iterable[int]) -> None:
        self.peer = peer
        self.port = _free_port()
        self.import_s: float | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the server writes
        self._started_s = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            ["taskset", "-c", ",".join(map(str, cores)), *peer.start_command(self.port)],
            cwd=SERVERS,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**_environment(), **peer.env},
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        self.start_s = time.perf_counter() - self._started_s

    def _wait(self) -> None:
        while time.perf_counter() < self._started_s + 20:
            if self._process.poll() is not None:
                raise RuntimeError(f"it ended with {self._process.returncode}: {self._last_output()}")
            if self.import_s is None and os.pread(self._output.fileno(), 256, 0).startswith(b"imported"):
                self.import_s = time.perf_counter() - self._started_s
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.002)
        raise RuntimeError(f"it does not listen: {self._last_output()}")

    def _last_output(self) -> str:
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it wrote nothing")

    def tree(self) -> list[psutil.Process]:
        try:
            parent = psutil.Process(self._process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_s(self) -> float:
        """Seconds of CPU, user and system, of the whole tree so far."""
        total = 0.0
        for process in self.tree():
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / _TICKS
        return total

    def memory_kib(self) -> int:
        """KiB of memory, what processes share divided among them; not files, which anybody else may have open, too."""
        rollups = (Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii") for process in self.tree())
        return sum(int(line.split()[1]) for rollup in rollups for line in rollup.splitlines() if "Pss_Anon:" in line)

    def threads(self) -> int:
        return sum(process.num_threads() for process in self.tree())

    def descriptors(self) -> int:
        return sum(process.num_fds() for process in self.tree())

    def stop(self) -> None:
        tree = self.tree()
        for process in reversed(tree):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(tree, timeout=5)
        self._process.wait(timeout=5)
        self._output.close()


@contextmanager
def running(peer: Peer, cores: Iterable[int] = (SERVER_CORE,)) -> Iterator[Process]:
    """Start a server and end it afterwards."""
    process = Process(peer, cores)
    try:
        yield process
    finally:
        process.stop()


def _environment() -> dict[str, str]:
    """Return the environment of a server: bytecode is cached, as after an installation."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {"PYTHONPATH": str(HERE.parent), "FLASK_DEBUG": "0", "NODE_ENV": "production"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
