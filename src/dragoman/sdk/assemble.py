"""A stream's chunks put together into the whole response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from dragoman.errors import BadRequestError
from dragoman.models import count_tokens
from dragoman.routing.attempt.reshape import joined_chunks
from dragoman.sdk._request import plain
from dragoman.types.results import ModelResponse, TextCompletionResponse

if TYPE_CHECKING:
    from dragoman.sdk.params import Messages
    from dragoman.types.results import ModelResponseStream

__all__ = ["stream_chunk_builder"]


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
    known = hidden.pop("usage", None)
    built = joined_chunks(parts)
    if "usage" not in built:
        built["usage"] = known or _estimated(built["choices"], messages)
    made: ModelResponse | TextCompletionResponse
    if built["object"] == "text_completion":
        made = TextCompletionResponse.model_validate(built)
    else:
        made = ModelResponse.model_validate(built)
    made._hidden_params.update(hidden)
    return made


def _plain(chunk: Any, position: int) -> dict[str, Any]:
    built = plain(chunk)
    if not isinstance(built, dict):
        where = f"chunks[{position}]"
        raise BadRequestError(
            f"{where}: expected a chunk of a stream, got {type(chunk).__name__}", param=where, code="invalid_type"
        )
    return built


def _estimated(choices: Sequence[Mapping[str, Any]], messages: Messages | None) -> dict[str, int]:
    written = count_tokens([_message(choice) for choice in choices])
    read = count_tokens(plain(list(messages))) if messages is not None else 0
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _message(choice: Mapping[str, Any]) -> Any:
    return choice.get("message") or {"role": "assistant", "content": choice.get("text")}
