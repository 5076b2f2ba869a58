"""The page of the plugin names everything that there is."""

from __future__ import annotations

import re

import framework_auth
import pytest
from framework_auth import Settings
from framework_auth.clients import ENDED, EXPIRING

from tests.live import ROOT

PAGE = (ROOT / "docs" / "plugins" / "auth.md").read_text("utf-8")
README = (ROOT / "plugins" / "auth" / "README.md").read_text("utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    table = PAGE.partition("## Settings")[2].partition("## In handlers")[0]
    rows = dict(re.findall(r"^\| `FRAMEWORK_AUTH_(\w+)` \| (.*?) \|", table, re.MULTILINE))
    assert [name.lower() for name in rows] == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        shown, default = rows[name.upper()].strip("`"), field.default
        if isinstance(default, bool):
            assert shown == str(default).lower()
        elif isinstance(default, float):
            assert float(shown.replace("_", "")) == default
        elif isinstance(default, str):
            assert shown == default


@pytest.mark.parametrize("name", [*framework_auth.__all__, "make_token", ENDED, EXPIRING, "auth_refresh"])
def test_every_public_name_is_documented(name: str) -> None:
    assert f"`{name}" in PAGE


def test_readme_names_no_setting_that_there_is_not() -> None:
    named = re.findall(r"(?:FRAMEWORK_AUTH)?_((?:JWT|SESSION|REQUIRED|WARN|REVOCATION)[A-Z_]*)", README)
    assert {name.lower() for name in named} <= Settings.model_fields.keys()
