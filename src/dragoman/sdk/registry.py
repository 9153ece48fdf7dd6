"""Models of one's own in the catalogue of this process, and all of it in LiteLLM's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dragoman.errors import BadRequestError, DragomanError
from dragoman.litellm.model_info import as_model_info
from dragoman.litellm.model_rows import entry_from_mapping
from dragoman.litellm.price_names import PROVIDER_NAMES
from dragoman.models import provider_of
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.sdk.custom import PROVIDERS
from dragoman.sdk.facts import key_of, model_entry
from dragoman.types.model_entry import ModelEntry

__all__ = ["ModelCost", "get_model_cost_map", "model_cost", "register_model"]

_SAMPLE = "sample_spec"
"""LiteLLM's file begins with an explanation that looks like a model."""


class ModelCost(Mapping[str, dict[str, Any]]):
    """All models that are known, under LiteLLM's names: `gpt-6.1-sol`, `groq/openai/gpt-oss-120b`, ... Read on demand; what
    `register_model` adds is seen at once. A row has the keys of `get_model_info` that are known."""

    def __init__(self) -> None:
        self._keys: tuple[int, tuple[str, ...]] = (-1, ())

    def __getitem__(self, key: str) -> dict[str, Any]:
        entry = model_entry(str(key))
        if entry is None:
            raise KeyError(key)
        return _known(entry)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"<{len(self)} models>"

    def _all(self) -> tuple[str, ...]:
        """The names of all rows, found once for each change of the catalogue."""
        version, keys = self._keys
        if version != CATALOGUE.version:
            version = CATALOGUE.version
            keys = tuple(map(key_of, CATALOGUE.entries()))
            self._keys = (version, keys)
        return keys


model_cost = ModelCost()


def register_model(model_cost: Mapping[str, Mapping[str, Any]] | str) -> ModelCost:
    """Lay rows over the catalogue: `{"provider/model": {"input_cost_per_token": ..., ...}}`, or the path of such a JSON file.

    What a row does not say stays as it was known, of the model itself or of its `base_model`. All rows count from now on, for
    every call of this process, or where one is wrong none: then `BadRequestError` names each wrong path. Nothing is fetched:
    a URL is refused."""
    given = _read(model_cost) if isinstance(model_cost, str) else model_cost
    if not isinstance(given, Mapping):
        raise BadRequestError(
            f"model_cost: expected an object of models, got {type(given).__name__}", param="model_cost"
        )
    entries: list[ModelEntry] = []
    problems: list[DragomanError] = []
    for name, row in given.items():
        if name != _SAMPLE:
            try:
                entries.append(_entry(name, row))
            except DragomanError as error:
                problems.append(error)
    if problems:
        raise BadRequestError("\n".join(error.message for error in problems), param=problems[0].param)
    CATALOGUE.update(entries)
    return _MODEL_COST


_MODEL_COST = model_cost


def get_model_cost_map(url: str = "") -> ModelCost:
    """The same as `model_cost`. Nothing is fetched: a URL is refused."""
    if url:
        raise _fetches_nothing(url)
    return model_cost


def _known(entry: ModelEntry) -> dict[str, Any]:
    return {name: value for name, value in as_model_info(entry, key=key_of(entry)).items() if value is not None}


def _read(path: str) -> Any:
    if "://" in path:
        raise _fetches_nothing(path)
    import json

    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise BadRequestError(f"model_cost: {path[:200]}: {error}", param="model_cost") from error


def _fetches_nothing(url: str) -> BadRequestError:
    return BadRequestError(
        f"model_cost: {url[:200]} is not fetched: prices change by review, not by the network. Save it to a file, and give "
        "its path",
        param="model_cost",
    )


def _entry(name: Any, row: Any) -> ModelEntry:
    """The row of one model. Raises `BadRequestError`."""
    if not isinstance(name, str):
        message = f"{name}: expected a name with an object of prices and facts, got {type(name).__name__}"
        raise BadRequestError(message, param=str(name))
    if not isinstance(row, Mapping):
        raise BadRequestError(f"{name}: expected an object of prices and facts, got {type(row).__name__}", param=name)
    provider, model = _names(name, row.get("litellm_provider"))
    base, wanted = CATALOGUE.find(provider, model), row.get("base_model")
    if base is None and isinstance(wanted, str):
        base = model_entry(wanted)
        if base is None:
            raise BadRequestError(
                f"{name}.base_model: nothing is known of {wanted[:128]!r}", param=f"{name}.base_model"
            )
    own = base if base is not None and base.model.lower() == model.lower() else None
    return entry_from_mapping(
        row,
        provider=provider,
        model=own.model if own else model,
        base=base,
        source="register_model",
        path=name,
        error=BadRequestError,
    )


def _names(name: str, lines: Any) -> tuple[str, str]:
    """The provider of a registered name, and the provider's own name of the model."""
    prefix, slash, rest = name.partition("/")
    if isinstance(lines, str) and lines:
        provider = _provider(lines)
        return provider, rest if slash and rest and _provider(prefix) == provider else name
    if slash and rest:
        return _provider(prefix), rest
    home = provider_of(name)
    if home is None:
        raise BadRequestError(
            f"{name}: whose model it is is not known: write it as 'provider/model', or say `litellm_provider`",
            param=name,
        )
    return home, name


def _provider(name: str) -> str:
    """The provider by any of its names; one that is not known yet may be registered later."""
    wanted = name.strip().lower()
    wanted = PROVIDER_NAMES.get(wanted, "vertex_ai" if wanted.startswith("vertex_ai-") else wanted)
    try:
        return PROVIDERS.find(wanted).name
    except DragomanError:
        return CATALOGUE.provider_name(wanted)
