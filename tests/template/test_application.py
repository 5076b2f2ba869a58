"""The generated application in its own environment: what its README promises."""

from __future__ import annotations

from pathlib import Path

from tests.live import LiveServer, free_port
from tests.template.tools import ROOT, attempt, run


def test_generated_application_passes_its_own_checks(application: Path) -> None:
    printed = run("make", "test", cwd=application)
    assert "Success: no issues found" in printed  # mypy --strict
    assert " passed in " in printed


def test_generated_application_is_clean_for_pyright(application: Path) -> None:
    pyright = ROOT / "node_modules" / ".bin" / "pyright"
    assert "0 errors, 0 warnings" in run(pyright, "--pythonpath", application / ".venv/bin/python", cwd=application)


def test_routes_lists_the_events_of_the_generated_application(application: Path) -> None:
    printed = run(application / ".venv/bin/framework", "routes", cwd=application)
    for event in ("join", "leave", "post", "people", "joined", "left", "posted", "typing"):
        assert f"/chat      {event} " in printed
    assert " at 0x" not in printed


def test_gunicorn_without_a_secret_key_does_not_start(application: Path) -> None:
    done = attempt(application / ".venv/bin/gunicorn", cwd=application, PORT=str(free_port()))
    assert done.returncode != 0
    assert "FLASK_SECRET_KEY is not set" in done.stderr


def test_run_outside_debug_without_a_secret_key_does_not_start(application: Path) -> None:
    command = application / ".venv/bin/framework"
    done = attempt(command, "run", "--no-debug", "--port", str(free_port()), cwd=application)
    assert done.returncode == 2
    assert "FLASK_SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_make_run_serves_and_prints_the_address(development: LiveServer) -> None:
    assert f"http://127.0.0.1:{development.port}/" in development.wait_for_log(f":{development.port}/")
    assert '"ok"' in development.get("/health")


def test_gunicorn_serves_the_application_without_a_warning(production: LiveServer) -> None:
    assert '"ok"' in production.get("/health")
    assert "WARNING" not in production.logs
