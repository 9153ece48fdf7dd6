"""How the servers that speak this dialect differ."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GEMINI_API", "VERTEX_AI", "GeminiAccent"]


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
