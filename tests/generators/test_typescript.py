"""The text that the generator ``typescript`` writes: the same every time, with names that stay, and nothing untyped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from framework.contract import Argument, ClientEvent, Contract, NamespaceContract, Schema
from framework.errors import ContractError
from framework.generators.typescript import names
from tests.contract import corpus
from tests.generators.hostile import hostile_contract
from tests.generators.typescript_tools import contract_of, render
from tests.live import ROOT, child_environment

SNAPSHOT = Path(__file__).parent / "snapshots" / "chat.ts"
RUNTIME = (Path(names.__file__).with_name("runtime.ts")).read_text("utf-8")


def contract(*events: ClientEvent, models: dict[str, Schema] | None = None) -> Contract:
    namespace = NamespaceContract(path="/chat", name="Chat", client_events=events)
    return Contract(title="test", version="1", namespaces=(namespace,), models=models or {})


def model(title: str, *fields: str) -> Schema:
    return {"title": title, "type": "object", "properties": {field: {"type": "string"} for field in fields}}


def without_texts(module: str) -> str:
    """A module without its comments and string literals."""
    module = re.sub(r'"(?:[^"\\]|\\.)*"', '""', module)
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", module, flags=re.DOTALL)


# -- the text


def test_the_client_of_the_first_screen_is_as_in_the_snapshot() -> None:
    command = ["framework", "--app", "examples/chat", "stubs", "typescript", "--output", str(SNAPSHOT), "--check"]
    start = [sys.executable, "-c", "import sys; from framework.cli import main; sys.exit(main())"]
    done = subprocess.run(
        [*start, *command[1:]], cwd=ROOT, env=child_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n$ {' '.join(command[:-1])}"


@pytest.mark.once
def test_the_same_contract_is_the_same_text_in_every_process() -> None:
    script = (
        "import sys; from tests.contract import corpus; from tests.generators.typescript_tools import *;"
        "sys.stdout.buffer.write(render(contract_of(corpus.create_app()), validators='zod').encode())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**child_environment(), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {render(contract_of(corpus.create_app()), validators="zod").encode()}


@pytest.mark.parametrize("validators", ["none", "zod", "valibot"])
def test_nothing_is_any_and_nothing_is_imported_but_what_was_asked_for(validators: str) -> None:
    module = render(contract_of(corpus.create_app()), validators=validators)
    code = without_texts(module)
    assert not re.search(r"\bany\b", code)
    assert "import(" not in code
    assert "require(" not in code
    libraries = re.findall(r'^import .* from "(.*)";$', module, re.MULTILINE)
    assert libraries == ["socket.io-client", *([] if validators == "none" else [validators])]


def test_no_text_of_a_contract_is_code_or_more_than_one_line_of_a_comment() -> None:
    module = render(hostile_contract(), validators="zod")
    assert "broken" not in without_texts(module).replace("Broken", "")
    assert not re.search(r"^\s*[/*]*\s*@ts-", module, re.MULTILINE)
    assert not re.search(r"[\u2028\u2029\u202e\ud800\x00\r]", module)
    module.encode()


def test_a_contract_without_events_needs_no_validators() -> None:
    module = render(Contract(title="t", version="1"), validators="zod")
    assert "zod" not in module


# -- errors


def test_an_unknown_option_or_choice_is_refused_with_what_there_is() -> None:
    with pytest.raises(ContractError, match="no option 'validator'. It takes: validators."):
        render(contract(), validator="zod")
    with pytest.raises(ContractError, match="validators is 'yup'; it is one of: none, zod, valibot."):
        render(contract(), validators="yup")


def test_a_reference_to_no_model_is_refused_with_its_name() -> None:
    event = ClientEvent(name="post", ack=({"$ref": "#/models/Nobody"},))
    with pytest.raises(ContractError, match="refers to the model 'Nobody', which is not among its models"):
        render(contract(event))


# -- names


def name_all(*titles: str, **keys: str) -> dict[str, str]:
    """What models are called, by their keys, which are their titles where no other key is given."""
    models = {**{title: model(title) for title in titles}, **{key: model(title) for key, title in keys.items()}}
    return {key: named.name for key, named in names.name_models(contract(models=models), ["Chat"]).items()}


def test_what_arrives_has_the_plain_name_and_what_is_sent_ends_in_input() -> None:
    models = {"Post-Input": model("Post"), "Post-Output": model("Post")}
    named = names.name_models(contract(models=models), ["Chat"])
    assert {key: one.name for key, one in named.items()} == {"Post-Input": "PostInput", "Post-Output": "Post"}


def test_generic_models_and_those_of_one_name_are_called_after_what_tells_them_apart() -> None:
    assert name_all(Page_Inner_="Page[Inner]", Page_Page_Inner__="Page[Page[Inner]]") == {
        "Page_Inner_": "PageInner",
        "Page_Page_Inner__": "PagePageInner",
    }
    assert name_all(shop__orders__Item="Item", shop__returns__Item="Item") == {
        "shop__orders__Item": "OrdersItem",
        "shop__returns__Item": "ReturnsItem",
    }
    assert name_all(shop__orders__Item="Item", school__orders__Item="Item") == {
        "shop__orders__Item": "ShopOrdersItem",
        "school__orders__Item": "SchoolOrdersItem",
    }


def test_a_model_keeps_its_name_whatever_else_is_added() -> None:
    few = name_all("Post", "Page")
    more = name_all("Post", "Page", "post", "PostInput", "Pag e", "Posts", "Error")
    assert {key: more[key] for key in few} == few


def test_names_that_would_be_one_differ_by_a_mark_that_only_their_own_key_gives() -> None:
    both = name_all("a b", "a-b")
    assert len(set(both.values())) == 2
    assert all(re.fullmatch(r"AB_[0-9a-f]{6}", name) for name in both.values())
    three = name_all("a b", "a-b", "a.b")
    assert {key: three[key] for key in both} == both


def test_a_model_never_takes_a_name_that_the_output_uses() -> None:
    assert name_all("Error", "Promise", "ChatClient", "connectChat") == {
        "Error": "ErrorModel",
        "Promise": "PromiseModel",
        "ChatClient": "ChatClientModel",
        "connectChat": "ConnectChat",
    }


def test_every_name_of_the_output_is_kept_from_models() -> None:
    declared = re.findall(r"^(?:export )?(?:abstract )?(?:class|const|function|interface|type) (\w+)", RUNTIME, re.M)
    used = re.findall(r"(?<![\w.\"`'#$])[A-Z]\w+\b(?=[<(.,;)\s])", without_texts(RUNTIME))
    of_its_own = {"Args", "Answer", "Chunk", "Code", "Entry", "Table", "Value"}
    assert {*declared, *used} - of_its_own <= names._TAKEN


def test_a_method_is_called_as_its_event_unless_every_client_has_that() -> None:
    events = ["post", "my event", "on", "then", "then_", "constructor", "__proto__", "class"]
    namespace = contract(*(ClientEvent(name=name) for name in events)).namespaces[0]
    assert names.name_methods(namespace) == {
        "post": "post",
        "my event": "my event",
        "on": "on_",
        "then": "then__",
        "then_": "then_",
        "constructor": "constructor_",
        "__proto__": "__proto___",
        "class": "class",
    }


def test_every_member_of_a_client_is_kept_from_methods() -> None:
    start = RUNTIME.index("export abstract class NamespaceClient")
    body = RUNTIME[start : RUNTIME.index("\n}\n", start)]
    members = re.findall(r"^  (?:readonly )?(\w+)(?:[<(:]|\?:)", body, re.MULTILINE)
    assert {"call", "socket", "on"} <= set(members) <= names._MEMBERS


def test_parameters_are_identifiers_of_their_own() -> None:
    given = ["options", "ack", "a b", "a_b", "await", "1st", "", "größe", "arguments"]
    assert names.name_parameters(given) == [
        "options_",
        "ack_",
        "a_b",
        "a_b_",
        "await_",
        "_1st",
        "value",
        "größe",
        "arguments_",
    ]


# -- types


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({}, "unknown"),
        ({"type": "string", "format": "binary"}, "Bytes"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "(string | null)[]"),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}], "minItems": 1},
            "[string, null?, ...unknown[]]",
        ),
        ({"type": "array", "prefixItems": [{"type": "string"}], "minItems": 1, "maxItems": 1}, "[string]"),
        (
            {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
            "[string?, ...number[]]",
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "{ [key: string]: number }"),
        ({"type": "object", "propertyNames": {"enum": ["a", "b"]}}, '{ [KeyIn in "a" | "b"]?: unknown }'),
        ({"type": ["string", "null"]}, "string | null"),
        ({"enum": ["a", 1, True, None]}, '"a" | 1 | true | null'),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"type": "object", "properties": {"a b": {"type": "string"}}}, '{ "a b"?: string; }'),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": ["a"],
                "additionalProperties": True,
            },
            "{ a: string; [key: string]: unknown; }",
        ),
        ({"not": {}}, "unknown"),
        (False, "never"),
    ],
)
def test_a_schema_is_the_type_that_says_the_same(schema: Schema, written: str) -> None:
    event = ClientEvent(name="post", arguments=(Argument(name="value", schema={"anyOf": [schema]}),))
    assert f"post(value: {written}, options?: CallOptions)" in render(contract(event))
