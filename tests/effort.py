"""How many examples Hypothesis tries: all of them on one Python, fewer where `make matrix` repeats the tests."""

from __future__ import annotations

import os

AT_LEAST = 20


def tries(most: int) -> int:
    """*most*, or with ``FEWER_EXAMPLES`` in the environment a fifth of it."""
    return max(min(most, AT_LEAST), most // 5) if "FEWER_EXAMPLES" in os.environ else most
