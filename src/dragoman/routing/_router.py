"""The router: an alias, or a model string, becomes deployments; a call becomes an answer."""

from __future__ import annotations

import functools
import secrets
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dragoman.errors import APIError, DragomanError
from dragoman.models import Catalogue, facts
from dragoman.models.tokens import warm_up as load_vocabularies
from dragoman.observe import FellBack, Listener, tell
from dragoman.providers import Providers
from dragoman.routing import _fallbacks
from dragoman.routing._affinity import affinity_of
from dragoman.routing._asked import Asked
from dragoman.routing._asker import Asker
from dragoman.routing._call import NO_OPTIONS, Answer, Call, CallOptions, StreamAnswer
from dragoman.routing._canary import Canaries
from dragoman.routing._checkup import Checkup
from dragoman.routing._clock import Clock
from dragoman.routing._conditions import route_of
from dragoman.routing._continue import may_continue, read_on
from dragoman.routing._defaults import with_defaults
from dragoman.routing._deployment import Deployment
from dragoman.routing._directory import Directory
from dragoman.routing._explain import Explainer
from dragoman.routing._explanation import Explanation
from dragoman.routing._fallback_rate import FallbackRate, FallbackRates
from dragoman.routing._health import Health
from dragoman.routing._mirror import Mirrors, ask_once
from dragoman.routing._queue import Line
from dragoman.routing._run import Run
from dragoman.routing._seek import Seeker
from dragoman.routing._settings import RouterSettings
from dragoman.routing._standing import Cooldown, RoutingState, cooldowns, routing_state
from dragoman.routing._state import store_at
from dragoman.routing._transports import Transports
from dragoman.routing._trial import Trial
from dragoman.routing.strategies import Strategy, limit_counters, reads_limits, strategy_of
from dragoman.transport import Transport

if TYPE_CHECKING:
    from dragoman.stores import Store

__all__ = ["Router"]

_NOTHING: tuple[str, ...] = ()


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
        self.settings = settings or RouterSettings()
        self.providers = providers or Providers()
        self.catalogue = Catalogue() if catalogue is None else catalogue
        given = tuple(listeners)
        self._clock = clock or Clock()
        self._rates = FallbackRates(self.settings.fallback_alert, self._clock.time, lambda event: tell(given, event))
        self.canaries = Canaries(self.settings.canary, self._clock, given)
        self._listeners: tuple[Listener, ...] = (*given, *self.canaries.listeners)
        self.store: Store = store_at(self.settings.redis, self._clock.time) if store is None else store
        self._owns_store = store is None
        # What the parts are given holds the settings, and not this router: a forgotten one must be freed at once.
        said, heard = self.settings, self._listeners
        strategy = strategy_of(said.strategy, "routing_strategy", said.strategy_args)
        self.health = Health(self.store, said.health, lambda event: tell(heard, event))
        self.line = Line()
        self._transports = Transports(lambda: Transport(**transport_options))
        self._directory = self._listed(deployments, strategy, allow_unlisted=allow_unlisted)
        self.asker = Asker(
            settings=said,
            directory=self._directory,
            catalogue=self.catalogue,
            clock=self._clock,
            affinity=affinity_of(said.affinity, strategy, self._clock.time),
            is_open=allow_unlisted,
        )
        if reads_limits(strategy):
            counters = [counter for item in self.deployments for counter in limit_counters(item)]
            self.store.watch(counters, by=f"router-{secrets.token_hex(4)}")
        self.checkup = Checkup(
            policy=said.health_check,
            groups=self._directory.groups,
            health=self.health,
            transport=self._transports.here,
            clock=self._clock,
            listeners=heard,
        )
        self.mirrors = Mirrors(said.mirror, self.deployments, self._clock, heard)
        self._directory.check(*((f"{it.path}.use", it.use) for it in said.routes), *self.mirrors.targets)

    def _listed(self, deployments: Iterable[Deployment], strategy: Strategy, *, allow_unlisted: bool) -> Directory:
        said = self.settings  # and not this router: see above
        return Directory(
            with_defaults(deployments, said),
            self.providers,
            self.catalogue,
            lambda alias: strategy,
            lambda alias: any(True for _ in _fallbacks.targets(said, alias, NO_OPTIONS, None)),
            allow_unlisted=allow_unlisted,
            checks=replace(said.checks, drop_params=said.drop_params),
            canaries=self.canaries,
            names=said.model_group_alias,
        )

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
        trial = self._trial(call)
        try:
            await self.store.open()
            self.checkup.start()
            self.asker.check_fallbacks(call.options.fallbacks)
            answer = await self._answer(trial, self.asker.asked(call))
            self.mirrors.answered(call, trial.alias, answer, self._shadow)
            self._rates.called(trial.alias)
            return answer
        except BaseException as error:
            if isinstance(error, DragomanError):
                error.attempts = tuple(trial.attempts)
            if trial.alias:
                self._rates.called(trial.alias)
            trial.tell_failed(error)
            raise

    async def explain(self, call: Call) -> Explanation:
        """What would happen to it now. Nothing is sent, claimed or learned. Raises `DragomanError` for a model or a fallback that
        nobody knows."""
        self.asker.check_fallbacks(call.options.fallbacks)
        asked, route = self.asker.asked(call), route_of(self.settings.routes, call)
        options, retries = self.asker.failing(asked)
        explainer = Explainer(
            asked=asked,
            trial=self._trial(call),
            options=options,
            retries=retries,
            route=None if route is None else route.path,
            fallback=lambda target: self.asker.fallback(call, target, asked.home),
        )
        return await explainer.explain()

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
        """Do now what the first call would else have to wait for: import aiohttp and the codecs, read certificates,
        tables and the vocabularies of models whose tokens are counted here."""
        await self.store.open()
        self._transports.here().open()
        self.checkup.start()
        for deployment in self.deployments:
            facts(deployment.provider.name, deployment.model)
            for operation in deployment.provider.endpoints:
                deployment.provider.endpoints.get(operation)
        load_vocabularies(
            deployment.entry.model if deployment.entry is not None else deployment.model
            for deployment in self.deployments
            if "count_tokens" not in deployment.provider.endpoints
        )

    async def aclose(self) -> None:
        """Close the connections that belong to the running event loop."""
        await self.checkup.aclose()
        await self.mirrors.aclose()
        await self._transports.aclose()
        if self._owns_store:
            await self.store.close()

    def _trial(self, call: Call) -> Trial:
        return Trial(
            call=call,
            settings=self.settings,
            clock=self._clock,
            transport=self._transports.here,
            listeners=self._listeners,
            store=self.store,
            health=self.health,
            line=self.line,
        )

    def _seeker(self, call: Call) -> Seeker:
        return Seeker(self.store, self.health, call.request_id)

    async def _answer(self, trial: Trial, asked: Asked) -> Answer | StreamAnswer:
        call, trial.alias, trial.continues = trial.call, asked.group.alias, may_continue(asked, self.settings)
        options, retries = self.asker.failing(asked)
        run = Run(
            trial=trial,
            seeker=self._seeker(call),
            deadline=self._clock.monotonic() + (options.timeout or self.settings.timeout),
            retries_left=retries,
            has_backup=lambda: self._stands_ready(asked.group.alias, options, call.model),
        )
        elsewhere = functools.partial(self._elsewhere, run, asked, options=options)
        try:
            mock = _fallbacks.mock_failure(options, call.model)
            if mock is not None:
                raise mock
            return read_on(await run.ask(asked), run, asked, elsewhere)
        except APIError as error:
            first = error
        answer = await elsewhere(first)
        if answer is not None:
            return read_on(answer, run, asked, elsewhere)
        try:
            raise first
        finally:
            del first  # its traceback holds this frame: they must not hold each other

    async def _elsewhere(
        self, run: Run, asked: Asked, error: APIError, options: CallOptions
    ) -> Answer | StreamAnswer | None:
        """The answer of a fallback, or of a fallback's own; None where they fail too: the attempts tell of it, and the caller
        hears why the model that was asked for failed."""
        call = run.trial.call
        found = _fallbacks.targets(self.settings, asked.group.alias, options, error, call.model)
        pending = deque((asked.group.alias, target, type(error).__name__) for target in found)
        seen = {asked.group.alias}
        own_options, asked_next = replace(call.options, fallbacks=None), asked.group.alias
        run.has_backup = lambda: bool(pending) or self._stands_ready(asked_next, own_options, asked_next, seen)
        while pending and len(seen) <= self.settings.max_fallbacks and run.seconds_left() > 0:
            failed, target, reason = pending.popleft()
            name = _fallbacks.target_name(target)
            if name in seen:
                continue
            seen.add(name)
            if not run.trial.fallback:
                self._rates.fell_back(run.trial.alias)
            run.trial.fallback = asked_next = name
            tell(self._listeners, FellBack(call.request_id, failed, name, reason))
            try:
                return await run.ask(self.asker.fallback(call, target, asked.home))
            except APIError as following:
                own = _fallbacks.targets(self.settings, name, own_options, following)
                pending.extend((name, further, type(following).__name__) for further in own)
            except DragomanError:
                continue
        return None

    def _stands_ready(self, alias: str, options: CallOptions, called: str, seen: Collection[str] = ()) -> bool:
        """Whether a fallback, which is none of those that were `seen`, has a deployment that is well."""
        outages = self.store.view().outages
        for target in _fallbacks.targets(self.settings, alias, options, None, called):
            if _fallbacks.target_name(target) in seen:
                continue
            try:
                group = self._directory.group(_fallbacks.target_name(target), NO_OPTIONS)
            except DragomanError:
                continue
            if any(member.outage(outages) is None for member in group.regular.members):
                return True
        return False

    async def _shadow(self, call: Call, model: str, seconds: float) -> Answer | StreamAnswer:
        """Asked once, with a key of its own, and told to nobody."""
        trial = replace(self._trial(call), listeners=())
        return await ask_once(self.asker.fallback(call, model, ""), trial, self._seeker(call), seconds)
