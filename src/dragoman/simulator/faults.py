"""Faults of a simulated provider: `latency=0.2; error=429; retry-after=2`, by flag, header, model name or directive."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Faults", "split_model"]

_ERROR_WORDS = ("context", "filter", "quota", "overloaded")
"""Errors beside the statuses, known to all three providers."""
_MODEL = re.compile(r"^(.*?)\[([^\[\]]*)\]$", re.DOTALL)


@dataclass(frozen=True)
class Faults:
    """Times in seconds; counts are of chunks that went out before. In text, `_` is written `-`."""

    latency: float = 0.0
    """Before the headers."""
    slow_first: float = 0.0
    """Between the headers of a stream and its first chunk."""
    rate: float = 0.0
    """Chunks per second; 0 is as fast as can be."""
    error: str = ""
    """A status (429), or a word: context, filter, quota, overloaded."""
    error_rate: float = 0.0
    """The share of calls that get `error` (500 where that is not given), from 0 to 1."""
    retry_after: str = ""
    cut: int = -1
    """The connection is closed after this many chunks; a whole answer is cut in the middle."""
    drop: bool = False
    """The connection is closed before anything was answered."""
    error_after: int = -1
    """An error event after this many chunks."""
    stall: int = -1
    """Nothing more after this many chunks, until the caller leaves (or `stall_for` seconds)."""
    stall_for: float = 0.0
    hang: bool = False
    """Never answers."""
    malformed: bool = False
    """The answer (or the second chunk) is no JSON."""
    echo: bool = False
    """The answer is what was received: method, path, query, headers, body."""
    times: int = 0
    """Only for the first so many calls of this model since the last reset; 0 is always."""
    context: int = 0
    """The context window in tokens, instead of the dialect's."""
    alternate: bool = False
    """Anthropic: consecutive turns of one role are refused (as Bedrock does)."""

    strict: bool = False
    """OpenAI: unknown fields inside of messages and tools are refused too."""

    def __post_init__(self) -> None:
        """Raise ValueError for a value that no provider could show."""
        for name in ("latency", "slow_first", "rate", "error_rate", "stall_for", "times", "context"):
            value = getattr(self, name)
            if not (0 <= value < math.inf):
                raise ValueError(f"simulate: {_spelled(name)}={value} is not a number from 0 on")
        if self.error_rate > 1:
            raise ValueError(f"simulate: error-rate={self.error_rate:g} is not a share from 0 to 1")
        if not (self.error == "" or self.error in _ERROR_WORDS or re.fullmatch("[45][0-9][0-9]", self.error)):
            expected = f"a status from 400 to 599, {', '.join(_ERROR_WORDS[:-1])} or {_ERROR_WORDS[-1]}"
            raise ValueError(f"simulate: error={self.error!r} is not known; expected {expected}")

    def with_changes(self, text: str) -> Faults:
        """Return these faults, changed by `text`. Raise `ValueError` for an unknown name."""
        fields = {field.name: field for field in dataclasses.fields(self)}
        changes: dict[str, Any] = {}
        for entry in re.split(r"[;,]", text):
            name, _, value = (part.strip() for part in entry.partition("="))
            if not name:
                continue
            field = fields.get(name.replace("-", "_"))
            if field is None:
                raise ValueError(
                    f"simulate: {name!r} is not known; expected one of {', '.join(sorted(fields)).replace('_', '-')}"
                )
            changes[field.name] = _parsed(str(field.type), name, value)
        return dataclasses.replace(self, **changes)

    def without_failures(self) -> Faults:
        """Return the settings that are no failures, for a call after the first `times`."""
        return Faults(echo=self.echo, context=self.context, alternate=self.alternate, strict=self.strict)


def _spelled(name: str) -> str:
    """Return a field's name as it is written in text."""
    return name.replace("_", "-")


def _parsed(kind: str, name: str, value: str) -> Any:
    if kind == "bool":
        return value.lower() not in ("0", "false", "no")
    if kind == "str":
        return value
    try:
        return int(value) if kind == "int" else float(value)
    except ValueError:
        raise ValueError(f"simulate: {name}={value!r} is no number") from None


def split_model(model: str) -> tuple[str, str]:
    """Return the model and its faults: `sim` and `cut=3` for `sim[cut=3]`."""
    match = _MODEL.match(model)
    return (match[1], match[2]) if match else (model, "")
