"""Tokens of a prompt: exact where the model's vocabulary is at hand, estimated elsewhere, and which of both it was."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dragoman.models.tokens._chat import ChatRequest, Pieces, chat_pieces
from dragoman.models.tokens._encodings import Tokenizer, count_with, encoding_of, is_loaded
from dragoman.models.tokens._estimate import estimate_tokens
from dragoman.models.tokens._families import Family, family_of, image_rule_of

__all__ = ["TokenTally", "acount_tokens_locally", "count_tokens", "tally_tokens"]

_SHORT = 20_000
"""Characters that are counted at once: no event loop notices."""


@dataclass(frozen=True, slots=True)
class TokenTally:
    """A count, and how far it can be trusted."""

    tokens: int
    by: str
    """The encoding that counted, `tokenizer` for the caller's own, or `estimate`."""
    exact: bool
    """Counted by the model's own vocabulary, and in a form that recorded prompts confirmed to the token."""


def count_tokens(
    messages: Sequence[Mapping[str, Any]] | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    text: str | Sequence[str] | None = None,
    model: str = "",
    **asked: Any,
) -> int:
    """The input tokens of a chat, of tool definitions, or of plain text, for `model`. See `tally_tokens`."""
    return tally_tokens(messages, tools, text, model, **asked).tokens


def tally_tokens(
    messages: Sequence[Mapping[str, Any]] | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    text: str | Sequence[str] | None = None,
    model: str = "",
    *,
    tool_choice: Any = None,
    response_format: Any = None,
    tokenizer: Tokenizer | None = None,
    image_tokens: int | None = None,
    vocabulary: Literal["load", "loaded", "none"] = "load",
) -> TokenTally:
    """The input tokens of a chat with its tools, of plain text, or of both.

    `tokenizer` counts in place of the model's own: any object with `encode(text)`, whose result has a length or `ids`.
    `image_tokens` is taken for every image. `vocabulary`: the first exact count of an encoding loads its vocabulary
    (see `warm_up`), or estimates where none is loaded, or estimates anyway."""
    family = family_of(model)
    request = ChatRequest(
        family=family,
        images=image_rule_of(model),
        tools=tools or (),
        tool_choice=tool_choice,
        response_format=response_format,
        image_tokens=image_tokens,
    )
    pieces = chat_pieces(messages or (), request)
    pieces.texts += [text] if isinstance(text, str) else list(text or ())
    if tokenizer is not None:
        return TokenTally(pieces.fixed + _count_by(tokenizer, pieces), "tokenizer", exact=False)
    encoding = encoding_of(model)
    if encoding is None or vocabulary == "none" or (vocabulary == "loaded" and not is_loaded(encoding)):
        return TokenTally(_estimate(pieces, family), "estimate", exact=False)
    counted = count_with(encoding, (*pieces.texts, *pieces.definitions))
    return TokenTally(pieces.fixed + counted, encoding, exact=pieces.sure)


async def acount_tokens_locally(
    messages: Sequence[Mapping[str, Any]] | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    text: str | Sequence[str] | None = None,
    model: str = "",
    **asked: Any,
) -> TokenTally:
    """The same for event loops: long prompts are counted in a worker thread, and so is the first one of an encoding, which loads
    its vocabulary (see `warm_up`)."""
    count = functools.partial(tally_tokens, messages, tools, text, model, **asked)
    encoding = encoding_of(model)
    ready = encoding is None or is_loaded(encoding)
    return count() if ready and _size((messages, tools, text), _SHORT) >= 0 else await asyncio.to_thread(count)


def _estimate(pieces: Pieces, family: Family) -> int:
    read = estimate_tokens(pieces.texts) * family.density + estimate_tokens(pieces.definitions) * family.defined
    return math.ceil(read) + pieces.fixed


def _count_by(tokenizer: Tokenizer, pieces: Pieces) -> int:
    counted = (tokenizer.encode(text) for text in (*pieces.texts, *pieces.definitions))
    return sum(len(getattr(tokens, "ids", tokens)) for tokens in counted)


def _size(value: Any, left: int) -> int:
    """What is left of `left` after the texts in `value`, and a little for each thing in it; below 0: no more than that."""
    if isinstance(value, str):
        return left - len(value)
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return left - 1
    for item in value:
        if left < 0:
            break
        left = _size(item, left - 1)
    return left
