"""OpenAI's endpoints beside chat: text completions, embeddings, models."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from dragoman.simulator.compose import compose
from dragoman.simulator.exchange import (
    Answer,
    SimulatedReply,
    SimulatedRequest,
    SimulatedStream,
    SimulatedTurn,
    TextPart,
    WholeAnswer,
    split_tokens,
    stable_number,
    token_count,
)
from dragoman.simulator.fields import object_in
from dragoman.simulator.openai.errors import bad_request, check_shape
from dragoman.simulator.openai.errors import body as error_body
from dragoman.simulator.openai.request import stop_sequences
from dragoman.simulator.openai.shapes import COMPLETION, EMBEDDING

__all__ = ["completion", "embeddings", "models", "vector"]


def completion(body: Any, model: str, seed: int, mark: int) -> Answer:
    """Return the answer to a text completion."""
    check_shape(COMPLETION, body)
    prompts = _inputs(body.get("prompt") or "")
    replies = [reply for prompt in prompts for reply in _replies(prompt, body, model, seed)]
    head = {
        "id": f"cmpl-{mark:016x}",
        "object": "text_completion",
        "created": 1_750_000_000 + mark % 1_000_000,
        "model": model,
    }
    usage = _usage(prompts, replies)
    if body.get("stream"):
        return _streamed(head, replies, usage, bool(object_in(body, "stream_options").get("include_usage")))
    choices = [_choice(reply.text, index, _finish(reply)) for index, reply in enumerate(replies)]
    return WholeAnswer(head | {"choices": choices, "usage": usage})


def _replies(prompt: str, body: Any, model: str, seed: int) -> list[SimulatedReply]:
    request = SimulatedRequest(
        "openai",
        model,
        [SimulatedTurn("user", prompt)],
        max_tokens=body.get("max_tokens", 16),
        stop=stop_sequences(body),
    )
    reply = compose(request, seed)
    if body.get("echo"):
        reply = SimulatedReply((TextPart(prompt), *reply.parts), reply.finish)
    return [reply] * (body.get("n") or 1)


def _usage(prompts: list[str], replies: list[SimulatedReply]) -> dict[str, int]:
    output = sum(reply.output_tokens() for reply in replies)
    prompt = sum(max(1, token_count(text)) for text in prompts)
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def _finish(reply: SimulatedReply) -> str:
    return "length" if reply.finish == "length" else "stop"


def _choice(text: str, index: int, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _streamed(
    head: dict[str, Any], replies: list[SimulatedReply], usage: dict[str, Any], include_usage: bool
) -> SimulatedStream:
    none = {"usage": None} if include_usage else {}
    chunks = [
        _event(head | {"choices": [_choice(piece, index, None)]} | none)
        for index, reply in enumerate(replies)
        for piece in split_tokens(reply.text)
    ]
    chunks += [
        _event(head | {"choices": [_choice("", index, _finish(reply))]} | none) for index, reply in enumerate(replies)
    ]
    if include_usage:
        chunks.append(_event(head | {"choices": [], "usage": usage}))
    broken = _event(
        error_body("The server had an error while processing your request. Sorry about that!", "server_error")
    )
    return SimulatedStream([*chunks, b"data: [DONE]\n\n"], broken, b'data: {"id":"cmpl-\n\n')


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _inputs(value: Any) -> list[str]:
    """Return the texts of an input: a text, tokens, or a list of either."""
    if isinstance(value, str):
        return [value]
    if value and all(isinstance(entry, int) for entry in value):
        return [" ".join(map(str, value))]
    return [entry if isinstance(entry, str) else " ".join(map(str, entry)) for entry in value]


def embeddings(body: Any, model: str, seed: int) -> WholeAnswer:
    check_shape(EMBEDDING, body)
    inputs = _inputs(body["input"])
    for index, entry in enumerate(inputs):
        if not entry:
            raise bad_request(f"Invalid 'input[{index}]': input cannot be an empty string.", param="input")
    size = body.get("dimensions") or 16
    data = []
    for index, entry in enumerate(inputs):
        values: Any = vector(seed, model, entry, size)
        if body.get("encoding_format") == "base64":
            values = base64.b64encode(struct.pack(f"<{size}f", *values)).decode()
        data.append({"object": "embedding", "index": index, "embedding": values})
    used = sum(max(1, token_count(entry)) for entry in inputs)
    return WholeAnswer(
        {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": used, "total_tokens": used}}
    )


def vector(seed: int, model: str, text: str, size: int) -> list[float]:
    """Return `size` numbers between -1 and 1, exact as 32-bit floats, that depend on the text."""
    return [(stable_number(seed, model, text, k) % 2001 - 1000) / 1024 for k in range(size)]


def models(names: list[str]) -> WholeAnswer:
    data = [{"id": name, "object": "model", "created": 1_750_000_000, "owned_by": "simulator"} for name in names]
    return WholeAnswer({"object": "list", "data": data})
