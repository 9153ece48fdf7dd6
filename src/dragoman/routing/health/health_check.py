"""Active checks, where they are wanted: each provider is asked for its list of models, which costs nothing, with the key of the
deployment. Such an answer says that the place and the key are right, and not that the model works: it heals nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dragoman.credentials import HttpRequest
from dragoman.errors import APIConnectionError, APIError, AuthenticationError, InternalServerError
from dragoman.observe import HealthChecked, Listener, tell
from dragoman.providers import models_address
from dragoman.routing.attempt.send import outgoing_headers, sign_and_send
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.deployments.member import Member
from dragoman.routing.health.health import DeploymentHealth
from dragoman.routing.settings.health_check import HealthCheckPolicy
from dragoman.transport import Timeouts, Transport

__all__ = ["HealthChecker"]

_log = logging.getLogger("dragoman.routing")
_AT_ONCE = 5
Outcome = Literal["reachable", "refused", "unreachable", "unknown"]


@dataclass(slots=True, kw_only=True, eq=False)
class HealthChecker:
    """Of one router: a task on each event loop that it was started on."""

    policy: HealthCheckPolicy | None
    members: Callable[[], Iterable[Member]]
    health: DeploymentHealth
    transport: Callable[[], Transport]
    clock: Clock
    listeners: Sequence[Listener]
    _tasks: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = field(default_factory=dict)

    def adopt(self, members: Callable[[], Iterable[Member]]) -> None:
        """Check other deployments from now on."""
        self.members = members

    def start(self) -> None:
        if self.policy is None:
            return
        loop = asyncio.get_running_loop()
        if loop not in self._tasks:
            self._tasks[loop] = loop.create_task(self._go_on(self.policy), name="dragoman health checks")

    async def aclose(self) -> None:
        task = self._tasks.pop(asyncio.get_running_loop(), None)
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def _go_on(self, policy: HealthCheckPolicy) -> None:
        # Not all gateways that are started together ask at the same time.
        await self.clock.sleep(policy.interval * self.clock.random())
        while True:
            try:
                await self.check_all(policy)
            except Exception:
                _log.exception("the health check failed")
            await self.clock.sleep(policy.interval)

    async def check_all(self, policy: HealthCheckPolicy) -> None:
        """Each place once for each key."""
        places: dict[tuple[str, str], list[Member]] = {}
        for member in self.members():
            address = _address(member.deployment)
            if address is not None and member.key:
                places.setdefault((address, member.credential), []).append(member)
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one(address: str, members: list[Member]) -> None:
            async with at_once:
                self._learn(members, *await self._ask(address, members[0].deployment, policy.timeout))

        await asyncio.gather(*(one(address, members) for (address, _), members in places.items()))

    async def _ask(self, address: str, deployment: Deployment, limit: float) -> tuple[Outcome, APIError | None]:
        provider, options = deployment.provider, deployment.options
        try:
            request = HttpRequest("GET", address, outgoing_headers(provider, options, None))
            timeouts = Timeouts(connect=limit, first_content=limit, idle=limit, total=limit)
            reply = await sign_and_send(request, provider, options, self.transport(), timeouts)
            await reply.aclose()
        except APIConnectionError as error:
            return "unreachable", error
        except AuthenticationError as error:  # there is no key at all
            return "refused", error
        except APIError:
            return "unknown", None
        return _judged(reply.status)

    def _learn(self, members: Sequence[Member], outcome: Outcome, error: APIError | None) -> None:
        if error is not None:
            # A refused key is out for all that use it; a place that fails is every deployment's own failure.
            for member in members[:1] if outcome == "refused" else members:
                self.health.failed(member, error)
        reason = "" if error is None else f"{error.status_code} {type(error).__name__}"
        for member in members:
            tell(self.listeners, HealthChecked(member.deployment.id, outcome, reason))


def _address(deployment: Deployment) -> str | None:
    """None: a function, or a place that is not known yet."""
    try:
        return models_address(deployment.provider, deployment.options.api_base)
    except APIError:
        return None


def _judged(status: int) -> tuple[Outcome, APIError | None]:
    if status < 300:
        return "reachable", None
    if status in (401, 403):
        return "refused", AuthenticationError("the key was refused", status_code=status)
    if status >= 500:
        return "unreachable", InternalServerError("the provider failed", status_code=status)
    return "unknown", None  # it has no such list, or wants to be asked less often
