"""Check OpenAI's requests as OpenAI does, and read them."""

from __future__ import annotations

import json
from typing import Any

from dragoman.simulator.exchange import Medium, SimulatedCall, SimulatedRequest, SimulatedTurn, ToolResult, decoded_size
from dragoman.simulator.faults import Faults
from dragoman.simulator.fields import list_in, object_in
from dragoman.simulator.openai.errors import bad_request, check_shape
from dragoman.simulator.openai.schemas import check_strict
from dragoman.simulator.openai.shapes import CHAT, STRICT_CHAT

__all__ = ["read_chat", "stop_sequences"]

_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5", "gpt-6", "sim-o")
_SYSTEM = ("system", "developer")
_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "audio", "refusal")
_REASONERS = ("sim-reasoner", "deepseek")
_SHOWN = (
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "seed", "user", "n", "logprobs", "top_logprobs",
    "reasoning_effort", "verbosity", "modalities", "service_tier", "store", "metadata", "safety_identifier", "prompt_cache_key",
    "response_format", "prediction", "web_search_options",
)  # fmt: skip


def read_chat(body: Any, model: str, faults: Faults) -> SimulatedRequest:
    """Read a chat completion request. Raise OpenAI's error for one that OpenAI refuses."""
    check_shape(STRICT_CHAT if faults.strict else CHAT, body)
    _check_model(body, model)
    _check_together(body)
    _check_turns(body["messages"])
    tools = _tools(body)
    return SimulatedRequest(
        dialect="openai",
        model=model,
        turns=_turns(body["messages"]),
        system=_system(body["messages"]),
        tools=tools,
        choice=_choice(body, tools),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body),
        thinking=_thinking(body, model),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stop=stop_sequences(body),
        count=body.get("n") or 1,
        parameters={name: body[name] for name in _SHOWN if body.get(name) is not None},
    )


def stop_sequences(body: Any) -> list[str]:
    """Return `stop`, a string or a list of strings, as a list."""
    stop = body.get("stop") or []
    return [stop] if isinstance(stop, str) else stop


def _system(messages: list[Any]) -> str:
    return "\n".join(_text(message["content"]) for message in messages if message["role"] in _SYSTEM)


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
    """Check the parameters that need or exclude others."""
    for name, other, message in _NEEDS:
        if body.get(name) is not None and not body.get(other):
            raise bad_request(message, param=name)
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise bad_request(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
        )
    _check_tool_choice(body)
    _check_tools(body)
    _check_response_format(object_in(body, "response_format"), body)


_NEEDS = (
    ("tool_choice", "tools", "'tool_choice' is only allowed when 'tools' are specified."),
    ("parallel_tool_calls", "tools", "'parallel_tool_calls' is only allowed when 'tools' are specified."),
    ("stream_options", "stream", "The 'stream_options' parameter is only allowed when 'stream' is enabled."),
    ("top_logprobs", "logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."),
    ("function_call", "functions", "'function_call' is only allowed when 'functions' are specified."),
)
"""(parameter, the one that it needs, message)."""


def _check_tool_choice(body: Any) -> None:
    choice = body.get("tool_choice")
    if not isinstance(choice, dict) or choice["type"] != "function":
        return
    name = choice["function"]["name"]
    if name not in [function["name"] for _, function in _functions(body)]:
        raise bad_request(
            f"Invalid value for 'tool_choice': tool_choice function '{name}' not found in 'tools'.", param="tool_choice"
        )


def _functions(body: Any) -> list[tuple[int, Any]]:
    """Return (position, function) of the tools that are functions."""
    return [
        (index, tool["function"]) for index, tool in enumerate(list_in(body, "tools")) if tool["type"] == "function"
    ]


def _check_tools(body: Any) -> None:
    for index, function in _functions(body):
        if function.get("strict"):
            param = f"tools[{index}].function.parameters"
            parameters = object_in(function, "parameters")
            check_strict(parameters, f"function '{function['name']}'", param, "invalid_function_parameters")


def _check_response_format(response_format: Any, body: Any) -> None:
    kind = response_format.get("type")
    if kind == "json_schema" and response_format["json_schema"].get("strict"):
        json_schema = response_format["json_schema"]
        where = f"response_format '{json_schema['name']}'"
        check_strict(object_in(json_schema, "schema"), where, "response_format", None)
    if kind == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        raise bad_request(message, param="messages")


def _check_turns(messages: list[Any]) -> None:
    """Check that every tool call is followed by its result, and every result preceded by its call."""
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
        waiting = [call["id"] for call in list_in(message, "tool_calls")]
        if message["role"] == "assistant":
            _check_assistant(message, index)
    _check_answered(waiting, len(messages))


def _check_assistant(message: Any, index: int) -> None:
    if message.get("content") is None and not any(message.get(field) for field in _INSTEAD_OF_CONTENT):
        raise bad_request(
            f"Invalid value for 'content': expected a string, got null. (messages[{index}])",
            param=f"messages.[{index}].content",
        )


def _check_answered(waiting: list[str], index: int) -> None:
    if waiting:
        raise bad_request(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            param=f"messages.[{index}].role",
        )


def _tools(body: Any) -> dict[str, Any]:
    functions = [*(function for _, function in _functions(body)), *list_in(body, "functions")]
    return {function["name"]: object_in(function, "parameters") for function in functions}


def _choice(body: Any, tools: dict[str, Any]) -> str:
    choice = body.get("tool_choice") or body.get("function_call") or "auto"
    if isinstance(choice, str):
        return choice
    if "allowed_tools" in choice:
        allowed = [tool.get("function", {}).get("name") for tool in choice["allowed_tools"]["tools"]]
        for name in [name for name in tools if name not in allowed]:
            del tools[name]
        return str(choice["allowed_tools"]["mode"])
    return str(choice.get("function", choice).get("name", "auto"))


def _schema(body: Any) -> dict[str, Any] | None:
    response_format = body.get("response_format") or {"type": "text"}
    if response_format["type"] == "text":
        return None
    return dict(object_in(response_format["json_schema"], "schema")) if response_format["type"] == "json_schema" else {}


def _turns(messages: list[Any]) -> list[SimulatedTurn]:
    turns: list[SimulatedTurn] = []
    names: dict[str, str] = {}
    for index, message in enumerate(messages):
        role = message["role"]
        if role in _SYSTEM:
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
    text = entry["function"]["arguments"]
    try:
        arguments = json.loads(text) if text else {}
    except json.JSONDecodeError:
        # OpenAI itself takes any text here; this is to show that a gateway sends broken JSON.
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
    media = []
    for k, part in enumerate(content if isinstance(content, list) else []):
        if part["type"] in _MEDIA:
            try:
                media.append(_MEDIA[part["type"]](part[part["type"]]))
            except ValueError as error:
                message = f"Invalid base64 data in messages[{index}].content[{k}]: {error}."
                raise bad_request(message, param=f"messages[{index}].content[{k}]", code="invalid_base64") from None
    return media


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
    """Return the medium behind a URL, or in it (a data: URL)."""
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
