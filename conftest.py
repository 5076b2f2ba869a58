"""What Hypothesis does in every test, of the package and of the plugins."""

from __future__ import annotations

from hypothesis import settings

from tests.effort import tries

# How long an example takes says nothing on a machine that is busy with other tests.
settings.register_profile("project", deadline=None, max_examples=tries(100))
settings.load_profile("project")
