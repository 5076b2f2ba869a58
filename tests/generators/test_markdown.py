"""The reference in Markdown: everything on it, and nothing of it is markup that somebody else wrote."""

from __future__ import annotations

import html
import json
import re

import markdown
import pytest
from flask import Flask
from pydantic import BaseModel, Field

from framework import Event, Namespace, SocketIO
from framework.contract import Contract, load_contract
from framework.errors import ContractError
from framework.generators.markdown import render
from framework.generators.prose import code, describe_type, escape, paragraphs, table
from tests.contract import corpus

EVIL = "<script>alert(1)</script> [link](javascript:x) `code` **bold** | # {% raw %} ${x} */ \\ &amp; _u_ ~~s~~"


@pytest.fixture(scope="module")
def contract() -> Contract:
    found: Contract = corpus.create_app().extensions["socketio"].contract()
    return found


@pytest.fixture(scope="module")
def page(contract: Contract) -> str:
    return render(contract, {})


def to_html(text: str) -> str:
    return str(markdown.markdown(text, extensions=["tables", "fenced_code", "sane_lists"]))


def to_text(rendered: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", rendered))


def test_every_namespace_event_model_and_error_is_on_the_page(page: str, contract: Contract) -> None:
    for namespace in contract.namespaces:
        assert f"## `{namespace.path}`\n" in page
        for event in (*namespace.client_events, *namespace.server_events):
            assert f"#### `{event.name}`\n" in page
    for model in contract.models:
        assert f"### `{model}`\n" in page
    assert "| `room_full` | No seat is left. \\*/ |" in page
    assert "Guarded by `is_anybody`." in page
    assert "**Deprecated.** Use none." in page


def test_every_link_leads_to_an_anchor_that_is_there_once(page: str) -> None:
    anchors = re.findall(r'<a id="([^"]+)"></a>', page)
    assert len(anchors) == len(set(anchors))
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert links
    assert links <= set(anchors)


def test_every_block_of_json_is_json(page: str) -> None:
    blocks = re.findall(r"^(`{3,})json\n(.*?)\n\1$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 50
    for _, text in blocks:
        json.loads(text)


def test_types_are_said_in_words(page: str) -> None:
    assert "| `some` | list of whole numbers, at least 1 item, at most 25 items | yes | |" in page
    assert "| `email_like` | text, at most 100 characters, matches `^[^@]+@[^@]+$` | yes | |" in page
    assert "| `pet` | [Cat-Input](#model-Cat-Input) or [Dog-Input](#model-Dog-Input) | yes | |" in page
    assert "| `content` | bytes | yes | |" in page
    assert "| `*rest` | number | any number | |" in page
    assert "Acknowledged with: whole number; text; list of numbers." in page
    assert "Answered by a stream. Each chunk: bytes." in page
    assert "Acknowledged without a value." in page
    assert "Its acknowledgement is not declared." in page
    assert "The client answers with one value: `true` or `false`." in page


def test_what_people_wrote_is_text_and_no_markup() -> None:
    class Evil(BaseModel):
        __doc__ = EVIL
        field: str = Field(EVIL, description=EVIL)

    class Chat(Namespace):
        __doc__ = EVIL
        namespace = "/chat"
        evil = Event[Evil](EVIL, name=EVIL)

    app = Flask("chat")
    app.config["FRAMEWORK_CONTRACT_TITLE"] = EVIL
    page = render(SocketIO(app, namespaces=[Chat]).contract(), {})
    rendered = to_html(page)
    assert not re.search(r"<(script|strong|em|del|h1.*<a)", rendered.replace("<h1>", ""))
    assert "javascript:" not in " ".join(re.findall(r"<[^>]+>", rendered))
    text = to_text(rendered)
    assert text.count(EVIL) >= 6


@pytest.mark.parametrize(
    "text", [EVIL, "- no list", "+ no list", "1. no list", "12) no", "# no", "    no code", "a\n---\nb", "> q", "=== "]
)
def test_text_is_text_in_whatever_it_looks_like(text: str) -> None:
    rendered = to_html(escape(text))
    assert rendered.startswith("<p>")
    assert to_text(rendered) == " ".join(text.split())
    assert "".join(re.findall(r"<[^>]+>", to_html(paragraphs(text)))) == "<p></p>"


def test_numbers_and_versions_stay_readable() -> None:
    assert escape("1.2.3") == "1.2.3"
    assert escape("Version 2. Better.") == "Version 2. Better."


@pytest.mark.parametrize("text", ["a", "`", "``a``", "a|b", " ", "a\nb"])
def test_code_is_code(text: str) -> None:
    rendered = to_html(table(["a", "b"], [[code(text), "x"]]))
    found = re.search(r"<td><code>(.*?)</code></td>", rendered)
    assert found, rendered
    assert html.unescape(found[1]).replace("\\|", "|").strip() == " ".join(text.splitlines()).strip()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        (True, "anything"),
        (False, "nothing"),
        ({"const": 1}, "`1`"),
        ({"enum": ["a", None]}, '`"a"` or `null`'),
        ({"type": ["string", "null"], "maxLength": 3}, "text, at most 3 characters or `null`"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 9}, "whole number, at least `1`, less than `9`"),
        ({"type": "string", "minLength": 2, "maxLength": 2}, "text, exactly 2 characters"),
        ({"type": "string", "format": "odd"}, "text of the format `odd`"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "list of different texts"),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "number"}}, "list of: `null`, then any of: number"),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": False}, "list of: `null`"),
        ({"type": "object"}, "object of anything by name"),
        ({"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1}, "object of whole numbers by name, at most 1 field"),
        ({"type": "object", "patternProperties": {"^a": {}}}, "object of anything by names that match `^a`"),
        ({"type": "object", "propertyNames": {"format": "uuid"}}, "object of anything by name, which is UUID"),
        ({"type": "object", "properties": {"a": {"type": "null"}}}, "object with `a`: `null`"),
        ({"allOf": [{"type": "integer"}, {"type": "number"}]}, "whole number and number"),
        ({"type": "array", "items": {"anyOf": [{"type": "null"}, {"type": "number"}]}}, "list of (`null` or number)"),
        ({"anyOf": []}, "nothing"),
    ],
)  # fmt: skip
def test_a_type_has_its_words(schema: object, words: str) -> None:
    assert describe_type(schema) == words


def test_the_same_contract_gives_the_same_page(contract: Contract, page: str) -> None:
    assert page == render(load_contract(contract.to_json()), {})
    with pytest.raises(ContractError, match="no option"):
        render(contract, {"toc": "no"})
