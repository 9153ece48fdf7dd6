"""The shapes of Anthropic's requests."""

from __future__ import annotations

from typing import Any

from dragoman.simulator.shape_checks import (
    Check,
    Path,
    ShapeError,
    anything,
    array,
    boolean,
    either,
    integer,
    matching,
    number,
    one_of,
    record,
    tagged,
    text,
)

__all__ = ["COUNT", "MESSAGES"]

_CACHE = record({"type!": one_of("ephemeral"), "ttl": one_of("5m", "1h")})
_ID = matching(r"^[a-zA-Z0-9_-]+$")
_IMAGE_TYPES = one_of("image/jpeg", "image/png", "image/gif", "image/webp")


def _block(fields: dict[str, Check]) -> Check:
    return record({"type!": text, "cache_control": _CACHE} | fields)


_TEXT = _block({"text!": text, "citations": array(anything)})
_IMAGE = _block(
    {
        "source!": tagged(
            "type",
            {
                "base64": record({"type!": text, "media_type!": _IMAGE_TYPES, "data!": text}),
                "url": record({"type!": text, "url!": text}),
                "file": record({"type!": text, "file_id!": text}),
            },
        )
    }
)
_DOCUMENT = _block(
    {
        "source!": tagged(
            "type",
            {
                "base64": record({"type!": text, "media_type!": one_of("application/pdf"), "data!": text}),
                "text": record({"type!": text, "media_type!": one_of("text/plain"), "data!": text}),
                "content": record(
                    {
                        "type!": text,
                        "content!": either(
                            {"string": text, "array": array(tagged("type", {"text": _TEXT, "image": _IMAGE}))}
                        ),
                    }
                ),
                "url": record({"type!": text, "url!": text}),
                "file": record({"type!": text, "file_id!": text}),
            },
        ),
        "title": text,
        "context": text,
        "citations": record({"enabled": boolean}),
    }
)
_SEARCH_RESULT = _block(
    {"source!": text, "title!": text, "content!": array(_TEXT), "citations": record({"enabled": boolean})}
)
_RESULT_PARTS = {
    "text": _TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "tool_reference": _block({"tool_name!": text}),
}
_SERVER_RESULT = _block({"tool_use_id!": text, "content!": anything, "is_error": boolean, "caller": anything})
_BLOCKS: dict[str, Check] = {
    "text": _TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "thinking": record({"type!": text, "thinking!": text, "signature!": text}),
    "redacted_thinking": record({"type!": text, "data!": text}),
    "tool_use": _block({"id!": _ID, "name!": text, "input!": record({}, rest=anything), "caller": anything}),
    "tool_result": _block(
        {
            "tool_use_id!": _ID,
            "content": either({"string": text, "array": array(tagged("type", _RESULT_PARTS))}),
            "is_error": boolean,
        }
    ),
    "server_tool_use": _block({"id!": text, "name!": text, "input!": anything, "caller": anything}),
    "mcp_tool_use": _block({"id!": text, "name!": text, "input!": anything, "server_name!": text}),
    "container_upload": _block({"file_id!": text}),
    "compaction": _block({"content": anything}),
} | {
    f"{name}_tool_result": _SERVER_RESULT
    for name in (
        "web_search",
        "web_fetch",
        "code_execution",
        "bash_code_execution",
        "text_editor_code_execution",
        "tool_search",
        "mcp",
    )
}
_CONTENT = either({"string": text, "array": array(tagged("type", _BLOCKS))})
_SYSTEM_BLOCKS: dict[str, Check] = {
    "text": _TEXT,
    "tool_addition": record({"type!": text, "tool!": anything}),
    "tool_removal": record({"type!": text, "tool!": anything}),
}
_MESSAGE = tagged(
    "role",
    {
        "user": record({"role!": text, "content!": _CONTENT}),
        "assistant": record({"role!": text, "content!": _CONTENT}),
        # Newer models take changes of their tools in the midst of a conversation.
        "system": record(
            {"role!": text, "content!": either({"string": text, "array": array(tagged("type", _SYSTEM_BLOCKS))})}
        ),
    },
)


def _schema(value: Any, path: Path) -> None:
    record({"type!": one_of("object")}, rest=anything)(value, path)


_CUSTOM_TOOL = record(
    {
        "type": one_of("custom"),
        "name!": matching(r"^[a-zA-Z0-9_-]{1,128}$"),
        "description": text,
        "input_schema!": _schema,
        "cache_control": _CACHE,
        "strict": boolean,
        "eager_input_streaming": boolean,
        "defer_loading": boolean,
        "allowed_callers": array(text),
        "input_examples": array(anything),
    }
)


def _tool(value: Any, path: Path) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in (None, "custom"):
        _CUSTOM_TOOL(value, (*path, "custom"))
    elif not (
        isinstance(kind, str) and (kind[-8:].isdigit() or kind == "mcp_toolset" or kind.startswith("tool_search_tool"))
    ):
        raise ShapeError(
            "tag", path, ("type", ("bash_20250124", "custom", "text_editor_20250728", "web_search_20250305")), kind
        )


_CHOICE = tagged(
    "type",
    {
        "auto": record({"type!": text, "disable_parallel_tool_use": boolean}),
        "any": record({"type!": text, "disable_parallel_tool_use": boolean}),
        "tool": record({"type!": text, "name!": text, "disable_parallel_tool_use": boolean}),
        "none": record({"type!": text}),
    },
)
_DISPLAY = one_of("summarized", "omitted")
_THINKING = tagged(
    "type",
    {
        "enabled": record({"type!": text, "budget_tokens!": integer(1024), "display": _DISPLAY}),
        "adaptive": record({"type!": text, "display": _DISPLAY}),
        "between_tools": record({"type!": text}, rest=anything),
        "disabled": record({"type!": text}),
    },
)
_FORMAT = tagged("type", {"json_schema": record({"type!": text, "schema!": record({}, rest=anything)})})
_OUTPUT = record(
    {"effort": one_of("low", "medium", "high", "xhigh", "max"), "format": _FORMAT, "task_budget": anything}
)
_COMMON: dict[str, Check] = {
    "model!": text,
    "messages!": array(_MESSAGE),
    "system": either({"string": text, "array": array(tagged("type", {"text": _TEXT}))}),
    "tools": array(_tool),
    "tool_choice": _CHOICE,
    "thinking": _THINKING,
    "output_config": _OUTPUT,
    "cache_control": _CACHE,
    "speed": text,
}
_BETA: dict[str, Check] = {"output_format": _FORMAT, "mcp_servers": array(anything), "context_management": anything}
COUNT = record(_COMMON | _BETA)
MESSAGES = record(
    _COMMON
    | _BETA
    | {
        "max_tokens!": integer(1),
        "temperature": number(0, 1),
        "top_p": number(0, 1),
        "top_k": integer(0),
        "stop_sequences": array(text),
        "stream": boolean,
        "metadata": record({"user_id": text}),
        "service_tier": one_of("auto", "standard_only"),
        "container": anything,
        "inference_geo": text,
        "diagnostics": anything,
        "fallbacks": anything,
        "compaction": anything,
    }
)
