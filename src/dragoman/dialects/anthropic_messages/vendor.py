"""The names of the dialect and of its vendor."""

from __future__ import annotations

__all__ = ["NAME", "VENDOR"]

NAME = "anthropic_messages"
VENDOR = "anthropic"
"""Whose signatures, provider-run tools and parameters this dialect's own clients and servers understand."""
