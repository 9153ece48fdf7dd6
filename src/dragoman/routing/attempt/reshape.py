"""Turn a whole answer into the chunks of a stream, and the chunks of a stream into one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["joined_chunks", "split_response"]

_JOINED = ("content", "reasoning_content", "refusal")
_LISTED = ("annotations", "provider_tool_blocks", "images")
_NUMBERED = ("tool_calls", "thinking_blocks")
_TEXTS = ("function_call", "audio", "function", "custom")
"""Objects whose texts come in pieces."""
_HEAD = ("id", "created", "model", "system_fingerprint", "service_tier", "provider_specific_fields")


def split_response(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the chunks of a whole chat or text completion: its content, its end, its usage."""
    head = {name: value for name, value in response.items() if name not in ("choices", "usage")}
    if head.get("object") == "chat.completion":
        head["object"] = "chat.completion.chunk"
    choices: Sequence[Mapping[str, Any]] = response.get("choices") or ()
    chunks: list[dict[str, Any]]
    if any("message" in choice for choice in choices):
        chunks = [{**head, "choices": [_opening(choice) for choice in choices]}]
        chunks.append({**head, "choices": [_end(choice) for choice in choices]})
    else:
        chunks = [{**head, "choices": list(choices)}]
    if response.get("usage"):
        chunks.append({**head, "choices": [], "usage": response["usage"]})
    return chunks


def _opening(choice: Mapping[str, Any]) -> dict[str, Any]:
    delta = {name: value for name, value in choice["message"].items() if name != "block_order"}
    for name in _NUMBERED:
        if delta.get(name):
            delta[name] = [{"index": index, **item} for index, item in enumerate(delta[name])]
    begun = {"index": choice.get("index", 0), "delta": delta, "finish_reason": None}
    return begun | ({"logprobs": choice["logprobs"]} if choice.get("logprobs") else {})


def _end(choice: Mapping[str, Any]) -> dict[str, Any]:
    end = {name: value for name, value in choice.items() if name not in ("message", "logprobs")}
    order = choice["message"].get("block_order")
    return {"index": 0, **end, "delta": {} if order is None else {"block_order": order}}


def joined_chunks(chunks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the answer that the chunks of a stream make up, with its usage if they hold one."""
    parts = list(chunks)
    response: dict[str, Any] = {"object": "chat.completion"}
    for name in _HEAD:
        response[name] = _first(parts, name)
    response["choices"] = _joined_choices(parts)
    response["usage"] = _first(reversed(parts), "usage")
    if any(part.get("object") == "text_completion" for part in parts):
        response = _as_text(response)
    return {name: value for name, value in response.items() if value is not None}


def _first(parts: Iterable[Mapping[str, Any]], name: str) -> Any:
    return next((part[name] for part in parts if part.get(name)), None)


def _joined_choices(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    choices: dict[int, dict[str, Any]] = {}
    for part in parts:
        for piece in part.get("choices") or ():
            _add_choice(choices.setdefault(int(piece.get("index") or 0), {"message": {"role": "assistant"}}), piece)
    return [{"index": index, **_finished(choices[index])} for index in sorted(choices)]


def _as_text(response: dict[str, Any]) -> dict[str, Any]:
    choices = [{"text": choice.pop("message")["content"] or "", **choice} for choice in response["choices"]]
    return {**response, "object": "text_completion", "choices": choices}


def _add_choice(choice: dict[str, Any], piece: Mapping[str, Any]) -> None:
    _add_delta(choice["message"], piece.get("delta") or {"content": piece.get("text")})
    for name, value in piece.items():
        if name not in ("delta", "text", "index", "logprobs") and value is not None:
            choice[name] = value
    for name, tokens in (piece.get("logprobs") or {}).items():
        logprobs = choice.setdefault("logprobs", {})
        if not isinstance(tokens, list):
            logprobs.setdefault(name, tokens)
        elif isinstance(logprobs.get(name), list):
            logprobs[name].extend(tokens)
        else:
            logprobs[name] = list(tokens)


def _add_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if value is None:
            continue
        if name in _JOINED:
            _extend(message, name, value)
        elif name in _LISTED:
            message.setdefault(name, []).extend(value)
        elif name in _NUMBERED:
            _add_numbered(message.setdefault(name, {}), value)
        elif name in ("function_call", "audio"):
            _add_texts(message.setdefault(name, {}), value)
        elif name == "provider_specific_fields":
            message.setdefault(name, {}).update(value)
        else:
            message[name] = value


def _add_numbered(target: dict[int, dict[str, Any]], pieces: Iterable[Mapping[str, Any]]) -> None:
    """Add pieces that name by `index` the item of their list that they continue."""
    for position, piece in enumerate(pieces):
        index = piece.get("index")
        item = target.setdefault(position if index is None else int(index), {})
        for name, value in piece.items():
            if name in ("function", "custom") and isinstance(value, Mapping):
                _add_texts(item.setdefault(name, {}), value, once=("name",))
            elif name in ("thinking", "signature") and value is not None:
                _extend(item, name, value)
            elif name != "index" and value is not None:
                item[name] = value


def _add_texts(target: dict[str, Any], piece: Mapping[str, Any], once: tuple[str, ...] = ("name", "id")) -> None:
    for name, value in piece.items():
        if value is None or (name in once and target.get(name)):
            continue
        if name in once:
            target[name] = value
        else:
            _extend(target, name, value)


class _Pieces(list[str]):
    """The pieces of a text, joined once at its end."""


def _extend(target: dict[str, Any], name: str, value: Any) -> None:
    held = target.get(name)
    if isinstance(held, _Pieces) and isinstance(value, str):
        held.append(value)
    else:
        target[name] = _Pieces([value]) if isinstance(value, str) else value


def _joined(target: dict[str, Any]) -> dict[str, Any]:
    return {name: "".join(value) if isinstance(value, _Pieces) else value for name, value in target.items()}


def _finished(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"] = _joined(choice["message"])
    for name in _NUMBERED:
        if name in message:
            message[name] = [_joined(message[name][index]) for index in sorted(message[name])]
    for owner in (message, *(message.get("tool_calls") or ())):
        for name in _TEXTS:
            if isinstance(owner.get(name), dict):
                owner[name] = _joined(owner[name])
    for call in message.get("tool_calls") or ():
        call.setdefault("type", "function")
    message.setdefault("content", None)
    return choice
