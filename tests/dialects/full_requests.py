"""One request in each dialect with nearly everything that it can hold."""

from __future__ import annotations

from typing import Any

__all__ = ["REQUESTS"]

_SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": ["string", "null"], "enum": ["x"]},
        "b": {"$ref": "#/$defs/B"},
        "c": {"anyOf": [{"type": "integer", "minimum": 1, "exclusiveMaximum": 5}, {"type": "null"}]},
        "d": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}},
        "e": {"allOf": [{"type": "object", "properties": {"f": {"const": 1}}, "required": ["f"]}]},
    },
    "required": ["a"],
    "additionalProperties": False,
    "$defs": {"B": {"type": "object", "properties": {"n": {"type": "number"}}}},
}
_GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
_CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "developer", "content": [{"type": "text", "text": "d"}]},
        {
            "role": "user",
            "name": "n",
            "content": [
                {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "f"}},
            ],
        },
        {
            "role": "assistant",
            "content": "t",
            "reasoning_content": "r",
            "thinking_blocks": [{"type": "thinking", "thinking": "r", "signature": "s"}],
            "reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s", "index": 0}],
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"a":1}'},
                    "extra_content": {"google": {"thought_signature": "AA=="}},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "r"}]},
        {"role": "user", "content": "more"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "f", "description": "d", "strict": True, "parameters": _SCHEMA}},
        {"type": "custom", "custom": {"name": "g", "format": _GRAMMAR}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "max_tokens": 100,
    "temperature": 0.5,
    "top_p": 0.9,
    "n": 1,
    "stop": ["x"],
    "seed": 1,
    "user": "u",
    "metadata": {"a": "b", "tags": ["t"]},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": _SCHEMA}},
    "reasoning_effort": "low",
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"5": 1},
    "modalities": ["text"],
    "stream_options": {"include_usage": True},
    "service_tier": "auto",
    "web_search_options": {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"country": "DE"}},
    },
}
_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
_MESSAGES: dict[str, Any] = {
    "model": "m",
    "max_tokens": 2000,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "hi", "citations": []},
                _IMAGE,
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                    "title": "t",
                    "context": "c",
                    "citations": {"enabled": True},
                },
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "redacted_thinking", "data": "AA"},
                {"type": "text", "text": "x"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": [{"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "e"}],
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": False,
                    "content": [{"type": "text", "text": "x"}, _IMAGE],
                },
                {"type": "text", "text": "y"},
            ],
        },
    ],
    "tools": [
        {"name": "f", "description": "d", "input_schema": _SCHEMA, "strict": True},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    ],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "temperature": 1,
    "top_k": 5,
    "stop_sequences": ["x"],
    "metadata": {"user_id": "u"},
    "service_tier": "auto",
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": _SCHEMA}},
}
_BLOB = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
_GENERATE: dict[str, Any] = {
    "contents": [
        {
            "role": "user",
            "parts": [{"text": "hi"}, _BLOB, {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x"}}],
        },
        {
            "role": "model",
            "parts": [
                {"text": "t", "thought": True, "thoughtSignature": "AA=="},
                {"functionCall": {"id": "i", "name": "f", "args": {"a": 1}}, "thoughtSignature": "AA=="},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
            ],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "i", "name": "f", "response": {"r": 1}, "parts": [_BLOB]}}],
        },
    ],
    "systemInstruction": {"parts": [{"text": "s"}]},
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"a": {"type": "STRING", "nullable": True, "enum": ["x"]}},
                        "required": ["a"],
                    },
                },
                {"name": "g", "parametersJsonSchema": _SCHEMA},
            ]
        },
        {"googleSearch": {}},
        {"codeExecution": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "safetySettings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}],
    "generationConfig": {
        "stopSequences": ["x"],
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        "candidateCount": 1,
        "maxOutputTokens": 100,
        "temperature": 1,
        "seed": 1,
        "responseLogprobs": True,
        "logprobs": 2,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 100},
        "responseModalities": ["TEXT"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "x"}}},
    },
    "cachedContent": "c",
    "labels": {"a": "b"},
}
REQUESTS: dict[str, dict[str, Any]] = {"openai": _CHAT, "anthropic": _MESSAGES, "gemini": _GENERATE}
