"""OpenAI's errors, as it words them: https://platform.openai.com/docs/guides/error-codes"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.simulator.exchange import SimulatedError
from dragoman.simulator.shape_checks import Check, Path, ShapeError, json_type

__all__ = ["bad_request", "body", "check_shape", "fault", "path_text", "shape_refusal"]

_ARTICLES = {"null": "null", "array": "an array", "object": "an object", "integer": "an integer"}
_SERVER = "The server had an error while processing your request. Sorry about that!"
_RATE = (
    "Rate limit reached for {model} in organization org-simulated on requests per min (RPM): Limit 500, Used 500, Requested 1. "
    "Please try again in {wait}s. Visit https://platform.openai.com/account/rate-limits to learn more."
)
_FAULTS: dict[str, tuple[int, str, str, str | None]] = {
    "400": (400, "Invalid request.", "invalid_request_error", None),
    "401": (401, "Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com/account/api-keys.",
            "invalid_request_error", "invalid_api_key"),
    "402": (402, "Insufficient Balance", "unknown_error", "invalid_request_error"),
    "403": (403, "You are not allowed to sample from this model", "invalid_request_error", None),
    "404": (404, "The model `{model}` does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"),
    "408": (408, "Request timed out.", "timeout", None),
    "409": (409, "The resource was updated by another process.", "invalid_request_error", None),
    "413": (413, "Maximum request size limit exceeded.", "invalid_request_error", None),
    "422": (422, "Invalid request.", "invalid_request_error", None),
    "429": (429, _RATE, "requests", "rate_limit_exceeded"),
    "quota": (429, "You exceeded your current quota, please check your plan and billing details. For more information "
                   "on this error, "
              "read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
              "insufficient_quota", "insufficient_quota"),
    "500": (500, _SERVER, "server_error", None),
    "502": (502, "Bad gateway.", "server_error", None),
    "503": (503, "The engine is currently overloaded, please try again later", "server_error", None),
    "overloaded": (503, "The engine is currently overloaded, please try again later", "server_error", None),
    "504": (504, "Gateway timeout.", "server_error", None),
    "context": (400, "This model's maximum context length is {limit} tokens. However, your messages resulted in "
                     "{used} tokens. Please "
                "reduce the length of the messages.", "invalid_request_error", "context_length_exceeded"),
    "filter": (400, "Your request was rejected as a result of our safety system. Your prompt may contain text that is "
                    "not allowed by "
               "our safety system.", "invalid_request_error", "content_policy_violation"),
}  # fmt: skip


def body(message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None) -> Any:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def bad_request(
    message: str, *, param: str | None = None, code: str | None = None, status: int = 400
) -> SimulatedError:
    return SimulatedError(status, body(message, param=param, code=code))


def fault(name: str, retry_after: str = "", **words: Any) -> SimulatedError:
    """Return the error of a status, or of a word such as `context`."""
    status, message, kind, code = _FAULTS.get(name) or (int(name), _SERVER, "server_error", None)
    headers = {"retry-after": retry_after} if retry_after else {}
    words = {"model": "", "key": "", "limit": 128_000, "used": 208_310, "wait": retry_after or "0.12"} | words
    param = "messages" if name == "context" else None
    return SimulatedError(status, body(message.format(**words), kind, param, code), headers)


def path_text(path: Path) -> str:
    """Return a path as OpenAI writes it: `messages[0].content`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def check_shape(shape: Check, body: Any) -> None:
    """Raise OpenAI's error for a body of another shape."""
    try:
        shape(body, ())
    except ShapeError as error:
        raise shape_refusal(error) from None


def shape_refusal(error: ShapeError) -> SimulatedError:
    """Return OpenAI's error for a body of the error shape."""
    where = path_text(error.path)
    message, code = _WORDS.get(error.kind, _value)(error, where)
    return bad_request(message, param=where if code else None, code=code or None)


def _type(error: ShapeError, where: str) -> tuple[str, str]:
    got = _ARTICLES.get(json_type(error.actual), f"a {json_type(error.actual)}")
    expected = str(error.expected).split(" or ")
    if len(expected) > 1:
        types = "one of " + " or ".join(_ARTICLES.get(name, f"a {name}") for name in expected)
    else:
        types = _ARTICLES.get(expected[0], f"a {expected[0]}")
    return f"Invalid type for '{where}': expected {types}, but got {got} instead.", "invalid_type"


def _unknown(error: ShapeError, where: str) -> tuple[str, str]:
    if len(error.path) == 1:
        return f"Unrecognized request argument supplied: {where}", ""
    return f"Unknown parameter: '{where}'.", "unknown_parameter"


def _value(error: ShapeError, where: str) -> tuple[str, str]:
    names = [f"'{name}'" for name in (error.expected[1] if error.kind == "tag" else error.expected)]
    listed = ", ".join(names[:-1]) + f", and {names[-1]}" if len(names) > 1 else names[0]
    return f"Invalid value: '{error.actual}'. Supported values are: {listed}.", "invalid_value"


def _range(error: ShapeError, where: str) -> tuple[str, str]:
    side = "above maximum" if error.expected[0].startswith("less") else "below minimum"
    bound = "<=" if side == "above maximum" else ">="
    kind = "integer" if isinstance(error.actual, int) else "decimal"
    message = (
        f"Invalid '{where}': {kind} {side} value. "
        f"Expected a value {bound} {error.expected[1]}, but got {error.actual} instead."
    )
    return message, f"{kind}_{side.replace(' ', '_')}_value".replace("maximum", "max").replace("minimum", "min")


def _few(error: ShapeError, where: str) -> tuple[str, str]:
    least = f"Expected an array with minimum length {error.expected}, but got an empty array instead."
    return f"Invalid '{where}': empty array. {least}", "empty_array"


def _many(error: ShapeError, where: str) -> tuple[str, str]:
    message = (
        f"Invalid '{where}': array too long. Expected an array with maximum length {error.expected}, "
        f"but got an array with length {len(error.actual)} instead."
    )
    return message, "array_above_max_length"


def _long(error: ShapeError, where: str) -> tuple[str, str]:
    message = (
        f"Invalid '{where}': string too long. Expected a string with maximum length {error.expected}, "
        f"but got a string with length {len(error.actual)} instead."
    )
    return message, "string_above_max_length"


_WORDS: dict[str, Callable[[ShapeError, str], tuple[str, str]]] = {
    "type": _type,
    "unknown": _unknown,
    "missing": lambda error, where: (f"Missing required parameter: '{where}'.", "missing_required_parameter"),
    "range": _range,
    "few": _few,
    "many": _many,
    "long": _long,
    "pattern": lambda error, where: (
        f"Invalid '{where}': string does not match pattern. Expected a string that matches the pattern '{error.expected}'.",
        "invalid_value",
    ),
}
