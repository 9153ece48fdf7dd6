"""Where a call goes, and where next when that fails."""

from dragoman.routing._call import NO_OPTIONS, Answer, Attempt, Call, CallOptions, Source, StreamAnswer
from dragoman.routing._call_log import CallLog
from dragoman.routing._clock import Clock
from dragoman.routing._deployment import Deployment
from dragoman.routing._explanation import Explanation
from dragoman.routing._function import FunctionCall
from dragoman.routing._model_list import parse_model_list
from dragoman.routing._router import Router
from dragoman.routing._settings import RouterSettings, parse_fallbacks, parse_targets
from dragoman.routing._standing import Cooldown, DeploymentState, RoutingState

__all__ = [
    "NO_OPTIONS",
    "Answer",
    "Attempt",
    "Call",
    "CallLog",
    "CallOptions",
    "Clock",
    "Cooldown",
    "Deployment",
    "DeploymentState",
    "Explanation",
    "FunctionCall",
    "Router",
    "RouterSettings",
    "RoutingState",
    "Source",
    "StreamAnswer",
    "parse_fallbacks",
    "parse_model_list",
    "parse_targets",
]
