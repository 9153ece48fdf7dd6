"""What a model is: facts, names, tokens. Pure data and look-ups; no I/O but reading its own files."""

from __future__ import annotations

from dragoman.models._abilities import Abilities, Missing, abilities, lacking, missing
from dragoman.models._catalogue import Catalogue
from dragoman.models._cost import cost_of, reported_cost
from dragoman.models.bounds import cost_bounds
from dragoman.models.family_facts import facts, only_endpoint, provider_of
from dragoman.models.prices import price_context, rates_at
from dragoman.models.required_abilities import needed
from dragoman.models.tokens import (
    TokenTally,
    acount_tokens_locally,
    count_tokens,
    decode,
    encode,
    encoding_of,
    tally_tokens,
    tokens_lower_bound,
    tokens_upper_bound,
    warm_up,
)

__all__ = [
    "Abilities",
    "Catalogue",
    "Missing",
    "TokenTally",
    "abilities",
    "acount_tokens_locally",
    "cost_bounds",
    "cost_of",
    "count_tokens",
    "decode",
    "encode",
    "encoding_of",
    "facts",
    "lacking",
    "missing",
    "needed",
    "only_endpoint",
    "price_context",
    "provider_of",
    "rates_at",
    "reported_cost",
    "tally_tokens",
    "tokens_lower_bound",
    "tokens_upper_bound",
    "warm_up",
]
