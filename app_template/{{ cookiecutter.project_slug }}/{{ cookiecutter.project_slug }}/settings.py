"""Where the settings come from: the environment, as ``FLASK_<NAME>``, then what `create_app` is given."""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Flask
from framework import FrameworkError
from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """The application's own settings; Flask's and the framework's stay in ``app.config``."""

    model_config = ConfigDict(alias_generator=str.upper, frozen=True)

    people_per_room: int = Field(default=50, ge=1)
    rooms_per_person: int = Field(default=8, ge=1)
    messages_kept: int = Field(default=50, ge=0)


class MissingSecretKeyError(FrameworkError):
    """The application was started for production without a secret key."""


def load_settings(app: Flask, config: Mapping[str, Any] | None = None) -> Settings:
    """Fill ``app.config`` and return the application's own settings, validated.

    Raises:
        MissingSecretKeyError: There is no secret key, and the application runs neither in debug mode nor in a test.
        pydantic.ValidationError: A setting has a value of the wrong kind.
    """
    app.config.from_prefixed_env()
    app.config.from_mapping(config or {})
    _ensure_secret_key(app)
    return Settings.model_validate(dict(app.config))


def _ensure_secret_key(app: Flask) -> None:
    if app.secret_key:
        return
    if not (app.debug or app.testing):
        raise MissingSecretKeyError(
            "FLASK_SECRET_KEY is not set, and production needs one that stays the same. "
            "Make one with: python -c 'import secrets; print(secrets.token_hex())'"
        )
    app.secret_key = secrets.token_hex()
