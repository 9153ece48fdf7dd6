"""The parameters that Google and the hub both have, in tables that the reader and the writer share.

https://ai.google.dev/api/generate-content#generationconfig
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CONFIG_PARAMS", "LEVELS", "TIERS_FROM_WIRE", "TIERS_TO_WIRE", "ConfigParam"]


class ConfigParam(NamedTuple):
    """A field of `generationConfig` that differs from the hub's parameter in nothing but its name."""

    name: str
    """The hub's name."""
    wire_name: str
    wire_type: type


CONFIG_PARAMS = (
    ConfigParam("temperature", "temperature", float),
    ConfigParam("top_p", "topP", float),
    ConfigParam("top_k", "topK", float),
    ConfigParam("n", "candidateCount", int),
    ConfigParam("max_tokens", "maxOutputTokens", int),
    ConfigParam("seed", "seed", int),
    ConfigParam("presence_penalty", "presencePenalty", float),
    ConfigParam("frequency_penalty", "frequencyPenalty", float),
    ConfigParam("logprobs", "responseLogprobs", bool),
    ConfigParam("top_logprobs", "logprobs", int),
)
LEVELS = ("minimal", "low", "medium", "high")
"""`thinkingLevel`, weakest first: https://ai.google.dev/gemini-api/docs/thinking#thinking-levels"""

TIERS_FROM_WIRE = {"standard": "default"}
"""Google's service tiers that OpenAI names otherwise; `flex` and `priority` have one name."""
TIERS_TO_WIRE: dict[str, str | None] = {"auto": None} | {tier: wire for wire, tier in TIERS_FROM_WIRE.items()}
"""The same from the hub. None: the tier is Google's default and is not sent."""
