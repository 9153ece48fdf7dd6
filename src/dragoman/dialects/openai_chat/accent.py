"""How a provider's version of the OpenAI dialect deviates, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from dragoman.dialects.codec import ReplyContext, Target
from dragoman.dialects.write_context import WriteContext

__all__ = [
    "ChatAccent",
    "ChatWriteContext",
    "FileForm",
    "ReasoningBack",
    "ReasoningForm",
    "accent_of",
    "reasoning_tag_of",
]

ReasoningForm = Literal["effort", "thinking", "thinking_effort", "budget", "reasoning", "enable_thinking", "none"]
"""How reasoning is asked for: `reasoning_effort`; `thinking: {"type"}`; both of these; Anthropic's `thinking` with its budget;
OpenRouter's `reasoning: {"effort" | "max_tokens" | "enabled"}`; `enable_thinking` with `thinking_budget`; not at all."""

ReasoningBack = Literal[
    "omit", "reasoning_content", "reasoning", "reasoning_details", "thinking_parts", "thinking_blocks", "tagged"
]
"""Where an earlier turn's reasoning goes back in: nowhere (which is reported), one of two fields with its text, OpenRouter's
verbatim details, Mistral's parts of the content, LiteLLM's signed blocks beside the text, or a tag at the start of the content."""

FileForm = Literal["", "file", "document_url", "file_url"]
"""How a file is sent: not at all, as OpenAI's `file` part, or as Mistral's or Perplexity's own part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAccent:
    """The defaults are those of an unknown OpenAI-compatible provider: nothing is forbidden that one of them might know."""

    unsupported: frozenset[str] = frozenset()
    """Parameters that it refuses."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """OpenAI's name of a parameter -> its own name."""
    tokens_field: Literal["", "max_tokens", "max_completion_tokens"] = "max_tokens"
    """Its name for the limit of the output; empty: either, except that a model that reasons takes only the newer one."""
    max_temperature: float | None = None
    sampling_params: tuple[str, ...] = ("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty")
    """Parameters that a model with `sampling` False does not take (but for a 1, or a 0 of the penalties, which change nothing)."""
    modalities: frozenset[str] = frozenset()
    """The words that it takes in `modalities`; empty: any."""
    id_length: int = 0
    """The most characters of `user`, `safety_identifier` and `prompt_cache_key`; 0: no limit is known."""
    stream_options: bool = True
    """Whether `stream_options.include_usage` is known; False: usage comes unasked."""

    developer_role: bool = False
    """Whether `developer` is known; it becomes `system` elsewhere."""
    single_system: bool = False
    """All system messages are joined into one, which comes first."""
    alternate: bool = False
    """User and assistant must take turns: neighbours of the same role are joined."""
    last_must_be_user: bool = False
    """A last assistant message is refused (unless `prefill` says how it is continued)."""
    prefill: Literal["", "prefix"] = ""
    """The mark on a last assistant message that is to be continued."""
    unsupported_parts: frozenset[str] = frozenset()
    """Types of content parts that it refuses."""
    file: FileForm = "file"
    file_url: bool = False
    """Whether a file may be given by its address."""
    tool_media: bool = False
    """Whether a tool message may hold parts other than text."""
    names: bool = True
    """Whether a message may hold `name`."""

    tools: bool = True
    required_word: str = "required"
    """Its word for a `tool_choice` that demands a call."""
    forced_tools: bool = True
    """Whether a call can be demanded at all."""
    forced_tools_reasoning: bool = True
    """Whether a call can be demanded while the model reasons."""
    allowed_tools: bool = False
    """Whether `tool_choice: {"type": "allowed_tools"}` is known; elsewhere the list of tools is cut."""
    strict: bool = True
    """Whether `strict` is known in a function's definition."""
    tool_name_length: int = 64
    tool_name_allowed: str = r"a-zA-Z0-9_-"
    tool_call_id: str = ""
    """The pattern of the ids of tool calls that it takes; empty: any. Another provider's ids come in after a fallback."""
    search_models: tuple[str, ...] = ()
    """Marks in the names of models that search the web through `web_search_options`."""

    json_schema: Literal["native", "json_object", "tool"] = "native"
    """How structured output by schema is asked for: as OpenAI does, as a plain JSON object with the schema told in the
    prompt, or by a forced tool."""
    json_schema_fallback: Literal["json_object", "tool"] = "tool"
    """The same for a model that has no native way."""

    reasoning: ReasoningForm = "effort"
    reasoning_switch: Literal["enabled", "adaptive"] = "enabled"
    """Its word for reasoning that is on, where a switch asks for it."""
    reasoning_back: ReasoningBack = "reasoning_content"
    """Most servers of open models know this field, and those that do not ignore what they do not know."""
    cache_control: bool = False
    reasoning_tag: str = ""
    """The tag (`think`) in which it puts reasoning at the start of the content."""


ChatWriteContext: TypeAlias = WriteContext[ChatAccent]

PLAIN = ChatAccent()


def accent_of(side: Target | ReplyContext) -> ChatAccent:
    """The accent of a target or of a reply; the plain one where none is given."""
    return side.accent if isinstance(side.accent, ChatAccent) else PLAIN


def reasoning_tag_of(context: ReplyContext) -> str:
    """The tag in which the reasoning of a reply may stand at the start of its content: the provider's own habit, or that of
    the model wherever it is hosted."""
    return accent_of(context).reasoning_tag or context.facts.reasoning_tag
