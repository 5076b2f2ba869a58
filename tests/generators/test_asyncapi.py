"""The AsyncAPI document: passed by the official parser, and true to the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from framework.contract import Contract, load_contract
from framework.errors import ContractError
from framework.generators.asyncapi import render
from framework.generators.names import make_key
from tests.contract import corpus
from tests.node_client import run_node


@pytest.fixture(scope="module")
def contract() -> Contract:
    found: Contract = corpus.create_app().extensions["socketio"].contract()
    return found


@pytest.fixture(scope="module")
def document(contract: Contract) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render(contract, {"server": "https://chat.example.com:8443/live"}))
    return parsed


@pytest.mark.wire
def test_the_official_parser_has_nothing_to_say_against_it(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "asyncapi.json"
    path.write_text(render(contract, {"server": "wss://chat.example.com"}), "utf-8")
    read = run_node("asyncapi.mjs", str(path))
    assert read["diagnostics"] == []
    assert read["version"] == "3.1.0"
    assert read["channels"] == ["/", "/empty", "/nasty"]
    operations = {found["id"]: found for found in read["operations"]}
    assert operations["Nasty.receive.both"]["reply"] == ["ack.both", "error"]
    assert operations["Nasty.receive.fail"]["reply"] == ["ack.fail", "error.fail"]
    assert operations["Nasty.receive.count"]["reply"] == ["started.count", "part.count", "error"]
    assert operations["Nasty.send.posted"] == {
        "id": "Nasty.send.posted",
        "action": "send",
        "messages": ["send.posted"],
        "reply": None,
    }
    assert operations["Nasty.send.confirm"]["reply"] == ["answer.confirm"]
    assert read["securitySchemes"] == ["Nasty"]
    assert set(map(make_key, contract.models)) < set(read["schemas"])


@pytest.mark.wire
def test_the_official_parser_passes_an_application_without_anything(tmp_path: Path) -> None:
    path = tmp_path / "asyncapi.json"
    path.write_text(render(Contract(title="Nothing", version="1"), {}), "utf-8")
    assert [found for found in run_node("asyncapi.mjs", str(path))["diagnostics"] if found["severity"] == "error"] == []


def resolve(document: dict[str, Any], value: Any) -> Any:
    while isinstance(value, dict) and "$ref" in value:
        found: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def messages_of(document: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (f"{name} {key}", resolve(document, message))
        for name, channel in document["channels"].items()
        for key, message in channel.get("messages", {}).items()
    ]


def test_every_message_has_an_example_that_fits_its_payload(document: dict[str, Any]) -> None:
    for name, message in messages_of(document):
        schema = {**message["payload"], "components": document["components"]}
        Draft7Validator.check_schema(message["payload"])
        if name != "Nasty connect":  # null: a message's example is an object or a list
            assert message["examples"], name
        for example in message["examples"]:
            Draft7Validator(schema).validate(example["payload"])


def test_every_message_and_operation_is_of_its_channel(document: dict[str, Any]) -> None:
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"]
        assert name.split(".")[0] == channel.rpartition("/")[2]
        for message in [*operation["messages"], *operation.get("reply", {}).get("messages", ())]:
            assert message["$ref"].startswith(f"{channel}/messages/")
            assert resolve(document, message)["contentType"] == document["defaultContentType"]


def test_the_server_is_the_one_of_the_option(document: dict[str, Any], contract: Contract) -> None:
    server = document["servers"]["main"]
    assert (server["host"], server["pathname"], server["protocol"]) == ("chat.example.com:8443", "/live", "wss")
    plain = json.loads(render(contract, {"server": "http://localhost:5000"}))["servers"]["main"]
    assert (plain["pathname"], plain["protocol"]) == ("/socket.io", "ws")
    assert "servers" not in json.loads(render(contract, {}))
    with pytest.raises(ContractError, match="an address such as"):
        render(contract, {"server": "localhost:5000"})
    with pytest.raises(ContractError, match="no option 'format'"):
        render(contract, {"format": "yaml"})


def test_what_asyncapi_has_no_word_for_is_an_extension(document: dict[str, Any]) -> None:
    operations = document["operations"]
    assert operations["Nasty.receive.old"]["x-deprecated"] == "Use none."
    assert operations["Nasty.receive.fail"]["x-guards"] == ["is_anybody"]
    assert {"code": "room_full", "description": "No seat is left. */"} in operations["Nasty.receive.fail"]["x-errors"]
    pets = document["channels"]["Nasty"]["messages"]["receive.pets"]["payload"]
    union = pets["items"][0]["items"]
    assert union["x-discriminator"]["mapping"]["cat"] == "#/components/schemas/Cat-Input"


def test_auth_is_a_security_scheme_of_every_operation(document: dict[str, Any]) -> None:
    assert "may be left out" in document["components"]["securitySchemes"]["Nasty"]["description"]
    refer = [{"$ref": "#/components/securitySchemes/Nasty"}]
    for name, operation in document["operations"].items():
        assert operation.get("security", []) == (refer if name.startswith("Nasty.") else [])


def test_ids_do_not_depend_on_other_events(contract: Contract) -> None:
    space = contract.namespaces[2]
    fewer = space.model_copy(update={"client_events": tuple(e for e in space.client_events if e.name != "my-event")})
    alone = json.loads(render(contract.model_copy(update={"namespaces": (fewer,)}), {}))["operations"]
    together = json.loads(render(contract, {}))["operations"]
    assert {name for name in together if name.startswith("Nasty.")} - set(alone) == {"Nasty.receive.my-event"}


def test_the_same_contract_gives_the_same_document(contract: Contract) -> None:
    assert render(contract, {}) == render(load_contract(contract.to_json()), {})


def test_an_event_of_the_applications_own_called_cancel_stream_stays_the_only_one(contract: Contract) -> None:
    space = contract.namespaces[2]
    own = space.client_events[0].model_copy(update={"name": "cancel_stream", "description": "Ours."})
    mine = space.model_copy(update={"client_events": (*space.client_events, own)})
    document = json.loads(render(contract.model_copy(update={"namespaces": (mine,)}), {}))
    assert document["operations"]["Nasty.receive.cancel_stream"]["summary"] == "Ours."
