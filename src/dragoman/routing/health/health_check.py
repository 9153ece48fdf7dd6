"""Active checks, if they are configured: each provider's list of models is requested with the key of the deployment, which costs
nothing. An answer shows that the address and the key are right, and not that the model works: it ends no outage."""

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
_CONCURRENCY = 5
Outcome = Literal["reachable", "refused", "unreachable", "unknown"]


@dataclass(slots=True, kw_only=True, eq=False)
class HealthChecker:
    """The checks of one router: a task on each event loop on which it was started."""

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
            self._tasks[loop] = loop.create_task(self._run(self.policy), name="dragoman health checks")

    async def aclose(self) -> None:
        task = self._tasks.pop(asyncio.get_running_loop(), None)
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self, policy: HealthCheckPolicy) -> None:
        # Gateways that are started together are not to check at the same time.
        await self.clock.sleep(policy.interval * self.clock.random())
        while True:
            try:
                await self.check_all(policy)
            except Exception:
                _log.exception("the health check failed")
            await self.clock.sleep(policy.interval)

    async def check_all(self, policy: HealthCheckPolicy) -> None:
        """Check each address once for each key."""
        groups: dict[tuple[str, str], list[Member]] = {}
        for member in self.members():
            address = _address(member.deployment)
            if address is not None and member.key:
                groups.setdefault((address, member.credential), []).append(member)
        semaphore = asyncio.Semaphore(_CONCURRENCY)

        async def one(address: str, members: list[Member]) -> None:
            async with semaphore:
                self._record(members, *await self._check(address, members[0].deployment, policy.timeout))

        await asyncio.gather(*(one(address, members) for (address, _), members in groups.items()))

    async def _check(self, address: str, deployment: Deployment, limit: float) -> tuple[Outcome, APIError | None]:
        provider, options = deployment.provider, deployment.options
        try:
            request = HttpRequest("GET", address, outgoing_headers(provider, options, None))
            timeouts = Timeouts(connect=limit, first_content=limit, idle=limit, total=limit)
            reply = await sign_and_send(request, provider, options, self.transport(), timeouts)
            await reply.aclose()
        except APIConnectionError as error:
            return "unreachable", error
        except AuthenticationError as error:  # there is no key
            return "refused", error
        except APIError:
            return "unknown", None
        return _outcome_of(reply.status)

    def _record(self, members: Sequence[Member], outcome: Outcome, error: APIError | None) -> None:
        if error is not None:
            # A refused key is out for all deployments that use it; an address that fails is a failure of each of them.
            for member in members[:1] if outcome == "refused" else members:
                self.health.record_failure(member, error)
        reason = "" if error is None else f"{error.status_code} {type(error).__name__}"
        for member in members:
            tell(self.listeners, HealthChecked(member.deployment.id, outcome, reason))


def _address(deployment: Deployment) -> str | None:
    """Return the address of the list of models; None: the provider is a function, or its address is not known yet."""
    try:
        return models_address(deployment.provider, deployment.options.api_base)
    except APIError:
        return None


def _outcome_of(status: int) -> tuple[Outcome, APIError | None]:
    if status < 300:
        return "reachable", None
    if status in (401, 403):
        return "refused", AuthenticationError("the key was refused", status_code=status)
    if status >= 500:
        return "unreachable", InternalServerError("the provider failed", status_code=status)
    return "unknown", None  # it has no such list, or limits how often it is requested
