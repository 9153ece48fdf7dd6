"""Google's errors, as it words them: https://ai.google.dev/gemini-api/docs/troubleshooting"""

from __future__ import annotations

import re
from typing import Any

from dragoman.simulator.exchange import SimulatedError
from dragoman.simulator.shape_checks import Path, ShapeError, json_type

__all__ = ["bad_key", "bad_request", "body", "fault", "path_text", "shape_refusal", "snake_case"]

_KEY = "API key not valid. Please pass a valid API key."
_FAULTS: dict[str, tuple[int, str, str]] = {
    "400": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "401": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, "
                                    "login cookie or other "
            "valid authentication credential."),
    "403": (403, "PERMISSION_DENIED", "The caller does not have permission"),
    "404": (404, "NOT_FOUND", "models/{model} is not found for API version v1beta, or is not supported for {method}. "
                              "Call ListModels to see "
            "the list of available models and their supported methods."),
    "409": (409, "ABORTED", "The operation was aborted."),
    "429": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details. "
                                       "For more information on "
            "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\nPlease retry in {wait}s."),
    "quota": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
    "499": (499, "CANCELLED", "The operation was cancelled."),
    "500": (500, "INTERNAL", "An internal error has occurred. Please retry or report in "
            "https://developers.generativeai.google/guide/troubleshooting"),
    "503": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "504": (504, "DEADLINE_EXCEEDED", "The request timed out. Please try again."),
    "context": (400, "INVALID_ARGUMENT", "The input token count ({used}) exceeds the maximum number of tokens allowed ({limit})."),
    "filter": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
}  # fmt: skip


def body(code: int, status: str, message: str, details: list[Any] | None = None) -> Any:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return {"error": error}


def bad_request(message: str) -> SimulatedError:
    return SimulatedError(400, body(400, "INVALID_ARGUMENT", message))


def bad_key() -> SimulatedError:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    localized = {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": _KEY}
    return SimulatedError(400, body(400, "INVALID_ARGUMENT", _KEY, [info, localized]))


def fault(name: str, retry_after: str = "", **words: Any) -> SimulatedError:
    """Return the error of a status, or of a word such as `context`. The delay of a retry is in the body, not in a header."""
    code, status, message = _FAULTS.get(name) or (int(name), "UNKNOWN", "An unknown error occurred.")
    details: list[Any] = []
    if name == "429":
        metric = "generativelanguage.googleapis.com/generate_content_paid_tier_input_token_count"
        violation = {"quotaMetric": metric, "quotaId": "GenerateContentPaidTierInputTokensPerModelPerMinute"}
        details.append({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]})
    if retry_after:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after}s"})
    words = {
        "model": "",
        "method": "generateContent",
        "used": 208_310,
        "limit": 200_000,
        "wait": retry_after or "1.5",
    } | words
    return SimulatedError(code, body(code, status, message.format(**words), details))


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name)


def path_text(path: Path) -> str:
    """Return a path as Google writes it: `generation_config.thinking_config`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{snake_case(step)}" for step in path).lstrip(".")


def shape_refusal(error: ShapeError) -> SimulatedError:
    """Return Google's error for a body of the wrong shape."""
    where, at = path_text(error.path), path_text(error.path[:-1])
    inside = f" at '{at}'" if at else ""
    if error.kind == "unknown":
        return bad_request(
            f'Invalid JSON payload received. Unknown name "{error.path[-1]}"{inside}: Cannot find field.'
        )
    if error.kind == "type" and json_type(error.actual) == "array":
        return bad_request(
            f'Invalid JSON payload received. Unknown name "{error.path[-1]}"{inside}: Proto field is not repeating, '
            f"cannot start list."
        )
    if error.kind in ("missing", "few"):
        return bad_request(f"* GenerateContentRequest.{where}: {where.rsplit('.', 1)[-1]} is not specified")
    if error.kind == "range":
        bound = f"{error.expected[0]} {error.expected[1]}"
        return bad_request(f"* GenerateContentRequest.{where}: {error.path[-1]} must be {bound}, got {error.actual}")
    kind = {"string": "TYPE_STRING", "integer": "TYPE_INT32", "number": "TYPE_FLOAT", "boolean": "TYPE_BOOL"}
    type_name = kind.get(str(error.expected), "TYPE_ENUM")
    value = f'"{error.actual}"' if isinstance(error.actual, str) else error.actual
    return bad_request(f"Invalid value at '{where}' ({type_name}), {value}")
