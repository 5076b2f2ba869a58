"""``framework call``, ``emit`` and ``listen``: talk to a running server from the shell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import click

from ..contract import Contract
from ..contract.check import check_arguments, find_event, find_namespace
from ..errors import EventError, FrameworkError
from .base import CommandError, cli

_URL = "http://127.0.0.1:5000"

_connection = [
    click.option("--url", "-u", default=_URL, show_default=True, help="The server."),
    click.option("--namespace", "-n", default="/", show_default=True, metavar="PATH", help="The namespace."),
    click.option("--auth", "-a", metavar="JSON", help="What to send at connect."),
    click.option("--timeout", "-t", "timeout_s", default=5.0, show_default=True, help="Seconds to wait for an answer."),
]
_contract = click.option(
    "--contract",
    "source",
    metavar="FILE|URL",
    help="Check against this contract before anything is sent; by default the one that the server publishes, if any.",
)


def _connects(command: Any) -> Any:
    for option in reversed(_connection):
        command = option(command)
    return command


@cli.command(with_appcontext=False, context_settings={"ignore_unknown_options": True})
@click.argument("event")
@click.argument("args", nargs=-1, metavar="[ARG]...")
@_connects
@_contract
@click.option("--stream", is_flag=True, help="The answer is a stream; known by itself where there is a contract.")
@click.option("--no-check", is_flag=True, help="Send it even when it does not fit the contract.")
@click.pass_context
def call(
    ctx: click.Context,
    event: str,
    args: Sequence[str],
    url: str,
    namespace: str,
    auth: str | None,
    timeout_s: float,
    source: str | None,
    stream: bool,
    no_check: bool,
) -> None:
    """Send EVENT and print its answer, one line of JSON for each value; ends with 1 when it is an error.

    An ARG is JSON, a plain text, or @FILE for the bytes of a file.
    """
    from ..talking import read_argument, render_value

    with _failing(ctx):
        values = [read_argument(text) for text in args]
        promised = _check(url, source, namespace, event, values, timeout_s, no_check=no_check)
        if promised is not None and _is_stream(promised, namespace, event):
            stream = True
        with _converse(url, namespace, auth, timeout_s) as talk:
            for value in talk.stream(event, values) if stream else talk.call(event, values):
                click.echo(render_value(value))


@cli.command(with_appcontext=False, context_settings={"ignore_unknown_options": True})
@click.argument("event")
@click.argument("args", nargs=-1, metavar="[ARG]...")
@_connects
@_contract
@click.option("--no-check", is_flag=True, help="Send it even when it does not fit the contract.")
@click.option("--wait", "wait_s", default=0.5, show_default=True, help="Seconds to wait for an error to come back.")
@click.pass_context
def emit(
    ctx: click.Context,
    event: str,
    args: Sequence[str],
    url: str,
    namespace: str,
    auth: str | None,
    timeout_s: float,
    source: str | None,
    no_check: bool,
    wait_s: float,
) -> None:
    """Send EVENT without asking for an answer; ends with 1 when an error comes back."""
    from ..talking import read_argument

    with _failing(ctx):
        values = [read_argument(text) for text in args]
        _check(url, source, namespace, event, values, timeout_s, no_check=no_check)
        with _converse(url, namespace, auth, timeout_s) as talk:
            talk.emit(event, values, wait_s)


@cli.command(with_appcontext=False)
@click.argument("events", nargs=-1, metavar="[EVENT]...")
@_connects
@click.option("--count", "-c", type=click.IntRange(1), help="End after this many events.")
@click.option("--for", "for_s", type=float, metavar="SECONDS", help="End after this time.")
@click.pass_context
def listen(
    ctx: click.Context,
    events: Sequence[str],
    url: str,
    namespace: str,
    auth: str | None,
    timeout_s: float,
    count: int | None,
    for_s: float | None,
) -> None:
    """Print what the server sends, one line of JSON for each event: all of them, or only EVENTs."""
    import time

    from ..talking import render_value

    with _failing(ctx), _converse(url, namespace, auth, timeout_s) as talk, contextlib.suppress(KeyboardInterrupt):
        until_s = None if for_s is None else time.monotonic() + for_s
        seen = 0
        for event, values in talk.listen(until_s=until_s):
            if events and event not in events:
                continue
            click.echo(render_value({"event": event, "args": values}))
            seen += 1
            if seen == count:
                return


@contextlib.contextmanager
def _failing(ctx: click.Context) -> Iterator[None]:
    """End with 1 when the server said no, with 2 when it could not be asked."""
    from ..talking import render_value

    try:
        yield
    except EventError as error:
        click.echo(f"Error: {error.code}: {error.message}", err=True)
        if error.details is not None:
            click.echo(render_value(error.details), err=True)
        ctx.exit(1)
    except FrameworkError as error:
        raise CommandError(str(error)) from error


def _converse(url: str, namespace: str, auth: str | None, timeout_s: float) -> Any:
    from ..talking import Conversation, read_argument

    return Conversation(url, namespace, auth=None if auth is None else read_argument(auth), timeout_s=timeout_s)


def _check(
    url: str, source: str | None, namespace: str, event: str, values: list[Any], timeout_s: float, *, no_check: bool
) -> Contract | None:
    from ..talking import find_contract

    contract = None if no_check and source is None else find_contract(url, source, timeout_s)
    if contract is None or no_check:
        return contract
    promised = find_event(find_namespace(contract, namespace), event)
    problems = check_arguments(contract, promised.arguments, values)
    if problems:
        reasons = "\n".join(f"  {problem.path or event}: {problem.message}" for problem in problems)
        raise CommandError(f"{namespace} {event} was not sent, it does not fit the contract:\n{reasons}")
    return contract


def _is_stream(contract: Contract, namespace: str, event: str) -> bool:
    return any(
        found.name == event and found.stream is not None
        for served in contract.namespaces
        if served.path == namespace
        for found in served.client_events
    )
