"""The path at which LiteLLM's users import these names."""

from __future__ import annotations

from dragoman.sdk.router import Router
from dragoman.types.router import Deployment, LiteLLM_Params, ModelGroupInfo, ModelInfo

__all__ = ["Deployment", "LiteLLM_Params", "ModelGroupInfo", "ModelInfo", "Router"]
