"""What a request may make a provider do, as far as money goes: how much it answers, which media it reads, which tools it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

__all__ = ["CostDrivers", "read_cost_drivers"]

_RUN_BY_CALLER = frozenset({"function", "custom", "computer", "bash", "text_editor", "memory"})
"""Kinds of tools that the provider only calls for: one answer, one pass over the input."""
_OPEN_ENDED = (
    "web_search_options",
    "search_parameters",
    "plugins",
    "mcp_servers",
    "cached_content",
    "data_sources",
    "models",
)
"""Parameters by which input comes in that the request does not hold, or by which another model may answer (OpenRouter)."""
_MEDIA: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "text": (),
        "refusal": (),
        "image_url": ("input_image",),
        "input_audio": ("input_audio",),
        "video_url": ("input_video", "input_audio", "input_image"),
    }
)
"""The buckets that a part of this type may fill beside that of text; a part of any other type may fill all of them."""
_ALL_MEDIA = ("input_audio", "input_image", "input_video")


@dataclass(frozen=True, slots=True)
class CostDrivers:
    """Of one request."""

    answers: int
    """How many answers."""
    longest: int | None
    """The most tokens of one answer, as the caller set it; None: not set."""
    added: int
    """Tokens of output that come on top of all: predictions that are not kept."""
    media: frozenset[str]
    """The input buckets that it may fill beside text."""
    speaks: bool
    """Whether the answer may be audio."""
    marked: bool
    """Whether it marks what is to be cached, and for an hour."""
    marked_for_an_hour: bool
    uses: int | None
    """How often the provider may run tools of its own; None: as often as it likes."""
    searches: int
    """How many of these may be web searches."""


def read_cost_drivers(request: Mapping[str, Any]) -> CostDrivers:
    """Read a request of the hub: a chat, a text completion, or embeddings."""
    messages = _objects(request.get("messages"))
    parts = list(_parts(messages))
    marks = list(_marks(request, messages, parts))
    modalities = request.get("modalities")
    uses, searches = _uses(request)
    return CostDrivers(
        answers=_answers(request),
        longest=_longest(request),
        added=len(repr(request["prediction"]).encode()) if request.get("prediction") else 0,
        media=frozenset(bucket for part in parts for bucket in _MEDIA.get(str(part.get("type")), _ALL_MEDIA)),
        speaks=(isinstance(modalities, list) and "audio" in modalities) or bool(request.get("audio")),
        marked=bool(marks),
        marked_for_an_hour=any(isinstance(mark, dict) and mark.get("ttl") == "1h" for mark in marks),
        uses=uses,
        searches=searches,
    )


def _answers(request: Mapping[str, Any]) -> int:
    wanted = max(_number(request.get("n")) or 1, _number(request.get("best_of")) or 1)
    prompts = request.get("prompt")
    if isinstance(prompts, list) and prompts and isinstance(prompts[0], str | list):
        wanted *= len(prompts)
    return wanted


def _longest(request: Mapping[str, Any]) -> int | None:
    """The caller's maximum. A budget for thinking is cut to fit into it (`dialects/reasoning.py`)."""
    lines = [_number(request.get(name)) for name in ("max_completion_tokens", "max_tokens")]
    return max((number for number in lines if number), default=None)


def _uses(request: Mapping[str, Any]) -> tuple[int | None, int]:
    if any(request.get(name) not in (None, [], False) for name in _OPEN_ENDED) or "compact" in repr(
        _own_params(request)
    ):
        return None, 0
    uses = searches = 0
    for tool in _objects(request.get("tools")):
        kind = str(tool.get("type", "function"))
        if kind in _RUN_BY_CALLER and not _googles(tool):
            continue
        definition = tool.get("definition")
        most = _number((definition if isinstance(definition, dict) else tool).get("max_uses"))
        if most is None:
            return None, 0
        uses += most
        searches += most if "search" in kind else 0
    return uses, searches


def _googles(tool: Mapping[str, Any]) -> bool:
    """Whether it is a tool in Google's own words, which have no type: {"googleSearch": {}}."""
    return not tool.keys() & {"type", "function", "name"}


def _own_params(request: Mapping[str, Any]) -> list[Any]:
    own = _objects(_values(request.get("vendor_params")))
    return [request.get("context_management"), *(one.get("context_management") for one in own)]


def _parts(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for message in messages:
        yield from _objects(message.get("content"))


def _marks(request: Mapping[str, Any], messages: list[dict[str, Any]], parts: list[dict[str, Any]]) -> Iterator[Any]:
    """All marks of what is to be cached."""
    own = _objects(_values(request.get("vendor_params")))
    tools = _objects(request.get("tools"))
    definitions = _objects([tool.get("definition") for tool in tools])
    calls = [call for message in messages for call in _objects(message.get("tool_calls"))]
    for place in (request, *own, *messages, *parts, *calls, *tools, *definitions):
        if place.get("cache_control"):
            yield place["cache_control"]


def _objects(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _values(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def _number(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
