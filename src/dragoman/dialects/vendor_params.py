"""Parameters of one vendor's API: taken over for it, refused or reported for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.dialects.drop_list import DropList
from dragoman.types.json import JsonObject

__all__ = ["own_params", "report_tool_params"]

_TUNING = frozenset(
    {
        "betas",  # which of Anthropic's features may be used: those that are used are named by their own parameters
        "cache_control",  # where Anthropic may set cache marks by itself
        "context_management",  # what Anthropic clears from a long history
        "diagnostics",
        "inference_geo",
        "labels",  # what Google's bill is sorted by
        "speed",
    }
)
"""They tune or observe, and change nothing in what an answer means: another vendor gets the request without them, and they are
reported. Coding agents send them with every request."""


def own_params(request: Mapping[str, Any], vendors: tuple[str, ...], drops: DropList) -> JsonObject:
    """Return the `vendor_params` of these vendors. Others' are refused, or dropped and reported, or only reported where they
    only tune."""
    own: JsonObject = {}
    by_vendor = request.get("vendor_params")
    for vendor, params in by_vendor.items() if isinstance(by_vendor, dict) else ():
        if not isinstance(params, dict):
            continue
        if vendor in vendors:
            own |= {name: value for name, value in params.items() if value is not None}
            continue
        for name in params:
            if name in _TUNING:
                drops.degraded(name)
            else:
                drops.unsupported(name, f"it is a parameter of {vendor}")
    return own


def report_tool_params(tool: Mapping[str, Any], path: str, vendor: str, drops: DropList) -> None:
    """Report the fields of another vendor in the definition of a function, which is the same without them."""
    by_vendor = tool.get("vendor_params")
    for other, params in by_vendor.items() if isinstance(by_vendor, dict) else ():
        if other != vendor:
            for name in params if isinstance(params, dict) else ():
                drops.degraded(f"{path}.{name}")
