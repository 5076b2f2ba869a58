"""``python -m framework``: the same as the command ``framework``."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
