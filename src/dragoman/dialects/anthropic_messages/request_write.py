"""The hub's request, as Anthropic's body."""

from __future__ import annotations

from typing import Any, cast

from dragoman.dialects.anthropic_messages.betas import beta_headers
from dragoman.dialects.anthropic_messages.messages_write import TurnWriter
from dragoman.dialects.anthropic_messages.params_write import write_parameters
from dragoman.dialects.anthropic_messages.reasoning_write import (
    Reasoning,
    fit_thinking,
    write_reasoning_request,
)
from dragoman.dialects.anthropic_messages.response_format_write import StructuredOutput, structured_output
from dragoman.dialects.anthropic_messages.tools_write import ToolWriter, name_of, tool_names
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.dialect import Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.provider_tools import report_foreign_blocks
from dragoman.dialects.reasoning import report_foreign_reasoning
from dragoman.dialects.validation import expect, expect_list, expect_object
from dragoman.dialects.vendor_params import own_params
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["DEFAULT_MAX_TOKENS", "relay_request", "write_request"]

DEFAULT_MAX_TOKENS = 32_000
"""What Anthropic is told where the caller names no maximum and the model's own is unknown: it demands one. No model that is
newer than the tables gives less, and a smaller one would cut long answers."""
_PLAIN_INPUT: JsonObject = {"type": "object", "properties": {}, "additionalProperties": True}


def relay_request(body: JsonObject, target: Target) -> WireRequest:
    """The caller's own body; only the model is the target's."""
    return WireRequest(body=body | {"model": target.model})


def write_request(request: ChatRequest, target: Target) -> WireRequest:
    """The body, the betas that it needs, and how to understand the reply.

    A stream is asked for by `target.stream`. Raises `UnsupportedParamsError` as told by `target.drop_params`.
    """
    return _Writing(cast(JsonObject, request), target).write()


def _legacy_tools(functions: object) -> list[JsonObject]:
    listed = expect_list(functions, "functions")
    return [{"type": "function", "function": expect_object(f, f"functions[{n}]")} for n, f in enumerate(listed)]


class _Writing:
    """One request on its way."""

    def __init__(self, request: JsonObject, target: Target) -> None:
        self._target = target
        self._drops = DropList(target)
        self._request = self._without_unwanted(request)
        self._messages = expect_list(self._request.get("messages"), "messages")
        tools = self._request.get("tools")
        if tools is None and self._request.get("functions") is not None:
            tools = _legacy_tools(self._request["functions"])
        listed = expect_list(tools if tools is not None else [], "tools")
        self._tools = [expect_object(tool, f"tools[{number}]") for number, tool in enumerate(listed)]
        self._names = tool_names(self._tools, [message for message in self._messages if isinstance(message, dict)])

    def _without_unwanted(self, request: JsonObject) -> JsonObject:
        """The parameters without null, and without those that the caller wants left out in any case."""
        return self._drops.without_dropped({name: value for name, value in request.items() if value is not None})

    def write(self) -> WireRequest:
        request, target = self._request, self._target
        own = own_params(request, (VENDOR, target.vendor), self._drops)
        report_foreign_blocks(self._messages, (VENDOR, target.vendor), self._drops)
        report_foreign_reasoning(self._messages, (None, target.vendor), self._drops)
        reasoning, max_tokens = self._limits(self._possible(self._reasoning(own)))
        body: JsonObject = {"model": target.model, "max_tokens": max_tokens}
        body |= TurnWriter(target, self._drops, self._names).write(self._messages)
        taken = {name_of(tool) or str((tool.get("definition") or {}).get("name")) for tool in self._tools}
        output = structured_output(request.get("response_format"), target.facts, self._drops, taken)
        body |= self._tool_fields(output, reasoning)
        body |= write_parameters(request, target.facts, self._drops, thinking=reasoning.is_on)
        if reasoning.thinking is not None:
            body["thinking"] = reasoning.thinking
        if target.stream:
            body["stream"] = True
        betas = own.pop("betas", request.get("betas"))
        body |= _output_config(reasoning, output, own.pop("output_config", body.get("output_config")))
        body |= own
        return WireRequest(
            body=body,
            headers=beta_headers(body, betas),
            dropped=self._drops.dropped,
            tool_names=self._names.to_caller,
            json_tool=output.tool["name"] if output.tool is not None else None,
        )

    def _reasoning(self, own: JsonObject) -> Reasoning:
        """An effort in Anthropic's own words, without thinking, asks for no thinking."""
        config = own.get("output_config")
        if isinstance(config, dict) and config.get("effort") is not None and "thinking" not in self._request:
            return Reasoning()
        return write_reasoning_request(self._request, self._target.facts, self._drops)

    def _limits(self, reasoning: Reasoning) -> tuple[Reasoning, int]:
        named = next((key for key in ("max_completion_tokens", "max_tokens") if key in self._request), None)
        facts = self._target.facts
        wanted = expect(self._request[named], int, named) if named else facts.max_output_tokens or DEFAULT_MAX_TOKENS
        return fit_thinking(reasoning, wanted, facts, self._drops, named)

    def _possible(self, reasoning: Reasoning) -> Reasoning:
        """With a budget, Anthropic wants the last turn of the assistant to begin with thinking: the one whose tools were just
        run, and the one that is to be continued. One that another vendor answered, or that the caller wrote, has none (or
        none that may be sent), so that this one request goes without."""
        if not reasoning.has_budget:
            return reasoning
        last = [message for message in self._messages if isinstance(message, dict)]
        while last and last[-1].get("role") in ("tool", "function", "system", "developer"):
            last.pop()
        if not last or last[-1].get("role") != "assistant":
            return reasoning
        blocks = last[-1].get("thinking_blocks")
        own = (None, self._target.vendor)
        if any(isinstance(block, dict) and block.get("vendor") in own for block in blocks or []):
            return reasoning
        self._drops.degraded(reasoning.asked_by)
        return Reasoning()

    def _tool_fields(self, output: StructuredOutput, reasoning: Reasoning) -> JsonObject:
        """`tools` and `tool_choice`."""
        writer = ToolWriter(self._drops, self._names, self._target.vendor, self._target.facts)
        choice = self._request.get("tool_choice", self._request.get("function_call"))
        tools = writer.tools(writer.only_allowed(self._tools, choice))
        if "web_search_options" in self._request:
            tools.append(writer.web_search(self._request["web_search_options"]))
        wanted = said = writer.choice(choice) if tools else None
        if output.tool is not None:
            wanted = _choice_with_json(wanted, output.tool["name"], others=bool(tools))
            tools.append(output.tool)
        elif not tools and self._history_tools():
            tools, wanted = self._history_tools(), {"type": "none"}
        if wanted is not None and wanted["type"] in ("any", "tool") and (why := self._unforced(reasoning)):
            if output.tool is None:
                self._drops.unsupported("tool_choice", why)
            else:
                self._drops.degraded("response_format")
            wanted = wanted | {"type": "auto"}
            wanted.pop("name", None)
        elif output.tool is not None and said is not None and said["type"] in ("auto", "none"):
            self._drops.degraded("tool_choice")  # the answer itself is a call that is demanded
        wanted = self._parallel(wanted, bool(tools))
        fields: JsonObject = {"tools": tools} if tools or self._request.get("tools") == [] else {}
        return fields | ({"tool_choice": wanted} if wanted is not None else {})

    def _unforced(self, reasoning: Reasoning) -> str:
        """Why no tool can be forced; empty where one can."""
        if reasoning.is_on:
            return "no tool can be forced while the model reasons"
        return "this model cannot be made to call a tool" if self._target.facts.forced_tools is False else ""

    def _history_tools(self) -> list[JsonObject]:
        """Anthropic wants tools defined whose calls stand in the conversation, also when none may be called any more."""
        calls = [
            call for message in self._messages if isinstance(message, dict) for call in message.get("tool_calls") or []
        ]
        names = dict.fromkeys(name_of(call) for call in calls if isinstance(call, dict))
        return [{"name": self._names.to_wire(name), "input_schema": _PLAIN_INPUT} for name in names if name is not None]

    def _parallel(self, choice: JsonObject | None, has_tools: bool) -> JsonObject | None:
        parallel = self._request.get("parallel_tool_calls")
        if not isinstance(parallel, bool) or not has_tools or (choice is not None and choice["type"] == "none"):
            return choice
        if choice is None:
            return None if parallel else {"type": "auto", "disable_parallel_tool_use": True}
        return choice | {"disable_parallel_tool_use": not parallel}


def _output_config(reasoning: Reasoning, output: StructuredOutput, given: Any) -> JsonObject:
    """`output_config`, where there is one, from its three sources; the caller's own words for Anthropic win."""
    config: JsonObject = {}
    if reasoning.effort is not None:
        config["effort"] = reasoning.effort
    if output.format is not None:
        config["format"] = output.format
    if isinstance(given, dict):
        config |= given
    return {"output_config": config} if config else {}


def _choice_with_json(choice: JsonObject | None, name: str, *, others: bool) -> JsonObject:
    """Who else may be called beside the tool that gives the answer."""
    if not others or (choice is not None and choice["type"] == "none"):
        return {"type": "tool", "name": name, "disable_parallel_tool_use": True}
    return choice if choice is not None and choice["type"] == "tool" else {"type": "any"}
