"""How the servers that speak this dialect differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dragoman.dialects.codec import Target
from dragoman.dialects.write_context import WriteContext

__all__ = ["GEMINI_API", "VERTEX_AI", "GeminiAccent", "GeminiWriteContext", "accent_of", "is_gemini_3"]


@dataclass(frozen=True, slots=True)
class GeminiAccent:
    """One server's version of the dialect. `Target.accent` holds one; None is the Gemini API."""

    server_tools_shown: bool = True
    """Whether `toolConfig.includeServerSideToolInvocations` is known, and demanded where both kinds of tools are given."""
    labels: bool = False
    """Whether a request takes `labels`."""
    wrapped_count: bool = True
    """Whether countTokens takes a whole request only inside of `generateContentRequest`."""


GEMINI_API = GeminiAccent()
VERTEX_AI = GeminiAccent(server_tools_shown=False, labels=True, wrapped_count=False)

GeminiWriteContext: TypeAlias = WriteContext[GeminiAccent]


def accent_of(target: Target) -> GeminiAccent:
    """Return the accent of a target; that of the Gemini API where it has none."""
    return target.accent if isinstance(target.accent, GeminiAccent) else GEMINI_API


def is_gemini_3(context: GeminiWriteContext) -> bool:
    """Whether the model demands signatures, takes media in results, and a resolution for each part.

    Those are the models with thinking levels: https://ai.google.dev/gemini-api/docs/gemini-3
    """
    return context.target.facts.reasoning == "level"
