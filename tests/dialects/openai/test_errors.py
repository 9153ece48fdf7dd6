"""Every recorded error, and the shapes that no recording holds."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from dragoman import errors
from dragoman.dialects.codec import ErrorReply
from dragoman.dialects.error_details import json_or_none, plain_text, retry_after
from dragoman.dialects.openai_chat import CODEC
from tests.dialects.openai._recorded import ours
from tests.recordings import Recording, recordings

ENDPOINTS = (("*", "chat"), ("*", "embeddings"), ("*", "completions"))
RECORDED = [param for param in recordings(*ENDPOINTS, ok=False) if param.values[0] is None or ours(param.values[0])]
BY_STATUS: dict[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    422: errors.UnprocessableEntityError,
    500: errors.InternalServerError,
    501: errors.InternalServerError,
}
EXCEPTIONS: dict[tuple[str, str], tuple[type[errors.APIError], str]] = {
    # (provider, part of the body) -> what it is in truth
    ("deepseek", "maximum context length"): (errors.ContextWindowExceededError, "context_length_exceeded"),
    ("groq", "tool call validation failed"): (errors.InternalServerError, "tool_use_failed"),
    ("deepseek", "supported API model names"): (errors.NotFoundError, "model_not_found"),
    ("mistral", "Invalid model"): (errors.NotFoundError, "model_not_found"),
    ("openrouter", "not a valid model ID"): (errors.NotFoundError, "model_not_found"),
    ("openrouter", "Content violates"): (errors.ContentPolicyViolationError, "content_filter"),
    ("openrouter", "No endpoints found"): (errors.NotFoundError, "not_found"),
    ("perplexity", "too_many_prompt_tokens"): (errors.ContextWindowExceededError, "context_length_exceeded"),
    ("xai", "does not support parameter"): (errors.UnsupportedParamsError, "unsupported_parameter"),
    ("azure", "Resource not found"): (errors.NotFoundError, "not_found"),
}


def reply(status: int, body: Any, headers: dict[str, str] | None = None) -> errors.APIError:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return CODEC.read_error(ErrorReply("acme", "m", status, headers or {}, raw))


@pytest.mark.parametrize("recording", RECORDED)
def test_recorded_errors(recording: Recording) -> None:
    raw = recording.response_bytes
    error = CODEC.read_error(ErrorReply(recording.provider, "m", recording.status, recording.response_headers, raw))
    text = raw.decode()
    known = [found for (name, part), found in EXCEPTIONS.items() if name == recording.provider and part in text]
    kind, code = known[0] if known else (BY_STATUS[recording.status], None)
    assert type(error) is kind
    assert error.status_code == (kind.status if recording.status != 501 else 501)
    if code is None and kind is errors.BadRequestError:
        code = error.code  # OpenAI's own, where the provider gave one
        assert code in (kind.default_code, _field(recording.response_body, "code"))
    assert error.code == (code or kind.default_code)
    assert error.message
    assert error.message != text
    assert error.body
    assert (error.provider, error.model) == (recording.provider, "m")
    given = _field(recording.response_body, "code") or _field(recording.response_body, "type")
    assert error.provider_code == (str(given) if given is not None else None)
    assert error.retry_after is None


def _field(body: Any, key: str) -> Any:
    inner = body.get("error")
    return inner.get(key, body.get(key)) if isinstance(inner, dict) else body.get(key)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "message"),
    [
        (
            429,
            {"error": {"message": "slow", "type": "tokens", "code": "rate_limit_exceeded"}},
            errors.RateLimitError,
            "rate_limit_exceeded",
            "slow",
        ),
        (
            429,
            {"error": {"message": "no money", "code": "insufficient_quota"}},
            errors.InsufficientQuotaError,
            "insufficient_quota",
            "no money",
        ),
        (402, {"error": "no credit"}, errors.PaymentRequiredError, "insufficient_quota", "no credit"),
        (
            400,
            {"error": {"message": "x", "code": "context_length_exceeded"}},
            errors.ContextWindowExceededError,
            "context_length_exceeded",
            "x",
        ),
        (
            400,
            {"error": {"message": "The prompt is too long"}},
            errors.ContextWindowExceededError,
            "context_length_exceeded",
            None,
        ),
        (
            400,
            {"error": {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
            errors.ContentPolicyViolationError,
            "content_filter",
            "x",
        ),
        (400, {"error": {"message": "Invalid API key provided"}}, errors.AuthenticationError, "invalid_api_key", None),
        (
            400,
            {"error": {"message": "x", "code": "unsupported_parameter", "param": "top_k"}},
            errors.UnsupportedParamsError,
            "unsupported_parameter",
            "x",
        ),
        (
            422,
            {"detail": [{"loc": ["body", "n"], "msg": "bad"}]},
            errors.UnprocessableEntityError,
            "unprocessable_entity",
            "n: bad",
        ),
        (422, {"detail": "bad"}, errors.UnprocessableEntityError, "unprocessable_entity", "bad"),
        (
            400,
            {"errors": [{"code": 7003, "message": "no route"}], "success": False},
            errors.BadRequestError,
            "invalid_request_error",
            "no route",
        ),
        (400, [{"error": {"code": 400, "message": "bad"}}], errors.BadRequestError, "invalid_request_error", "bad"),
        (
            500,
            b"<html><head><title>500 Oops</title></head></html>",
            errors.InternalServerError,
            "server_error",
            "500 Oops",
        ),
        (
            502,
            b"<!DOCTYPE html><html><h1>Bad gateway</h1></html>",
            errors.BadGatewayError,
            "bad_gateway",
            "Bad gateway",
        ),
        (
            503,
            b"upstream\nconnect error",
            errors.ServiceUnavailableError,
            "service_unavailable",
            "upstream connect error",
        ),
        (
            529,
            {"error": {"message": "overloaded"}},
            errors.ServiceUnavailableError,
            "service_unavailable",
            "overloaded",
        ),
        (504, b"", errors.Timeout, "timeout", "acme answered with status 504"),
        (413, b"", errors.RequestTooLargeError, "request_too_large", None),
        (418, {"message": "teapot"}, errors.APIStatusError, None, "teapot"),
        (400, b"\xff\xfe", errors.BadRequestError, "invalid_request_error", None),
        (400, b"null", errors.BadRequestError, "invalid_request_error", None),
        (
            400,
            {"error": {"message": {"deep": 1}, "code": {"x": 1}}},
            errors.BadRequestError,
            "invalid_request_error",
            None,
        ),
    ],
)
def test_shapes(status: int, body: Any, kind: type[Exception], code: str | None, message: str | None) -> None:
    error = reply(status, body)
    assert type(error) is kind
    assert error.code == code
    if message is not None:
        assert error.message == message
    assert error.message


def test_openrouter_tells_what_the_provider_said_and_when_to_come_back() -> None:
    metadata = {
        "raw": '{"error":"busy"}',
        "headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1741305600000"},
    }
    body = {"error": {"code": 429, "message": "Provider returned error", "metadata": metadata}}
    error = reply(429, body, {"date": "Thu, 06 Mar 2025 23:59:00 GMT"})
    assert type(error) is errors.RateLimitError
    assert "busy" in error.message
    assert error.retry_after == 60


def test_keys_are_taken_out() -> None:
    secret = "sk-abcdefghijklmnop1234"
    error = reply(401, {"error": {"message": f"Incorrect API key provided: {secret}.", "code": secret}})
    assert secret not in repr(vars(error))
    assert secret not in orjson.dumps(CODEC.write_error(error)).decode()


@pytest.mark.parametrize(
    ("headers", "limited", "seconds"),
    [
        ({"retry-after": "7"}, False, 7),
        ({"retry-after-ms": "250", "retry-after": "7"}, False, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, False, 10),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, False, None),
        ({"retry-after": "soon"}, True, None),
        ({"retry-after": "-1"}, True, None),
        ({"retry-after": "nan"}, True, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}, True, 90),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}, False, None),
        (
            {
                "x-ratelimit-remaining-requests": "986",
                "x-ratelimit-reset-requests": "20m9.6s",
                "x-ratelimit-remaining-tokens": "12",
                "x-ratelimit-reset-tokens": "120ms",
            },
            True,
            0.12,
        ),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-10-21T07:28:30Z",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            True,
            30,
        ),
    ],
)
def test_when_to_come_back(headers: dict[str, str], limited: bool, seconds: float | None) -> None:
    assert retry_after(headers, limited=limited) == (None if seconds is None else pytest.approx(seconds))


def test_the_wait_may_stand_in_the_message_only() -> None:
    message = "Rate limit reached for model `x`. Please try again in 1m2.5s."
    assert reply(429, {"error": {"message": message}}).retry_after == 62.5
    assert reply(429, {"error": {"message": "Please try again in 450ms"}}).retry_after == 0.45


def test_request_ids_are_kept() -> None:
    assert reply(500, b"", {"x-request-id": "req_1"}).request_id == "req_1"


def test_json_or_none_and_plain_text() -> None:
    assert json_or_none(b'{"a":1}') == {"a": 1}
    assert json_or_none(b"{") is None
    assert plain_text(b"<html><body><p>no &amp; title</p></body></html>") == "no & title"


def test_written_errors_are_openais() -> None:
    error = errors.NotFoundError("no such model", param="model", provider_code="1500")
    assert CODEC.write_error(error) == {
        "error": {
            "message": "no such model",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
            "provider_code": "1500",
        }
    }


@pytest.mark.parametrize("recording", RECORDED)
def test_written_errors_are_read_back_the_same(recording: Recording) -> None:
    first = CODEC.read_error(
        ErrorReply(recording.provider, "m", recording.status, recording.response_headers, recording.response_bytes)
    )
    written = orjson.dumps(CODEC.write_error(first))
    again = CODEC.read_error(ErrorReply(recording.provider, "m", first.status_code, {}, written))
    assert type(again) is type(first)
    assert (again.code, again.message, again.param) == (first.code, first.message, first.param)
