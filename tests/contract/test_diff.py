"""What a new contract means for old clients: by event and direction, and how it is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel

from framework import Call, Event, EventError, Namespace, SocketIO, event, guard, raises
from framework.contract import Contract, load_contract
from framework.contract.changes import Change
from framework.contract.diff import compare, is_breaking, render_json, render_markdown, render_text

from .corpus import create_app

Edit = Callable[[dict[str, Any]], Any]


class Message(BaseModel):
    text: str


class RoomFull(EventError):
    """No seat is left."""

    code = "room_full"


def is_member() -> bool:
    return True


def is_admin() -> bool:
    return True


class Chat(Namespace):
    namespace = "/chat"

    posted = Event[Message]("Posted.")
    moved = Event[int, str]("Moved.")
    raw = Event("Anything.")
    confirm = Call[bool, str]("Ask.")

    def on_connect(self, auth: dict[str, str] | None = None) -> None: ...

    @raises(RoomFull)
    @guard(is_member)
    def on_post(self, message: Message, limit: int = 5) -> Message:
        return message

    def on_pair(self, *numbers: int) -> tuple[int, str]:
        return 1, ""

    def on_none(self) -> None: ...

    def on_untyped(self, value):  # type: ignore[no-untyped-def]
        return value

    @event("my event")
    def on_mine(self) -> int:
        return 1


def read_contract(*namespaces: type[Namespace]) -> Contract:
    app = Flask("chat")
    contract: Contract = SocketIO(app, namespaces=list(namespaces)).contract()
    return contract


OLD = read_contract(Chat)


def edit(change: Edit) -> Contract:
    """The contract with *change* made to its one namespace, whose events are dicts by name."""
    document = json.loads(OLD.to_json())
    namespace = document["namespaces"][0]
    sides = ("client_events", "server_events")
    events = {side: {found["name"]: found for found in namespace[side]} for side in sides}
    change({**namespace, **events, "models": document["models"], "namespace": namespace})
    for side in sides:
        namespace[side] = list(events[side].values())
    return load_contract(json.dumps(document))


def write(changes: list[Change]) -> list[str]:
    return [f"{found.severity} {found.what} {found.where} ({found.who})" for found in changes]


def sent(event: str, /, **values: Any) -> Edit:
    return lambda document: document["client_events"][event].update(values)


def got(event: str, /, **values: Any) -> Edit:
    return lambda document: document["server_events"][event].update(values)


def argument(name: str, schema: Any, required: bool = True, variadic: bool = False) -> dict[str, Any]:
    return {"name": name, "schema": schema, "required": required, "variadic": variadic}


INT, TEXT, MESSAGE = {"type": "integer"}, {"type": "string"}, {"$ref": "#/models/Message"}
LIMIT = argument("limit", {**INT, "default": 5}, required=False)


def test_a_contract_and_itself_have_no_change() -> None:
    corpus: Contract = create_app().extensions["socketio"].contract()
    assert compare(corpus, load_contract(corpus.to_json())) == []
    assert compare(OLD, OLD) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # events that clients send
        (lambda d: d["client_events"].pop("none"), ["breaking event_removed /chat none (clients)"]),
        (sent("none", name="nothing"), ["breaking event_renamed /chat none (clients)"]),
        (
            lambda d: d["client_events"].update(new={**d["client_events"]["none"], "name": "new"}),
            ["safe event_added /chat new (clients)"],
        ),
        (sent("none", description="Other words."), []),
        (sent("none", deprecated="Use none."), ["safe deprecated /chat none (clients)"]),
        # their arguments
        (
            sent("none", arguments=[argument("a", INT)]),
            ["breaking argument_added /chat none argument a (clients)"],
        ),
        (
            sent("none", arguments=[argument("a", INT, required=False)]),
            ["safe argument_added /chat none argument a (clients)"],
        ),
        (
            sent("post", arguments=[argument("message", MESSAGE)]),
            ["breaking argument_removed /chat post argument limit (clients)"],
        ),
        (
            sent("post", arguments=[argument("message", MESSAGE), {**LIMIT, "required": True}]),
            ["breaking argument_required /chat post argument limit (clients)"],
        ),
        (
            sent("post", arguments=[argument("message", MESSAGE, required=False), LIMIT]),
            ["safe argument_optional /chat post argument message (clients)"],
        ),
        (
            sent("post", arguments=[argument("message", MESSAGE), {**LIMIT, "name": "most"}]),
            ["safe argument_renamed /chat post argument most (clients)"],
        ),
        (
            sent("post", arguments=[argument("message", MESSAGE), {**LIMIT, "schema": {**INT, "default": 6}}]),
            ["risky default_changed /chat post argument limit (clients)"],
        ),
        (
            sent("pair", arguments=[argument("numbers", INT, required=False)]),
            ["breaking argument_single /chat pair argument numbers (clients)"],
        ),
        (
            sent("pair", arguments=[argument("first", INT, required=False), argument("rest", INT, False, True)]),
            [
                "breaking argument_single /chat pair argument first (clients)",
                "safe argument_renamed /chat pair argument first (clients)",
                "safe argument_renamed /chat pair argument rest (clients)",
            ],
        ),
        (
            sent("post", arguments=[argument("message", MESSAGE), {**LIMIT, "variadic": True}]),
            ["safe argument_variadic /chat post argument limit (clients)"],
        ),
        (
            lambda d: d["models"]["Message"]["properties"]["text"].update(maxLength=5),
            [
                "breaking maximum_tightened /chat post argument message.text (clients)",
                "safe maximum_tightened /chat post ack.text (servers)",
                "safe maximum_tightened /chat posted argument value.text (servers)",
            ],
        ),
        # their answers
        (sent("none", stream=INT, ack=None), ["breaking answer_changed /chat none (servers)"]),
        (sent("post", ack=[TEXT]), ["breaking type_changed /chat post ack (servers)"]),
        (sent("post", ack=[]), ["breaking ack_fewer /chat post ack (servers)"]),
        (sent("post", ack=None), ["risky ack_undeclared /chat post ack (servers)"]),
        (sent("untyped", ack=[INT]), ["risky ack_declared /chat untyped ack (servers)"]),
        (sent("none", ack=[INT]), ["safe ack_more /chat none ack (servers)"]),
        (sent("post", ack=[MESSAGE, INT]), ["breaking ack_more /chat post ack (servers)"]),
        (sent("pair", ack=[INT, TEXT, INT]), ["risky ack_more /chat pair ack (servers)"]),
        (sent("pair", ack=[INT, INT]), ["breaking type_changed /chat pair ack[1] (servers)"]),
        (sent("pair", ack_rest=INT), ["breaking ack_more /chat pair ack (servers)"]),
        # errors and guards
        (
            sent("post", errors=[{"code": "closed", "description": ""}]),
            [
                "risky error_added /chat post (servers)",
                "risky error_removed /chat post (servers)",
                "risky error_removed /chat post (servers)",
            ],
        ),
        (sent("none", guards=["is_admin"]), ["breaking guard_added /chat none (clients)"]),
        (sent("post", guards=["is_member", "is_admin"]), ["risky guard_added /chat post (clients)"]),
        (sent("post", guards=[]), ["safe guard_removed /chat post (clients)"]),
        # connecting
        (lambda d: d["namespace"].update(path="/talk"), [
            "breaking namespace_removed /chat (clients)",
            "safe namespace_added /talk (clients)",
        ]),
        (lambda d: d["namespace"].update(auth=None), ["safe auth_removed /chat auth (clients)"]),
        (lambda d: d["namespace"]["auth"].update(required=True), ["breaking auth_required /chat auth (clients)"]),
        (
            lambda d: d["namespace"]["auth"].update(schema={"type": "object", "additionalProperties": INT}),
            [
                "breaking null_removed /chat auth (clients)",
                "breaking type_changed /chat auth.* (clients)",
            ],
        ),
        (
            lambda d: d["namespace"].update(errors=[{"code": "closed", "description": ""}]),
            ["risky error_added /chat connect (servers)"],
        ),
        # events that clients get
        (lambda d: d["server_events"].pop("moved"), ["breaking event_removed /chat moved (servers)"]),
        (got("moved", name="went"), ["breaking event_renamed /chat moved (servers)"]),
        (
            lambda d: d["server_events"].update(more={**d["server_events"]["posted"], "name": "more"}),
            ["safe event_added /chat more (servers)"],
        ),
        (
            lambda d: d["server_events"].update(ask={**d["server_events"]["confirm"], "name": "ask"}),
            ["risky event_added /chat ask (servers)"],
        ),
        (got("moved", arguments=[argument("value", INT)]), ["breaking argument_removed /chat moved argument value2 (servers)"]),
        (
            got("posted", arguments=[argument("value", MESSAGE), argument("value2", INT)]),
            ["risky argument_added /chat posted argument value2 (servers)"],
        ),
        (
            got("moved", arguments=[argument("value", {"anyOf": [INT, {"type": "null"}]}), argument("value2", TEXT)]),
            ["breaking null_added /chat moved argument value (servers)"],
        ),
        (got("raw", arguments=[]), ["risky arguments_declared /chat raw (servers)"]),
        (got("moved", arguments=None), ["risky arguments_undeclared /chat moved (servers)"]),
        (got("posted", is_call=True, answer=INT), ["breaking answer_wanted /chat posted (servers)"]),
        (got("confirm", is_call=False, answer=None), ["safe answer_unwanted /chat confirm (servers)"]),
        (got("confirm", answer=INT), ["breaking type_changed /chat confirm answer (clients)"]),
        (got("moved", deprecated=""), ["safe deprecated /chat moved (servers)"]),
    ],
)  # fmt: skip
def test_a_change_has_its_severity_place_and_side(change: Edit, expected: list[str]) -> None:
    assert write(compare(OLD, edit(change))) == expected


def test_auth_that_comes_later_is_breaking_only_where_it_is_required() -> None:
    without = edit(lambda document: document["namespace"].update(auth=None))
    assert write(compare(without, OLD)) == ["safe auth_added /chat auth (clients)"]
    needed = edit(lambda document: document["namespace"]["auth"].update(required=True))
    assert write(compare(without, needed)) == ["breaking auth_added /chat auth (clients)"]
    assert write(compare(needed, OLD)) == ["safe auth_optional /chat auth (clients)"]


def test_the_rest_of_an_ack_is_compared_with_what_takes_its_place() -> None:
    endless = edit(sent("pair", ack=[INT], ack_rest=INT))
    assert write(compare(endless, edit(sent("pair", ack=[INT, TEXT], ack_rest=TEXT)))) == [
        "breaking type_changed /chat pair ack[1] (servers)",
        "breaking type_changed /chat pair ack[] (servers)",
    ]
    assert write(compare(endless, edit(sent("pair", ack=[INT])))) == ["breaking ack_fewer /chat pair ack (servers)"]


def test_a_stream_is_compared_chunk_by_chunk() -> None:
    streams = edit(sent("none", ack=None, stream={"type": "object", "properties": {"a": INT}, "required": ["a"]}))
    fewer = edit(sent("none", ack=None, stream={"type": "object", "properties": {}}))
    assert write(compare(streams, fewer)) == ["breaking field_removed /chat none stream.a (servers)"]


def test_what_a_whole_class_got_is_told_once() -> None:
    class Guarded(Chat):
        pass

    changes = compare(OLD, read_contract(guard(is_admin)(Guarded)))
    assert write(changes) == [
        "breaking guard_added /chat connect (clients)",
        "risky error_added /chat connect (servers)",
    ]


def test_the_worst_comes_first() -> None:
    new = edit(lambda document: (document["client_events"].pop("none"), document["server_events"].pop("posted")))
    changes = compare(new, OLD) + compare(OLD, new)
    assert is_breaking(compare(OLD, new))
    assert not is_breaking(compare(new, OLD))
    assert {change.severity for change in changes} == {"breaking", "safe"}


CHANGES = [
    Change("breaking", "event_removed", "/chat a|`b`", "clients", "It's <gone> | *now*."),
    Change("risky", "error_added", "/chat post", "servers", "It may fail with room_full now."),
    Change("safe", "event_added", "", "servers", "New."),
]


def test_changes_as_text_have_a_line_each_and_a_sum() -> None:
    assert render_text(CHANGES) == (
        "breaking  /chat a|`b`  It's <gone> | *now*. [event_removed]\n"
        "risky     /chat post  It may fail with room_full now. [error_added]\n"
        "safe      the application  New. [event_added]\n"
        "\n"
        "1 breaking, 1 risky, 1 safe\n"
    )
    assert render_text([]) == "No changes.\n"


def test_changes_as_json_are_objects() -> None:
    assert json.loads(render_json(CHANGES))[1] == {
        "severity": "risky",
        "what": "error_added",
        "where": "/chat post",
        "who": "servers",
        "message": "It may fail with room_full now.",
    }
    assert render_json([]) == "[]\n"


def test_changes_as_markdown_are_tables_in_which_text_is_text() -> None:
    text = render_markdown(CHANGES)
    assert r"| `` /chat a\|`b` `` |" in text
    assert r"It's \<gone\> \| \*now\*." in text
    assert "<details><summary>Safe (1)</summary>" in text
    assert render_markdown([]) == "### Contract: no changes\n"
