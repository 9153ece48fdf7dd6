"""What a model can do: one view of the table of families, the catalogue, and the user's own facts.

Later sources override earlier ones: the catalogue (all that it says a model can, and of what it says a model cannot only what
`families.toml` lists as `trusted_negatives`), the families, the user. An ability that no source names is unknown, and passes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from dragoman.models._names import LONGEST_NAME
from dragoman.models.family_facts import facts, trusted_negatives
from dragoman.types.model_entry import ABILITIES, ModelEntry
from dragoman.types.model_facts import UNKNOWN_MODEL, ModelFacts

__all__ = ["POLICY", "Abilities", "Missing", "Policy", "abilities", "lacking", "missing"]

Policy = Literal["refused", "written", "passed"]
"""What becomes of a request that needs an ability which is known to be missing."""

POLICY: Mapping[str, Policy] = MappingProxyType(
    {
        # Without it the answer would be to another question: a clear error, also with `drop_params`.
        "vision": "refused",
        "pdf_input": "refused",
        "audio_input": "refused",
        "video_input": "refused",
        "audio_output": "refused",
        "function_calling": "refused",
        "web_search": "refused",
        # The dialect knows what to do: it refuses, with `drop_params` leaves out and reports, or takes another way.
        "response_schema": "written",
        "reasoning": "written",
        "temperature": "written",
        "tool_choice": "written",
        "parallel_function_calling": "written",
        # It costs more or sounds different, and nothing is lost.
        "prompt_caching": "passed",
        "system_messages": "passed",
    }
)
_FAMILIES = "Dragoman's table of model families"
_CATALOGUE = "the catalogue"
_BASE = "base_model "
"""How `entry_from_mapping` marks a row that is another model's."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What is known of one model at one provider. An ability that is not there is unknown."""

    facts: ModelFacts
    """For the codecs: the family's, with what the user says laid over them."""
    can: Mapping[str, bool]
    sources: Mapping[str, str]
    """By ability, its source."""
    refused: frozenset[str]
    """Those known to be missing without which a request makes no sense at this model."""
    written: frozenset[str]
    """Those known to be missing that the dialect has an answer to."""


class Missing(NamedTuple):
    """An ability that a request needs and that the model is known to lack."""

    ability: str
    where: str
    """The path in the request."""
    source: str


def abilities(provider: str, model: str, entry: ModelEntry | None = None) -> Abilities:
    """What is known of `model` at `provider`; `entry` is its row, with what the user says."""
    # The beginning of an endless name is as unknown as the whole, and less to keep.
    return _abilities(provider, model[: LONGEST_NAME + 1], None if entry is None else _Same(entry))


def missing(needs: Mapping[str, str], known: Abilities) -> tuple[Missing, ...]:
    """Return the needed abilities (see `needed`) for whose lack a call is refused."""
    if known.refused.isdisjoint(needs):
        return ()
    return tuple(
        Missing(ability, where, known.sources[ability]) for ability, where in needs.items() if ability in known.refused
    )


def lacking(needs: Mapping[str, str], known: Abilities) -> bool:
    """Whether the dialect has to leave something out, or to find another way."""
    return not known.written.isdisjoint(needs)


class _Same:
    """A row as a key: the same object. Rows hold mappings, which have no hash, and a changed row is another object."""

    __slots__ = ("entry",)

    def __init__(self, entry: ModelEntry) -> None:
        self.entry = entry

    def __hash__(self) -> int:
        return id(self.entry)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.entry is self.entry


@functools.lru_cache(maxsize=2048)
def _abilities(provider: str, model: str, key: _Same | None) -> Abilities:
    entry = None if key is None else key.entry
    family, own = _family(provider, model, entry), _said_by_user(entry)
    known = _with_output_limit(_overruled(family, own), entry)
    claims = _claims(family, own, entry)
    can = {ability: claims[ability][0] for ability in ABILITIES if ability in claims}
    lacking = _lacking(known, can)
    return Abilities(
        facts=known,
        can=MappingProxyType(can),
        sources=MappingProxyType({ability: claims[ability][1] for ability in can}),
        refused=frozenset(ability for ability in lacking if POLICY[ability] == "refused"),
        written=frozenset(ability for ability in lacking if POLICY[ability] == "written"),
    )


def _with_output_limit(known: ModelFacts, entry: ModelEntry | None) -> ModelFacts:
    if entry is None or known.max_output_tokens is not None or entry.max_output_tokens is None:
        return known
    return replace(known, max_output_tokens=entry.max_output_tokens)


def _claims(family: ModelFacts, own: Mapping[str, bool], entry: ModelEntry | None) -> dict[str, tuple[bool, str]]:
    """Return (whether the model can, the source) by ability: the weightiest source counts."""
    claims = _of_catalogue(entry)
    claims |= {ability: (can, _FAMILIES) for ability, can in _of_family(family).items()}
    if entry is not None:
        claims |= {ability: (can, entry.ability_sources[ability]) for ability, can in own.items()}
    return claims


def _lacking(known: ModelFacts, can: Mapping[str, bool]) -> set[str]:
    lacking = {ability for ability, value in can.items() if not value}
    if known.reasoning == "none":
        lacking.add("reasoning")  # it may well reason, but not as the request says
    if known.parallel_tools is False:
        lacking.add("parallel_function_calling")
    return lacking


def _family(provider: str, model: str, entry: ModelEntry | None) -> ModelFacts:
    """By the name of the base model, where there is one: what a deployment is called is up to its owner."""
    if entry is None:
        return facts(provider, model)
    if entry.matched_by.startswith(_BASE):
        return facts(provider, entry.matched_by.removeprefix(_BASE).partition("/")[2])
    if not entry.matched_by and entry.model.lower() != model.lower():
        return facts(provider, entry.model)
    known = facts(provider, model)
    return facts(provider, entry.model) if known is UNKNOWN_MODEL else known


def _of_catalogue(entry: ModelEntry | None) -> dict[str, tuple[bool, str]]:
    if entry is None:
        return {}
    source = str(entry.facts_provenance or _CATALOGUE)
    base = entry.matched_by.removeprefix(_BASE) if entry.matched_by.startswith(_BASE) else entry.provider
    speaker = base.partition("/")[0]
    return {
        ability: (can, source)
        for ability, can in entry.abilities.items()
        if ability in POLICY and (can or speaker in trusted_negatives(ability))
    }


_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "vision": "vision",
        "function_calling": "tools",
        "parallel_function_calling": "parallel_tools",
        "tool_choice": "forced_tools",
        "response_schema": "json_schema",
        "temperature": "sampling",
    }
)
"""Ability -> the field of `ModelFacts` that says it."""


def _of_family(family: ModelFacts) -> dict[str, bool]:
    values: dict[str, bool] = {ability: True for ability in family.can} | {ability: False for ability in family.cannot}
    for ability, field in _FIELDS.items():
        value = getattr(family, field)
        if value is not None:
            values[ability] = value
    if family.reasoning is not None:
        values["reasoning"] = family.reasoning != "none" or family.can_disable_reasoning is False
    return values


def _said_by_user(entry: ModelEntry | None) -> dict[str, bool]:
    if entry is None or not entry.ability_sources:
        return {}
    return {ability: entry.abilities[ability] for ability in entry.ability_sources if ability in entry.abilities}


def _overruled(family: ModelFacts, values: Mapping[str, bool]) -> ModelFacts:
    """The family's facts where the user says nothing else."""
    changed: dict[str, Any] = {_FIELDS[ability]: can for ability, can in values.items() if ability in _FIELDS}
    if "temperature" in values:
        changed["sampling_efforts"] = None
    if "function_calling" in values:
        changed["tool_efforts"] = None
    reasons = values.get("reasoning")
    if reasons is False:
        changed |= {"reasoning": "none", "can_disable_reasoning": None}
    elif reasons and family.reasoning == "none":
        changed |= {"reasoning": None, "can_disable_reasoning": None, "effort_levels": ()}
    return replace(family, **changed) if changed else family
