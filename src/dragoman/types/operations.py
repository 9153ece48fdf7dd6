"""What can be done with a model: a record for each operation, with all that the rooms between caller and provider know of it.

How an operation is written on the wire is the business of the dialects (`Codec`); a provider names the operations that it offers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dragoman.types.json import JsonObject

__all__ = ["CHAT", "COUNT_TOKENS", "EMBEDDING", "OPERATIONS", "TEXT_COMPLETION", "Operation"]


def _itself(request: Any) -> Any:
    return request


def _never(request: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One kind of call. Compared by identity; `name` is its key in records, settings and logs."""

    name: str
    label: str
    """For people, as in "groq offers no embeddings"."""
    generates: bool = False
    """Whether a model writes the answer: it has `choices`, takes time by its length, and has a limit of output tokens."""
    output_limits: tuple[str, ...] = ()
    """The parameters that limit the tokens of the answer, the stronger first."""
    text_fields: tuple[str, ...] = ()
    """The fields of a request that hold a text, or a list of texts, that the model reads; `messages` are counted anyway."""
    answer_field: str = ""
    """The field of a response that holds the answer, if a response without it is none."""
    takes_params: bool = True
    """Whether the parameters of a deployment (`temperature`, ...) are put under those of the request."""
    checks_abilities: bool = False
    """Whether a model can lack an ability that a request needs."""
    billed: bool = True
    repeatable: bool = True
    """Whether a copy of a call is of use: to hedge it, or to mirror it."""
    resumable: bool = False
    """Whether another model can go on with an answer that broke off."""
    estimated: bool = False
    """Whether it is answered here, by estimate, if the provider does not offer it."""
    chat_of: Callable[[Any], Any] = _itself
    """The part of a request that is shaped like a chat."""
    is_one_prompt: Callable[[Any], bool] = _never
    """Whether a context window must hold all texts of a request at once."""
    sample: Callable[[str], JsonObject]
    """A request with this input, but for the model's name."""

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Operation:
        return self  # it is compared by identity, also in a copy of a call

    def texts(self, request: Mapping[str, Any]) -> list[str]:
        """Return the texts of `text_fields`; whatever is no text (an array of tokens) is left out."""
        texts: list[str] = []
        for name in self.text_fields:
            value = request.get(name) or ()
            items = value if isinstance(value, (list, tuple)) else (value,)
            texts += [item for item in items if isinstance(item, str)]
        return texts


def _messages(text: str) -> JsonObject:
    return {"messages": [{"role": "user", "content": text}]}


CHAT = Operation(
    name="chat",
    label="chat",
    generates=True,
    output_limits=("max_completion_tokens", "max_tokens"),
    answer_field="choices",
    checks_abilities=True,
    resumable=True,
    is_one_prompt=lambda request: True,
    sample=_messages,
)
EMBEDDING = Operation(
    name="embedding",
    label="embeddings",
    text_fields=("input",),
    answer_field="data",
    sample=lambda text: {"input": text},
)
TEXT_COMPLETION = Operation(
    name="text_completion",
    label="text completions",
    generates=True,
    output_limits=("max_completion_tokens", "max_tokens"),
    text_fields=("prompt",),
    answer_field="choices",
    is_one_prompt=lambda request: isinstance(request.get("prompt"), str),
    sample=lambda text: {"prompt": text},
)
COUNT_TOKENS = Operation(
    name="count_tokens",
    label="token counting",
    takes_params=False,
    billed=False,
    repeatable=False,
    estimated=True,
    chat_of=lambda request: request.get("chat") or request,
    sample=lambda text: {"chat": _messages(text)},
)

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {operation.name: operation for operation in (CHAT, EMBEDDING, TEXT_COMPLETION, COUNT_TOKENS)}
)
"""The built-in operations by name. Dialects of other distributions may bring more (`dialects/registry.py`)."""
