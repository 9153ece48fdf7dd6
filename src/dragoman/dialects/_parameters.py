"""What happens to a parameter that the target cannot express: refused, or left out and reported. Never silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.dialects._dialect import Target
from dragoman.errors import UnsupportedParamsError

__all__ = ["DropList"]


class DropList:
    """Collects, for one request, what was left out."""

    __slots__ = ("_dropped", "_target")

    def __init__(self, target: Target) -> None:
        self._target = target
        self._dropped: dict[str, None] = {}

    def unsupported(self, param: str, why: str = "") -> None:
        """The target has no way to say `param` (a path such as `tools[2]` is fine): refuse, or note that it is left out."""
        if not (self._target.drop_params or self.wanted_out(param)):
            reason = f": {why}" if why else ""
            raise UnsupportedParamsError(
                f"{self._target.provider} does not support the parameter {param!r} for model "
                f"{self._target.model!r}{reason}. Set drop_params to leave such parameters out.",
                param=param,
                provider=self._target.provider,
                model=self._target.model,
            )
        self._dropped[param] = None

    def weakened(self, param: str) -> None:
        """`param` is sent with less than its whole meaning where that does no harm: only noted."""
        self._dropped[param] = None

    def wanted_out(self, param: str) -> bool:
        """Whether the caller asked to leave `param` out in any case."""
        return param in self._target.additional_drop_params

    def wanted(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of `request` without what the caller asked to leave out in any case, which is noted."""
        for name in request:
            if self.wanted_out(name):
                self.weakened(name)
        return {name: value for name, value in request.items() if not self.wanted_out(name)}

    def allowed(self, param: str) -> bool:
        """Whether the caller insists that the target knows `param`."""
        return param in self._target.allowed_openai_params

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)
