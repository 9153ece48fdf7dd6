"""Refuse a parameter that the target cannot express, or leave it out and report it. Never silently."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from dragoman.dialects.codec import Target
from dragoman.errors import UnsupportedParamsError
from dragoman.types.request_params import ALL_PARAMS

__all__ = ["BOOKKEEPING", "DropList", "fitted_id", "hashed_id"]

BOOKKEEPING = frozenset(name for name, param in ALL_PARAMS.items() if param.droppable)
"""Parameters that name the caller, or save work: the answer is the same without them. A provider that does not know them is
sent the rest, and they are reported."""


def fitted_id(value: str, length: int) -> str:
    """Return `value` where it is short enough (0: any length is), else a hash of it, so that one user stays one user."""
    return value if not length or len(value) <= length else hashed_id(value)[:length]


def hashed_id(value: str) -> str:
    """Return 64 characters that stand for `value`."""
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


class DropList:
    """Collects, for one request, what was left out."""

    __slots__ = ("_dropped", "_target")

    def __init__(self, target: Target) -> None:
        self._target = target
        self._dropped: dict[str, None] = {}

    def unsupported(self, param: str, why: str = "") -> None:
        """The target has no way to say `param` (a path such as `tools[2]` is fine): refuse, or note that it is left out."""
        if not (self._target.drop_params or self.is_dropped(param)):
            reason = f": {why}" if why else ""
            raise UnsupportedParamsError(
                f"{self._target.provider} does not support the parameter {param!r} for model "
                f"{self._target.model!r}{reason}. Set drop_params to leave such parameters out.",
                param=param,
                provider=self._target.provider,
                model=self._target.model,
            )
        self._dropped[param] = None

    def degraded(self, param: str) -> None:
        """`param` is sent with less than its whole meaning where that does no harm: only noted."""
        self._dropped[param] = None

    def leave_out(self, param: str, why: str = "") -> None:
        """The target refuses `param`: only noted where the answer is the same without it, else as `unsupported`."""
        if param in BOOKKEEPING:
            self.degraded(param)
        else:
            self.unsupported(param, why)

    def is_dropped(self, param: str) -> bool:
        """Whether the caller leaves `param` out in any case."""
        return param in self._target.additional_drop_params

    def without_dropped(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of `request` without what the caller leaves out in any case, which is noted."""
        for name in request:
            if self.is_dropped(name):
                self.degraded(name)
        return {name: value for name, value in request.items() if not self.is_dropped(name)}

    def allowed(self, param: str) -> bool:
        """Whether the caller insists that the target knows `param`."""
        return param in self._target.allowed_openai_params

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)
