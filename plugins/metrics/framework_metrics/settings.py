"""The plugin's settings."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import pairwise
from typing import Annotated, Any

from prometheus_client import CollectorRegistry
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
)

Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(lambda value: ip_network(str(value)))]


def _split(value: Any) -> Any:
    """Read a text with commas as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseModel):
    """Each field is a setting: ``FRAMEWORK_METRICS_`` and its name in capitals.

    Args:
        endpoint: Whether the application serves the metrics by HTTP at all.
        path: Where.
        token: Who asks has to send it, as ``Authorization: Bearer <token>``; at least 16 characters.
        networks: Who asks has to be in one of them: a list, or a text with commas, e.g. ``10.0.0.0/8,fd00::/8``.
        prefix: What the names of all metrics begin with.
        max_names: How many namespaces, codes, reasons and emitted events that were not declared get a series of their own.
        duration_buckets_s: Upper bounds of the histogram of durations, in seconds.
        size_buckets_bytes: Upper bounds of the histogram of payload sizes, in bytes.
        refresh_s: Seconds after which a process tells the others of its clients and rooms; of several processes only.
        registry: Where the metrics are registered; each application has its own by default.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    endpoint: bool = True
    path: str = Field("/metrics", pattern=r"^/[^<>\s?#]*$")
    token: SecretStr | None = Field(None, min_length=16)
    networks: Annotated[tuple[Network, ...], BeforeValidator(_split)] = ()
    prefix: str = Field("framework", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")
    max_names: PositiveInt = 100
    duration_buckets_s: tuple[PositiveFloat, ...] = (
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0
    )  # fmt: skip
    size_buckets_bytes: tuple[PositiveFloat, ...] = (64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576)
    refresh_s: PositiveFloat = 5.0
    registry: CollectorRegistry | None = None

    @field_validator("token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        text = token.get_secret_value() if token is not None else ""
        if not (text.isascii() and text.isprintable() and " " not in text):
            raise ValueError("a token is of printable ASCII characters, without spaces")
        return token

    @field_validator("duration_buckets_s", "size_buckets_bytes")
    @classmethod
    def _check_buckets(cls, buckets: tuple[float, ...]) -> tuple[float, ...]:
        if not buckets or any(lower >= upper for lower, upper in pairwise(buckets)):
            raise ValueError("buckets are at least one number, each above the one before")
        return buckets
