"""The shapes of OpenAI's requests."""

from __future__ import annotations

from dragoman.simulator._shape import (
    Check,
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

__all__ = ["CHAT", "COMPLETION", "EMBEDDING"]

_NAME = matching(r"^[a-zA-Z0-9_-]+$", 64)
_TEXT = record({"type!": text, "text!": text})
_PARTS: dict[str, Check] = {
    "text": _TEXT,
    "image_url": record(
        {
            "type!": text,
            "image_url!": record({"url!": text, "detail": one_of("auto", "low", "high", "original")}),
        }
    ),
    "input_audio": record({"type!": text, "input_audio!": record({"data!": text, "format!": one_of("wav", "mp3")})}),
    "file": record({"type!": text, "file!": record({"file_id": text, "file_data": text, "filename": text})}),
    "refusal": record({"type!": text, "refusal!": text}),
}


def _content(*kinds: str) -> Check:
    return either({"string": text, "array": array(tagged("type", {kind: _PARTS[kind] for kind in kinds}))})


_FUNCTION_CALL = record({"name!": text, "arguments!": text})
_CALL = tagged(
    "type",
    {
        "function": record({"id!": text, "type!": text, "function!": record({"name!": _NAME, "arguments!": text})}),
        "custom": record({"id!": text, "type!": text, "custom!": record({"name!": _NAME, "input!": text})}),
    },
)
_SYSTEM = record({"role!": text, "content!": _content("text"), "name": text})
MESSAGE = tagged(
    "role",
    {
        "system": _SYSTEM,
        "developer": _SYSTEM,
        "user": record({"role!": text, "content!": _content("text", "image_url", "input_audio", "file"), "name": text}),
        "assistant": record(
            {
                "role!": text,
                "content": _content("text", "refusal"),
                "refusal": text,
                "name": text,
                "audio": record({"id!": text}),
                "tool_calls": array(_CALL, least=1),
                "function_call": _FUNCTION_CALL,
                # DeepSeek and others take their own reasoning back; OpenAI refuses it, see `request.py`.
                "reasoning_content": text,
                "annotations": array(anything),
            }
        ),
        "tool": record({"role!": text, "content!": _content("text", "image_url"), "tool_call_id!": text}),
        "function": record({"role!": text, "content!": text, "name!": text}),
    },
)
_FUNCTION = record({"name!": _NAME, "description": text, "parameters": record({}, rest=anything), "strict": boolean})
_TOOL = tagged(
    "type",
    {
        "function": record({"type!": text, "function!": _FUNCTION}),
        "custom": record({"type!": text, "custom!": record({"name!": _NAME, "description": text, "format": anything})}),
    },
)
_NAMED = record({"name!": text})
_CHOICE = either(
    {
        "string": one_of("none", "auto", "required"),
        "object": tagged(
            "type",
            {
                "function": record({"type!": text, "function!": _NAMED}),
                "custom": record({"type!": text, "custom!": _NAMED}),
                "allowed_tools": record(
                    {
                        "type!": text,
                        "allowed_tools!": record(
                            {"mode!": one_of("auto", "required"), "tools!": array(anything, least=1)}
                        ),
                    }
                ),
            },
        ),
    }
)
_FORMAT = tagged(
    "type",
    {
        "text": record({"type!": text}),
        "json_object": record({"type!": text}),
        "json_schema": record(
            {
                "type!": text,
                "json_schema!": record(
                    {"name!": _NAME, "description": text, "schema": record({}, rest=anything), "strict": boolean}
                ),
            }
        ),
    },
)
_STREAM_OPTIONS = record({"include_usage": boolean, "include_obfuscation": boolean})
_STOP = either({"string": text, "array": array(text, most=4)})
_SAMPLING: dict[str, Check] = {
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "presence_penalty": number(-2, 2),
    "frequency_penalty": number(-2, 2),
    "logit_bias": record({}, rest=number(-100, 100)),
    "seed": integer(),
    "stop": _STOP,
    "stream": boolean,
    "stream_options": _STREAM_OPTIONS,
    "user": text,
    "n": integer(1, 128),
    "max_tokens": integer(1),
}
CHAT = record(
    _SAMPLING
    | {
        "model!": text,
        "messages!": array(MESSAGE, least=1),
        "max_completion_tokens": integer(1),
        "logprobs": boolean,
        "top_logprobs": integer(0, 20),
        "tools": array(_TOOL, least=1, most=128),
        "tool_choice": _CHOICE,
        "parallel_tool_calls": boolean,
        "functions": array(_FUNCTION, least=1),
        "function_call": either({"string": one_of("none", "auto"), "object": _NAMED}),
        "response_format": _FORMAT,
        "reasoning_effort": one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
        "verbosity": one_of("low", "medium", "high"),
        "modalities": array(one_of("text", "audio")),
        "audio": record({"voice!": anything, "format!": one_of("wav", "aac", "mp3", "flac", "opus", "pcm16")}),
        "prediction": record({"type!": one_of("content"), "content!": _content("text")}),
        "service_tier": one_of("auto", "default", "flex", "scale", "priority", "fast"),
        "store": boolean,
        "metadata": record({}, rest=text),
        "moderation": anything,
        "safety_identifier": text,
        "prompt_cache_key": text,
        "prompt_cache_options": anything,
        "prompt_cache_retention": text,
        "web_search_options": record({}, rest=anything),
    }
)
COMPLETION = record(
    _SAMPLING
    | {
        "model!": text,
        "prompt": either(
            {"string": text, "array": array(either({"string": text, "integer": integer(0), "array": anything}))}
        ),
        "best_of": integer(1, 20),
        "echo": boolean,
        "logprobs": integer(0, 5),
        "max_tokens": integer(0),
        "suffix": text,
    }
)
EMBEDDING = record(
    {
        "model!": text,
        "input!": either(
            {
                "string": text,
                "array": array(
                    either({"string": text, "integer": integer(0), "array": array(integer(0), least=1)}),
                    least=1,
                    most=2048,
                ),
            }
        ),
        "dimensions": integer(1),
        "encoding_format": one_of("float", "base64"),
        "user": text,
    }
)
