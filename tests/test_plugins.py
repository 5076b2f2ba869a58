"""Plugins: what they add, in which order they start, and what is left of one that fails."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable
from typing import Any

import click
import pytest
from blinker import NamedSignal
from flask import Blueprint, Flask

from framework import (
    ConfigurationError,
    DuplicateNamespaceError,
    EventError,
    Handling,
    Middleware,
    Namespace,
    Plugin,
    PluginError,
    PluginInfo,
    Proceed,
    SocketIO,
    signals,
)
from framework.plugins import only_report
from framework.testing import Client, ConnectRefused


class Room(Namespace):
    namespace = "/room"

    def on_hello(self) -> str:
        return "hello"


class Track(Middleware):
    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def connect(self, handling: Handling, proceed: Proceed) -> Any:
        self.seen.append("middleware connect")
        return proceed()

    def event(self, handling: Handling, proceed: Proceed) -> Any:
        self.seen.append(f"middleware {handling.event}")
        return proceed()


class Full(Plugin):
    """Gives something by every hook.

    And has more to say.
    """

    name = "full"

    def init(self, socketio: Any, app: Flask) -> None:
        self.seen: list[str] = [f"init {socketio is self.socketio} {app is self.app} {self.settings!r}"]

    def middleware(self) -> Iterable[Middleware]:
        yield Track(self.seen)

    def namespaces(self) -> Iterable[type[Namespace]]:
        return [Room]

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        return [(signals.client_connected, lambda sender, **about: self.seen.append(f"signal {about['namespace']}"))]

    def blueprints(self) -> Iterable[Blueprint]:
        blueprint = Blueprint("full", __name__)
        blueprint.add_url_rule("/full", view_func=lambda: "full")
        return [blueprint]

    def commands(self) -> Iterable[click.Command]:
        return [click.Command("full", callback=lambda: click.echo(f"seen {len(self.seen)}"))]


def build(*plugins: Any, config: dict[str, Any] | None = None, **options: Any) -> tuple[Flask, SocketIO]:
    app = Flask(__name__)
    app.testing = True
    app.config.update(config or {})
    return app, SocketIO(app, plugins=plugins, **options)


def plugin(name: str, **attributes: Any) -> type[Plugin]:
    return type(name.title(), (Plugin,), {"name": name, "__module__": __name__, **attributes})


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*args: Any) -> Any:
        raise error

    return function


def sentence_of(*plugins: Any, **options: Any) -> str:
    """The text of the error with which the application does not start."""
    with pytest.raises((PluginError, DuplicateNamespaceError)) as failure:
        build(*plugins, **options)
    return str(failure.value)


# -- what a plugin adds


def test_everything_that_the_hooks_give_is_there() -> None:
    app, socketio = build(Full)
    client = Client(app, Room)
    assert client.call(Room.on_hello) == "hello"
    full = socketio.plugin(Full)
    assert full.seen == ["init True True NoSettings()", "middleware connect", "signal /room", "middleware hello"]
    assert app.test_client().get("/full").text == "full"
    assert app.test_cli_runner().invoke(args=["full"]).output == "seen 4\n"


def test_what_became_of_a_plugin_is_told() -> None:
    _, socketio = build(Full)
    info = socketio.plugins["full"]
    assert isinstance(info, PluginInfo)
    assert (info.version, info.source, info.state) == ("-", "SocketIO(plugins=...)", "loaded")
    assert info.description == "Gives something by every hook."
    assert info.adds == {
        "middleware": ("Track",),
        "namespaces": ("/room",),
        "receivers": ("client-connected",),
        "blueprints": ("full",),
        "commands": ("full",),
    }
    assert info.duration_s == info.import_s + info.init_s > 0
    assert info.as_dict()["adds"] == info.adds


def test_receiver_hears_of_its_own_application_only() -> None:
    _, socketio = build(Full)
    other, _ = build(namespaces=[Room])
    Client(other, Room)
    assert "signal /room" not in socketio.plugin(Full).seen


def test_receivers_go_with_the_application() -> None:
    gc.collect()
    before = len(signals.client_connected.receivers)
    build(Full)
    gc.collect()
    assert len(signals.client_connected.receivers) == before


def test_middleware_of_plugins_is_outside_of_the_application_s_in_the_order_of_their_start() -> None:
    seen: list[str] = []

    def note(name: str) -> Callable[[Handling, Proceed], Any]:
        def around(handling: Handling, proceed: Proceed) -> Any:
            seen.append(name)
            return proceed()

        return around

    zebra = plugin("zebra", middleware=lambda self: [note("zebra")])
    ape = plugin("ape", middleware=lambda self: [note("ape")], after=("zebra",))
    app, _ = build(ape, zebra, namespaces=[Room], middleware=[note("application")])
    Client(app, Room).call(Room.on_hello)
    assert seen == ["zebra", "ape", "application"]


def test_middleware_of_a_plugin_refuses_a_client() -> None:
    class Closed(Middleware):
        def connect(self, handling: Handling, proceed: Proceed) -> Any:
            raise EventError("closed")

    app, _ = build(plugin("door", middleware=lambda self: [Closed()]), namespaces=[Room])
    with pytest.raises(ConnectRefused, match="closed"):
        Client(app, Room)


def test_plugin_without_hooks_adds_nothing() -> None:
    _, socketio = build(plugin("quiet"))
    assert socketio.plugins["quiet"].adds == {}


def test_loading_is_told_by_a_signal() -> None:
    told: list[tuple[Any, dict[str, Any]]] = []

    def note(sender: Any, **about: Any) -> None:
        told.append((sender, about))

    with signals.plugin_loaded.connected_to(note):
        app, socketio = build(Full)
    assert told == [
        (app, {"name": "full", "version": "-", "duration_s": socketio.plugins["full"].duration_s}),
    ]


def test_plugin_that_another_one_requires_can_be_asked_for_in_init() -> None:
    class User(Plugin):
        name = "a_user"
        requires = ("full",)

        def init(self, socketio: SocketIO, app: Flask) -> None:
            self.full = socketio.plugin(Full)

    _, socketio = build(User, Full)
    assert socketio.plugin(User).full is socketio.plugin(Full)


def test_asking_for_a_plugin_that_is_not_there_says_so() -> None:
    _, socketio = build()
    with pytest.raises(
        PluginError, match=r"^plugin full is not loaded: there is none\. Pass it: SocketIO\(plugins=\[Full\]\)\.$"
    ):
        socketio.plugin(Full)


def test_asking_for_a_plugin_that_is_switched_off_says_so() -> None:
    _, socketio = build(Full, config={"FRAMEWORK_DISABLED_PLUGINS": "full"})
    with pytest.raises(PluginError, match=r"^plugin full is not loaded: FRAMEWORK_DISABLED_PLUGINS has 'full'\.$"):
        socketio.plugin(Full)


def test_extension_without_an_application_loads_nothing() -> None:
    socketio = SocketIO(plugins=[Full])
    assert socketio.plugins == {}
    writer = SocketIO(message_queue="redis://127.0.0.1:1/0", plugins=[Full])
    assert writer.plugins == {}


def test_each_application_of_one_extension_gets_the_plugins_anew() -> None:
    socketio = SocketIO(plugins=[Full])
    apps = [Flask(__name__), Flask(__name__)]
    for app in apps:
        socketio.init_app(app)
        assert Client(app, Room).call(Room.on_hello) == "hello"
        assert socketio.plugin(Full).app is app
    assert "full" not in apps[0].cli.commands
    assert "full" in apps[1].cli.commands


def test_plugins_can_be_given_to_init_app() -> None:
    app, socketio = Flask(__name__), SocketIO()
    socketio.init_app(app, plugins=[Full()])
    assert socketio.plugin(Full).app is app


# -- order


def order_of(*plugins: Any) -> list[str]:
    return list(build(*plugins)[1].plugins)


def test_plugins_start_by_name_where_nothing_else_is_said() -> None:
    assert order_of(plugin("c"), plugin("a"), plugin("b")) == ["a", "b", "c"]


def test_requires_before_and_after_decide_the_order() -> None:
    assert order_of(
        plugin("a", requires=("d",)), plugin("b", after=("c",)), plugin("c"), plugin("d", before=("c",))
    ) == [
        "d",
        "a",
        "c",
        "b",
    ]


def test_before_and_after_name_plugins_that_need_not_be_there() -> None:
    assert order_of(plugin("a", before=("nobody",), after=("nobody",))) == ["a"]


def test_cycle_is_named_in_full() -> None:
    auth = plugin("auth", after=("zoo", "presence"))
    assert sentence_of(plugin("presence", requires=("auth",)), auth, plugin("zoo")) == (
        "plugin auth (SocketIO(plugins=...)): each of these starts after the next: auth -> presence -> auth. "
        "Change requires, before or after of one."
    )


def test_plugin_that_waits_for_itself_is_a_cycle() -> None:
    assert "starts after the next: ape -> ape." in sentence_of(plugin("ape", after=("ape",)))


def test_those_in_a_cycle_are_left_out_and_the_others_start(caplog: pytest.LogCaptureFixture) -> None:
    a, b, c = plugin("a", after=("b",)), plugin("b", after=("a",)), plugin("c", after=("a",))
    _, socketio = build(a, b, c, config={"FRAMEWORK_STRICT_PLUGINS": False})
    assert {name: info.state for name, info in socketio.plugins.items()} == {
        "a": "failed",
        "b": "failed",
        "c": "loaded",
    }


# -- requirements


def test_missing_requirement_is_named_with_the_fix() -> None:
    assert sentence_of(plugin("presence", requires=("auth>=1.0",))) == (
        "plugin presence (SocketIO(plugins=...)): it requires auth>=1.0, and there is no plugin auth. Install it, e.g. "
        "pip install 'framework-auth>=1.0', or disable this one with FRAMEWORK_DISABLED_PLUGINS=presence."
    )


def test_requirement_in_another_version_is_named_with_the_fix() -> None:
    assert sentence_of(plugin("presence", requires=("auth>=2",)), plugin("auth", version="1.9")) == (
        "plugin presence (SocketIO(plugins=...)): it requires auth>=2, and auth is 1.9. Take another version: change "
        "tests.test_plugins.Auth, SocketIO(plugins=...), or disable this one with FRAMEWORK_DISABLED_PLUGINS=presence."
    )


def test_requirement_without_a_version_is_named_with_the_fix() -> None:
    assert sentence_of(plugin("presence", requires=("auth>=2",)), plugin("auth")) == (
        "plugin presence (SocketIO(plugins=...)): it requires auth>=2, and auth (tests.test_plugins.Auth, "
        "SocketIO(plugins=...)) has no version. Give its class one: version = '1.0'."
    )


def test_requirement_that_is_switched_off_is_named() -> None:
    config = {"FRAMEWORK_DISABLED_PLUGINS": ["auth"]}
    assert sentence_of(plugin("presence", requires=("auth",)), plugin("auth"), config=config) == (
        "plugin presence (SocketIO(plugins=...)): it requires auth, which is disabled: FRAMEWORK_DISABLED_PLUGINS has "
        "'auth'. Mend that, or disable this one, too: FRAMEWORK_DISABLED_PLUGINS=presence."
    )


@pytest.mark.parametrize("versions", ["<0.1", ">=99"])
def test_framework_in_another_version_is_named_with_the_fix(versions: str) -> None:
    assert sentence_of(plugin("old", requires_framework=versions)) == (
        f"plugin old (SocketIO(plugins=...)): it requires framework{versions}, and this is 0.1.0. Install a version of "
        f"the plugin that is made for this one, or another framework: pip install 'framework{versions}'."
    )


def test_name_of_a_requirement_may_have_a_hyphen() -> None:
    assert order_of(plugin("a", requires=("rate-limit",)), plugin("rate_limit")) == ["rate_limit", "a"]


# -- failures


@pytest.mark.parametrize("hook", ["init", "middleware", "namespaces", "receivers", "blueprints", "commands"])
@pytest.mark.parametrize("error", [KeyError("secret"), SystemExit(3)], ids=["Exception", "SystemExit"])
def test_hook_that_raises_is_named_with_the_fix(hook: str, error: BaseException) -> None:
    with pytest.raises(PluginError) as failure:
        build(plugin("bad", **{hook: raising(error)}, version="1.0"))
    text = str(failure.value)
    assert text.startswith(f"plugin bad 1.0 (SocketIO(plugins=...)): {hook}() raised {type(error).__name__}: ")
    assert "(tests/test_plugins.py:" in text
    assert text.endswith(" Mend it, or switch it off with FRAMEWORK_DISABLED_PLUGINS=bad.")
    assert failure.value.__cause__ is error


def test_construction_that_raises_is_named() -> None:
    assert sentence_of(plugin("bad", __init__=raising(ValueError("no")))).startswith(
        "plugin bad (SocketIO(plugins=...)): Bad() raised ValueError: no (tests/test_plugins.py:"
    )


def test_generator_that_raises_half_way_leaves_nothing_behind() -> None:
    def namespaces(self: Plugin) -> Iterable[type[Namespace]]:
        yield Room
        raise RuntimeError("half-way")

    bad = plugin("bad", namespaces=namespaces, middleware=lambda self: [Track([])])
    _, socketio = build(bad, config={"FRAMEWORK_STRICT_PLUGINS": False})
    assert dict(socketio.namespaces) == {}
    assert socketio.plugins["bad"].adds == {}


def test_sentence_that_a_plugin_raises_itself_is_kept() -> None:
    bad = plugin("bad", init=raising(ConfigurationError("It needs a broker: set FRAMEWORK_MESSAGE_QUEUE.")))
    assert sentence_of(bad) == (
        "plugin bad (SocketIO(plugins=...)): It needs a broker: set FRAMEWORK_MESSAGE_QUEUE. "
        "Mend it, or switch it off with FRAMEWORK_DISABLED_PLUGINS=bad."
    )


@pytest.mark.parametrize(
    ("hook", "given", "said"),
    [
        ("middleware", [5], "gave 5; it gives Middleware instances, or functions (handling, proceed)."),
        ("middleware", [Track], f"gave {Track!r}; it gives Middleware instances, or functions (handling, proceed). Did you mean Track()?"),
        ("namespaces", ["/room"], "gave '/room'; it gives Namespace classes or instances."),
        ("receivers", [signals.emitted], f"gave {signals.emitted!r}; it gives pairs of a signal and a function."),
        ("receivers", [("emitted", print)], f"gave ('emitted', {print!r}); it gives pairs of a signal and a function."),
        ("blueprints", ["full"], "gave 'full'; it gives Flask blueprints."),
        ("commands", [click.Command(None)], "gave <Command None>; it gives click commands."),
        ("commands", None, "returned None; it returns an iterable of click commands."),
        ("namespaces", "/room", "returned '/room'; it returns an iterable of Namespace classes or instances."),
        ("namespaces", Room, f"returned {Room!r}; it returns an iterable of Namespace classes or instances."),
    ],
)  # fmt: skip
def test_hook_that_gives_something_else_is_told_what_it_gives(hook: str, given: Any, said: str) -> None:
    bad = plugin("bad", **{hook: lambda self: given})
    assert sentence_of(bad) == f"plugin bad (SocketIO(plugins=...)): Bad.{hook}() {said}"


def test_namespace_class_that_can_not_be_made_is_named() -> None:
    class Needy(Namespace):
        namespace = "/needy"

        def __init__(self, much: int) -> None:
            super().__init__()

    assert "namespaces() raised TypeError:" in sentence_of(plugin("bad", namespaces=lambda self: [Needy]))


def test_path_that_the_application_serves_is_named_with_both_sides() -> None:
    presence = plugin("presence", namespaces=lambda self: [Room()], version="1.2.0")
    with pytest.raises(DuplicateNamespaceError) as failure:
        build(presence, namespaces=[Room])
    assert str(failure.value) == (
        "'/room' is served by tests.test_plugins.Room; plugin presence 1.2.0 also mounts it. Change one 'namespace', or "
        "disable the plugin with FRAMEWORK_DISABLED_PLUGINS=presence."
    )


def test_path_that_another_plugin_serves_is_named_with_both_sides() -> None:
    first, second = (plugin(name, namespaces=lambda self: [Room()]) for name in ("a", "b"))
    assert sentence_of(first, second) == (
        "'/room' is served by tests.test_plugins.Room of plugin a; plugin b also mounts it. Change one 'namespace', or "
        "disable the plugin with FRAMEWORK_DISABLED_PLUGINS=b."
    )


def test_one_plugin_with_two_namespaces_on_one_path_is_refused() -> None:
    assert "; plugin twice also mounts it." in sentence_of(plugin("twice", namespaces=lambda self: [Room(), Room()]))


def test_path_that_a_plugin_serves_is_refused_to_the_application_afterwards() -> None:
    _, socketio = build(Full)
    with pytest.raises(DuplicateNamespaceError, match=r"served by tests\.test_plugins\.Room of plugin full; "):
        socketio.on_namespace(Room("/room"))


@pytest.mark.parametrize(
    ("hook", "make"),
    [
        ("commands", lambda: click.Command("same")),
        ("blueprints", lambda: Blueprint("same", __name__)),
    ],
)
def test_name_that_is_taken_is_refused_and_nothing_is_added(hook: str, make: Callable[[], Any]) -> None:
    first = plugin("a", **{hook: lambda self: [make()]})
    second = plugin("b", **{hook: lambda self: [make()], "namespaces": lambda self: [Room]})
    kind = hook.removesuffix("s")
    said = f"plugin b (SocketIO(plugins=...)): there is a {kind} 'same' already. Give the plugin's another name."
    assert sentence_of(first, second) == said
    _, socketio = build(first, second, config={"FRAMEWORK_STRICT_PLUGINS": False})
    assert socketio.plugins["b"].reason == said
    assert dict(socketio.namespaces) == {}


def test_namespace_that_can_not_be_mounted_takes_the_others_with_it(caplog: pytest.LogCaptureFixture) -> None:
    bad = plugin(
        "bad", namespaces=lambda self: [Room(), Room("no-slash")], commands=lambda self: [click.Command("bad")]
    )
    app, socketio = build(bad, config={"FRAMEWORK_STRICT_PLUGINS": False})
    assert dict(socketio.namespaces) == {}
    assert "bad" not in app.cli.commands
    assert "Room.namespace is 'no-slash'; a path starts with a slash." in socketio.plugins["bad"].reason


def test_blueprint_that_fails_half_way_is_raised_always() -> None:
    blueprint = Blueprint("bad", __name__)
    blueprint.record(raising(RuntimeError("half-way")))
    bad = plugin("bad", blueprints=lambda self: [blueprint])
    said = sentence_of(bad, config={"FRAMEWORK_STRICT_PLUGINS": False})
    assert said.startswith("plugin bad (SocketIO(plugins=...)): adding it raised RuntimeError: half-way (")


# -- strict, or not


@pytest.mark.parametrize("mode", ["debug", "testing"])
def test_failure_is_raised_in_debug_and_in_tests(mode: str) -> None:
    app = Flask(__name__)
    setattr(app, mode, True)
    with pytest.raises(PluginError, match="plugin bad"):
        SocketIO(app, plugins=[plugin("bad", init=raising(RuntimeError("no")))])


def test_in_production_the_application_runs_without_what_failed_and_what_requires_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Flask(__name__)
    bad = plugin("bad", init=raising(RuntimeError("no")))
    socketio = SocketIO(app, namespaces=[Room], plugins=[bad, plugin("user", requires=("bad",)), plugin("other")])
    assert Client(app, Room).call(Room.on_hello) == "hello"
    assert {name: info.state for name, info in socketio.plugins.items()} == {
        "bad": "failed",
        "other": "loaded",
        "user": "failed",
    }
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in records] == [
        f"{socketio.plugins['bad'].reason} The application runs without it.",
        f"{socketio.plugins['user'].reason} The application runs without it.",
    ]
    assert records[0].exc_info is not None
    assert socketio.plugins["user"].reason.startswith(
        "plugin user (SocketIO(plugins=...)): it requires bad, which failed: plugin bad (SocketIO(plugins=...)): init() "
        "raised RuntimeError: no ("
    )


@pytest.mark.parametrize("value", [True, "1", "true", "Yes", "on"])
def test_strict_can_be_asked_for(value: Any) -> None:
    app = Flask(__name__)
    app.config["FRAMEWORK_STRICT_PLUGINS"] = value
    with pytest.raises(PluginError):
        SocketIO(app, plugins=[plugin("bad", init=raising(RuntimeError("no")))])


@pytest.mark.parametrize("value", ["0", "false", "No", "off"])
def test_strict_can_be_switched_off_in_the_environment(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_STRICT_PLUGINS", value)
    _, socketio = build(plugin("bad", init=raising(RuntimeError("no"))))
    assert socketio.plugins["bad"].state == "failed"


def test_strict_that_is_neither_true_nor_false_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_STRICT_PLUGINS", "perhaps")
    with pytest.raises(
        ConfigurationError,
        match=r"^FRAMEWORK_STRICT_PLUGINS is 'perhaps' in the environment; it is true or false\.$",
    ):
        build()


def test_failure_of_an_essential_plugin_is_raised_always() -> None:
    bad = plugin("bad", init=raising(RuntimeError("no")), essential=True)
    assert "init() raised RuntimeError: no" in sentence_of(bad, config={"FRAMEWORK_STRICT_PLUGINS": False})


def test_essential_plugin_that_the_operator_switches_off_is_not_missed() -> None:
    _, socketio = build(plugin("door", essential=True), config={"FRAMEWORK_DISABLED_PLUGINS": "door"})
    assert socketio.plugins["door"].state == "disabled"


def test_who_only_looks_at_plugins_sees_every_failure(caplog: pytest.LogCaptureFixture) -> None:
    bad = plugin("bad", init=raising(RuntimeError("no")), essential=True)
    with only_report():
        _, socketio = build(bad, plugin("user", requires=("bad",)))
    assert [info.state for info in socketio.plugins.values()] == ["failed", "failed"]
    assert caplog.records == []


# -- what can't be a plugin


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"name": "my-plugin"}, ".name is 'my-plugin'; it is lower-case letters, digits and underscores, and starts with a letter."),
        ({"name": "Presence"}, ".name is 'Presence'; it is lower-case letters,"),
        ({"name": 5}, ".name is 5; it is lower-case letters,"),
        ({"requires": "auth"}, ".requires is 'auth'; it is a tuple of names, e.g. ('auth',)."),
        ({"before": (5,)}, ".before is (5,); it is a tuple of names, e.g. ('auth',)."),
        ({"requires": ("auth >",)}, ".requires has 'auth >'; it is a plugin's name, or e.g. 'auth>=1.0'."),
        ({"requires": ("auth[jwt]>=1",)}, ".requires has 'auth[jwt]>=1'; it is a plugin's name, or e.g. 'auth>=1.0'."),
        ({"requires_framework": "newest"}, ".requires_framework is 'newest'; it is versions, e.g. '>=0.1'."),
        ({"requires_framework": 1}, ".requires_framework is 1; it is versions, e.g. '>=0.1'."),
    ],
)  # fmt: skip
def test_attribute_that_can_not_work_is_refused_when_the_class_is_created(attributes: Any, said: str) -> None:
    with pytest.raises(PluginError) as failure:
        type("Bad", (Plugin,), {"__module__": "shop", **attributes})
    assert str(failure.value).startswith(f"shop.Bad{said}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([5], "SocketIO(plugins=...): 5 is no Plugin class or instance."),
        ([Room], f"SocketIO(plugins=...): {Room!r} is no Plugin class or instance."),
        (Full, f"SocketIO(plugins=...) is {Full!r}; it is a list of Plugin classes and instances."),
        (5, "SocketIO(plugins=...) is 5; it is a list of Plugin classes and instances."),
        ([Plugin], "SocketIO(plugins=...): framework.plugins.plugin.Plugin has no name. Give it one: name = 'presence'."),
        ([Full, Full()], "SocketIO(plugins=...): tests.test_plugins.Full is there twice. Leave one out."),
    ],
)  # fmt: skip
def test_what_is_no_plugin_is_refused_at_once(given: Any, said: str) -> None:
    with pytest.raises(PluginError) as failure:
        SocketIO(plugins=given)
    assert str(failure.value) == said


def test_two_classes_with_one_name_are_both_named() -> None:
    first, second = plugin("same"), plugin("same")
    second.__qualname__ = "Other"
    assert sentence_of(first, second) == (
        "plugin same (SocketIO(plugins=...)): several plugins have this name: tests.test_plugins.Same, "
        "SocketIO(plugins=...), and tests.test_plugins.Other, SocketIO(plugins=...). Rename or uninstall one of them."
    )
