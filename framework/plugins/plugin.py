"""`Plugin`, the class that authors of plugins subclass. What it promises is documented on the class, in the order of its life."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, get_origin

import click
import flask
import flask_socketio
from blinker import NamedSignal
from pydantic import BaseModel
from typing_extensions import TypeVar

from ..errors import PluginError
from ..middleware import AnyMiddleware
from ..transport.carriers import Carrier

if TYPE_CHECKING:  # an application without plugins does not pay for importing them
    from packaging.specifiers import SpecifierSet

    from ..contract import Generator

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class NoSettings(BaseModel):
    """The settings of a plugin that has none."""


S = TypeVar("S", bound=BaseModel, default=NoSettings)


class Plugin(Generic[S]):
    """Something that an application can have: middleware, namespaces, receivers, routes and commands under one name.

    **Name.** ``name`` is what it is switched off by, and the middle of its settings' names. The first line of the docstring
    says what it is for.

    **Settings.** ``class Presence(Plugin[Settings])`` names a pydantic model; ``self.settings`` is an instance of it.
    A value comes from ``app.config``, else from the environment, else from ``Presence(timeout_s=5)``, else it is the
    model's default.

    **Order.** A plugin starts after those that it ``requires`` and those in ``after``, and before those in ``before``;
    otherwise by name.

    **Start.** `init` is called, then each of the other hooks once. What they give is added when all of them have
    returned, so of a plugin that fails nothing is added.

    Args:
        settings: Values for fields of the settings model, which the operator's settings override. They are validated
            when the application gets its plugins.

    Raises:
        PluginError: The model has no such field. When a subclass is created: an attribute can't work.
    """

    name: ClassVar[str] = ""
    """Lower-case letters, digits and underscores; the name of the entry point. Without a name, a class is no plugin yet."""

    version: ClassVar[str] = ""
    """Of the application's own plugins, where others require one. An installed plugin has its distribution's version."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Names of plugins that have to be loaded, with a version where one is needed: ``("auth>=1.0",)``."""

    before: ClassVar[tuple[str, ...]] = ()
    """Names of plugins that start after this one, if they are there."""

    after: ClassVar[tuple[str, ...]] = ()
    """Names of plugins that start before this one, if they are there."""

    requires_framework: ClassVar[str] = ""
    """Versions of the framework that it works with: ``">=0.1"``."""

    essential: ClassVar[bool] = False
    """Whether an application without it is not safe. Its failure is raised, whatever ``FRAMEWORK_STRICT_PLUGINS`` says."""

    settings: S
    """Validated; there from `init` on."""

    app: flask.Flask
    """There from `init` on."""

    socketio: Any
    """The application's `SocketIO`; there from `init` on."""

    _model: ClassVar[type[BaseModel]] = NoSettings
    _requirements: ClassVar[Mapping[str, SpecifierSet]] = {}
    _given: Mapping[str, Any] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _check_attributes(cls)
        cls._model = _read_model(cls)
        cls._requirements = dict(_read_requirement(cls, text) for text in cls.requires)

    def __init__(self, **settings: Any) -> None:
        self._given = settings
        fields = type(self)._model.model_fields
        for name in settings.keys() - fields.keys():
            guess = difflib.get_close_matches(name, fields, 1)
            hint = f"Did you mean {guess[0]!r}?" if guess else f"There are: {', '.join(fields) or 'none'}."
            raise PluginError(f"{type(self).__qualname__}({name}=...): the plugin has no such setting. {hint}")

    def init(self, socketio: Any, app: flask.Flask) -> None:
        """Get ready: called first, with `settings`, `app` and `socketio` set.

        The plugins that this one requires are loaded: ``socketio.plugin(Auth)``. The server is not there yet. What this
        method does to *app* by itself stays when it raises afterwards.
        """

    def middleware(self) -> Iterable[AnyMiddleware]:
        """Return what goes around every connect, event and disconnect; the middleware of earlier plugins is outside."""
        return ()

    def carriers(self) -> Iterable[Carrier]:
        """Return what goes around every emit, and what goes along with it to the other processes of a broker."""
        return ()

    def namespaces(self) -> Iterable[type[flask_socketio.Namespace] | flask_socketio.Namespace]:
        """Return namespaces to serve: classes, or instances."""
        return ()

    def receivers(self) -> Iterable[tuple[NamedSignal, Callable[..., object]]]:
        """Return pairs of a signal and a function, which is connected for this application only.

        The plugin holds the functions, so a lambda will do.
        """
        return ()

    def blueprints(self) -> Iterable[flask.Blueprint]:
        """Return Flask blueprints: HTTP routes, templates, static files."""
        return ()

    def commands(self) -> Iterable[click.Command]:
        """Return click commands for ``flask`` and ``framework``; they run in the application's context."""
        return ()

    def generators(self) -> Iterable[tuple[str, Generator]]:
        """Return pairs of a name and a function ``(contract, options)``, which returns a text, for `framework stubs`."""
        return ()

    @classmethod
    def describe(cls) -> str:
        """Return the first line of the class's own docstring, or nothing."""
        return (vars(cls).get("__doc__") or "").strip().partition("\n")[0]


def _check_attributes(cls: type[Plugin[Any]]) -> None:
    where = f"{cls.__module__}.{cls.__qualname__}"
    if cls.name and not (isinstance(cls.name, str) and _NAME.fullmatch(cls.name)):
        raise PluginError(
            f"{where}.name is {cls.name!r}; it is lower-case letters, digits and underscores, and starts with a letter."
        )
    for attribute in ("requires", "before", "after"):
        value = getattr(cls, attribute)
        if not isinstance(value, tuple | list) or not all(isinstance(item, str) for item in value):
            raise PluginError(f"{where}.{attribute} is {value!r}; it is a tuple of names, e.g. ('auth',).")
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(cls.requires_framework)
    except (InvalidSpecifier, TypeError, AttributeError) as error:
        raise PluginError(
            f"{where}.requires_framework is {cls.requires_framework!r}; it is versions, e.g. '>=0.1'."
        ) from error


def _read_requirement(cls: type[Plugin[Any]], text: str) -> tuple[str, SpecifierSet]:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        found = Requirement(text)
        if found.extras or found.marker or found.url:
            raise InvalidRequirement(text)
    except InvalidRequirement as error:
        raise PluginError(
            f"{cls.__module__}.{cls.__qualname__}.requires has {text!r}; it is a plugin's name, or e.g. 'auth>=1.0'."
        ) from error
    return found.name.replace("-", "_"), found.specifier


def _read_model(cls: type[Plugin[Any]]) -> type[BaseModel]:
    """Return the model in ``Plugin[Model]``, the class's own or what it inherits."""
    for base in vars(cls).get("__orig_bases__", ()):
        origin = get_origin(base)
        if not (isinstance(origin, type) and issubclass(origin, Plugin)):
            continue
        (given, *_) = base.__args__
        if isinstance(given, type) and issubclass(given, BaseModel):
            return given
        if not isinstance(given, TypeVar):
            raise PluginError(
                f"{cls.__module__}.{cls.__qualname__}: the settings in Plugin[...] are {given!r}; "
                "they are a pydantic model that is defined before the plugin."
            )
    return cls._model
