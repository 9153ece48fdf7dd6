"""One call as a log tells of it: one JSON object a line, as the gateway writes it with `log_requests` and `json_logs`, a `CallLog`,
or LiteLLM into its spend logs."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import orjson

from dragoman.dialects.registry import find_operation, operation_names
from dragoman.routing.replay._spend_logs import is_spend_log, row_of_spend_log
from dragoman.types.cost import NANO_DOLLARS
from dragoman.types.operations import CHAT, Operation
from dragoman.types.usage import TokenUsage

__all__ = ["BadLine", "LoggedCall", "ReplayedOutcome", "call_of"]

_A_TOKEN = "abc "
"""What is counted as one by length, and as about one by every estimate."""
_MOST_TOKENS = 10_000_000
"""No model takes more."""
_MOST = 10**12
_DEEPEST = 8
"""Objects in one another."""
_TRIED = re.compile(r"(?P<deployment>.+) (?P<outcome>[A-Za-z]\w*)(?: (?P<status>\d{3}))? (?P<ms>\d+)ms")
_ANSWERED = "answered"
_MARKS = ("operation", "deployment", "usage")
"""A line with none of these tells of no call."""
_END_OF_TIME = 253_402_300_800
"""The year 10000."""


class BadLine(ValueError):
    """A line that should tell of a call, and does not."""


class ReplayedOutcome(NamedTuple):
    """Of one attempt."""

    deployment: str
    """Its id."""
    target: str = ""
    """`provider/model`, the provider's own name; empty: the line does not say it."""
    error: str = ""
    """The class; empty: it answered."""
    status: int | None = None
    milliseconds: float | None = None


class LoggedCall(NamedTuple):
    """One call."""

    at: float
    """Unix seconds: when it began."""
    model: str
    operation_name: str = CHAT.name
    """A long log is put on disk, where a record of functions cannot go."""
    stream: bool = False
    outcomes: tuple[ReplayedOutcome, ...] = ()
    """Of its attempts, in their order."""
    usage: TokenUsage | None = None
    cost: int | None = None
    """Nano-dollars. None: unknown."""
    milliseconds: float | None = None
    error: str = ""
    """The class of the error that it ended with; empty: it was answered."""
    status: int | None = None
    said: Any = None
    """The request itself, where the log has it."""
    metadata: Mapping[str, Any] | None = None

    @property
    def operation(self) -> Operation:
        operation = find_operation(self.operation_name)
        assert operation is not None  # it was looked up when the line was read
        return operation

    @property
    def where(self) -> ReplayedOutcome | None:
        """The attempt that answered it, or else the last; None: there was none."""
        answer = next((item for item in reversed(self.outcomes) if not item.error), None)
        return answer or (self.outcomes[-1] if self.outcomes else None)

    @property
    def request(self) -> dict[str, Any]:
        """The request, or where the log has none another of the same length."""
        if self.said is not None:
            return {**self.said, "model": self.model}
        usage = self.usage or {}
        text = _A_TOKEN * min(int(usage.get("prompt_tokens") or 0), _MOST_TOKENS)
        operation = self.operation
        request = {"model": self.model, **operation.sample(text)}
        wrote = usage.get("completion_tokens")
        if wrote and operation.generates:
            request[operation.output_limits[-1]] = wrote
        return request


def call_of(line: str | bytes) -> LoggedCall | None:
    """None: the line tells of something else. Raises `BadLine`."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadLine(f"not JSON: {str(error).partition(': line')[0]}") from None
    if not isinstance(row, dict):
        raise BadLine("expected a JSON object")
    if is_spend_log(row):
        row = row_of_spend_log(row)
    elif "event" in row or not any(mark in row for mark in _MARKS):
        return None
    return _call(row)


def _call(row: Mapping[str, Any]) -> LoggedCall:
    name = row.get("operation", CHAT.name)
    if not isinstance(name, str) or find_operation(name) is None:
        raise _bad("operation", f"one of {', '.join(operation_names())}")
    milliseconds = _number(row, "milliseconds")
    model, error = _text(row, "model"), _text(row, "error")
    if not model:
        raise _bad("model", "the name of a model")
    return LoggedCall(
        at=_moment(row) - (milliseconds or 0.0) / 1000,
        model=model,
        operation_name=name,
        stream=bool(row.get("stream")),
        outcomes=_outcomes(row, error),
        usage=_usage(row),
        cost=_nano_dollars(row.get("cost")),
        milliseconds=milliseconds,
        error=error,
        status=_status(row),
        said=_object(row, "request"),
        metadata=_object(row, "metadata"),
    )


def _bad(name: str, expected: str) -> BadLine:
    return BadLine(f"{name}: expected {expected}")


def _outcomes(row: Mapping[str, Any], error: str) -> tuple[ReplayedOutcome, ...]:
    """Return the outcomes of a line: those of its `attempts`, or of its `tried`, or else that of the one deployment it names."""
    deployment, provider, model = (_text(row, name) for name in ("deployment", "provider", "answered_by"))
    target = f"{provider}/{model}" if provider and model else ""
    attempts, entries = row.get("attempts"), row.get("tried")
    if isinstance(attempts, list):
        return tuple(_attempt(item, f"attempts[{position}]") for position, item in enumerate(attempts))
    if isinstance(entries, list):
        return tuple(_said(item, deployment, target, f"tried[{position}]") for position, item in enumerate(entries))
    if entries:
        raise _bad("tried", "a list")
    if attempts == 0 or not (deployment or target):
        return ()
    broke_off = type(attempts) is int  # all attempts are counted, and none of them is said to have failed
    return (
        ReplayedOutcome(deployment, target, "" if broke_off else error, _status(row), _number(row, "milliseconds")),
    )


def _attempt(item: Any, path: str) -> ReplayedOutcome:
    if not isinstance(item, dict):
        raise _bad(path, "an object")
    try:
        deployment, provider, model, error = (
            _text(item, name) for name in ("deployment", "provider", "model", "error")
        )
        target = f"{provider}/{model}" if provider and model else ""
        return ReplayedOutcome(deployment, target, error, _status(item), _number(item, "milliseconds"))
    except BadLine as wrong:
        raise BadLine(f"{path}.{wrong}") from None


def _said(item: Any, last: str, target: str, path: str) -> ReplayedOutcome:
    """`smart:0 InternalServerError 500 12ms`; `target` is that of the deployment `last`."""
    result = _TRIED.fullmatch(item) if isinstance(item, str) else None
    if result is None:
        raise _bad(path, "`deployment outcome [status] 12ms`")
    deployment, outcome = result["deployment"], result["outcome"]
    return ReplayedOutcome(
        deployment,
        target if deployment == last else "",
        "" if outcome == _ANSWERED else outcome,
        int(result["status"]) if result["status"] else None,
        float(result["ms"]),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _bad(name, "a text")
    return value


def _object(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    if value is not None and not isinstance(value, dict):
        raise _bad(name, "an object")
    return value


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _END_OF_TIME:
        raise _bad(name, "a number from 0 on")
    return float(value)


def _status(row: Mapping[str, Any]) -> int | None:
    value = row.get("status")
    return value if type(value) is int and 100 <= value <= 599 else None


def _moment(row: Mapping[str, Any]) -> float:
    """Unix seconds, or a date: of this machine's zone where it names none, as in the gateway's own lines."""
    value = row.get("time")
    if not isinstance(value, str):
        moment = _number(row, "time")
    else:
        try:
            moment = datetime.datetime.fromisoformat(value.replace(",", ".")).timestamp()
        except (ValueError, OverflowError):
            moment = None
    if moment is None:
        raise _bad("time", "Unix seconds, or an ISO date")
    return moment


def _usage(row: Mapping[str, Any]) -> TokenUsage | None:
    value = _object(row, "usage")
    if value is not None:
        _check_counts(value, "usage")
    return value  # type: ignore[no-any-return]


def _check_counts(value: Mapping[str, Any], path: str, depth: int = 0) -> None:
    for name, item in value.items():
        if isinstance(item, dict) and depth < _DEEPEST:
            _check_counts(item, f"{path}.{name}", depth + 1)
        elif name.endswith("_tokens") and not (item is None or (type(item) in (int, float) and 0 <= item < _MOST)):
            raise _bad(f"{path}.{name}", "a number from 0 on")
        elif name.endswith("_details") and item is not None:
            raise _bad(f"{path}.{name}", "an object")


def _nano_dollars(value: Any) -> int | None:
    """From US dollars; None for `unpriced`."""
    if value in (None, "", "unpriced"):
        return None
    try:
        amount = Decimal(str(value))
        right = not isinstance(value, bool) and amount.is_finite() and 0 <= amount < _END_OF_TIME
    except InvalidOperation:
        right = False
    if not right:
        raise _bad("cost", "US dollars, or `unpriced`")
    return int((amount * NANO_DOLLARS).to_integral_value())
