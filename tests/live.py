"""Start an application as a real server process, and stop it.

Owns processes, ports and their logs; knows nothing of Socket.IO. A server is ready when its port
accepts a connection, and waiting for anything is waiting for that thing, never for a time.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
MAX_KEPT_PORTS = 100
_kept: deque[socket.socket] = deque()


class ServerStartError(RuntimeError):
    """The server ended, or did not listen in time; its log is in the message."""


class LiveServer:
    """A server process of an application, listening on a free port of this machine.

    ``with LiveServer("examples/chat") as server:`` serves what ``--app`` finds there with
    ``framework run``. ``script=True`` runs the file itself with Python instead; it is told the
    port in the environment variable ``PORT``, and its last line should call ``socketio.run``.

    Args:
        app: What ``framework --app`` takes (``file``, ``file:name``, ``package.module:factory``),
            or the path of a script. A relative path is looked up in *cwd*.
        async_mode: ``threading`` or ``gevent``.
        env: Added to this process's own environment.
        args: More options for ``framework run``, or for the script.
        debug: Serve in debug mode, with Flask's development server.
        cwd: Where the process runs; the root of this repository by default.
        ready_timeout_s: How long to wait for the port.
    """

    def __init__(
        self,
        app: str | Path,
        *,
        async_mode: str = "threading",
        script: bool = False,
        env: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
        debug: bool = False,
        cwd: Path = ROOT,
        ready_timeout_s: float = 30.0,
    ) -> None:
        self.host = HOST
        self.port = free_port()
        self._command = self._command_for(str(app), async_mode, script, debug, args)
        self._env = {
            **child_environment(),
            "PYTHONUNBUFFERED": "1",
            "PORT": str(self.port),
            "FRAMEWORK_ASYNC_MODE": async_mode,
            "SECRET_KEY": "a key for tests only",
            **(env or {}),
        }
        self._cwd = cwd
        self._ready_timeout_s = ready_timeout_s
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._logged = threading.Condition()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop(timeout_s=0.5)  # whoever tests how a server stops calls stop()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the server; of its master, where it has several processes."""
        return self._running().pid

    @property
    def logs(self) -> str:
        """What the server has printed so far, standard output and error in one."""
        with self._logged:
            return "".join(self._lines)

    def start(self) -> None:
        """Start the process and return when its port accepts a connection.

        Raises:
            ServerStartError: The process ended, or the port stayed closed.
        """
        self._process = subprocess.Popen(
            self._command,
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read_logs, daemon=True)
        self._reader.start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the server's process group: politely, then by force. Calling it again does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            _signal_group(process.pid, signal_number)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                continue
            break
        _signal_group(process.pid, signal.SIGKILL)  # a child may outlive a reloader's parent
        self._reader.join(timeout_s)
        if process.stdout is not None:
            process.stdout.close()

    def wait_for_log(self, text: str, *, count: int = 1, timeout_s: float = 10.0) -> str:
        """Return the whole log as soon as *text* is in it *count* times.

        Threads of a server print at the same time: *text* must come from one string that is printed at once.

        Raises:
            AssertionError: It was not printed in time; the log is in the message.
        """
        with self._logged:
            if not self._logged.wait_for(lambda: "".join(self._lines).count(text) >= count, timeout_s):
                raise AssertionError(f"{text!r} was not logged {count} x in {timeout_s} s:\n{''.join(self._lines)}")
            return "".join(self._lines)

    def get(self, path: str, timeout_s: float = 10.0) -> str:
        """The text of a page that is served.

        Raises:
            AssertionError: Its status is not 200.
        """
        status, text = self.get_status(path, timeout_s)
        assert status == 200, f"{path}: {status}\n{text}"
        return text

    def get_status(self, path: str, timeout_s: float = 10.0) -> tuple[int, str]:
        """The status and the text of a page, whatever they are."""
        try:
            with urlopen(self.url + path, timeout=timeout_s) as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def _command_for(self, app: str, async_mode: str, script: bool, debug: bool, args: Sequence[str]) -> list[str]:
        if script:
            return [sys.executable, app, *args]
        start = [sys.executable, "-c", "import sys; from framework.cli import main; sys.exit(main())"]
        mode = "--debug" if debug else "--no-debug"
        run = ["--app", app, "run", mode, "--host", HOST, "--port", str(self.port)]
        return [*start, *run, "--async-mode", async_mode, *args]

    def _wait_until_ready(self) -> None:
        process = self._running()
        deadline = time.monotonic() + self._ready_timeout_s
        while time.monotonic() < deadline:
            if accepts_connections(self.host, self.port):
                return
            try:
                code = process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            self._reader.join(1.0)
            raise ServerStartError(f"{self._command} ended with code {code}:\n{self.logs}")
        raise ServerStartError(f"{self._command} does not listen on port {self.port}:\n{self.logs}")

    def _read_logs(self) -> None:
        stream = self._running().stdout
        assert stream is not None
        for line in stream:
            with self._logged:
                self._lines.append(line)
                self._logged.notify_all()

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the server is not running"
        return self._process


def child_environment() -> dict[str, str]:
    """This process's environment, in which a Python of any working directory can import the framework."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def free_port() -> int:
    """A port of this machine that nobody listens on, and that nobody else is given: no test, and no connection.

    For that it stays bound until many others have been asked for. A server that sets ``SO_REUSEADDR``, as servers do,
    can listen on it all the same, on Linux only; until one does, a connection is refused.
    """
    probe = socket.socket()
    probe.bind((HOST, 0))
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port: int = probe.getsockname()[1]
    _kept.append(probe)
    if sys.platform != "linux" or len(_kept) > MAX_KEPT_PORTS:
        _kept.popleft().close()
    return port


def accepts_connections(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def _signal_group(pid: int, signal_number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal_number)
