"""What an application promises, as data: every part of it, the same every time, and true."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import flask_socketio
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, Strict, ValidationError, computed_field
from typing_extensions import TypedDict, deprecated

from framework import EventError, Namespace, SocketIO, event, guard, raises
from framework.contract import Argument, ClientEvent, Contract, NamespaceContract, ServerEvent, load_contract
from framework.contract.check import check_ack, check_arguments, check_value, find_event, find_namespace
from framework.errors import ContractError, PayloadError
from framework.testing import Client
from framework.testing.strategies import valid_arguments, valid_values
from tests.effort import tries

from . import corpus, corpus_twin
from .corpus import create_app

ROOT = os.fspath(corpus.__file__).rsplit(os.sep, 3)[0]
WITHOUT_DEADLINE = settings(max_examples=tries(60), deadline=None, suppress_health_check=list(HealthCheck))


def promise(*namespaces: Any, **config: Any) -> Contract:
    app = Flask("shop")
    app.config.update(config)
    return SocketIO(app, namespaces=namespaces).contract()


def read_class(cls: type[Namespace]) -> NamespaceContract:
    return promise(cls).namespaces[0]


@pytest.fixture(scope="module")
def contract() -> Contract:
    promised: Contract = create_app().extensions["socketio"].contract()
    return promised


@pytest.fixture(scope="module")
def nasty(contract: Contract) -> NamespaceContract:
    return find_namespace(contract, "/nasty")


def arguments_of(namespace: NamespaceContract, name: str) -> tuple[Argument, ...]:
    return find_event(namespace, name).arguments


def server_event(namespace: NamespaceContract, name: str) -> ServerEvent:
    return next(found for found in namespace.server_events if found.name == name)


# -- the document


def test_contract_is_frozen(contract: Contract) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        contract.title = "another"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        contract.namespaces[0].path = "/x"  # type: ignore[misc]


def test_contract_comes_back_from_its_json(contract: Contract) -> None:
    assert load_contract(contract.to_json()) == contract
    assert load_contract(contract.to_json().encode()).to_json() == contract.to_json()


def test_contract_has_its_version_and_ends_with_a_line(contract: Contract) -> None:
    assert json.loads(contract.to_json())["format"] == 1
    assert contract.to_json().endswith("}\n")


def test_contract_is_the_same_in_every_process() -> None:
    code = (
        "from tests.contract.corpus import create_app; print(create_app().extensions['socketio'].contract().to_json())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert load_contract(texts.pop()) == create_app().extensions["socketio"].contract()


def test_every_schema_is_a_schema_of_the_draft(contract: Contract) -> None:
    schemas: list[Any] = [*contract.models.values()]
    for namespace in contract.namespaces:
        for found in namespace.client_events:
            schemas += [argument.json_schema for argument in found.arguments]
            schemas += [*(found.ack or ()), found.ack_rest or {}, found.stream or {}]
        for sent in namespace.server_events:
            schemas += [*(argument.json_schema for argument in sent.arguments or ()), sent.answer or {}]
    for schema in schemas:
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_to_a_model(contract: Contract) -> None:
    text = contract.to_json()
    named = {part.partition('"')[0] for part in text.split('"#/models/')[1:]}
    assert named == set(contract.models)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no json", "shop.json is no contract: Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"format": 2, "title": "t", "version": "1"}', "format: Input should be 1"),
        ('{"format": 1, "version": "1"}', "title: Field required"),
        ('{"format": 1, "title": "t", "version": "1", "more": 1}', "more: Extra inputs are not permitted"),
        (b"\xff\xfe", "shop.json is no contract"),
    ],
)
def test_what_is_no_contract_is_refused_with_the_place_and_the_way_out(text: str | bytes, reason: str) -> None:
    with pytest.raises(ContractError) as refused:
        load_contract(text, "shop.json")
    assert reason in str(refused.value)
    assert "'framework contract' writes one; its format is 1." in str(refused.value)


# -- the application


def test_title_is_the_application_s_name_by_default() -> None:
    assert promise().model_dump() == {
        "format": 1,
        "title": "shop",
        "version": "0.0.0",
        "description": "",
        "namespaces": (),
        "models": {},
    }


def test_settings_say_title_version_and_description(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_CONTRACT_VERSION", "2.0")
    found = promise(FRAMEWORK_CONTRACT_TITLE="The shop", FRAMEWORK_CONTRACT_DESCRIPTION="Sells.")
    assert (found.title, found.version, found.description) == ("The shop", "2.0", "Sells.")


def test_settings_that_are_no_texts_are_written_as_texts() -> None:
    assert promise(FRAMEWORK_CONTRACT_VERSION=2).version == "2"


def test_functions_are_promised_like_methods(contract: Contract) -> None:
    main = find_namespace(contract, "/")
    assert (main.name, [found.name for found in main.client_events]) == ("Main", ["hello"])
    hello = main.client_events[0]
    assert hello.description == "Greets."
    assert [(one.name, one.required) for one in hello.arguments] == [("name", True), ("times", False)]
    assert hello.ack == ({"type": "array", "items": {"type": "string"}},)


def test_function_comes_before_a_method_of_the_same_event() -> None:
    class Shop(Namespace):
        namespace = "/shop"

        def on_buy(self, what: str) -> None: ...

    socketio = SocketIO(Flask("shop"), namespaces=[Shop])

    @socketio.on("buy", namespace="/shop")
    def buy(number: int) -> None: ...

    (shop,) = socketio.contract().namespaces
    assert (shop.name, [one.name for one in arguments_of(shop, "buy")]) == ("Shop", ["number"])


def test_catch_all_handlers_are_no_part_of_it() -> None:
    socketio = SocketIO(Flask("shop"))
    socketio.on_event("*", lambda name, *args: None, "/any")
    socketio.on_event("told", lambda: None, "*")
    assert socketio.contract().namespaces == ()


def test_what_ends_a_stream_is_no_event_of_the_contract(nasty: NamespaceContract) -> None:
    assert "cancel_stream" not in {found.name for found in nasty.client_events}


def test_function_that_streams_brings_no_event_of_its_own() -> None:
    socketio = SocketIO(Flask("shop"))

    @socketio.on("count")
    def count() -> Iterator[int]:
        yield 1

    (main,) = socketio.contract().namespaces
    assert [found.name for found in main.client_events] == ["count"]


def test_event_called_cancel_stream_of_a_class_that_does_not_stream_is_promised() -> None:
    class Video(Namespace):
        def on_cancel_stream(self, name: str) -> None: ...

    assert [found.name for found in read_class(Video).client_events] == ["cancel_stream"]


def test_life_cycle_is_no_event(nasty: NamespaceContract) -> None:
    assert {"connect", "disconnect"}.isdisjoint(found.name for found in nasty.client_events)


def test_namespace_that_keeps_out_is_left_out() -> None:
    class Console(Namespace):
        namespace = "/console"
        in_contract = False

        def on_kick(self, sid: str) -> None: ...

    assert promise(Console).namespaces == ()


def test_upstream_namespaces_are_promised_too() -> None:
    class Old(flask_socketio.Namespace):
        """From before."""

        def on_post(self, data: Any) -> None: ...

    (old,) = promise(Old("/old")).namespaces
    assert (old.name, old.description, [found.name for found in old.client_events]) == ("Old", "From before.", ["post"])


def test_namespaces_have_names_of_their_own() -> None:
    def make(path: str) -> Namespace:
        class Chat(Namespace):
            namespace = path

        return Chat()

    socketio = SocketIO(Flask("shop"), namespaces=[make("/a"), make("/b"), make("/b!")])
    socketio.on_event("x", lambda: None, "/chat-b")
    found = {namespace.path: namespace.name for namespace in socketio.contract().namespaces}
    assert found == {"/a": "Chat", "/b": "ChatB", "/b!": "ChatB2", "/chat-b": "ChatBChatB"}


def test_namespaces_and_events_are_in_order(contract: Contract) -> None:
    assert [namespace.path for namespace in contract.namespaces] == ["/", "/empty", "/nasty"]
    for namespace in contract.namespaces:
        for events in (namespace.client_events, namespace.server_events):
            names = [found.name for found in events]
            assert names == sorted(names)


def test_contract_is_read_anew_each_time() -> None:
    socketio = SocketIO(Flask("shop"))
    before = socketio.contract()
    socketio.on_event("late", lambda: None)
    assert before.namespaces == ()
    assert socketio.contract().namespaces[0].client_events[0].name == "late"


# -- events that clients send


def test_descriptions_are_the_docstrings(nasty: NamespaceContract) -> None:
    assert nasty.description == "Everything at once. */ `x` ${y}"
    assert find_event(nasty, "none").description == "Takes nothing, answers nothing."
    assert "\n    code block" in find_event(nasty, "many").description


def test_class_without_docstring_does_not_inherit_the_framework_s() -> None:
    class Bare(Namespace):
        def on_x(self) -> None: ...

    assert read_class(Bare).description == ""


def test_arguments_have_names_defaults_and_the_rest(nasty: NamespaceContract) -> None:
    first, second, rest = arguments_of(nasty, "many")
    assert first == Argument(name="first", json_schema={"type": "integer"})
    assert second == Argument(name="second", json_schema={"type": "string", "default": "x"}, required=False)
    assert rest == Argument(name="rest", json_schema={"type": "number"}, required=False, variadic=True)


def test_argument_without_annotation_is_anything_and_its_ack_unknown(nasty: NamespaceContract) -> None:
    assert arguments_of(nasty, "untyped")[0].json_schema == {}
    assert find_event(nasty, "untyped").ack is None


def test_dependencies_are_no_arguments() -> None:
    from framework import Depends

    def current_user() -> str:
        return "ada"

    class Chat(Namespace):
        def on_post(self, text: str, user: str = Depends(current_user)) -> None: ...

    assert [one.name for one in arguments_of(read_class(Chat), "post")] == ["text"]


@pytest.mark.parametrize(
    ("name", "ack", "rest"),
    [
        ("none", (), None),
        ("numbers", (), {"type": "integer"}),
        ("optional", ({"anyOf": [{"type": "integer"}, {"type": "null"}]},), None),
        ("many", ({"type": "integer"}, {"type": "string"}, {"type": "array", "items": {"type": "number"}}), None),
        ("make", None, None),
        ("bytes", ({"$ref": "#/models/WithBytes-Output"},), None),
    ],
)
def test_ack_is_what_the_handler_returns(
    nasty: NamespaceContract, name: str, ack: tuple[Any, ...] | None, rest: Any
) -> None:
    found = find_event(nasty, name)
    assert (found.ack, found.ack_rest, found.stream) == (ack, rest, None)


@pytest.mark.parametrize(
    ("name", "chunk"),
    [
        ("count_slowly", {"type": "integer"}),
        ("break", {"type": "string", "format": "binary"}),
        ("count", {"$ref": "#/models/tests__contract__corpus__Inner-Output"}),
    ],
)
def test_stream_has_its_chunk_s_type_in_place_of_an_ack(nasty: NamespaceContract, name: str, chunk: Any) -> None:
    found = find_event(nasty, name)
    assert (found.stream, found.ack) == (chunk, None)


def test_stream_that_does_not_say_of_what_is_of_anything() -> None:
    class Loose(Namespace):
        def on_rows(self):  # type: ignore[no-untyped-def]
            yield 1

    assert find_event(read_class(Loose), "rows").stream == {}


def test_errors_and_guards_are_declared(nasty: NamespaceContract) -> None:
    found = find_event(nasty, "fail")
    assert [(error.code, error.description) for error in found.errors] == [
        ("forbidden", "Not allowed."),
        ("room_full", "No seat is left. */"),
    ]
    assert found.guards == ("is_anybody",)


def test_errors_and_guards_of_the_class_are_those_of_its_events_and_of_its_connect() -> None:
    class Banned(EventError):
        """You are banned."""

        code = "banned"

    def is_grown_up() -> bool:
        return True

    @guard(is_grown_up)
    class Bar(Namespace):
        @raises(Banned)
        def on_connect(self) -> None: ...

        def on_order(self) -> None: ...

    bar = read_class(Bar)
    assert [error.code for error in bar.errors] == ["banned", "forbidden"]
    assert bar.guards == find_event(bar, "order").guards == ("is_grown_up",)
    assert [error.code for error in find_event(bar, "order").errors] == ["forbidden"]


def test_deprecation_says_what_to_use(nasty: NamespaceContract) -> None:
    assert find_event(nasty, "old").deprecated == "Use none."
    assert find_event(nasty, "none").deprecated is None
    assert server_event(nasty, "old").deprecated == "Use posted."


def test_deprecated_without_a_word_is_deprecated() -> None:
    class Chat(Namespace):
        @deprecated("")
        def on_old(self) -> None: ...

    assert find_event(read_class(Chat), "old").deprecated == ""


# -- auth


def test_auth_is_the_parameter_of_the_connect_handler(nasty: NamespaceContract) -> None:
    assert nasty.auth is not None
    assert (nasty.auth.name, nasty.auth.required) == ("auth", False)
    assert nasty.auth.json_schema["anyOf"][0] == {"$ref": "#/models/Auth"}


def test_without_a_parameter_there_is_no_auth(contract: Contract) -> None:
    assert find_namespace(contract, "/empty").auth is None


def test_auth_that_is_needed_is_required() -> None:
    class Locked(Namespace):
        def on_connect(self, auth: dict[str, str]) -> None: ...

    auth = read_class(Locked).auth
    assert auth is not None
    assert auth.required


# -- events that clients get


def test_server_events_have_their_types(nasty: NamespaceContract) -> None:
    posted = server_event(nasty, "posted")
    assert posted.description == "Something was posted. */"
    assert posted.arguments == (
        Argument(name="value", json_schema={"$ref": "#/models/tests__contract__corpus__Inner-Output"}),
    )
    moved = server_event(nasty, "moved").arguments or ()
    assert [(one.name, one.json_schema) for one in moved] == [
        ("value", {"type": "integer"}),
        ("value2", {"type": "string"}),
    ]


def test_server_event_without_type_is_of_anything_and_one_without_arguments_has_none(nasty: NamespaceContract) -> None:
    assert server_event(nasty, "raw").arguments is None
    assert server_event(nasty, "nothing").arguments == ()


def test_calls_have_an_answer_which_clients_send(nasty: NamespaceContract) -> None:
    confirm = server_event(nasty, "confirm")
    assert (confirm.is_call, confirm.answer) == (True, {"type": "boolean"})
    assert server_event(nasty, "pick").answer == {"$ref": "#/models/Colour"}
    assert not server_event(nasty, "posted").is_call


# -- types: the input schema on the way in, the output schema on the way out


def schemas_of(annotation: Any) -> tuple[Any, Any, Contract]:
    """The schemas of one type as an argument and as an ack."""

    class Types(Namespace):
        @event("x")
        def handle(self, value: annotation) -> annotation: ...

    contract = promise(Types)
    found = contract.namespaces[0].client_events[0]
    return found.arguments[0].json_schema, (found.ack or (None,))[0], contract


class Aliased(BaseModel):
    value: int = Field(validation_alias="in", serialization_alias="out")


class Choosy(BaseModel):
    value: int = Field(validation_alias=AliasChoices("first", "second"))


class Area(BaseModel):
    width: int = 1

    @computed_field(description="Squared.")  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        return self.width**2


def test_aliases_are_those_of_the_direction(contract: Contract) -> None:
    sent, got, found = schemas_of(Aliased)
    assert (sent, got) == ({"$ref": "#/models/Aliased-Input"}, {"$ref": "#/models/Aliased-Output"})
    assert [*found.models["Aliased-Input"]["properties"]] == ["in"]
    assert [*found.models["Aliased-Output"]["properties"]] == ["out"]


def test_one_of_several_aliases_is_promised() -> None:
    _, _, found = schemas_of(Choosy)
    assert [*found.models["Choosy-Input"]["properties"]] == ["first"]


def test_computed_fields_and_defaults_are_always_sent_by_the_server() -> None:
    _, _, found = schemas_of(Area)
    assert "required" not in found.models["Area-Input"]
    assert found.models["Area-Output"]["required"] == ["width", "area"]
    assert found.models["Area-Output"]["properties"]["area"]["description"] == "Squared."


def test_one_schema_serves_both_directions_where_they_are_the_same() -> None:
    class Same(BaseModel):
        x: int

    sent, got, found = schemas_of(Same)
    assert sent == got == {"$ref": "#/models/Same"}
    assert [*found.models] == ["Same"]


@pytest.mark.parametrize(
    ("annotation", "sent", "got"),
    [
        (datetime.datetime, {"type": "string", "format": "date-time"}, None),
        (datetime.date, {"type": "string", "format": "date"}, None),
        (datetime.time, {"type": "string", "format": "time"}, None),
        (datetime.timedelta, {"type": "string", "format": "duration"}, None),
        (uuid.UUID, {"type": "string", "format": "uuid"}, None),
        (bytes, {"type": "string", "format": "binary"}, None),
        (Annotated[bytes, Field(max_length=9)], {"type": "string", "format": "binary", "maxLength": 9}, None),
        (Any, {}, None),
        (None, {"type": "null"}, ()),
        (int | str | None, {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}, None),
        (Literal["a", 1, True], {"enum": ["a", 1, True]}, None),
        (
            Annotated[str, Field(pattern="^a+$", max_length=3)],
            {"type": "string", "pattern": "^a+$", "maxLength": 3},
            None,
        ),
        (Annotated[int, Field(ge=1, lt=5)], {"type": "integer", "minimum": 1, "exclusiveMaximum": 5}, None),
        (
            Annotated[list[int], Field(min_length=1)],
            {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            None,
        ),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}, None),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, None),
        (
            dict[int, str],
            {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "propertyNames": {"pattern": "^-?(0|[1-9][0-9]*)$"},
            },
            None,
        ),
        (Annotated[int, Field(examples=[7])], {"type": "integer", "examples": [7]}, None),
    ],
)
def test_type_has_its_schema(annotation: Any, sent: Any, got: Any) -> None:
    found_sent, found_got, _ = schemas_of(annotation)
    assert found_sent == sent
    if got is None and annotation is not Any:
        assert found_got == sent


def test_fields_may_be_deprecated() -> None:
    class Old(BaseModel):
        x: Annotated[int, Field(deprecated="Use y.")] = 1

    _, _, found = schemas_of(Old)
    assert found.models["Old-Input"]["properties"]["x"]["deprecated"] is True


def test_tuple_inside_has_its_items_in_order() -> None:
    sent, _, _ = schemas_of(list[tuple[int, str]])
    assert sent["items"] == {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "minItems": 2,
        "maxItems": 2,
    }


def test_decimal_is_a_number_or_its_text_on_the_way_in_and_a_text_on_the_way_out() -> None:
    sent, got, contract = schemas_of(decimal.Decimal)
    assert [choice["type"] for choice in sent["anyOf"]] == ["number", "string"]
    assert got["type"] == "string"
    assert sent["anyOf"][1]["format"] == got["format"] == "decimal"
    for text in ("1", "-0.5", ".5", "1e3", "1E+5"):
        assert check_value(contract, sent, text) == []
    for text in ("", ".", "one", "1,5", "NaN"):
        assert check_value(contract, sent, text) != []


def test_decimal_with_digits_says_so_in_its_text() -> None:
    sent, _, contract = schemas_of(Annotated[decimal.Decimal, Field(max_digits=4, decimal_places=2)])
    for text in ("12.34", "1", "0012.3"):
        assert check_value(contract, sent, text) == []
    for text in ("123.4", "1.234"):
        assert check_value(contract, sent, text) != []


def test_enumerations_have_the_names_of_their_members(contract: Contract) -> None:
    level = contract.models["Level"]
    assert (level["type"], level["enum"]) == ("integer", [1, 10])


def test_tag_of_a_union_has_to_be_sent_though_it_has_a_default(contract: Contract) -> None:
    pet = contract.models["Everything-Input"]["properties"]["pet"]
    assert pet["discriminator"]["propertyName"] == "kind"
    assert pet["required"] == ["kind"]
    assert check_value(contract, pet, {"kind": "cat"}) == []
    assert check_value(contract, pet, {"lives": "x"}) != []


def test_generic_models_are_one_model_for_each_of_their_types(contract: Contract) -> None:
    assert contract.models["Page_Inner_-Input"]["title"] == "Page[Inner]"
    assert contract.models["Page_Page_Inner__-Input"]["properties"]["items"]["items"] == {
        "$ref": "#/models/Page_Inner_-Input"
    }


def test_recursive_models_refer_to_themselves(contract: Contract) -> None:
    children = contract.models["Tree-Input"]["properties"]["children"]
    assert children["items"] == {"$ref": "#/models/Tree-Input"}


def test_models_of_one_name_are_told_apart_by_their_modules(contract: Contract, nasty: NamespaceContract) -> None:
    ours, theirs = (argument.json_schema["$ref"] for argument in arguments_of(nasty, "twins"))
    assert ours != theirs
    assert contract.models[theirs.removeprefix("#/models/")]["description"] == corpus_twin.Inner.__doc__


def test_what_has_no_json_schema_is_anything() -> None:
    class Odd:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            from pydantic_core import core_schema

            return core_schema.no_info_plain_validator_function(lambda value: value)

    class Takes(Namespace):
        def on_x(self, value: Odd) -> None: ...

    assert arguments_of(read_class(Takes), "x")[0].json_schema == {}


def test_default_that_is_no_json_is_left_out() -> None:
    class Takes(Namespace):
        def on_x(self, value: Any = object) -> None: ...

    (argument,) = arguments_of(read_class(Takes), "x")
    assert (argument.required, argument.json_schema) == (False, {})


# -- the schemas are true

T = TypeVar("T")


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=5)]
    sizes: list[Size] = []
    note: str | None = None


class Circle(BaseModel):
    kind: Literal["circle"]
    radius: Annotated[int, Strict()]


class Square(BaseModel):
    kind: Literal["square"]
    side: Annotated[int, Strict(), Field(ge=0)]


class Branch(BaseModel):
    label: str
    branches: list[Branch] = []


class Pair(BaseModel, Generic[T]):
    first: T
    second: T


class Settings(TypedDict):
    verbose: Annotated[bool, Strict()]


class Spot(NamedTuple):
    x: Annotated[int, Strict()]
    label: str


# For which JSON Schema can say exactly what pydantic takes: nothing is converted.
EXACT: dict[str, Any] = {
    "text": str,
    "bounded text": Annotated[str, Field(min_length=2, max_length=4)],
    "pattern": Annotated[str, Field(pattern="^[a-c]+$")],
    "integer": Annotated[int, Strict()],
    "bounded integer": Annotated[int, Strict(), Field(gt=2, le=9, multiple_of=3)],
    "boolean": Annotated[bool, Strict()],
    "null": None,
    "literal": Literal["a", "b"],
    "enumeration": Size,
    "list": Annotated[list[str], Field(max_length=2)],
    "tuple": tuple[str, Annotated[int, Strict()]],
    "dictionary": dict[str, str],
    "union": str | None | Annotated[int, Strict()],
    "tagged union": Annotated[Circle | Square, Field(discriminator="kind")],
    "closed model": Closed,
    "recursive model": Branch,
    "generic model": Pair[str],
    "typed dictionary": Settings,
    "named tuple": Spot,
    "anything": Any,
}

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-20, 20)
    | st.text("abcircle", max_size=6)
    | st.sampled_from(["small", "kind"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "name", "label", "x", "first", "second", "verbose"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def accepts(cls: type[Namespace], values: list[Any]) -> bool:
    """Whether the handler of ``x`` takes what travels as *values*."""
    handler = cls._handlers.events["x"]
    try:
        handler.payload.parse_json(json.dumps(["x", *values]))
    except PayloadError:
        return False
    return True


@pytest.mark.parametrize("name", EXACT)
def test_what_the_schema_takes_is_what_the_handler_takes(name: str) -> None:
    annotation = EXACT[name]

    class Takes(Namespace):
        @event("x")
        def handle(self, value: annotation) -> None: ...

    contract = promise(Takes)
    schema = contract.namespaces[0].client_events[0].arguments[0].json_schema

    @WITHOUT_DEADLINE
    @given(valid_values(contract, schema))
    def valid_ones_are_taken(value: Any) -> None:
        assert accepts(Takes, [value])

    @WITHOUT_DEADLINE
    @given(ANY_JSON | st.one_of(ANY_JSON, valid_values(contract, schema).map(lambda value: [value])))
    def both_say_the_same(value: Any) -> None:
        assert accepts(Takes, [value]) == (check_value(contract, schema, value) == [])

    valid_ones_are_taken()
    both_say_the_same()


@pytest.mark.parametrize("name", ["many", "numbers", "optional", "none", "twins"])
def test_what_the_arguments_say_is_what_the_handler_takes(
    contract: Contract, nasty: NamespaceContract, name: str
) -> None:
    found = find_event(nasty, name)
    handler = corpus.Nasty._handlers.events[name]

    @WITHOUT_DEADLINE
    @given(valid_arguments(contract, found.arguments))
    def valid_ones_are_taken(values: list[Any]) -> None:
        handler.payload.parse_json(json.dumps([name, *values]))

    @WITHOUT_DEADLINE
    @given(st.lists(st.none() | st.dictionaries(st.text(), st.none(), min_size=1), max_size=4))
    def broken_ones_are_not(values: list[Any]) -> None:
        taken = True
        try:
            handler.payload.parse_json(json.dumps([name, *values]))
        except PayloadError:
            taken = False
        assert taken == (check_arguments(contract, found.arguments, values) == [])

    valid_ones_are_taken()
    broken_ones_are_not()


@pytest.mark.parametrize(
    "name", ["everything", "bytes", "both", "camel", "keywords", "page", "pets", "many", "numbers"]
)
def test_what_the_server_answers_fits_the_output_schema(
    contract: Contract, nasty: NamespaceContract, name: str
) -> None:
    app = create_app()
    found = find_event(nasty, name)

    @settings(WITHOUT_DEADLINE, max_examples=tries(15))
    @given(valid_arguments(contract, found.arguments))
    def answers_fit(values: list[Any]) -> None:
        client = Client(app, "/nasty")
        ack = client.call(name, *values)
        assert check_ack(contract, found, ack if isinstance(ack, tuple) else [ack]) == [] or ack is None
        client.drop()

    answers_fit()


def test_what_the_server_sends_fits_the_output_schema(contract: Contract, nasty: NamespaceContract) -> None:
    client = Client(create_app(), "/nasty")
    client.call("make", "events")
    seen = 0
    for declared in nasty.server_events:
        for values in client.received(declared.name):
            sent = values if isinstance(values, tuple) else [values]
            assert check_arguments(contract, declared.arguments or (), sent) == [] or declared.arguments is None
            seen += 1
    assert seen == 8
    client.drop()


def test_names_of_the_public_model_are_the_keys_of_its_json() -> None:
    dumped = json.loads(Contract(title="t", version="1").to_json())
    assert [*dumped] == ["format", "title", "version", "description", "namespaces", "models"]
    assert "schema" in Argument(name="x", json_schema={}).model_dump()
    assert [*ClientEvent.model_fields][:3] == ["name", "description", "arguments"]
