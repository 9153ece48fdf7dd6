"""OpenAI as a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.simulator.compose import compose
from dragoman.simulator.exchange import Answer, SimulatedError
from dragoman.simulator.openai.errors import bad_request, fault
from dragoman.simulator.openai.legacy import completion, embeddings, models
from dragoman.simulator.openai.reply import write_stream, write_whole
from dragoman.simulator.openai.request import read_chat
from dragoman.simulator.provider import IncomingCall, count_usage

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
            raise bad_request(_NO_KEY, status=401)
        if key == "sim-bad-key":
            raise fault("401", key=key)

    def is_stream(self, operation: str, body: Any) -> bool:
        return isinstance(body, dict) and body.get("stream") is True

    def bad_json(self) -> SimulatedError:
        return bad_request("We could not parse the JSON body of your request.")

    def fault(self, name: str, retry_after: str, incoming_model: str, key: str) -> SimulatedError:
        return fault(name, retry_after, model=incoming_model, key=key)

    def answer(self, incoming: IncomingCall) -> Answer:
        if incoming.operation == "models":
            return models(_MODELS)
        if not isinstance(incoming.body, dict):
            raise self.bad_json()
        if incoming.operation == "completions":
            return completion(incoming.body, incoming.model, incoming.seed, incoming.number)
        if incoming.operation == "embeddings":
            return embeddings(incoming.body, incoming.model, incoming.seed)
        return self.chat(incoming)

    def chat(self, incoming: IncomingCall) -> Answer:
        request = read_chat(incoming.body, incoming.model, incoming.faults)
        limit = incoming.faults.context or 128_000
        usage = count_usage(request, incoming.cached, limit, lambda used: fault("context", limit=limit, used=used))
        replies = [compose(request, incoming.seed + index) for index in range(request.count)]
        write = write_stream if incoming.body.get("stream") else write_whole
        return write(request, replies, usage, incoming.number, incoming.body)
