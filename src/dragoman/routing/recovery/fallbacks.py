"""Where a call goes when its model group has failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from dragoman.errors import (
    APIError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    RateLimitError,
    Timeout,
)
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.options import split_params
from dragoman.routing.settings.router_settings import Fallbacks, FallbackTarget, RouterSettings

__all__ = ["check_form", "mock_failure", "targets"]

_NOT_REMOTE = (
    "api_base",
    "api_key",
    "custom_llm_provider",
    "extra_headers",
    "extra_query",
    "api_version",
    "prices",
    "base_model",
)
"""What a caller of a gateway cannot say of a fallback: where a key goes, and what a model costs."""

_MOCK_FAILURES: Mapping[str, type[APIError]] = MappingProxyType(
    {
        "mock_timeout": Timeout,
        "mock_testing_rate_limit_error": RateLimitError,
        "mock_testing_fallbacks": InternalServerError,
        "mock_testing_context_fallbacks": ContextWindowExceededError,
        "mock_testing_content_policy_fallbacks": ContentPolicyViolationError,
    }
)
"""By the option that asks for it."""


def targets(
    settings: RouterSettings, alias: str, options: CallOptions, error: APIError | None, called: str = ""
) -> Iterator[FallbackTarget]:
    """The fallbacks of `alias` for this error (None: for an error that any deployment may have): the call's own, or else the
    router's. `called` is the name by which the caller knows it: its fallbacks come before those of `alias`."""
    if options.disable_fallbacks:
        return
    names = (called or alias, alias)
    general: Sequence[FallbackTarget] | None = options.fallbacks
    if general is None:
        general = _row(settings.fallbacks, names) or settings.default_fallbacks
    special: Fallbacks = {}
    if isinstance(error, ContextWindowExceededError):
        special = settings.context_window_fallbacks
    elif isinstance(error, ContentPolicyViolationError):
        special = settings.content_policy_fallbacks
    elif error is not None and not (error.retry_here or error.retry_elsewhere):
        return
    for target in _row(special, names) or general:
        if target not in names:
            yield target


def _row(rows: Fallbacks, names: Sequence[str]) -> tuple[FallbackTarget, ...]:
    return next((rows[name] for name in (*names, "*") if rows.get(name)), ())


def mock_failure(options: CallOptions, alias: str) -> APIError | None:
    """Return the error that LiteLLM's switches for testing fallbacks ask for: nothing is sent, as if the model had failed."""
    message = f"{alias!r} was not asked: the call tests its fallbacks"
    for name, kind in _MOCK_FAILURES.items():
        if getattr(options, name):
            return kind(message, code=name)
    return None


def check_form(result: Sequence[FallbackTarget] | None, *, remote: bool) -> None:
    """Those that come with a call. Raises `BadRequestError`."""
    for target in result or ():
        if isinstance(target, str):
            continue
        parts = split_params({name: value for name, value in target.items() if name != "model"}, "fallbacks")
        for path, message in parts.problems:
            raise BadRequestError(f"{path}: {message}", param=path)
        named = next((name for name in _NOT_REMOTE if name in parts.options), None)
        if named is not None and remote:
            named = next(iter(parts.options["prices"])) if named == "prices" else named
            raise BadRequestError(f"fallbacks.{named}: cannot be set here", param=f"fallbacks.{named}")
