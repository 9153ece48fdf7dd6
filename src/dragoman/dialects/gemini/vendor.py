"""The names of the dialect and of its vendor."""

from __future__ import annotations

__all__ = ["NAME", "VENDOR"]

NAME = "gemini"
VENDOR = "google"
"""Whose signatures, provider-run tools and parameters this dialect's own clients and servers understand."""
