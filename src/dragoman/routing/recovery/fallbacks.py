"""Where a call goes when its model group has failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

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
from dragoman.routing.settings.fallbacks import Fallbacks, FallbackTarget
from dragoman.routing.settings.options import split_params
from dragoman.routing.settings.router_settings import RouterSettings

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
    """Yield the fallbacks of `alias` for this error (None: for an error that any deployment may have): the call's own, or else
    the router's. `called` is the name by which the caller knows it: its fallbacks come before those of `alias`."""
    if options.disable_fallbacks:
        return
    names = (called or alias, alias)
    special = _special(settings, error)
    if special is None and error is not None and not (error.retry_here or error.retry_elsewhere):
        return
    targets = _row(special or {}, names) or _general(settings, options, names)
    yield from (target for target in targets if target not in names)


def _special(settings: RouterSettings, error: APIError | None) -> Fallbacks | None:
    """Return the fallbacks of a class of errors that has its own."""
    if isinstance(error, ContextWindowExceededError):
        return settings.context_window_fallbacks
    if isinstance(error, ContentPolicyViolationError):
        return settings.content_policy_fallbacks
    return None


def _general(settings: RouterSettings, options: CallOptions, names: Sequence[str]) -> Sequence[FallbackTarget]:
    if options.fallbacks is not None:
        return options.fallbacks
    return _row(settings.fallbacks, names) or settings.default_fallbacks


def _row(rows: Fallbacks, names: Sequence[str]) -> tuple[FallbackTarget, ...]:
    return next((rows[name] for name in (*names, "*") if rows.get(name)), ())


def mock_failure(options: CallOptions, alias: str) -> APIError | None:
    """Return the error that LiteLLM's switches for testing fallbacks ask for: nothing is sent, as if the model had failed."""
    message = f"{alias!r} was not asked: the call tests its fallbacks"
    for name, kind in _MOCK_FAILURES.items():
        if getattr(options, name):
            return kind(message, code=name)
    return None


def check_form(targets: Sequence[FallbackTarget] | None, *, remote: bool) -> None:
    """Check the fallbacks that come with a call; `remote`: with a caller of a gateway. Raise `BadRequestError`."""
    for target in targets or ():
        if not isinstance(target, str):
            _check_parameters(target, remote=remote)


def _check_parameters(target: Mapping[str, Any], *, remote: bool) -> None:
    parts = split_params({name: value for name, value in target.items() if name != "model"}, "fallbacks")
    for path, message in parts.problems:
        raise BadRequestError(f"{path}: {message}", param=path)
    name = next((name for name in _NOT_REMOTE if name in parts.options), None) if remote else None
    if name is not None:
        name = next(iter(parts.options["prices"])) if name == "prices" else name
        raise BadRequestError(f"fallbacks.{name}: cannot be set here", param=f"fallbacks.{name}")
