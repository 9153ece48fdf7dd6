"""The router without a list, of which the package's functions are the methods. It is made on the first call: to import what a call
needs takes longer than a program should wait for its start."""

from __future__ import annotations

from dragoman.sdk.router import Router

__all__ = ["ROUTER"]

ROUTER = Router()
