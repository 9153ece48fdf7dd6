"""Calls as a log tells of them: one JSON object a line, as the gateway writes them with `log_requests` and `json_logs`."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from dragoman.dialects._dialect import Operation
from dragoman.types.cost import NANO_DOLLARS
from dragoman.types.usage import Usage

__all__ = ["Log", "Logged", "read_log"]

_OPERATIONS: tuple[Operation, ...] = ("chat", "embedding", "text_completion", "count_tokens")
_A_TOKEN = "abc "
"""What is counted as one by length, and as about one by every estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One call."""

    at: float
    """Unix seconds: when it began."""
    model: str
    operation: Operation = "chat"
    stream: bool = False
    deployment: str = ""
    target: str = ""
    """`provider/model`, the provider's own name; empty where nobody was asked."""
    usage: Usage | None = None
    cost: int | None = None
    """Nano-dollars. None: unknown."""
    milliseconds: float | None = None
    answered: bool = True
    said: Any = None
    """The request itself, where the log has it."""

    @property
    def request(self) -> dict[str, Any]:
        """The request, or where the log has none another of the same length."""
        if isinstance(self.said, dict):
            return {**self.said, "model": self.model}
        usage = self.usage or {}
        text = _A_TOKEN * int(usage.get("prompt_tokens") or 0)
        if self.operation == "embedding":
            return {"model": self.model, "input": text}
        asked: dict[str, Any] = {"model": self.model}
        if wrote := usage.get("completion_tokens"):
            asked["max_tokens"] = wrote
        if self.operation == "text_completion":
            return {**asked, "prompt": text}
        asked["messages"] = [{"role": "user", "content": text}]
        return {"model": self.model, "chat": asked} if self.operation == "count_tokens" else asked


class Log(NamedTuple):
    calls: list[Logged]
    """The first first."""
    skipped: int
    """Lines that tell of no call."""


def read_log(lines: Iterable[str | bytes]) -> Log:
    """Lines that are no JSON, or tell of something else, are skipped and counted."""
    calls: list[Logged] = []
    skipped = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            call = _call(row) if isinstance(row, dict) else None
        except (ValueError, TypeError, OverflowError):
            call = None
        if call is None:
            skipped += 1
        else:
            calls.append(call)
    return Log(sorted(calls, key=lambda call: call.at), skipped)


def _call(row: Mapping[str, Any]) -> Logged | None:
    model, operation = row.get("model"), row.get("operation", "chat")
    known = "operation" in row or "deployment" in row or isinstance(row.get("usage"), dict)
    if not (isinstance(model, str) and model and operation in _OPERATIONS and known):
        return None
    milliseconds = _number(row.get("milliseconds"))
    usage = row.get("usage")
    provider, answered_by = row.get("provider"), row.get("answered_by")
    return Logged(
        at=_moment(row.get("time")) - (milliseconds or 0.0) / 1000,
        model=model,
        operation=operation,
        stream=bool(row.get("stream")),
        deployment=str(row.get("deployment") or ""),
        target=f"{provider}/{answered_by}" if provider and answered_by else "",
        usage=usage if isinstance(usage, dict) else None,  # type: ignore[arg-type]
        cost=_nano_dollars(row.get("cost")),
        milliseconds=milliseconds,
        answered=not row.get("error"),
        said=row.get("request"),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else None


def _moment(value: Any) -> float:
    """Unix seconds, or a date: of this machine's zone where it names none, as in the gateway's own lines."""
    number = _number(value)
    if number is not None:
        return number
    return datetime.datetime.fromisoformat(str(value).replace(",", ".")).timestamp()


def _nano_dollars(value: Any) -> int | None:
    """From US dollars; None for `unpriced`."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return int((amount * NANO_DOLLARS).to_integral_value()) if amount.is_finite() and amount >= 0 else None
