"""The router: an alias, or a model string, becomes deployments; a call becomes an answer."""

from __future__ import annotations

import functools
import secrets
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dragoman.errors import APIError, BadRequestError, DragomanError
from dragoman.models import Catalogue, facts
from dragoman.observe import FellBack, Listener, tell
from dragoman.providers import Providers
from dragoman.routing.admission.admission import Seeker
from dragoman.routing.admission.queue import Line
from dragoman.routing.attempt.transports import Transports
from dragoman.routing.call import Answer, Call, StreamAnswer
from dragoman.routing.choice.canary import Canaries
from dragoman.routing.choice.index import Directory
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.explain.dry_run import Onlooker
from dragoman.routing.explain.explainer import Explainer
from dragoman.routing.explain.explanation import Explanation
from dragoman.routing.explain.state_report import Cooldown, RoutingState, cooldowns, routing_state
from dragoman.routing.health.fallback_rate import FallbackRate, FallbackRates
from dragoman.routing.health.health import Health
from dragoman.routing.health.health_check import Checkup
from dragoman.routing.plan import Asker
from dragoman.routing.planner import Planner
from dragoman.routing.recovery import fallbacks
from dragoman.routing.recovery.attempts import Trial
from dragoman.routing.recovery.mirror import Mirrors, ask_once
from dragoman.routing.recovery.resume import may_continue, read_on
from dragoman.routing.recovery.retry_loop import Run
from dragoman.routing.request import Asked
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.stores.per_loop import store_at
from dragoman.transport import Transport

if TYPE_CHECKING:
    from dragoman.stores import Outage, Store

__all__ = ["Router"]


class Router:
    """Sends calls to deployments. One router serves any number of threads and event loops, each with its own connections.

    `allow_unlisted` says whether a model that is no alias may be asked as `provider/model`. `store` keeps what is known of the
    deployments (None: in the memory of this process). Further keyword arguments go to each `Transport`."""

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
        store: Store | None = None,
        **transport_options: Any,
    ) -> None:
        said = settings or RouterSettings()
        self.providers = providers or Providers()
        self.catalogue = Catalogue() if catalogue is None else catalogue
        given = tuple(listeners)
        self._clock = clock or Clock()
        self._rates = FallbackRates(said.fallback_alert, self._clock.time, lambda event: tell(given, event))
        self.canaries = Canaries(said.canary, self._clock, given)
        self._listeners: tuple[Listener, ...] = (*given, *self.canaries.listeners)
        self.store: Store = store_at(said.redis, self._clock.time) if store is None else store
        self._owns_store = store is None
        # What the parts are given holds the settings, and not this router: a forgotten one must be freed at once.
        heard = self._listeners
        self.health = Health(self.store, said.health, lambda event: tell(heard, event))
        self.line = Line()
        self._transports = Transports(lambda: Transport(**transport_options))
        self.mirrors = Mirrors(said.mirror, self._clock, heard)
        self._planner = Planner(
            providers=self.providers,
            catalogue=self.catalogue,
            clock=self._clock,
            now=self.store.now,
            canaries=self.canaries,
            mirrors=self.mirrors,
            allow_unlisted=allow_unlisted,
        )
        self.asker = self._planner.first(deployments, said)
        self.checkup = Checkup(
            policy=said.health_check,
            groups=self._directory.groups,
            health=self.health,
            transport=self._transports.here,
            clock=self._clock,
            listeners=heard,
        )
        self._watcher = f"router-{secrets.token_hex(4)}"
        self.adopt(self.asker)

    def plan(self, deployments: Iterable[Deployment] | None = None, settings: RouterSettings | None = None) -> Asker:
        """What calls would go by with other deployments, or other settings (None: as they are). Nothing changes yet.

        Raises `ConfigError` where they do not fit together, or a setting cannot change in a router that runs."""
        return self._planner.next(self.asker, deployments, settings)

    def adopt(self, plan: Asker) -> None:
        """Calls that begin from now on go by it; those that are under way end by what they began with.

        What is known of a deployment stays known under its id, but for its failures where it asks somebody else now."""
        before, deployments = {item.id: item.place for item in self.deployments}, plan.directory.deployments
        self.canaries.learn(deployments)
        self.mirrors.learn(deployments)
        counters = plan.strategies.watched(deployments)
        if counters or self.asker is not plan:
            self.store.watch(counters, by=self._watcher)
        self.health.policy = plan.settings.health
        self.checkup.groups = plan.directory.groups
        self.asker = plan
        for item in deployments:
            if before.get(item.id, item.place) != item.place:
                self.health.forget(item.key)

    @property
    def settings(self) -> RouterSettings:
        return self.asker.settings

    @property
    def _directory(self) -> Directory:
        return self.asker.directory

    @property
    def aliases(self) -> tuple[str, ...]:
        return self._directory.aliases

    @property
    def names(self) -> tuple[str, ...]:
        """What callers may ask for, without other names that are hidden."""
        others = (name for name, alias in self.settings.model_group_alias.items() if not alias.hidden)
        return tuple(dict.fromkeys((*self.aliases, *others)))

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return self._directory.deployments

    def candidates(self, model: str, options: CallOptions = NO_OPTIONS) -> Sequence[Deployment]:
        """The deployments that answer to `model`. Raises `NotFoundError` or `BadRequestError`."""
        return [member.deployment for member in self._directory.group(model, options).members]

    async def answer(self, call: Call) -> Answer | StreamAnswer:
        """Raises `APIError` with the `attempts` that were made; a bad request is neither retried nor asked elsewhere."""
        if not call.request_id:
            call.request_id = f"req_{secrets.token_hex(12)}"
        asker = self.asker
        trial = self._trial(call, asker)
        try:
            await self.store.open()
            self.checkup.start()
            asker.check_fallbacks(call.options.fallbacks)
            answer = await self._answer(trial, asker, asker.asked(call))
            self.mirrors.answered(call, trial.alias, answer, self._shadow)
            self._rates.called(trial.alias)
            return answer
        except RecursionError:
            error = BadRequestError("the request is nested more deeply than JSON may be", code="invalid_value")
            self._failed(trial, error)
            raise error from None
        except BaseException as failure:
            self._failed(trial, failure)
            raise

    def _failed(self, trial: Trial, error: BaseException) -> None:
        if isinstance(error, DragomanError):
            error.attempts = tuple(trial.attempts)
        if trial.alias:
            self._rates.called(trial.alias)
        trial.tell_failed(error)

    async def explain(self, call: Call) -> Explanation:
        """What would happen to it now. Nothing is sent, claimed or learned. Raises `DragomanError` for a model or a fallback that
        nobody knows."""
        await self.store.open()
        return await self._explainer(call).explain()

    async def available(self, call: Call) -> Deployment:
        """Who would be asked now. Nothing is sent, claimed or learned. Raises what the call would where nobody can be asked."""
        return await self._explainer(call).available()

    def _explainer(self, call: Call) -> Explainer:
        asker = self.asker
        asker.check_fallbacks(call.options.fallbacks)
        asked, trial = asker.asked(call), self._trial(call, asker)
        trial.alias, trial.continues = asked.group.alias, may_continue(asked, asker.settings)
        options, retries = asker.failing(asked)
        return Explainer(
            asked=asked,
            trial=trial,
            seeker=Onlooker(self.store, self.health, call.request_id),
            options=options,
            retries=retries,
            mirrors=self.mirrors,
            canaries=self.canaries,
            fallback=lambda target: asker.fallback(call, target, asked.home),
            stands_ready=lambda targets, seen: asker.stands_ready(targets, self._outages(), seen),
        )

    def fallback_rates(self) -> Mapping[str, FallbackRate]:
        """By model group: how many of its calls went to fallbacks, within the window of `fallback_alert`."""
        return self._rates.read()

    async def state(self) -> RoutingState:
        """How all deployments are now, as far as this process knows. It asks no provider."""
        return await routing_state(self._directory.groups(), self.store, self.health, self.canaries.read())

    def cooldowns(self) -> tuple[Cooldown, ...]:
        """The deployments that are out now, each with its reason and its end."""
        return cooldowns(self._directory.groups(), self.store)

    async def warm_up(self) -> None:
        """Do now what the first call would else have to wait for: import aiohttp and the codecs, read certificates and tables.

        Vocabularies are loaded by the first count that needs one: each takes tens of megabytes, and most calls need none."""
        await self.store.open()
        self._transports.here().open()
        self.checkup.start()
        for deployment in self.deployments:
            facts(deployment.provider.name, deployment.model)
            for operation in deployment.provider.endpoints:
                deployment.provider.endpoints.get(operation)

    async def aclose(self) -> None:
        """Close the connections that belong to the running event loop."""
        await self.checkup.aclose()
        await self.mirrors.aclose()
        await self._transports.aclose()
        if self._owns_store:
            await self.store.close()

    def _trial(self, call: Call, asker: Asker) -> Trial:
        return Trial(
            call=call,
            settings=asker.settings,
            clock=self._clock,
            transport=self._transports.here,
            listeners=self._listeners,
            store=self.store,
            health=self.health,
            line=self.line,
        )

    def _seeker(self, call: Call) -> Seeker:
        return Seeker(self.store, self.health, call.request_id)

    async def _answer(self, trial: Trial, asker: Asker, asked: Asked) -> Answer | StreamAnswer:
        call, trial.alias, trial.continues = trial.call, asked.group.alias, may_continue(asked, asker.settings)
        options, retries = asker.failing(asked)
        run = Run(
            trial=trial,
            seeker=self._seeker(call),
            deadline=self._clock.monotonic() + (options.timeout or asker.settings.timeout),
            retries_left=retries,
            has_backup=lambda: asker.stands_ready(
                fallbacks.targets(asker.settings, asked.group.alias, options, None, call.model),
                self._outages(),
                (asked.group.alias,),
            ),
        )
        elsewhere = functools.partial(self._elsewhere, run, asker, asked, options=options)
        try:
            mock = fallbacks.mock_failure(options, call.model)
            if mock is not None:
                raise mock
            return read_on(await run.ask(asked), run, asked, elsewhere)
        except APIError as error:
            first = error
        answer = await elsewhere(first)
        if answer is not None:
            return read_on(answer, run, asked, elsewhere)
        if run.is_spent or (trial.attempts and first.retry_after is None):
            first.should_retry = False
        try:
            raise first
        finally:
            del first  # its traceback holds this frame: they must not hold each other

    async def _elsewhere(
        self, run: Run, asker: Asker, asked: Asked, error: APIError, options: CallOptions
    ) -> Answer | StreamAnswer | None:
        """The answer of a fallback, or of a fallback's own; None where they fail too: the attempts tell of it, and the caller
        hears why the model that was asked for failed."""
        call = run.trial.call
        settings = asker.settings
        found = fallbacks.targets(settings, asked.group.alias, options, error, call.model)
        pending = deque((asked.group.alias, target, type(error).__name__) for target in found)
        seen = {asked.group.alias}
        own_options, asked_next = replace(call.options, fallbacks=None), asked.group.alias

        def has_backup() -> bool:
            own = fallbacks.targets(settings, asked_next, own_options, None)
            return asker.stands_ready((*(target for _, target, _ in pending), *own), self._outages(), seen)

        run.has_backup = has_backup
        while pending and len(seen) <= settings.max_fallbacks and run.seconds_left() > 0:
            failed, target, reason = pending.popleft()
            name = fallbacks.target_name(target)
            if name in seen:
                continue
            seen.add(name)
            if not run.trial.fallback:
                self._rates.fell_back(run.trial.alias)
            run.trial.fallback = asked_next = name
            tell(self._listeners, FellBack(call.request_id, failed, name, reason))
            try:
                return await run.ask(asker.fallback(call, target, asked.home))
            except APIError as following:
                own = fallbacks.targets(settings, name, own_options, following)
                pending.extend((name, further, type(following).__name__) for further in own)
            except DragomanError:
                continue
        return None

    def _outages(self) -> Mapping[str, Outage]:
        return self.store.view().outages

    async def _shadow(self, call: Call, model: str, seconds: float) -> Answer | StreamAnswer:
        """Asked once, with a key of its own, and told to nobody."""
        asker = self.asker
        trial = replace(self._trial(call, asker), listeners=())
        return await ask_once(asker.fallback(call, model, ""), trial, self._seeker(call), seconds)
