"""genai-prices as an oracle: its models as rows of our kind, made here without our catalogue, and its own answers."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from genai_prices.data import providers
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate

__all__ = ["BUCKET_OF_PRICE", "NAMES", "entry_of", "model_of", "nano_dollars", "provider_of"]

BUCKET_OF_PRICE = {
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
    "web_searches_kcount": "web_search",
    "social_searches_kcount": "social_search",
    "storage_searches_kcount": "storage_search",
    "code_executions_kcount": "code_execution",
    "rerank_searches_kcount": "rerank_search",
    "requests_kcount": "request",
    "input_text_messages_kcount": "input_message",
    "input_mchars": "input_character",
    "input_document_kpages": "input_page",
    "input_annotated_document_kpages": "annotated_page",
    "audio_hours": "audio_second",
    "input_audio_hours": "input_audio_second",
    "output_audio_hours": "output_audio_second",
}
NAMES = {
    "gemini": "google",
    "vertex": "google",
    "xai": "x-ai",
    "moonshot": "moonshotai",
    "github_copilot": "github-copilot",
}
"""Our names of providers -> theirs, where they differ."""


@functools.cache
def provider_of(name: str) -> Provider | None:
    return next((provider for provider in providers if provider.id == NAMES.get(name, name)), None)


def model_of(provider: Provider, name: str) -> ModelInfo | None:
    return provider.find_model(name, all_providers=list(providers))


def nano_dollars(dollars: Decimal) -> int:
    """Rounded half up."""
    return int(dollars * 10**9 + Decimal("0.5"))


def rates_of(prices: ModelPrice) -> dict[str, Rate]:
    return {BUCKET_OF_PRICE[key]: _rate(price) for key, price in prices.__dict__.items() if price is not None}


def _rate(price: Decimal | TieredPrices) -> Rate:
    if isinstance(price, TieredPrices):
        tiers = tuple((tier.start, nano_dollars(tier.price)) for tier in price.tiers)
        return Rate(nano_dollars(price.base), tiers)
    return Rate(nano_dollars(price))


def entry_of(provider: Provider, model: ModelInfo) -> ModelEntry:
    prices: Any = model.prices
    plain = [ConditionalPrice(prices=prices)] if isinstance(prices, ModelPrice) else prices
    return ModelEntry(
        provider=provider.id,
        model=model.id,
        prices=tuple(_period(period) for period in (*plain, *(model.price_variants or ()))),
        price_provenance=Provenance("genai-prices"),
    )


def _period(period: ConditionalPrice | PriceVariant) -> PricePeriod:
    constraint = period.constraint
    when: Mapping[str, str] = period.when if isinstance(period, PriceVariant) else {}
    starts: datetime.date | None = None
    hours = None
    if isinstance(constraint, StartDateConstraint):
        starts = constraint.start_date
    elif isinstance(constraint, TimeOfDateConstraint):
        hours = (_utc(constraint.start_time), _utc(constraint.end_time))
    return PricePeriod(rates_of(period.prices), starts, hours, when)


def _utc(time: datetime.time) -> datetime.time:
    if time.tzinfo is None:
        return time
    return datetime.datetime.combine(datetime.date(2026, 1, 2), time).astimezone(datetime.UTC).time()
