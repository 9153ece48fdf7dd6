"""The settings of the server itself: `general_settings`, and what `litellm_settings` says of the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dragoman.gateway.http.body import BodyLimits
from dragoman.gateway.http.cors import origins
from dragoman.settings.readers import at_least, boolean, seconds, secret, text
from dragoman.settings.setting import setting

__all__ = ["ServerSettings"]


def _path(value: Any, path: str) -> Path:
    return Path(text(value, path))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Times are seconds. Each field is a setting (see `dragoman.settings.setting`), or a record of settings."""

    master_key: str | None = setting(
        None,
        secret,
        "the key of the callers. Fewer than 16 characters are refused; words from tutorials (`example`, `sk-1234`, ...) do not "
        "count",
        shown="`DRAGOMAN_MASTER_KEY` or `LITELLM_MASTER_KEY` in the environment",
        is_secret=True,
    )
    permit_weak_key: bool = setting(
        False,
        boolean,
        "allow a weak key, or a public address without any key, with a warning",
        name="dangerously_permit_weak_or_unset_master_key",
    )
    limits: BodyLimits = field(default_factory=BodyLimits)
    keep_alive_seconds: float = setting(
        15.0,
        seconds,
        "a silent stream gets a comment this often (an empty line for Google's clients, which cannot read comments), also "
        "before the provider has answered",
        also=("litellm_settings.sse_keepalive_ping_interval_seconds",),
    )
    drain_seconds: float = setting(30.0, at_least(0, "seconds"), "how long running calls may take after SIGTERM")
    log_requests: bool = setting(
        False, boolean, "log a line for each request: method, path, status, model, provider, attempts, cost, time"
    )
    cors_origins: frozenset[str] = setting(
        frozenset(),
        origins,
        '`["https://app.example.com"]`, or `*`: web pages of these origins may call, and read answers, errors and all headers. '
        "Browsers' preflight requests are answered without a key. Off by default; `*` needs a `master_key`. A key in a web "
        "page is everybody's key",
        kind="origins",
    )
    prices_file: Path | None = setting(
        None,
        _path,
        "prices and facts of your own, relative to this file; see "
        "[prices of your own](configuration.md#prices-of-your-own)",
        kind="path",
    )
    verbose: bool = setting(
        False,
        boolean,
        "log debugging messages too (never keys or prompts), see [the log](observability.md#the-log)",
        name="set_verbose",
        section="litellm_settings",
    )
    json_logs: bool = setting(False, boolean, "log lines are JSON objects", section="litellm_settings")
    telemetry: bool = setting(False, boolean, "accepted; there is none", section="litellm_settings", shown="")
    include_cost_in_streaming_usage: bool = setting(
        False,
        boolean,
        "the usage at the end of a stream has its `cost`, see [what a call costs](endpoints.md#what-a-call-costs)",
        section="litellm_settings",
    )
