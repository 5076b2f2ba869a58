"""The command ``framework``: Flask's conventions for finding the application, and commands for its events."""

from __future__ import annotations

from ..contract_cli import diff
from . import contract, listing, serve, talk, writing
from .base import CommandError, cli, load_extension
from .listing import render_plugins, render_routes

__all__ = [
    "CommandError",
    "cli",
    "contract",
    "listing",
    "load_extension",
    "main",
    "render_plugins",
    "render_routes",
    "serve",
    "talk",
    "writing",
]

cli.add_command(diff)


def main() -> None:
    """Run the command."""
    cli.main(prog_name="framework")
