"""`fuzz`: every event of an application with what its contract allows and with what it does not.

Needs the packages ``hypothesis`` and ``jsonschema``. Everything happens in the test's process, with the test kit's client; a
new one for each example.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import traceback
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure, Unsatisfiable

from ..contract import Argument, ClientEvent, Contract, NamespaceContract
from ..contract.check import Problem, check_ack, check_value, find_namespace
from ..errors import EventError
from ..handlers import CONNECT
from ..talking import read_error, render_value
from ..transport import packets
from ..wire import holds_bytes
from .client import Client, ConnectRefused, _find_extension
from .session import Received
from .strategies import MARKER, broken_arguments, can_be_broken, valid_arguments, valid_values

STREAMED = 20
QUIET_S = 0.5
STANDARD = frozenset({"unauthorized", "forbidden", "rate_limited", "timeout", "unavailable"})
OURS = frozenset({"invalid_payload", "unknown_event", "internal_error"})
_LONGEST = 1000
_SLOW_AND_PICKY = [
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
    HealthCheck.nested_given,
    HealthCheck.too_slow,
]
_PACKAGE = str(Path(__file__).parent.parent)


def fuzz(
    app: flask.Flask,
    *,
    namespace: str | None = None,
    examples: int = 50,
    auth: Any = None,
    skip: Collection[str] = (),
    seed: int = 0,
) -> None:
    """Send every event of *app*'s contract valid and broken arguments, and check what comes back.

    An event gets exactly one answer. Valid arguments are answered with an ack of the declared type, or with an error that is
    declared or one of ``unauthorized``, ``forbidden``, ``rate_limited``, ``timeout`` and ``unavailable``; of a stream the
    first 20 chunks are looked at. Broken ones are never answered with ``internal_error``, and no refusal repeats them.
    ``auth`` is tried likewise, as the event ``connect``.

    The handlers really run, so give it an application with a database of its own. Numbers without bounds are drawn up to
    10_000 away from zero.

    Args:
        namespace: A path; all of them by default.
        examples: How many of each kind, for each event.
        auth: What clients connect with; by default something valid, where the namespace needs it.
        skip: Events to leave out: ``"post"`` on every namespace, ``"/chat post"`` on one.
        seed: The same one gives the same arguments.

    Raises:
        AssertionError: Events failed; each is in the message, with the smallest arguments that were found.
        ContractError: There is no such namespace, or ``jsonschema`` is not installed.
        ValueError: *skip* names an event that is not there.
    """
    contract: Contract = _find_extension(app).contract()
    served = contract.namespaces if namespace is None else (find_namespace(contract, namespace),)
    left_out = _read_skip(served, skip)
    trials = [trial for place in served for trial in _plan(_Place(app, contract, place, auth))]
    wanted = [trial for trial in trials if left_out.isdisjoint({trial.event, f"{trial.path} {trial.event}"})]
    failures = [failure for trial in wanted if (failure := _run(trial, examples, seed)) is not None]
    if failures:
        raise AssertionError("\n".join(dict.fromkeys(map(str, failures)))) from failures[0].__cause__


def _read_skip(served: Sequence[NamespaceContract], skip: Collection[str]) -> frozenset[str]:
    names = frozenset({skip} if isinstance(skip, str) else skip)
    known: set[str] = set()
    for place in served:
        for event in (CONNECT, *(event.name for event in place.client_events)):
            known |= {event, f"{place.path} {event}"}
    if unknown := sorted(names - known):
        raise ValueError(f"skip names events that are not there: {', '.join(map(repr, unknown))}.")
    return names


class NotKept(AssertionError):  # noqa: N818 - it is the contract
    """One event does not keep the contract."""


def _run(trial: _Trial, examples: int, seed: int) -> NotKept | None:
    found: list[NotKept] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=_SLOW_AND_PICKY,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(trial.arguments(), st.data())
    def attempt(args: list[Any], data: st.DataObject) -> None:
        try:
            trial.check(args, data)
        except NotKept as failure:
            found.append(failure)
            raise

    try:
        with _silent():
            attempt()
    except FlakyFailure:
        return NotKept(f"{found[0]} (Not every time: what happened before matters.)")
    except NotKept:
        return found[-1]
    except Unsatisfiable:
        return trial.fail([], "no arguments were found that fit its schema. Leave it out: skip=[...].")
    return None


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what the application logs about each example out of the report."""
    logger = logging.getLogger("framework")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


# -- what is tried


@dataclass(frozen=True)
class _Place:
    """One namespace under test.

    Args:
        auth: What clients connect with; None for something valid, where it is needed.
    """

    app: flask.Flask
    contract: Contract
    served: NamespaceContract
    auth: Any

    def open(self, data: st.DataObject) -> contextlib.closing[_Prober]:
        """Connect a client that answers the server's calls.

        Raises:
            NotKept: It is refused.
        """
        auth, promised = self.auth, self.served.auth
        if auth is None and promised is not None and promised.required:
            auth = data.draw(valid_values(self.contract, promised.json_schema))
        try:
            client = _Prober(self.app, self.served.path, auth=auth)
        except ConnectRefused as error:
            raise NotKept(
                f"{self.served.path}: a client was refused: {_describe(error)}. Say what it sends: auth=..."
            ) from error
        for call, answers in self._answers.items():
            client.say(call, data.draw(answers))
        return contextlib.closing(client)

    @functools.cached_property
    def _answers(self) -> dict[str, st.SearchStrategy[Any]]:
        calls = (event for event in self.served.server_events if event.is_call)
        return {event.name: valid_values(self.contract, event.answer or {}) for event in calls}


@dataclass(frozen=True)
class _Trial:
    """One thing to do with many arguments."""

    place: _Place
    event: str
    parameters: Sequence[Argument]

    @property
    def path(self) -> str:
        return self.place.served.path

    def arguments(self) -> st.SearchStrategy[list[Any]]:
        """Return what the arguments are drawn from."""
        return valid_arguments(self.place.contract, self.parameters)

    def check(self, args: list[Any], data: st.DataObject) -> None:
        """Do it once, with a new client.

        Raises:
            NotKept: The application does not keep its contract.
        """
        raise NotImplementedError

    def fail(self, args: Sequence[Any], problem: str, cause: BaseException | None = None) -> NotKept:
        """Return what is to be said about *args*."""
        shown = ", ".join(_shorten(render_value(value)) for value in args)
        failure = NotKept(f"{self.path} {self.event}({shown}): {problem}")
        failure.__cause__ = cause
        return failure


class _Broken(_Trial):
    """What the contract forbids."""

    def arguments(self) -> st.SearchStrategy[list[Any]]:
        return broken_arguments(self.place.contract, self.parameters)

    def judge(self, args: list[Any], error: EventError, answer: Any, cause: BaseException | None) -> None:
        """Look at a refusal.

        Raises:
            NotKept: It is no refusal but a mistake, or it repeats what was sent.
        """
        if error.code == "internal_error":
            raise self.fail(args, f"what the contract forbids ended in {_describe(error, cause)}.", cause)
        if error.code in OURS and MARKER in render_value(answer):
            raise self.fail(args, f"the answer repeats what was sent: {_shorten(render_value(answer))}.")


@dataclass(frozen=True)
class _ValidEvent(_Trial):
    """An event with what its contract allows."""

    declared: ClientEvent

    def check(self, args: list[Any], data: st.DataObject) -> None:
        with self.place.open(data) as client:
            if self.declared.stream is not None:
                self._check_stream(client, args, self.declared.stream)
                return
            answer, cause = _ask(self, client, args)
            if answer is None:
                return
            if (error := _read_failure(answer)) is not None:
                self._judge(args, error, cause)
            elif problems := check_ack(self.place.contract, self.declared, answer):
                shown = _shorten(render_value(answer))
                raise self.fail(args, f"the ack {shown} is not what is declared: {_list(problems)}")

    def _check_stream(self, client: _Prober, args: list[Any], schema: Any) -> None:
        chunks, error = client.take_stream(self.event, args)
        for chunk in chunks:
            if problems := check_value(self.place.contract, schema, chunk):
                shown = _shorten(render_value(chunk))
                raise self.fail(args, f"the chunk {shown} is not what is declared: {_list(problems)}")
        if error is not None:
            self._judge(args, error, error.__cause__)

    def _judge(self, args: list[Any], error: EventError, cause: BaseException | None) -> None:
        if error.code in OURS:
            raise self.fail(args, f"what the contract allows ended in {_describe(error, cause)}.", cause)
        if error.code not in STANDARD | {declared.code for declared in self.declared.errors}:
            raise self.fail(args, f"the error {error.code!r} is not declared. Name its class: @raises(...).")


class _BrokenEvent(_Broken):
    """An event with what its contract forbids. That it is taken nevertheless is the server's kindness."""

    def check(self, args: list[Any], data: st.DataObject) -> None:
        with self.place.open(data) as client:
            answer, cause = _ask(self, client, args)
            if answer is not None and (error := _read_failure(answer)) is not None:
                self.judge(args, error, answer, cause)


class _ValidAuth(_Trial):
    """A connect with what the contract allows; the application may refuse it for reasons of its own."""

    def check(self, args: list[Any], data: st.DataObject) -> None:
        refused = _connect(self.place, args)
        if refused is not None and refused.code in OURS:
            raise self.fail(args, f"what the contract allows was refused: {_describe(refused)}.")


class _BrokenAuth(_Broken):
    """A connect with what the contract forbids."""

    def check(self, args: list[Any], data: st.DataObject) -> None:
        if len(args) != 1 or holds_bytes(args):
            hypothesis.reject()  # Socket.IO has one value for it, and no attachments
        if (refused := _connect(self.place, args)) is not None:
            self.judge(args, refused, {"message": refused.message, "data": refused.data}, None)


def _plan(place: _Place) -> Iterator[_Trial]:
    """Yield what to try on a namespace: the connect, then the events."""
    if place.served.auth is not None:
        sent = [place.served.auth.model_copy(update={"required": True})]
        yield _ValidAuth(place, CONNECT, sent)
        if can_be_broken(sent):
            yield _BrokenAuth(place, CONNECT, sent)
    for event in place.served.client_events:
        yield _ValidEvent(place, event.name, event.arguments, event)
        if can_be_broken(event.arguments):
            yield _BrokenEvent(place, event.name, event.arguments)


# -- who tries it


class _Prober(Client):
    """A client that keeps every answer, so that there may be more than one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._answered: list[tuple[int | None, list[Any]]] = []
        super().__init__(*args, **options)

    def close(self) -> None:
        self.drop()

    def say(self, call: str, answer: Any) -> None:
        """Answer a server-to-client call with *answer*."""
        self._answers[call] = lambda *values: answer

    def ask(self, event: str, args: Sequence[Any]) -> tuple[list[list[Any]], Exception | None]:
        """Send an event, and return all that came back, as acks, and what was raised."""
        self._last_id += 1
        failures = self._send(event, self._last_id, tuple(args))
        acks = [ack for number, ack in self._answered if number == self._last_id]
        return [*acks, *([{"error": {"code": error.code}}] for error in self.errors)], next(iter(failures), None)

    def take_stream(self, event: str, args: Sequence[Any]) -> tuple[list[Any], EventError | None]:
        """Return the first chunks of a stream, as far as they come at once, and how it failed."""
        chunks: list[Any] = []
        try:
            with self.stream(event, *args) as stream:
                stream._timeout_s = QUIET_S
                chunks += itertools.islice(stream, STREAMED)
        except EventError as error:
            return chunks, error
        except TimeoutError:
            pass
        return chunks, None

    def _take(self, received: Received) -> None:
        if received.kind in (packets.ACK, packets.BINARY_ACK):
            self._answered.append((received.ack_id, received.payload))
        super()._take(received)


def _ask(trial: _Trial, client: _Prober, args: Sequence[Any]) -> tuple[list[Any] | None, Exception | None]:
    """Return the answer to an event, and what was raised; None where the client was disconnected meanwhile.

    Raises:
        NotKept: There is not exactly one answer.
    """
    answers, cause = client.ask(trial.event, args)
    if not answers and not client.connected:
        return None, cause
    if len(answers) != 1:
        raise trial.fail(args, f"there were {len(answers)} answers: {_shorten(render_value(answers))}.", cause)
    return answers[0], cause


def _connect(place: _Place, args: Sequence[Any]) -> ConnectRefused | None:
    try:
        _Prober(place.app, place.served.path, auth=args[0]).close()
    except ConnectRefused as error:
        return error
    return None


# -- what is said


def _read_failure(answer: Sequence[Any]) -> EventError | None:
    return read_error(answer[0]) if len(answer) == 1 else None


def _describe(error: EventError, cause: BaseException | None = None) -> str:
    if cause is None or isinstance(cause, EventError):
        return str(error).rstrip(".")
    steps = [step for step in traceback.extract_tb(cause.__traceback__) if not step.filename.startswith(_PACKAGE)]
    place = f" ({Path(steps[-1].filename).name}:{steps[-1].lineno} in {steps[-1].name})" if steps else ""
    return f"{error.code}: {type(cause).__name__}: {cause}{place}".rstrip(".")


def _list(problems: Sequence[Problem]) -> str:
    return " ".join(f"{problem.path}: {problem.message}" if problem.path else problem.message for problem in problems)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
