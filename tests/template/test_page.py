"""The page of the generated application in Chromium: two people, one of them on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveServer
from tests.node_client import run_node

pytestmark = [pytest.mark.template, pytest.mark.browser]


@pytest.fixture(scope="session")
def seen(production: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two people saw who used the page; see chat_page.cjs for what they did."""
    shots = tmp_path_factory.mktemp("screenshots")
    script = Path(__file__).with_name("chat_page.cjs")
    result = run_node(str(script), production.url, str(shots), timeout_s=120.0)
    assert len(list(shots.glob("*.png"))) == 10
    return result


def test_two_people_chat(seen: dict[str, Any]) -> None:
    assert [name for name, _ in seen["messages"]] == ["Ada", "You", "Ada"]
    assert [text for _, text in seen["messages"]][:2] == ["Hello! Is anybody here?", "Me, on my phone."]


def test_text_of_other_people_is_never_markup(seen: dict[str, Any]) -> None:
    assert seen["markup"] == 0
    assert seen["messages"][2][1].endswith("<b>not bold</b>")


def test_everybody_sees_who_is_in_the_room(seen: dict[str, Any]) -> None:
    assert seen["peopleAtDesk"] == seen["peopleOnPhone"] == ["Ada", "Bob"]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("takenName", "name_taken", "Somebody here already has this name. Pick another one."),
        ("longName", "invalid_payload", "String should have at most 24 characters"),
        ("longText", "invalid_payload", "String should have at most 500 characters"),
        ("longRoom", "invalid_payload", "String should have at most 32 characters"),
        ("offline", "offline", "There is no connection to the server. It is tried again by itself."),
    ],
)
def test_error_is_shown_at_the_field_that_can_mend_it(seen: dict[str, Any], error: str, code: str, words: str) -> None:
    assert seen[error] == {"code": code, "words": [words], "invalid": "true", "focused": True}


def test_text_that_was_refused_is_not_lost(seen: dict[str, Any]) -> None:
    assert seen["textKept"] == 520


def test_broken_connection_comes_back_with_the_name_the_room_and_what_was_missed(seen: dict[str, Any]) -> None:
    assert seen["peopleAfterReconnect"] == ["Ada", "Bob"]


def test_another_room_starts_empty(seen: dict[str, Any]) -> None:
    assert seen["roomAfterSwitch"] == "garden"
    assert seen["messagesInNewRoom"] == []


def test_page_is_used_by_keyboard(seen: dict[str, Any]) -> None:
    assert seen["focusAfterJoining"] == "text"
    assert seen["sheetClosed"] is True


def test_page_never_scrolls_sideways(seen: dict[str, Any]) -> None:
    assert seen["overflow"] == [0, 0]


def test_page_asks_no_other_host_and_reports_no_problem(seen: dict[str, Any]) -> None:
    assert seen["problems"] == []
    assert seen["toasts"] == [False, False]
