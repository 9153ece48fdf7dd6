"""A provider's answer that our code cannot read or convert is a failure of the provider: retries and fallbacks run."""

from __future__ import annotations

import logging

from dragoman.errors import APIResponseValidationError

__all__ = ["invalid_answer"]

_log = logging.getLogger("dragoman.routing")


def invalid_answer(error: Exception) -> APIResponseValidationError:
    """Build the failure of an attempt from `error`, which an odd answer made our code raise, and log its traceback.

    The message does not repeat the error's own words, which may quote the answer. Raise it `from None`: a traceback holds all that
    was read."""
    _log.error("a provider's answer could not be read", exc_info=error)
    return APIResponseValidationError(f"the answer is not what its dialect promises ({type(error).__name__})")
