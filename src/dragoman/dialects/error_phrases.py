"""The words of providers for two failures that every dialect knows and few providers name alike.

A request that does not fit in the model's context window comes as a 400, 413, 422 or 500, with a code of the provider's own
or with English text only. So does an answer that the model itself got wrong, such as a tool call that is not JSON: providers
report it as the caller's mistake, although asking again may well succeed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["TEXT_STATUSES", "is_model_failure", "is_overflow"]

TEXT_STATUSES = frozenset((400, 403, 404, 413, 422, 500, 502, 503))
"""The statuses whose English text says more than the status does. A 429 is about a rate, whatever it says of tokens."""

_LONGEST_TEXT = 4000

_OVERFLOW_CODES = frozenset(
    (
        "context_length_exceeded",  # OpenAI and most others
        "context_window_exceeded",
        "model_context_window_exceeded",  # Z.ai
        "model_max_prompt_tokens_exceeded",  # GitHub Copilot
        "max_prompt_tokens_exceeded",
        "too_many_prompt_tokens",  # Perplexity
        "exceed_context_size_error",  # llama.cpp
        "tokens_limit_reached",  # GitHub Models
        "prompt_too_long",
        "input_too_long",
        "context_length_error",
        "contextwindowexceedederror",  # LiteLLM
        "1261",  # Zhipu: https://docs.bigmodel.cn/cn/faq/api-code
    )
)


class _Phrase(NamedTuple):
    said_by: str
    pattern: str


# Gaps are bounded, so that each pattern takes linear time.
_OVERFLOW_PHRASES = (
    _Phrase("OpenAI, DeepSeek, OpenRouter, vLLM", r"maximum (?:model'?s? )?context (?:length|size|window)"),
    _Phrase(
        "OpenAI, Cloudflare",
        r"exceed\w{0,3} (?:the |this |its )?(?:model'?s? )?(?:maximum )?context (?:window|length|limit|size)",
    ),
    _Phrase(
        "OpenAI, Ollama", r"context[ _-](?:window|length|size)\b.{0,40}\b(?:exceed|too (?:long|large|small)|overflow)"
    ),
    _Phrase(
        "SGLang, LM Studio",
        r"(?:larger|longer|greater|more) than (?:the |this )?(?:model'?s? )?(?:max\w{0,4} )?context",
    ),
    _Phrase("vLLM, TensorRT-LLM", r"(?:larger|longer|greater|more) than .{0,30}(?:input|sequence|prompt) length"),
    _Phrase("Anthropic", r"exceeds? (?:the )?(?:model'?s )?context (?:limit|window)"),
    _Phrase("Anthropic, Bedrock, Fireworks", r"(?:prompt|input|conversation|request|message)s? (?:is|are) too long\b"),
    _Phrase("Ollama", r"prompt too long|input length exceeds"),
    _Phrase("xAI", r"maximum prompt length"),
    _Phrase("Groq, Cerebras", r"reduce the length of (?:the|your) (?:messages|prompt|input)"),
    _Phrase("Gemini", r"token count.{0,60}exceeds|exceeds the maximum number of (?:input )?tokens"),
    _Phrase("Vertex AI", r"input token count is \d+ but|exceeds the .{0,20}(?:context|token) (?:window|limit)"),
    _Phrase("Moonshot", r"exceed(?:s|ed)? (?:the )?model(?:'s)? token limit"),
    _Phrase("GitHub Copilot", r"prompt token count.{0,60}exceeds"),
    _Phrase("GitHub Models", r"too large for .{1,80}max(?:imum)? size: \d+ tokens"),
    _Phrase("llama.cpp, LM Studio", r"(?:available|configured) context (?:size|length|window)"),
    _Phrase("LM Studio", r"when context .{0,10}overflows|context length (?:of |is )?only \d"),
    _Phrase("MiniMax", r"context window exceeds"),
    _Phrase("Mistral", r"too large for model with \d+ maximum context"),
    _Phrase("DashScope", r"range of input length should be|total length of all messages is too long"),
    _Phrase("Zhipu", r"prompt exceeds (?:the )?max(?:imum)? length"),
    _Phrase("Baidu", r"prompt tokens? (?:is |are )?too (?:long|many)"),
    _Phrase("Zhipu, DashScope", "超长|(?:输入|提示词|上下文).{0,8}(?:超过|超出|过长)"),
    _Phrase("Volcengine", "(?:超过|超出).{0,12}(?:上下文|最大长度|输入长度)"),
    _Phrase("Volcengine", r"exceeds? (?:the )?max(?:imum)? message tokens|input length \d+ exceeds"),
    _Phrase("TGI, Together", r"inputs`? (?:tokens \+ `?max_new_tokens|must have less than)"),
    _Phrase("SambaNova", r"max(?:imum)? (?:supported )?(?:sequence|input|token sequence) length"),
    _Phrase("SiliconFlow", r"length of prompt_tokens.{0,40}less than|max_seq_len"),
    _Phrase(
        "Poolside, NVIDIA NIM",
        r"exceeds (?:the )?max\w* (?:allowed )?(?:input|prompt|token) (?:token )?(?:length|size|count)",
    ),
    _Phrase("Cohere", r"total (?:number of )?tokens .{0,60}(?:exceeds?|cannot exceed)"),
    _Phrase("Bedrock", r"too many input tokens|exceeds? the max(?:imum)? (?:number of )?input tokens?"),
    _Phrase("watsonx", r"number of input tokens.{0,40}(?:exceed|greater)"),
    _Phrase("AI21, Snowflake", r"too many tokens|max(?:imum)? tokens of \d+ exceeded"),
    _Phrase("Writer", r"token limit (?:was |is |has been )?exceeded"),
)

_NOT_OVERFLOW = re.compile(
    r"per (?:minute|second|hour|day)|\b[TR]P[MD]\b|rate.?limit|quota|throttl|too many requests|please wait"
    # The output alone is too long: another window would not help.
    r"|max_(?:completion_|new_|output_)?tokens[`'\"]?(?: or [`'\"]?max_\w+[`'\"]?)?(?: \(?\d+\)?)?"
    r" (?:is too large|must be (?:less|at most|between)|cannot)",
    re.IGNORECASE,
)

_MODEL_FAILURE_CODES = frozenset(
    (
        "tool_use_failed",  # Groq: https://console.groq.com/docs/tool-use
        "json_validate_failed",  # Groq
        "output_parse_failed",  # Groq
        "error_model_output",  # SambaNova
        "model_output_error",
        "malformed_function_call",  # Gemini, by way of others
        "malformed_tool_call",
    )
)
_MODEL_FAILURE = re.compile(
    r"failed_generation"  # Groq
    r"|failed to (?:call a function|(?:generate|validate) (?:valid )?json|generate (?:a )?(?:valid )?(?:tool|function) call)"
    r"|tool call validation failed|attempted to call tool\b"  # Groq
    r"|failed to parse (?:the )?(?:model(?:'s)? )?(?:tool|function) call|error parsing tool call"  # llama.cpp, Ollama
    r"|model (?:did not|failed to) (?:output|produce|generate|return) (?:a )?(?:valid|well-formed)"  # SambaNova
    r"|model (?:has )?(?:produced|generated|returned|output) (?:an? )?(?:invalid|malformed|incomplete|output that does not match)"
    r"|(?:invalid|malformed) (?:tool|function) call (?:was )?(?:generated|produced) by",
    re.IGNORECASE,
)
_OVERFLOW = re.compile("|".join(phrase.pattern for phrase in _OVERFLOW_PHRASES), re.IGNORECASE | re.DOTALL)


def is_overflow(message: str, *codes: str) -> bool:
    """Whether an error says that the request does not fit in the model's context window. `codes`: its code and type."""
    if any(code.lower() in _OVERFLOW_CODES for code in codes):
        return True
    message = message[:_LONGEST_TEXT]
    return _OVERFLOW.search(message) is not None and _NOT_OVERFLOW.search(message) is None


def is_model_failure(message: str, *codes: str) -> bool:
    """Whether an error says that the model's own output was unusable, which is not the caller's mistake."""
    if any(code.lower() in _MODEL_FAILURE_CODES for code in codes):
        return True
    return _MODEL_FAILURE.search(message[:_LONGEST_TEXT]) is not None
