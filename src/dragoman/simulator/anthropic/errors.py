"""Anthropic's errors, as it words them: https://docs.claude.com/en/api/errors"""

from __future__ import annotations

from typing import Any

from dragoman.simulator.exchange import SimulatedError
from dragoman.simulator.shape_checks import Path, ShapeError

__all__ = ["bad_request", "body", "fault", "path_text", "shape_refusal"]

_FAULTS: dict[str, tuple[int, str, str]] = {
    "400": (400, "invalid_request_error", "Invalid request."),
    "401": (401, "authentication_error", "invalid x-api-key"),
    "402": (402, "billing_error", "There is an issue with your billing or payment information."),
    "403": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "404": (404, "not_found_error", "model: {model}"),
    "413": (413, "request_too_large", "Request exceeds the maximum size"),
    "429": (429, "rate_limit_error", "This request would exceed your organization's rate limit of 50 requests per "
                                     "minute. For details, "
            "refer to: https://docs.claude.com/en/api/rate-limits."),
    "quota": (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API. Please go to "
                                            "Plans & Billing to "
              "upgrade or purchase credits."),
    "500": (500, "api_error", "Internal server error"),
    "504": (504, "timeout_error", "Request timed out"),
    "529": (529, "overloaded_error", "Overloaded"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "context": (400, "invalid_request_error", "prompt is too long: {used} tokens > {limit} maximum"),
    "filter": (400, "invalid_request_error", "Output blocked by content filtering policy"),
}  # fmt: skip


def body(kind: str, message: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_simulated"}


def bad_request(message: str) -> SimulatedError:
    return SimulatedError(400, body("invalid_request_error", message))


def fault(name: str, retry_after: str = "", **words: Any) -> SimulatedError:
    """Return the error of a status, or of a word such as `context`."""
    status, kind, message = _FAULTS.get(name) or (int(name), "api_error", "Internal server error")
    headers = {"retry-after": retry_after} if retry_after else {}
    return SimulatedError(
        status, body(kind, message.format(**({"model": "", "used": 208_310, "limit": 200_000} | words))), headers
    )


def shape_refusal(error: ShapeError) -> SimulatedError:
    """Return the error for a body of the wrong shape, as pydantic words it."""
    path = (*error.path, "role") if error.kind == "tag" and error.expected[0] == "role" else error.path
    return bad_request(f"{path_text(path)}: {_shape_message(error)}")


def path_text(path: Path) -> str:
    """Return a path as Anthropic writes it: `messages.0.content.0.text`."""
    return ".".join(map(str, path))


_TYPES = {
    "string": "Input should be a valid string",
    "integer": "Input should be a valid integer",
    "number": "Input should be a valid number",
    "boolean": "Input should be a valid boolean",
    "array": "Input should be a valid list",
    "object": "Input should be a valid dictionary",
    "string or array": "Input should be a valid string or list",
}
_PLAIN = {"missing": "Field required", "unknown": "Extra inputs are not permitted"}


def _shape_message(error: ShapeError) -> str:
    if error.kind in _PLAIN:
        return _PLAIN[error.kind]
    if error.kind == "type":
        return _TYPES.get(str(error.expected), f"Input should be {error.expected}")
    if error.kind == "tag":
        key, tags = error.expected
        if key == "role":
            return "Input should be 'user' or 'assistant'"
        listed = ", ".join(f"'{tag}'" for tag in tags)
        return f"Input tag '{error.actual}' found using '{key}' does not match any of the expected tags: {listed}"
    return _limit_message(error)


def _limit_message(error: ShapeError) -> str:
    if error.kind == "value":
        names = [f"'{name}'" for name in error.expected]
        return "Input should be " + (", ".join(names[:-1]) + f" or {names[-1]}" if len(names) > 1 else names[0])
    if error.kind == "range":
        return f"Input should be {error.expected[0]} {error.expected[1]}"
    if error.kind == "pattern":
        return f"String should match pattern '{error.expected}'"
    if error.kind == "long":
        return f"String should have at most {error.expected} characters"
    side = "at least" if error.kind == "few" else "at most"
    return f"List should have {side} {error.expected} item after validation, not {len(error.actual)}"
