"""What is served: the page, what it shows, the downloads, and what is in the wheel."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from flask import Flask
from framework_explorer import Explorer
from jsonschema import Draft202012Validator
from pydantic import Field, PlainValidator, WithJsonSchema

from framework import Namespace, Plugin, PluginError, SocketIO
from framework.contract import Contract, load_contract
from framework.generators import find_generator, list_generators
from tests.live import ROOT

from .conftest import Build

PACKAGE = ROOT / "plugins" / "explorer" / "framework_explorer"
STATIC = PACKAGE / "static"
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}


def read_page(app: Flask, **options: Any) -> Any:
    """Return what the page is told."""
    return app.test_client().get("/explorer/page.json", **options).json


@pytest.mark.parametrize(
    "path", ["", "page.json", "contract.json", "stubs/markdown", "stubs/none", "static/explorer.js", "static/none"]
)
def test_every_answer_has_the_strict_policy_and_is_not_kept(build: Build, path: str) -> None:
    headers = build().test_client().get(f"/explorer/{path}").headers

    assert set(headers["Content-Security-Policy"].split("; ")) == POLICY
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_page_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    page = (STATIC / "page.html").read_text("utf-8")

    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"(?:src|href)=\"(?:https?:|//)", page)


def test_no_script_of_the_page_makes_markup_from_text() -> None:
    for script in STATIC.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", script.read_text("utf-8")
        )


def test_every_file_that_the_page_asks_for_is_there(build: Build) -> None:
    client = build().test_client()
    page = client.get("/explorer/").text
    scripts = [(STATIC / name).read_text("utf-8") for name in ("explorer.js", "panels.js", "form.js", "field.js")]
    wanted = re.findall(r"(?:src|href)=\"(static/[^\"]+)\"", page)
    wanted += [f"static/{name}" for text in scripts for name in re.findall(r"from \"\./([^\"]+)\"", text)]

    assert len(wanted) > 10
    assert {client.get(f"/explorer/{path}").status_code for path in wanted} == {200}


def test_path_without_its_slash_leads_to_the_page(build: Build) -> None:
    assert build().test_client().get("/explorer").headers["Location"].endswith("/explorer/")


def test_contract_is_what_the_command_writes(build: Build) -> None:
    app = build()

    text = app.test_client().get("/explorer/contract.json").text

    assert text == app.extensions["socketio"].contract().to_json()
    assert load_contract(text).namespaces[1].path == "/nasty"


def test_page_is_told_the_contract_and_where_socketio_is(build: Build) -> None:
    told = read_page(build(), base_url="http://localhost/below")

    assert told["socketio_path"] == "/below/socket.io/"
    assert told["generators"] == list_generators()
    assert [namespace["path"] for namespace in told["contract"]["namespaces"]] == ["/empty", "/nasty"]


def test_page_finds_socketio_at_a_path_of_its_own() -> None:
    app = Flask("moved")
    app.debug = True
    SocketIO(app, path="live/events", plugins=[Explorer])

    assert read_page(app)["socketio_path"] == "/live/events/"


def test_examples_are_valid_for_what_they_are_examples_of(build: Build) -> None:
    contract = read_page(build())["contract"]
    nasty = contract["namespaces"][1]
    pairs = [(nasty["auth"]["schema"], nasty["examples"]["auth"])]
    for event in nasty["client_events"]:
        pairs += zip((one["schema"] for one in event["arguments"]), event["examples"]["arguments"], strict=True)
        pairs += zip(event["ack"] or (), event["examples"]["ack"], strict=True)
        pairs += [(event["stream"], event["examples"]["stream"])] if event["stream"] else []
    for event in nasty["server_events"]:
        pairs += zip((one["schema"] for one in event["arguments"] or ()), event["examples"]["arguments"], strict=True)
        pairs += [(event["answer"], event["examples"]["answer"])] if event["answer"] else []

    assert len(pairs) > 50
    for schema, example in pairs:
        Draft202012Validator({**schema, "models": contract["models"]}).validate(example)


def test_optional_auth_has_an_example_that_says_something(build: Build) -> None:
    contract = read_page(build())["contract"]

    assert contract["namespaces"][1]["examples"]["auth"] == {"token": "text", "locale": "en"}


Impossible = Annotated[str, PlainValidator(str), WithJsonSchema({"type": "string", "minLength": 2, "maxLength": 1})]


class Hard(Namespace):
    namespace = "/hard"

    def on_try(self, value: Impossible, more: Annotated[int, Field(ge=1)] = 1) -> int:
        return more


def test_event_of_which_there_is_no_example_is_shown_without_one() -> None:
    app = Flask("hard")
    app.debug = True
    SocketIO(app, namespaces=[Hard], plugins=[Explorer])

    told = read_page(app)

    assert told["contract"]["namespaces"][0]["client_events"][0]["examples"]["arguments"] is None


@pytest.mark.parametrize(
    ("generator", "name"),
    [
        ("asyncapi", "corpus.asyncapi.json"),
        ("jsonschema", "corpus.schema.json"),
        ("markdown", "corpus.md"),
        ("python", "corpus.py"),
        ("typescript", "corpus.ts"),
    ],
)
def test_stubs_are_what_the_command_writes_as_a_file(build: Build, generator: str, name: str) -> None:
    app = build()

    answer = app.test_client().get(f"/explorer/stubs/{generator}")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.text == find_generator(generator)(app.extensions["socketio"].contract(), {})
    assert answer.mimetype == ("application/json" if name.endswith(".json") else "text/plain")


def test_unknown_generator_is_404(build: Build) -> None:
    answer = build().test_client().get("/explorer/stubs/cobol")

    assert (answer.status_code, answer.text) == (404, "There is no generator 'cobol'.\n")


def test_unknown_option_of_a_generator_is_400_and_says_which(build: Build) -> None:
    answer = build().test_client().get("/explorer/stubs/typescript?colour=red")

    assert answer.status_code == 400
    assert "'colour'" in answer.text


def count_events(contract: Contract, options: Mapping[str, str]) -> str:
    return f"{options.get('unit', 'events')}: {sum(len(one.client_events) for one in contract.namespaces)}"


class Counting(Plugin):
    name = "counting"

    def generators(self) -> Any:
        return [("count", count_events)]


def test_generators_of_plugins_can_be_downloaded_with_options(build: Build) -> None:
    app = Flask("corpus")
    app.debug = True
    SocketIO(app, namespaces=[Hard], plugins=[Explorer, Counting])
    client = app.test_client()

    assert "count" in read_page(app)["generators"]
    answer = client.get("/explorer/stubs/count?unit=names")
    assert (answer.text, answer.headers["Content-Disposition"]) == ("names: 1", 'attachment; filename="corpus.txt"')


@pytest.mark.parametrize(("title", "name"), [('Désk & co. \r\n"x"', "d-sk-co-x.md"), ("日本", "application.md")])
def test_title_that_is_no_file_name_becomes_one(build: Build, title: str, name: str) -> None:
    answer = build(CONTRACT_TITLE=title).test_client().get("/explorer/stubs/markdown")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_page_has_another_path_by_a_setting(build: Build) -> None:
    client = build(EXPLORER_PATH="/docs/live").test_client()

    assert client.get("/docs/live/").status_code == 200
    assert client.get("/explorer/").status_code == 404


@pytest.mark.parametrize("path", ["explorer", "/", "/a b", "/explorer/", "/<x>"])
def test_path_that_is_none_is_refused_by_name(build: Build, path: str) -> None:
    with pytest.raises(PluginError, match="FRAMEWORK_EXPLORER_PATH"):
        build(EXPLORER_PATH=path)


def test_path_that_is_taken_is_refused_by_name(build: Build) -> None:
    app = Flask("taken")
    app.debug = True
    app.config["FRAMEWORK_STRICT_PLUGINS"] = True
    app.add_url_rule("/explorer/", "mine", lambda: "mine")

    with pytest.raises(PluginError, match=r"/explorer/ is served by mine.*FRAMEWORK_EXPLORER_PATH"):
        SocketIO(app, plugins=[Explorer])


def test_contract_is_read_when_it_is_asked_for(build: Build) -> None:
    app = build()
    app.extensions["socketio"].on_event("late", lambda: 1)

    told = read_page(app)

    assert told["contract"]["namespaces"][0]["path"] == "/"


@pytest.mark.template
def test_wheel_has_the_page_and_the_license_of_what_it_brings(tmp_path: Path) -> None:
    source = shutil.copytree(
        PACKAGE.parent, tmp_path / "source", ignore=shutil.ignore_patterns("tests", "*.egg-info", "build")
    )
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        str(tmp_path / "dist"),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()

    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {path.relative_to(PACKAGE.parent).as_posix() for path in files} <= names
    assert "framework_explorer/static/vendor/LICENSE" in names
    assert "explorer = framework_explorer:Explorer" in entry_points


def test_client_of_the_page_is_the_version_that_the_tests_use() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    version = locked["packages"]["node_modules/socket.io-client"]["version"]

    assert f"Socket.IO v{version}" in (STATIC / "vendor" / "socket.io.min.js").read_text("utf-8")[:100]
