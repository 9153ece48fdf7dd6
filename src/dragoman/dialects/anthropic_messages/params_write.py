"""The plain parameters of a request: hub -> wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.anthropic_messages.params import OWN_PARAMS, PARAMS, SERVICE_TIERS
from dragoman.dialects.drop_list import fitted_id, hashed_id
from dragoman.dialects.write_context import WriteContext
from dragoman.types.json import JsonObject
from dragoman.types.request_params import is_neutral

__all__ = ["write_params"]

_USER_ID_LENGTH = 256
"""https://platform.claude.com/docs/en/api/messages/create#body-metadata"""
_BESIDE_PARAMS = frozenset({"model", "messages", "betas", "output_format"})
"""Fields of a request that other writers read."""


def write_params(request: JsonObject, context: WriteContext[None]) -> JsonObject:
    """Return the fields of the body for the parameters that need no look at the conversation. Null means left out."""
    body: JsonObject = {}
    for name, value in request.items():
        if value is None or name in _BESIDE_PARAMS:
            continue
        writer = _WRITERS.get(name)
        if writer is not None:
            body |= writer(value, context)
        elif PARAMS.get(name) is not None:
            continue
        elif name in OWN_PARAMS or context.drops.allowed(name):
            body[name] = value
        elif not is_neutral(name, value):
            context.drops.leave_out(name)
    return body


def _sampling(name: str) -> Callable[[Any, WriteContext[None]], JsonObject]:
    def write(value: Any, context: WriteContext[None]) -> JsonObject:
        reason = _sampling_conflict(name, value, context)
        if not reason:
            return {name: value}
        if not (context.target.facts.sampling is False and is_neutral(name, value)):
            context.drops.unsupported(name, reason)
        return {}

    return write


def _sampling_conflict(name: str, value: Any, context: WriteContext[None]) -> str:
    """Return why the parameter cannot be sent with this value; empty where it can.
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility"""
    if context.target.facts.sampling is False:
        return "this model takes no sampling parameters"
    if name == "temperature" and isinstance(value, (int, float)) and value > 1:
        return "the largest is 1"
    if context.reasons and not _fits_thinking(name, value):
        return "it cannot be changed while the model reasons"
    return ""


def _fits_thinking(name: str, value: Any) -> bool:
    if not isinstance(value, (int, float)):
        return False
    return value == 1 if name == "temperature" else name == "top_p" and value >= 0.95


def _stop(value: Any, context: WriteContext[None]) -> JsonObject:
    stops = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    kept = [stop for stop in stops if isinstance(stop, str) and stop.strip()]
    if len(kept) < len(stops):
        context.drops.unsupported("stop", "a stop sequence must be more than white space")
    return {"stop_sequences": kept} if kept else {}


def _user(value: Any, context: WriteContext[None], param: str = "user") -> JsonObject:
    """Anthropic limits the length, and refuses an id that looks like an email address."""
    user = str(value)
    fitted = hashed_id(user) if "@" in user else fitted_id(user, _USER_ID_LENGTH)
    if fitted != user:
        context.drops.degraded(param)
    return {"metadata": {"user_id": fitted}}


def _metadata(value: Any, context: WriteContext[None]) -> JsonObject:
    """Anthropic takes nothing but the user's id."""
    metadata = value if isinstance(value, dict) else {}
    if any(key != "user_id" for key in metadata):
        context.drops.unsupported("metadata", "only metadata.user_id is known")
    return _user(metadata["user_id"], context, "metadata.user_id") if "user_id" in metadata else {}


def _service_tier(value: Any, context: WriteContext[None]) -> JsonObject:
    tier = SERVICE_TIERS.get(value, value) if isinstance(value, str) else None
    if tier in SERVICE_TIERS.values():
        return {"service_tier": tier}
    context.drops.unsupported("service_tier", f"{value!r}")
    return {}


_WRITERS: dict[str, Callable[[Any, WriteContext[None]], JsonObject]] = {
    "temperature": _sampling("temperature"),
    "top_p": _sampling("top_p"),
    "top_k": _sampling("top_k"),
    "stop": _stop,
    "user": _user,
    "safety_identifier": _user,
    "metadata": _metadata,
    "service_tier": _service_tier,
}
