"""The functions of the package: the methods of one router without a list."""

from __future__ import annotations

from dragoman.sdk._router import Router

__all__ = [
    "acompletion",
    "acount_tokens",
    "aembedding",
    "atext_completion",
    "completion",
    "embedding",
    "text_completion",
]

_ROUTER = Router()

completion = _ROUTER.completion
acompletion = _ROUTER.acompletion
text_completion = _ROUTER.text_completion
atext_completion = _ROUTER.atext_completion
embedding = _ROUTER.embedding
aembedding = _ROUTER.aembedding
acount_tokens = _ROUTER.acount_tokens
