"""The text of generated Python clients: checked by type checkers, stable, and right whatever the contract holds."""

from __future__ import annotations

import ast
import builtins
import keyword
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from framework import Event, Namespace, SocketIO, event
from framework.contract import Contract, load_contract
from framework.errors import ContractError
from framework.generators import find_generator
from framework.generators.python import render
from framework.generators.python.names import assign_names, make_class_name, make_name
from tests.contract import corpus
from tests.generators.python import first_screen, talk
from tests.generators.python_tools import contract_of, load_module, write_module
from tests.live import ROOT

HERE = Path(__file__).parent / "python"
SNAPSHOT = HERE / "chat_client.py"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return contract_of(corpus.create_app())


@pytest.fixture(scope="module")
def folder(contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients of the corpus in both flavours and alone, and calls of them."""
    folder = tmp_path_factory.mktemp("generated")
    write_module(contract, folder, "corpus_client")
    write_module(contract, folder, "corpus_sync", flavour="sync")
    write_module(contract, folder, "corpus_asyncio", flavour="asyncio")
    write_module(contract_of(talk.create_app()), folder, "talk_client")
    shutil.copy(HERE / "wrong_calls.py", folder)
    return folder


def contract_for(*namespaces: type[Namespace]) -> Contract:
    app = Flask("test")
    SocketIO(app, namespaces=list(namespaces))
    return contract_of(app)


def check(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


# -- what checkers say


@pytest.mark.typing
@pytest.mark.parametrize(
    "plugins",
    ["", "plugins = pydantic.mypy\n[pydantic-mypy]\ninit_typed = true\n"],
    ids=["without plugin", "with pydantic's plugin"],
)
def test_mypy_finds_nothing_in_strict_mode_and_refuses_wrong_calls(folder: Path, plugins: str) -> None:
    (folder / "mypy.ini").write_text(f"[mypy]\n{plugins}\n")
    check([sys.executable, "-m", "mypy", "--strict", "--config-file=mypy.ini", "--python-version=3.11", "."], folder)


@pytest.mark.typing
@pytest.mark.parametrize("uses_sources", ["true", "false"], ids=["reads sources", "reads stubs only"])
def test_pyright_finds_nothing_and_refuses_wrong_calls(folder: Path, uses_sources: str) -> None:
    (folder / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "standard", "useLibraryCodeForTypes": {uses_sources}, "pythonVersion": "3.11",'
        ' "enableTypeIgnoreComments": false, "reportUnnecessaryTypeIgnoreComment": true}'
    )
    pyright = ROOT / "node_modules" / ".bin" / "pyright"
    check([str(pyright), "--pythonpath", sys.executable], folder)


@pytest.mark.typing
def test_ruff_finds_nothing_to_mend_or_to_format(folder: Path) -> None:
    files = sorted(str(path) for path in folder.glob("*_client.py"))
    ruff = [sys.executable, "-m", "ruff"]
    check([*ruff, "check", "--isolated", "--line-length=120", *files], folder)
    check([*ruff, "format", "--isolated", "--line-length=120", "--check", *files], folder)


def test_module_needs_neither_the_framework_nor_flask(folder: Path) -> None:
    code = "import sys, corpus_client; assert not {'framework', 'flask', 'flask_socketio'} & {*sys.modules}"
    check([sys.executable, "-W", "error", "-c", code], folder)


# -- the same for the same contract


def test_chat_of_the_first_screen_has_this_client() -> None:
    text = render(contract_of(first_screen.create_app()), {"flavour": "sync"})
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, "utf-8")
    assert text == SNAPSHOT.read_text("utf-8"), "UPDATE_SNAPSHOTS=1 writes it anew"


@pytest.mark.once
@pytest.mark.parametrize("flavour", ["both", "sync", "asyncio"])
def test_text_is_the_same_from_run_to_run(contract: Contract, folder: Path, flavour: str) -> None:
    (folder / "contract.json").write_text(contract.to_json(), "utf-8")
    code = (
        "import sys; from framework.contract import load_contract; from framework.generators.python import render\n"
        f"sys.stdout.write(render(load_contract(open('contract.json').read()), {{'flavour': {flavour!r}}}))"
    )
    texts = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, timeout=60, check=True
        )
        texts.add(done.stdout.decode())
    assert texts == {render(contract, {"flavour": flavour})}


def test_flavour_decides_which_classes_there_are(contract: Contract) -> None:
    both = render(contract, {})
    sync = render(contract, {"flavour": "sync"})
    asyncio = render(contract, {"flavour": "asyncio"})
    for text, has_sync, has_asyncio in ((both, True, True), (sync, True, False), (asyncio, False, True)):
        assert ("class NastyClient(" in text, "class AsyncNastyClient(" in text) == (has_sync, has_asyncio)
        assert ("import threading" in text, "import asyncio" in text) == (has_sync, has_asyncio)
    assert find_generator("python")(contract, {}) == both


def test_other_option_or_flavour_is_refused(contract: Contract) -> None:
    with pytest.raises(ContractError, match="no option 'flavor'"):
        render(contract, {"flavor": "sync"})
    with pytest.raises(ContractError, match="one of: both, sync, asyncio"):
        render(contract, {"flavour": "threads"})


def test_another_event_renames_nothing() -> None:
    class Before(Namespace):
        namespace = "/"

        @event("my event")
        def on_it(self) -> int:
            return 1

    class After(Before):
        @event("my-event")
        def on_other(self) -> int:
            return 1

        @event("my.event")
        def on_another(self) -> int:
            return 1

    def methods(cls: type[Namespace]) -> dict[str, str]:
        tree = ast.parse(render(contract_for(cls), {"flavour": "sync"}))
        return {
            str(ast.get_docstring(node)): node.name
            for found in tree.body
            if isinstance(found, ast.ClassDef) and found.name == f"{cls.__name__}Client"
            for node in found.body
            if isinstance(node, ast.FunctionDef) and node.name != "connect"
        }

    assert methods(Before) == {"Send ``my event``.": "my_event"}
    assert methods(After) == {
        "Send ``my event``.": "my_event",
        "Send ``my-event``.": "my_event_3409",
        "Send ``my.event``.": "my_event_dc76",
    }


# -- names


@given(st.lists(st.text(max_size=12), max_size=8, unique=True), st.text(max_size=12))
def test_names_are_names_each_its_own_and_stay_when_another_comes(wires: list[str], other: str) -> None:
    def make(wire: str) -> str:
        return make_name(wire, "event")

    names = assign_names(wires, make, {"close"})
    assert len({*names.values()}) == len(wires)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names.values())
    assert "close" not in names.values()
    assert assign_names(reversed(wires), make, {"close"}) == names
    more = assign_names([*wires, other], make, {"close"})
    changed = [wire for wire in wires if more[wire] != names[wire]]
    assert len(changed) <= 1  # the one whose place it takes
    assert all(make(wire).rstrip("_") == make(other).rstrip("_") for wire in changed)


@given(st.text(max_size=12))
def test_class_names_are_names(name: str) -> None:
    made = make_class_name(name, "Model")
    assert made.isidentifier()
    assert not keyword.iskeyword(made)


def test_model_that_is_called_like_what_every_module_has_gets_another_name(tmp_path: Path) -> None:
    models = {
        name: type(name, (BaseModel,), {"__annotations__": {"value": int}})
        for name in (
            "Connection",
            "Stream",
            "EventError",
            "Field",
            "Any",
            "ValueError",
            "ChatClient",
            "AsyncChatClient",
        )
    }

    class Chat(Namespace):
        namespace = "/"

        for _name, _model in models.items():
            locals()[f"on_{_name}"] = eval("lambda self, value: value")
            locals()[f"on_{_name}"].__annotations__ = {"value": _model, "return": _model}

    module = load_module(write_module(contract_for(Chat), tmp_path, "clash"))
    assert issubclass(module.ConnectionModel, BaseModel)
    assert not issubclass(module.Connection, BaseModel)
    assert {name for name in dir(builtins) if getattr(module, name, None) in models.values()} == set()
    assert module.ChatClientModel(value=1).value == 1


# -- models


def roundtrip(tmp_path: Path, *namespaces: type[Namespace]) -> Any:
    return load_module(write_module(contract_for(*namespaces), tmp_path, "models"))


def test_two_forms_of_a_model_are_one_class_unless_they_are_different(contract: Contract) -> None:
    classes = {node.name for node in ast.parse(render(contract, {})).body if isinstance(node, ast.ClassDef)}
    assert {"BothInput", "BothOutput", "Tree", "Cat", "Camel", "Everything"} <= classes
    assert {"Both", "TreeInput", "TreeOutput", "CatInput"} & classes == set()


def test_model_that_refers_to_one_with_two_classes_has_two_itself(tmp_path: Path) -> None:
    class Holder(BaseModel):
        both: corpus.Both

    class Outer(Namespace):
        namespace = "/"

        def on_echo(self, value: Holder) -> Holder:
            return value

    module = roundtrip(tmp_path, Outer)
    assert module.HolderInput.model_fields["both"].annotation is module.BothInput
    assert module.HolderOutput.model_fields["both"].annotation is module.BothOutput


def test_constraints_are_kept(tmp_path: Path) -> None:
    class Bound(BaseModel):
        number: int = Field(ge=1, lt=10)
        text: str = Field(min_length=2, max_length=3, pattern="^a")
        items: list[Annotated[int, Field(multiple_of=2)]] = Field(max_length=2)

    class Chat(Namespace):
        namespace = "/"

        def on_echo(self, value: Bound) -> None: ...

    module = roundtrip(tmp_path, Chat)
    assert module.Bound(number=1, text="ab", items=[2]).number == 1
    for wrong in ({"number": 0}, {"number": 10}, {"text": "b"}, {"text": "abcd"}, {"items": [1]}, {"items": [2, 2, 2]}):
        with pytest.raises(ValidationError):
            module.Bound(**{"number": 1, "text": "ab", "items": [2], **wrong})


def test_regular_expression_that_only_python_knows_is_kept(tmp_path: Path) -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(regex_engine="python-re")

        text: str = Field(pattern=r"^(?!no)\w+$")

    class Chat(Namespace):
        namespace = "/"

        def on_echo(self, value: Strict) -> None: ...

    module = roundtrip(tmp_path, Chat)
    assert module.Strict(text="yes").text == "yes"
    with pytest.raises(ValidationError):
        module.Strict(text="no")


def test_named_tuple_is_one_with_its_defaults(contract: Contract, tmp_path: Path) -> None:
    module = load_module(write_module(contract, tmp_path, "tuples"))
    assert module.Point(1.0) == (1.0, 0.0)
    assert module.Point(1.0).y == 0.0


class Odd(NamedTuple):
    count: int
    class_: str = "c"


def test_types_of_every_shape_work(tmp_path: Path) -> None:
    class Shapes(BaseModel):
        model_config = ConfigDict(extra="allow")

        more: tuple[int, Annotated[str, Field(max_length=3)]] | None = None
        by_colour: dict[corpus.Colour, int] = {}
        odd: Odd = Odd(1)
        ids: set[corpus.Colour] = {corpus.Colour.RED}
        nested: list[list[int | None]] = [[1, None]]
        nothing: tuple[()] = ()
        model_name: str = "m"
        schema_: int = Field(0, alias="schema")
        uuid_: int = Field(0, alias="uuid")

    class Chat(Namespace):
        namespace = "/"

        def on_echo(self, *value: Shapes) -> list[Shapes]:
            return list(value)

    module = roundtrip(tmp_path, Chat)
    shapes = module.Shapes()
    assert shapes.odd == (1, "c")
    assert shapes.ids == {module.Colour.RED}
    assert shapes.nested == [[1, None]]
    assert module.Shapes(schema=3, uuid=4).schema_ == 3
    assert module.Shapes(uuid_=4, extra="kept").extra == "kept"
    assert module.Shapes(by_colour={module.Colour.RED: 1}).by_colour == {module.Colour.RED: 1}


def test_words_of_the_application_stay_words(tmp_path: Path) -> None:
    words = 'Ends """ here \\ and \\n and ${x} `y` */ \x00 \u202e \u2028 "'

    class Told(BaseModel):
        value: int = Field(1, description=words)

    Told.__doc__ = words

    class Chat(Namespace):
        namespace = "/"

        posted = Event[Told](words)

        def on_say(self, value: Told) -> Told:
            return value

    Chat.__doc__ = words
    Chat.on_say.__doc__ = words
    text = write_module(contract_for(Chat), tmp_path, "words").read_text("utf-8")
    assert "\x00" not in text
    assert "\u202e" not in text
    module = load_module(tmp_path / "words.py")
    assert 'Ends """ here \\ and \\n' in module.ChatClient.__doc__
    assert module.Told().value == 1


def test_contract_without_anything_gives_a_module(tmp_path: Path) -> None:
    empty = load_contract('{"title": "t", "version": "1"}')
    module = load_module(write_module(empty, tmp_path, "empty"))
    assert module.Connection("http://127.0.0.1:9").url == "http://127.0.0.1:9"


def test_names_of_a_contract_are_not_trusted(tmp_path: Path) -> None:
    """Schemas that pydantic does not write, as a contract by hand may have them."""
    text = """{"title": "t", "version": "1", "models": {
      "import os; x": {"type": "object", "properties": {"a\\nb": {"type": ["string", "null"], "default": "\\"; x"}}},
      "Loop": {"$ref": "#/models/Loop"}, "No": {"enum": []}, "Odd": {"enum": [1.5, [1], {"a": 1}]},
      "Json": {"anyOf": [{"type": "object", "additionalProperties": {"$ref": "#/models/Json"}}, {"type": "string"}]}},
      "namespaces": [{"path": "/", "name": "1; x", "client_events": [
        {"name": "\\"\\"\\"", "arguments": [{"name": "a b", "schema": {"$ref": "#/models/import os; x"}},
          {"name": "a-b", "schema": {"type": "string", "format": "binary", "default": "\\"b"}, "required": false},
          {"name": "json", "schema": {"$ref": "#/models/Json"}, "required": false}],
          "ack": [{"$ref": "#/models/Gone"}, {"not": {}}]}]}]}"""
    module = load_module(write_module(load_contract(text), tmp_path, "odd"))
    assert module.ImportOsX().a_b == '"; x'
    assert not hasattr(module, "os")
