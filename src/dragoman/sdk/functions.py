"""The functions of the package: the methods of one router without a list, which the first call makes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

__all__ = [
    "acompletion",
    "acount_tokens",
    "aembedding",
    "atext_completion",
    "completion",
    "embedding",
    "text_completion",
]

if TYPE_CHECKING:
    from dragoman.sdk.router import Router

    _ROUTER = Router()
    completion = _ROUTER.completion
    acompletion = _ROUTER.acompletion
    text_completion = _ROUTER.text_completion
    atext_completion = _ROUTER.atext_completion
    embedding = _ROUTER.embedding
    aembedding = _ROUTER.aembedding
    acount_tokens = _ROUTER.acount_tokens
else:

    def _router() -> Any:
        from dragoman.sdk._default_router import ROUTER

        return ROUTER

    async def _router_for_a_loop() -> Any:
        """The imports take some tenths of a second: a loop goes on meanwhile."""
        import asyncio  # imported by everybody who has a loop, and by nobody else

        ready = getattr(sys.modules.get("dragoman.sdk._default_router"), "ROUTER", None)
        return ready if ready is not None else await asyncio.to_thread(_router)

    def completion(model, messages, *, stream=None, **params):
        """Ask for a chat completion: `ModelResponse`, or with `stream=True` an iterator of `ModelResponseStream`.

        See `Router.completion`."""
        return _router().completion(model, messages, stream=stream, **params)

    async def acompletion(model, messages, *, stream=None, **params):
        """As `completion`, for callers with an event loop."""
        return await (await _router_for_a_loop()).acompletion(model, messages, stream=stream, **params)

    def text_completion(model, prompt, *, stream=None, **params):
        """Request a text completion; a provider that only chats gets it as a chat. See `Router.text_completion`."""
        return _router().text_completion(model, prompt, stream=stream, **params)

    async def atext_completion(model, prompt, *, stream=None, **params):
        """As `text_completion`, for callers with an event loop."""
        return await (await _router_for_a_loop()).atext_completion(model, prompt, stream=stream, **params)

    def embedding(model, input, **params):
        """Ask for the vectors of one text, or of several. See `Router.embedding`."""
        return _router().embedding(model, input, **params)

    async def aembedding(model, input, **params):
        """As `embedding`, for callers with an event loop."""
        return await (await _router_for_a_loop()).aembedding(model, input, **params)

    async def acount_tokens(model, messages, **params):
        """Count the input tokens of a chat: by the provider where it counts, else estimated (`estimated` says so)."""
        return await (await _router_for_a_loop()).acount_tokens(model, messages, **params)
