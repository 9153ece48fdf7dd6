"""Which optional checks restrict the choice of a deployment."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CheckPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPolicy:
    """Which of the checks that may be left out are made. The others are made wherever they can matter."""

    window: bool = False
    """Whether a request that does not fit a model's window is sent there (LiteLLM's `enable_pre_call_checks`). Off, as a window may
    be wider for a customer than the catalogue says; the provider's own refusal leads to the same fallbacks."""
    tags: bool = False
    """Whether `metadata.tags` and the deployments' `tags` decide (`enable_tag_filtering`)."""
    match_any: bool = True
    """One common tag is enough (`tag_filtering_match_any`)."""
    regions: tuple[frozenset[str], ...] = ()
    """Where all calls stay, in one of each (`allowed_model_region`); what a call says can only narrow it."""
    drop_params: bool = False
