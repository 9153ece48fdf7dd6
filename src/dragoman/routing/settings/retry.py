"""How often each class of errors is retried: the `retry_policy` setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dragoman.errors import APIError, UnsupportedAbilityError

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, by the class of the error; a class that is not there is retried as often as `num_retries` says."""

    retries: Mapping[str, int] = field(default_factory=dict)

    def allows(self, error: APIError, so_far: int) -> bool:
        """Whether the `so_far`th error of this class is followed by another attempt."""
        if isinstance(error, UnsupportedAbilityError):
            return True  # nobody was asked
        limit = next(
            (self.retries[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in self.retries), None
        )
        return limit is None or so_far <= limit
