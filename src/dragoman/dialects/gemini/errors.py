"""Read and write Google's errors, by status and reason first and by English text last.

https://cloud.google.com/apis/design/errors and https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

import re
from typing import Any

from dragoman.dialects.codec import ErrorReply, ReplyContext
from dragoman.dialects.error_details import build, error_body, shown
from dragoman.dialects.error_phrases import TEXT_STATUSES, is_model_failure, is_overflow
from dragoman.dialects.redaction import scrub
from dragoman.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CallerError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DragomanError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    Timeout,
)
from dragoman.types.json import JsonObject

__all__ = ["blocked", "failed_candidate", "read_error", "write_error"]

_BY_REASON: dict[str, type[APIError]] = {
    "API_KEY_INVALID": AuthenticationError,
    "API_KEY_EXPIRED": AuthenticationError,
    "CREDENTIALS_MISSING": AuthenticationError,
    "ACCESS_TOKEN_EXPIRED": AuthenticationError,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": AuthenticationError,
    "ACCOUNT_STATE_INVALID": AuthenticationError,
    "RATE_LIMIT_EXCEEDED": RateLimitError,
    "RESOURCE_QUOTA_EXCEEDED": RateLimitError,
    "SERVICE_DISABLED": PermissionDeniedError,
    "BILLING_DISABLED": PermissionDeniedError,
    "API_KEY_SERVICE_BLOCKED": PermissionDeniedError,
    "API_KEY_HTTP_REFERRER_BLOCKED": PermissionDeniedError,
    "API_KEY_IP_ADDRESS_BLOCKED": PermissionDeniedError,
}
_BY_STATUS: dict[str, type[APIError]] = {
    "UNAUTHENTICATED": AuthenticationError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "NOT_FOUND": NotFoundError,
    "RESOURCE_EXHAUSTED": RateLimitError,
    "DEADLINE_EXCEEDED": Timeout,
    "UNAVAILABLE": ServiceUnavailableError,
    "INTERNAL": InternalServerError,
    "UNKNOWN": InternalServerError,
}
# INVALID_ARGUMENT says nothing more; these sentences are those of generativelanguage.googleapis.com and Vertex AI.
_BY_TEXT: tuple[tuple[re.Pattern[str], type[APIError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"api.key (not valid|expired)|invalid api.key", AuthenticationError),
        (r"(blocked|rejected|violat).{0,80}(safety|prohibited|polic)|(safety|prohibited|polic).{0,80}(blocked|violat)",
         ContentPolicyViolationError),
    )
)  # fmt: skip
_WAIT = re.compile(r"(\d{1,9}(?:\.\d{1,12})?)s")
_STATUS_NAMES: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def read_error(reply: ErrorReply) -> APIError:
    """Return the error of a reply: one object, or a list that holds it, with the same content."""
    body = _first(error_body(reply))
    error = _error_object(body)
    status_code = reply.status if reply.status >= 400 else _http_status((error or {}).get("code"))
    if error is None:
        return build(status_code, reply, message="", body=body)
    details = _details(error)
    reason = next((str(detail["reason"]) for detail in details if detail.get("reason")), "")
    status, message = _text(error, "status"), _text(error, "message")
    kind = _classify(reason, status, message, status_code)
    result = build(
        kind,
        reply,
        message=message,
        code=_code(kind, message),
        provider_code=reason or status or error.get("code"),
        param=_param(details),
        body=_shown(body, error, details),
        wait=_retry_delay(details),
    )
    if reason in _BY_REASON:
        result.provider_code = reason  # API_KEY_INVALID looks like a key to the scrubber
    return result


def _first(body: Any) -> Any:
    while isinstance(body, list) and body:
        body = body[0]
    return body


def _error_object(body: Any) -> JsonObject | None:
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else None


def _shown(body: JsonObject, error: JsonObject, details: list[JsonObject]) -> JsonObject:
    """Return the body to show: without a DebugInfo, which may repeat the API key."""
    if not details:
        return body
    rest = [detail for detail in details if not str(detail.get("@type")).endswith("DebugInfo")]
    return {**body, "error": {**error, "details": rest}}


def _details(error: JsonObject) -> list[JsonObject]:
    return [detail for detail in _list(error.get("details")) if isinstance(detail, dict)]


def _text(error: JsonObject, name: str) -> str:
    return str(error.get(name) or "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _http_status(code: Any) -> int:
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _classify(reason: str, status: str, message: str, status_code: int) -> type[APIError] | int:
    """Return the class of an error, or the HTTP status that decides about it."""
    kind = _BY_REASON.get(reason) or (_BY_STATUS.get(status) if status_code != 400 else None)
    if kind in (None, InternalServerError):
        kind = _classify_text(reason, status, message, status_code) or kind
    return kind or status_code


def _classify_text(reason: str, status: str, message: str, status_code: int) -> type[APIError] | None:
    """Return the class that the English text decides, where status and reason say nothing."""
    if status_code in TEXT_STATUSES:
        if is_overflow(message, reason, status):
            return ContextWindowExceededError
        if is_model_failure(message, reason, status):
            return InternalServerError
    if status_code != 400:
        return None
    return next((kind for pattern, kind in _BY_TEXT if pattern.search(message)), BadRequestError)


def _code(kind: type[APIError] | int, message: str) -> str | None:
    """Return a code of its own for a 404 about something else than the model, such as a file or a cache."""
    if kind is NotFoundError and not re.search(r"\bmodels?\b", message, re.IGNORECASE):
        return "not_found"
    return None


def _param(details: list[JsonObject]) -> str | None:
    violations = (item for detail in details for item in _list(detail.get("fieldViolations")) if isinstance(item, dict))
    return next((str(item["field"]) for item in violations if item.get("field")), None)


def _retry_delay(details: list[JsonObject]) -> float | None:
    for detail in details:
        match = _WAIT.fullmatch(str(detail.get("retryDelay") or ""))
        if match:
            return float(match[1])
    return None


def blocked(feedback: JsonObject, body: JsonObject, context: ReplyContext) -> APIError:
    """Return the error of a blocked prompt: Google answers 200 without candidates, where OpenAI's callers know a 400."""
    reason = str(feedback["blockReason"])
    explanation = feedback.get("blockReasonMessage")
    return ContentPolicyViolationError(
        f"{context.provider} blocked the prompt: {reason}{f' ({explanation})' if explanation else ''}",
        provider=context.provider,
        model=context.model,
        provider_code=reason,
        body=shown(body),
    )


def failed_candidate(candidate: JsonObject, context: ReplyContext) -> APIError:
    """Return the error of a candidate that broke off without content: a failure of the model, not of the request."""
    reason = str(candidate.get("finishReason"))
    explanation = candidate.get("finishMessage")
    return InternalServerError(
        scrub(f"the model broke off: {reason}{f' ({str(explanation)[:1000]})' if explanation else ''}"),
        provider=context.provider,
        model=context.model,
        provider_code=reason,
    )


def write_error(error: DragomanError) -> JsonObject:
    """Return Google's shape of an error: https://cloud.google.com/apis/design/errors#error_model"""
    code = error.code or error.type
    metadata = {"code": code, **({"param": error.param} if error.param else {})}
    reason = "API_KEY_INVALID" if isinstance(error, CallerError) and error.status_code == 401 else code.upper()
    details: list[JsonObject] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "dragoman",
            "metadata": metadata,
        }
    ]
    if error.retry_after is not None:
        details.append(
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{round(error.retry_after, 3):g}s"}
        )
    # A deadline is a 504 here: https://ai.google.dev/gemini-api/docs/troubleshooting
    status = 504 if error.status_code == 408 else error.status_code
    name = _STATUS_NAMES.get(status) or ("INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    return {"error": {"code": status, "message": error.message, "status": name, "details": details}}
