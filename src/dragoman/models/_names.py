"""What is a model's own name in the many forms in which hosts and gateways write it: the rules, listed."""

from __future__ import annotations

import re

__all__ = ["LONGEST_NAME", "own_names"]

LONGEST_NAME = 256
"""Nothing longer is looked up (or kept in a cache)."""

_VENDORS = "anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|moonshot|moonshotai|minimax|google|nvidia|zai|writer"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^.*/", ""),  # anthropic/claude-…, accounts/fireworks/models/…, publishers/google/models/…, @cf/meta/…
        (r"^ft:([^:]+).*$", r"\1"),  # OpenAI's fine-tuned models: ft:gpt-4o-mini-2024-07-18:acme::id
        (rf"^(?:[a-z-]+\.)?(?:{_VENDORS})\.", ""),  # Bedrock: us.anthropic.claude-…, openai.gpt-oss-120b-1:0
        (r"^(?:databricks|openai)-(?=claude|gpt|gemini)", ""),  # Databricks and Snowflake
        (r"@.*$", ""),  # Vertex: claude-…@20250219, @default
        (r":.*$", ""),  # Bedrock's :0, OpenRouter's :free, Ollama's :4b, Hugging Face's :groq
        (r"-v\d+$", ""),  # Bedrock
        (r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4})$", ""),  # -20250929, -2025-08-07, -08-2025
        (r"-preview-\d{2}-(?:\d{2}|\d{4})$", "-preview"),  # Gemini
        (r"-(?:latest|\d{3,4})$", ""),  # -latest, gpt-4-0613, gemini-2.0-flash-001, kimi-k2-0905
    )
)


def own_names(model: str) -> tuple[str, ...]:
    """The name without its path, in lower case, and then what the rules leave of it (once, where they change nothing)."""
    name = model.strip().lower()
    as_it_is = name.rpartition("/")[2]
    for pattern, replacement in _RULES:
        name = pattern.sub(replacement, name)
    return (as_it_is, name) if name != as_it_is else (as_it_is,)
