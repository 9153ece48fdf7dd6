"""The shapes of OpenAI's requests."""

from __future__ import annotations

from dragoman.simulator.shape_checks import (
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

__all__ = ["CHAT", "COMPLETION", "EMBEDDING", "STRICT_CHAT"]

_NAME = matching(r"^[a-zA-Z0-9_-]+$", 64)


def _parts(rest: Check | None) -> dict[str, Check]:
    def part(fields: dict[str, Check]) -> Check:
        return record({"type!": text} | fields, rest=rest)

    image = record({"url!": text, "detail": one_of("auto", "low", "high", "original")}, rest=rest)
    return {
        "text": part({"text!": text}),
        "image_url": part({"image_url!": either({"string": text, "object": image})}),
        "input_audio": part({"input_audio!": record({"data!": text, "format!": one_of("wav", "mp3")}, rest=rest)}),
        "file": part({"file!": record({"file_id": text, "file_data": text, "filename": text}, rest=rest)}),
        "refusal": part({"refusal!": text}),
    }


def _content(rest: Check | None, *kinds: str) -> Check:
    parts = _parts(rest)
    return either({"string": text, "array": array(tagged("type", {kind: parts[kind] for kind in kinds}))})


def _call(rest: Check | None) -> Check:
    # `index` is what the SDK's own accumulator of a stream leaves behind.
    function = record({"name!": _NAME, "arguments!": text}, rest=rest)
    custom = record({"name!": _NAME, "input!": text}, rest=rest)
    return tagged(
        "type",
        {
            "function": record({"id!": text, "type!": text, "function!": function, "index": integer(0)}, rest=rest),
            "custom": record({"id!": text, "type!": text, "custom!": custom}, rest=rest),
        },
    )


def _message(rest: Check | None) -> Check:
    def of(content: dict[str, Check], **fields: Check) -> Check:
        return record({"role!": text} | content | fields, rest=rest)

    system = of({"content!": _content(rest, "text")}, name=text)
    assistant: dict[str, Check] = {
        "content": _content(rest, "text", "refusal"),
        "refusal": text,
        "name": text,
        "audio": record({"id!": text}, rest=rest),
        "tool_calls": array(_call(rest), minimum=1),
        "function_call": record({"name!": text, "arguments!": text}, rest=rest),
        "annotations": array(anything),
    }
    return tagged(
        "role",
        {
            "system": system,
            "developer": system,
            "user": of({"content!": _content(rest, "text", "image_url", "input_audio", "file")}, name=text),
            "assistant": of(assistant),
            # Nothing is documented about `name`, but everybody sends it.
            "tool": of({"content!": _content(rest, "text", "image_url"), "tool_call_id!": text}, name=text),
            "function": of({"content!": text, "name!": text}),
        },
    )


def _function(rest: Check | None) -> Check:
    parameters = record({}, rest=anything)
    return record({"name!": _NAME, "description": text, "parameters": parameters, "strict": boolean}, rest=rest)


def _tool(rest: Check | None) -> Check:
    custom = record({"name!": _NAME, "description": text, "format": anything}, rest=rest)
    return tagged(
        "type",
        {
            "function": record({"type!": text, "function!": _function(rest)}, rest=rest),
            "custom": record({"type!": text, "custom!": custom}, rest=rest),
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
                            {"mode!": one_of("auto", "required"), "tools!": array(anything, minimum=1)}
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
_STOP = either({"string": text, "array": array(text, maximum=4)})
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
_CHAT: dict[str, Check] = _SAMPLING | {
    "max_completion_tokens": integer(1),
    "logprobs": boolean,
    "top_logprobs": integer(0, 20),
    "tool_choice": _CHOICE,
    "parallel_tool_calls": boolean,
    "function_call": either({"string": one_of("none", "auto"), "object": _NAMED}),
    "response_format": _FORMAT,
    "reasoning_effort": one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "verbosity": one_of("low", "medium", "high"),
    "modalities": array(one_of("text", "audio")),
    "audio": record({"voice!": anything, "format!": one_of("wav", "aac", "mp3", "flac", "opus", "pcm16")}),
    "prediction": record({"type!": one_of("content"), "content!": _content(None, "text")}),
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


def _chat(rest: Check | None) -> Check:
    return record(
        _CHAT
        | {
            "model!": text,
            "messages!": array(_message(rest), minimum=1),
            "tools": array(_tool(rest), minimum=1, maximum=128),
            "functions": array(_function(rest), minimum=1),
        }
    )


# OpenAI refuses an unknown parameter, but takes unknown fields inside of messages and tools without a word.
CHAT = _chat(anything)
STRICT_CHAT = _chat(None)
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
                    either({"string": text, "integer": integer(0), "array": array(integer(0), minimum=1)}),
                    minimum=1,
                    maximum=2048,
                ),
            }
        ),
        "dimensions": integer(1),
        "encoding_format": one_of("float", "base64"),
        "user": text,
    }
)
