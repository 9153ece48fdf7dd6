"""One attempt before it is made: which request, to which deployment, within which limits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.models import abilities, cost_of, price_context
from dragoman.routing.call import Source
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.transport import Timeouts, Transport
from dragoman.types.cost import Cost
from dragoman.types.operations import Operation
from dragoman.types.usage import TokenUsage

__all__ = ["AttemptRequest"]

_FREE = Cost(0)


@dataclass(slots=True, kw_only=True)
class AttemptRequest:
    """What one deployment is asked to do, with everything that the attempt needs."""

    operation: Operation
    deployment: Deployment
    hub_request: Any
    """The request in the hub's shape, the deployment's own parameters under the caller's."""
    stream: bool
    options: CallOptions
    """The call's options over the deployment's."""
    settings: RouterSettings
    clock: Clock
    transport: Callable[[], Transport]
    seconds_left: float
    request_id: str
    reply_style: ReplyStyle
    source: Source | None = None
    """The caller's own body, if the call allows it to pass through."""
    left_out: tuple[str, ...] = ()
    """The names of the caller's options that do not go to this provider."""

    @property
    def drop_params(self) -> bool:
        own = self.options.drop_params
        return self.settings.drop_params if own is None else own

    @property
    def changes_body(self) -> bool:
        """Whether something has to be merged into the caller's body, or taken out of it."""
        return bool(self.deployment.params or self.drop_params or self.options.additional_drop_params)

    @property
    def first_content(self) -> float:
        """The seconds to the first content of a stream."""
        return min(self.options.stream_timeout or self.settings.stream_timeout, self.seconds_left)

    def timeouts(self) -> Timeouts:
        return Timeouts(
            connect=self.options.connect_timeout or self.settings.connect_timeout,
            first_content=self.first_content if self.stream else None,
            idle=self.options.idle_timeout or self.settings.idle_timeout,
            total=self.seconds_left,
        )

    def reply_context(self) -> ReplyContext:
        provider = self.deployment.provider
        return ReplyContext(
            provider=provider.name,
            model=self.deployment.model,
            vendor=provider.vendor or provider.name,
            created=int(self.clock.time()),
            reply_id=f"chatcmpl-{self.request_id.removeprefix('req_')}",
            accent=provider.accent,
            facts=abilities(provider.name, self.deployment.model, self.deployment.entry).facts,
        )

    def cost(self, usage: TokenUsage | None, at: float | None = None) -> Cost | None:
        """Return what this attempt costs at the prices of `at` (Unix seconds; None: now). None: its usage is not known."""
        if not self.operation.billed:
            return _FREE
        if usage is None:
            return None
        at = self.clock.time() if at is None else at
        return cost_of(usage, self.deployment.entry, at=at, context=price_context(usage, self.hub_request))

    def pricing(self) -> Callable[[TokenUsage], Cost | None]:
        """Return a function from the usage of this attempt's stream to its cost, at the prices that hold as it begins."""
        return functools.partial(self.cost, at=self.clock.time())
