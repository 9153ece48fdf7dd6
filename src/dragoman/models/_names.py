"""What is a model's own name in the many forms in which hosts and gateways write it: the rules, listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["LONGEST_NAME", "RULES", "Rule", "names_by_rule", "own_names"]

LONGEST_NAME = 256
"""Nothing longer is looked up (or kept in a cache)."""

_VENDORS = "anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|moonshot|moonshotai|minimax|google|nvidia|zai|writer"
_FAMILY_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
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
    """The name without its path, in lower case, and then what the rules of families leave of it (once, where they change
    nothing). It tells what family a model is of; what it costs is asked with `names_by_rule`."""
    name = model.strip().lower()
    as_it_is = name.rpartition("/")[2]
    for pattern, replacement in _FAMILY_RULES:
        name = pattern.sub(replacement, name)
    return (as_it_is, name) if name != as_it_is else (as_it_is,)


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which the same model is written with another name at the same provider, and at the same price."""

    name: str
    pattern: re.Pattern[str]
    replacement: str = ""
    providers: tuple[str, ...] = ()
    """Where it holds; empty: everywhere."""


def _rule(name: str, pattern: str, replacement: str = "", providers: tuple[str, ...] = ()) -> Rule:
    return Rule(name, re.compile(pattern), replacement, providers)


_GOOGLE, _DAY = ("gemini", "vertex_ai"), r"20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
RULES: tuple[Rule, ...] = (
    _rule("resource path", r"^(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?models/", "", _GOOGLE),
    _rule("publisher prefix", r"^(?:google|anthropic)/", "", ("vertex_ai",)),
    _rule("Bedrock API prefix", r"^(?:converse|invoke)/", "", ("bedrock",)),
    # Not `global.`, nor `us-gov.`: these have prices of their own. https://aws.amazon.com/bedrock/pricing/
    _rule("Bedrock region prefix", r"^(?:us|eu|apac|au|jp|in|ca)\.(?=[a-z0-9]+\.)", "", ("bedrock",)),
    _rule("Bedrock version suffix", r"-v\d+$", r"\g<0>:0", ("bedrock",)),
    _rule("Bedrock context suffix", r"(?<=:\d):\d+k$", "", ("bedrock",)),
    _rule("Bedrock version suffix", r":\d+$", "", ("bedrock",)),
    _rule("Bedrock version suffix", r"-v\d+$", "", ("bedrock",)),
    _rule("Vertex @version", rf"@(?:{_DAY}|default|latest)$", "", ("vertex_ai",)),
    # https://learn.microsoft.com/azure/ai-foundry/openai/concepts/models: a point was not allowed in names there
    _rule("Azure's gpt-35", r"^gpt-35-", "gpt-3.5-", ("azure", "azure_ai")),
    # What is left still begins with `ft:`: tuned models have prices of their own.
    _rule("fine-tuned model", r"^(ft:[^:]+):.+$", r"\1", ("openai", "azure")),
    _rule(":latest", r":latest$"),
    _rule("compact date", rf"-(?={_DAY}$)(\d{{4}})(\d{{2}})(\d{{2}})$", r"-\1-\2-\3"),
    _rule("date suffix", r"-20\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$"),
    _rule("-latest", r"-latest$"),
    _rule("Fireworks path", r"^(?=[^/]+$)", "accounts/fireworks/models/", ("fireworks_ai",)),
)
"""In this order, each applied to what the one before left; after each the name is looked for. Deliberately not here: -MMYY,
-MMDD, -MM-YYYY (Mistral's, Moonshot's and Cohere's are other models, at other prices), and `:free` and its like."""


def names_by_rule(provider: str, model: str) -> Iterator[tuple[str, str]]:
    """The names, in lower case, under which `model` may be known too, each with the rules that lead to it."""
    name, used = model.strip().lower(), []
    prefix = f"{provider}/"
    if name.startswith(prefix):
        name, used = name.removeprefix(prefix), ["provider prefix"]
        yield name, used[0]
    for rule in RULES:
        changed = (
            name if rule.providers and provider not in rule.providers else rule.pattern.sub(rule.replacement, name)
        )
        if changed and changed != name:
            name = changed
            used += [rule.name] if rule.name not in used else []
            yield name, ", ".join(used)
