"""Anthropic's rules about the turns of a conversation: which role begins, which follows, and what the last turn may be."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.dialects.codec import Target
from dragoman.dialects.drop_list import DropList
from dragoman.types.json import JsonObject

__all__ = ["Turn", "repair"]

_PLACEHOLDER = "."
"""Stands where Anthropic demands a turn of the user and there is none."""
_PROVIDED = ("tool_use", "tool_result")


@dataclass(slots=True)
class Turn:
    role: str
    blocks: list[JsonObject] = field(default_factory=list)
    content: str | None = None
    """The whole content where it may stand as a plain string."""
    path: str = ""
    in_place: bool = False
    """Whether a caller of this dialect put instructions there."""


def repair(turns: list[Turn], target: Target, drops: DropList) -> list[JsonObject]:
    """Return the `messages` of the body."""
    turns = _merged(_placed_instructions([turn for turn in turns if turn.blocks], target))
    if not turns or turns[0].role == "assistant":
        turns.insert(0, _user([_text(_PLACEHOLDER)]))
    _check_prefill(turns, target, drops)
    return [{"role": turn.role, "content": turn.content if turn.content is not None else turn.blocks} for turn in turns]


def _user(blocks: list[JsonObject]) -> Turn:
    return Turn("user", blocks)


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def _merged(turns: list[Turn]) -> list[Turn]:
    """Join neighbours of one role into one turn, as Anthropic itself does."""
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1].blocks += turn.blocks
            merged[-1].content = None
        else:
            merged.append(turn)
    for turn in merged:
        if turn.role == "user":
            turn.blocks.sort(key=lambda block: block["type"] != "tool_result")
    return merged


def _placed_instructions(turns: list[Turn], target: Target) -> list[Turn]:
    """Give the instructions in the middle to the user, where the model does not take them there."""
    for position, turn in enumerate(turns):
        if turn.role == "system" and not _may_stay(turns, position, target):
            turn.role = "user"
    return turns


def _may_stay(turns: list[Turn], position: int, target: Target) -> bool:
    """Whether instructions may stand there: after a user's turn, before an assistant's or the end, if the model knows them.
    https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages"""
    turn, known = turns[position], target.facts.mid_system
    if any(block["type"] != "text" for block in turn.blocks):
        return True  # only instructions hold such blocks
    before = turns[position - 1].role if position else None
    following = next((later.role for later in turns[position + 1 :] if later.role != "system"), "assistant")
    if before not in ("user", "system") or following != "assistant":
        return False
    return turn.in_place if known is None else known


def _check_prefill(turns: list[Turn], target: Target, drops: DropList) -> None:
    """Refuse or trim a prefill: the start of an answer that the model is to continue. A turn with a provider-run tool is none:
    it was paused. https://platform.claude.com/docs/en/build-with-claude/prompt-engineering/prefill-claudes-response"""
    last = turns[-1]
    if last.role != "assistant" or last.blocks[-1]["type"] != "text":
        return
    paused = any(block["type"].endswith(_PROVIDED) and block["type"] not in _PROVIDED for block in last.blocks)
    if target.facts.prefill is False and not paused:
        drops.unsupported(last.path or "messages", "this model does not continue a last message of the assistant")
        turns.pop()
        return
    text = last.blocks[-1]["text"].rstrip()
    last.blocks[-1] = last.blocks[-1] | {"text": text}
    if last.content is not None:
        last.content = text
