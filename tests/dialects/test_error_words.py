"""What providers call an overflow of the context window, and a failure of the model itself; and what only looks like one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from dragoman.dialects.anthropic_messages import CODEC as ANTHROPIC
from dragoman.dialects.codec import Codec, ErrorReply, ReplyContext
from dragoman.dialects.error_phrases import is_model_failure, is_overflow
from dragoman.dialects.gemini import CODEC as GEMINI
from dragoman.dialects.openai_chat import CODEC as OPENAI
from dragoman.dialects.openai_chat import completions, embeddings
from dragoman.errors import APIError, ContextWindowExceededError, InternalServerError
from dragoman.routing.recovery.fallbacks import targets
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.router_settings import RouterSettings

OVERFLOWS = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 8545 tokens.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "prompt is too long: 213462 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 197000 + 8192 > 200000, decrease input length",
    "Input is too long for requested model.",
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
    "Unable to submit request because the input token count is 1300000 but model only supports up to 1048576.",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Please reduce the length of the messages or completion. Current length is 8738 while limit is 8192",
    "Invalid request: Your request exceeded model token limit: 262144 (requested: 270000)",
    "prompt token count of 158536 exceeds the limit of 128000",
    "Request body too large for gpt-4o model. Max size: 8000 tokens.",
    "the request exceeds the available context size, try increasing it",
    "The number of tokens to keep from the initial prompt is greater than the context length. Try a larger one",
    "Trying to keep the first 8000 tokens when context the overflows. However, the model is loaded with context"
    " length of only 4096 tokens",
    "invalid params, context window exceeds limit (2013)",
    "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
    "Prompt exceeds max length",
    "Prompt 超长",
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens",
    "Input validation error: `inputs` must have less than 4096 tokens. Given: 6000",
    "the maximum supported sequence length is just 8192",
    "length of prompt_tokens (40000) must be less than max_seq_len (32768).",
    "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
    "Input length (265330) exceeds model's maximum context length (262144).",
    "Input length 600 exceeds maximum allowed token size 512",
    "Prompt length (9000) exceeds maximum input length (8192)",
    "The input (400013 tokens) is longer than the model's context length (262144 tokens).",
    "Total tokens of image and text exceed max message tokens",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081",
    "total tokens exceeds the model's max of 4096",
    "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
    "The request was refused: Input exceeds the max input token limit",
    "the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model",
    "The prompt is too long: 140000, model maximum context length: 131072",
    "prompt too long; exceeded max context length by 12 tokens",
    "the input length exceeds the context length",
    "Requested token count exceeds the model's maximum context length of 131072 tokens.",
    "The estimated number of input and maximum output tokens (9000) exceeded this model context window limit (8192).",
    "Prompt has 9000 tokens, but the configured context size is 8192 tokens",
    "context length exceeded for llama3",
    "total length of all messages is too long",
    "max tokens of 4096 exceeded",
)
OTHERS = (
    "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size",
    "ThrottlingException: Too many tokens, please wait before trying again.",
    "max_tokens is too large: 100000. This model supports at most 16384 completion tokens",
    "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the"
    " `context_window` for this model",
    "'max_tokens' or 'max_completion_tokens' is too large: 100000. This model's maximum context length is 8192 tokens",
    "You exceeded your current quota, please check your plan and billing details",
    "Invalid 'messages[0].content': string too long. Expected a string with maximum length 10485760",
    "metadata.user_id: String should have at most 256 characters",
    "Rate limit reached: too many tokens per day",
)
MODEL_FAILURES = (
    "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
    "Failed to validate JSON. Please adjust your prompt.",
    "Failed to generate JSON. Please adjust your prompt.",
    "tool call validation failed: parameters for tool f did not match schema",
    "attempted to call tool 'g' which was not in request.tools",
    "Model did not output valid JSON. The output was truncated",
    "error parsing tool call: raw='{' err=unexpected end of JSON input",
    "Failed to parse tool call arguments as JSON",
    "The model produced output that does not match the expected peg-native format",
    "The model generated an invalid tool call",
)
CODECS: tuple[Codec[Any, Any, Any], ...] = (
    OPENAI,
    ANTHROPIC,
    GEMINI,
    completions.CODEC,
    embeddings.CODEC,
)
REPLY = ReplyContext("acme", "m", "acme", 1, "r")


def read(codec: Codec[Any, Any, Any], status: int, message: str, code: str | None = None) -> APIError:
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return codec.read_error(ErrorReply("acme", "m", status, {}, orjson.dumps({"error": error})))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"{codec.dialect}-{codec.operation.name}")
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_every_dialect_knows_every_word_for_an_overflow(codec: Codec[Any, Any, Any], status: int) -> None:
    for message in OVERFLOWS:
        error = read(codec, status, message)
        assert type(error) is ContextWindowExceededError, message
        assert (error.status_code, error.code) == (400, "context_length_exceeded")
        assert not error.retry_here


@pytest.mark.parametrize("message", OTHERS)
def test_other_limits_on_tokens_are_no_overflow(message: str) -> None:
    assert not is_overflow(message)
    assert not is_model_failure(message)
    for codec in CODECS:
        for status in (400, 413, 429):
            assert not isinstance(read(codec, status, message), ContextWindowExceededError)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"{codec.dialect}-{codec.operation.name}")
def test_a_failure_of_the_model_is_not_the_callers(codec: Codec[Any, Any, Any]) -> None:
    for message in MODEL_FAILURES:
        error = read(codec, 400, message)
        assert type(error) is InternalServerError, message
        assert (error.status_code, error.retry_here, error.retry_elsewhere) == (500, True, True)


@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed", "output_parse_failed"])
def test_a_failure_of_the_model_is_known_by_its_code(code: str) -> None:
    assert type(read(OPENAI, 400, "x", code)) is InternalServerError


@pytest.mark.parametrize("code", ["context_length_exceeded", "model_max_prompt_tokens_exceeded", "1261"])
@pytest.mark.parametrize("status", [400, 413, 500])
def test_an_overflow_is_known_by_its_code(code: str, status: int) -> None:
    assert type(read(OPENAI, status, "x", code)) is ContextWindowExceededError


def test_an_overflow_inside_a_stream_is_recognised() -> None:
    for codec in (OPENAI, ANTHROPIC, GEMINI):
        assert codec.stream_reader is not None
        reader = codec.stream_reader(REPLY)
        event = orjson.dumps({"type": "error", "error": {"message": OVERFLOWS[0], "type": "invalid_request_error"}})
        with pytest.raises(ContextWindowExceededError):
            list(reader.feed(b"event: error\ndata: " + event + b"\n\n"))


def test_an_overflow_takes_the_fallbacks_for_context_windows() -> None:
    settings = RouterSettings(context_window_fallbacks={"small": ("large",)})
    for message in OVERFLOWS:
        error = read(OPENAI, 400, message)
        assert list(targets(settings, "small", CallOptions(), error)) == ["large"]


@pytest.mark.parametrize("unit", ["exceeds ", "context window ", "model generated ", "token count ", "输入", "model "])
def test_foreign_text_is_read_in_bounded_work(unit: str) -> None:
    """Only the beginning counts: what stands behind 4,000 characters is not looked at."""
    padding = unit * (4000 // len(unit) + 1)
    assert not is_overflow(padding + "\n. prompt is too long")
    assert not is_model_failure(padding + "\n. failed_generation")
