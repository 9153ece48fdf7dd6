"""How often each class of errors is retried: the `retry_policy` setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dragoman.errors import APIError, UnsupportedAbilityError
from dragoman.routing.settings.deployment_keys import ERRORS
from dragoman.settings.readers import counts, object_of

__all__ = ["RetryPolicy", "retry_policies", "retry_policy"]

_RETRIES = counts("Retries", {**ERRORS, "Default": "APIError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The number of retries by the class of the error; a class without a number is retried up to `num_retries` times."""

    retries: Mapping[str, int] = field(default_factory=dict)

    def allows(self, error: APIError, so_far: int) -> bool:
        """Whether the `so_far`th error of this class is followed by another attempt."""
        if isinstance(error, UnsupportedAbilityError):
            return True  # no provider was called
        limit = next(
            (self.retries[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in self.retries), None
        )
        return limit is None or so_far <= limit


def retry_policy(value: Any, path: str) -> RetryPolicy:
    """Read `{RateLimitErrorRetries: 3}`. Raise `ConfigError`."""
    return value if isinstance(value, RetryPolicy) else RetryPolicy(retries=_RETRIES(value, path))


def retry_policies(value: Any, path: str) -> dict[str, RetryPolicy]:
    """Read `{alias: {RateLimitErrorRetries: 3}}`. Raise `ConfigError`."""
    return {alias: retry_policy(item, f"{path}.{alias}") for alias, item in object_of(value, path).items()}
