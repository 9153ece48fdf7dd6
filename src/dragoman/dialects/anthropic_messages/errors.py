"""Errors: https://platform.claude.com/docs/en/api/errors"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from dragoman.dialects.codec import ErrorReply, ReplyContext
from dragoman.dialects.error_details import build, error_body, reply_of
from dragoman.dialects.error_phrases import TEXT_STATUSES, is_model_failure, is_overflow
from dragoman.errors import (
    APIError,
    APIResponseValidationError,
    AuthenticationError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DragomanError,
    InsufficientQuotaError,
    InternalServerError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTooLargeError,
    ServiceUnavailableError,
    Timeout,
)
from dragoman.types.json import JsonObject

__all__ = ["error_in_body", "invalid_shape", "read_error", "write_error"]

_BY_TYPE: Mapping[str, type[APIError]] = {
    "invalid_request_error": BadRequestError,
    "authentication_error": AuthenticationError,
    "billing_error": PaymentRequiredError,
    "permission_error": PermissionDeniedError,
    "not_found_error": NotFoundError,
    "request_too_large": RequestTooLargeError,
    "rate_limit_error": RateLimitError,
    "timeout_error": Timeout,
    "api_error": InternalServerError,
    "overloaded_error": ServiceUnavailableError,
}
_BY_STATUS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class _Known(NamedTuple):
    """A case that only the English text of an error tells apart."""

    text: re.Pattern[str]
    cls: type[APIError]
    code: str | None = None


_BY_TEXT = tuple(
    _Known(re.compile(text, re.IGNORECASE), cls, code)
    for text, cls, code in (
        # "Your credit balance is too low to access the Anthropic API."
        (r"credit balance is too low", PaymentRequiredError, None),
        # "Output blocked by content filtering policy"
        (r"content filtering policy|usage polic(y|ies)", ContentPolicyViolationError, None),
        # Bedrock's "The provided model identifier is invalid."
        (r"model identifier is invalid", NotFoundError, None),
        # "You have reached your specified API usage limits. You will regain access on ..."
        (r"reached your specified .{0,80}usage limits", InsufficientQuotaError, None),
    )
)
_PATH = re.compile(r"([a-z_]+(?:\.[\w-]+|\[\d+\])*): ")
"""How Anthropic names the field at fault: `messages.0.content: Input should be ...`."""


def read_error(reply: ErrorReply) -> APIError:
    """Read Anthropic's own shape and Bedrock's `{"message"}`; classify anything else by its status."""
    body = error_body(reply)
    fields = _object(body)
    error = _object(fields.get("error"))
    message = error.get("message", fields.get("message"))
    text, kind = message if isinstance(message, str) else "", _word(error.get("type"))
    cls, code = _classify(kind, text, reply.status)
    read = build(
        cls,
        reply,
        message=text,
        code=code,
        provider_code=kind or None,
        param=_param(cls, text),
        body=body if isinstance(body, (dict, list)) else None,
    )
    if read.request_id is None and isinstance(fields.get("request_id"), str):
        read.request_id = fields["request_id"]
    return read


def _classify(kind: str, text: str, status: int) -> tuple[type[APIError] | int, str | None]:
    """Return the class, or a status that says it, and our code. The type counts where there is no status, as inside a stream,
    and where a 400 says more than "bad request"."""
    cls = _BY_TYPE.get(kind) if status <= 400 else None
    if cls is None and status < 400:
        cls = InternalServerError
    by_text = _by_text(cls, kind, text, status)
    if by_text is not None:
        return by_text
    unknown_path = (cls is NotFoundError or status == 404) and "model" not in text
    return cls or status, "not_found" if unknown_path else None


def _by_text(cls: type[APIError] | None, kind: str, text: str, status: int) -> tuple[type[APIError], str | None] | None:
    """Classify by the English text where class and status say little; None where it says nothing."""
    if cls in (None, BadRequestError, InternalServerError) and (status < 400 or status in TEXT_STATUSES):
        if is_overflow(text, kind):
            return ContextWindowExceededError, None
        if is_model_failure(text, kind):
            return InternalServerError, None
    return _by_sentence(text) if cls is BadRequestError or (cls is None and status == 400) else None


def _by_sentence(text: str) -> tuple[type[APIError], str | None] | None:
    return next(((known.cls, known.code) for known in _BY_TEXT if known.text.search(text)), None)


def _param(cls: type[APIError] | int, text: str) -> str | None:
    match = _PATH.match(text) if cls in (BadRequestError, 400) else None
    return match[1] if match else None


def error_in_body(body: JsonObject, context: ReplyContext) -> APIError:
    """Return an error that came with a 200, or inside a stream."""
    return read_error(reply_of(body, context))


def write_error(error: DragomanError) -> JsonObject:
    """Return Anthropic's shape, with our own code and the provider's beside its type."""
    inner: dict[str, Any] = {"type": _type_of(error.status_code), "message": error.message}
    for key in ("code", "provider_code", "param"):
        value = getattr(error, key)
        if value is not None:
            inner[key] = value
    body: JsonObject = {"type": "error", "error": inner}
    return body | ({"request_id": error.request_id} if error.request_id else {})


def _type_of(status: int) -> str:
    return _BY_STATUS.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def invalid_shape(what: str) -> APIResponseValidationError:
    return APIResponseValidationError(f"the provider's answer is not in the shape of Anthropic's Messages: {what}")
