"""Values as a client has them: what it would send, and what it makes of what it got.

The server reads input schemas and writes output schemas; a test that speaks in the server's own types has to do the
opposite. Only tests use this.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, TypeAdapter
from pydantic_core import SchemaValidator

from ..wire import to_plain

_DATA_KEYS = frozenset({"cls", "metadata", "default", "ref"})
_FIELDS = frozenset({"model-field", "typed-dict-field", "dataclass-field"})
_CONTAINERS = frozenset({"model-fields", "typed-dict", "dataclass-args"})


def to_input(value: Any) -> Any:
    """Return *value* as JSON values under the names that the server validates, bytes kept."""
    if isinstance(value, BaseModel):
        sent: dict[str, Any] = {}
        for name, field in type(value).model_fields.items():
            _put(sent, field.validation_alias or field.alias or name, to_input(getattr(value, name)))
        return sent
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_input(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_input(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_input(item) for item in value]
    if reveal := getattr(value, "get_secret_value", None):
        return to_input(reveal())
    return to_plain(value)


def _put(sent: dict[str, Any], alias: str | AliasPath | AliasChoices, value: Any) -> None:
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    if isinstance(alias, str):
        sent[alias] = value
        return
    *parents, last = alias.path
    for part in parents:
        sent = sent.setdefault(str(part), {})
    sent[str(last)] = value


class OutputReader:
    """Turns what the server sent back into the type that it was declared with.

    Args:
        annotation: The handler's return annotation, or a declared event's types.
    """

    def __init__(self, annotation: Any) -> None:
        schema = _mirror(TypeAdapter(annotation).core_schema)
        self._validator = _build(schema)

    def read(self, value: Any) -> Any:
        """Return *value* in the declared type.

        Raises:
            pydantic.ValidationError: The server sent something else.
        """
        return self._validator.validate_python(value)


@functools.lru_cache(maxsize=512)
def _cached_reader(annotation: Any) -> OutputReader:
    return OutputReader(annotation)


def read_output(annotation: Any, value: Any) -> Any:
    """Return *value*, as it came from the server, in the type that *annotation* declares."""
    try:
        reader = _cached_reader(annotation)
    except TypeError:  # an annotation that can't be hashed
        reader = OutputReader(annotation)
    return reader.read(value)


def _mirror(schema: Any) -> Any:
    """Return *schema* with its fields read under their output names, and computed fields passed over."""
    if isinstance(schema, dict):
        mirrored = {key: value if key in _DATA_KEYS else _mirror(value) for key, value in schema.items()}
        kind = mirrored.get("type")
        if kind in _FIELDS:
            mirrored.pop("validation_alias", None)
            if "serialization_alias" in mirrored:
                mirrored["validation_alias"] = mirrored["serialization_alias"]
        if kind in _CONTAINERS:
            mirrored["extra_behavior"] = "ignore"
        if kind in ("model", "dataclass") and "config" in mirrored:
            mirrored["config"] = {**mirrored["config"], "extra_fields_behavior": "ignore"}
        return mirrored
    if isinstance(schema, list | tuple):
        return type(schema)(_mirror(item) for item in schema)
    return schema


def _build(schema: Any) -> Any:
    try:  # a model's own validator would be used in place of the mirrored schema (pydantic-core 2.34 and later)
        return SchemaValidator(schema, _use_prebuilt=False)
    except TypeError:
        return SchemaValidator(schema)
