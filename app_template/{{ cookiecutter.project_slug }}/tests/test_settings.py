import pytest
from pydantic import ValidationError

from {{ cookiecutter.project_slug }} import create_app
from {{ cookiecutter.project_slug }}.settings import MissingSecretKeyError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLASK_SECRET_KEY", "FLASK_DEBUG", "FLASK_PEOPLE_PER_ROOM"):
        monkeypatch.delenv(name, raising=False)


def test_production_without_a_secret_key_does_not_start() -> None:
    with pytest.raises(MissingSecretKeyError, match="FLASK_SECRET_KEY is not set"):
        create_app()


def test_the_secret_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_SECRET_KEY", "from the environment")
    assert create_app().secret_key == "from the environment"


def test_debug_makes_a_new_secret_key_for_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert create_app().secret_key != create_app().secret_key


def test_a_setting_of_the_wrong_kind_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_PEOPLE_PER_ROOM", "many")
    with pytest.raises(ValidationError, match="PEOPLE_PER_ROOM"):
        create_app({"TESTING": True})
