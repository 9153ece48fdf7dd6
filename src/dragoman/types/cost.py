"""Money: what a call cost, line by line, in integer nano-dollars (1 US dollar = 1,000,000,000 nano-dollars)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["BUCKETS", "NANO_DOLLARS", "Bucket", "Cost", "CostBounds", "CostLine", "dollars"]

NANO_DOLLARS = 1_000_000_000
"""Of one US dollar."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One kind of thing that is counted and paid."""

    per: int
    """A price is for this many."""
    falls_back_to: tuple[str, ...] = ()
    """The buckets whose rate holds, in this order, where a model has none of its own."""


_MILLION, _THOUSAND, _HOUR = 1_000_000, 1_000, 3_600
BUCKETS: Mapping[str, Bucket] = MappingProxyType(
    {
        "input": Bucket(_MILLION),
        "cache_read": Bucket(_MILLION, ("input",)),
        "cache_write_5m": Bucket(_MILLION, ("input",)),
        "cache_write_1h": Bucket(_MILLION, ("cache_write_5m", "input")),
        "input_audio": Bucket(_MILLION, ("input",)),
        "cache_read_audio": Bucket(_MILLION, ("cache_read", "input_audio", "input")),
        "input_image": Bucket(_MILLION, ("input",)),
        "cache_read_image": Bucket(_MILLION, ("cache_read", "input_image", "input")),
        "input_video": Bucket(_MILLION, ("input",)),
        "output": Bucket(_MILLION),
        "reasoning": Bucket(_MILLION, ("output",)),
        "output_audio": Bucket(_MILLION, ("output",)),
        "output_image": Bucket(_MILLION, ("output",)),
        "output_video": Bucket(_MILLION, ("output",)),
        "citation": Bucket(_MILLION, ("output",)),
        "other_model": Bucket(_MILLION),
        "request": Bucket(_THOUSAND),
        "web_search": Bucket(_THOUSAND),
        "social_search": Bucket(_THOUSAND),
        "storage_search": Bucket(_THOUSAND),
        "search_source": Bucket(_THOUSAND),
        "code_execution": Bucket(_THOUSAND),
        "rerank_search": Bucket(_THOUSAND),
        "input_message": Bucket(_THOUSAND),
        "input_character": Bucket(_MILLION),
        "input_page": Bucket(_THOUSAND),
        "annotated_page": Bucket(_THOUSAND, ("input_page",)),
        "image": Bucket(_THOUSAND),
        "input_pixel": Bucket(1_000_000_000),
        "audio_second": Bucket(_HOUR),
        "input_audio_second": Bucket(_HOUR, ("audio_second",)),
        "output_audio_second": Bucket(_HOUR, ("audio_second",)),
        "video_second": Bucket(_HOUR),
    }
)
"""Every bucket by name. The token buckets are those of `TokenBuckets`; they never overlap. `other_model`: tokens of a model that
the answering one called; its price is another row's. `search_source`: the sources that xAI's live search took by the piece."""


class CostLine(NamedTuple):
    """One bucket of one call. (A tuple: some are made for each call, and a tuple is made five times as fast as a record.)"""

    bucket: str
    count: int  # type: ignore[assignment]  # a tuple has a method of this name; nobody counts in a line
    rate: int
    """Nano-dollars for `per` of them."""
    per: int
    amount: int
    """Nano-dollars."""


class Cost(NamedTuple):
    """What a call cost. The amounts of the lines sum up to `total` exactly."""

    total: int | None
    """Nano-dollars. None: unpriced, nothing is known of the model's prices."""
    lines: tuple[CostLine, ...] = ()
    unpriced: tuple[str, ...] = ()
    """Buckets that were used and for which the model has no rate: they are not part of `total`."""
    model: str = ""
    """The row of the catalogue, `provider/model`."""
    source: str = ""
    """Whence the rates are: `genai-prices 0.2.3`, `config`, ..."""
    reported: int | None = None
    """What the provider itself says, in nano-dollars."""


@dataclass(frozen=True, slots=True)
class CostBounds:
    """What a call can cost, before it is made. Nano-dollars; None: unknown."""

    lower: int | None
    upper: int | None
    input_tokens: int | None
    """The most that the request can hold; None: unknown."""
    output_tokens: int | None
    """The most that may be answered."""
    lines: tuple[CostLine, ...] = ()
    """Of the upper bound."""
    model: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()
    """Why a bound is None, or wide."""


def dollars(amount: int) -> str:
    """Nano-dollars as US dollars, without rounding and without an exponent: 1500 is `0.0000015`."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, rest = divmod(amount, NANO_DOLLARS)
    digits = f"{rest:09d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
