"""The JSON Schema document: well formed, and true of what travels."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import uuid
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from framework import EventError, Namespace, SocketIO
from framework.contract import Contract, load_contract
from framework.contract.examples import example_for
from framework.errors import ContractError
from framework.generators.jsonschema import render
from framework.testing import Client, ConnectRefused
from tests.contract import corpus


@pytest.fixture(scope="module")
def app() -> Flask:
    return corpus.create_app()


@pytest.fixture(scope="module")
def contract(app: Flask) -> Contract:
    found: Contract = app.extensions["socketio"].contract()
    return found


@pytest.fixture(scope="module")
def document(contract: Contract) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render(contract, {}))
    return parsed


def check(document: dict[str, Any], name: str, value: Any) -> None:
    """Fail where *value*, with its bytes as texts, does not fit a definition."""
    Draft202012Validator({**document, "$ref": f"#/$defs/{name}"}).validate(as_json(value))


def as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list | tuple) else value


def test_the_document_is_json_schema_and_all_its_references_lead_somewhere(document: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(document)
    for name in document["$defs"]:
        schema = document["$defs"][name]
        Draft202012Validator(document).evolve(schema=schema)
        example = example_for({**schema, "$defs": {}}, {}) if "$ref" not in json.dumps(schema) else None
        if example is not None:
            Draft202012Validator({**document, **schema}).validate(example)
    text = json.dumps(document)
    assert "#/models/" not in text
    for target in {part.split('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}:
        assert target in document["$defs"]


def test_every_event_has_its_definitions(document: dict[str, Any], contract: Contract) -> None:
    names = set(document["$defs"])
    assert {"Main.hello.arguments", "Main.hello.ack", "Nasty.auth", "Nasty.count.stream"} <= names
    assert {"Nasty.posted.values", "Nasty.confirm.answer", "framework.error", "framework.refusal"} <= names
    assert {"Nasty.my event.arguments", "Nasty.my-event.arguments", "Nasty.__proto__.ack"} <= names
    assert "Nasty.make.ack" not in names, "what is not declared has none"
    assert set(contract.models) <= names


def sent() -> list[tuple[str, list[Any]]]:
    """What a client sends over the corpus: event and arguments."""
    inner = {"x": 1, "label": "l"}
    tree = {"name": "root", "children": [{"name": "leaf"}]}
    everything = {
        "when": datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC).isoformat(),
        "day": "2026-01-31",
        "at": "12:00:00",
        "lasts": "PT1H",
        "id": str(uuid.uuid4()),
        "price": str(decimal.Decimal("1.50")),
        "colour": "red",
        "level": 10,
        "pair": [1, "two"],
        "triple": [1, 2, 3],
        "pet": {"kind": "dog", "good": False},
        "tree": tree,
        "page": {"items": [inner], "total": 1},
        "pages": {"items": [{"items": [inner]}]},
        "lookup": {"a": inner},
        "by_number": {"1": "one"},
        "numbers": [1, 2],
        "anything": {"some": ["thing"]},
        "nothing": None,
        "union": "text",
        "email_like": "a@b",
        "some": [1],
        "literal": True,
        "box": {"width": 2},
        "options": {"verbose": True},
        "tags": ["a"],
        "point": [1.5, 2],
    }
    return [
        ("everything", [everything]),
        ("none", []),
        ("many", [1, "x", 1.5, 2.5]),
        ("page", [{"items": [inner]}]),
        ("pets", [[{"kind": "cat"}, {"kind": "dog"}]]),
        ("keywords", [{"from": "a", "class": 1, "größe": "x"}]),
        ("camel", [{"firstName": "Ada", "dateOfBirth": "1815-12-10"}]),
        ("both", [{"valueIn": 2}]),
        ("bytes", [{"name": "n", "content": b"\x00", "parts": [b"a"]}, b"more"]),
        ("numbers", [1, 2, 3]),
        ("twins", [inner, {"y": "text"}]),
        ("optional", []),
        ("my event", []),
        ("my-event", []),
        ("größe", []),
        ("日本語", [3]),
        ("class", [1, 2]),
        ("constructor", []),
        ("__proto__", []),
        ("untyped", [{"any": "thing"}]),
    ]


@pytest.mark.parametrize(("event", "arguments"), sent(), ids=[event for event, _ in sent()])
def test_what_a_live_client_sends_and_gets_is_valid(
    app: Flask, document: dict[str, Any], event: str, arguments: list[Any]
) -> None:
    check(document, f"Nasty.{event}.arguments", arguments)
    client = Client(app, "/nasty", auth={"token": "good"})
    ack = client.call(event, *arguments)
    if f"Nasty.{event}.ack" in document["$defs"]:
        several = event in ("many", "numbers")
        check(document, f"Nasty.{event}.ack", [] if event == "none" else list(ack) if several else [ack])


def test_what_is_not_what_an_event_takes_is_invalid(document: dict[str, Any]) -> None:
    for event, arguments in [("none", [1]), ("many", []), ("camel", [{}]), ("numbers", ["a"]), ("fail", [1])]:
        schema = {**document, "$ref": f"#/$defs/Nasty.{event}.arguments"}
        assert not Draft202012Validator(schema).is_valid(arguments), event


def test_chunks_and_events_to_clients_are_valid(app: Flask, document: dict[str, Any]) -> None:
    client = Client(app, "/nasty")
    for chunk in client.stream("count", 3):
        check(document, "Nasty.count.stream", chunk)
    client.call("make", "events")
    assert client.received("posted")
    for event in ("posted", "moved", "got_bytes", "my-event", "my event", "old", "raw", "nothing"):
        for values in client.received(event):
            several = event in ("moved", "nothing")
            check(document, f"Nasty.{event}.values", list(values) if several else [values])


def test_errors_and_refusals_are_valid(app: Flask, document: dict[str, Any]) -> None:
    client = Client(app, "/nasty")
    with pytest.raises(EventError):
        client.call("many", "no number")
    client.emit("many", "no number")
    error = client.errors[0]
    about = {"code": error.code, "message": error.message, "event": "many", "details": error.details}
    check(document, "framework.error", {"error": about})
    with pytest.raises(ConnectRefused) as refused:
        Client(app, "/nasty", auth={"token": "bad"})
    check(document, "framework.refusal", {"message": refused.value.message, "data": refused.value.data})


def test_the_same_contract_gives_the_same_document(contract: Contract) -> None:
    assert render(contract, {}) == render(load_contract(contract.to_json()), {})
    assert render(contract, {}) == render(corpus.create_app().extensions["socketio"].contract(), {})


def test_a_model_that_is_called_like_a_definition_keeps_its_name() -> None:
    class Chat(Namespace):
        namespace = "/chat"

        def on_a(self) -> int:
            return 1

    contract = SocketIO(Flask("chat"), namespaces=[Chat]).contract()
    taken = contract.model_copy(update={"models": {"Chat.a.ack": {"type": "null"}}})
    definitions = json.loads(render(taken, {}))["$defs"]
    assert definitions["Chat.a.ack"] == {"type": "null"}
    assert definitions["Chat.a.ack_"]["title"] == "/chat a: ack"


def test_deprecation_and_errors_are_told(document: dict[str, Any]) -> None:
    assert document["$defs"]["Nasty.old.arguments"]["deprecated"] is True
    assert "Use none." in document["$defs"]["Nasty.old.ack"]["description"]
    assert "room_full: No seat is left. */" in document["$defs"]["Nasty.fail.ack"]["description"]


def test_it_takes_no_options(contract: Contract) -> None:
    with pytest.raises(ContractError, match="no option 'draft'"):
        render(contract, {"draft": "7"})
