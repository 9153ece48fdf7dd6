"""Every failure that Dragoman can report.

    DragomanError
    ├── ConfigError                          a configuration that is refused
    ├── CallerError                          the gateway's own refusal of its caller (never a provider's)
    │   └── CallerAuthenticationError   401
    ├── BudgetExceededError             429
    └── APIError                             a call to a provider that failed
        ├── APIConnectionError               no answer, or not a whole one
        │   └── Timeout                 408
        ├── APIResponseValidationError  502  an answer that is not what its dialect promises
        └── APIStatusError                   an answer that says no
            ├── BadRequestError         400
            │   ├── ContextWindowExceededError
            │   ├── ContentPolicyViolationError
            │   └── UnsupportedParamsError
            │       └── UnsupportedAbilityError
            ├── AuthenticationError     401
            ├── PaymentRequiredError    402
            ├── PermissionDeniedError   403
            ├── NotFoundError           404
            ├── ConflictError           409
            ├── RequestTooLargeError    413
            ├── UnprocessableEntityError 422
            ├── RateLimitError          429
            │   └── InsufficientQuotaError
            └── InternalServerError     500
                ├── BadGatewayError     502
                └── ServiceUnavailableError 503

Names and statuses follow the openai package. Where it is imported, each `APIError` is one of its errors as well, so that
`except openai.RateLimitError` catches ours. Each error answers the router's three questions:
`retry_here` (may the same deployment succeed if asked again?), `retry_elsewhere` (may another one?) and
`retry_after` (not before how many seconds?).
"""

from __future__ import annotations

from typing import Any, Self

from dragoman._openai_errors import join_tree, request_of, response_of
from dragoman._root_error import DragomanError

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "BudgetExceededError",
    "CallerAuthenticationError",
    "CallerError",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "DragomanError",
    "InsufficientQuotaError",
    "InternalServerError",
    "NotFoundError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestTooLargeError",
    "ServiceUnavailableError",
    "Timeout",
    "UnprocessableEntityError",
    "UnsupportedAbilityError",
    "UnsupportedParamsError",
    "error_for_status",
]


class ConfigError(DragomanError):
    """A configuration is refused; the message names the path of each wrong key."""

    default_code = "invalid_config"


class CallerError(DragomanError):
    """The gateway refuses its caller, before any provider was asked."""

    status = 400
    default_type = "invalid_request_error"


class CallerAuthenticationError(CallerError):
    """The caller's own key is missing or wrong. Not to be confused with a provider's 401."""

    status = 401
    default_code = "invalid_api_key"
    default_type = "authentication_error"


class BudgetExceededError(DragomanError):
    """A budget has no room for this call."""

    status = 429
    default_code = "insufficient_quota"
    default_type = "insufficient_quota"


class APIError(DragomanError):
    """A call to a provider failed."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        join_tree(APIError)
        return super().__new__(cls)

    request = property(request_of)
    """As openai's errors have it; only where that package is imported."""


class APIConnectionError(APIError):
    """The provider gave no answer, or broke off in the middle of one."""

    status = 502
    default_code = "connection_error"
    default_type = "api_connection_error"
    retry_here = True
    retry_elsewhere = True


class Timeout(APIConnectionError):
    """The provider took longer than one of the limits: connect, first content, idle or total."""

    status = 408
    default_code = "timeout"
    default_type = "timeout_error"


class APIResponseValidationError(APIError):
    """The provider's answer is not what its dialect promises."""

    response = property(response_of)
    status = 502
    default_code = "invalid_provider_response"
    retry_here = True
    retry_elsewhere = True


class APIStatusError(APIError):
    """The provider answered with an error status that has no class of its own."""

    response = property(response_of)
    """As openai's errors have it; only where that package is imported."""


class BadRequestError(APIStatusError):
    """The request is not what the target accepts; the same everywhere, so never retried."""

    status = 400
    default_code = "invalid_request_error"
    default_type = "invalid_request_error"


class ContextWindowExceededError(BadRequestError):
    """The request does not fit in the model's window. Another model may take it."""

    default_code = "context_length_exceeded"


class ContentPolicyViolationError(BadRequestError):
    """The provider's safety system refused the request."""

    default_code = "content_filter"


class UnsupportedParamsError(BadRequestError):
    """The target has no way to express a parameter; `drop_params` would leave it out and report it."""

    default_code = "unsupported_parameter"


class UnsupportedAbilityError(UnsupportedParamsError):
    """The model is known to lack what the request needs (vision, tools, ...). Nobody was asked; another model may be able."""

    default_code = "unsupported_ability"
    retry_elsewhere = True


class AuthenticationError(APIStatusError):
    """The provider refused the credential of the deployment."""

    status = 401
    default_code = "invalid_api_key"
    default_type = "authentication_error"
    retry_elsewhere = True


class PaymentRequiredError(APIStatusError):
    """The credit with the provider is used up."""

    status = 402
    default_code = "insufficient_quota"
    default_type = "insufficient_quota"
    retry_elsewhere = True


class PermissionDeniedError(APIStatusError):
    """The credential may not do this."""

    status = 403
    default_code = "permission_denied"
    default_type = "permission_error"
    retry_elsewhere = True


class NotFoundError(APIStatusError):
    """The model, or another thing that the request names, is not there."""

    status = 404
    default_code = "model_not_found"
    default_type = "invalid_request_error"
    retry_elsewhere = True


class ConflictError(APIStatusError):
    """The request collides with another one."""

    status = 409
    default_code = "conflict"
    retry_here = True
    retry_elsewhere = True


class RequestTooLargeError(APIStatusError):
    """The body is larger than the target takes."""

    status = 413
    default_code = "request_too_large"
    default_type = "invalid_request_error"
    retry_elsewhere = True


class UnprocessableEntityError(APIStatusError):
    """The request is well-formed, and its content is not acceptable."""

    status = 422
    default_code = "unprocessable_entity"
    default_type = "invalid_request_error"


class RateLimitError(APIStatusError):
    """Too many requests or tokens; `retry_after` says for how long, where the provider told it."""

    status = 429
    default_code = "rate_limit_exceeded"
    default_type = "rate_limit_error"
    retry_here = True
    retry_elsewhere = True


class InsufficientQuotaError(RateLimitError):
    """A 429 that no waiting mends: the credit or the quota with the provider is used up."""

    default_code = "insufficient_quota"
    default_type = "insufficient_quota"
    retry_here = False


class InternalServerError(APIStatusError):
    """The provider failed."""

    status = 500
    default_code = "server_error"
    default_type = "server_error"
    retry_here = True
    retry_elsewhere = True


class BadGatewayError(InternalServerError):
    """A server in front of the provider failed."""

    status = 502
    default_code = "bad_gateway"


class ServiceUnavailableError(InternalServerError):
    """The provider is down or overloaded (503, and Anthropic's 529)."""

    status = 503
    default_code = "service_unavailable"


_BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: Timeout,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    500: InternalServerError,
    502: BadGatewayError,
    503: ServiceUnavailableError,
    504: Timeout,
    529: ServiceUnavailableError,
}


def error_for_status(status: int) -> type[APIError]:
    """Return the class for an HTTP status: `APIStatusError` for an unknown 4xx, `InternalServerError` for an unknown 5xx, and
    `BadGatewayError` for what is no status of HTTP."""
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    if status >= 600:
        return BadGatewayError
    return InternalServerError if status >= 500 else APIStatusError
