"""The page in Chromium: an operator at a desk and one with a phone, in debug and in production."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.live import ROOT, LiveServer
from tests.node_client import run_node

pytestmark = [pytest.mark.wire, pytest.mark.browser]

PASSWORD = "correct horse"
MARKUP = "<img src=x onerror=alert(1)>"
STORY = str(Path(__file__).with_name("dashboard.cjs"))


def tell(shots: Path, *story: str, debug: bool, **settings: str) -> dict[str, Any]:
    """Serve the shop and return what the operators saw; see dashboard.cjs for what they did."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins" / "admin")])
    environment = {"PYTHONPATH": path, **{f"FRAMEWORK_ADMIN_{name}": value for name, value in settings.items()}}
    args = ["--no-reload"] if debug else []
    with LiveServer("plugins/admin/tests/shop.py", env=environment, debug=debug, args=args) as server:
        return run_node(STORY, server.url, str(shots), *story, timeout_s=120.0)


@pytest.fixture(scope="module")
def debug(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return tell(tmp_path_factory.mktemp("debug"), debug=True)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    shots = tmp_path_factory.mktemp("production")
    return tell(shots, PASSWORD, debug=False, ENABLED="true", PASSWORD=PASSWORD, MAX_CLIENTS="1")


def test_empty_application_says_so(debug: dict[str, Any]) -> None:
    assert debug["empty"] == "No client is connected."


def test_log_has_the_codes_of_what_failed(debug: dict[str, Any]) -> None:
    assert debug["codes"] == ["internal_error", "sold_out", "unknown_event"]


def test_payloads_are_nowhere_on_the_page(debug: dict[str, Any]) -> None:
    assert debug["payloads"] is False


def test_what_clients_choose_is_text_and_never_markup(debug: dict[str, Any]) -> None:
    assert debug["markup"] == 0
    assert MARKUP in debug["rooms"]
    assert MARKUP in debug["events"]
    assert debug["facts"]["Program"] == MARKUP


def test_client_is_found_and_opened_by_keyboard(debug: dict[str, Any]) -> None:
    assert debug["focus"] == "client-filter"
    assert debug["facts"]["Namespace"] == "/shop"


def test_event_is_sent_to_one_client(debug: dict[str, Any]) -> None:
    assert debug["badJson"] == 'The arguments are a JSON list, such as ["hello", {"n": 1}].'
    assert debug["notice"] == ["hello", 2]


def test_disconnect_asks_first(debug: dict[str, Any]) -> None:
    assert debug["asked"] == "Yes, disconnect it"
    assert debug["gone"] == "io server disconnect"


def test_pause_holds_the_lists(debug: dict[str, Any]) -> None:
    assert debug["heldWhilePaused"] is True
    assert debug["pausedByKey"] == "false"


def test_wrong_password_is_said_at_the_field(production: dict[str, Any]) -> None:
    assert production["problem"] == "This is not the password."


def test_production_only_shows(production: dict[str, Any]) -> None:
    assert production["mode"] == "only shows"
    assert production["readonly"] is True
    assert production["actions"] is production["compose"] is False


def test_production_refuses_actions_that_a_script_asks_for(production: dict[str, Any]) -> None:
    assert production["refused"] == ["forbidden"] * 4
    assert production["stillThere"] is True


def test_client_that_is_not_listed_is_found(production: dict[str, Any]) -> None:
    assert production["foundUnlisted"] is True


def test_logging_out_ends_at_the_form(production: dict[str, Any]) -> None:
    assert production["loggedOut"] is True


def test_session_that_is_over_ends_at_the_form(tmp_path: Path) -> None:
    seen = tell(tmp_path, PASSWORD, "expiry", debug=False, ENABLED="true", PASSWORD=PASSWORD, SESSION_S="2")

    assert (seen["end"], seen["problems"]) == ("the form", [])


def test_page_of_this_machine_goes_on_when_its_session_is_over(tmp_path: Path) -> None:
    seen = tell(tmp_path, "none", "expiry", debug=True, SESSION_S="2")

    assert (seen["end"], seen["problems"]) == ("live again", [])


@pytest.mark.parametrize("story", ["debug", "production"])
def test_page_fits_asks_no_other_host_and_reports_no_problem(story: str, request: pytest.FixtureRequest) -> None:
    seen = request.getfixturevalue(story)

    assert seen["overflow"] == [0, 0]
    assert seen["problems"] == []
