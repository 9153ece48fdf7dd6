"""What a call cost, told to its caller: in a header, and in the usage at the end of a stream."""

from __future__ import annotations

import json
import re

import orjson

from dragoman.gateway.http.exchange import Headers, header
from dragoman.routing import StreamAnswer
from dragoman.types.cost import Cost, dollars

__all__ = ["UNPRICED", "cost_headers", "cost_text", "with_cost"]

UNPRICED = "unpriced"
"""Said instead of an amount where nothing is known of a model's prices: never 0."""
_USAGE = re.compile(r'"usage"\s*:\s*')
_DATA = re.compile(rb"^data:[ ]?(.*)$", re.MULTILINE)


def cost_text(cost: Cost | None) -> str:
    """US dollars, exactly."""
    return UNPRICED if cost is None or cost.total is None else dollars(cost.total)


def cost_headers(cost: Cost | None) -> Headers:
    """The cost, what of the call it leaves out, and what the provider itself says."""
    headers = [(b"x-dragoman-cost", cost_text(cost).encode())]
    if cost is None:
        return headers
    if cost.unpriced and cost.total is not None:
        headers.append(header(b"x-dragoman-cost-without", ", ".join(cost.unpriced)))
    if cost.reported is not None:
        headers.append((b"x-dragoman-cost-reported", dollars(cost.reported).encode()))
    return headers


def with_cost(data: bytes, answer: StreamAnswer) -> bytes:
    """Server-sent events in which a `usage` that says no `cost` says it; not a byte of the rest is changed."""
    if b'"usage"' not in data:
        return data
    cost = answer.cost
    if cost is None or cost.total is None:
        return data
    amount = dollars(cost.total)
    return _DATA.sub(lambda found: found[0].replace(found[1], _told(found[1], amount)), data)


def _told(document: bytes, amount: str) -> bytes:
    """One JSON document with the cost in its usage; as it was, where it has none."""
    try:
        whole, text = orjson.loads(document), document.decode()
    except ValueError:
        return document
    usage = whole.get("usage") if isinstance(whole, dict) else None
    if not isinstance(usage, dict) or "cost" in usage:
        return document
    # Such a key may stand deeper in the document too: what is right is seen by the result.
    wanted = {**whole, "usage": {**usage, "cost": float(amount)}}
    for found in _USAGE.finditer(text):
        try:
            _, end = json.JSONDecoder().raw_decode(text, found.end())
        except ValueError:
            continue
        comma = "," if usage else ""
        told = f'{text[: end - 1]}{comma}"cost":{amount}{text[end - 1 :]}'.encode()
        if _same(told, wanted):
            return told
    return document


def _same(told: bytes, wanted: object) -> bool:
    try:
        return bool(orjson.loads(told) == wanted)
    except ValueError:
        return False
