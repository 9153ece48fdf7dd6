"""A request: hub -> wire."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dragoman.dialects.anthropic_messages.betas import beta_headers
from dragoman.dialects.anthropic_messages.messages_write import TurnWriter
from dragoman.dialects.anthropic_messages.params_write import write_params
from dragoman.dialects.anthropic_messages.reasoning_write import DEFAULT_MAX_TOKENS, Reasoning, write_reasoning
from dragoman.dialects.anthropic_messages.response_format_write import StructuredOutput, structured_output
from dragoman.dialects.anthropic_messages.tool_choice_write import write_tools
from dragoman.dialects.anthropic_messages.tools_write import name_of, tool_names
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.codec import Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.provider_tools import report_foreign_blocks
from dragoman.dialects.reasoning import report_foreign_reasoning
from dragoman.dialects.validation import expect_list, expect_object, objects_in
from dragoman.dialects.vendor_params import own_params
from dragoman.dialects.write_context import WriteContext
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["DEFAULT_MAX_TOKENS", "relay_request", "write_request"]


def relay_request(body: JsonObject, target: Target) -> WireRequest:
    """Return the caller's own body with the target's model."""
    return WireRequest(body=body | {"model": target.model})


def write_request(request: ChatRequest, target: Target) -> WireRequest:
    """Return the body, the betas that it needs, and how to understand the reply.

    `target.stream` makes it a stream. Raises `UnsupportedParamsError` unless `target.drop_params`.
    """
    drops = DropList(target)
    params = drops.without_dropped({name: value for name, value in request.items() if value is not None})
    messages = expect_list(params.get("messages"), "messages")
    tools = _tools(params)
    names = tool_names(tools, objects_in(messages))
    context: WriteContext[None] = WriteContext(target, None, drops, names)
    own = own_params(params, (VENDOR, target.vendor), drops)
    report_foreign_blocks(messages, (VENDOR, target.vendor), drops)
    report_foreign_reasoning(messages, (None, target.vendor), drops)
    reasoning, max_tokens = write_reasoning(params, own, context)
    if reasoning.is_on:
        context = replace(context, reasons=True)
    output = structured_output(params.get("response_format"), context, _taken_names(tools))
    body: JsonObject = {"model": target.model, "max_tokens": max_tokens}
    body |= TurnWriter(context).write(messages)
    if output.instruction:
        body["system"] = _instructed(body.get("system"), output.instruction)
    body |= write_tools(params, tools, output, context)
    body |= write_params(params, context)
    if reasoning.thinking is not None:
        body["thinking"] = reasoning.thinking
    if target.stream:
        body["stream"] = True
    betas = own.pop("betas", params.get("betas"))
    body |= _output_config(reasoning, output, own.pop("output_config", body.get("output_config")))
    body |= own
    return WireRequest(
        body=body,
        headers=beta_headers(body, betas),
        dropped=drops.dropped,
        tool_names=names.to_caller,
        json_tool=output.tool["name"] if output.tool is not None else None,
    )


def _tools(params: JsonObject) -> list[JsonObject]:
    """Return the tools, also those given as `functions` of OpenAI's older API."""
    if "tools" not in params and "functions" in params:
        functions = expect_list(params["functions"], "functions")
        return [{"type": "function", "function": expect_object(f, f"functions[{n}]")} for n, f in enumerate(functions)]
    tools = expect_list(params.get("tools", []), "tools")
    return [expect_object(tool, f"tools[{number}]") for number, tool in enumerate(tools)]


def _instructed(system: Any, instruction: str) -> Any:
    """Return the system prompt with an instruction at its end, behind what may be cached."""
    if isinstance(system, list):
        return [*system, {"type": "text", "text": instruction}]
    return f"{system}\n\n{instruction}" if system else instruction


def _taken_names(tools: list[JsonObject]) -> set[str]:
    return {name_of(tool) or str((tool.get("definition") or {}).get("name")) for tool in tools}


def _output_config(reasoning: Reasoning, output: StructuredOutput, own: Any) -> JsonObject:
    """Return `output_config`, where there is one, from its three sources. The caller's own for Anthropic wins."""
    config: JsonObject = {}
    if reasoning.effort is not None:
        config["effort"] = reasoning.effort
    if output.format is not None:
        config["format"] = output.format
    if isinstance(own, dict):
        config |= own
    return {"output_config": config} if config else {}
