"""LiteLLM's names for prices and facts, and what they mean here: the one table for both ways. Pure data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from dragoman.types.model_entry import ABILITIES

__all__ = [
    "ABILITY_NAMES",
    "BY_CONTEXT_SIZE",
    "CONDITIONS",
    "NO_MEANING",
    "PRICES",
    "PRICE_NAMES",
    "PROVIDER_NAMES",
    "TOKEN_LIMITS",
    "WITHOUT_TOKENS",
    "Meaning",
    "PriceName",
    "is_price_name",
    "meaning_of",
    "parse_price_name",
]


class Meaning(NamedTuple):
    bucket: str
    """A name of `BUCKETS`."""
    units: int = 1
    """The price is for this many of them."""
    modes: tuple[str, ...] = ()
    """The modes of a model in which the name means this; empty: all others."""


class PriceName(NamedTuple):
    """A price name taken apart: `input_cost_per_token_above_200k_tokens_flex`."""

    stem: str
    above: int = 0
    """The tokens that the input exceeds; 0: any."""
    condition: str = ""
    """A key of `CONDITIONS`; empty: none."""


_HEARD, _SPOKEN, _FILMED = ("audio_transcription",), ("audio_speech",), ("video_generation",)
_DRAWN = ("image_generation", "image_edit")
PRICES: Mapping[str, tuple[Meaning, ...]] = MappingProxyType(
    {
        "input_cost_per_token": (Meaning("input"),),
        "output_cost_per_token": (Meaning("output"),),
        "cache_read_input_token_cost": (Meaning("cache_read"),),
        "input_cost_per_token_cache_hit": (Meaning("cache_read"),),
        "cache_creation_input_token_cost": (Meaning("cache_write_5m"),),
        "cache_creation_input_token_cost_above_1hr": (Meaning("cache_write_1h"),),
        "input_cost_per_audio_token": (Meaning("input_audio"),),
        "cache_read_input_audio_token_cost": (Meaning("cache_read_audio"),),
        "input_cost_per_image_token": (Meaning("input_image"),),
        "cache_read_input_image_token_cost": (Meaning("cache_read_image"),),
        "input_cost_per_video_token": (Meaning("input_video"),),
        "output_cost_per_reasoning_token": (Meaning("reasoning"),),
        "output_cost_per_audio_token": (Meaning("output_audio"),),
        "output_cost_per_image_token": (Meaning("output_image"),),
        "output_cost_per_video_token": (Meaning("output_video"),),
        "citation_cost_per_token": (Meaning("citation"),),
        "input_cost_per_request": (Meaning("request"),),
        "input_cost_per_query": (Meaning("rerank_search", modes=("rerank",)), Meaning("request")),
        "search_context_cost_per_query": (Meaning("web_search"),),
        "file_search_cost_per_1k_calls": (Meaning("storage_search", 1000),),
        "code_interpreter_cost_per_session": (Meaning("code_execution"),),
        "ocr_cost_per_page": (Meaning("input_page"),),
        "annotation_cost_per_page": (Meaning("annotated_page"),),
        "input_cost_per_character": (Meaning("input_character"),),
        "output_cost_per_image": (Meaning("image"),),
        "input_cost_per_image": (Meaning("image", modes=_DRAWN),),
        "input_cost_per_pixel": (Meaning("input_pixel"),),
        # LiteLLM's rows of transcription models give one price under both names; the first found counts.
        "output_cost_per_second": (
            Meaning("audio_second", modes=_HEARD),
            Meaning("output_audio_second", modes=_SPOKEN),
            Meaning("video_second", modes=_FILMED),
        ),
        "input_cost_per_second": (Meaning("audio_second", modes=_HEARD),),
        "input_cost_per_audio_per_second": (Meaning("input_audio_second"),),
        "output_cost_per_audio_per_second": (Meaning("output_audio_second"),),
        "output_cost_per_video_per_second": (Meaning("video_second"),),
        "input_cost_per_video_per_second": (Meaning("video_second"),),
    }
)
"""By name without its suffixes, in dollars for `units` of a bucket.
Of several names for one bucket the first counts, and is written."""

CONDITIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "": MappingProxyType({}),
        "batches": MappingProxyType({"processing": "batch"}),
        "flex": MappingProxyType({"service_tier": "flex"}),
        "priority": MappingProxyType({"service_tier": "priority"}),
        "ultrafast": MappingProxyType({"service_tier": "ultrafast"}),
    }
)
"""The last suffix of a price name -> what the request or answer must say (`PricePeriod.when`)."""

BY_CONTEXT_SIZE: Mapping[str, str] = MappingProxyType(
    {f"search_context_size_{size}": size for size in ("medium", "low", "high")}
)
"""The keys of `search_context_cost_per_query`; the first that is given is the price where a request says nothing."""

WITHOUT_TOKENS: Mapping[str, str] = MappingProxyType({"output_cost_per_image": "output_cost_per_image_token"})
"""A price of whole things that says the same as the price of their tokens, and counts only where that one is not given."""

_NO_MEANING = """
cache_creation_input_audio_token_cost computer_use_input_cost_per_1k_tokens computer_use_output_cost_per_1k_tokens
file_search_cost_per_gb_per_day google_maps_grounding_cost_per_query guardrail_cost_per_unit
input_cost_per_video_per_second_above_15s_interval input_cost_per_video_per_second_above_8s_interval
input_dbu_cost_per_token ocr_cost_per_credit
output_cost_per_character output_cost_per_character_above_128k_tokens output_cost_per_image_0.5K
output_cost_per_image_1024 output_cost_per_image_1536 output_cost_per_image_1K output_cost_per_image_2K
output_cost_per_image_4K output_cost_per_image_512
output_cost_per_pixel output_cost_per_second_1080p output_cost_per_second_2k output_cost_per_second_480p
output_cost_per_second_4k output_cost_per_second_720p output_cost_per_second_768p
output_db_cost_per_token output_dbu_cost_per_token provider_specific_entry
regional_endpoint_uplift_multiplier regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us
vector_store_cost_per_gb_per_day web_search_billing_unit
"""
NO_MEANING: frozenset[str] = frozenset(_NO_MEANING.split())
"""Price names that LiteLLM knows and for which nothing is counted here: named in a warning where they are not zero."""

TOKEN_LIMITS = ("max_tokens", "max_input_tokens", "max_output_tokens")
ABILITY_NAMES: Mapping[str, str] = MappingProxyType({f"supports_{ability}": ability for ability in ABILITIES})

PROVIDER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "azure_text": "azure",
        "bedrock_converse": "bedrock",
        "cohere_chat": "cohere",
        "text-completion-codestral": "codestral",
        "text-completion-inception": "inception",
        "text-completion-openai": "openai",
    }
)
"""What LiteLLM writes as `litellm_provider` where it means one dialect of a provider (`vertex_ai-...` aside)."""

_THRESHOLDS = (32, 128, 200, 256, 272, 512)
_SUFFIX = re.compile(r"(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority|ultrafast))?")
_STEMS = sorted(PRICES, key=len, reverse=True)
PRICE_NAMES: frozenset[str] = frozenset(
    {"tiered_pricing", "off_peak_pricing", *NO_MEANING}
    | {
        f"{stem}{above}{condition}"
        for stem in PRICES
        for above in ("", *(f"_above_{thousands}k_tokens" for thousands in _THRESHOLDS))
        for condition in ("", *(f"_{name}" for name in CONDITIONS if name))
    }
)
"""Every price name of LiteLLM's, with the thresholds that it uses. See `is_price_name` for any threshold."""


def is_price_name(name: str) -> bool:
    """Whether it is one of LiteLLM's price names, with any threshold."""
    return name in PRICE_NAMES or parse_price_name(name) is not None


def parse_price_name(name: str) -> PriceName | None:
    """The name taken apart; None for what is no price name with a meaning here."""
    for stem in _STEMS:
        if name.startswith(stem):
            found = _SUFFIX.fullmatch(name, len(stem))
            if found:
                return PriceName(stem, int(found[1] or 0) * 1000, found[2] or "")
    return None


def meaning_of(stem: str, mode: str) -> Meaning | None:
    """What a price name without suffixes means for a model of this mode; None: nothing that is counted here."""
    return next((meaning for meaning in PRICES[stem] if not meaning.modes or mode in meaning.modes), None)
