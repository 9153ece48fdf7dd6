"""The path at which LiteLLM's users import these names."""

from __future__ import annotations

from typing import NoReturn

from dragoman.litellm.unsupported import absent
from dragoman.sdk.router import Router
from dragoman.types.router import Deployment, LiteLLM_Params, ModelGroupInfo, ModelInfo

__all__ = ["Deployment", "LiteLLM_Params", "ModelGroupInfo", "ModelInfo", "Router"]


def __getattr__(name: str) -> NoReturn:
    raise absent(__name__, name, __all__)
