"""``framework routes`` and ``framework plugins``: what there is."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from flask.cli import ScriptInfo, pass_script_info
from flask.helpers import get_debug_flag

from .. import serving
from ..plugins import PluginInfo, only_report
from ..routes import FROM_CLIENT, Route
from .base import cli, load_extension, render_table

_PLUGIN_COLUMNS = ("Name", "Version", "State", "Adds", "ms", "Source", "Description")
_COLUMNS = ("Namespace", "Event", "", "Arguments", "Ack", "Guards", "Raises", "Defined at")
_SPARSE = ("Guards", "Raises")


@cli.command(with_appcontext=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--namespace", "-n", "namespaces", multiple=True, metavar="PATH", help="Only this path; may be repeated.")
@click.option("--server", is_flag=True, help="Say what would serve them, and who reads from WebSockets.")
@pass_script_info
def routes(info: ScriptInfo, as_json: bool, namespaces: Sequence[str], server: bool) -> None:
    """List the events that are served (->) and declared (<-), with types and where they are defined."""
    _, extension = load_extension(info)
    if server:
        serves = serving.default_server(extension, debug=get_debug_flag())
        click.echo(f"async mode  {extension.async_mode}")
        click.echo(f"server      {serves}")
        click.echo(f"WebSockets  {extension.server.eio.driver.describe(serves)}")
        return
    found = [route for route in extension.routes() if not namespaces or route.namespace in namespaces]
    if as_json:
        click.echo(json.dumps([route.as_dict() for route in found], indent=2))
    elif found:
        click.echo(render_routes(found))
    else:
        paths = ", ".join(sorted({route.namespace for route in extension.routes()})) or "none"
        click.echo(f"No events{' in ' + ', '.join(namespaces) if namespaces else ''}. There are namespaces: {paths}.")


def render_routes(found: Sequence[Route]) -> str:
    """Return the table that `framework routes` prints; guards and declared errors where there are any."""
    rows: list[Sequence[str]] = [_COLUMNS]
    rows += [
        (
            route.namespace,
            route.event,
            "->" if route.direction == FROM_CLIENT else "<-",
            route.arguments or "-",
            route.ack or "-",
            ", ".join(route.guards) or "-",
            ", ".join(route.raises) or "-",
            route.location,
        )
        for route in found
    ]
    kept = [column for column, title in enumerate(_COLUMNS) if title not in _SPARSE or _has_value(rows, column)]
    return render_table([[row[column] for column in kept] for row in rows])


def _has_value(rows: Sequence[Sequence[str]], column: int) -> bool:
    return any(row[column] != "-" for row in rows[1:])


@cli.command(with_appcontext=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_script_info
@click.pass_context
def plugins(ctx: click.Context, info: ScriptInfo, as_json: bool) -> None:
    """List the plugins with what they add and how long they took; ends with 1 when one failed."""
    with only_report():
        _, extension = load_extension(info)
    found: list[PluginInfo] = list(extension.plugins.values())
    if as_json:
        click.echo(json.dumps([plugin.as_dict() for plugin in found], indent=2))
    elif found:
        click.echo(render_plugins(found))
    else:
        click.echo(
            "No plugins: none is installed, in the application's own 'plugins' package, or in SocketIO(plugins=[...])."
        )
    if any(plugin.state == "failed" for plugin in found):
        ctx.exit(1)


def render_plugins(found: Sequence[PluginInfo]) -> str:
    """Return what `framework plugins` prints: a table, and why those failed that did."""
    rows: list[Sequence[str]] = [_PLUGIN_COLUMNS]
    rows += [
        (
            plugin.name,
            plugin.version,
            plugin.state,
            ", ".join(_count(hook, names) for hook, names in plugin.adds.items()) or "-",
            f"{plugin.duration_s * 1000:.1f}",
            plugin.source,
            plugin.description,
        )
        for plugin in found
    ]
    reasons = [plugin.reason for plugin in found if plugin.state == "failed"]
    return "\n\n".join([render_table(rows), *reasons])


def _count(hook: str, names: Sequence[str]) -> str:
    """Return the paths of namespaces, and of other things how many there are."""
    if hook == "namespaces":
        return ", ".join(names)
    return f"{len(names)} {hook.removesuffix('s') if len(names) == 1 else hook}"
