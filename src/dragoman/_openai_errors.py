"""Our errors as errors of the openai package too, so that `except openai.RateLimitError` catches ours.

The package is never imported for it: a program that has not imported it cannot name its errors. Once it is imported, our classes
inherit from its classes as well.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

__all__ = ["join_tree", "request_of", "response_of"]

_NAMES: Mapping[str, str] = MappingProxyType({"Timeout": "APITimeoutError"})
"""Of the classes that openai names otherwise."""
_ADDRESS = "https://api.openai.com/v1"
"""Of the request, which openai's own errors always have and ours do not tell."""


def join_tree(root: type[Exception]) -> None:
    """Let `root`, which corresponds to `openai.APIError`, and the classes below it inherit from openai's of the same name."""
    openai = sys.modules.get("openai")
    if openai is not None and not issubclass(root, getattr(openai, root.__name__, object)):
        _join(root, openai)


def _join(ours: Any, openai: ModuleType) -> None:
    theirs = getattr(openai, _NAMES.get(ours.__name__, ours.__name__), None)
    if theirs is not None and ours.__module__ == "dragoman.errors":
        # TypeError: a subclass of a user's own inherits from both already, in the other order.
        with contextlib.suppress(TypeError):
            ours.__bases__ = (*ours.__bases__, theirs)
    for below in ours.__subclasses__():
        _join(below, openai)


def request_of(error: Any) -> Any:
    """A request as openai's errors have one. Raises `AttributeError` where the package is not imported."""
    return _http_library("request").Request("POST", _ADDRESS)


def response_of(error: Any) -> Any:
    """The provider's answer, as far as the error knows it. Raises `AttributeError` where the package is not imported."""
    library = _http_library("response")
    said = {"x-request-id": error.request_id, "retry-after": error.retry_after}
    headers = {name: str(value) for name, value in said.items() if value is not None}
    kind = "content" if isinstance(error.body, (str, bytes)) else "json"
    return library.Response(error.status_code, headers=headers, request=request_of(error), **{kind: error.body})


def _http_library(wanted: str) -> Any:
    """The one whose objects openai's errors hold: older versions import httpx, newer ones its successor."""
    found = next((sys.modules[name] for name in ("httpx2", "httpx") if name in sys.modules), None)
    if found is None or "openai" not in sys.modules:
        raise AttributeError(wanted)
    return found
