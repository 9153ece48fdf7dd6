"""The errors, where LiteLLM's users look for them: `from dragoman.exceptions import RateLimitError`."""

from __future__ import annotations

from dragoman import errors
from dragoman.errors import *  # noqa: F403

__all__ = list(errors.__all__)
