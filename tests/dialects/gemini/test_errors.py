"""Errors: every recorded one, those that had to be made by hand, and ours in Google's shape."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from google.genai import errors as google_errors

from dragoman import errors
from dragoman.dialects import gemini
from dragoman.dialects.codec import ErrorReply
from tests.recordings import Recording, recordings

RECORDED = recordings(
    *((provider, endpoint) for provider in ("gemini", "vertex")
      for endpoint in ("generateContent", "embeddings", "count-tokens", "predict", "cached-contents")),
    ok=False,
)  # fmt: skip


def read(status: int, body: Any, **headers: str) -> errors.APIError:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return gemini.CODEC.read_error(ErrorReply("gemini", "m", status, headers, raw))


def expected(error: dict[str, Any]) -> type[errors.APIError]:
    """Google's words and the class for them, by a reading of its own."""
    reasons = [detail.get("reason") for detail in error.get("details", [])]
    if "API_KEY_INVALID" in reasons or error["code"] == 401:
        return errors.AuthenticationError
    kinds = {
        400: errors.BadRequestError,
        403: errors.PermissionDeniedError,
        404: errors.NotFoundError,
        429: errors.RateLimitError,
    }
    return kinds[error["code"]]


@pytest.mark.parametrize("recording", RECORDED)
def test_a_recorded_error_is_of_its_class(recording: Recording) -> None:
    sent = orjson.loads(recording.response_bytes)["error"]
    error = gemini.CODEC.read_error(
        ErrorReply(recording.provider, "m", recording.status, recording.response_headers, recording.response_bytes)
    )
    assert type(error) is expected(sent)
    assert error.message == sent["message"]
    reasons = [detail["reason"] for detail in sent.get("details", []) if "reason" in detail]
    assert error.provider_code == (reasons[0] if reasons else sent["status"])
    delays = [detail["retryDelay"] for detail in sent.get("details", []) if "retryDelay" in detail]
    assert error.retry_after == (float(delays[0][:-1]) if delays else None)
    if type(error) is errors.NotFoundError:
        assert error.code == "model_not_found"
    assert "AIzv00G7" not in orjson.dumps(error.body).decode() + error.message
    check_written(error)


def check_written(error: errors.DragomanError) -> None:
    """Google's SDK raises the same family, with our status and Google's word for it."""
    body = gemini.CODEC.write_error(error)
    kind = google_errors.ServerError if error.status_code >= 500 else google_errors.ClientError
    raised = kind(error.status_code, body)
    assert (raised.code, raised.message) == (error.status_code, error.message)
    assert raised.status == body["error"]["status"]


@pytest.mark.parametrize(
    ("status", "error", "kind", "code"),
    [
        (400, {"status": "INVALID_ARGUMENT",
         "message": "The input token count (2000001) exceeds the maximum number of tokens allowed (1048576)."},
         errors.ContextWindowExceededError, "context_length_exceeded"),
        (400, {"status": "INVALID_ARGUMENT", "message": "API key expired. Please renew the API key."},
         errors.AuthenticationError, "invalid_api_key"),
        (400, {"status": "INVALID_ARGUMENT", "message": "The prompt was blocked for violating our safety policy"},
         errors.ContentPolicyViolationError, "content_filter"),
        (400, {"status": "INVALID_ARGUMENT", "message": "Invalid safety_settings[0]"},
         errors.BadRequestError, "invalid_request_error"),
        (400, {"status": "FAILED_PRECONDITION", "message": "User location is not supported"},
         errors.BadRequestError, "invalid_request_error"),
        (404, {"status": "NOT_FOUND", "message": "File files/abc not found"}, errors.NotFoundError, "not_found"),
        (429, {"status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded"}, errors.RateLimitError, "rate_limit_exceeded"),
        (500, {"status": "INTERNAL", "message": "An internal error has occurred."}, errors.InternalServerError, "server_error"),
        (503, {"status": "UNAVAILABLE", "message": "The model is overloaded."},
         errors.ServiceUnavailableError, "service_unavailable"),
        (504, {"status": "DEADLINE_EXCEEDED", "message": "Deadline expired"}, errors.Timeout, "timeout"),
        (403, {"status": "PERMISSION_DENIED", "message": "no"}, errors.PermissionDeniedError, "permission_denied"),
    ],
)  # fmt: skip
def test_errors_that_no_recording_holds(status: int, error: dict[str, Any], kind: type, code: str) -> None:
    for body in ({"error": {"code": status, **error}}, [{"error": {"code": status, **error}}]):
        found = read(status, body)
        assert (type(found), found.code, found.message) == (kind, code, error["message"])
        assert found.provider_code == error["status"]
        check_written(found)


@pytest.mark.parametrize(
    "body", [b"", b"<html><title>502 Bad Gateway</title></html>", b"[]", b"[[[]]]", b"7", b'{"error": "no"}', b"\xff"]
)
def test_a_body_of_another_shape_is_read_by_its_status(body: bytes) -> None:
    error = read(502, body)
    assert type(error) is errors.BadGatewayError
    assert error.message


def test_what_the_headers_say_counts_where_the_body_is_silent() -> None:
    body = {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}
    assert read(429, body, **{"retry-after": "7"}).retry_after == 7.0


def test_our_words_stand_in_an_error_info() -> None:
    error = errors.UnsupportedParamsError("no", param="logit_bias", retry_after=1.5)
    written = gemini.CODEC.write_error(error)["error"]
    assert (written["code"], written["status"]) == (400, "INVALID_ARGUMENT")
    info, retry = written["details"]
    assert info["reason"] == "UNSUPPORTED_PARAMETER"
    assert info["metadata"] == {"code": "unsupported_parameter", "param": "logit_bias"}
    assert retry["retryDelay"] == "1.5s"
    own = gemini.CODEC.write_error(errors.CallerAuthenticationError("bad key"))["error"]
    assert (own["code"], own["status"], own["details"][0]["reason"]) == (401, "UNAUTHENTICATED", "API_KEY_INVALID")
    again = read(400, gemini.CODEC.write_error(errors.BadRequestError("x", param="a")))
    assert type(again) is errors.BadRequestError
