"""A stream's chunks put together into the whole response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from dragoman.errors import BadRequestError
from dragoman.models import count_tokens
from dragoman.sdk._request import plain
from dragoman.types.results import ModelResponse, TextCompletionResponse

if TYPE_CHECKING:
    from dragoman.sdk._params import Messages
    from dragoman.types.results import ModelResponseStream

__all__ = ["stream_chunk_builder"]

_JOINED = ("content", "reasoning_content", "refusal")
_LISTED = ("annotations", "provider_tool_blocks", "images")
_NUMBERED = ("tool_calls", "thinking_blocks")
_HEAD = ("id", "created", "model", "system_fingerprint", "service_tier", "provider_specific_fields")


@overload
def stream_chunk_builder(
    chunks: Iterable[ModelResponseStream | Mapping[str, Any]] | None, messages: Messages | None = None, **_: Any
) -> ModelResponse | None: ...
@overload
def stream_chunk_builder(
    chunks: Iterable[TextCompletionResponse], messages: Messages | None = None, **_: Any
) -> TextCompletionResponse | None: ...
def stream_chunk_builder(
    chunks: Iterable[Any] | None, messages: Messages | None = None, **_: Any
) -> ModelResponse | TextCompletionResponse | None:
    """The response that the chunks of a stream make up; None for no chunks. Those of a text completion make up a text completion.

    What the stream knows of the call, its cost too, is in `_hidden_params`. Without a usage chunk the usage is what the stream
    knows after its end; of chunks that come from elsewhere it is estimated, the prompt's where `messages` are given."""
    given = list(chunks or ())
    if not given:
        return None
    parts = [_plain(chunk, position) for position, chunk in enumerate(given)]
    hidden: dict[str, Any] = dict(getattr(given[-1], "_hidden_params", None) or {})
    built = _built(parts, hidden.pop("usage", None), messages)
    text = any(part.get("object") == "text_completion" for part in parts)
    made = TextCompletionResponse.model_validate(_texts(built)) if text else ModelResponse.model_validate(built)
    made._hidden_params.update(hidden)
    return made


def _plain(chunk: Any, position: int) -> dict[str, Any]:
    made = plain(chunk)
    if not isinstance(made, dict):
        where = f"chunks[{position}]"
        raise BadRequestError(
            f"{where}: expected a chunk of a stream, got {type(chunk).__name__}", param=where, code="invalid_type"
        )
    return made


def _texts(response: dict[str, Any]) -> dict[str, Any]:
    choices = [{"text": choice.pop("message")["content"] or "", **choice} for choice in response["choices"]]
    return {**response, "object": "text_completion", "choices": choices}


def _built(parts: Sequence[Mapping[str, Any]], known: Any, messages: Messages | None) -> dict[str, Any]:
    """`known`: the usage, where the stream knows it."""
    response: dict[str, Any] = {"object": "chat.completion"}
    for name in _HEAD:
        response[name] = next((part[name] for part in parts if part.get(name)), None)
    choices: dict[int, dict[str, Any]] = {}
    for part in parts:
        for piece in part.get("choices") or ():
            _add_choice(choices.setdefault(int(piece.get("index") or 0), {"message": {"role": "assistant"}}), piece)
    response["choices"] = [{"index": index, **_finished(choices[index])} for index in sorted(choices)]
    usage = next((part["usage"] for part in reversed(parts) if part.get("usage")), None)
    response["usage"] = usage or known or _estimated(response["choices"], messages)
    return {name: value for name, value in response.items() if value is not None}


def _add_choice(choice: dict[str, Any], piece: Mapping[str, Any]) -> None:
    _add_delta(choice["message"], piece.get("delta") or {"content": piece.get("text")})
    for name, value in piece.items():
        if name not in ("delta", "text", "index", "logprobs") and value is not None:
            choice[name] = value
    for name, tokens in (piece.get("logprobs") or {}).items():
        known = choice.setdefault("logprobs", {})
        known[name] = [*(known.get(name) or ()), *tokens] if isinstance(tokens, list) else tokens


def _add_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if value is None:
            continue
        if name in _JOINED:
            message[name] = message.get(name, "") + value
        elif name in _LISTED:
            message.setdefault(name, []).extend(value)
        elif name in _NUMBERED:
            _add_numbered(message.setdefault(name, {}), value)
        elif name in ("function_call", "audio"):
            _add_texts(message.setdefault(name, {}), value)
        elif name == "provider_specific_fields":
            message[name] = {**message.get(name, {}), **value}
        else:
            message[name] = value


def _add_numbered(known: dict[int, dict[str, Any]], pieces: Iterable[Mapping[str, Any]]) -> None:
    """Pieces that say by `index` which item of their list they continue."""
    for position, piece in enumerate(pieces):
        index = piece.get("index")
        item = known.setdefault(position if index is None else int(index), {})
        for name, value in piece.items():
            if name in ("function", "custom") and isinstance(value, Mapping):
                _add_texts(item.setdefault(name, {}), value, once=("name",))
            elif name in ("thinking", "signature") and item.get(name):
                item[name] += value
            elif name != "index" and value is not None:
                item[name] = value


def _add_texts(known: dict[str, Any], piece: Mapping[str, Any], once: tuple[str, ...] = ("name", "id")) -> None:
    for name, value in piece.items():
        if value is None or (name in once and known.get(name)):
            continue
        known[name] = known[name] + value if isinstance(known.get(name), str) and isinstance(value, str) else value


def _finished(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    for name in _NUMBERED:
        if name in message:
            message[name] = [message[name][index] for index in sorted(message[name])]
    for call in message.get("tool_calls") or ():
        call.setdefault("type", "function")
    message.setdefault("content", None)
    return choice


def _estimated(choices: Sequence[Mapping[str, Any]], messages: Messages | None) -> dict[str, int]:
    written = count_tokens([choice["message"] for choice in choices])
    read = count_tokens(plain(list(messages))) if messages is not None else 0
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
