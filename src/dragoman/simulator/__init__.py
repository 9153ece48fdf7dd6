"""Providers that are not there: a server that speaks OpenAI's, Anthropic's and Gemini's dialects by its own reading of them.

It shares no code with `dialects/`, so that a mistake there cannot hide in a test against it.
"""

from __future__ import annotations

from dragoman.simulator.app import SimulatorSettings, app
from dragoman.simulator.faults import Faults
from dragoman.simulator.server import serve

__all__ = ["Faults", "SimulatorSettings", "app", "serve"]
