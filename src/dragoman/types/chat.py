"""The hub: OpenAI's Chat Completions shape, with the few named extensions for what that shape cannot say.

Everything here is plain JSON (dict, list, str, ...); these `TypedDict`s name the keys. The extensions, each marked (+):

request   `thinking`, `top_k`, `safety_settings`, `cached_content`, `vendor_params`; tools that a provider runs itself
parts     `cache_control`, `video_url`, `file.file_url`, `file.format`, `citations`, `title`, `context`
messages  `reasoning_content`, `thinking_blocks`, `block_order`, `provider_tool_blocks`, `images`, `is_error`,
          `provider_specific_fields`
choices   `native_finish_reason`, `stop_sequence`

**Reasoning.** `thinking_blocks` holds the blocks in order, with their opaque signatures, byte-identical; `vendor` names the
maker of the signature, for no other vendor can read it. `reasoning_content` is their text joined, for readers who want only that.
**Order.** OpenAI's message keeps text, tool calls and reasoning in separate fields. Where a provider interleaved them in
another order than reasoning, text, tool calls, `block_order` tells the order (see `BlockOrder`), so that the message can
be written back to the same vendor as it stood.
**Provider-run tools** (web search, code execution, MCP, ...) never appear in `tool_calls`: their blocks are kept verbatim in
`provider_tool_blocks`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = [
    "Annotation",
    "BlockOrder",
    "CacheControl",
    "ChatChoice",
    "ChatChunk",
    "ChatChunkChoice",
    "ChatRequest",
    "ChatResponse",
    "ContentPart",
    "Delta",
    "FileRef",
    "FinishReason",
    "FunctionCall",
    "ImageUrl",
    "InputAudio",
    "Message",
    "ProviderToolBlock",
    "ThinkingBlock",
    "Tool",
    "ToolCall",
    "VideoUrl",
]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
"""The closed set. The provider's own word stands beside it in `native_finish_reason`."""

BlockOrder: TypeAlias = list[str]
"""The order of a message's blocks: `"thinking"` and `"tool_call"` and `"provider_tool"` and `"image"` each stand for the
next item of their list, `"text:N"` for the next N characters (code points) of `content`.
Left out where the order is the usual one: thinking, text, tool calls."""


class CacheControl(TypedDict, total=False):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"]


class ImageUrl(TypedDict, total=False):
    url: str
    """An http(s) or gs address, or a data: URL."""
    detail: str
    format: str
    """(+) The media type, where the address does not tell."""


class InputAudio(TypedDict, total=False):
    data: str
    """Base64."""
    format: str
    """`wav`, `mp3`, ..."""


class FileRef(TypedDict, total=False):
    file_id: str
    file_data: str
    """A data: URL (or bare base64, as some callers send it)."""
    file_url: str
    """(+) An address that the provider fetches."""
    filename: str
    format: str
    """(+) The media type."""


class VideoUrl(TypedDict, total=False):
    url: str
    format: str
    start_offset: str
    end_offset: str
    fps: float


class ContentPart(TypedDict, total=False):
    """`type` selects the field: text, refusal, image_url, input_audio, file, video_url (+). A part of a type that is not
    listed is kept verbatim, with `vendor` (+) when it came in a vendor's own dialect."""

    type: str
    text: str
    refusal: str
    image_url: ImageUrl
    input_audio: InputAudio
    file: FileRef
    video_url: VideoUrl
    cache_control: CacheControl
    citations: JsonObject
    """(+) On a document: {"enabled": bool}. On an assistant's text: see `annotations` of the message instead."""
    title: str
    context: str
    vendor: str


class FunctionCall(TypedDict, total=False):
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


class ToolCall(TypedDict, total=False):
    index: int
    """Only in a stream's deltas."""
    id: str
    type: Literal["function", "custom"]
    function: FunctionCall
    custom: JsonObject
    extra_content: JsonObject
    """(+) `{"google": {"thought_signature": "<base64>"}}`, the place where Google's own OpenAI endpoint keeps it."""
    cache_control: CacheControl


class ThinkingBlock(TypedDict, total=False):
    """(+) One block of reasoning, in Anthropic's shape.

    `thinking`: text, perhaps with a signature. `redacted_thinking`: only opaque `data`. `signature`: an opaque signature
    that belongs to the block before it (Gemini signs text and other parts too). `encrypted`: an opaque item of another
    vendor, verbatim in `data` (OpenRouter's `reasoning_details`, OpenAI's encrypted reasoning).
    """

    index: int
    """Only in a stream's deltas: which block of the message is continued."""
    type: Literal["thinking", "redacted_thinking", "signature", "encrypted"]
    thinking: str
    signature: str
    data: Any
    vendor: str
    """Who made it. Left out: not known, and then it is taken for the target's own only if the target is Anthropic."""


class ProviderToolBlock(TypedDict, total=False):
    """(+) A block about a tool that the provider ran, verbatim."""

    vendor: str
    block: JsonObject


class Annotation(TypedDict, total=False):
    """OpenAI's annotation. `provider_citation` (+) is the vendor's own citation, verbatim: {"vendor", "citation"}."""

    type: str
    url_citation: JsonObject
    provider_citation: JsonObject


class Message(TypedDict, total=False):
    role: str
    """system, developer, user, assistant, tool, function."""
    content: str | list[ContentPart] | None
    name: str
    refusal: str | None
    tool_calls: list[ToolCall]
    function_call: FunctionCall | None
    tool_call_id: str
    audio: JsonObject | None
    annotations: list[Annotation]
    reasoning_content: str
    thinking_blocks: list[ThinkingBlock]
    block_order: BlockOrder
    provider_tool_blocks: list[ProviderToolBlock]
    images: list[ContentPart]
    """(+) Images that the model made: `image_url` parts, as OpenRouter and LiteLLM give them."""
    is_error: bool
    """(+) On a tool message: the tool failed."""
    cache_control: CacheControl
    provider_specific_fields: JsonObject


class Tool(TypedDict, total=False):
    """A function (OpenAI's shape), a `custom` tool, or (+) one that the provider runs: `type` is the kind (see
    `dialects/provider_tools.py`), `vendor` whose it is, `definition` the vendor's own words, verbatim."""

    type: str
    function: JsonObject
    custom: JsonObject
    vendor: str
    definition: JsonObject
    cache_control: CacheControl
    vendor_params: dict[str, JsonObject]
    """(+) Further fields of a function that only one vendor knows: {vendor: {name: value}}."""


class ChatRequest(TypedDict, total=False):
    """OpenAI's request. Keys that are not listed are kept: an OpenAI-compatible provider may know them."""

    model: str
    messages: list[Message]
    temperature: float
    top_p: float
    top_k: int
    n: int
    stream: bool
    stream_options: JsonObject
    stop: str | list[str]
    max_tokens: int
    max_completion_tokens: int
    presence_penalty: float
    frequency_penalty: float
    logit_bias: dict[str, float]
    logprobs: bool
    top_logprobs: int
    user: str
    seed: int
    response_format: JsonObject
    """OpenAI's. `vendor` (+): it was asked for in another vendor's dialect, where every schema is guaranteed."""
    tools: list[Tool]
    tool_choice: str | JsonObject
    """OpenAI's: none, auto, required, {"type": "function", ...}, {"type": "allowed_tools", ...}."""
    parallel_tool_calls: bool
    functions: list[JsonObject]
    function_call: str | JsonObject
    modalities: list[str]
    audio: JsonObject
    prediction: JsonObject
    reasoning_effort: str
    """none, minimal, low, medium, high, xhigh, max, default."""
    verbosity: str
    web_search_options: JsonObject
    service_tier: str
    store: bool
    metadata: JsonObject
    safety_identifier: str
    prompt_cache_key: str
    prompt_cache_retention: str
    thinking: JsonObject
    """(+) Anthropic's words: {"type": "enabled", "budget_tokens": N} | {"type": "adaptive"} | {"type": "disabled"}; optional
    `display` ("summarized" | "omitted") says whether the text of the reasoning is wanted. Wins over `reasoning_effort`
    where both are given, except that "adaptive" takes its strength from `reasoning_effort`."""
    safety_settings: list[JsonObject]
    """(+) Gemini's words."""
    cached_content: str
    """(+) The name of a Gemini cache."""
    vendor_params: dict[str, JsonObject]
    """(+) Parameters of one vendor's API that have no common name: {vendor: {name: value}}."""


class ChatChoice(TypedDict, total=False):
    index: int
    message: Message
    finish_reason: FinishReason
    native_finish_reason: str
    stop_sequence: str | None
    logprobs: JsonObject | None
    provider_specific_fields: JsonObject


class ChatResponse(TypedDict, total=False):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: TokenUsage
    service_tier: str | None
    system_fingerprint: str | None
    provider_specific_fields: JsonObject


Delta: TypeAlias = Message
"""What a chunk adds to the message. Text is appended; `tool_calls` and `thinking_blocks` are continued by their `index`;
`annotations`, `provider_tool_blocks` and `images` are appended; `block_order` comes whole, with the last chunk of its choice."""


class ChatChunkChoice(TypedDict, total=False):
    index: int
    delta: Delta
    finish_reason: FinishReason | None
    native_finish_reason: str
    stop_sequence: str | None
    logprobs: JsonObject | None
    provider_specific_fields: JsonObject


class ChatChunk(TypedDict, total=False):
    """One chunk. `usage` comes in exactly one chunk, the last, whose `choices` are empty."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChatChunkChoice]
    usage: TokenUsage | None
    service_tier: str | None
    system_fingerprint: str | None
    provider_specific_fields: JsonObject
