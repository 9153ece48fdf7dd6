"""Counting tokens, both ways."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import MessageTokensCount
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from pydantic import TypeAdapter

from dragoman.dialects.anthropic_messages import COUNT_TOKENS
from dragoman.dialects.codec import RequestHints
from dragoman.errors import APIResponseValidationError, BadRequestError, RateLimitError
from dragoman.types.model_facts import ModelFacts
from tests.dialects.anthropic.exchange import CALLER, reply_context, target
from tests.dialects.anthropic.test_requests_read import canonical
from tests.recordings import Recording, recordings

PARAMS: TypeAdapter[Any] = TypeAdapter(MessageCountTokensParams)


@pytest.mark.parametrize("recording", recordings(("anthropic", "count-tokens")))
def test_recorded_counts(recording: Recording) -> None:
    body = recording.request_body
    hub = COUNT_TOKENS.read_request(body, RequestHints())
    wire = COUNT_TOKENS.write_request(hub, target(model=body["model"]))
    assert canonical(wire.body) == canonical(body)
    PARAMS.validate_python(wire.body)
    count = COUNT_TOKENS.read_response(recording.response_body, reply_context(recording))
    assert count == {"input_tokens": recording.response_body["input_tokens"], "estimated": False}
    served = COUNT_TOKENS.write_response(count, CALLER)
    assert served == recording.response_body
    MessageTokensCount.model_validate(served)


def test_what_makes_no_input_is_not_sent_and_never_refused() -> None:
    chat: Any = {"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 2, "seed": 1, "n": 3}
    wire = COUNT_TOKENS.write_request(
        {"model": "m", "chat": chat | {"user": "u", "stop": "x", "reasoning_effort": "high"}},
        target(ModelFacts(reasoning="budget"), model="m"),
    )
    assert set(wire.body) == {"model", "messages", "thinking"}


def test_a_body_without_messages_is_refused() -> None:
    with pytest.raises(BadRequestError) as caught:
        COUNT_TOKENS.read_request({"model": "m"}, RequestHints())
    assert caught.value.param == "messages"


def test_a_count_of_another_shape_is_the_providers_fault() -> None:
    with pytest.raises(APIResponseValidationError):
        COUNT_TOKENS.read_response({"input_tokens": "many"}, reply_context())
    with pytest.raises(RateLimitError):
        COUNT_TOKENS.read_response({"error": {"type": "rate_limit_error", "message": "x"}}, reply_context())
