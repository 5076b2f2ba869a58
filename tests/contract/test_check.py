"""Values against a contract: what is said about those that do not fit."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from framework.contract import Argument, ClientEvent, Contract, NamespaceContract
from framework.contract.check import check_ack, check_arguments, check_value, find_event, find_namespace, matches
from framework.errors import ContractError

from .corpus import create_app

EMPTY = Contract(title="t", version="1")
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


@pytest.fixture(scope="module")
def contract() -> Contract:
    promised: Contract = create_app().extensions["socketio"].contract()
    return promised


def problems(arguments: list[Argument], *values: Any) -> list[tuple[str, str, str]]:
    return [tuple(problem) for problem in check_arguments(EMPTY, arguments, values)]


# -- what there is


def test_event_and_namespace_are_found_by_name(contract: Contract) -> None:
    assert find_event(find_namespace(contract, "/nasty"), "日本語").name == "日本語"


@pytest.mark.parametrize(
    ("path", "hint"),
    [("/nasti", "Did you mean '/nasty'?"), ("/zzz", "There are: /, /empty, /nasty.")],
)
def test_unknown_namespace_is_refused_with_a_suggestion(contract: Contract, path: str, hint: str) -> None:
    with pytest.raises(ContractError) as refused:
        find_namespace(contract, path)
    assert str(refused.value) == f"there is no namespace {path!r}. {hint}"


def test_unknown_event_is_refused_with_a_suggestion(contract: Contract) -> None:
    with pytest.raises(ContractError, match=r"/nasty has no event 'evrything'. Did you mean 'everything'\?"):
        find_event(find_namespace(contract, "/nasty"), "evrything")
    with pytest.raises(ContractError, match="/empty has no event 'x'. There are: none."):
        find_event(find_namespace(contract, "/empty"), "x")


def test_no_namespaces_are_said_to_be_none() -> None:
    with pytest.raises(ContractError, match="There are: none."):
        find_namespace(EMPTY, "/")


# -- arguments


@pytest.mark.parametrize(
    ("arguments", "values", "expected"),
    [
        ([], [], []),
        ([Argument(name="x", json_schema=TEXT)], ["a"], []),
        ([Argument(name="x", json_schema=TEXT, required=False)], [], []),
        ([Argument(name="x", json_schema=TEXT)], [], [("x", "missing", "It is required.")]),
        ([], [1], [("", "too_long", "Expected at most 0 arguments.")]),
        ([Argument(name="x", json_schema=TEXT)], ["a", 1], [("", "too_long", "Expected at most 1 argument.")]),
        ([Argument(name="x", json_schema=TEXT)], [1], [("x", "type", "It has to be of type string.")]),
        (
            [Argument(name="x", json_schema=TEXT), Argument(name="y", json_schema=NUMBER)],
            ["a", "b"],
            [("y", "type", "It has to be of type integer.")],
        ),
        ([Argument(name="x", json_schema=NUMBER, required=False, variadic=True)], [1, 2, 3], []),
        (
            [
                Argument(name="x", json_schema=TEXT),
                Argument(name="y", json_schema=NUMBER, variadic=True, required=False),
            ],
            ["a", 1, "b"],
            [("y.1", "type", "It has to be of type integer.")],
        ),
        (
            [Argument(name="x", json_schema={"type": "array", "items": NUMBER})],
            [[1, "b"]],
            [("1", "type", "It has to be of type integer.")],
        ),
        (
            [Argument(name="x", json_schema={"type": "array", "items": NUMBER}), Argument(name="y", json_schema=TEXT)],
            [[1, "b"], "c"],
            [("x.1", "type", "It has to be of type integer.")],
        ),
    ],
)
def test_arguments_are_checked_one_by_one(arguments: list[Argument], values: list[Any], expected: list[Any]) -> None:
    assert problems(arguments, *values) == expected


def test_places_are_named_as_the_server_names_them(contract: Contract) -> None:
    """The same wrong arguments, asked of the contract and of the application."""
    from framework import EventError
    from framework.testing import Client

    client = Client(create_app(), "/nasty")
    nasty = find_namespace(contract, "/nasty")
    for name, values in {
        "page": [{"items": [{"x": -1}]}],
        "many": [1, 2],
        "twins": [{"x": 1}, {"y": 5}],
        "numbers": [1, "b"],
        "both": ["text"],
    }.items():
        with pytest.raises(EventError) as failed:
            client.call(name, *values)
        said = check_arguments(contract, find_event(nasty, name).arguments, values)
        assert [problem.path for problem in said] == [detail["path"] for detail in failed.value.details], name
    client.drop()


# -- values


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": ["string", "null"]}, 1, "It has to be of type ['string', 'null']."),
        ({"enum": ["a", 1]}, "secret", "It has to be one of: 'a', 1."),
        ({"const": "a"}, "secret", "It has to be 'a'."),
        ({"required": ["a", "b"]}, {"a": "secret"}, "It lacks b."),
        ({"anyOf": [TEXT, NUMBER]}, ["secret"], "It fits none of the possible types."),
        ({"oneOf": [TEXT, NUMBER]}, ["secret"], "It fits none of the possible types."),
        ({"properties": {}, "additionalProperties": False}, {"secret": 1}, "It has a field that is not declared."),
        ({"maxLength": 3}, "secret", "It breaks maxLength: 3."),
        ({"pattern": "^a"}, "secret", "It breaks pattern: '^a'."),
    ],
)
def test_reason_is_a_sentence_without_the_value(schema: Any, value: Any, message: str) -> None:
    (problem,) = check_value(EMPTY, schema, value)
    assert problem.message == message
    assert "secret" not in str(problem)


def test_models_are_looked_up(contract: Contract) -> None:
    tree = {"$ref": "#/models/Tree-Input"}
    assert check_value(contract, tree, {"name": "a", "children": [{"name": "b"}]}) == []
    (problem,) = check_value(contract, tree, {"name": "a", "children": [{"name": 1}]})
    assert problem.path == "children.0.name"


@pytest.mark.parametrize("value", [b"abc", bytearray(b"abc")])
def test_bytes_are_what_has_the_format_binary(value: bytes) -> None:
    binary = {"type": "string", "format": "binary", "minLength": 1, "maxLength": 3}
    assert check_value(EMPTY, binary, value) == []
    assert [problem.type for problem in check_value(EMPTY, binary, value + b"d")] == ["maxLength"]
    assert [problem.type for problem in check_value(EMPTY, binary, b"")] == ["minLength"]
    assert [problem.type for problem in check_value(EMPTY, TEXT, value)] == ["type"]
    assert check_value(EMPTY, {"anyOf": [NUMBER, binary]}, value) == []
    assert check_value(EMPTY, {}, value) == []


def test_text_in_the_place_of_bytes_is_taken_as_the_server_takes_it() -> None:
    assert check_value(EMPTY, {"type": "string", "format": "binary"}, "abc") == []


def test_true_is_no_number_and_one_point_zero_is_whole() -> None:
    assert check_value(EMPTY, NUMBER, True) != []
    assert check_value(EMPTY, NUMBER, 1.0) == []


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^a\$", "a$b", True),
        (r"^\\$", "\\", True),
        ("b", "abc", True),
        (r"\p{L}", "1", True),  # Python can't read it; the server can
    ],
)
def test_patterns_end_where_the_server_ends_them(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


# -- acks


def test_ack_is_checked_by_its_arguments() -> None:
    event = ClientEvent(name="x", ack=(NUMBER, TEXT))
    assert check_ack(EMPTY, event, [1, "a"]) == []
    assert [problem.path for problem in check_ack(EMPTY, event, [1, 2])] == ["ack.1"]
    assert [problem.type for problem in check_ack(EMPTY, event, [1])] == ["missing"]
    assert [problem.type for problem in check_ack(EMPTY, event, [1, "a", "b"])] == ["too_long"]


def test_ack_with_a_rest_has_any_number() -> None:
    event = ClientEvent(name="x", ack=(TEXT,), ack_rest=NUMBER)
    assert check_ack(EMPTY, event, ["a", 1, 2]) == []
    assert [problem.path for problem in check_ack(EMPTY, event, ["a", 1, "b"])] == ["ack.1"]


def test_ack_that_is_not_declared_may_be_anything() -> None:
    assert check_ack(EMPTY, ClientEvent(name="x"), [object()]) == []


# -- without jsonschema


def test_missing_package_is_named_with_what_installs_it() -> None:
    code = (
        "import sys; sys.modules['jsonschema'] = None\n"
        "from framework.contract import Contract\n"
        "from framework.contract.check import check_value\n"
        "check_value(Contract(title='t', version='1'), {}, 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.splitlines()[-1] == (
        "framework.errors.ContractError: checking values needs jsonschema: pip install 'framework[contract]'."
    )


def test_namespace_contract_alone_can_be_asked() -> None:
    namespace = NamespaceContract(path="/x", name="X", client_events=(ClientEvent(name="a"),))
    assert find_event(namespace, "a").name == "a"
