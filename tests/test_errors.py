"""The exceptions: what they say, and which of Python's own they are."""

from __future__ import annotations

import copy
import pickle

import pytest
import socketio

from framework import errors


def test_an_event_error_carries_what_reaches_the_client() -> None:
    error = errors.EventError("busy", "Wait a little.", {"queue": 3}, retry_after=1.5)
    assert (error.code, error.message, error.details, error.retry_after) == (
        "busy",
        "Wait a little.",
        {"queue": 3},
        1.5,
    )
    assert str(error) == "busy: Wait a little."


def test_the_code_is_the_message_where_there_is_none() -> None:
    assert errors.EventError("busy").message == "busy"
    assert str(errors.EventError("busy")) == "busy"


class RoomFull(errors.EventError):
    """No seat is left.

    Try another room.
    """

    code = "room_full"


class Silent(errors.EventError):
    code = "silent"


class Seats(RoomFull):
    def __init__(self, seats: int) -> None:
        super().__init__(details={"seats": seats})
        self.seats = seats


def test_a_class_may_have_a_code_and_its_docstring_is_the_message() -> None:
    error = RoomFull(details={"room": "lobby"}, retry_after=3)
    assert (error.code, error.message, error.details) == ("room_full", "No seat is left.", {"room": "lobby"})
    assert str(RoomFull(message="Full.")) == "room_full: Full."
    assert (Silent().code, Silent().message) == ("silent", "silent")
    assert RoomFull("room_closed").code == "room_closed"
    assert (RoomFull.code, errors.EventError.code) == ("room_full", "")


def test_a_code_is_asked_for_where_the_class_has_none() -> None:
    with pytest.raises(TypeError, match=r"^EventError needs a code: EventError\('room_full'\), or a class with one\.$"):
        errors.EventError(message="Something.")
    with pytest.raises(TypeError, match="needs a code"):
        errors.EventError("")


def test_a_message_in_the_place_of_the_code_of_a_class_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^RoomFull has its code: RoomFull\(message='No seat for you\.'\)\.$"):
        RoomFull("No seat for you.")


@pytest.mark.parametrize(
    "error",
    [
        errors.EventError("busy", "Wait.", [1], retry_after=2),
        errors.PayloadError("Invalid payload.", [{"path": "a"}]),
        RoomFull(details={"room": "lobby"}),
        Seats(3),
    ],
)
def test_an_event_error_survives_a_copy_and_a_pickle(error: errors.EventError) -> None:
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert vars(other) == vars(error)


def test_a_payload_error_is_an_event_error() -> None:
    error = errors.PayloadError("Invalid payload: text: Field required.", [{"path": "text"}])
    assert isinstance(error, errors.EventError)
    assert error.code == "invalid_payload"


def test_every_exception_is_a_framework_error() -> None:
    found = [
        value for value in vars(errors).values() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    assert len(found) > 10
    assert all(issubclass(error, errors.FrameworkError) for error in found)


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (errors.HandlerSignatureError, TypeError),
        (errors.DuplicateNamespaceError, ValueError),
        (errors.ConfigurationError, ValueError),
        (errors.NotBoundError, RuntimeError),
        (errors.CallTimeoutError, socketio.exceptions.TimeoutError),
        (errors.ClientGoneError, errors.CallTimeoutError),
        (errors.AnswerError, ValueError),
    ],
)
def test_an_exception_is_caught_as_one_that_people_know(error: type[Exception], known: type[Exception]) -> None:
    assert issubclass(error, known)
