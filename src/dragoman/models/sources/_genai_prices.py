"""What genai-prices knows: prices by provider and model, in our buckets."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from importlib.metadata import version
from typing import Any

from genai_prices import data
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from dragoman.errors import ConfigError
from dragoman.types.cost import BUCKETS, NANO_DOLLARS
from dragoman.types.model_entry import PricePeriod, Provenance, Rate

__all__ = ["PRICE_KEYS", "equal_names", "nano_dollars", "periods", "provenance", "providers"]

PRICE_KEYS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "cache_audio_read_mtok": "cache_read_audio",
    "input_image_mtok": "input_image",
    "cache_image_read_mtok": "cache_read_image",
    "input_video_mtok": "input_video",
    "output_audio_mtok": "output_audio",
    "output_image_mtok": "output_image",
    "output_video_mtok": "output_video",
    "output_reasoning_mtok": "reasoning",
    "output_citation_mtok": "citation",
    "requests_kcount": "request",
    "web_searches_kcount": "web_search",
    "social_searches_kcount": "social_search",
    "storage_searches_kcount": "storage_search",
    "code_executions_kcount": "code_execution",
    "rerank_searches_kcount": "rerank_search",
    "input_text_messages_kcount": "input_message",
    "input_mchars": "input_character",
    "input_document_kpages": "input_page",
    "input_annotated_document_kpages": "annotated_page",
    "input_gpixels": "input_pixel",
    "audio_hours": "audio_second",
    "input_audio_hours": "input_audio_second",
    "output_audio_hours": "output_audio_second",
}
"""Our bucket of each of their price keys. One that is missing makes the build fail: nothing is dropped silently."""

assert set(PRICE_KEYS.values()) <= set(BUCKETS)

_READ_ON = re.compile(r"(?:as of|checked|verified)(?: on)? (20\d\d-\d\d-\d\d)", re.IGNORECASE)


def providers() -> dict[str, Provider]:
    return {provider.id: provider for provider in data.providers}


@functools.cache
def provenance() -> Provenance:
    """As of the newest day on which a comment says that a page of prices was read; start dates may lie in the future."""
    comments = [comment for provider in data.providers for comment in _comments(provider) if comment]
    days = [date.fromisoformat(day) for comment in comments for day in _READ_ON.findall(comment)]
    return Provenance("genai-prices", version("genai-prices"), max(days))


def _comments(provider: Provider) -> Iterator[str | None]:
    yield provider.price_comments
    yield from (model.price_comments for model in provider.models)


def equal_names(clause: MatchLogic) -> Iterator[str]:
    """The exact names by which a model is matched."""
    if isinstance(clause, ClauseEquals):
        yield clause.equals
    elif isinstance(clause, ClauseOr):
        for part in clause.or_:
            yield from equal_names(part)


def periods(model: ModelInfo) -> tuple[PricePeriod, ...]:
    """The conditions in their order, then the variants in theirs, but those that change no price."""
    prices = model.prices
    conditions = [ConditionalPrice(prices=prices)] if isinstance(prices, ModelPrice) else prices
    variants = [variant for variant in model.price_variants or () if vars(variant.prices)]
    return (
        *(PricePeriod(_rates(condition.prices), **_times(condition.constraint)) for condition in conditions),
        *(
            PricePeriod(_rates(variant.prices), **_times(variant.constraint), when=dict(variant.when))
            for variant in variants
        ),
    )


def _times(constraint: StartDateConstraint | TimeOfDateConstraint | None) -> dict[str, Any]:
    if isinstance(constraint, StartDateConstraint):
        return {"starts": constraint.start_date}
    return {} if constraint is None else {"hours": (_utc(constraint.start_time), _utc(constraint.end_time))}


def _rates(prices: ModelPrice) -> dict[str, Rate]:
    values = {key: value for key, value in vars(prices).items() if value is not None}
    unknown = values.keys() - PRICE_KEYS.keys()
    if unknown:
        raise ConfigError(f"genai-prices: there is no bucket for a price of {sorted(unknown)}")
    rates = {PRICE_KEYS[key]: _rate(value) for key, value in values.items()}
    return {bucket: rates[bucket] for bucket in BUCKETS if bucket in rates}


def _rate(value: Decimal | TieredPrices) -> Rate:
    if isinstance(value, TieredPrices):
        tiers = tuple((tier.start, nano_dollars(tier.price)) for tier in value.tiers)
        return Rate(nano_dollars(value.base), tiers)
    return Rate(nano_dollars(value))


def nano_dollars(price: Decimal) -> int:
    """Of dollars, to the nearest: some sources multiply in floating point, and leave 0.09999999999999999."""
    if not price.is_finite() or price < 0:
        raise ConfigError(f"{price} is no price")
    return int((price * NANO_DOLLARS).to_integral_value(ROUND_HALF_UP))


def _utc(hour: time) -> time:
    """Times without a zone are UTC."""
    if hour.tzinfo is None:
        return hour
    return datetime.combine(date(1970, 1, 1), hour).astimezone(UTC).time()
