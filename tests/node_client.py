"""The official JavaScript client, driven from Python through Node.

``JavaScript`` keeps one Node process with any number of open sockets; ``run_node`` runs a script
to its end. Nothing here knows the server.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

SCRIPTS = Path(__file__).resolve().parent / "node"
_NODE_MISSING = "Node.js is not installed (no 'node' on PATH): the JavaScript client cannot run."


class NodeError(AssertionError):
    """A script or a command failed on the JavaScript side."""


def run_node(script: str, *args: str, env: Mapping[str, str] | None = None, timeout_s: float = 60.0) -> dict[str, Any]:
    """Run ``tests/node/<script>`` and return the JSON object it prints as its last line.

    Raises:
        NodeError: It ended with an error or too late; everything it printed is in the message.
    """
    command = [_node(), str(SCRIPTS / script), *args]
    try:
        done = subprocess.run(
            command, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired as late:
        raise NodeError(f"{script} ran longer than {timeout_s} s: {late.stdout!r} {late.stderr!r}") from late
    if done.returncode != 0:
        raise NodeError(f"{script} ended with code {done.returncode}:\n{done.stdout}\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


class JavaScript:
    """One Node process with sockets of the official client in it.

    ``with JavaScript() as js: ada = js.connect(url, "/chat")``. Every wait has a timeout, given
    in seconds, and fails with all that the socket has seen.
    """

    def __init__(self, timeout_s: float = 10.0) -> None:
        self.timeout_s = timeout_s
        self._numbers = itertools.count(1)
        self._answers: dict[int, SimpleQueue[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [_node(), str(SCRIPTS / "sockets.cjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_answers, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(self.timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(self.timeout_s)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def connect(
        self,
        url: str,
        namespace: str = "/",
        *,
        auth: object = None,
        transports: list[str] | None = None,
        beside: JavaScriptSocket | None = None,
        **options: object,
    ) -> JavaScriptSocket:
        """Connect to a namespace and return the socket, connected or refused (see its ``refused``).

        Args:
            url: The server's address.
            namespace: The namespace to join.
            auth: What the client sends with its connect packet.
            transports: ``["websocket"]`` by default; ``["polling", "websocket"]`` upgrades.
            beside: Share the connection of this socket, instead of a new one.
            options: More options of the client's ``Manager``.
        """
        name = f"socket{next(self._numbers)}"
        verdict = self.command(
            "connect",
            socket=name,
            url=url,
            namespace=namespace,
            auth=auth,
            beside=beside.name if beside else None,
            options={"transports": transports or ["websocket"], **options},
            timeoutMs=self.timeout_s * 1000,
        )
        return JavaScriptSocket(self, name, verdict)

    def client_file(self, name: str) -> str:
        """The path of a file of the client's distribution, such as ``socket.io.min.js``."""
        path: str = self.command("clientFile", name=name)
        return path

    def command(self, command: str, **arguments: object) -> Any:
        """Have ``sockets.cjs`` carry out one command, and return its answer.

        Raises:
            NodeError: The command failed, or Node did not answer.
        """
        number = next(self._numbers)
        answers = self._answers[number] = SimpleQueue()
        assert self._process.stdin is not None
        line = json.dumps({"id": number, "command": command, **arguments}, default=_encode_bytes)
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        try:
            answer = answers.get(timeout=self.timeout_s + 5.0)
        except Empty:
            raise NodeError(f"Node does not answer to {command!r}.{self._last_words()}") from None
        if "error" in answer:
            raise NodeError(f"{command}: {answer['error']}")
        return _decode_bytes(answer["value"])

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            self._answers.pop(answer["id"]).put(answer)
        self._process.wait()
        for waiting in list(self._answers.values()):
            waiting.put({"error": f"Node ended.{self._last_words()}"})

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        return " " + self._process.stderr.read() if self._process.poll() is not None else ""


class JavaScriptSocket:
    """One socket of the official client.

    Attributes:
        sid: The id that the server gave it; empty when it was refused.
        transport: The transport it connected with.
        refused: The client's ``connect_error`` (``message`` and ``data``), or ``None``.
    """

    def __init__(self, js: JavaScript, name: str, verdict: dict[str, Any]) -> None:
        self.name = name
        connected = verdict.get("connect") or {}
        self.sid: str = connected.get("sid", "")
        self.transport: str = connected.get("transport", "")
        self.refused: dict[str, Any] | None = verdict.get("connect_error")
        self._js = js

    def emit(self, event: str, *args: object) -> None:
        """Send an event without asking for an ack."""
        self._command("emit", event=event, args=args)

    def call(self, event: str, *args: object, timeout_s: float = 5.0) -> list[Any]:
        """Send an event and return the arguments of its ack.

        Raises:
            TimeoutError: No ack came.
        """
        answer = self._command("call", event=event, args=args, timeoutMs=timeout_s * 1000)
        if "ack" not in answer:
            raise TimeoutError(f"no ack for {event!r} in {timeout_s} s")
        ack: list[Any] = answer["ack"]
        return ack

    def wait_for(self, event: str, count: int = 1) -> list[list[Any]]:
        """The arguments of every *event* received so far, once there are at least *count*."""
        seen: list[list[Any]] = self._command("wait", event=event, count=count, timeoutMs=self._timeout_ms)
        return seen

    def received(self, event: str | None = None) -> list[Any]:
        """Everything received so far as ``[event, args]``; only the args of *event*, if one is given."""
        seen: list[list[Any]] = self._command("received")
        return seen if event is None else [args for name, args in seen if name == event]

    def clear(self) -> None:
        """Forget what was received so far."""
        self._command("clear")

    def answer(self, event: str, *args: object) -> None:
        """Acknowledge *event*, whenever the server asks for it, with these arguments."""
        self._command("answer", event=event, args=args)

    def acknowledge(self, count: int = 1, *args: object) -> int:
        """Acknowledge the oldest *count* events that wait for it, with these arguments; return how many there were."""
        found: int = self._command("acknowledge", count=count, args=args)
        return found

    def disconnect(self) -> None:
        """Leave the namespace, and the connection if it was the last one on it."""
        self._command("disconnect")

    def wait_disconnected(self) -> str:
        """The client's reason for the end of its connection, as soon as there is one."""
        reason: str = self._command("disconnected", timeoutMs=self._timeout_ms)
        return reason

    def wait_connected(self, count: int = 1) -> list[dict[str, Any]]:
        """The ``sid`` and ``transport`` of every connection so far, once there were *count* of them."""
        seen: list[dict[str, Any]] = self._command("connects", count=count, timeoutMs=self._timeout_ms)
        return seen

    def wait_upgraded(self) -> str:
        """The transport that the connection was upgraded to, as soon as it is."""
        transport: str = self._command("upgraded", timeoutMs=self._timeout_ms)
        return transport

    @property
    def connected(self) -> bool:
        """Whether the client believes that it is connected."""
        return bool(self._command("connected"))

    @property
    def _timeout_ms(self) -> float:
        return self._js.timeout_s * 1000

    def _command(self, command: str, **arguments: object) -> Any:
        return self._js.command(command, socket=self.name, **arguments)


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise NodeError(_NODE_MISSING)
    return node


def _encode_bytes(value: object) -> dict[str, str]:
    if isinstance(value, bytes | bytearray):
        return {"$binary": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decode_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode_bytes(item) for item in value]
    if isinstance(value, dict):
        if isinstance(value.get("$binary"), str):
            return base64.b64decode(value["$binary"])
        return {key: _decode_bytes(item) for key, item in value.items()}
    return value
