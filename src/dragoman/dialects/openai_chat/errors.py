"""Errors of OpenAI and of compatible providers: wire -> our classes, and back."""

from __future__ import annotations

import re
from typing import Any

from dragoman.dialects.codec import ErrorReply, ReplyContext
from dragoman.dialects.error_details import build, error_body, excerpt, plain_text, reply_of
from dragoman.dialects.error_phrases import TEXT_STATUSES, is_model_failure, is_overflow
from dragoman.dialects.openai_chat.error_shapes import ErrorFields, error_fields
from dragoman.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DragomanError,
    InsufficientQuotaError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    ServiceUnavailableError,
    UnprocessableEntityError,
    UnsupportedParamsError,
    error_for_status,
)
from dragoman.types.json import JsonObject

__all__ = ["failed_choice", "is_error", "raise_if_error", "read_error", "stream_error", "write_error"]

_BY_CODE: dict[str, type[APIError]] = {
    "content_filter": ContentPolicyViolationError,
    "content_policy_violation": ContentPolicyViolationError,
    "responsibleaipolicyviolation": ContentPolicyViolationError,  # Azure
    "data_inspection_failed": ContentPolicyViolationError,  # Alibaba
    "model_not_found": NotFoundError,
    "invalid_model": NotFoundError,  # Mistral, as a 400
    "deploymentnotfound": NotFoundError,  # Azure
    "invalid_api_key": AuthenticationError,
    "insufficient_quota": InsufficientQuotaError,
    "rate_limit_exceeded": RateLimitError,
    "unsupported_parameter": UnsupportedParamsError,
    "engine_overloaded_error": ServiceUnavailableError,  # Moonshot
}
"""The provider's code or type, in lower case -> class."""
_STATUSES: dict[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "overloaded_error": 503,
}
"""The code or type of an error that came without a status, in lower case -> the status that it has elsewhere."""

_BY_TEXT: tuple[tuple[re.Pattern[str], type[APIError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        # DeepSeek, xAI, vLLM and others give code `invalid_request_error` or none at all for all of these.
        (
            r"content management policy|content violates|violates (?:our )?usage|flagged as potentially"
            r"|rejected (?:as a result of|by) (?:our|the) safety system|inappropriate content",
            ContentPolicyViolationError,
        ),
        (r"(?:incorrect|invalid) api.?key|api.?key not valid", AuthenticationError),
        (
            r"\binvalid model\b|not a valid model|model names are|no such model|unknown model"
            r"|\bmodel\b[^.]{0,120}(?:not found|(?:does not|doesn't|not) exist|was removed)",
            NotFoundError,
        ),
        (r"not support(?:ed|s)? (?:the )?parameter|unsupported parameter", UnsupportedParamsError),
    )
)
"""English text -> class; looked up after the code, for `TEXT_STATUSES` only."""

_WAIT = re.compile(r"(?:try again|retry) (?:in|after) (?:(\d{1,6})m)?(\d{1,9}(?:\.\d{1,12})?)(ms|s)\b", re.IGNORECASE)
"""OpenAI and Groq tell the wait in the message when they leave out the header."""
_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_OPENAI_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+\Z")


def read_error(reply: ErrorReply) -> APIError:
    body = error_body(reply)
    fields = error_fields(body)
    if body is None:
        fields.message = plain_text(reply.body)
    return _error(fields, body, reply)


def _error(fields: ErrorFields, body: Any, reply: ErrorReply) -> APIError:
    status = reply.status if reply.status >= 400 else fields.status or 500
    kind = _class(fields, status)
    if fields.headers:
        reply = ErrorReply(reply.provider, reply.model, reply.status, {**fields.headers, **reply.headers}, reply.body)
    if reply.status < 400:
        reply = ErrorReply(reply.provider, reply.model, status, reply.headers, reply.body)
    error = build(
        kind,
        reply,
        message=fields.message,
        code=_code(kind, fields),
        provider_code=fields.code or fields.type or None,
        param=fields.param,
        body=body,
    )
    if error.retry_after is None and kind is RateLimitError:
        error.retry_after = _wait_in(fields.message)
    return error


def _class(fields: ErrorFields, status: int) -> type[APIError]:
    words = (fields.code, fields.type)
    match = next((_BY_CODE[word.lower()] for word in words if word.lower() in _BY_CODE), None)
    if match is not None:
        return match
    message = fields.message if status in TEXT_STATUSES else ""
    if is_overflow(message, *words):
        return ContextWindowExceededError
    if is_model_failure(message, *words):
        return InternalServerError
    by_text = (kind for pattern, kind in _BY_TEXT if message and pattern.search(message))
    return next(by_text, error_for_status(status))


def _code(kind: type[APIError], fields: ErrorFields) -> str | None:
    """OpenAI's word for it. None: the class's own."""
    if fields.code == "insufficient_quota" or fields.type == "insufficient_quota":
        return "insufficient_quota"
    if kind is NotFoundError and fields.code != "model_not_found" and not _MODEL.search(fields.message):
        return "not_found"
    tells = kind in (BadRequestError, UnprocessableEntityError) or is_model_failure("", fields.code)
    if tells and _OPENAI_CODE.match(fields.code):
        return fields.code
    return None


def _wait_in(message: str) -> float | None:
    match = _WAIT.search(message)
    if match is None:
        return None
    seconds = float(match[2]) / (1000 if match[3].lower() == "ms" else 1)
    return 60 * int(match[1] or 0) + seconds


def is_error(body: JsonObject) -> bool:
    """Whether a body that came with a 200 is an error."""
    if body.get("error") or body.get("object") == "error":
        return True
    base = body.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return True
    if "choices" in body or "data" in body or "object" in body:
        return False
    return any(body.get(key) for key in ("detail", "errors", "message"))


def raise_if_error(body: JsonObject, context: ReplyContext) -> None:
    """Raise the error that came with a 200."""
    if not isinstance(body, dict):
        raise stream_error(body, context)
    if is_error(body):
        raise stream_error(body, context)


def stream_error(body: Any, context: ReplyContext) -> APIError:
    """The error that came as an event, or inside a whole answer."""
    body = excerpt(body)
    fields = error_fields(body)
    fields.status = fields.status or _STATUSES.get(fields.code.lower()) or _STATUSES.get(fields.type.lower()) or 0
    return _error(fields, body, reply_of(body, context))


def failed_choice(choice: JsonObject, context: ReplyContext) -> APIError:
    """A choice that the provider gave up (OpenRouter says why in its `error`)."""
    word = choice.get("native_finish_reason") or choice.get("finish_reason")
    body = {"error": choice.get("error") or {"message": f"the model broke off with {word!r}", "code": str(word)}}
    return stream_error(body, context)


def write_error(error: DragomanError) -> JsonObject:
    written: JsonObject = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    if error.provider_code is not None:
        written["provider_code"] = error.provider_code
    return {"error": written}
