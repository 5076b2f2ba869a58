"""Generators: from a contract to the text of one file, and nothing else; they never see the application.

A generator is a function ``(contract, options) -> str``. Those of other distributions are found by entry points of the
group ``framework.generators``, those of plugins by their hook ``generators``.
"""

from __future__ import annotations

from ..contract import Generator
from .registry import GROUP, find_generator, list_generators, read_options

__all__ = ["GROUP", "Generator", "find_generator", "list_generators", "read_options"]
