"""Flask-SocketIO's own tests, with one import changed.

They are in its source distribution, which is fetched at test time into ``.cache/`` and never kept in
this repository.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.live import ROOT, child_environment

pytestmark = pytest.mark.seed

VERSION = "5.7.0"
CASES = 43
ARCHIVE = ROOT / ".cache" / "upstream" / f"flask_socketio-{VERSION}.tar.gz"
SHA256 = "aa01e50106962808dadc245407c3b6354295b1526e888bd154dc7ff4801a7c88"


def test_the_own_tests_of_flask_socketio_pass_when_their_import_is_changed(tmp_path: Path) -> None:
    suite = tmp_path / "test_socketio.py"
    suite.write_text(_use_framework(_read_upstream_suite()))
    done = _run_pytest(suite)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert re.search(rf"^{CASES} passed\b", done.stdout, re.MULTILINE), output


def _use_framework(source: str) -> str:
    changed, count = re.subn(r"^from flask_socketio import\b", "from framework import", source, flags=re.MULTILINE)
    assert count == 1, f"{count} imports of flask_socketio were found; the suite is not the one of {VERSION}."
    return changed


def _read_upstream_suite() -> str:
    if not _is_complete():
        _download()
    name = f"flask_socketio-{VERSION}/test_socketio.py"
    with tarfile.open(ARCHIVE) as archive:
        member = archive.extractfile(name)
        assert member is not None, f"{name} is not in {ARCHIVE.name}."
        return member.read().decode()


def _is_complete() -> bool:
    return ARCHIVE.is_file() and hashlib.sha256(ARCHIVE.read_bytes()).hexdigest() == SHA256


def _download() -> None:
    ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    ARCHIVE.unlink(missing_ok=True)
    what = f"flask-socketio=={VERSION}"
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*pip, "--no-binary", ":all:", "--dest", str(ARCHIVE.parent), what], capture_output=True, text=True
    )
    assert done.returncode == 0, (
        f"The source distribution of {what} could not be fetched: is the package index reachable? "
        f"It is looked up in {ARCHIVE.relative_to(ROOT)} first.\n{done.stdout}{done.stderr}"
    )
    assert _is_complete(), f"{ARCHIVE.name} is not the file that was released (its SHA-256 differs)."


def _run_pytest(suite: Path) -> subprocess.CompletedProcess[str]:
    """Run *suite* alone, out of reach of this repository's pytest configuration."""
    options = ["-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(suite.parent), "-q"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, suite.name],
        cwd=suite.parent,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
