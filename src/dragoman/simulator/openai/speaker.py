"""OpenAI as a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.simulator._ask import Answer, Refused
from dragoman.simulator._compose import compose
from dragoman.simulator._speaker import Incoming, count_usage
from dragoman.simulator.openai.errors import fault, refused
from dragoman.simulator.openai.others import completion, embeddings, models
from dragoman.simulator.openai.reply import streamed, whole
from dragoman.simulator.openai.request import read_chat

__all__ = ["OpenAI"]

_MODELS = ["gpt-6.1-sol", "gpt-6-luna", "sim", "sim-reasoner", "text-embedding-3-small"]
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: "
    "Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys."
)


class OpenAI:
    name = "openai"

    def check_key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise refused(_NO_KEY, status=401)
        if key == "sim-bad-key":
            raise fault("401", key=key)

    def is_stream(self, operation: str, body: Any) -> bool:
        return isinstance(body, dict) and body.get("stream") is True

    def bad_json(self) -> Refused:
        return refused("We could not parse the JSON body of your request.")

    def fault(self, name: str, retry_after: str, incoming_model: str, key: str) -> Refused:
        return fault(name, retry_after, model=incoming_model, key=key)

    def answer(self, incoming: Incoming) -> Answer:
        if incoming.operation == "models":
            return models(_MODELS)
        if not isinstance(incoming.body, dict):
            raise self.bad_json()
        if incoming.operation == "completions":
            return completion(incoming.body, incoming.model, incoming.seed, incoming.mark)
        if incoming.operation == "embeddings":
            return embeddings(incoming.body, incoming.model, incoming.seed)
        return self.chat(incoming)

    def chat(self, incoming: Incoming) -> Answer:
        ask = read_chat(incoming.body, incoming.model, incoming.faults)
        limit = incoming.faults.context or 128_000
        usage = count_usage(ask, incoming.cached, limit, lambda used: fault("context", limit=limit, used=used))
        replies = [compose(ask, incoming.seed + index) for index in range(ask.count)]
        write = streamed if incoming.body.get("stream") else whole
        return write(ask, replies, usage, incoming.mark, incoming.body)
