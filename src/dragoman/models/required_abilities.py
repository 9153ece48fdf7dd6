"""Which abilities a request needs, and where it first shows. Asked before every call, so it looks at each thing once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dragoman.types.request_params import REQUEST_PARAMS, is_neutral

__all__ = ["NOTHING", "needed"]

NOTHING: Mapping[str, str] = MappingProxyType({})

_INSTRUCTING = ("system", "developer")
_SEARCH_KEYS = ("googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval")


def needed(request: Any) -> Mapping[str, str]:
    """Ability (a name of `ABILITIES`) -> the path of the first place in the hub's chat request that needs it.

    Never raises: what is malformed needs nothing, and whoever writes the request says what is wrong with it."""
    if not isinstance(request, dict):
        return NOTHING
    result: dict[str, str] = {}
    for name, value in request.items():
        look = _PARAMETERS.get(name)
        if look is not None and value is not None:
            look(value, result)
    messages = request.get("messages")
    if isinstance(messages, list):
        _messages(messages, result)
    return MappingProxyType(result) if result else NOTHING


def _messages(messages: list[Any], result: dict[str, str]) -> None:
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            continue
        if isinstance(message.get("content"), list):
            _parts(message["content"], f"messages[{index}].content", result)
        if message.get("cache_control"):
            result.setdefault("prompt_caching", f"messages[{index}].cache_control")
    first = messages[0] if messages else None
    if isinstance(first, dict) and first.get("role") in _INSTRUCTING:
        result["system_messages"] = "messages[0]"


def _parts(parts: Any, path: str, result: dict[str, str]) -> None:
    for index, part in enumerate(parts):
        if not isinstance(part, dict):
            continue
        kind = part.get("type")
        if kind != "text" and isinstance(kind, str):
            ability = _file(part.get("file")) if kind == "file" else _PARTS.get(kind)
            if ability is not None:
                result.setdefault(ability, f"{path}[{index}]")
        if part.get("cache_control"):
            result.setdefault("prompt_caching", f"{path}[{index}].cache_control")


_PARTS = {"image_url": "vision", "input_audio": "audio_input", "video_url": "video_input"}
_MEDIA = {"application/pdf": "pdf_input", "image": "vision", "audio": "audio_input", "video": "video_input"}


def _file(file: Any) -> str | None:
    """By its media type. An uploaded file (`file_id`) may be anything, and text is text."""
    if not isinstance(file, dict):
        return None
    media = _media_type(file)
    if media is not None:
        return _MEDIA.get(media) or _MEDIA.get(media.partition("/")[0])
    named = (file.get("filename"), file.get("file_url"))
    return "pdf_input" if any(isinstance(name, str) and name.lower().endswith(".pdf") for name in named) else None


def _media_type(file: Mapping[str, Any]) -> str | None:
    media, source = file.get("format"), file.get("file_url") or file.get("file_data")
    if isinstance(media, str):
        return media
    if isinstance(source, str) and source.startswith("data:"):
        return source[5 : source.find(";", 5, 100)]
    return None


def _tools(tools: Any, result: dict[str, str]) -> None:
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if not isinstance(tool, dict):
            continue
        kind = tool.get("type")
        if kind in ("function", "custom"):
            if "function_calling" not in result:
                result["function_calling"] = f"tools[{index}]"
        elif _searches(tool, kind):
            result.setdefault("web_search", f"tools[{index}]")
        if tool.get("cache_control"):
            result.setdefault("prompt_caching", f"tools[{index}].cache_control")


def _searches(tool: Mapping[str, Any], kind: Any) -> bool:
    return (isinstance(kind, str) and kind.startswith("web_search")) or any(key in tool for key in _SEARCH_KEYS)


def _choice(choice: Any, result: dict[str, str]) -> None:
    demanded = choice in ("required", "any") if isinstance(choice, str) else isinstance(choice, dict)
    if demanded and not (isinstance(choice, dict) and choice.get("type") in ("allowed_tools", "auto", "none")):
        result["tool_choice"] = "tool_choice"


def _function_call(choice: Any, result: dict[str, str]) -> None:
    if isinstance(choice, dict):
        result.setdefault("tool_choice", "function_call")


def _parallel(value: Any, result: dict[str, str]) -> None:
    if value is True:
        result["parallel_function_calling"] = "parallel_tool_calls"


def _format(wanted: Any, result: dict[str, str]) -> None:
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        result["response_schema"] = "response_format"


def _modalities(words: Any, result: dict[str, str]) -> None:
    if isinstance(words, list) and any(isinstance(word, str) and word.lower() == "audio" for word in words):
        result.setdefault("audio_output", "modalities")


def _effort(effort: Any, result: dict[str, str]) -> None:
    if effort not in ("none", "default"):
        result.setdefault("reasoning", "reasoning_effort")


def _thinking(thinking: Any, result: dict[str, str]) -> None:
    if isinstance(thinking, dict) and thinking.get("type") != "disabled":
        result["reasoning"] = "thinking"


def _unless_neutral(name: str, ability: str) -> Callable[[Any, dict[str, str]], None]:
    def look(value: Any, result: dict[str, str]) -> None:
        if not is_neutral(name, value):
            result.setdefault(ability, name)

    return look


_PARAMETERS: Mapping[str, Callable[[Any, dict[str, str]], None]] = {
    **{name: _unless_neutral(name, param.ability) for name, param in REQUEST_PARAMS["chat"].items() if param.ability},
    "tools": _tools,
    "tool_choice": _choice,
    "function_call": _function_call,
    "parallel_tool_calls": _parallel,
    "response_format": _format,
    "modalities": _modalities,
    "reasoning_effort": _effort,
    "thinking": _thinking,
}
"""The parameters that may need an ability; the functions named here need one of some values only."""
