"""A request: hub -> wire, in the accent of the target."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.foreign_text import with_summaries
from dragoman.dialects.openai_chat.accent import ChatWriteContext, accent_of
from dragoman.dialects.openai_chat.effort_limits import fit_to_effort
from dragoman.dialects.openai_chat.messages_write import write_messages
from dragoman.dialects.openai_chat.params_write import write_params
from dragoman.dialects.openai_chat.reasoning_history import with_placeholders
from dragoman.dialects.openai_chat.reasoning_request import settle_reasoning
from dragoman.dialects.openai_chat.reasoning_write import write_reasoning
from dragoman.dialects.openai_chat.response_format_write import write_format
from dragoman.dialects.openai_chat.tools_write import wire_names, write_tools
from dragoman.dialects.provider_tools import report_foreign_blocks
from dragoman.dialects.write_context import WriteContext
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["write_request"]

_EXCLUDED = frozenset(
    ("messages", "tools", "tool_choice", "thinking", "reasoning_effort", "response_format", "stream", "stream_options")
)
"""Fields that are no plain parameters: each has a writer of its own."""


def write_request(request: ChatRequest, target: Target) -> WireRequest:
    accent, drops = accent_of(target), DropList(target)
    params: JsonObject = drops.without_dropped(request)
    params["messages"] = with_summaries(params.get("messages"), (target.vendor,))
    names = wire_names(params, accent)
    context, params = settle_reasoning(params, WriteContext(target, accent, drops, names))
    body = write_params(params, target, accent, drops, _EXCLUDED)
    report_foreign_blocks(params.get("messages"), (), drops)
    body["messages"] = write_messages(_messages(params, context), context)
    write_tools(body, params, context)
    write_reasoning(body, params, context)
    fit_to_effort(body, context)
    json_tool = write_format(body, params, context)
    return WireRequest(body, dropped=drops.dropped, tool_names=names.to_caller, json_tool=json_tool)


def _messages(params: JsonObject, context: ChatWriteContext) -> list[Any]:
    messages = params.get("messages") or []
    required = context.reasons and context.target.facts.echo_reasoning and context.accent.reasoning_back != "omit"
    return with_placeholders(messages, context) if required else messages
