"""A plugin's settings: from ``app.config``, the environment and the code, into its pydantic model."""

from __future__ import annotations

import difflib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NamedTuple, cast, get_args, get_origin

from pydantic import BaseModel, Secret, SecretBytes, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ..errors import ConfigurationError, PluginError
from ..limits import SETTING_PREFIX
from .plugin import Plugin

logger = logging.getLogger("framework")

CONFIG = "app.config"
ENVIRONMENT = "the environment"

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_SECRETS = (Secret, SecretBytes, SecretStr)


class _Value(NamedTuple):
    """One value and where it came from.

    Args:
        label: What the operator or the developer wrote.
    """

    value: Any
    label: str
    source: str


def find_raw(config: Mapping[str, Any], name: str) -> tuple[Any, str]:
    """Return ``FRAMEWORK_<name>`` from *config*, else from the environment, else None; and where it was found."""
    key = SETTING_PREFIX + name
    if config.get(key) is not None:
        return config[key], CONFIG
    return os.environ.get(key), ENVIRONMENT


def read_disabled(config: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in ``FRAMEWORK_DISABLED_PLUGINS``: a list, or a text with commas. ``*`` is one of them.

    Raises:
        ConfigurationError: It is something else.
    """
    value, source = find_raw(config, "DISABLED_PLUGINS")
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, Iterable | None) or not all(isinstance(name, str) for name in value or ()):
        raise ConfigurationError(
            f"{SETTING_PREFIX}DISABLED_PLUGINS is {value!r} in {source}; it is a list of names, or a text with commas."
        )
    return frozenset(name.strip() for name in value or () if name.strip())


def read_strict(config: Mapping[str, Any], default: bool) -> bool:
    """Return ``FRAMEWORK_STRICT_PLUGINS``, or *default* where it is not set.

    Raises:
        ConfigurationError: It is neither true nor false.
    """
    value, source = find_raw(config, "STRICT_PLUGINS")
    text = str(value).strip().lower()
    if value is None or text == "":
        return default
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ConfigurationError(f"{SETTING_PREFIX}STRICT_PLUGINS is {value!r} in {source}; it is true or false.")


def read_settings(plugin: Plugin[Any], config: Mapping[str, Any], others: Iterable[str]) -> BaseModel:
    """Return an instance of the plugin's settings model.

    Args:
        config: ``app.config``; its values are taken as they are. Texts of the environment are converted as pydantic does
            outside of its strict mode; what begins with ``[`` or ``{``, for a field that takes no text, is JSON.
        others: Names of the other plugins, whose settings may begin with this one's name.

    Raises:
        PluginError: A value is missing, or can't be used. The value of a secret is in no message and in no ``__cause__``.
    """
    model = type(plugin)._model
    prefix = f"{type(plugin).name.upper()}_"
    _warn_of_unknown(plugin, config, others)
    found = {name: value for name in model.model_fields if (value := _find(plugin, config, prefix, name)) is not None}
    values = {name: _read_text(model.model_fields[name], one) for name, one in found.items()}
    try:
        return model.model_validate(values, by_name=True, by_alias=False)
    except ValidationError as error:
        reasons = "; ".join(_describe(model, found, prefix, one) for one in error.errors(include_url=False))
        cause = None if any(_is_hidden(model, one["loc"]) for one in error.errors(include_url=False)) else error
    raise PluginError(f"{reasons}.") from cause


def _find(plugin: Plugin[Any], config: Mapping[str, Any], prefix: str, field: str) -> _Value | None:
    setting = prefix + field.upper()
    value, source = find_raw(config, setting)
    if value is not None:
        return _Value(value, SETTING_PREFIX + setting, source)
    if field in plugin._given:
        return _Value(plugin._given[field], field, f"{type(plugin).__name__}(...)")
    return None


def _read_text(field: FieldInfo, found: _Value) -> Any:
    """Return the value, decoded where it is JSON for a field that takes no text."""
    text = found.value
    if found.source != ENVIRONMENT or not text.lstrip().startswith(("[", "{")) or _takes(field, text):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        place = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it"
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is no JSON"
    raise PluginError(f"{found.label} in {found.source} is no JSON: {reason} ({place}).")


def _takes(field: FieldInfo, text: str) -> bool:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, Annotated)[field.annotation, field])
        adapter.validate_python(text)
    except ValidationError:
        return False
    return True


def is_secret(field: FieldInfo) -> bool:
    """Say whether a value of *field* must not be shown: it has one of pydantic's secrets in it, or ``repr=False``."""
    return not field.repr or _has_secret(field.annotation)


def _has_secret(annotation: Any, seen: frozenset[Any] = frozenset()) -> bool:
    kinds = [kind for kind in (annotation, get_origin(annotation)) if isinstance(kind, type)]
    if any(issubclass(kind, _SECRETS) for kind in kinds):
        return True
    if any(issubclass(kind, BaseModel) and kind not in seen for kind in kinds):
        fields = annotation.model_fields.values()
        return any(not field.repr or _has_secret(field.annotation, seen | {annotation}) for field in fields)
    return any(_has_secret(argument, seen) for argument in get_args(annotation))


def _describe(model: type[BaseModel], found: Mapping[str, _Value], prefix: str, error: Any) -> str:
    """Say which setting can't be used, where it came from and why."""
    place, reason = error["loc"], error["msg"]
    name, hidden = _find_field(model, place), _is_hidden(model, place)
    if name is None:
        return f"its settings: {error['type'] if hidden else reason}"
    if name not in found:
        setting = SETTING_PREFIX + prefix + name.upper()
        return f"{setting} is missing. Set it in app.config or the environment"
    one = found[name]
    inner = "".join(f"[{part!r}]" for part in place[1:])
    shown = "" if hidden else f" is {error['input']!r}"
    if hidden and error["type"] in ("value_error", "assertion_error"):
        reason = "its value is not allowed"  # the author's own words, which may quote it
    return f"{one.label}{inner}{shown} in {one.source}: {reason}"


def _find_field(model: type[BaseModel], place: tuple[int | str, ...]) -> str | None:
    """Return the field that *place* is in; None where the whole model is meant."""
    fields = model.model_fields.items()
    return next((name for name, field in fields if place and place[0] in (name, field.alias)), None)


def _is_hidden(model: type[BaseModel], place: tuple[int | str, ...]) -> bool:
    """Say whether what was given for *place* must not be shown."""
    name = _find_field(model, place)
    fields = model.model_fields.values() if name is None else [model.model_fields[name]]
    return any(is_secret(field) for field in fields)


def _warn_of_unknown(plugin: Plugin[Any], config: Mapping[str, Any], others: Iterable[str]) -> None:
    prefix = f"{SETTING_PREFIX}{type(plugin).name.upper()}_"
    known = [name.upper() for name in type(plugin)._model.model_fields]
    foreign = tuple(f"{SETTING_PREFIX}{other.upper()}_" for other in others if len(other) > len(type(plugin).name))
    for source, settings in ((CONFIG, config), (ENVIRONMENT, os.environ)):
        for key in sorted(key for key in settings if key.startswith(prefix) and not key.startswith(foreign)):
            name = key.removeprefix(prefix)
            if name not in known:
                guess = difflib.get_close_matches(name, known, 1)
                hint = f" Did you mean {prefix}{guess[0]}?" if guess else ""
                logger.warning("%s in %s: plugin %s has no such setting.%s", key, source, type(plugin).name, hint)
