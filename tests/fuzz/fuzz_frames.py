"""Any bytes at all to a `FrameReader`: nothing is raised, the cuts don't matter, and wsproto makes the same of them.

    .venv-fuzz/bin/python tests/fuzz/fuzz_frames.py -max_total_time=600

A finding is written to a file ``crash-...``; the same command with its name runs it again.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
for name in ("framework", "framework.transport"):  # as if empty: the real ones need Flask, and `frames` neither
    package = types.ModuleType(name)
    package.__path__ = [str(ROOT / name.replace(".", "/"))]
    sys.modules[name] = package

with atheris.instrument_imports(include=["framework.transport.frames", "wsproto"]):
    from tests.fuzz.agreement import check_agreement, read

LIMITS = [0, 1, 125, 126, 1000, 70_000]
PAYLOADS = [b"", b"\x03\xe8", b"\x03\xed", "grüß 🙂".encode(), b"\xed\xa0\x80", b"\xf0\x9f\x99", b"x" * 126]


def test_one_input(raw: bytes) -> None:
    source = atheris.FuzzedDataProvider(raw)
    limit = source.PickValueInList(LIMITS)
    seed = source.ConsumeIntInRange(1, 300)
    data = build_stream(source) if source.ConsumeBool() else source.ConsumeBytes(sys.maxsize)
    received = check_agreement(data, limit)
    assert read(cut(data, seed), limit) == received, "the cuts matter"
    if len(data) <= 2000:
        assert read([data[at : at + 1] for at in range(len(data))], limit) == received, "single bytes matter"


def cut(data: bytes, seed: int) -> list[bytes]:
    """Cut into chunks of lengths that change from one to the next."""
    chunks, at, size = [], 0, seed
    while at < len(data):
        chunks.append(data[at : at + size])
        at, size = at + size, size * 7 % 311 + 1
    return chunks


def build_stream(source: atheris.FuzzedDataProvider) -> bytes:
    """Frames that are right for the most part, so that what comes after them is reached."""
    frames = []
    while source.remaining_bytes() and len(frames) < 50:
        first = source.PickValueInList(
            [0x01, 0x02, 0x00, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A, source.ConsumeInt(1) & 0xFF]
        )
        payload = (
            source.PickValueInList(PAYLOADS)
            if source.ConsumeBool()
            else source.ConsumeBytes(source.ConsumeInt(1) & 0xFF)
        )
        payload *= source.PickValueInList([1, 1, 1, 1, 2, 600])
        form = source.PickValueInList([0, 0, 0, 0, 2, 8])
        frames.append(build_frame(first, payload, source.ConsumeBytes(4).ljust(4, b"\0"), form))
    return b"".join(frames)


def build_frame(first: int, payload: bytes, key: bytes, form: int) -> bytes:
    """Return a masked frame.

    Args:
        form: How many bytes the length takes besides the first, at least.
    """
    size = len(payload)
    form = max(form, 0 if size < 126 else 2 if size < 65536 else 8)
    length = bytes([0x80 | {0: size, 2: 126, 8: 127}[form]]) + (size.to_bytes(form) if form else b"")
    repeated = (key * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(size)
    return bytes([first]) + length + key + masked


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
