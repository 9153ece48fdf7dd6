"""What a stream cost, added to the usage at its end."""

from __future__ import annotations

import json
import re

import orjson

from dragoman.routing import StreamAnswer
from dragoman.types.cost import dollars

__all__ = ["with_cost"]

_USAGE = re.compile(r'"usage"\s*:\s*')
_DATA = re.compile(rb"^data:[ ]?(.*)$", re.MULTILINE)


def with_cost(data: bytes, answer: StreamAnswer) -> bytes:
    """Return server-sent events in which every `usage` has a `cost`; not a byte of the rest is changed."""
    if b'"usage"' not in data:
        return data
    cost = answer.cost
    if cost is None or cost.total is None:
        return data
    amount = dollars(cost.total)
    return _DATA.sub(lambda line: line[0].replace(line[1], _priced(line[1], amount)), data)


def _priced(document: bytes, amount: str) -> bytes:
    """Return one JSON document with the cost in its usage; unchanged where it has no usage."""
    try:
        whole, text = orjson.loads(document), document.decode()
    except ValueError:
        return document
    usage = whole.get("usage") if isinstance(whole, dict) else None
    if not isinstance(usage, dict) or "cost" in usage:
        return document
    # Such a key may stand deeper in the document too: only the result tells whether it was the right one.
    expected = {**whole, "usage": {**usage, "cost": float(amount)}}
    for match in _USAGE.finditer(text):
        try:
            _, end = json.JSONDecoder().raw_decode(text, match.end())
        except ValueError:
            continue
        comma = "," if usage else ""
        priced = f'{text[: end - 1]}{comma}"cost":{amount}{text[end - 1 :]}'.encode()
        if _is_json_of(priced, expected):
            return priced
    return document


def _is_json_of(data: bytes, expected: object) -> bool:
    try:
        return bool(orjson.loads(data) == expected)
    except ValueError:
        return False
