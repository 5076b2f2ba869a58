"""A plugin's settings: where they come from, and what a wrong one is told."""

from __future__ import annotations

import datetime
import logging
import traceback
from typing import Annotated, Any, Generic, TypeVar

import pytest
from flask import Flask
from pydantic import BaseModel, Field, PositiveInt, Secret, SecretStr, field_validator, model_validator

from framework import Plugin, PluginError, SocketIO


class Inner(BaseModel):
    key: SecretStr | None = None
    size: int = 1


class Settings(BaseModel):
    timeout_s: PositiveInt = 30
    window: datetime.timedelta = datetime.timedelta(seconds=5)
    is_open: bool = False
    names: list[str] = []
    title: str | None = "none"
    inner: Inner = Inner()
    limit: Annotated[int, Field(ge=1)] | None = None
    other: int = Field(0, alias="otherName")


class Presence(Plugin[Settings]):
    name = "presence"


class Guarded(BaseModel):
    token: SecretStr = Field(min_length=20)
    pins: list[Secret[int]] = []
    word: str = Field("", repr=False, max_length=3)

    @field_validator("token")
    @classmethod
    def check(cls, token: SecretStr) -> SecretStr:
        if "bad" in token.get_secret_value():
            raise ValueError(f"{token.get_secret_value()} is known to the world")
        return token


class Door(Plugin[Guarded]):
    name = "door"


def build(*plugins: Any, **config: Any) -> SocketIO:
    app = Flask(__name__)
    app.testing = True
    app.config.update(config)
    return SocketIO(app, plugins=plugins)


def settings_of(plugin: Any = Presence, **config: Any) -> Settings:
    return build(plugin, **config).plugin(Presence).settings


def failure_of(*plugins: Any, **config: Any) -> PluginError:
    with pytest.raises(PluginError) as failure:
        build(*plugins, **config)
    return failure.value


# -- where they come from


def test_without_settings_there_are_the_defaults_of_the_model() -> None:
    assert settings_of() == Settings()


def test_app_config_wins_over_the_environment_and_that_over_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Presence(timeout_s=1, is_open=True, title="code")
    monkeypatch.setenv("FRAMEWORK_PRESENCE_TIMEOUT_S", "2")
    monkeypatch.setenv("FRAMEWORK_PRESENCE_TITLE", "environment")
    settings = settings_of(given, FRAMEWORK_PRESENCE_TIMEOUT_S=3)
    assert (settings.timeout_s, settings.title, settings.is_open) == (3, "environment", True)


def test_none_in_app_config_is_not_set() -> None:
    assert settings_of(Presence(timeout_s=1), FRAMEWORK_PRESENCE_TIMEOUT_S=None).timeout_s == 1


def test_texts_of_the_environment_are_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "TIMEOUT_S": "7",
        "WINDOW": "PT3S",
        "IS_OPEN": "yes",
        "NAMES": ' ["a", "b"]',
        "TITLE": "[not json",
        "INNER": '{"size": 4}',
        "LIMIT": "9",
        "OTHER": "8",
    }.items():
        monkeypatch.setenv(f"FRAMEWORK_PRESENCE_{name}", text)
    assert settings_of() == Settings(
        timeout_s=7,
        window=datetime.timedelta(seconds=3),
        is_open=True,
        names=["a", "b"],
        title="[not json",
        inner=Inner(size=4),
        limit=9,
        otherName=8,
    )


def test_values_of_app_config_are_taken_as_they_are() -> None:
    assert settings_of(FRAMEWORK_PRESENCE_NAMES=["x"], FRAMEWORK_PRESENCE_INNER=Inner(size=2)).inner.size == 2
    assert "Input should be a valid list" in str(failure_of(Presence, FRAMEWORK_PRESENCE_NAMES='["x"]'))


def test_settings_are_typed_through_a_generic_base() -> None:
    T = TypeVar("T", bound=BaseModel)

    class Base(Plugin[T], Generic[T]):
        pass

    class Child(Base[Settings]):
        name = "child"

    class Grandchild(Child):
        name = "grandchild"

    assert build(Grandchild(timeout_s=4)).plugin(Grandchild).settings.timeout_s == 4


# -- wrong ones


def test_wrong_text_of_the_environment_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_PRESENCE_TIMEOUT_S", "soon")
    failure = failure_of(Presence)
    assert str(failure) == (
        "plugin presence (SocketIO(plugins=...)): FRAMEWORK_PRESENCE_TIMEOUT_S is 'soon' in the environment: Input "
        "should be a valid integer, unable to parse string as an integer."
    )
    assert type(failure.__cause__).__name__ == "ValidationError"


def test_every_wrong_setting_is_named_with_where_it_came_from() -> None:
    failure = failure_of(Presence(timeout_s=-1), FRAMEWORK_PRESENCE_INNER={"size": "x"}, FRAMEWORK_PRESENCE_OTHER="y")
    assert str(failure) == (
        "plugin presence (SocketIO(plugins=...)): timeout_s is -1 in Presence(...): Input should be greater than 0; "
        "FRAMEWORK_PRESENCE_INNER['size'] in app.config: Input should be a valid integer, unable to parse string as an "
        "integer; FRAMEWORK_PRESENCE_OTHER is 'y' in app.config: Input should be a valid integer, unable to parse "
        "string as an integer."
    )


def test_missing_setting_is_named_with_where_it_goes() -> None:
    assert str(failure_of(Door)) == (
        "plugin door (SocketIO(plugins=...)): FRAMEWORK_DOOR_TOKEN is missing. Set it in app.config or the environment."
    )


def test_broken_json_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_PRESENCE_NAMES", '["a"')
    assert str(failure_of(Presence)) == (
        "plugin presence (SocketIO(plugins=...)): FRAMEWORK_PRESENCE_NAMES in the environment is no JSON: Expecting ',' "
        "delimiter (line 1 column 5)."
    )


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"FRAMEWORK_DOOR_TOKEN": "hunter2"}, "FRAMEWORK_DOOR_TOKEN in app.config: Value should have at least 20 items"),
        ({"FRAMEWORK_DOOR_TOKEN": "hunter2" + "bad" * 9}, "FRAMEWORK_DOOR_TOKEN in app.config: its value is not allowed"),
        ({"FRAMEWORK_DOOR_WORD": "hunter2"}, "FRAMEWORK_DOOR_WORD in app.config: String should have at most 3"),
        ({"FRAMEWORK_DOOR_PINS": ["hunter2"]}, "FRAMEWORK_DOOR_PINS[0] in app.config: Input should be a valid integer"),
    ],
)  # fmt: skip
def test_value_of_a_secret_is_shown_nowhere(config: dict[str, Any], said: str) -> None:
    failure = failure_of(Door, **{"FRAMEWORK_DOOR_TOKEN": "a" * 20, **config})
    assert said in str(failure)
    assert "hunter2" not in "".join(traceback.format_exception(failure))
    assert failure.__cause__ is None


def test_whole_model_that_does_not_fit_is_told_without_what_may_be_secret() -> None:
    class Pair(BaseModel):
        low: int = 1
        high: int = 2

        @model_validator(mode="after")
        def check(self) -> Pair:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    class SecretPair(Pair):
        key: SecretStr = SecretStr("")

    class Plain(Plugin[Pair]):
        name = "pair"

    class Secretive(Plugin[SecretPair]):
        name = "pair"

    config = {"FRAMEWORK_PAIR_LOW": 9}
    assert str(failure_of(Plain, **config)).endswith(": its settings: Value error, low is above high.")
    assert str(failure_of(Secretive, **config)).endswith(": its settings: value_error.")


def test_unknown_setting_is_a_warning_with_a_suggestion(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEWORK_PRESENCE_COLOUR", "red")
    settings_of(FRAMEWORK_PRESENCE_TIMEOUT=3)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "FRAMEWORK_PRESENCE_TIMEOUT in app.config: plugin presence has no such setting. "
        "Did you mean FRAMEWORK_PRESENCE_TIMEOUT_S?",
        "FRAMEWORK_PRESENCE_COLOUR in the environment: plugin presence has no such setting.",
    ]


def test_setting_of_a_plugin_with_a_longer_name_is_no_unknown_one(caplog: pytest.LogCaptureFixture) -> None:
    class Log(Plugin[Settings]):
        name = "presence_log"

    build(Presence, Log, FRAMEWORK_PRESENCE_LOG_TIMEOUT_S=3)
    assert caplog.records == []


def test_field_that_there_is_not_is_refused_where_it_is_given() -> None:
    with pytest.raises(PluginError) as failure:
        Presence(timeout=3)
    assert str(failure.value) == "Presence(timeout=...): the plugin has no such setting. Did you mean 'timeout_s'?"
    with pytest.raises(PluginError, match=r"Quiet\(x=...\): the plugin has no such setting\. There are: none\.$"):
        type("Quiet", (Plugin,), {})(x=1)


@pytest.mark.parametrize("given", [dict, "Settings"])
def test_settings_that_are_no_model_are_refused_when_the_class_is_created(given: Any) -> None:
    with pytest.raises(
        PluginError, match=r"Bad: the settings in Plugin\[\.\.\.\] are .*; they are a pydantic model that"
    ):

        class Bad(Plugin[given]):
            name = "bad"
