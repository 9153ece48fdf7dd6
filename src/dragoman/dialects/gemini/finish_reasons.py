"""Read and write finish reasons: Google's, and OpenAI's closed set.

https://ai.google.dev/api/generate-content#FinishReason. Where the model failed (a malformed call, an unknown reason) the
closed set has none. Without content that is an error; after some content it is `stop`, with Google's reason in
`native_finish_reason` and its message among the extras.
"""

from __future__ import annotations

from dragoman.types.chat import FinishReason

__all__ = ["broke_off", "read_finish", "write_finish"]

_READ: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
         "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR", "ESCALATION"),
        "content_filter",
    ),
}  # fmt: skip
_FAILED = ("OTHER", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
           "MISSING_THOUGHT_SIGNATURE", "NO_IMAGE", "IMAGE_OTHER")  # fmt: skip
_WRITE: dict[str, str] = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}
_OWN_WORDS = frozenset({*_READ, *_FAILED})


def read_finish(reason: str, *, has_calls: bool) -> FinishReason:
    """Return OpenAI's reason. Gemini says STOP when it calls functions, too."""
    if has_calls and reason == "STOP":
        return "tool_calls"
    return _READ.get(reason, "stop")


def broke_off(reason: object) -> bool:
    """Whether the model failed: what came before it is all that there is."""
    return reason in _FAILED


def write_finish(reason: FinishReason | None, native: str | None) -> str:
    """Return the native reason where Google's clients know it, else the one for OpenAI's."""
    if native in _OWN_WORDS:
        return native
    return _WRITE.get(reason or "stop", "STOP")
