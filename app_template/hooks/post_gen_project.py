"""Take away the files of choices that were answered with no."""

from pathlib import Path

if not {{ cookiecutter.docker }}:
    for name in ("Dockerfile", "compose.yaml", ".dockerignore"):
        Path(name).unlink()
