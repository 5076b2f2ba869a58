"""The page in Chromium, at a desk and on a phone, in debug and in production; see explore.cjs for what is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.live import ROOT, LiveServer
from tests.node_client import run_node

pytestmark = [pytest.mark.wire, pytest.mark.browser]

MARKUP = "<img src=x onerror=alert(1)>"
STORY = str(Path(__file__).with_name("explore.cjs"))


def tell(shots: Path, *story: str, debug: bool, **settings: str) -> dict[str, Any]:
    """Serve the desk and return what was seen."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins" / "explorer")])
    environment = {"PYTHONPATH": path, **{f"FRAMEWORK_EXPLORER_{name}": value for name, value in settings.items()}}
    args = ["--no-reload"] if debug else []
    with LiveServer("plugins/explorer/tests/desk.py", env=environment, debug=debug, args=args) as server:
        return run_node(STORY, server.url, str(shots), *story, timeout_s=240.0)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return tell(tmp_path_factory.mktemp("explorer"), debug=True)


def test_page_shows_every_namespace(seen: dict[str, Any]) -> None:
    assert seen["title"] == "Desk & co. - explorer"
    assert seen["namespaces"] == ["/", "/desk/talk", "/empty", "/nasty"]


def test_event_shows_its_errors_its_guards_and_what_is_deprecated(seen: dict[str, Any]) -> None:
    assert seen["errors"] == ["forbidden", "room_full"]
    assert seen["guards"] == ["is_anybody"]
    assert seen["deprecated"] == "Deprecated. Use none."


def test_schema_shows_the_models_that_it_refers_to(seen: dict[str, Any]) -> None:
    assert {"Cat-Input", "Everything-Input", "Everything-Output", "Tree-Input"} <= seen["schema"].keys()


def test_text_of_the_contract_and_of_the_server_is_never_markup(seen: dict[str, Any]) -> None:
    assert seen["markup"] == seen["inline"] == 0
    assert seen["markupTitle"] == seen["markupAnswer"] == MARKUP


def test_address_of_nothing_says_so(seen: dict[str, Any]) -> None:
    assert seen["nowhere"] == "Nothing is served at /nowhere/x."


def test_search_finds_by_name_and_by_error(seen: dict[str, Any]) -> None:
    assert seen["searchFocus"] == "search"
    assert seen["found"] == ["twins"]
    assert seen["foundByError"] == ["fail"]
    assert seen["foundNothing"] == "No event is like that."


def test_event_is_found_and_opened_by_keyboard_under_an_address_of_its_own(seen: dict[str, Any]) -> None:
    assert (seen["arrow"], seen["outline"], seen["address"]) == ("count_slowly", "solid", "#/nasty/count_slowly")


def test_call_by_the_form_is_answered_with_the_time(seen: dict[str, Any]) -> None:
    assert seen["hello"] == ["Hello Ada", "Hello Ada"]
    assert seen["helloState"] == "Acknowledged"
    assert seen["helloTime"].endswith(" ms")
    assert seen["void"] == "Without a value."


def test_optional_argument_is_sent_as_soon_as_it_is_filled_in(seen: dict[str, Any]) -> None:
    assert seen["included"] is True


def test_error_is_shown_with_its_details(seen: dict[str, Any]) -> None:
    assert seen["failed"] == "room_full"
    assert "No seat is left." in seen["failedText"]
    assert "Try again in 2.5 s." in seen["failedText"]


def test_error_of_an_event_without_an_ack_is_shown_too(seen: dict[str, Any]) -> None:
    assert seen["emitted"] == "As you wish."


def test_every_field_has_a_name_for_who_can_not_see_it(seen: dict[str, Any]) -> None:
    assert seen["unnamed"] == 0


def test_refused_auth_is_said_at_its_field(seen: dict[str, Any]) -> None:
    assert seen["authProblem"] == "String should have at least 2 characters"
    assert seen["refused"] == "Refused"


def test_validation_messages_of_the_server_are_at_their_fields(seen: dict[str, Any]) -> None:
    assert seen["invalid"] == {
        "room": "String should have at least 1 character",
        "text": "String should have at most 40 characters",
        "tags": "List should have at most 3 items after validation, not 4",
    }
    assert seen["focus"] == "room"
    assert seen["described"] == seen["invalid"]["room"]


def test_messages_find_variadic_arguments_and_choices(seen: dict[str, Any]) -> None:
    assert seen["invalidMany"] == [
        "Input should be a valid integer, unable to parse string as an integer",
        "Input should be a valid number, unable to parse string as a number",
    ]
    assert seen["invalidPet"] == "Input should be a valid integer, unable to parse string as an integer"


def test_arguments_can_be_written_as_json(seen: dict[str, Any]) -> None:
    assert seen["badJson"].startswith("This is no JSON")
    assert seen["page"] == {"items": [{"name": "7", "children": []}], "total": 1}


def test_json_becomes_a_form_where_a_form_can_show_it(seen: dict[str, Any]) -> None:
    assert seen["fromJson"] == "seven"
    assert seen["staysJson"] == "The form can't show this; it stays JSON."


def test_example_of_everything_is_accepted(seen: dict[str, Any]) -> None:
    assert seen["everything"]["pet"] == {"kind": "cat", "lives": 9}
    assert seen["everything"]["when"] == "2026-01-01T12:00:00Z"
    assert seen["proto"] == 1


def test_bytes_are_sent_from_a_file_from_base64_and_as_text(seen: dict[str, Any]) -> None:
    assert seen["bytes"] == {"name": "blob", "content": {"$bytes": "AP8B/gAB"}, "parts": [{"$bytes": "AAE="}]}
    assert seen["badBytes"] == "This is no base64."
    assert seen["textBytes"]["parts"] == [{"$bytes": "w6k="}]


def test_paused_stream_is_held_by_the_server_and_goes_on_until_it_is_cancelled(seen: dict[str, Any]) -> None:
    last, *_ = chunks = seen["chunks"]
    assert last >= seen["pausedAt"] + 20
    assert chunks == list(range(last, last - 50, -1))


def test_stream_is_shown_to_its_end_or_its_error(seen: dict[str, Any]) -> None:
    assert seen["counted"] == [2, 1, 0]
    assert seen["broken"] == "room_full"


def test_events_of_the_server_are_counted_and_shown(seen: dict[str, Any]) -> None:
    assert '"content":{"$bytes":"AP8="}' in seen["received"]


def test_call_of_the_server_is_answered_by_a_form(seen: dict[str, Any]) -> None:
    assert seen["picked"] == "green"
    assert seen["asked"] == {"x": 5, "label": None}


def test_connections_are_side_by_side(seen: dict[str, Any]) -> None:
    assert (seen["connected"], seen["afterClose"]) == (4, 3)
    assert seen["heard"] == ["1 over connection 5", "1 over connection 3"]


def test_log_is_filtered_and_copied_as_json(seen: dict[str, Any]) -> None:
    assert seen["logFiltered"] == ["break", "fail"]
    copied = seen["copied"]
    assert (copied["direction"], copied["event"], copied["payload"]) == ("sent", "fail", ["room_full"])
    assert copied["ack"][0]["error"]["code"] == "room_full"


def test_log_has_a_thousand_entries_at_most_and_can_be_cleared(seen: dict[str, Any]) -> None:
    assert seen["logRows"] == 1000
    assert seen["cleared"] == "What is sent and received is shown here."


def test_page_says_when_the_application_has_changed(seen: dict[str, Any]) -> None:
    assert seen["changed"].startswith("The application has changed.")


def test_contract_and_stubs_are_downloaded(seen: dict[str, Any]) -> None:
    assert seen["downloads"] == {
        "Contract": ["contract.json", True],
        "asyncapi": ["desk-co.asyncapi.json", True],
        "jsonschema": ["desk-co.schema.json", True],
        "markdown": ["desk-co.md", True],
        "python": ["desk-co.py", True],
        "typescript": ["desk-co.ts", True],
    }


def test_phone_calls_an_event(seen: dict[str, Any]) -> None:
    assert seen["phoneView"] == "Event"
    assert seen["phone"]["from"] == "text"


def test_page_fits_asks_no_other_host_and_reports_no_problem(seen: dict[str, Any]) -> None:
    assert seen["overflow"] == [0, 0]
    assert seen["overflowOfEvent"] == 0
    assert seen["problems"] == []


def test_page_with_a_password_works_in_production(tmp_path: Path) -> None:
    seen = tell(tmp_path, "correct horse", debug=False, ENABLED="true", PASSWORD="correct horse")

    assert (seen["hello"], seen["problems"]) == (["Hello Ada"], [])
