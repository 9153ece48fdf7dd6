"""A candidate, whole or a chunk of it, and what surrounds the candidates of a reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dragoman.dialects.dialect import ReplyContext
from dragoman.dialects.error_details import reply_of, shown
from dragoman.dialects.gemini.citations import citations
from dragoman.dialects.gemini.errors import blocked, failed_candidate, read_error
from dragoman.dialects.gemini.fields import own_vendor
from dragoman.dialects.gemini.finish_reasons import broke_off, read_finish
from dragoman.dialects.gemini.logprobs import read_logprobs
from dragoman.dialects.gemini.media import join_base64
from dragoman.dialects.gemini.params import TIERS_FROM_WIRE
from dragoman.dialects.gemini.parts_read import CallIds, PartsReader
from dragoman.dialects.validation import expect_object
from dragoman.errors import APIError, APIResponseValidationError
from dragoman.types.chat import Annotation, Delta, FinishReason
from dragoman.types.json import JsonObject

__all__ = ["CandidateReader", "blocked_prompt", "candidates_of", "envelope", "invalid", "logprobs_of", "service_tier"]

_READ = frozenset({"content", "finishReason", "index", "logprobsResult"})
_KNOWN = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "createTime"})
_THINKING = frozenset(("role", "reasoning_content", "thinking_blocks"))


def candidates_of(body: Any, context: ReplyContext, raw: bytes) -> list[JsonObject]:
    """The candidates of a reply or of a chunk. Raises for errors, blocked prompts, and what is no reply of Gemini's."""
    if isinstance(body, list) and body and isinstance(body[0], dict):
        body = body[0]
    if isinstance(body, dict) and "error" in body:
        raise read_error(reply_of(raw, context))
    if not isinstance(body, dict) or not body.keys() & _KNOWN:
        raise invalid(context, "the reply is not one of generateContent", body)
    candidates = body.get("candidates") or []
    feedback = blocked_prompt(body)
    if feedback is not None:
        raise blocked(feedback, body, context)
    if not isinstance(candidates, list) or not all(isinstance(candidate, dict) for candidate in candidates):
        raise invalid(context, "`candidates` is not a list of objects", body)
    return candidates


def blocked_prompt(body: Any) -> JsonObject | None:
    """What a reply without candidates says about a prompt that was blocked."""
    feedback = body.get("promptFeedback") if isinstance(body, dict) and not body.get("candidates") else None
    return feedback if isinstance(feedback, dict) and feedback.get("blockReason") else None


def invalid(context: ReplyContext, message: str, body: Any) -> APIError:
    return APIResponseValidationError(
        f"{context.provider}: {message}", provider=context.provider, model=context.model, body=shown(body)
    )


def envelope(body: JsonObject, context: ReplyContext) -> JsonObject:
    """Id, time and model, as Gemini gave them or as they are made up."""
    return {
        "id": str(body.get("responseId") or context.reply_id),
        "created": _seconds(body.get("createTime")) or context.created,
        "model": str(body.get("modelVersion") or context.model),
    }


def service_tier(usage: Any) -> str | None:
    tier = usage.get("serviceTier") if isinstance(usage, dict) else None
    return TIERS_FROM_WIRE.get(tier, tier) if isinstance(tier, str) else None


def _seconds(moment: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(slots=True)
class CandidateReader:
    """One candidate over all of its chunks."""

    context: ReplyContext
    ids: CallIds
    finish: str | None = None
    extras: JsonObject = field(default_factory=dict)
    """What has no place in the hub, under Google's names."""
    _parts: PartsReader = field(init=False)
    _text: list[str] = field(default_factory=list)
    _cited: set[tuple[Any, ...]] = field(default_factory=set)
    _answered: bool = False
    """Whether something came that is more than thinking."""
    _runs_code: bool = False

    def __post_init__(self) -> None:
        self._parts = PartsReader(self.ids, self.context.tool_names, self.context.json_tool)

    def read(self, candidate: JsonObject, path: str) -> Delta:
        """What this chunk adds. The last finish reason wins: content may follow one (server-run code)."""
        content = expect_object(candidate.get("content") or {}, f"{path}.content")
        delta = self._parts.read(content.get("parts"), f"{path}.content.parts")
        self._answered = self._answered or any(value for key, value in delta.items() if key not in _THINKING)
        self._runs_code = _runs_code(content.get("parts"), self._runs_code)
        text = delta.get("content")
        if isinstance(text, str):
            self._text.append(text)
        if isinstance(candidate.get("finishReason"), str):
            self.finish = candidate["finishReason"]
        if broke_off(self.finish) and not self._answered:
            raise failed_candidate(candidate, self.context)
        new = self._annotations(candidate)
        if new:
            delta["annotations"] = new
        self.extras.update({key: value for key, value in candidate.items() if key not in _READ})
        if "audio" in delta:
            delta["audio"] = self._audio(delta["audio"] or {})
        return delta

    def _annotations(self, candidate: JsonObject) -> list[Annotation]:
        if "groundingMetadata" not in candidate and "citationMetadata" not in candidate:
            return []
        new: list[Annotation] = []
        for annotation in citations(candidate, "".join(self._text)):
            mark = tuple(annotation["url_citation"].values())
            if mark not in self._cited:
                self._cited.add(mark)
                new.append(annotation)
        return new

    def _audio(self, audio: JsonObject) -> JsonObject:
        """OpenAI's audio; Google tells neither a transcript nor a time to live."""
        return {
            "id": f"audio_{self.context.reply_id}",
            "data": join_base64(audio["pieces"]),
            "expires_at": self.context.created + 3600,
            "transcript": "",
            "format": audio["format"],
        }

    def close(self) -> Delta:
        return self._parts.close()

    @property
    def finished(self) -> bool:
        """Whether it has ended. Code that the model runs is followed by its result, after a finish reason too."""
        return self.finish is not None and not self._runs_code

    @property
    def order(self) -> list[str] | None:
        return self._parts.order

    @property
    def finish_reason(self) -> FinishReason:
        return read_finish(self.finish or "", has_calls=self._parts.calls > 0)

    def told(self, choice: Any) -> None:
        """Put what the end of a candidate tells into a choice."""
        choice["finish_reason"] = self.finish_reason
        if self.finish:
            choice["native_finish_reason"] = self.finish
        if self.extras:
            choice["provider_specific_fields"] = {own_vendor: self.extras}


def _runs_code(parts: Any, known: bool) -> bool:
    """Whether the last of all parts is code whose result is still to come."""
    last = parts[-1] if isinstance(parts, list) and parts else None
    return "executableCode" in last if isinstance(last, dict) else known


def logprobs_of(candidate: JsonObject) -> JsonObject | None:
    return read_logprobs(candidate.get("logprobsResult"))
