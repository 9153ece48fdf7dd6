"""The router: an alias, or a model string, becomes deployments; a call becomes an answer."""

from __future__ import annotations

import fnmatch
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dragoman.errors import (
    APIError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DragomanError,
    NotFoundError,
)
from dragoman.models import Catalogue, facts
from dragoman.models.tokens import warm_up as load_vocabularies
from dragoman.observe import Failed, Listener, tell
from dragoman.providers import Providers
from dragoman.routing._call import NO_OPTIONS, Answer, Attempt, Call, CallOptions, StreamAnswer
from dragoman.routing._clock import Clock
from dragoman.routing._deployment import Deployment
from dragoman.routing._options import away_from_home, split
from dragoman.routing._pricing import looked_up, only_priced, with_prices
from dragoman.routing._run import Group, Run
from dragoman.routing._settings import FallbackTarget, RouterSettings
from dragoman.routing._transports import Transports
from dragoman.transport import Transport

__all__ = ["Router"]

_NOT_REMOTE = (
    *("api_base", "api_key", "custom_llm_provider", "extra_headers", "extra_query", "api_version"),
    *("prices", "base_model"),
)
_NOTHING: tuple[str, ...] = ()
_WILD = frozenset("*?[")


class Router:
    """Sends calls to deployments. One router serves any number of threads and event loops, each with its own connections.

    `allow_unlisted` says whether a model that is no alias may be asked as `provider/model`. Further keyword arguments go to
    each `Transport`."""

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
        **transport_options: Any,
    ) -> None:
        self.settings = settings or RouterSettings()
        self.providers = providers or Providers()
        self.catalogue = Catalogue() if catalogue is None else catalogue
        self._listeners = tuple(listeners)
        self._allow_unlisted = allow_unlisted
        self._clock = clock or Clock()
        self._transports = Transports(lambda: Transport(**transport_options))
        self._groups = _grouped(deployments)
        self._seen_version: int | None = None
        self._patterns = [alias for alias in self._groups if not _WILD.isdisjoint(alias)]

    @property
    def aliases(self) -> tuple[str, ...]:
        return tuple(self._groups)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(deployment for group in self._known().values() for deployment in group)

    async def answer(self, call: Call) -> Answer | StreamAnswer:
        """Raises `APIError` with the `attempts` that were made; a bad request is neither retried nor asked elsewhere."""
        if not call.request_id:
            call.request_id = f"req_{secrets.token_hex(12)}"
        attempts: list[Attempt] = []
        try:
            self._check_fallbacks(call.options.fallbacks)
            candidates = self._described(self.candidates(call.model, call.options), call, call.options)
            group = Group(candidates, call.request, call.options, candidates[0].provider.name)
            return await self._answer(self._run(call, group, attempts), group)
        except BaseException as error:
            if isinstance(error, DragomanError):
                error.attempts = tuple(attempts)
            tell(self._listeners, Failed(call.request_id, len(attempts), type(error).__name__))
            raise

    async def warm_up(self) -> None:
        """Do now what the first call would else have to wait for: import aiohttp and the codecs, read certificates,
        tables and the vocabularies of models whose tokens are counted here."""
        self._transports.here().open()
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
        await self._transports.aclose()

    def candidates(self, model: str, options: CallOptions = NO_OPTIONS) -> Sequence[Deployment]:
        """The deployments that answer to `model`, in order. Raises `NotFoundError` or `BadRequestError`."""
        known = self._known()
        found = known.get(model)
        if found is not None:
            return found
        pattern = next((pattern for pattern in self._patterns if fnmatch.fnmatchcase(model, pattern)), None)
        if pattern is not None:
            return [self._filled(deployment, model) for deployment in known[pattern]]
        if not self._allow_unlisted:
            raise NotFoundError(f"the model {model!r} does not exist here", param="model", model=model)
        provider, name = self.providers.resolve(model, options.custom_llm_provider)
        entry = self.catalogue.find(provider.name, name)
        return (Deployment(id=model, alias=model, provider=provider, model=name, entry=entry),)

    def _known(self) -> Mapping[str, tuple[Deployment, ...]]:
        """The deployments by alias, with what the catalogue says of their models by now."""
        version = self.catalogue.version
        if version != self._seen_version:
            groups = self._groups.items()
            self._groups = {alias: tuple(looked_up(item, self.catalogue) for item in group) for alias, group in groups}
            self._seen_version = version
        return self._groups

    def _filled(self, deployment: Deployment, model: str) -> Deployment:
        """A wildcard's deployment for one model: `*` in its model becomes what the caller's `*` stood for."""
        before, _, after = deployment.alias.partition("*")
        star = model[len(before) : len(model) - len(after)] if model.startswith(before) else model
        star = star.removeprefix(f"{deployment.provider.name}/")
        filled = replace(deployment, alias=model, model=deployment.model.replace("*", star))
        return looked_up(filled, self.catalogue)

    def _described(self, candidates: Sequence[Deployment], call: Call, options: CallOptions) -> Sequence[Deployment]:
        """With the prices that the call itself brings, and without those that may not be asked as nobody knows their price."""
        if options.prices or options.base_model:
            candidates = with_prices(candidates, options, self.catalogue)
        if self.settings.block_requests_for_models_without_pricing and call.operation != "count_tokens":
            candidates = only_priced(candidates)
        return candidates

    def _run(self, call: Call, group: Group, attempts: list[Attempt]) -> Run:
        options, own = call.options, group.deployments[0].options
        retries = options.num_retries if options.num_retries is not None else own.num_retries
        return Run(
            call=call,
            settings=self.settings,
            clock=self._clock,
            transport=self._transports.here,
            listeners=self._listeners,
            deadline=self._clock.monotonic() + (options.timeout or self.settings.timeout),
            retries_left=self.settings.num_retries if retries is None else retries,
            attempts=attempts,
        )

    async def _answer(self, run: Run, group: Group) -> Answer | StreamAnswer:
        run.impatient = any(True for _ in self._targets(run.call, group.deployments[0], None))
        try:
            return await run.ask(group)
        except APIError as error:
            first = error
        for target in self._targets(run.call, group.deployments[0], first):
            if run.seconds_left() <= 0:
                break
            try:
                return await run.ask(self._fallback(run.call, target, group.home))
            except DragomanError:
                continue  # the attempts tell of it; the caller hears why the model that was asked for failed
        try:
            raise first
        finally:
            del first  # its traceback holds this frame: they must not hold each other

    def _targets(self, call: Call, primary: Deployment, error: APIError | None) -> Iterator[FallbackTarget]:
        """The fallbacks for this error: the call's own, or else the router's. At most `max_fallbacks`."""
        settings, alias = self.settings, primary.alias
        general = call.options.fallbacks
        if general is None:
            general = settings.fallbacks.get(alias) or settings.fallbacks.get("*") or settings.default_fallbacks
        special: Mapping[str, tuple[FallbackTarget, ...]] = {}
        if isinstance(error, ContextWindowExceededError):
            special = settings.context_window_fallbacks
        elif isinstance(error, ContentPolicyViolationError):
            special = settings.content_policy_fallbacks
        elif error is not None and not _fails_over(error):
            return
        chosen = special.get(alias) or special.get("*") or general
        for target in chosen[: settings.max_fallbacks]:
            if target != call.model:
                yield target

    def _fallback(self, call: Call, target: FallbackTarget, home: str) -> Group:
        own: dict[str, Any] = {}
        request = call.request
        if not isinstance(target, str):
            parts = split({name: value for name, value in target.items() if name != "model"}, "fallbacks")
            own, request = parts.options, {**request, **parts.rest} if parts.rest else request
            target = str(target["model"])
        options, left_out = replace(call.options, custom_llm_provider=own.get("custom_llm_provider")), _NOTHING
        if options.prices or options.base_model:
            options = replace(options, prices={}, base_model=None)  # they are the first model's
        candidates = self.candidates(target, options)
        there = candidates[0].provider.name
        if there != home:
            options, left_out = away_from_home(options)
        options = replace(options, **own) if own else options
        return Group(self._described(candidates, call, options), request, options, there, left_out)

    def _check_fallbacks(self, targets: Sequence[FallbackTarget] | None) -> None:
        """Those that come with a call. A remote caller says which listed model is asked, never where a key goes
        or what it costs."""
        for position, target in enumerate(targets or ()):
            if self._allow_unlisted:
                self._check_target(target, f"fallbacks[{position}]")
            if isinstance(target, str):
                continue
            parts = split({name: value for name, value in target.items() if name != "model"}, "fallbacks")
            for path, message in parts.problems:
                raise BadRequestError(f"{path}: {message}", param=path)
            named = next((name for name in _NOT_REMOTE if name in parts.options), None)
            if named is not None and not self._allow_unlisted:
                named = next(iter(parts.options["prices"])) if named == "prices" else named
                raise BadRequestError(f"fallbacks.{named}: cannot be set here", param=f"fallbacks.{named}")

    def _check_target(self, target: FallbackTarget, path: str) -> None:
        """A mistyped fallback is told at once, not on the day when it is needed."""
        own = {} if isinstance(target, str) else target
        try:
            self.candidates(
                str(own.get("model", target)), CallOptions(custom_llm_provider=own.get("custom_llm_provider"))
            )
        except DragomanError as error:
            raise BadRequestError(f"{path}: {error.message}", param=path, code=error.code) from error


def _fails_over(error: APIError) -> bool:
    return error.retry_here or error.retry_elsewhere


def _grouped(deployments: Iterable[Deployment]) -> dict[str, tuple[Deployment, ...]]:
    groups: dict[str, list[Deployment]] = {}
    for deployment in deployments:
        groups.setdefault(deployment.alias, []).append(deployment)
    return {alias: tuple(sorted(group, key=lambda item: item.order)) for alias, group in groups.items()}
