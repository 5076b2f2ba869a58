# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What mypy and pyright know about events of several values, calls and odd names. Checked, never run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from pydantic import BaseModel

from framework import Call, Event, EventError, Limits, Namespace, SocketIO, event
from framework.testing import ClientFactory


class Question(BaseModel):
    text: str


class Answer(BaseModel):
    yes: bool


class Desk(Namespace):
    namespace = "/desk"

    opened = Event[()]("The desk is open.")
    typing = Event[str, bool]("Somebody started or stopped typing.")
    uploaded = Event[str, int, bytes]("A file, by name, size and content.")
    confirm = Call[Answer, Question]("Ask one client.")
    ping = Call[int]("Ask for nothing in particular.")

    @event("my event")
    def on_odd_name(self, count: int, *rest: str) -> list[str]:
        return [*rest] * count

    def on_search(self, text: str, limit: int = 10) -> Sequence[Question]:
        return [Question(text=text)] * limit

    async def on_later(self, text: str) -> Answer:
        return Answer(yes=bool(text))

    def on_forget(self, text: str) -> None:
        raise EventError("not_found", f"There is no {text}.", {"text": text})

    def on_ask(self, sid: str) -> bool:
        answer = self.confirm.call(Question(text="sure?"), to=sid, timeout_s=1.5)
        assert_type(answer, Answer)
        assert_type(self.ping.call(to=sid), int)
        return answer.yes

    def on_ask_wrongly(self, sid: str) -> None:
        self.confirm.call("sure?", to=sid)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        self.confirm.call(Question(text="sure?"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        self.ping.call(1, to=sid)  # type: ignore[arg-type, misc]  # pyright: ignore[reportCallIssue]


def what_is_received_has_the_declared_types(framework_client: ClientFactory) -> None:
    ada = framework_client(Desk, auth={"token": "t"})
    assert_type(ada.received(Desk.typing), list[tuple[str, bool]])
    assert_type(ada.received(Desk.uploaded), list[tuple[str, int, bytes]])
    assert_type(ada.received(Desk.opened), list[tuple[()]])


def what_answers_a_call_takes_and_gives_the_declared_types(framework_client: ClientFactory) -> None:
    ada = framework_client(Desk)

    def agree(question: Question) -> Answer:
        return Answer(yes=question.text == "sure?")

    def agree_to_anything(number: int) -> str:
        return str(number)

    ada.answer(Desk.confirm, agree)
    ada.answer(Desk.confirm, lambda question: Answer(yes=bool(question.text)))
    ada.answer(Desk.confirm, agree_to_anything)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def several_values_are_sent_in_their_order(sid: str) -> None:
    Desk.typing.emit("ada", True, to=sid)
    Desk.opened.broadcast()
    Desk.typing.emit(True, "ada", to=sid)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Desk.typing.emit("ada", to=sid)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Desk.opened.broadcast("really")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_decorated_handler_keeps_its_signature(framework_client: ClientFactory) -> None:
    ada = framework_client(Desk)
    assert_type(ada.call(Desk.on_odd_name, 2, "a", "b"), list[str])
    assert_type(ada.call(Desk.on_search, "text"), Sequence[Question])
    assert_type(ada.call(Desk.on_search, "text", 3), Sequence[Question])
    assert_type(ada.call(Desk.on_search, "text", limit=3), Sequence[Question])
    assert_type(ada.call(Desk.on_later, "text"), Answer)
    ada.call(Desk.on_forget, "text")
    ada.call(Desk.on_odd_name, "2")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


def a_socketio_takes_its_options_by_name() -> None:
    SocketIO(namespaces=[Desk], async_mode="gevent", unknown_events="ignore", limits=Limits(), ping_interval=10)
    SocketIO(async_mode="asyncio")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SocketIO(unknown_events="maybe")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def the_typed_error_has_its_parts(error: EventError) -> None:
    assert_type(error.code, str)
    assert_type(error.message, str)
