"""Counting tokens: exactly where a vocabulary is at hand, by a documented estimate elsewhere, and bounds that hold anyway."""

from __future__ import annotations

from dragoman.models.tokens._bounds import tokens_lower_bound, tokens_upper_bound
from dragoman.models.tokens._count import TokenTally, acount_tokens_locally, count_tokens, tally_tokens
from dragoman.models.tokens._encodings import Tokenizer, decode, encode, encoding_of, warm_up

__all__ = [
    "TokenTally",
    "Tokenizer",
    "acount_tokens_locally",
    "count_tokens",
    "decode",
    "encode",
    "encoding_of",
    "tally_tokens",
    "tokens_lower_bound",
    "tokens_upper_bound",
    "warm_up",
]
