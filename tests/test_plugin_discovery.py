"""Plugins that are found by themselves: installed distributions and the application's own package."""

from __future__ import annotations

import importlib
import logging
import sys
import types
from typing import Any

import pytest
from flask import Flask

from framework import Plugin, PluginError, SocketIO

from .plugin_tools import PLUGIN, Site, site

__all__ = ["site"]

APPLICATION = """
from flask import Flask
from framework import SocketIO

def create_app(**config):
    app = Flask(__name__)
    app.config.update(config)
    SocketIO(app)
    return app
"""


def build(*plugins: Any, **config: Any) -> SocketIO:
    app = Flask("nowhere")
    app.testing = True
    app.config.update(config)
    return SocketIO(app, plugins=plugins)


def sentence_of(**config: Any) -> str:
    with pytest.raises(PluginError) as failure:
        build(**config)
    return str(failure.value)


def states(socketio: SocketIO) -> dict[str, str]:
    return {name: info.state for name, info in socketio.plugins.items()}


# -- entry points


def test_installed_plugin_is_found_with_its_version_and_entry_point(site: Site) -> None:
    site.install_plugin("presence", '"""Who is here."""')
    info = build().plugins["presence"]
    assert (info.state, info.version, info.description) == ("loaded", "1.2.0", "")
    assert info.source == "entry point presence = framework_presence:Presence"
    assert info.import_s > 0


def test_plugin_that_the_code_gives_too_is_one_and_keeps_the_version(site: Site) -> None:
    site.install("presence", "from framework import Plugin\nclass Presence(Plugin):\n    name = 'presence'\n")
    module = importlib.import_module("framework_presence")
    given = module.Presence()
    socketio = build(given)
    assert socketio.plugin(module.Presence) is given
    info = socketio.plugins["presence"]
    assert (info.version, info.source) == ("1.2.0", "SocketIO(plugins=...)")


def test_class_that_is_defined_elsewhere_than_the_entry_point_says_is_still_one(site: Site) -> None:
    site.write("real.py", "from framework import Plugin\nclass Presence(Plugin):\n    name = 'presence'\n")
    site.install("presence", "from real import Presence as Presence\n")
    socketio = build(importlib.import_module("real").Presence)
    assert states(socketio) == {"presence": "loaded"}


def test_two_distributions_with_one_name_are_both_named(site: Site) -> None:
    for module in ("one", "two"):
        site.install(module, PLUGIN.format(class_name="Same", name="same", body=""))
        info = f"framework_{module}-1.2.0.dist-info/entry_points.txt"
        site.write(info, f"[framework.plugins]\nsame = framework_{module}:Same\n")
    assert sentence_of() == (
        "plugin same 1.2.0 (entry point same = framework_one:Same): several plugins have this name: framework_one.Same, "
        "entry point same = framework_one:Same of framework-one 1.2.0, and framework_two.Same, entry point same = "
        "framework_two:Same of framework-two 1.2.0. Rename or uninstall one of them."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it' (framework_bad.py:1)"),
        ("x = 1\n1 / 0", "ZeroDivisionError: division by zero (framework_bad.py:2)"),
        ("import sys\nsys.exit(3)", "SystemExit: 3 (framework_bad.py:2)"),
        ("def (", "SyntaxError: invalid syntax (framework_bad.py:1)"),
    ],
)
def test_import_that_raises_is_named_with_the_fix(site: Site, text: str, said: str) -> None:
    site.install("bad", text)
    assert sentence_of() == (
        f"plugin bad 1.2.0 (entry point bad = framework_bad:Bad): its import raised {said}. Mend or uninstall it, or "
        "switch it off with FRAMEWORK_DISABLED_PLUGINS=bad."
    )


def test_what_the_import_raised_is_the_cause(site: Site) -> None:
    site.install("bad", "1 / 0")
    with pytest.raises(PluginError) as failure:
        build()
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


def test_entry_point_to_nothing_is_named(site: Site) -> None:
    site.install("bad", "", value="framework_bad:Missing")
    assert "its import raised AttributeError: module 'framework_bad' has no attribute 'Missing'. Mend" in sentence_of()


def test_entry_point_to_a_module_that_is_not_there_is_named(site: Site) -> None:
    site.install("bad", "", value="nothing_there:Bad")
    assert (
        "its import raised ModuleNotFoundError: No module named 'nothing_there'. Mend or uninstall it" in sentence_of()
    )


def test_class_that_can_not_be_created_is_named(site: Site) -> None:
    site.install_plugin("bad", "requires = 'auth'")
    assert "its import raised PluginError: framework_bad.Bad.requires is 'auth'; it is a tuple" in sentence_of()


def test_entry_point_to_something_else_is_named(site: Site) -> None:
    site.install("bad", "Bad = 5")
    assert sentence_of() == (
        "plugin bad 1.2.0 (entry point bad = framework_bad:Bad): framework_bad:Bad is 5, and no Plugin class. An entry "
        "point is bad = package:Class."
    )


def test_entry_point_with_another_name_than_the_plugin_is_refused(site: Site) -> None:
    site.install("bad", PLUGIN.format(class_name="Bad", name="other", body=""))
    assert sentence_of() == (
        "plugin bad 1.2.0 (entry point bad = framework_bad:Bad): Bad.name is 'other'; it has to be the entry point's "
        "name, so that the plugin can be switched off without importing it. Change one of the two."
    )


def test_requirement_in_another_version_says_what_to_install(site: Site) -> None:
    site.install_plugin("auth", version="1.4.0")
    site.install_plugin("presence", 'requires = ("auth>=2",)')
    assert sentence_of() == (
        "plugin presence 1.2.0 (entry point presence = framework_presence:Presence): it requires auth>=2, and auth is "
        "1.4.0. Take another version: pip install 'framework-auth>=2', or disable this one with "
        "FRAMEWORK_DISABLED_PLUGINS=presence."
    )


def test_requirement_in_the_right_version_is_loaded_first(site: Site) -> None:
    site.install_plugin("zoo", version="2.0rc1")
    site.install_plugin("presence", 'requires = ("zoo>=1",)')
    assert list(build().plugins) == ["zoo", "presence"]


def test_framework_in_another_version_names_the_distribution(site: Site) -> None:
    site.install_plugin("bad", 'requires_framework = ">=99"')
    assert "Install a version of framework-bad that is made for this one" in sentence_of()


def test_in_production_a_plugin_that_can_not_be_imported_is_left_out(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.install("bad", "1 / 0")
    site.install_plugin("good")
    assert states(build(FRAMEWORK_STRICT_PLUGINS=False)) == {"bad": "failed", "good": "loaded"}
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "text", ["1 / 0\nclass Bad:\n    essential = True\n", "class Bad:\n    essential: bool = True\n("]
)
def test_essential_plugin_that_can_not_be_imported_is_raised_always(site: Site, text: str) -> None:
    site.install("bad", text)
    assert "its import raised" in sentence_of(FRAMEWORK_STRICT_PLUGINS=False)


def test_essential_plugin_in_another_module_of_a_broken_package_is_raised_always(site: Site) -> None:
    site.write("framework_bad/__init__.py", "from .door import Bad as Bad\nimport nothing_like_it\n")
    site.write("framework_bad/door.py", PLUGIN.format(class_name="Bad", name="bad", body="    essential = True"))
    site.install("bad", "")
    (site.folder / "framework_bad.py").unlink()
    assert "No module named 'nothing_like_it'" in sentence_of(FRAMEWORK_STRICT_PLUGINS=False)


# -- switched off


@pytest.mark.parametrize("value", ["bad", " bad , good ", ["bad"], ("bad", "good"), {"bad"}])
def test_plugin_that_is_switched_off_is_not_imported(site: Site, value: Any) -> None:
    site.install("bad", "1 / 0")
    site.install_plugin("good")
    socketio = build(FRAMEWORK_DISABLED_PLUGINS=value)
    info = socketio.plugins["bad"]
    assert (info.state, info.reason) == ("disabled", "FRAMEWORK_DISABLED_PLUGINS has 'bad'.")
    assert "framework_bad" not in sys.modules


def test_plugin_is_switched_off_in_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("bad", "1 / 0")
    monkeypatch.setenv("FRAMEWORK_DISABLED_PLUGINS", "bad")
    assert states(build()) == {"bad": "disabled"}


def test_star_switches_off_what_was_discovered_and_not_what_the_code_gives(site: Site) -> None:
    site.install("bad", "1 / 0")
    site.install_plugin("good")
    good = importlib.import_module("framework_good").Good
    assert states(build(good, FRAMEWORK_DISABLED_PLUGINS="*")) == {"good": "loaded", "bad": "disabled"}


def test_star_leaves_another_plugin_with_the_name_of_a_given_one_alone(site: Site) -> None:
    site.install_plugin("good")

    class Good(Plugin):
        name = "good"

    socketio = build(Good, FRAMEWORK_DISABLED_PLUGINS="*")
    assert isinstance(socketio.plugin(Good), Good)


def test_name_that_no_plugin_has_is_a_warning(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.install_plugin("presence")
    build(FRAMEWORK_DISABLED_PLUGINS="presense,zebra")
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "FRAMEWORK_DISABLED_PLUGINS has 'presense', and no plugin has that name. Did you mean 'presence'?",
        "FRAMEWORK_DISABLED_PLUGINS has 'zebra', and no plugin has that name. There are: presence.",
    ]


@pytest.mark.parametrize("value", [5, [5], True])
def test_list_of_names_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(
        ValueError, match=r"^FRAMEWORK_DISABLED_PLUGINS is .* in app\.config; it is a list of names, or"
    ):
        build(FRAMEWORK_DISABLED_PLUGINS=value)


# -- the application's own package


OWN = PLUGIN.format(class_name="Own", name="own", body='    version = "3"')


def test_plugins_package_of_an_application_is_found(site: Site) -> None:
    site.write("shop/__init__.py", APPLICATION)
    site.write("shop/plugins/__init__.py", PLUGIN.format(class_name="First", name="first", body=""))
    site.write("shop/plugins/own.py", OWN)
    site.write(
        "shop/plugins/deep/__init__.py", "from ..own import Own as Own\nfrom framework import Plugin as Plugin\n"
    )
    app = importlib.import_module("shop").create_app(TESTING=True)
    plugins = app.extensions["socketio"].plugins
    assert {name: (info.source, info.version) for name, info in plugins.items()} == {
        "first": ("shop.plugins", "-"),
        "own": ("shop.plugins.own", "3"),
    }


def test_plugins_package_beside_the_module_of_the_application_is_found(site: Site) -> None:
    site.write("shop/__init__.py", "")
    site.write("shop/app.py", APPLICATION)
    site.write("shop/plugins/__init__.py", OWN)
    app = importlib.import_module("shop.app").create_app(TESTING=True)
    assert app.extensions["socketio"].plugins["own"].source == "shop.plugins"


def test_plugins_package_beside_a_single_module_is_found(site: Site) -> None:
    site.write("shop.py", APPLICATION)
    site.write("plugins/__init__.py", "")
    site.write("plugins/own.py", OWN)
    app = importlib.import_module("shop").create_app(TESTING=True)
    assert app.extensions["socketio"].plugins["own"].source == "plugins.own"


@pytest.mark.parametrize("path", ["plugins/own.py", "shop/plugins/own.py"])
def test_folder_that_is_no_package_is_left_alone(site: Site, path: str) -> None:
    site.write("shop/__init__.py" if path.startswith("shop") else "shop.py", APPLICATION)
    site.write(path, "1 / 0")
    app = importlib.import_module("shop").create_app(TESTING=True)
    assert dict(app.extensions["socketio"].plugins) == {}


def test_plugins_package_of_somebody_else_is_left_alone(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.write("here/shop.py", APPLICATION)
    site.write("here/plugins/__init__.py", OWN)
    site.write("plugins/__init__.py", "1 / 0")
    sys.path.append(str(site.folder / "here"))
    try:
        app = importlib.import_module("shop").create_app(TESTING=True)
    finally:
        sys.path.remove(str(site.folder / "here"))
    assert dict(app.extensions["socketio"].plugins) == {}
    assert caplog.messages == [
        f"{site.folder / 'here' / 'plugins'} is not read: the module 'plugins' is "
        f"{site.folder / 'plugins' / '__init__.py'}. Make the application a package."
    ]


def test_plugins_module_that_something_made_up_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.write("shop.py", APPLICATION)
    site.write("plugins/__init__.py", OWN)
    monkeypatch.setitem(sys.modules, "plugins", types.ModuleType("plugins"))
    app = importlib.import_module("shop").create_app(TESTING=True)
    assert dict(app.extensions["socketio"].plugins) == {}
    assert "plugins is not read: the module 'plugins' is not importable. Make the application a package." in caplog.text


def test_classes_without_a_name_and_abstract_ones_are_bases(site: Site) -> None:
    site.write("shop/__init__.py", APPLICATION)
    bases = "import abc\nclass Base(Plugin): pass\nclass Half(Plugin, abc.ABC):\n    name = 'half'\n"
    site.write("shop/plugins/__init__.py", f"{OWN}{bases}    @abc.abstractmethod\n    def f(self): ...\n")
    app = importlib.import_module("shop").create_app(TESTING=True)
    assert list(app.extensions["socketio"].plugins) == ["own"]


@pytest.mark.parametrize("text", ["1 / 0", "raise SystemExit(3)", "def ("])
def test_module_that_can_not_be_imported_is_named_and_the_others_are_loaded(site: Site, text: str) -> None:
    site.write("shop/__init__.py", APPLICATION)
    site.write("shop/plugins/__init__.py", "")
    site.write("shop/plugins/bad.py", text)
    site.write("shop/plugins/own.py", OWN)
    shop = importlib.import_module("shop")
    with pytest.raises(PluginError) as failure:
        shop.create_app(TESTING=True)
    assert str(failure.value).startswith("plugin bad (shop.plugins.bad): its import raised ")
    assert str(failure.value).endswith("shop/plugins/bad.py:1). Mend it, or move it out of the package.")
    app = shop.create_app(FRAMEWORK_STRICT_PLUGINS=False)
    assert states(app.extensions["socketio"]) == {"bad": "failed", "own": "loaded"}


def test_package_that_can_not_be_imported_is_named(site: Site) -> None:
    site.write("shop/__init__.py", APPLICATION)
    site.write("shop/plugins/__init__.py", "1 / 0")
    site.write("shop/plugins/own.py", OWN)
    app = importlib.import_module("shop").create_app(FRAMEWORK_STRICT_PLUGINS=False)
    assert states(app.extensions["socketio"]) == {"plugins": "failed"}


def test_essential_plugin_of_the_application_that_can_not_be_imported_is_raised_always(site: Site) -> None:
    site.write("shop/__init__.py", APPLICATION)
    site.write("shop/plugins/__init__.py", "")
    site.write("shop/plugins/door.py", f"import nothing_like_it\n{OWN}    essential = True\n")
    with pytest.raises(PluginError, match="No module named 'nothing_like_it'"):
        importlib.import_module("shop").create_app(FRAMEWORK_STRICT_PLUGINS=False)


def test_star_imports_nothing_of_the_own_package(site: Site) -> None:
    site.write("shop/__init__.py", APPLICATION)
    site.write("shop/plugins/__init__.py", "1 / 0")
    app = importlib.import_module("shop").create_app(TESTING=True, FRAMEWORK_DISABLED_PLUGINS="*")
    assert dict(app.extensions["socketio"].plugins) == {}


def test_own_plugin_is_switched_off_by_name(site: Site) -> None:
    site.write("shop/__init__.py", APPLICATION)
    site.write("shop/plugins/__init__.py", OWN)
    app = importlib.import_module("shop").create_app(TESTING=True, FRAMEWORK_DISABLED_PLUGINS="own")
    assert states(app.extensions["socketio"]) == {"own": "disabled"}
