"""The plain parameters of a request: hub -> wire, in the accent of the target."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import Target
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.openai_chat.accent import ChatAccent
from dragoman.dialects.openai_chat.ids_write import shorten_ids
from dragoman.dialects.vendor_params import own_params
from dragoman.types.json import JsonObject
from dragoman.types.request_params import is_neutral

__all__ = ["write_params"]


_FOREIGN = ("safety_settings", "cached_content")
"""Parameters of the hub that only Google knows."""


def write_params(
    request: JsonObject, target: Target, accent: ChatAccent, drops: DropList, excluded: frozenset[str]
) -> JsonObject:
    """Return the plain parameters, with the model and the stream's options. `excluded` have writers of their own."""
    body = {"model": target.model, **{key: value for key, value in request.items() if key not in excluded}}
    body["model"] = target.model
    body.update(own_params(body, (target.vendor,), drops))
    body.pop("vendor_params", None)
    for key in _FOREIGN:
        if body.pop(key, None) and not drops.allowed(key):
            drops.unsupported(key)
    _limit(body, target, accent)
    _sampling(body, target, accent, drops)
    _modalities(body, accent, drops)
    _refused(body, target, accent, drops)
    _metadata(body, drops)
    shorten_ids(body, accent, drops)
    for key, name in accent.renamed.items():
        if key in body:
            body[name] = body.pop(key)
    if target.stream:
        _stream(body, request.get("stream_options"), accent)
    return body


def _stream(body: JsonObject, options: Any, accent: ChatAccent) -> None:
    body["stream"] = True
    if accent.stream_options:
        body["stream_options"] = {**(options or {}), "include_usage": True}


def _metadata(body: JsonObject, drops: DropList) -> None:
    """Leave out the labels of calls that are not stored, as callers of other dialects have them: "The 'metadata' parameter is
    only allowed when 'store' is enabled." (https://platform.openai.com/docs/api-reference/chat/create)"""
    if body.get("metadata") and body.get("store") is not True and not drops.allowed("metadata"):
        del body["metadata"]
        drops.degraded("metadata")


def _refused(body: JsonObject, target: Target, accent: ChatAccent, drops: DropList) -> None:
    for key in [key for key in body if key in accent.unsupported or key in target.facts.refused]:
        if drops.allowed(key):
            continue
        value = body.pop(key)
        if not is_neutral(key, value):
            drops.leave_out(key, "this model refuses it" if key in target.facts.refused else "")


def _limit(body: JsonObject, target: Target, accent: ChatAccent) -> None:
    """Write one field for the limit of the output, under the name that the target takes."""
    newer, older = body.get("max_completion_tokens"), body.get("max_tokens")
    if newer is None and older is None:
        return
    name = accent.tokens_field
    if not name and (target.facts.sampling is False or target.facts.reasoning not in (None, "none")):
        name = "max_completion_tokens"
    if not name:
        name = "max_completion_tokens" if newer is not None else "max_tokens"
    body.pop("max_completion_tokens", None)
    body.pop("max_tokens", None)
    body[name] = newer if newer is not None else older


def _sampling(body: JsonObject, target: Target, accent: ChatAccent, drops: DropList) -> None:
    if target.facts.sampling is False:
        for key in accent.sampling_params:
            if key in body and not drops.allowed(key) and not is_neutral(key, body.pop(key)):
                drops.unsupported(key, "the model takes none")
    temperature = body.get("temperature")
    if accent.max_temperature is not None and temperature is not None and temperature > accent.max_temperature:
        body["temperature"] = accent.max_temperature
        drops.degraded("temperature")


def _modalities(body: JsonObject, accent: ChatAccent, drops: DropList) -> None:
    if accent.modalities and not accent.modalities.issuperset(body.get("modalities") or ()):
        drops.unsupported("modalities")
        body["modalities"] = [word for word in body["modalities"] if word in accent.modalities] or ["text"]
