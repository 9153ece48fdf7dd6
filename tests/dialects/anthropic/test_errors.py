"""Errors: every recorded one read, and each of ours written."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from anthropic.types.shared import ErrorResponse

from dragoman import errors
from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.codec import ErrorReply
from tests.recordings import Recording, recordings


def read(status: int, body: Any, headers: dict[str, str] | None = None) -> errors.APIError:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return CODEC.read_error(ErrorReply("anthropic", "claude", status, headers or {}, raw))


def anthropic_error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


RECORDED = [
    *recordings(("anthropic", "messages"), ("anthropic", "count-tokens"), ok=False),
    *recordings(("bedrock", "invoke"), ok=False),
]
CODES = {401: "invalid_api_key", 403: "permission_denied", 404: "model_not_found"}


@pytest.mark.parametrize("recording", RECORDED)
def test_every_recorded_error(recording: Recording) -> None:
    raw = recording.response_bytes
    body = orjson.loads(raw)
    error = read(recording.status, raw, recording.response_headers)
    own = body.get("error", {})
    invalid_model = "model identifier" in str(body)
    assert type(error) is (errors.NotFoundError if invalid_model else errors.error_for_status(recording.status))
    expected = "model_not_found" if invalid_model else CODES.get(recording.status, "invalid_request_error")
    assert error.code == expected
    assert error.provider_code == own.get("type")
    assert error.message == own.get("message", body.get("message"))
    assert error.request_id == body.get("request_id")
    if "output_format.schema" in error.message:
        assert error.param == "output_format.schema"


@pytest.mark.parametrize(
    ("status", "kind", "message", "cls", "code"),
    [
        (400, "invalid_request_error", "prompt is too long: 2 tokens > 1 maximum", "ContextWindowExceededError", None),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            "ContextWindowExceededError",
            "context_length_exceeded",
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            "PaymentRequiredError",
            "insufficient_quota",
        ),
        (
            400,
            "invalid_request_error",
            "Output blocked by content filtering policy",
            "ContentPolicyViolationError",
            "content_filter",
        ),
        (400, "invalid_request_error", "max_tokens: Field required", "BadRequestError", "invalid_request_error"),
        (402, "billing_error", "pay", "PaymentRequiredError", "insufficient_quota"),
        (403, "permission_error", "no", "PermissionDeniedError", "permission_denied"),
        (404, "not_found_error", "model: claude-9", "NotFoundError", "model_not_found"),
        (404, "not_found_error", "File not found", "NotFoundError", "not_found"),
        (413, "request_too_large", "big", "RequestTooLargeError", "request_too_large"),
        (429, "rate_limit_error", "slow", "RateLimitError", "rate_limit_exceeded"),
        (500, "api_error", "oops", "InternalServerError", "server_error"),
        (504, "timeout_error", "late", "Timeout", "timeout"),
        (529, "overloaded_error", "Overloaded", "ServiceUnavailableError", "service_unavailable"),
    ],
)
def test_classes_and_codes(status: int, kind: str, message: str, cls: str, code: str | None) -> None:
    error = read(status, anthropic_error(kind, message), {"retry-after": "7"})
    assert type(error).__name__ == cls
    assert error.code == (code or "context_length_exceeded")
    assert (error.provider_code, error.request_id, error.retry_after) == (kind, "req_1", 7.0)


def test_the_field_at_fault_is_told() -> None:
    message = "messages.0.content.1.text: Input should be a valid string"
    assert read(400, anthropic_error("invalid_request_error", message)).param == "messages.0.content.1.text"


@pytest.mark.parametrize("body", [b"", b"<html><title>Bad gateway</title></html>", b"[]", b"null", b"7", b"{}"])
def test_a_body_of_any_shape_is_an_error_by_its_status(body: bytes) -> None:
    assert type(read(502, body)) is errors.BadGatewayError
    assert read(502, body).message


@pytest.mark.parametrize("error", [1, [], {"type": [], "message": {}}, {"type": None, "message": 3}])
def test_reading_never_raises(error: Any) -> None:
    assert isinstance(read(400, {"error": error}), errors.BadRequestError)


def test_a_repeated_key_is_taken_out() -> None:
    error = read(401, anthropic_error("authentication_error", "invalid x-api-key: sk-ant-api03-SECRETSECRET"))
    assert "SECRET" not in f"{error.message}{error.body}"


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (errors.BadRequestError, "invalid_request_error"),
        (errors.UnsupportedParamsError, "invalid_request_error"),
        (errors.ContextWindowExceededError, "invalid_request_error"),
        (errors.ConflictError, "invalid_request_error"),
        (errors.UnprocessableEntityError, "invalid_request_error"),
        (errors.CallerAuthenticationError, "authentication_error"),
        (errors.AuthenticationError, "authentication_error"),
        (errors.PaymentRequiredError, "billing_error"),
        (errors.PermissionDeniedError, "permission_error"),
        (errors.NotFoundError, "not_found_error"),
        (errors.Timeout, "timeout_error"),
        (errors.RequestTooLargeError, "request_too_large"),
        (errors.RateLimitError, "rate_limit_error"),
        (errors.BudgetExceededError, "rate_limit_error"),
        (errors.InternalServerError, "api_error"),
        (errors.BadGatewayError, "api_error"),
        (errors.APIConnectionError, "api_error"),
        (errors.ServiceUnavailableError, "overloaded_error"),
    ],
)
def test_every_error_of_ours_has_anthropics_type(cls: type[errors.DragomanError], kind: str) -> None:
    error = cls("no", provider_code="theirs", request_id="req_7")
    body = CODEC.write_error(error)
    assert body["error"]["type"] == kind
    assert body["error"]["message"] == "no"
    assert body["error"].get("code") == error.code
    assert body["error"]["provider_code"] == "theirs"
    assert body["request_id"] == "req_7"
    if kind != "request_too_large":  # which the SDK has no type for
        ErrorResponse.model_validate(body)
