"""OpenAI's requests, checked as OpenAI does and read."""

from __future__ import annotations

import json
from typing import Any

from dragoman.simulator.exchange import Medium, SimulatedCall, SimulatedRequest, SimulatedTurn, ToolResult, decoded_size
from dragoman.simulator.faults import Faults
from dragoman.simulator.openai.errors import bad_request, shape_refusal
from dragoman.simulator.openai.schemas import check_strict
from dragoman.simulator.openai.shapes import CHAT, STRICT_CHAT
from dragoman.simulator.shape_checks import ShapeError

__all__ = ["read_chat"]

_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5", "gpt-6", "sim-o")
_REASONERS = ("sim-reasoner", "deepseek")
_SHOWN = (
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "seed", "user", "n", "logprobs", "top_logprobs",
    "reasoning_effort", "verbosity", "modalities", "service_tier", "store", "metadata", "safety_identifier", "prompt_cache_key",
    "response_format", "prediction", "web_search_options",
)  # fmt: skip


def read_chat(body: Any, model: str, faults: Faults) -> SimulatedRequest:
    try:
        (STRICT_CHAT if faults.strict else CHAT)(body, ())
    except ShapeError as wrong:
        raise shape_refusal(wrong) from None
    _check_model(body, model)
    _check_together(body)
    _check_turns(body["messages"], model)
    tools = _tools(body)
    systems = [entry for entry in body["messages"] if entry["role"] in ("system", "developer")]
    return SimulatedRequest(
        dialect="openai",
        model=model,
        turns=_turns(body["messages"]),
        system="\n".join(_text(entry["content"]) for entry in systems),
        tools=tools,
        choice=_choice(body, tools),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body),
        thinking=_thinking(body, model),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stop=[body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or [],
        count=body.get("n") or 1,
        parameters={name: body[name] for name in _SHOWN if body.get(name) is not None},
    )


def _thinking(body: Any, model: str) -> bool:
    effort = body.get("reasoning_effort")
    return effort not in (None, "none") or (effort is None and model.startswith((*_REASONERS, *_REASONING_MODELS)))


def _check_model(body: Any, model: str) -> None:
    if model.startswith(_REASONING_MODELS):
        if body.get("max_tokens") is not None:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            raise bad_request(message, param="max_tokens", code="unsupported_parameter")
        if body.get("temperature") not in (None, 1):
            message = (
                f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
                "Only the default (1) value is supported."
            )
            raise bad_request(message, param="temperature", code="unsupported_value")


def _check_together(body: Any) -> None:
    """Parameters that only go with others."""
    needs = (
        ("tool_choice", "tools", "'tool_choice' is only allowed when 'tools' are specified."),
        ("parallel_tool_calls", "tools", "'parallel_tool_calls' is only allowed when 'tools' are specified."),
        ("stream_options", "stream", "The 'stream_options' parameter is only allowed when 'stream' is enabled."),
        ("top_logprobs", "logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."),
        ("function_call", "functions", "'function_call' is only allowed when 'functions' are specified."),
    )
    for name, other, message in needs:
        if body.get(name) is not None and not body.get(other):
            raise bad_request(message, param=name)
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise bad_request(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
        )
    names = [tool["function"]["name"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    chosen = body.get("tool_choice")
    if isinstance(chosen, dict) and chosen["type"] == "function" and chosen["function"]["name"] not in names:
        name = chosen["function"]["name"]
        raise bad_request(
            f"Invalid value for 'tool_choice': tool_choice function '{name}' not found in 'tools'.", param="tool_choice"
        )
    _check_formats(body)


def _check_formats(body: Any) -> None:
    for index, tool in enumerate(body.get("tools") or []):
        if tool["type"] == "function" and tool["function"].get("strict"):
            where = f"function '{tool['function']['name']}'"
            check_strict(
                tool["function"].get("parameters") or {},
                where,
                f"tools[{index}].function.parameters",
                "invalid_function_parameters",
            )
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema" and wanted["json_schema"].get("strict"):
        where = f"response_format '{wanted['json_schema']['name']}'"
        check_strict(wanted["json_schema"].get("schema") or {}, where, "response_format", None)
    if wanted.get("type") == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        raise bad_request(message, param="messages")


def _check_turns(messages: list[Any], model: str) -> None:
    """Every tool call has its answers behind it, and every tool answer its call before it."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise bad_request(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            waiting.remove(message["tool_call_id"])
            continue
        _check_answered(waiting, index)
        calls = message.get("tool_calls") or []
        waiting = [call["id"] for call in calls]
        if message["role"] == "assistant" and not (
            message.get("content") is not None
            or calls
            or any(message.get(key) for key in ("function_call", "audio", "refusal"))
        ):
            raise bad_request(
                f"Invalid value for 'content': expected a string, got null. (messages[{index}])",
                param=f"messages.[{index}].content",
            )
    _check_answered(waiting, len(messages))


def _check_answered(waiting: list[str], index: int) -> None:
    if waiting:
        raise bad_request(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            param=f"messages.[{index}].role",
        )


def _tools(body: Any) -> dict[str, Any]:
    functions = [tool["function"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    return {
        function["name"]: function.get("parameters") or {} for function in functions + (body.get("functions") or [])
    }


def _choice(body: Any, tools: dict[str, Any]) -> str:
    chosen = body.get("tool_choice") or body.get("function_call") or "auto"
    if isinstance(chosen, str):
        return chosen
    if "allowed_tools" in chosen:
        allowed = [tool.get("function", {}).get("name") for tool in chosen["allowed_tools"]["tools"]]
        for name in [name for name in tools if name not in allowed]:
            del tools[name]
        return str(chosen["allowed_tools"]["mode"])
    return str(chosen.get("function", chosen).get("name", "auto"))


def _schema(body: Any) -> dict[str, Any] | None:
    wanted = body.get("response_format") or {"type": "text"}
    if wanted["type"] == "text":
        return None
    return dict(wanted["json_schema"].get("schema") or {}) if wanted["type"] == "json_schema" else {}


def _turns(messages: list[Any]) -> list[SimulatedTurn]:
    turns: list[SimulatedTurn] = []
    names: dict[str, str] = {}
    for index, message in enumerate(messages):
        role = message["role"]
        if role in ("system", "developer"):
            continue
        if role in ("tool", "function"):
            text = _text(message["content"])
            name = message.get("name") or names.get(message["tool_call_id"], "?")
            result = ToolResult(message.get("tool_call_id", ""), name, text)
            if not (turns and turns[-1].results):
                turns.append(SimulatedTurn("user"))
            turns[-1].results.append(result)
            turns[-1].media += _media(message["content"], index)
            continue
        calls = [_call(entry, index, k) for k, entry in enumerate(message.get("tool_calls") or [])]
        names |= {call.id: call.name for call in calls}
        content = message.get("content")
        turns.append(SimulatedTurn(role, _text(content), calls, [], _media(content, index)))
    return turns


def _call(entry: Any, index: int, k: int) -> SimulatedCall:
    if entry["type"] == "custom":
        return SimulatedCall(entry["id"], entry["custom"]["name"], {"input": entry["custom"]["input"]})
    written = entry["function"]["arguments"]
    try:
        arguments = json.loads(written) if written else {}
    except json.JSONDecodeError:
        # OpenAI itself takes any text here; that a gateway sends broken JSON is what this is to show.
        where = f"messages[{index}].tool_calls[{k}].function.arguments"
        raise bad_request(f"Invalid '{where}': not valid JSON.", param=where, code="invalid_value") from None
    return SimulatedCall(
        entry["id"], entry["function"]["name"], arguments if isinstance(arguments, dict) else {"": arguments}
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(
            part.get("text") or part.get("refusal") or "" for part in content if part["type"] in ("text", "refusal")
        )
    return content or ""


def _media(content: Any, index: int) -> list[Medium]:
    found = []
    for k, part in enumerate(content if isinstance(content, list) else []):
        if part["type"] in _MEDIA:
            try:
                found.append(_MEDIA[part["type"]](part[part["type"]]))
            except ValueError as error:
                message = f"Invalid base64 data in messages[{index}].content[{k}]: {error}."
                raise bad_request(message, param=f"messages[{index}].content[{k}]", code="invalid_base64") from None
    return found


def _image(image: Any) -> Medium:
    return _at("image", image if isinstance(image, str) else image["url"])


def _audio(audio: Any) -> Medium:
    return Medium("audio", f"audio/{audio['format']}", decoded_size(audio["data"]))


def _file(file: Any) -> Medium:
    if "file_data" in file:
        return _at("document", file["file_data"])
    if "file_id" not in file:
        raise ValueError("either file_id or file_data is required")
    return Medium("document", "application/octet-stream", None, file["file_id"])


def _at(kind: str, url: str) -> Medium:
    """What a URL shows; a data: URL holds it."""
    if not url.startswith("data:"):
        if not url.startswith(("https://", "http://")):
            raise bad_request(
                "Invalid image URL. Expected a valid URL or a base64-encoded data URL.",
                param="url",
                code="invalid_image_url",
            )
        return Medium(kind, kind, None, url)
    head, _, data = url[5:].partition(",")
    media_type, _, encoding = head.partition(";")
    if "base64" not in encoding:
        raise ValueError("expected a base64-encoded data URL")
    return Medium(kind, media_type, decoded_size(data))


_MEDIA = {"image_url": _image, "input_audio": _audio, "file": _file}
