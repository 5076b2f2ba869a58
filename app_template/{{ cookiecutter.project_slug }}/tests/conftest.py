import pytest
from flask import Flask

from {{ cookiecutter.project_slug }} import create_app


@pytest.fixture
def app() -> Flask:
    return create_app({"TESTING": True, "PEOPLE_PER_ROOM": 2, "ROOMS_PER_PERSON": 2, "MESSAGES_KEPT": 3})
