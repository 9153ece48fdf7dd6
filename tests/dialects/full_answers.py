"""One answer in each dialect with nearly everything that it can hold, whole and as the events of a stream."""

from __future__ import annotations

from typing import Any

__all__ = ["STREAMS", "WHOLE"]

_CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": '{"a":1}'},
    "extra_content": {"google": {"thought_signature": "AA=="}},
}
_TOKEN = {"token": "a", "logprob": -0.1, "bytes": [97]}
_LOGPROBS = {"content": [{**_TOKEN, "top_logprobs": [_TOKEN]}], "refusal": None}
_EXTRAS: dict[str, Any] = {
    "annotations": [
        {"type": "url_citation", "url_citation": {"url": "http://a", "title": "t", "start_index": 0, "end_index": 2}}
    ],
    "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
}
_REASONING: dict[str, Any] = {
    "reasoning_content": "thought",
    "reasoning_details": [
        {"type": "reasoning.text", "text": "t", "signature": "s", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "abc", "id": "x"},
    ],
}
_CHAT_USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
_CHAT: dict[str, Any] = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "hi",
                "refusal": None,
                **_REASONING,
                **_EXTRAS,
                "audio": {"id": "a", "data": "AAAA", "transcript": "t", "expires_at": 5},
                "tool_calls": [_CALL, {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "x"}}],
                "function_call": {"name": "f", "arguments": "{}"},
            },
            "logprobs": _LOGPROBS,
            "finish_reason": "tool_calls",
            "native_finish_reason": "tool_use",
        }
    ],
    "usage": _CHAT_USAGE,
}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": _LOGPROBS}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


_CHAT_STREAM = [
    _chunk({"role": "assistant", "content": ""}),
    _chunk(_REASONING),
    _chunk({"content": "hi"}),
    _chunk({"tool_calls": [{**_CALL, "index": 0, "function": {"name": "f", "arguments": '{"a"'}}]}),
    _chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}),
    _chunk(_EXTRAS),
    _chunk({}, "tool_calls"),
    {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": _CHAT_USAGE},
]

_CITATIONS = [
    {"type": "web_search_result_location", "url": "u", "title": "t", "encrypted_index": "e", "cited_text": "c"},
    {
        "type": "char_location",
        "cited_text": "c",
        "document_index": 0,
        "document_title": "d",
        "start_char_index": 0,
        "end_char_index": 1,
    },
]
_BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "t", "signature": "sig"},
    {"type": "redacted_thinking", "data": "abc"},
    {"type": "text", "text": "hi", "citations": _CITATIONS},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "e"}],
    },
]
_MESSAGE_USAGE = {
    "input_tokens": 10,
    "output_tokens": 5,
    "cache_read_input_tokens": 1,
    "cache_creation_input_tokens": 1,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 0},
    "server_tool_use": {"web_search_requests": 1},
    "service_tier": "standard",
}
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": _BLOCKS,
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": _MESSAGE_USAGE,
}
_EMPTY: dict[str, dict[str, Any]] = {
    "thinking": {"thinking": "", "signature": ""},
    "text": {"text": "", "citations": []},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}
_DELTAS: dict[int, list[dict[str, Any]]] = {
    0: [{"type": "thinking_delta", "thinking": "t"}, {"type": "signature_delta", "signature": "s"}],
    2: [{"type": "text_delta", "text": "hi"}, {"type": "citations_delta", "citation": _CITATIONS[0]}],
    3: [{"type": "input_json_delta", "partial_json": '{"a"'}, {"type": "input_json_delta", "partial_json": ":1}"}],
    4: [{"type": "input_json_delta", "partial_json": "{}"}],
}


def _message_stream() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**_MESSAGE, "content": [], "stop_reason": None}}
    ]
    for index, block in enumerate(_BLOCKS):
        start = {**block, **_EMPTY.get(block["type"], {})}
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in _DELTAS.get(index, ())]
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": "tool_use", "stop_sequence": None}
    return [*events, {"type": "message_delta", "delta": end, "usage": _MESSAGE_USAGE}, {"type": "message_stop"}]


_PARTS: list[dict[str, Any]] = [
    {"text": "t", "thought": True, "thoughtSignature": "AA=="},
    {"text": "hi", "thoughtSignature": "AA=="},
    {"functionCall": {"id": "i", "name": "f", "args": {"a": 1}}, "thoughtSignature": "AA=="},
    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    {"executableCode": {"language": "PYTHON", "code": "1"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
    {"fileData": {"mimeType": "a/b", "fileUri": "u"}},
]
_SUPPORT = {
    "segment": {"startIndex": 0, "endIndex": 2, "text": "hi", "partIndex": 1},
    "groundingChunkIndices": [0],
    "confidenceScores": [0.5],
}
_CANDIDATE: dict[str, Any] = {
    "content": {"role": "model", "parts": _PARTS},
    "finishReason": "STOP",
    "index": 0,
    "safetyRatings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "LOW", "blocked": False}],
    "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 1, "uri": "u", "license": ""}]},
    "groundingMetadata": {
        "webSearchQueries": ["q"],
        "groundingChunks": [{"web": {"uri": "u", "title": "t"}}],
        "groundingSupports": [_SUPPORT],
    },
    "avgLogprobs": -0.1,
    "logprobsResult": {
        "topCandidates": [{"candidates": [{"token": "a", "tokenId": 1, "logProbability": -0.1}]}],
        "chosenCandidates": [{"token": "a", "tokenId": 1, "logProbability": -0.1}],
    },
}
_GENERATED = {
    "candidates": [_CANDIDATE],
    "promptFeedback": {"safetyRatings": []},
    "usageMetadata": {
        "promptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 1,
        "cachedContentTokenCount": 2,
        "totalTokenCount": 16,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
    },
    "modelVersion": "m",
    "responseId": "r",
}
WHOLE: dict[str, dict[str, Any]] = {"openai": _CHAT, "anthropic": _MESSAGE, "gemini": _GENERATED}
STREAMS: dict[str, list[dict[str, Any]]] = {
    "openai": _CHAT_STREAM,
    "anthropic": _message_stream(),
    "gemini": [_GENERATED],
}
