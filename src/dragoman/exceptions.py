"""The errors, where LiteLLM's users look for them: `from dragoman.exceptions import RateLimitError`."""

from __future__ import annotations

from typing import NoReturn

from dragoman import errors
from dragoman.errors import *  # noqa: F403
from dragoman.errors import APIResponseValidationError, BadRequestError, DragomanError
from dragoman.litellm.unsupported import absent

__all__ = [*errors.__all__, "ImageFetchError", "InvalidRequestError", "JSONSchemaValidationError", "OpenAIError"]

# LiteLLM's names of errors that are raised under another one here: `except` with either catches them.
ImageFetchError = InvalidRequestError = BadRequestError
JSONSchemaValidationError = APIResponseValidationError
OpenAIError = DragomanError


def __getattr__(name: str) -> NoReturn:
    raise absent(__name__, name, __all__)
