"""The router: an alias, or a model string, becomes deployments; a call becomes an answer."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.errors import BadRequestError, DragomanError
from dragoman.models import Catalogue, facts
from dragoman.observe import CallFailed, Listener, tell
from dragoman.providers import Providers
from dragoman.routing.admission.queue import WaitQueue
from dragoman.routing.attempt.transports import Transports
from dragoman.routing.call import Answer, Answerer, Call, StreamAnswer
from dragoman.routing.choice.canary import Canaries
from dragoman.routing.choice.index import DeploymentIndex
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.dispatcher import Dispatcher, begin_record
from dragoman.routing.explain.dry_run import ReadOnlyAdmission
from dragoman.routing.explain.explainer import Explainer
from dragoman.routing.explain.explanation import Explanation
from dragoman.routing.explain.state_report import Cooldown, RoutingState, cooldowns, routing_state
from dragoman.routing.health.fallback_rate import FallbackRate, FallbackRates
from dragoman.routing.health.health import DeploymentHealth
from dragoman.routing.health.health_check import HealthChecker
from dragoman.routing.plan import RoutingPlan
from dragoman.routing.planner import Planner
from dragoman.routing.recovery.mirror import Mirrors
from dragoman.routing.services import RouterServices
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.state.per_loop import store_at
from dragoman.transport import Transport
from dragoman.types.call_record import CallRecord

if TYPE_CHECKING:
    from dragoman.state import StateStore

__all__ = ["CallRouter"]


class CallRouter:
    """Sends calls to deployments. One router serves any number of threads and event loops, each with its own connections.

    `allow_unlisted`: whether `provider/model` is served although it is no alias. `store` holds the state of the deployments
    (None: in
    the memory of this process). Further keyword arguments go to each `Transport`."""

    def __init__(
        self,
        deployments: Iterable[Deployment] = (),
        *,
        settings: RouterSettings | None = None,
        providers: Providers | None = None,
        listeners: Sequence[Listener] = (),
        allow_unlisted: bool = True,
        clock: Clock | None = None,
        catalogue: Catalogue | None = None,
        store: StateStore | None = None,
        **transport_options: Any,
    ) -> None:
        settings, clock, given = settings or RouterSettings(), clock or Clock(), tuple(listeners)
        self.providers = providers or Providers()
        self.catalogue = Catalogue() if catalogue is None else catalogue
        self.store: StateStore = store_at(settings.redis, clock.time) if store is None else store
        self._owns_store = store is None
        # No part holds this router, so that a forgotten one is freed at once.
        self._rates = FallbackRates(settings.fallback_alert, clock.time, lambda event: tell(given, event))
        self.canaries = Canaries(settings.canary, clock, given)
        watched = (*given, *self.canaries.listeners)
        self.health = DeploymentHealth(self.store, settings.health, lambda event: tell(watched, event))
        self.wait_queue = WaitQueue()
        self.mirrors = Mirrors(settings.mirror, clock, watched)
        self._transports = Transports(lambda: Transport(**transport_options))
        self._services = RouterServices(
            clock=clock, transport=self._transports.here, listeners=watched, store=self.store, health=self.health
        )
        self._planner = Planner(
            providers=self.providers,
            catalogue=self.catalogue,
            clock=clock,
            now=self.store.now,
            canaries=self.canaries,
            mirrors=self.mirrors,
            allow_unlisted=allow_unlisted,
        )
        self._watcher = f"router-{secrets.token_hex(4)}"
        self.current_plan = self._planner.initial(deployments, settings)
        self.health_checker = HealthChecker(
            policy=settings.health_check,
            members=self._index.members,
            health=self.health,
            transport=self._transports.here,
            clock=clock,
            listeners=watched,
        )
        self.adopt(self.current_plan)

    def plan(
        self, deployments: Iterable[Deployment] | None = None, settings: RouterSettings | None = None
    ) -> RoutingPlan:
        """What calls would go by with other deployments, or other settings (None: as they are). Nothing changes yet.

        Raises `ConfigError` where they do not fit together, or a setting cannot change in a router that runs."""
        return self._planner.updated(self.current_plan, deployments, settings)

    def adopt(self, plan: RoutingPlan) -> None:
        """Use a plan for calls that begin from now on; calls under way keep theirs.

        The state of a deployment stays under its id, except for its failures if it has another provider, model or key now."""
        previous, deployments = {item.id: item.place for item in self.deployments}, plan.index.deployments
        self.canaries.adopt(deployments)
        self.mirrors.adopt(deployments)
        counters = plan.strategies.watched_counters(deployments)
        if counters or self.current_plan is not plan:
            self.store.watch(counters, by=self._watcher)
        self.health.adopt(plan.settings.health)
        self.health_checker.adopt(plan.index.members)
        self.current_plan = plan
        self._dispatcher = self._new_dispatcher(plan)
        self._answerer = self._with_layers(self._dispatcher)
        for item in deployments:
            if previous.get(item.id, item.place) != item.place:
                self.health.forget(item.key)

    def _new_dispatcher(self, plan: RoutingPlan) -> Dispatcher:
        return Dispatcher(
            plan=plan, services=self._services, queue=self.wait_queue, on_fallback=self._rates.count_fallback
        )

    def _with_layers(self, dispatcher: Dispatcher) -> Answerer:
        """Return the chain around the dispatcher: each layer an `Answerer` that holds the next, only where it is configured."""
        return self._rates.around(self.mirrors.around(dispatcher, dispatcher.answer_once))

    @property
    def settings(self) -> RouterSettings:
        return self.current_plan.settings

    @property
    def _index(self) -> DeploymentIndex:
        return self.current_plan.index

    @property
    def aliases(self) -> tuple[str, ...]:
        return self._index.aliases

    @property
    def names(self) -> tuple[str, ...]:
        """What callers may ask for, without other names that are hidden."""
        alternatives = (name for name, alias in self.settings.model_group_alias.items() if not alias.hidden)
        return tuple(dict.fromkeys((*self.aliases, *alternatives)))

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return self._index.deployments

    def candidates(self, model: str, options: CallOptions = NO_OPTIONS) -> Sequence[Deployment]:
        """The deployments that answer to `model`. Raises `NotFoundError` or `BadRequestError`."""
        return [member.deployment for member in self._index.group(model, options).members]

    async def answer(self, call: Call) -> Answer | StreamAnswer:
        """Answer a call. Raise `APIError` with its `attempts`; a bad request is neither retried nor sent elsewhere."""
        record = begin_record(call, self._services.clock.time)
        try:
            await self.store.open()
            self.health_checker.start()
            return await self._answerer(call)
        except RecursionError:
            error = BadRequestError("the request is nested more deeply than JSON may be", code="invalid_value")
            self._fail(record, error)
            raise error from None
        except BaseException as failure:
            self._fail(record, failure)
            raise

    def _fail(self, record: CallRecord, error: BaseException) -> None:
        if isinstance(error, DragomanError):
            error.attempts = tuple(record.attempts)
        record.fail(type(error).__name__)
        if self._services.listeners:
            self._services.tell(CallFailed(record))

    async def explain(self, call: Call) -> Explanation:
        """Return what would happen to a call now. Nothing is sent, claimed or learned.

        Raise `DragomanError` for a model or a fallback that does not exist."""
        await self.store.open()
        return await self._explainer(call).explain()

    async def available(self, call: Call) -> Deployment:
        """Return the deployment that would take the call now. Nothing is sent, claimed or learned. Raise what the call would."""
        return await self._explainer(call).available()

    def _explainer(self, call: Call) -> Explainer:
        begin_record(call, self._services.clock.time)
        admission = ReadOnlyAdmission(self.store, self.health, call.request_id)
        dispatch = self._dispatcher.begin(call, admission)
        return Explainer(dispatch=dispatch, admission=admission, mirrors=self.mirrors, canaries=self.canaries)

    def fallback_rates(self) -> Mapping[str, FallbackRate]:
        """By model group: how many of its calls went to fallbacks, within the window of `fallback_alert`."""
        return self._rates.read()

    async def state(self) -> RoutingState:
        """How all deployments are now, as far as this process knows. It asks no provider."""
        return await routing_state(self._index.groups(), self.store, self.health, self.canaries.read())

    def cooldowns(self) -> tuple[Cooldown, ...]:
        """The deployments that are out now, each with its reason and its end."""
        return cooldowns(self._index.groups(), self.store)

    async def warm_up(self) -> None:
        """Do now what the first call would else have to wait for: import aiohttp and the codecs, read certificates and tables.

        Vocabularies are loaded by the first count that needs one: each takes tens of megabytes, and most calls need none."""
        await self.store.open()
        self._transports.here().open()
        self.health_checker.start()
        for deployment in self.deployments:
            facts(deployment.provider.name, deployment.model)
            for operation in deployment.provider.endpoints:
                deployment.provider.endpoints.get(operation)

    async def aclose(self) -> None:
        """Close the connections that belong to the running event loop."""
        await self.health_checker.aclose()
        await self.mirrors.aclose()
        await self._transports.aclose()
        if self._owns_store:
            await self.store.close()
