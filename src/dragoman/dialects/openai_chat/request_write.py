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

_OWN_WAY = frozenset(
    ("messages", "tools", "tool_choice", "thinking", "reasoning_effort", "response_format", "stream", "stream_options")
)
"""What is not a plain parameter: each has a writer of its own."""


def write_request(request: ChatRequest, target: Target) -> WireRequest:
    accent, drops = accent_of(target), DropList(target)
    asked: JsonObject = drops.without_dropped(request)
    asked["messages"] = with_summaries(asked.get("messages"), (target.vendor,))
    names = wire_names(asked, accent)
    context, asked = settle_reasoning(asked, WriteContext(target, accent, drops, names))
    body = write_params(asked, target, accent, drops, _OWN_WAY)
    report_foreign_blocks(asked.get("messages"), (), drops)
    body["messages"] = write_messages(_messages(asked, context), context)
    write_tools(body, asked, context)
    write_reasoning(body, asked, context)
    fit_to_effort(body, context)
    json_tool = write_format(body, asked, context)
    return WireRequest(body, dropped=drops.dropped, tool_names=names.to_caller, json_tool=json_tool)


def _messages(asked: JsonObject, context: ChatWriteContext) -> list[Any]:
    messages = asked.get("messages") or []
    demanded = context.reasons and context.target.facts.echo_reasoning and context.accent.reasoning_back != "omit"
    return with_placeholders(messages, context) if demanded else messages
