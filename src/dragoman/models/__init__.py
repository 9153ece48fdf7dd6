"""What a model is: facts, names, tokens. Pure data and look-ups; no I/O but reading its own files."""

from __future__ import annotations

from dragoman.models._catalogue import Catalogue
from dragoman.models._facts import facts, provider_of
from dragoman.models.tokens import count_tokens

__all__ = ["Catalogue", "count_tokens", "facts", "provider_of"]
