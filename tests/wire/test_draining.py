"""A server that is told to stop says so before its clients are gone, whichever server it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import LiveServer

pytestmark = pytest.mark.wire

APP = """
import sys
from flask import Flask
from framework import Namespace, SocketIO, signals


class Chat(Namespace):
    namespace = "/chat"


app = Flask(__name__)
socketio = SocketIO(app, namespaces=[Chat])


@signals.server_draining.connect
def note(sender, **about):
    print("draining", about["host"], file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize("mode", ["threading", "gevent"])
def test_server_that_gets_a_sigterm_tells_that_it_drains(mode: str, tmp_path: Path) -> None:
    (tmp_path / "drained.py").write_text(APP)
    with LiveServer("drained", async_mode=mode, cwd=tmp_path) as server:
        server.stop()
    assert server.logs.count("draining 127.0.0.1") == 1
