"""Generated TypeScript is compiled, and talks to real servers, in Node and in Chromium."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from framework.contract import Contract, load_contract
from tests.contract import corpus
from tests.generators import typescript_app
from tests.generators.hostile import hostile_contract
from tests.generators.typescript_tools import Workspace, broken_claims, contract_of, render
from tests.live import HOST, ROOT, LiveServer, free_port
from tests.test_docs import read_blocks

pytestmark = pytest.mark.wire

PAGE = ROOT / "docs" / "how-to" / "typescript-client.md"
VALIDATORS = ["none", "zod", "valibot"]
STRICTEST = {
    "erasableSyntaxOnly": True,
    "exactOptionalPropertyTypes": True,
    "isolatedModules": True,
    "noFallthroughCasesInSwitch": True,
    "noImplicitOverride": True,
    "noImplicitReturns": True,
    "noPropertyAccessFromIndexSignature": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "verbatimModuleSyntax": True,
}
# The types that zod and valibot infer have undefined where a property may be missing.
STRICTEST_WITH_VALIDATORS = {**STRICTEST, "exactOptionalPropertyTypes": False}


@pytest.fixture(scope="module")
def corpus_contract() -> Contract:
    return contract_of(corpus.create_app())


@pytest.fixture(scope="module")
def live_contract() -> Contract:
    return contract_of(typescript_app.create_app())


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory, corpus_contract: Contract, live_contract: Contract) -> Any:
    """One workspace for each kind of validators."""
    made = {}
    for validators in VALIDATORS:
        workspace = Workspace(tmp_path_factory.mktemp("typescript") / validators)
        workspace.write("generated/corpus.ts", render(corpus_contract, validators=validators))
        workspace.write("generated/live.ts", render(live_contract, validators=validators))
        workspace.write("generated/hostile.ts", render(hostile_contract(), validators=validators))
        made[validators] = workspace
    return made


@pytest.fixture(scope="module")
def corpus_server() -> Iterator[LiveServer]:
    with LiveServer("tests.contract.corpus:create_app") as server:
        yield server


@pytest.fixture(scope="module")
def live_server() -> Iterator[LiveServer]:
    with LiveServer("tests.generators.typescript_app:create_app") as server:
        yield server


def assert_covers(report: Mapping[str, Any], contract: Contract) -> None:
    sent = {event.name for namespace in contract.namespaces for event in namespace.client_events}
    received = {event.name for namespace in contract.namespaces for event in namespace.server_events}
    assert sent <= set(report["sent"])
    assert received <= set(report["received"])


# -- compiled


@pytest.mark.parametrize("validators", VALIDATORS)
def test_every_type_and_name_compiles_under_the_strictest_checks(
    workspaces: Mapping[str, Workspace], validators: str
) -> None:
    options = STRICTEST if validators == "none" else STRICTEST_WITH_VALIDATORS
    names = ["generated/corpus.ts", "generated/live.ts", "generated/hostile.ts"]
    assert workspaces[validators].compile(*names, **options) == ""


def test_it_compiles_for_bundlers_and_for_commonjs(workspaces: Mapping[str, Workspace]) -> None:
    for module, resolution in (("esnext", "bundler"), ("commonjs", "bundler")):
        assert workspaces["none"].compile("generated/live.ts", module=module, moduleResolution=resolution) == ""


def test_right_calls_compile_and_wrong_ones_do_not(workspaces: Mapping[str, Workspace]) -> None:
    names = ("types.ts", "node.ts", "corpus_scenario.ts", "live_scenario.ts", "page.ts")
    paths = {"scenario": ["./live_scenario.ts"]}
    assert workspaces["none"].compile(*names, types=["node"], paths=paths) == ""


@pytest.mark.docs
def test_the_programs_of_the_documentation_compile(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "page")
    blocks = {block.title: block.text for block in read_blocks(PAGE) if block.title}
    page = types.ModuleType("chat")
    exec(compile(blocks.pop("chat.py"), str(PAGE), "exec"), vars(page))
    workspace.write("chat.ts", render(contract_of(page.app)))
    for title, text in blocks.items():
        workspace.write(title, text)
    assert len(blocks) > 5
    assert workspace.compile(*blocks, **STRICTEST) == ""


def test_a_program_that_uses_one_namespace_carries_no_other(workspaces: Mapping[str, Workspace]) -> None:
    text = 'import { connectEmpty } from "./generated/corpus.ts"; connectEmpty("").disconnect();'
    for workspace in workspaces.values():
        left = workspace.shake(text)
        assert "EmptyClient" in left
        assert "NastyClient" not in left
        assert "Schema" not in left
        assert "Colour" not in left


# -- used


@pytest.mark.parametrize("validators", VALIDATORS)
def test_every_event_carries_its_values_both_ways_in_node(
    workspaces: Mapping[str, Workspace], corpus_server: LiveServer, corpus_contract: Contract, validators: str
) -> None:
    report = workspaces[validators].run_in_node("corpus_scenario", corpus_server.url)
    assert broken_claims(report) == {}
    assert_covers(report, corpus_contract)


@pytest.mark.browser
def test_every_event_carries_its_values_both_ways_in_chromium(
    workspaces: Mapping[str, Workspace], corpus_server: LiveServer, corpus_contract: Contract
) -> None:
    report = workspaces["none"].run_in_chromium("corpus_scenario", corpus_server.url)
    assert broken_claims(report) == {}
    assert_covers(report, corpus_contract)


def test_clients_are_refused_wait_cancel_and_come_back_in_node(
    workspaces: Mapping[str, Workspace], live_server: LiveServer
) -> None:
    report = workspaces["none"].run_in_node("live_scenario", live_server.url, f"http://{HOST}:{free_port()}")
    assert broken_claims(report) == {}


@pytest.mark.browser
def test_clients_are_refused_wait_cancel_and_come_back_in_chromium(
    workspaces: Mapping[str, Workspace], live_server: LiveServer
) -> None:
    unreachable = f"http://{HOST}:{free_port()}"
    report = workspaces["none"].run_in_chromium("live_scenario", live_server.url, unreachable)
    assert broken_claims(report) == {}


@pytest.mark.parametrize("validators", ["zod", "valibot"])
def test_validators_refuse_what_is_not_as_declared_in_both_directions(
    tmp_path: Path, live_server: LiveServer, live_contract: Contract, validators: str
) -> None:
    workspace = Workspace(tmp_path / "lying")
    workspace.write("generated/lying.ts", render(change_promises(live_contract), validators=validators))
    if validators == "zod":
        assert workspace.compile("checks_scenario.ts") == ""
    assert broken_claims(workspace.run_in_node("checks_scenario", live_server.url)) == {}


def change_promises(contract: Contract) -> Contract:
    """The contract of another server: other types of an argument, an answer, a chunk and an event."""
    data = json.loads(contract.to_json())
    (live,) = data["namespaces"]
    sent = {event["name"]: event for event in live["client_events"]}
    received = {event["name"]: event for event in live["server_events"]}
    sent["search"]["arguments"][0]["schema"]["maxLength"] = 5
    sent["open"]["arguments"][0]["schema"] = {"$ref": "#/models/Mood"}
    sent["token"]["ack"][0] = {"type": "integer"}
    sent["tick"]["stream"] = {"type": "string"}
    received["told"]["arguments"][0]["schema"] = {"type": "boolean"}
    data["models"]["Mood"] = {
        "title": "Mood",
        "type": "object",
        "properties": {"mood": {"const": "good"}},
        "required": ["mood"],
    }
    return load_contract(json.dumps(data))
