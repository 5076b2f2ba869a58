"""`fuzz`: an application that keeps its contract passes, and each way not to keep it is found."""

from __future__ import annotations

import datetime
import decimal
import enum
import ipaddress
import logging
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, Json, RootModel, SecretStr

from framework import Call, Depends, EventError, Handling, Namespace, Proceed, SocketIO, guard, raises
from framework.contract import Argument, Contract
from framework.contract.check import check_arguments, check_value
from framework.errors import ContractError
from framework.testing import fuzz
from framework.testing.strategies import MARKER, broken_arguments, can_be_broken, valid_arguments, valid_values

from ..contract.corpus import Nasty, create_app

CALLS_WHAT_IS_DEPRECATED = pytest.mark.filterwarnings("ignore:Use none.:DeprecationWarning")


def serve(*namespaces: Any, **options: Any) -> flask.Flask:
    app = flask.Flask("shop")
    SocketIO(app, namespaces=namespaces, **options)
    return app


def find_failures(*namespaces: Any, **options: Any) -> str:
    with pytest.raises(AssertionError) as failed:
        fuzz(serve(*namespaces), examples=30, **options)
    return str(failed.value)


# -- who keeps the contract passes


@CALLS_WHAT_IS_DEPRECATED
def test_corpus_keeps_its_contract() -> None:
    fuzz(create_app(), examples=8, skip=["fail", "break"])


def test_events_of_the_corpus_that_fail_on_purpose_are_found() -> None:
    others = ["connect", *(Nasty._handlers.events.keys() - {"fail", "break", "cancel_stream"})]
    with pytest.raises(AssertionError) as failed:
        fuzz(create_app(), namespace="/nasty", examples=8, skip=others)
    first, second = str(failed.value).splitlines()
    assert first == "/nasty break(0): the error 'room_full' is not declared. Name its class: @raises(...)."
    assert second.startswith('/nasty fail(""): what the contract allows ended in internal_error: TypeError: ')
    assert second.endswith(" in on_fail).")


class Kind(enum.Enum):
    A = "a"
    B = "b"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    by_kind: dict[Kind, int] = {}
    by_id: dict[uuid.UUID, int] = {}
    by_day: dict[datetime.date, int] = {}


class Tree(RootModel[dict[str, "Tree"]]):
    pass


class Types(Namespace):
    """Types beyond the corpus's, whose schemas have to be as strict as their validators."""

    def on_price(
        self, value: Annotated[decimal.Decimal, Field(decimal_places=2, max_digits=6, ge=0)]
    ) -> decimal.Decimal:
        return value

    def on_places(self, value: Annotated[decimal.Decimal, Field(decimal_places=2, gt=0)]) -> decimal.Decimal:
        return value

    def on_digits(self, value: Annotated[decimal.Decimal, Field(max_digits=3)]) -> decimal.Decimal:
        return value

    def on_aware(self, value: AwareDatetime) -> AwareDatetime:
        return value

    def on_url(self, value: HttpUrl) -> HttpUrl:
        return value

    def on_strict(self, value: Strict) -> Strict:
        return value

    def on_json(self, value: Json[list[int]]) -> int:
        return sum(value)

    def on_addresses(self, one: ipaddress.IPv4Address, two: ipaddress.IPv6Network) -> str:
        return f"{one} {two}"

    def on_some(self, value: Annotated[list[str], Field(min_length=2, max_length=3)]) -> int:
        return 1 // (len(value) > 1)

    def on_set(self, value: Annotated[set[int | str], Field(min_length=1)]) -> int:
        return 1 // len(value)

    def on_secret(self, value: SecretStr) -> None: ...

    def on_bytes(self, value: Annotated[bytes, Field(min_length=2, max_length=4)]) -> int:
        return value[1]

    def on_pattern(self, value: Annotated[str, Field(pattern=r"^[A-Z]{2}\d{3}$")]) -> int:
        return int(value[2:])

    def on_numbers(
        self,
        steps: Annotated[int, Field(multiple_of=5, ge=3, lt=100)],
        halves: Annotated[float, Field(multiple_of=0.5)],
        above: Annotated[float, Field(gt=0)],
    ) -> float:
        return 1 / steps + 1 / above + halves

    def on_tree(self, value: Tree) -> Tree:
        return value

    def on_rest(self, *values: Literal["a", 1]) -> int:
        return len(values)


def test_types_are_sent_as_their_validators_take_them() -> None:
    fuzz(serve(Types), examples=12)


def test_everything_that_is_no_mistake_passes() -> None:  # noqa: C901
    """Errors of its own, standard ones, an early goodbye, calls, streams, dependencies, a connect that needs auth."""

    class Sold(EventError):
        """It is sold."""

        code = "sold"

    class Auth(BaseModel):
        token: Annotated[str, Field(min_length=1)]

    def is_even(handling: Handling) -> bool:
        return len(handling.args) % 2 == 0

    class Shop(Namespace):
        namespace = "/shop"
        sure = Call[Annotated[int, Field(ge=3)], str]("Sure?")

        def on_connect(self, auth: Auth) -> None:
            if auth.token == "0":
                raise EventError("unauthorized", "Not you.")

        @raises(Sold)
        def on_buy(self, what: str, user: str = Depends(lambda: "ada")) -> str:
            if not what:
                raise Sold
            if what == "0":
                raise EventError("rate_limited", retry_after=1)
            return user

        @guard(is_even)
        def on_guarded(self, *what: int) -> int:
            return len(what)

        def on_leave(self) -> None:
            self.disconnect()

        def on_ask(self) -> int:
            return 1 // (self.sure.call("Really?", to=self.sid) > 2)

        def on_endless(self) -> Iterator[int]:
            number = 0
            while True:
                yield number
                number += 1

        @raises(Sold)
        def on_break(self, after: Annotated[int, Field(ge=0)]) -> Iterator[int]:
            yield from range(after)
            raise Sold

        def on_free(self, data):  # type: ignore[no-untyped-def]
            return data

    fuzz(serve(Shop), examples=15, auth={"token": "1"})


# -- who does not is told, with the smallest arguments


def test_exception_for_some_valid_input_is_found_with_its_place() -> None:
    prices = {"a": 1}

    class Shop(Namespace):
        namespace = "/shop"

        def on_price(self, what: str) -> int:
            return prices[what]

    failures = find_failures(Shop)
    assert failures.startswith(
        "/shop price(\"\"): what the contract allows ended in internal_error: KeyError: '' (test_fuzzing.py:"
    )
    assert failures.endswith("in on_price).")


def test_rare_input_is_found_and_made_small() -> None:
    class Shop(Namespace):
        def on_count(self, number: Annotated[int, Field(ge=0, le=100)], text: str) -> None:
            assert number < 17

    assert find_failures(Shop).startswith('/ count(17, ""): ')


def test_cause_is_there_to_be_looked_at() -> None:
    class Shop(Namespace):
        def on_x(self) -> None:
            raise KeyError("y")

    with pytest.raises(AssertionError) as failed:
        fuzz(serve(Shop))
    assert isinstance(failed.value.__cause__, KeyError)


def test_ack_that_is_not_declared_is_found() -> None:
    class Shop(Namespace):
        def on_x(self, number: int) -> int:
            return "no number"  # type: ignore[return-value]

    assert "/ x(0): what the contract allows ended in internal_error: AckError: returned str" in find_failures(Shop)


def test_ack_that_does_not_fit_its_schema_is_found() -> None:
    """A serializer that makes something else of the value than it says."""
    from pydantic import PlainSerializer, WithJsonSchema

    odd = Annotated[int, PlainSerializer(str), WithJsonSchema({"type": "integer"})]

    class Shop(Namespace):
        def on_x(self, number: int) -> odd:
            return number

        def on_rows(self) -> Iterator[odd]:
            yield 1

    assert find_failures(Shop).splitlines() == [
        '/ rows(): the chunk "1" is not what is declared: It has to be of type integer.',
        '/ x(0): the ack ["0"] is not what is declared: ack.0: It has to be of type integer.',
    ]


def test_error_that_is_not_declared_is_found() -> None:
    class Shop(Namespace):
        def on_x(self) -> None:
            raise EventError("sold", "It is sold.")

    assert find_failures(Shop) == "/ x(): the error 'sold' is not declared. Name its class: @raises(...)."


def test_validator_that_the_schema_does_not_tell_of_is_found() -> None:
    from pydantic import AfterValidator

    def refuse_odd(value: int) -> int:
        if value % 2:
            raise ValueError("It is odd.")
        return value

    class Shop(Namespace):
        def on_x(self, number: Annotated[int, AfterValidator(refuse_odd)]) -> None: ...

    assert (
        find_failures(Shop)
        == "/ x(1): what the contract allows ended in invalid_payload: Invalid payload: number: It is odd."
    )


def test_broken_input_that_ends_in_an_exception_is_found() -> None:
    def refuse(handling: Handling) -> bool:
        return bool(handling.args[0] + 1)  # asked before the arguments are checked

    class Shop(Namespace):
        @guard(refuse)
        def on_x(self, number: int) -> None: ...

    assert "what the contract forbids ended in internal_error" in find_failures(Shop)


def test_refusal_that_repeats_what_was_sent_is_found() -> None:
    def tell(handling: Handling, proceed: Proceed) -> Any:
        try:
            return proceed()
        except EventError as error:
            raise EventError(error.code, f"{handling.args}") from error

    app = serve(Types, middleware=[tell])
    with pytest.raises(AssertionError) as failed:
        fuzz(app, examples=30, skip=[name for name in Types._handlers.events if name != "secret"])
    assert "/ secret(" in str(failed.value)
    assert "the answer repeats what was sent: " in str(failed.value)


def test_stream_that_answers_at_once_is_found() -> None:
    class Shop(Namespace):
        def on_rows(self, count: int) -> Iterator[int]:
            if count == 0:
                raise ZeroDivisionError("count")
            yield 1

    assert find_failures(Shop).startswith(
        "/ rows(0): what the contract allows ended in internal_error: ZeroDivisionError: count (test_fuzzing.py:"
    )


def test_what_fails_only_now_and_then_is_said_to() -> None:
    seen: list[int] = []

    class Shop(Namespace):
        def on_x(self, number: int) -> None:
            seen.append(number)
            assert len(seen) != 5

    assert "(Not every time: what happened before matters.)" in find_failures(Shop)


def test_connect_is_tried_like_an_event() -> None:
    class Auth(BaseModel):
        token: str

    class Shop(Namespace):
        namespace = "/shop"

        def on_connect(self, auth: Auth | None = None) -> None:
            if auth is not None:
                int(auth.token)

    failures = find_failures(Shop)
    assert '/shop connect({"token": ""}): what the contract allows was refused: internal_error' in failures


def test_client_that_is_refused_is_told_to_bring_auth() -> None:
    class Locked(Namespace):
        def on_connect(self, auth: dict[str, str]) -> None:
            if auth.get("key") != "right":
                raise EventError("unauthorized", "Wrong key.")

        def on_hello(self) -> str:
            return "hello"

    assert (
        find_failures(Locked)
        .splitlines()[-1]
        .endswith("/: a client was refused: unauthorized: Wrong key. Say what it sends: auth=...")
    )
    fuzz(serve(Locked), auth={"key": "right"}, examples=5)


# -- what is asked for


class Buggy(Namespace):
    namespace = "/buggy"

    def on_a(self, number: int) -> None:
        raise KeyError("a")

    def on_b(self) -> None:
        raise KeyError("b")


@pytest.mark.parametrize("skip", [["a", "/buggy b"], {"/buggy a", "b"}])
def test_events_may_be_left_out(skip: Any) -> None:
    fuzz(serve(Buggy), skip=skip)


def test_one_event_may_be_named_alone() -> None:
    assert find_failures(Buggy, skip="a").startswith("/buggy b(): ")


def test_event_to_leave_out_has_to_be_there() -> None:
    with pytest.raises(ValueError, match=r"skip names events that are not there: '/x a', 'c'."):
        fuzz(serve(Buggy), skip=["c", "/x a"])


def test_one_namespace_may_be_named() -> None:
    class Good(Namespace):
        namespace = "/good"

        def on_x(self) -> None: ...

    fuzz(serve(Buggy, Good), namespace="/good")
    with pytest.raises(ContractError, match="there is no namespace '/god'. Did you mean '/good'"):
        fuzz(serve(Buggy, Good), namespace="/god")


def test_same_seed_sends_the_same() -> None:
    def record(seed: int) -> list[Any]:
        seen: list[Any] = []

        class Shop(Namespace):
            def on_x(self, value: dict[str, list[int]]) -> None:
                seen.append(value)

        fuzz(serve(Shop), examples=20, seed=seed)
        return seen

    assert record(0) == record(0)
    assert record(0) != record(1)
    assert len(record(0)) >= 20


def test_what_is_logged_of_the_examples_is_not_in_the_report(caplog: pytest.LogCaptureFixture) -> None:
    find_failures(Buggy)
    assert caplog.records == []
    assert not logging.getLogger("framework").disabled


def test_missing_package_is_named_and_the_clients_need_none() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from framework.testing import Client, check_contract\n"
        "from framework.testing import fuzz"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.splitlines()[-1] == "ImportError: fuzz needs hypothesis: pip install 'framework[testing]'."


# -- the strategies themselves

EMPTY = Contract(
    title="t",
    version="1",
    models={
        "Tree": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "left": {"anyOf": [{"$ref": "#/models/Tree"}, {"type": "null"}]},
            },
            "required": ["name", "left"],
        }
    },
)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"$ref": "#/models/Tree"}, {"properties": {"more": {"const": 1}}, "required": ["more"]}]},
        {"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}], "default": None},
        {"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 2}]},
        {"type": ["string", "null"], "minLength": 3},
        {"type": "object", "patternProperties": {"^x[0-9]$": {"type": "integer"}}, "minProperties": 1},
        {"type": "object", "propertyNames": {"enum": ["a", "b"]}, "additionalProperties": {"type": "boolean"}},
        {"type": "object", "additionalProperties": {"$ref": "#/models/Tree"}, "maxProperties": 2},
        {"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "null"}, "minItems": 1},
        {"type": "array", "prefixItems": [{"type": "integer"}], "items": False},
        {"type": "array", "items": {"type": "number"}, "uniqueItems": True, "minItems": 3},
        {"type": "string", "pattern": "^[a-z]+$", "maxLength": 4},
        {"not": {"type": "string"}},
        {"minimum": 3, "multipleOf": 4},
        {"exclusiveMinimum": 3, "exclusiveMaximum": 5, "type": "integer"},
        {"type": "number", "multipleOf": 0.5, "maximum": 2},
        {"enum": [1, "a", None]},
        {},
    ],
)
def test_valid_values_fit(schema: Any) -> None:
    @QUICK
    @given(valid_values(EMPTY, schema))
    def fit(value: Any) -> None:
        assert check_value(EMPTY, schema, value) == []

    fit()


ARGUMENTS = [
    [],
    [Argument(name="x", json_schema={"type": "string"})],
    [Argument(name="x", json_schema={"$ref": "#/models/Tree"}), Argument(name="y", json_schema={}, required=False)],
    [Argument(name="x", json_schema={"type": "integer"}, required=False, variadic=True)],
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_valid_arguments_are_taken_and_broken_ones_are_not(arguments: list[Argument]) -> None:
    @QUICK
    @given(valid_arguments(EMPTY, arguments), broken_arguments(EMPTY, arguments))
    def fit(valid: list[Any], broken: list[Any]) -> None:
        assert check_arguments(EMPTY, arguments, valid) == []
        assert check_arguments(EMPTY, arguments, broken) != []

    fit()


def test_event_that_takes_anything_can_not_be_broken() -> None:
    assert not can_be_broken([Argument(name="x", json_schema={"title": "X"}, required=False, variadic=True)])
    assert can_be_broken([Argument(name="x", json_schema={})])
    assert can_be_broken([])


def test_broken_arguments_carry_the_mark_that_is_looked_for() -> None:
    seen: list[str] = []

    @QUICK
    @given(broken_arguments(EMPTY, ARGUMENTS[1]))
    def collect(values: list[Any]) -> None:
        seen.append(repr(values))

    collect()
    assert any(MARKER in text for text in seen)


def test_numbers_without_bounds_stay_small() -> None:
    @QUICK
    @given(valid_values(EMPTY, {"type": "integer"}) | valid_values(EMPTY, {"type": "integer", "minimum": 5}))
    def small(value: int) -> None:
        assert abs(value) <= 10_005

    small()
