"""Where a call goes, and where next when that fails."""

from dragoman.routing.attempt.custom_provider import FunctionCall
from dragoman.routing.call import Answer, Call, Source, StreamAnswer
from dragoman.routing.call_log import CallLog
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.deployments.model_list import parse_model_list
from dragoman.routing.explain.explanation import Explanation
from dragoman.routing.explain.state_report import Cooldown, DeploymentState, RoutingState
from dragoman.routing.router import CallRouter
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.fallbacks import parse_fallbacks, parse_targets
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.types.call_record import Attempt

__all__ = [
    "NO_OPTIONS",
    "Answer",
    "Attempt",
    "Call",
    "CallLog",
    "CallOptions",
    "CallRouter",
    "Clock",
    "Cooldown",
    "Deployment",
    "DeploymentState",
    "Explanation",
    "FunctionCall",
    "RouterSettings",
    "RoutingState",
    "Source",
    "StreamAnswer",
    "parse_fallbacks",
    "parse_model_list",
    "parse_targets",
]
